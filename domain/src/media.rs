//! Media: a picture that somebody brought, known by its content.
//!
//! The row is a promise: every file of the picture lay in its place before the row was written.
//! How the files are made is in [`picture`]; where they lie is not known here.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::listing::json_list;

pub mod entity;
pub mod picture;

pub use entity::Model;

json_list! {
    /// Widths, pixels.
    Widths of u32
}

/// How many new pictures an account may bring within 24 hours: many more than a maker
/// has, few enough that nobody fills the disk in a night.
pub const MOST_A_DAY: u64 = 500;

/// The picture `id`.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(id.to_owned()).one(db).await
}

/// How many pictures `account` was the first to bring after `since`.
///
/// # Errors
/// When the database fails.
pub async fn brought(
    db: &impl ConnectionTrait,
    account: Uuid,
    since: DateTime<Utc>,
) -> Result<u64, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Account.eq(account))
        .filter(entity::Column::CreatedAt.gt(since))
        .count(db)
        .await
}

impl Model {
    /// The row of `picture`, whose bytes as they came have the SHA-256 `id`.
    pub fn new(id: String, account: Uuid, picture: &picture::Picture, now: DateTime<Utc>) -> Self {
        let side = |pixels: u32| i32::try_from(pixels).expect("a side is at most 15,360 pixels");
        Self {
            id,
            account,
            width: side(picture.width),
            height: side(picture.height),
            thumbhash: picture.thumbhash.clone(),
            widths: Widths(picture.widths.clone()),
            created_at: now,
            version: 1,
        }
    }
}
