//! Table `external_system`: whose a system is.

use sea_orm::entity::prelude::*;

use crate::key::System;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "external_system")]
pub struct Model {
    /// Its name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub system: System,
    /// Who holds it.
    pub account: Uuid,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
