//! Media: a picture that somebody brought, known by its content.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait};

use crate::listing::json_list;
use serde::{Deserialize, Serialize};

pub mod entity;

pub use entity::Model;

json_list! {
    /// Widths, pixels.
    Widths of u32
}

/// The picture `id`.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(id.to_owned()).one(db).await
}
