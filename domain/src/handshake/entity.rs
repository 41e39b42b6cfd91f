//! Table `handshake`.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "handshake")]
pub struct Model {
    /// SHA-256 of its `state`, hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    /// Whether somebody came back with it.
    pub used: bool,
    /// Until when somebody may.
    pub expires_at: DateTimeUtc,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
