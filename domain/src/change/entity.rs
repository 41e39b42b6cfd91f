//! Table `change`.

use sea_orm::entity::prelude::*;

use super::{Kind, What};

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "change")]
pub struct Model {
    /// Position in the log.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// What kind of thing changed.
    pub kind: Kind,
    /// Which one: a listing's id, or a code.
    pub subject: String,
    /// What happened to it.
    pub what: What,
    /// The version it has since; 0 where there are no versions.
    pub version: i64,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
