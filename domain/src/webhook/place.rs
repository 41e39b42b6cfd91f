//! Table `webhook_place`: how far along the log a webhook was told. Apart from the webhook itself,
//! so that its owner and the log do not get into each other's way.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_place")]
pub struct Model {
    /// Whose place.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook: Uuid,
    /// Where it is: a cursor of the changes.
    #[sea_orm(column_type = "Text")]
    pub cursor: String,
    /// How many deliveries were made for it so far.
    pub made: i64,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
