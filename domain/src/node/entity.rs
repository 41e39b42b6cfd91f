//! Table `node`.

use sea_orm::entity::prelude::*;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "node")]
pub struct Model {
    /// Which one: made when it starts.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it was last heard of; the epoch once it has ended.
    pub seen_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
