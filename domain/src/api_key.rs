//! API key: what a partner's program is known by. It is kept as a digest only.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait,
    IntoActiveModel as _, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    audit::digest,
    daily_count::KEPT,
    listing::{json_list, stored_vocabulary},
};

pub mod day;
pub mod entity;

pub use entity::Model;

stored_vocabulary! {
    /// What a key may.
    Scope {
        /// Read what is public, at a partner's pace.
        Read = "read",
        /// Keep its owner's webhooks.
        Webhooks = "webhooks",
        /// Write records of its owner below the name of one system.
        Listings = "listings",
        /// Publish them: only an administrator gives this.
        Publish = "publish",
    }
}

json_list! {
    /// What a key may, each once.
    Scopes of Scope
}

/// The most keys of one account that hold.
pub const MOST: usize = 20;
/// The longest name, characters.
pub const NAME_MAX: usize = 80;
/// For how long the key before holds, unless its owner says otherwise.
pub const OVERLAP: TimeDelta = TimeDelta::days(1);
/// The longest that it may hold.
pub const LONGEST_OVERLAP: TimeDelta = TimeDelta::days(30);

/// The key that `secret` is at `now`; none where it ended or never was.
///
/// # Errors
/// When the database fails.
pub async fn opened_by(
    db: &impl ConnectionTrait,
    secret: &str,
    now: DateTime<Utc>,
) -> Result<Option<Model>, DbErr> {
    // By digest: how long the look-up takes says nothing of any key.
    let hash = digest(secret);
    let either = Condition::any()
        .add(entity::Column::Hash.eq(hash.as_str()))
        .add(entity::Column::OldHash.eq(hash.as_str()));
    let key = entity::Entity::find().filter(either).one(db).await?;
    Ok(key.filter(|key| key.is_good(now) && (key.hash == hash || key.old_is_good(now))))
}

/// The key `id`.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(id).one(db).await
}

/// The keys of an account that were not revoked, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Account.eq(account))
        .filter(entity::Column::RevokedAt.is_null())
        .order_by_asc(entity::Column::Id)
        .all(db)
        .await
}

/// Adds what was used to what is counted already, in one order, so that several nodes do not lock
/// each other out.
///
/// # Errors
/// When the database fails.
pub async fn count(
    db: &impl ConnectionTrait,
    day: NaiveDate,
    used: impl Iterator<Item = (Uuid, i64)>,
) -> Result<(), DbErr> {
    use day::{Column, Entity};
    let mut rows: Vec<_> = used.map(|(key, count)| day::Model { key, day, count }).collect();
    rows.sort_unstable_by_key(|row| row.key);
    let sum = Expr::col((Entity, Column::Count)).add(Expr::cust("excluded.count"));
    for some in rows.chunks(1000) {
        let mut conflict = OnConflict::columns([Column::Key, Column::Day]);
        conflict.value(Column::Count, sum.clone());
        let some = some.iter().cloned().map(|row| row.into_active_model().reset_all());
        let add = Entity::insert_many(some).on_conflict(conflict);
        add.exec_without_returning(db).await?;
    }
    Ok(())
}

/// Forgets what was counted as long ago as other counts are forgotten.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, today: NaiveDate) -> Result<(), DbErr> {
    let Some(first) = today.checked_sub_months(KEPT) else { return Ok(()) };
    day::Entity::delete_many().filter(day::Column::Day.lt(first)).exec(db).await?;
    Ok(())
}

/// How often each of `keys` was used from `from` on, by day.
///
/// # Errors
/// When the database fails.
pub async fn used(
    db: &impl ConnectionTrait,
    keys: impl Iterator<Item = Uuid>,
    from: NaiveDate,
) -> Result<Vec<day::Model>, DbErr> {
    day::Entity::find()
        .filter(day::Column::Key.is_in(keys))
        .filter(day::Column::Day.gte(from))
        .order_by_asc(day::Column::Day)
        .order_by_asc(day::Column::Key)
        .all(db)
        .await
}

impl Model {
    /// Whether it opens anything at `now`.
    pub fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether the one before still does.
    fn old_is_good(&self, now: DateTime<Utc>) -> bool {
        self.old_until.is_some_and(|end| now < end)
    }

    /// Whether it may `scope`.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// The same with another secret; the one before holds for `overlap`.
    #[must_use]
    pub fn rotated(
        self,
        secret: &str,
        start: String,
        overlap: TimeDelta,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            start,
            old_hash: Some(self.hash),
            old_until: Some(now + overlap),
            hash: digest(secret),
            version: self.version + 1,
            ..self
        }
    }

    /// The same, ended at `now`.
    #[must_use]
    pub fn revoked(self, now: DateTime<Utc>) -> Self {
        Self { revoked_at: Some(now), version: self.version + 1, ..self }
    }
}
