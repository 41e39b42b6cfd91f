//! Sign-in: the one-time code sent to an address, and how often it may be asked for and tried.
//!
//! Nothing here looks at an account: whoever asks for a code, and whoever tries one, is treated
//! alike whether or not somebody is known at that address.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::SaltString,
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::{account::Address, audit::digest};

pub mod entity;

pub use entity::Model;

/// How long a code is good.
pub const LASTS: TimeDelta = TimeDelta::minutes(10);
/// How often one code may be tried.
pub const TRIES: i32 = 5;
/// How many codes are sent to one address within any [`WINDOW`].
pub const CODES: i32 = 5;
/// After how long without a code their count begins anew.
pub const WINDOW: TimeDelta = TimeDelta::hours(1);
/// How many codes there are: six digits.
const ALL: u32 = 1_000_000;

/// The code that 32 random bits are; none for the few that would make low codes likelier than
/// high ones: then take others.
pub fn code(bits: u32) -> Option<String> {
    (bits < u32::MAX - u32::MAX % ALL).then(|| format!("{:06}", bits % ALL))
}

/// Argon2id with 19 MiB and two passes, as OWASP's Password Storage Cheat Sheet has it at least:
/// some 30 ms of a processor. There are only a million codes, so whoever has stolen the table needs
/// hours of a processor for one of them, and it is good for ten minutes and five tries.
fn slow() -> Argon2<'static> {
    let params =
        Params::new(19 * 1024, 2, 1, None).expect("the parameters are within their bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The slow digest of `code` that is kept in its place; `salt` is random and new for each. Takes
/// tens of milliseconds of a processor.
pub fn seal(code: &str, salt: Uuid) -> String {
    let salt = SaltString::encode_b64(salt.as_bytes()).expect("sixteen bytes are a salt");
    let sealed = slow().hash_password(code.as_bytes(), &salt);
    sealed.expect("a code is short enough to be hashed").to_string()
}

/// Whether `sealed` is of `code`. Takes as long as [`seal`], also where there is nothing to compare
/// with: how long an answer takes does not say whether a code is on its way.
pub fn opens(sealed: Option<&str>, code: &str) -> bool {
    // Of no code, for it is none.
    static NOTHING: LazyLock<String> = LazyLock::new(|| seal("", Uuid::nil()));
    let Ok(hash) = PasswordHash::new(sealed.unwrap_or(&NOTHING)) else { return false };
    slow().verify_password(code.as_bytes(), &hash).is_ok() && sealed.is_some()
}

impl Model {
    /// What is known of `address` once a code sealed as `hash` was sent there at `now`, in place of
    /// the one before; `None` where no more are sent within the hour.
    pub fn sent(
        before: Option<&Self>,
        address: &Address,
        hash: String,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let counted = before.filter(|before| now - (before.expires_at - LASTS) < WINDOW);
        let sent = counted.map_or(0, |before| before.sent);
        (sent < CODES).then(|| Self {
            address: digest(address.as_str()),
            hash: Some(hash),
            tries: 0,
            sent: sent + 1,
            expires_at: now + LASTS,
            version: before.map_or(1, |before| before.version + 1),
        })
    }

    /// Whether the code may be tried at `now`.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.hash.is_some() && self.tries < TRIES && now < self.expires_at
    }

    /// The same after one more try. Written before it is looked whether the code is right: of
    /// guesses at the same moment each must be counted first, and only one of them is at a time.
    #[must_use]
    pub fn tried(self) -> Self {
        Self { tries: self.tries + 1, version: self.version + 1, ..self }
    }

    /// The same after the code was used.
    #[must_use]
    pub fn used(self) -> Self {
        Self { hash: None, version: self.version + 1, ..self }
    }
}

/// What is known of `address`.
///
/// # Errors
/// When the database fails.
pub async fn at(db: &impl ConnectionTrait, address: &Address) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(digest(address.as_str())).one(db).await
}

/// Forgets the codes that are over, and were sent so long ago that they count for nothing, at `now`.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    let over = entity::Column::ExpiresAt.lte(now - WINDOW);
    entity::Entity::delete_many().filter(over).exec(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address() -> Address {
        Address::Email("sri@example.id".into())
    }

    fn minute(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn every_code_is_as_likely_as_every_other() {
        // The bits that are taken are a whole number of rounds through all codes.
        assert_eq!(code(0).as_deref(), Some("000000"));
        assert_eq!(code(4_293_999_999).as_deref(), Some("999999"));
        assert_eq!(code(4_294_000_000), None);
        assert_eq!(code(u32::MAX), None);
    }

    #[test]
    fn a_sealed_code_opens_to_itself_alone() {
        let sealed = seal("123456", Uuid::from_u128(7));
        assert!(sealed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{sealed}");
        assert!(!sealed.contains("123456"));
        assert!(opens(Some(&sealed), "123456"));
        assert!(!opens(Some(&sealed), "123457"));
        assert!(!opens(None, "") && !opens(None, "123456"));
        assert_ne!(seal("123456", Uuid::from_u128(8)), sealed, "no table of all codes helps");
    }

    #[test]
    fn a_code_ends_after_ten_minutes() {
        let row = Model::sent(None, &address(), "h".into(), minute(0)).unwrap();
        assert!(row.is_open(minute(10) - TimeDelta::microseconds(1)));
        assert!(!row.is_open(minute(10)));
    }

    proptest! {
        /// Whoever asks and tries in whatever order, at whatever times: a code is tried five times
        /// at most, and of six codes the last comes an hour after the first or later.
        #[test]
        fn nobody_gets_more_tries_or_codes_than_there_are(
            steps in prop::collection::vec((any::<bool>(), 0_i64..30), 1..200),
        ) {
            let (mut row, mut now, mut tries) = (None::<Model>, 0, 0);
            let mut codes = Vec::new();
            for (asks, minutes) in steps {
                now += minutes;
                if asks {
                    let next = Model::sent(row.as_ref(), &address(), "h".into(), minute(now));
                    if let Some(next) = next {
                        prop_assert_eq!(next.version, row.map_or(0, |row| row.version) + 1);
                        row = Some(next);
                        tries = 0;
                        codes.push(now);
                    }
                } else if row.as_ref().is_some_and(|row| row.is_open(minute(now))) {
                    row = row.map(Model::tried);
                    tries += 1;
                }
                prop_assert!(tries <= TRIES);
            }
            for six in codes.windows(6) {
                prop_assert!(six[5] - six[0] >= 60, "{:?}", six);
            }
        }
    }
}
