//! Table `audit_value`.

use sea_orm::entity::prelude::*;

/// The row: what an erasure may take away.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_value")]
pub struct Model {
    /// Of which entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// What it is: `actor`, `agency`, `reason`, `before`, `after` …
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// What was hashed before it, hexadecimal.
    pub salt: String,
    /// The value, JSON.
    #[sea_orm(column_type = "Text")]
    pub value: String,
}

impl ActiveModelBehavior for ActiveModel {}
