//! Attempts: how often one network address may ask for codes, and try them.
//!
//! The rate limit in front lets thousands of requests through, which is no hurdle for somebody who
//! writes to strangers or guesses. The time is the app's own, so that tests set it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    nodes::Nodes,
    problem::{Kind, Problem},
};

/// What they are counted in, from the first one on.
const WINDOW: TimeDelta = TimeDelta::hours(1);
/// Counts remembered: some 6 MB.
const MOST: usize = 100_000;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// To have a code sent.
    Ask,
    /// To come in with one.
    Guess,
}

impl Attempt {
    fn most(self) -> u32 {
        match self {
            Self::Ask => 30,
            Self::Guess => 60,
        }
    }
}

/// How many there were since when.
#[derive(Debug, Clone, Copy)]
struct Count {
    since: DateTime<Utc>,
    attempts: u32,
}

/// Who attempted what how often.
#[derive(Debug, Default)]
pub struct Attempts {
    counts: Mutex<HashMap<(Attempt, IpAddr), Count>>,
    nodes: Nodes,
}

impl Attempts {
    /// Nobody has attempted anything yet at this one of `nodes`.
    pub fn new(nodes: Nodes) -> Self {
        Self { counts: Mutex::default(), nodes }
    }

    /// This node's share of what one address may.
    fn most(&self, attempt: Attempt) -> u32 {
        (attempt.most() / self.nodes.count()).max(1)
    }

    /// Counts an attempt from `address` at `now`.
    ///
    /// # Errors
    /// 429 with the seconds until there may be another one.
    pub fn count(
        &self,
        attempt: Attempt,
        address: IpAddr,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (attempt, address);
        if counts.len() >= MOST && !counts.contains_key(&key) {
            make_room(&mut counts, now, |attempt| self.most(attempt));
        }
        // Whoever is refused even so is one of very many who came within the hour.
        if counts.len() >= MOST && !counts.contains_key(&key) {
            return Err(too_many(now, now));
        }
        let count = counts.entry(key).or_insert(Count { since: now, attempts: 0 });
        if now - count.since >= WINDOW {
            *count = Count { since: now, attempts: 0 };
        }
        if count.attempts >= self.most(attempt) {
            return Err(too_many(count.since, now));
        }
        count.attempts += 1;
        Ok(())
    }
}

/// Forgets what is over; where that is not enough, all but those who have used up what they had.
fn make_room(
    counts: &mut HashMap<(Attempt, IpAddr), Count>,
    now: DateTime<Utc>,
    most: impl Fn(Attempt) -> u32,
) {
    counts.retain(|_, count| now - count.since < WINDOW);
    if counts.len() >= MOST {
        counts.retain(|(attempt, _), count| count.attempts >= most(*attempt));
    }
}

fn too_many(since: DateTime<Utc>, now: DateTime<Utc>) -> Problem {
    let left = (since + WINDOW - now).num_seconds().max(0) + 1;
    Problem::retry_after(Kind::TooManyRequests, u64::try_from(left).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    #[test]
    fn each_address_has_its_own_count_and_an_hour_later_a_new_one() {
        let attempts = Attempts::default();
        let (a, b) = (Ipv4Addr::new(10, 0, 0, 1).into(), Ipv4Addr::new(10, 0, 0, 2).into());
        assert!((0..30).all(|_| attempts.count(Attempt::Ask, a, second(0)).is_ok()));
        assert!(attempts.count(Attempt::Ask, a, second(3599)).is_err());
        assert!(attempts.count(Attempt::Guess, a, second(0)).is_ok());
        assert!(attempts.count(Attempt::Ask, b, second(0)).is_ok());
        assert!(attempts.count(Attempt::Ask, a, second(3600)).is_ok());
    }

    #[test]
    fn each_of_several_nodes_gives_its_share() {
        let nodes = Nodes::default();
        nodes.set(4);
        let attempts = Attempts::new(nodes);
        let a = Ipv4Addr::new(10, 0, 0, 1).into();
        assert_eq!(
            (0..60).filter(|_| attempts.count(Attempt::Guess, a, second(0)).is_ok()).count(),
            15
        );
    }

    #[test]
    fn a_flood_of_addresses_washes_out_nobody_who_is_refused() {
        let attempts = Attempts::default();
        let a = Ipv4Addr::new(10, 0, 0, 1).into();
        assert!((0..30).all(|_| attempts.count(Attempt::Ask, a, second(0)).is_ok()));
        for n in 0..u32::try_from(2 * MOST).unwrap() {
            let address = Ipv4Addr::from_bits(0x0b00_0000 + n).into();
            assert!(attempts.count(Attempt::Ask, address, second(1)).is_ok());
        }
        assert!(attempts.count(Attempt::Ask, a, second(2)).is_err());
        assert!(attempts.counts.lock().unwrap().len() <= MOST);
    }
}
