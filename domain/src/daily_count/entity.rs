//! Table `daily_count`.

use sea_orm::entity::prelude::*;

use super::What;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "daily_count")]
pub struct Model {
    /// On which day in Bantul.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: Date,
    /// What happened.
    #[sea_orm(primary_key, auto_increment = false)]
    pub what: What,
    /// To which listing, or with which word.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// In which area; empty where that was not asked.
    #[sea_orm(primary_key, auto_increment = false)]
    pub area: String,
    /// How often.
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
