//! Table `holiday`.

use sea_orm::entity::prelude::*;

use super::{Certainty, Kind};
use crate::text::Texts;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "holiday")]
pub struct Model {
    /// The day, in Indonesia.
    #[sea_orm(primary_key, auto_increment = false)]
    pub date: Date,
    /// What kind of free day it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: Kind,
    /// What is kept.
    pub name: Texts,
    /// How sure the date is.
    pub certainty: Certainty,
    /// Who says so.
    #[sea_orm(column_type = "Text")]
    pub source: String,
}

impl ActiveModelBehavior for ActiveModel {}
