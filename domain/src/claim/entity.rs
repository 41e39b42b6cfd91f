//! Table `claim`.

use sea_orm::entity::prelude::*;

use super::Status;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "claim")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What somebody asks to keep.
    pub listing: Uuid,
    /// Who.
    pub account: Uuid,
    /// Why they may.
    #[sea_orm(column_type = "Text")]
    pub evidence: String,
    /// What became of it.
    pub status: Status,
    /// Why it was decided so, for who asked.
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
