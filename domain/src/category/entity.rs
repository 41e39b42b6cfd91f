//! Table `category`.

use sea_orm::entity::prelude::*;

use super::Words;
use crate::{key::CategoryCode, text::Texts};

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "category")]
pub struct Model {
    /// Dotted path from the root.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: CategoryCode,
    /// The node above.
    pub parent: Option<CategoryCode>,
    /// What it is called.
    pub name: Texts,
    /// Other words for it.
    pub words: Words,
    /// OSM tag, such as `natural=beach`.
    pub osm: Option<String>,
    /// schema.org type.
    pub schema_org: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
