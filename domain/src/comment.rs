//! Comment: what officers say to each other about something that waits.

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

pub mod entity;

pub use entity::Model;

/// The longest, characters.
pub const MAX: usize = 2000;

/// What was said about a review, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn on(db: &impl ConnectionTrait, review: Uuid) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Review.eq(review))
        .order_by_asc(entity::Column::Id)
        .all(db)
        .await
}
