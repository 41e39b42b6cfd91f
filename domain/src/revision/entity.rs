//! Table `revision`.

use sea_orm::entity::prelude::*;

use super::{Members, Status};

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "revision")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Of what.
    pub listing: Uuid,
    /// By whom; absent once they were forgotten.
    pub author: Option<Uuid>,
    /// The version it was made from.
    pub base_version: i64,
    /// The version it made.
    pub result_version: Option<i64>,
    /// What became of it.
    pub status: Status,
    /// The members it changes, as they are to be; null takes one away.
    pub patch: Members,
    /// The same members as they were in the version it was made from.
    pub before: Members,
    /// Why it was decided so, for its author.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// By whom.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
