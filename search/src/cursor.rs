//! Cursor: where a page ended, so that the next one starts right after.
//!
//! It is made of the query and the last item's place in the order, never of a count: while
//! listings come and go, an item that stands still is met exactly once. Everything that the order
//! depends on and that moves (the moment of asking, how rare a word is) is pinned in it at the
//! first page. It holds nothing secret, so it is not signed: a made-up one can only ask for
//! another part of the same public list.

use std::cmp::Ordering;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use domain::listing::DEFAULT_ZONE;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    query::{Edge, Query, Sort},
    words::Sought,
};

/// The cursor is not one of ours, or belongs to another query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadCursor {
    /// It cannot be read.
    Unreadable,
    /// It was given out for another query.
    OfAnotherQuery,
}

/// What an item is ordered by, first thing first. Numbers are kept by their bits: a float that
/// went through decimal digits might be another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Key {
    /// Smaller first.
    Up(u64),
    /// Larger first.
    Down(u64),
    /// By text.
    Text(String),
    /// After all that have a key.
    Last,
}

impl Key {
    /// Smaller first, of a number that is not negative.
    pub(crate) fn up(value: f64) -> Self {
        Self::Up(value.max(0.0).to_bits())
    }

    /// Larger first, of a number that is not negative.
    pub(crate) fn down(value: f64) -> Self {
        Self::Down(value.max(0.0).to_bits())
    }

    /// Smaller first, of an instant in microseconds since 1970.
    pub(crate) fn earlier(micros: i64) -> Self {
        Self::Up(micros.cast_unsigned() ^ (1 << 63))
    }

    /// Larger first, of an instant in microseconds since 1970.
    pub(crate) fn later(micros: i64) -> Self {
        Self::Down(micros.cast_unsigned() ^ (1 << 63))
    }
}

impl Key {
    /// Whether an order of that kind can have this key.
    fn is_of(&self, sort: Sort) -> bool {
        match self {
            Self::Up(_) => matches!(sort, Sort::Distance | Sort::Start | Sort::Fair | Sort::Id),
            Self::Down(_) => matches!(sort, Sort::Relevance | Sort::Updated),
            Self::Text(_) => sort == Sort::Name,
            Self::Last => matches!(sort, Sort::Distance | Sort::Start),
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Up(a), Self::Up(b)) => a.cmp(b),
            (Self::Down(a), Self::Down(b)) => b.cmp(a),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Last, Self::Last) => Ordering::Equal,
            (Self::Last, _) => Ordering::Greater,
            (_, Self::Last) => Ordering::Less,
            // One query has one kind of key; a cursor that says otherwise was made up.
            _ => Ordering::Equal,
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A read cursor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    #[serde(rename = "q")]
    query: String,
    #[serde(rename = "k")]
    pub(crate) key: Key,
    #[serde(rename = "i")]
    pub(crate) id: Uuid,
    /// The moment of asking at the first page, where set or order depend on it.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<DateTime<Utc>>,
    /// How rare each word was, as bits.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    rarity: Vec<u64>,
}

/// The longest cursor we give out or read, characters: a name of 120 characters in four bytes
/// each and 100 words stay below it.
const MAX: usize = 4096;

/// No cursor is older: 1 January 2026.
const OLDEST: DateTime<Utc> = DateTime::from_timestamp(1_767_225_600, 0).expect("is a time");

impl Cursor {
    pub(crate) fn new(
        query: &Query,
        key: Key,
        id: Uuid,
        now: Option<DateTime<Utc>>,
        rarity: &[f64],
    ) -> Self {
        let rarity = rarity.iter().map(|value| value.to_bits()).collect();
        Self { query: digest(query), key, id, now, rarity }
    }

    /// Reads a cursor that was given out at `now` or before: what somebody made up is refused where
    /// it could lead out of the calendar.
    pub(crate) fn read(text: &str, query: &Query, now: DateTime<Utc>) -> Result<Self, BadCursor> {
        if text.len() > MAX {
            return Err(BadCursor::Unreadable);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor::Unreadable)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| BadCursor::Unreadable)?;
        // Clocks of nodes differ a little.
        let latest = now + TimeDelta::days(1);
        let in_time = cursor.now.is_none_or(|pinned| (OLDEST..=latest).contains(&pinned));
        let words = query.words.as_deref().map_or(0, |q| Sought::read(q).words.len());
        let sane = in_time
            && cursor.key.is_of(query.sort)
            && cursor.now.is_some() == pinned(query, now).is_some()
            && cursor.rarity.len() == words
            && cursor.rarity().iter().all(|value| (0.0..1e6).contains(value));
        if cursor.query != digest(query) {
            return Err(BadCursor::OfAnotherQuery);
        }
        if sane { Ok(cursor) } else { Err(BadCursor::Unreadable) }
    }

    pub(crate) fn rarity(&self) -> Vec<f64> {
        self.rarity.iter().map(|bits| f64::from_bits(*bits)).collect()
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = serde_json::to_vec(self).map_err(|_| std::fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The moment that all pages of a walk share: the minute of the first where "now" decides who is
/// in or in which place, the day where it is only the seed, none where time does not matter. No
/// finer than that, so that two who ask alike get the same answer, and one who asks twice a 304.
pub(crate) fn pinned(query: &Query, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if query.depends_on_now() {
        return Some(minute(now));
    }
    let today = now.with_timezone(&DEFAULT_ZONE).date_naive();
    let shuffled = query.sort == Sort::Fair && query.seed.is_none();
    shuffled.then(|| Edge::On(today).instant(now, DEFAULT_ZONE))
}

/// The beginning of its minute: opening hours and sessions change on whole ones.
pub(crate) fn minute(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now)
}

/// What a cursor knows its query by: 96 bits over everything that decides set and order.
fn digest(query: &Query) -> String {
    let canonical = serde_json::to_vec(query).expect("a query is plain data");
    URL_SAFE_NO_PAD.encode(&Sha256::digest(canonical)[..12])
}
