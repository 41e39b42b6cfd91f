//! Webhook: somebody who is told at an address of theirs what happens to listings.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::{listing::stored_vocabulary, scope::Scope};

pub mod entity;
pub mod place;

pub use entity::Model;

stored_vocabulary! {
    /// Whether it is told.
    Status {
        /// It is.
        Active = "active",
        /// Not for now: its owner said so, or it took nothing for three days.
        Paused = "paused",
        /// Never again: its owner deleted it, or it answered 410.
        Ended = "ended",
    }
}

/// The most that one account has.
pub const MOST: usize = 20;
/// The longest address, characters.
pub const URL_MAX: usize = 1000;
/// The longest note, characters.
pub const NOTE_MAX: usize = 200;
/// For how long deliveries are signed with the old secret as well.
pub const OVERLAP: TimeDelta = TimeDelta::days(1);

/// The webhook `id`.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(id).one(db).await
}

/// Where the webhook `id` is.
///
/// # Errors
/// When the database fails.
pub async fn place(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<place::Model>, DbErr> {
    place::Entity::find_by_id(id).one(db).await
}

/// The webhooks of an account that have not ended, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Account.eq(account))
        .filter(entity::Column::Status.ne(Status::Ended))
        .order_by_asc(entity::Column::Id)
        .all(db)
        .await
}

/// Those that are told.
///
/// # Errors
/// When the database fails.
pub async fn active(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    let active = entity::Column::Status.eq(Status::Active);
    entity::Entity::find().filter(active).order_by_asc(entity::Column::Id).all(db).await
}

impl Model {
    /// A webhook of `account`, made at `now`.
    pub fn new(
        id: Uuid,
        account: Uuid,
        url: String,
        scope: Scope,
        secret: String,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            account,
            url,
            note: None,
            scope,
            status: Status::Active,
            secret,
            old_secret: None,
            old_until: None,
            created_at: now,
            version: 1,
        }
    }

    /// The same at its next version.
    #[must_use]
    pub fn changed(self) -> Self {
        Self { version: self.version + 1, ..self }
    }

    /// The same with a new secret; the old one holds for [`OVERLAP`].
    #[must_use]
    pub fn rotated(self, secret: String, now: DateTime<Utc>) -> Self {
        let (old_secret, old_until) = (Some(self.secret), Some(now + OVERLAP));
        Self { secret, old_secret, old_until, version: self.version + 1, ..self }
    }

    /// The secrets that a delivery at `now` is signed with, the newest first.
    pub fn secrets(&self, now: DateTime<Utc>) -> impl Iterator<Item = &str> {
        let old = self.old_secret.as_deref().filter(|_| self.old_until.is_some_and(|at| now < at));
        std::iter::once(self.secret.as_str()).chain(old)
    }
}

impl place::Model {
    /// The same, further on by `made` deliveries.
    #[must_use]
    pub fn moved(self, cursor: String, made: i64) -> Self {
        Self { cursor, made: self.made + made, version: self.version + 1, ..self }
    }
}
