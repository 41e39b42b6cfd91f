//! Message: a few sentences for somebody, written with what brought them about and sent afterwards.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

pub mod entity;

pub use entity::Model;

/// How often sending is tried.
pub const TRIES: i32 = 12;

/// The messages that wait to be sent, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn unsent(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::SentAt.is_null())
        .order_by_asc(entity::Column::CreatedAt)
        .limit(limit)
        .all(db)
        .await
}
