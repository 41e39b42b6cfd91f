//! Node: a running program on this database, and whether it lives.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter};

pub mod entity;

pub use entity::Model;

/// For how long one that is not heard of counts as alive: it may miss two beats of five seconds.
pub const ALIVE: TimeDelta = TimeDelta::seconds(15);
/// For how long its row is kept.
const KEPT: TimeDelta = TimeDelta::days(1);

/// How many live at `now`.
///
/// # Errors
/// When the database fails.
pub async fn alive(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64, DbErr> {
    entity::Entity::find().filter(entity::Column::SeenAt.gt(now - ALIVE)).count(db).await
}

/// Forgets those that were not heard of for a day.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    let over = entity::Column::SeenAt.lt(now - KEPT);
    entity::Entity::delete_many().filter(over).exec(db).await?;
    Ok(())
}
