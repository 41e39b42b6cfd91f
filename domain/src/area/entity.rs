//! Table `area`.

use sea_orm::entity::prelude::*;

use super::Level;
use crate::{key::AreaCode, text::Texts};

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "area")]
pub struct Model {
    /// Kemendagri code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: AreaCode,
    /// The edition of the code list.
    pub edition: String,
    /// The step of the hierarchy.
    pub level: Level,
    /// What it is called.
    pub name: Texts,
    /// The area that holds it.
    pub parent: Option<AreaCode>,
    /// RFC 7946 Polygon or `MultiPolygon`.
    pub polygon: Option<Json>,
    /// Where code and polygon come from.
    #[sea_orm(column_type = "Text")]
    pub source: String,
    /// SPDX id.
    pub licence: String,
}

impl ActiveModelBehavior for ActiveModel {}
