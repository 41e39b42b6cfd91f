//! Message: a few sentences for somebody, written with what brought them about and sent afterwards.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait as _, QueryFilter, QueryOrder,
    QuerySelect,
};

pub mod entity;

pub use entity::Model;

use crate::text::Lang;
use uuid::Uuid;

/// How often sending is tried.
pub const TRIES: i32 = 12;

/// The pause after the first try that failed: longer than a try may take, so that nobody takes up
/// a message that somebody is sending.
const PAUSE: TimeDelta = TimeDelta::seconds(30);

impl Model {
    /// A message to `account`, written at `now`.
    pub fn new(
        id: Uuid,
        account: Uuid,
        lang: Lang,
        subject: impl Into<String>,
        text: impl Into<String>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            account,
            lang,
            subject: subject.into(),
            text: text.into(),
            tries: 0,
            created_at: now,
            sent_at: None,
            version: 1,
        }
    }

    /// When it is to be sent, or tried again: each pause is twice as long as the one before, the
    /// last one nine hours.
    pub fn due_at(&self) -> DateTime<Utc> {
        let pauses = (1_i32 << self.tries.clamp(0, TRIES)) - 1;
        self.created_at + PAUSE * pauses
    }

    /// The same, taken up by somebody who will try. Written before it is sent: of several nodes
    /// only one gets to write that.
    #[must_use]
    pub fn tried(self) -> Self {
        Self { tries: self.tries + 1, version: self.version + 1, ..self }
    }

    /// The same, sent or given up at `now`.
    #[must_use]
    pub fn done(self, now: DateTime<Utc>) -> Self {
        Self { sent_at: Some(now), version: self.version + 1, ..self }
    }
}

/// How many messages wait to be sent.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    entity::Entity::find().filter(entity::Column::SentAt.is_null()).count(db).await
}

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
