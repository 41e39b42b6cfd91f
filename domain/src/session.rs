//! Session: an open door for one device of an account; its token is kept as a digest only.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::{account, audit::digest};

pub mod entity;

pub use entity::Model;

/// How long a session lasts: a season, so that who works with wet hands seldom signs in anew.
pub const LASTS: TimeDelta = TimeDelta::days(90);

/// The session that `token` opens at `now`, with its account; none where it ended or never was.
///
/// # Errors
/// When the database fails.
pub async fn opened_by(
    db: &impl ConnectionTrait,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<(Model, account::Model)>, DbErr> {
    // By digest: how long the look-up takes says nothing of any token.
    let session =
        entity::Entity::find().filter(entity::Column::Hash.eq(digest(token))).one(db).await?;
    let Some(session) = session.filter(|session| session.is_open(now)) else { return Ok(None) };
    let account = account::get(db, session.account).await?;
    Ok(account.filter(|account| account.erased_at.is_none()).map(|account| (session, account)))
}

/// The session `id`.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(id).one(db).await
}

/// The sessions of an account that are open at `now`, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn of(
    db: &impl ConnectionTrait,
    account: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Model>, DbErr> {
    let all = entity::Entity::find()
        .filter(entity::Column::Account.eq(account))
        .order_by_desc(entity::Column::CreatedAt)
        .all(db)
        .await?;
    Ok(all.into_iter().filter(|session| session.is_open(now)).collect())
}

impl Model {
    /// A session of `account` opened at `now` by `token`.
    pub fn new(
        id: Uuid,
        account: Uuid,
        token: &str,
        agent: Option<String>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            account,
            hash: digest(token),
            agent,
            created_at: now,
            expires_at: now + LASTS,
            revoked_at: None,
            version: 1,
        }
    }

    /// Whether it opens anything at `now`.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// The same, ended at `now`.
    #[must_use]
    pub fn revoked(self, now: DateTime<Utc>) -> Self {
        Self { revoked_at: Some(now), version: self.version + 1, ..self }
    }
}
