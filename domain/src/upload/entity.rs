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
    /// SHA-256 of the ticket, hexadecimal: the ticket itself is nowhere.
    #[sea_orm(unique)]
    pub hash: String,
    /// How long the picture is, bytes.
    pub size: i64,
    /// SHA-256 that the bytes are to have, hexadecimal.
    pub sha256: Option<String>,
    /// The picture it became.
    pub media: Option<String>,
    /// When it began.
    pub created_at: DateTimeUtc,
    /// When the ticket ends by itself.
    pub expires_at: DateTimeUtc,
    /// When it was used up, whatever came of it.
    pub ended_at: Option<DateTimeUtc>,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
