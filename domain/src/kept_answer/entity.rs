//! Table `kept_answer`.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "kept_answer")]
pub struct Model {
    /// SHA-256 of who asked and their `Idempotency-Key`, hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// SHA-256 of what was asked: method, path and body.
    pub request: String,
    /// Of the answer.
    pub status: i32,
    /// `ETag` and `Location` of the answer.
    pub headers: Json,
    /// The answer.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// When.
    pub at: DateTimeUtc,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
