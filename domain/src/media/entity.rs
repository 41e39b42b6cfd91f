//! Table `media`.

use sea_orm::entity::prelude::*;

use super::Widths;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "media")]
pub struct Model {
    /// SHA-256 of the picture as it came, hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Who brought it first.
    pub account: Uuid,
    /// Of the largest file, upright, pixels.
    pub width: i32,
    /// The same.
    pub height: i32,
    /// A likeness of some 25 bytes, base64.
    pub thumbhash: String,
    /// The widths it can be had in, pixels, ascending.
    pub widths: Widths,
    /// When it came.
    pub created_at: DateTimeUtc,
    /// Always 1: of two who bring it at the same moment the second is told so.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
