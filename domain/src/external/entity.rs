//! Table `external_record`.

use sea_orm::entity::prelude::*;

use crate::key::System;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "external_record")]
pub struct Model {
    /// Whose id it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub system: System,
    /// What the partner calls it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The listing that it names, for ever.
    pub listing: Uuid,
    /// When its partner deleted it, if it did and has not brought it again.
    pub deleted_at: Option<DateTimeUtc>,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
