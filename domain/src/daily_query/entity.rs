//! Table `daily_query`.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "daily_query")]
pub struct Model {
    /// On which day in Bantul.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: Date,
    /// The words, folded, with a space between them.
    #[sea_orm(primary_key, auto_increment = false)]
    pub text: String,
    /// How often.
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
