//! Upload: a picture on its way over a bad line, in as many parts as it takes.
//!
//! The row says who may send what until when. How much has come is the length of a file, which is
//! not known here: a row would have to be written for each part, and could be wrong.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::audit::digest;

pub mod entity;

pub use entity::Model;

/// How long a ticket lasts: whoever waits for a signal finds one within a day.
pub const LASTS: TimeDelta = TimeDelta::hours(24);
/// How many uploads of an account may be open at once.
pub const MOST_OPEN: usize = 10;
/// How many bytes the open uploads of an account may come to.
pub const MOST_BYTES: u64 = 60_000_000;

/// The upload that `ticket` is for, open or not.
///
/// # Errors
/// When the database fails.
pub async fn by_ticket(db: &impl ConnectionTrait, ticket: &str) -> Result<Option<Model>, DbErr> {
    // By digest: how long the look-up takes says nothing of any ticket.
    entity::Entity::find().filter(entity::Column::Hash.eq(digest(ticket))).one(db).await
}

/// The uploads of `account` that are open at `now`.
///
/// # Errors
/// When the database fails.
pub async fn open(
    db: &impl ConnectionTrait,
    account: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Account.eq(account))
        .filter(entity::Column::EndedAt.is_null())
        .filter(entity::Column::ExpiresAt.gt(now))
        .all(db)
        .await
}

impl Model {
    /// An upload of `size` bytes that `ticket` opens from `now`.
    pub fn new(
        id: Uuid,
        account: Uuid,
        ticket: &str,
        (size, sha256): (i64, Option<String>),
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            account,
            hash: digest(ticket),
            size,
            sha256,
            media: None,
            created_at: now,
            expires_at: now + LASTS,
            ended_at: None,
            version: 1,
        }
    }

    /// Whether its ticket opens anything at `now`.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }

    /// The same, used up at `now`, and the picture that came of it.
    #[must_use]
    pub fn ended(self, media: Option<String>, now: DateTime<Utc>) -> Self {
        Self { media, ended_at: Some(now), version: self.version + 1, ..self }
    }
}
