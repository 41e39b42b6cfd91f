//! Table `former_slug`: slugs that listings had; each still leads to its listing.

use sea_orm::entity::prelude::*;

use crate::key::Slug;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "former_slug")]
pub struct Model {
    /// The slug it had.
    #[sea_orm(primary_key, auto_increment = false)]
    pub slug: Slug,
    /// Whose it was.
    pub listing: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
