//! Times: when the events of a segment take place.
//!
//! Listed sessions are all here, and what rules bring within two years of the first question; a
//! question about later years asks the rules themselves.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use hashbrown::HashMap;
use quick_cache::sync::Cache;

use crate::{
    bits::Bits,
    document::Shared,
    query::{Edge, Window},
};

/// How far ahead rules are expanded.
const AHEAD: TimeDelta = TimeDelta::days(731);
/// How long an expansion serves before it is made anew, further ahead.
const FRESH: TimeDelta = TimeDelta::days(31);
/// How long before that it is prepared.
const SOON: TimeDelta = TimeDelta::days(1);
/// Entries that share one latest end: whole blocks of what is over are passed by.
const BLOCK: usize = 64;
/// Windows that are kept with what is in them: of a million listings less than a megabyte each.
const ASKED: usize = 16;
/// The most occurrences of one rule that are kept.
const MOST: usize = 1000;

/// The events of a segment.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// The slots of events.
    events: Vec<u32>,
    expanded: ArcSwapOption<Expanded>,
    asked: OnceLock<Cache<Asked, Arc<Within>>>,
}

/// A window, with the moment of asking where that decides it.
type Asked = (Option<Edge>, Option<Edge>, Option<DateTime<Utc>>);

/// The events with an occurrence in a window, and when the first of each begins.
pub(crate) type Within = (Bits, Vec<(i64, u32)>);

/// Occurrences by their start.
#[derive(Debug)]
struct Expanded {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    entries: Vec<Entry>,
    /// The latest end of each block, microseconds since 1970.
    latest: Vec<i64>,
    /// Events whose rule goes on beyond what is here.
    rules: Vec<u32>,
}

/// One occurrence: its instants in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    start: i64,
    end: i64,
    slot: u32,
}

impl Times {
    pub(crate) fn new(documents: &[Shared]) -> Self {
        let events = (0..).zip(documents).filter(|(_, document)| document.event_status().is_some());
        Self { events: events.map(|(slot, _)| slot).collect(), ..Self::default() }
    }

    /// Expands the rules before anybody asks, and anew a while before they are no longer fresh.
    pub(crate) fn prepare(&self, documents: &[Shared], now: DateTime<Utc>) {
        if !self.events.is_empty() {
            self.expanded_for(FRESH - SOON, documents, now);
        }
    }

    fn expanded(&self, documents: &[Shared], now: DateTime<Utc>) -> Arc<Expanded> {
        self.expanded_for(FRESH, documents, now)
    }

    fn expanded_for(
        &self,
        age: TimeDelta,
        documents: &[Shared],
        now: DateTime<Utc>,
    ) -> Arc<Expanded> {
        let known = self.expanded.load_full();
        if let Some(known) = known.filter(|known| (known.from..known.from + age).contains(&now)) {
            return known;
        }
        let new = Arc::new(Expanded::new(&self.events, documents, now));
        self.expanded.store(Some(Arc::clone(&new)));
        new
    }

    /// The events with an occurrence in `window`, and when the first of each begins.
    pub(crate) fn within(
        &self,
        documents: &[Shared],
        window: Window,
        now: DateTime<Utc>,
    ) -> Arc<Within> {
        if self.events.is_empty() {
            return Arc::new((Bits::none(documents.len()), Vec::new()));
        }
        // Most ask for today or this weekend, and few windows go by the moment.
        let moves = [window.from, window.to].iter().any(|edge| edge.is_none_or(Edge::is_now));
        let key = (window.from, window.to, moves.then_some(now));
        let asked = self.asked.get_or_init(|| Cache::new(ASKED));
        if let Some(known) = asked.get(&key) {
            return known;
        }
        let new = Arc::new(self.look(documents, window, now));
        asked.insert(key, Arc::clone(&new));
        new
    }

    fn look(&self, documents: &[Shared], window: Window, now: DateTime<Utc>) -> Within {
        let mut bits = Bits::none(documents.len());
        let mut starts = Vec::new();
        let expanded = self.expanded(documents, now);
        let mut zones = Zones { window, now, known: Vec::new() };
        for entry in expanded.around(window, now) {
            if bits.holds(entry.slot) {
                continue;
            }
            if entry.overlaps(zones.instants(documents[entry.slot as usize].zone)) {
                bits.set(entry.slot);
                starts.push((entry.start, entry.slot));
            }
        }
        // What rules bring outside of what is here, and with it an earlier start perhaps.
        let mut earlier: HashMap<u32, i64> = HashMap::new();
        for slot in &expanded.rules {
            let document = &documents[*slot as usize];
            let (from, to) = zones.instants(document.zone);
            if bits.holds(*slot) && from >= expanded.from || expanded.hold(from, to) {
                continue;
            }
            if let Some(first) = document.occurrences(from, to, 1).first() {
                earlier.insert(*slot, first.starts_at(document.zone).timestamp_micros());
            }
        }
        if !earlier.is_empty() {
            starts.retain(|(_, slot)| !earlier.contains_key(slot));
            earlier.keys().for_each(|slot| bits.set(*slot));
            starts.extend(earlier.into_iter().map(|(slot, start)| (start, slot)));
        }
        (bits, starts)
    }
}

/// The two ends of a window.
type Instants = (DateTime<Utc>, DateTime<Utc>);

/// A window as the zones see it, each reckoned once: listings lie in few.
struct Zones {
    window: Window,
    now: DateTime<Utc>,
    known: Vec<(Tz, Instants)>,
}

impl Zones {
    fn instants(&mut self, zone: Tz) -> Instants {
        if let Some((_, instants)) = self.known.iter().find(|(known, _)| *known == zone) {
            return *instants;
        }
        let instants = self.window.instants(self.now, zone);
        self.known.push((zone, instants));
        instants
    }
}

impl Expanded {
    fn new(events: &[u32], documents: &[Shared], now: DateTime<Utc>) -> Self {
        let (from, to) = (now, now + AHEAD);
        let mut entries = Vec::new();
        let mut rules = Vec::new();
        for slot in events {
            let document = &documents[*slot as usize];
            let recurs = document.recurs();
            let (from, to) = if recurs {
                rules.push(*slot);
                (from, to)
            } else {
                (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC)
            };
            let micros = DateTime::timestamp_micros;
            entries.extend(document.occurrences(from, to, MOST).into_iter().map(|one| Entry {
                start: micros(&one.starts_at(document.zone)),
                end: micros(&one.ends_at(document.zone)),
                slot: *slot,
            }));
        }
        entries.sort_unstable();
        let latest = entries
            .chunks(BLOCK)
            .map(|block| block.iter().map(|entry| entry.end.max(entry.start)).max().unwrap_or(0))
            .collect();
        Self { from, to, entries, latest, rules }
    }

    /// Whether all that rules bring between two instants is here.
    fn hold(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        from >= self.from && to <= self.to
    }

    /// The occurrences that overlap `window` in the zone where it is longest, and few others.
    fn around(&self, window: Window, now: DateTime<Utc>) -> impl Iterator<Item = &Entry> {
        // Zones lie between 12 hours behind and 14 ahead of UTC: a day either way is enough.
        let (from, to) = window.instants(now, chrono_tz::UTC);
        let (from, to) = (from - TimeDelta::days(1), to + TimeDelta::days(1));
        let (from, to) = (from.timestamp_micros(), to.timestamp_micros());
        let end = self.entries.partition_point(|entry| entry.start < to);
        let blocks = self.entries[..end].chunks(BLOCK).zip(&self.latest);
        blocks.filter(move |(_, latest)| **latest >= from).flat_map(|(block, _)| block)
    }
}

impl Entry {
    /// As [`domain::schedule::Schedule::occurrences`] has it: one without length counts from its
    /// start on, and a window that ends before it begins holds nothing.
    fn overlaps(&self, (from, to): Instants) -> bool {
        let (from, to) = (from.timestamp_micros(), to.timestamp_micros());
        from < to && self.start < to && (self.end > from || self.start >= from)
    }
}
