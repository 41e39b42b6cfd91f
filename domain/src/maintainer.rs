//! Maintainer: an account that keeps a listing.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

pub mod entity;

pub use entity::Model;

impl Model {
    /// Somebody who keeps `listing` from `now` on.
    pub fn new(account: Uuid, listing: Uuid, now: DateTime<Utc>) -> Self {
        Self { account, listing, trusted: false, since: now, ended_at: None, version: 1 }
    }
}

/// Whether and how `account` keeps `listing`.
///
/// # Errors
/// When the database fails.
pub async fn of(
    db: &impl ConnectionTrait,
    account: Uuid,
    listing: Uuid,
) -> Result<Option<Model>, DbErr> {
    let row = entity::Entity::find_by_id((account, listing)).one(db).await?;
    Ok(row.filter(|row| row.ended_at.is_none()))
}

/// The same, ended or not: whoever comes back goes on with that row.
///
/// # Errors
/// When the database fails.
pub async fn ever(
    db: &impl ConnectionTrait,
    account: Uuid,
    listing: Uuid,
) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id((account, listing)).one(db).await
}

/// What `account` keeps, by id.
///
/// # Errors
/// When the database fails.
pub async fn listings_of(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Account.eq(account))
        .filter(entity::Column::EndedAt.is_null())
        .order_by_asc(entity::Column::Listing)
        .all(db)
        .await
}

/// Who keeps `listing`.
///
/// # Errors
/// When the database fails.
pub async fn keepers_of(db: &impl ConnectionTrait, listing: Uuid) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Listing.eq(listing))
        .filter(entity::Column::EndedAt.is_null())
        .all(db)
        .await
}
