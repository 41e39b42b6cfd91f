//! Table `maintainer`.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "maintainer")]
pub struct Model {
    /// Who.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: Uuid,
    /// What.
    #[sea_orm(primary_key, auto_increment = false)]
    pub listing: Uuid,
    /// Whether their changes to what their agency allows need no officer.
    pub trusted: bool,
    /// Since when.
    pub since: DateTimeUtc,
    /// Until when; absent: they still do.
    pub ended_at: Option<DateTimeUtc>,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
