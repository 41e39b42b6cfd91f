//! Table `sign_in`.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in")]
pub struct Model {
    /// SHA-256 of the e-mail address or phone number, hexadecimal: who asked and never came in
    /// leaves no address behind.
    #[sea_orm(primary_key, auto_increment = false)]
    pub address: String,
    /// Argon2id of the code sent last; none once it was used.
    #[sea_orm(column_type = "Text", nullable)]
    pub hash: Option<String>,
    /// How often a code was tried; right or wrong is known only afterwards.
    pub tries: i32,
    /// How many codes were sent, each within an hour after the one before.
    pub sent: i32,
    /// When the code ends.
    pub expires_at: DateTimeUtc,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
