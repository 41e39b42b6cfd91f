//! Ids: where they come from.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use uuid::{Builder, ContextV7, Timestamp, Uuid};

/// A new id (UUIDv7, RFC 9562) that carries `now` in milliseconds; the rest is random.
pub fn new(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let context = ContextV7::new();
    Uuid::new_v7(Timestamp::from_unix(&context, seconds, now.timestamp_subsec_nanos()))
}

/// 256 bits (two UUIDs' less their fixed ones) that nobody can guess, as 64 hexadecimal digits: what
/// opens a door.
pub fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// 122 random bits: what makes a digest tell nothing.
pub fn salt() -> Uuid {
    Uuid::new_v4()
}

/// The token of a session: a secret that says whose it is, so that whoever finds one lying about
/// (a scanner of repositories, say) knows where to tell.
pub fn token() -> String {
    format!("gry_{}", secret())
}

/// Six digits that nobody can guess.
pub fn code() -> String {
    loop {
        // The first 48 bits of a UUIDv4 are random (RFC 9562 §5.4).
        let bits = u32::try_from(Uuid::new_v4().as_u128() >> 96).unwrap_or(u32::MAX);
        if let Some(code) = domain::sign_in::code(bits) {
            return code;
        }
    }
}

/// What the file of a message is called: in the order in which they were written, also those of
/// one moment, as far as one process writes them.
pub fn of_message(now: DateTime<Utc>) -> Uuid {
    of_request(now)
}

/// A new id of a request: a UUIDv7, too, but cheap. What stands in place of the random bits is a
/// count of 34 bits, then 40 bits of it hashed with a key that is random for each process: no two
/// of a process are the same, those of one moment are in order, and whoever has one may guess the
/// next, which opens nothing.
pub fn of_request(now: DateTime<Utc>) -> Uuid {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    id_of(now, count, KEY.hash_one(count))
}

fn id_of(now: DateTime<Utc>, count: u64, hash: u64) -> Uuid {
    // Version and variant take the first four bits of the first byte and the first two of the third
    // (RFC 9562 §5.7), so the count goes around them.
    let mut bits = [0; 10];
    bits[..2].copy_from_slice(&(count >> 22).to_be_bytes()[6..]);
    bits[2..5].copy_from_slice(&(count & 0x3f_ffff).to_be_bytes()[5..]);
    bits[5..].copy_from_slice(&hash.to_be_bytes()[3..]);
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn requests_of_one_moment_have_ids_of_their_own() {
        let ids: HashSet<Uuid> = (0..10_000).map(|_| of_request(DateTime::UNIX_EPOCH)).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn those_of_one_moment_are_in_order_however_many_came_before() {
        let around = [0, 1 << 12, 1 << 16, 1 << 22, (1 << 34) - 4096];
        for count in around.into_iter().flat_map(|from| from.max(2) - 2..from + 3) {
            let [one, next] =
                [count, count + 1].map(|count| id_of(DateTime::UNIX_EPOCH, count, !count));
            assert!(one < next, "{count}: {one} {next}");
        }
    }
}
