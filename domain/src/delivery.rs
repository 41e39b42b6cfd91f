//! Delivery: something that a webhook is told, from when it is known until it was taken.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait as _, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

pub mod entity;

pub use entity::Model;

/// The pauses after the tries that failed, together three days. The first is short: most failures
/// are a restart.
pub const PAUSES: [TimeDelta; 9] = [
    TimeDelta::seconds(3),
    TimeDelta::seconds(30),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(6),
    TimeDelta::hours(15),
    TimeDelta::hours(24),
    TimeDelta::hours(24),
];
/// The longest that a receiver may put it off.
pub const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(24);
/// How long whoever took it up has for a try: longer than a try may take.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How long one that is done is shown in the log of deliveries.
pub const KEPT: TimeDelta = TimeDelta::days(30);
/// How much of an answer is kept, characters.
pub const ANSWER_MAX: usize = 500;

/// How many deliveries are undone, for all webhooks.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    entity::Entity::find().filter(entity::Column::DoneAt.is_null()).count(db).await
}

/// What is undone for a webhook, in its order, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn undone(
    db: &impl ConnectionTrait,
    webhook: Uuid,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Webhook.eq(webhook))
        .filter(entity::Column::DoneAt.is_null())
        .order_by_asc(entity::Column::Number)
        .limit(limit)
        .all(db)
        .await
}

/// What a webhook was or is told, the newest first, from below `before`, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn of(
    db: &impl ConnectionTrait,
    webhook: Uuid,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut find = entity::Entity::find().filter(entity::Column::Webhook.eq(webhook));
    if let Some(before) = before {
        find = find.filter(entity::Column::Number.lt(before));
    }
    find.order_by_desc(entity::Column::Number).limit(limit).all(db).await
}

/// Forgets those that were done more than [`KEPT`] ago.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    let over = entity::Column::DoneAt.lte(now - KEPT);
    entity::Entity::delete_many().filter(over).exec(db).await?;
    Ok(())
}

impl Model {
    /// The delivery `number` to `webhook`, made at `now` and due at once.
    pub fn new(
        (id, webhook, number): (Uuid, Uuid, i64),
        listing: Option<Uuid>,
        kind: &str,
        body: String,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            webhook,
            number,
            listing,
            kind: kind.to_owned(),
            body,
            tries: 0,
            created_at: now,
            due_at: now,
            done_at: None,
            status: None,
            answer: None,
            version: 1,
        }
    }

    /// The same, taken up by somebody who will try. Written before it is sent: of several nodes only
    /// one gets to write that, and where that one dies, another tries when its lease is over.
    #[must_use]
    pub fn tried(self, now: DateTime<Utc>) -> Self {
        Self {
            tries: self.tries + 1,
            due_at: now + LEASE,
            status: None,
            answer: None,
            version: self.version + 1,
            ..self
        }
    }

    /// The same with the last answer.
    #[must_use]
    pub fn answered(self, status: Option<u16>, answer: &str) -> Self {
        let answer: String = answer.chars().take(ANSWER_MAX).collect();
        Self { status: status.map(i32::from), answer: Some(answer), ..self }
    }

    /// The same, taken at `now`.
    #[must_use]
    pub fn done(self, now: DateTime<Utc>) -> Self {
        Self { done_at: Some(now), version: self.version + 1, ..self }
    }

    /// The same, to be tried again at `now` or later, as soon as the receiver `allows`; none where it
    /// was tried for as long as it is tried.
    #[must_use]
    pub fn put_off(self, now: DateTime<Utc>, allows: Option<TimeDelta>) -> Option<Self> {
        let tried = usize::try_from(self.tries).unwrap_or_default();
        let pause = *PAUSES.get(tried.checked_sub(1)?)?;
        let pause = pause.max(allows.unwrap_or_default().min(LONGEST_PAUSE));
        Some(Self { due_at: now + pause, version: self.version + 1, ..self })
    }

    /// The same at its next version.
    #[must_use]
    pub fn changed(self) -> Self {
        Self { version: self.version + 1, ..self }
    }

    /// The same, due at `now` as if it had never been tried.
    #[must_use]
    pub fn afresh(self, now: DateTime<Utc>) -> Self {
        Self { tries: 0, due_at: now, version: self.version + 1, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_for_three_days_the_first_time_within_five_seconds() {
        let now = DateTime::UNIX_EPOCH;
        let ids = (Uuid::nil(), Uuid::nil(), 1);
        let mut at = now;
        let mut delivery = Model::new(ids, None, "webhook.test", String::new(), now);
        let mut pauses = Vec::new();
        loop {
            delivery = delivery.tried(at);
            let Some(next) = delivery.clone().put_off(at, None) else { break };
            pauses.push(next.due_at - at);
            at = next.due_at;
            delivery = next;
        }
        assert!(pauses[0] <= TimeDelta::seconds(5) && pauses.is_sorted());
        assert!((TimeDelta::days(2)..=TimeDelta::days(4)).contains(&(at - now)), "{:?}", at - now);
        assert_eq!(delivery.tries, 10);
    }

    #[test]
    fn a_receiver_may_put_it_off_but_not_for_ever() {
        let ids = (Uuid::nil(), Uuid::nil(), 1);
        let now = DateTime::UNIX_EPOCH;
        let delivery = Model::new(ids, None, "webhook.test", String::new(), now).tried(now);
        let due =
            |allows| delivery.clone().put_off(now, Some(allows)).map(|next| next.due_at - now);
        assert_eq!(due(TimeDelta::seconds(1)), Some(PAUSES[0]));
        assert_eq!(due(TimeDelta::minutes(1)), Some(TimeDelta::minutes(1)));
        assert_eq!(due(TimeDelta::days(999)), Some(LONGEST_PAUSE));
    }
}
