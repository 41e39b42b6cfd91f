//! Table `agency`.

use sea_orm::entity::prelude::*;

use super::Kinds;
use crate::{key::AgencyId, listing::Categories, text::Texts};

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agency")]
pub struct Model {
    /// Short name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgencyId,
    /// What it is called.
    pub name: Texts,
    /// Kinds it answers for.
    pub kinds: Kinds,
    /// Categories it answers for.
    pub categories: Categories,
}

impl ActiveModelBehavior for ActiveModel {}
