//! Kept answer: what a write with an `Idempotency-Key` was answered, to be said again for a day.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

pub mod entity;

pub use entity::Model;

/// How long an answer is kept (draft-ietf-httpapi-idempotency-key-header leaves it to the service).
pub const LASTS: TimeDelta = TimeDelta::hours(24);

/// The answer kept under `key`, though it may have aged.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, key: &str) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(key.to_owned()).one(db).await
}

/// Forgets the answers that no longer hold at `now`.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    let over = entity::Column::At.lte(now - LASTS);
    entity::Entity::delete_many().filter(over).exec(db).await?;
    Ok(())
}

impl Model {
    /// Whether it still holds at `now`.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        now < self.at + LASTS
    }
}
