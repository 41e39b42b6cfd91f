//! Table `api_key_use`: how often a key was used on a day.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key_use")]
pub struct Model {
    /// Which key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: Uuid,
    /// The day in Bantul.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: Date,
    /// How many requests.
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
