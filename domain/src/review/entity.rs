//! Table `review`.

use sea_orm::entity::prelude::*;

use super::What;
use crate::key::AgencyId;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "review")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What waits.
    pub what: What,
    /// Which listing, revision or claim that is.
    pub subject: Uuid,
    /// The listing it is about.
    pub listing: Uuid,
    /// Whose officers decide; absent: any administrator.
    pub agency: Option<AgencyId>,
    /// The officer who has taken it up.
    pub assignee: Option<Uuid>,
    /// Since when it waits.
    pub opened_at: DateTimeUtc,
    /// When it was decided or taken back.
    pub closed_at: Option<DateTimeUtc>,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
