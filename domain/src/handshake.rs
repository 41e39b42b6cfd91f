//! Handshake: a sign-in that was begun at an identity provider, until somebody comes back from there.
//!
//! Everything that it needs follows from one secret that the browser alone keeps: what goes through
//! the provider (`state`, `nonce`) and what is told it in the end (the PKCE verifier) are digests
//! of it. Here is only the digest of `state`, so that each is good once, and for a time: whoever reads
//! the table can finish nobody's sign-in, and any node can finish what another began.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use crate::audit::digest;

pub mod entity;

pub use entity::Model;

/// How long somebody may take at the provider.
pub const LASTS: TimeDelta = TimeDelta::minutes(10);

/// What the provider hands back unread (RFC 6749 §4.1.1), of the browser's `secret`.
pub fn state(secret: &str) -> String {
    digest(format!("state {secret}"))
}

/// What the provider puts into the ID token (OpenID Connect Core §3.1.2.1).
pub fn nonce(secret: &str) -> String {
    digest(format!("nonce {secret}"))
}

/// What proves to the provider that the one who began asks for the tokens (RFC 7636 §4.1): 64 of the
/// characters that it may have.
pub fn verifier(secret: &str) -> String {
    digest(format!("verifier {secret}"))
}

impl Model {
    /// The one that the browser's `secret` belongs to, begun at `now`.
    pub fn begun(secret: &str, now: DateTime<Utc>) -> Self {
        Self { hash: digest(state(secret)), used: false, expires_at: now + LASTS, version: 1 }
    }

    /// Whether somebody may come back with it at `now`.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        !self.used && now < self.expires_at
    }

    /// The same after somebody did.
    #[must_use]
    pub fn used(self) -> Self {
        Self { used: true, version: self.version + 1, ..self }
    }
}

/// The one that was begun with the browser's `secret`.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &impl ConnectionTrait, secret: &str) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(digest(state(secret))).one(db).await
}

/// Forgets those that are over at `now`.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    let over = entity::Column::ExpiresAt.lte(now);
    entity::Entity::delete_many().filter(over).exec(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_on_the_way_is_three_things_and_none_of_them_the_secret() {
        let all = [state("s"), nonce("s"), verifier("s"), digest("s")];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != one));
        }
        assert_eq!(Model::begun("s", DateTime::UNIX_EPOCH).hash, digest(state("s")));
    }

    #[test]
    fn it_is_open_for_ten_minutes_and_once() {
        let begun = Model::begun("s", DateTime::UNIX_EPOCH);
        let end = DateTime::UNIX_EPOCH + TimeDelta::minutes(10);
        assert!(begun.is_open(end - TimeDelta::microseconds(1)));
        assert!(!begun.is_open(end));
        assert!(!begun.used().is_open(DateTime::UNIX_EPOCH));
    }
}
