//! Table `identity`.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "identity")]
pub struct Model {
    /// SHA-256 of issuer and subject, hexadecimal: a subject may be the number of an official.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    /// Which account they are.
    pub account: Uuid,
    /// Which provider it is.
    pub issuer: String,
    /// Since when.
    pub since: DateTimeUtc,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
