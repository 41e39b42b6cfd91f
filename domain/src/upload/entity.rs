//! Table `upload`.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "upload")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub account: Uuid,
    /// SHA-256 of the ticket, hexadecimal.
    pub hash: String,
    /// How long the picture is, bytes.
    pub size: i64,
    /// The picture it became.
    pub media: Option<String>,
    /// When it began.
    pub created_at: DateTimeUtc,
    /// When the ticket ends.
    pub expires_at: DateTimeUtc,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
