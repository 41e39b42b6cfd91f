//! Table `webhook`.

use sea_orm::entity::prelude::*;

use super::Status;
use crate::scope::Scope;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub account: Uuid,
    /// Where it is told.
    #[sea_orm(column_type = "Text")]
    pub url: String,
    /// What its owner calls it.
    pub note: Option<String>,
    /// What it is told of.
    #[sea_orm(column_type = "Json")]
    pub scope: Scope,
    /// Whether it is told.
    pub status: Status,
    /// What deliveries are signed with: the key itself, for a signature needs it.
    #[sea_orm(column_type = "Text")]
    pub secret: String,
    /// The one before, with which they are signed as well for a while.
    #[sea_orm(column_type = "Text", nullable)]
    pub old_secret: Option<String>,
    /// Until when.
    pub old_until: Option<DateTimeUtc>,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
