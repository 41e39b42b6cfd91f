//! Find: a query over a snapshot gives a page.
//!
//! This first index looks at every document: right before fast. Its boundary stays when trees and
//! postings come.

use std::sync::Arc;

use chrono::{DateTime, Days, TimeDelta, Utc};
use domain::{hours::State, listing::DEFAULT_ZONE, schedule::Occurrence, text::fold};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    cursor::{BadCursor, Cursor, Key, minute, pinned},
    document::Document,
    facet::{self, Count, Facet},
    query::{Edge, Query, Sort},
    snapshot::Snapshot,
    words::Sought,
};

/// A document that was found, with what the query made of it.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The document.
    pub document: Arc<Document>,
    /// Metres from the centre asked for, along the geodesic.
    pub distance_m: Option<f64>,
    /// The first occurrence in the window asked for, else the first that has not ended.
    pub next_occurrence: Option<Occurrence>,
    score: f64,
}

/// One page of what was found.
#[derive(Debug)]
pub struct Page {
    /// Its items, in order.
    pub hits: Vec<Hit>,
    /// How many there are in all pages.
    pub total: usize,
    /// Where the next page starts; `None` at the end.
    pub next: Option<String>,
    /// What was shuffled by, if it was.
    pub seed: Option<String>,
    /// The counts asked for.
    pub facets: Vec<(Facet, Vec<Count>)>,
    /// Until when the set stands as far as opening hours go; `None` if it does not depend on them.
    pub holds_until: Option<DateTime<Utc>>,
}

impl Snapshot {
    /// The page that answers `query` at `now`.
    ///
    /// Order and total are exact. Two items with one key stand in the order of their ids.
    ///
    /// # Errors
    /// When the query's cursor is none, or another query's.
    pub fn find(&self, query: &Query, now: DateTime<Utc>) -> Result<Page, BadCursor> {
        let clock = now;
        let cursor =
            query.cursor.as_ref().map(|text| Cursor::read(text, query, now)).transpose()?;
        let pinned = cursor.as_ref().map_or_else(|| pinned(query, now), |cursor| cursor.now);
        let seed = seed(query, pinned.unwrap_or(now));
        // A day that only the seed came from is no moment to ask at.
        let now = pinned.filter(|_| query.sort != Sort::Fair || query.depends_on_now());
        let now = now.unwrap_or_else(|| minute(clock));
        let sought = self.sought(query, cursor.as_ref());
        let mut holds_until = None;
        let hits: Vec<Hit> = self
            .documents()
            .filter_map(|document| hit(document, query, sought.as_ref(), now, &mut holds_until))
            .collect();
        let total = hits.len();
        let holds_until = holds_until.into_iter().chain(clockwise(query, &hits, now)).min();
        let facets =
            query.facets.iter().map(|facet| (*facet, facet::count(*facet, &hits, query))).collect();
        let mut keyed: Vec<(Key, Uuid, Hit)> = hits
            .into_iter()
            .map(|mut hit| {
                let id = hit.document.record.listing.id;
                if query.sort == Sort::Start {
                    hit.place_in_time(query, now);
                }
                (key(&hit, query, &seed), id, hit)
            })
            .filter(|(key, id, _)| {
                cursor.as_ref().is_none_or(|last| (key, id) > (&last.key, &last.id))
            })
            .collect();
        let more = keyed.len() > query.limit;
        if more {
            keyed.select_nth_unstable_by(query.limit, |a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
            keyed.truncate(query.limit);
        }
        keyed.sort_unstable_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let rarity = sought.map(|sought| sought.rarity).unwrap_or_default();
        let next = keyed
            .last()
            .filter(|_| more)
            .map(|(key, id, _)| Cursor::new(query, key.clone(), *id, pinned, &rarity).to_string());
        let hits = keyed
            .into_iter()
            .map(|(_, _, mut hit)| {
                hit.place_in_time(query, now);
                hit
            })
            .collect();
        let seed = (query.sort == Sort::Fair).then_some(seed);
        Ok(Page { hits, total, next, seed, facets, holds_until })
    }

    fn sought(&self, query: &Query, cursor: Option<&Cursor>) -> Option<Sought> {
        let words = query.words.as_ref()?;
        Some(match cursor {
            Some(cursor) => Sought::with_rarity(words, cursor.rarity()),
            None => Sought::new(words, self.documents().map(|document| &document.bag)),
        })
    }
}

impl Hit {
    fn place_in_time(&mut self, query: &Query, now: DateTime<Utc>) {
        if self.next_occurrence.is_none() {
            self.next_occurrence = match query.window {
                Some(_) => occurrence_in_window(&self.document, query, now),
                None => self.document.next_occurrence(now),
            };
        }
    }
}

fn occurrence_in_window(
    document: &Document,
    query: &Query,
    now: DateTime<Utc>,
) -> Option<Occurrence> {
    let (from, to) = query.window?.instants(now, document.zone);
    document.occurrences(from, to, 1).into_iter().next()
}

/// The document as a hit, if everything asked for holds; cheap questions first.
fn hit(
    document: &Arc<Document>,
    query: &Query,
    sought: Option<&Sought>,
    now: DateTime<Utc>,
    holds_until: &mut Option<DateTime<Utc>>,
) -> Option<Hit> {
    if !is_what_is_asked(document, query) {
        return None;
    }
    let distance_m = match query.centre {
        None => None,
        Some(centre) => {
            let metres = document.position.map(|at| centre.at.metres_to(at));
            if centre.radius_m.is_some_and(|radius| metres.is_none_or(|metres| metres > radius)) {
                return None;
            }
            metres
        }
    };
    let score = sought.map_or(0.0, |sought| sought.score(&document.bag, &document.names));
    if sought.is_some() && score <= 0.0 {
        return None;
    }
    let next_occurrence = match query.window {
        None => None,
        Some(_) => Some(occurrence_in_window(document, query, now)?),
    };
    if !is_open(document, query, now, holds_until) {
        return None;
    }
    Some(Hit { document: Arc::clone(document), distance_m, next_occurrence, score })
}

fn is_what_is_asked(document: &Document, query: &Query) -> bool {
    let listing = &document.record.listing;
    (query.kinds.is_empty() || query.kinds.contains(&listing.kind))
        && query.except != Some(listing.id)
        && (query.categories.is_empty()
            || document
                .categories()
                .any(|code| query.categories.iter().any(|asked| code.is_within(asked))))
        && (query.areas.is_empty()
            || document
                .area
                .as_ref()
                .is_some_and(|area| query.areas.iter().any(|asked| area.is_within(asked))))
        && (query.tags.is_empty() || listing.tags.iter().any(|tag| query.tags.contains(tag)))
        && query.bbox.is_none_or(|bbox| document.position.is_some_and(|at| bbox.holds(at)))
        && query.updated_since.is_none_or(|since| listing.updated_at >= since)
        && query.facts.hold(document)
}

/// Only what is known to be open counts. With `now` asked for, notes when that changes next.
fn is_open(
    document: &Document,
    query: &Query,
    now: DateTime<Utc>,
    holds_until: &mut Option<DateTime<Utc>>,
) -> bool {
    let Some(edge) = query.open_at else { return true };
    let openness = document.openness(edge.instant(now, document.zone));
    if edge == Edge::Now
        && let Some(until) = openness.as_ref().and_then(|openness| openness.until)
    {
        let until = until.to_utc();
        *holds_until = Some(holds_until.map_or(until, |sooner| sooner.min(until)));
    }
    openness.is_some_and(|openness| openness.state == State::Open)
}

fn key(hit: &Hit, query: &Query, seed: &str) -> Key {
    let listing = &hit.document.record.listing;
    match query.sort {
        Sort::Relevance => Key::down(hit.score),
        Sort::Distance => hit.distance_m.map_or(Key::Last, Key::up),
        Sort::Name => Key::Text(fold(listing.name.get(query.lang).1)),
        Sort::Updated => Key::later(listing.updated_at),
        Sort::Start => hit
            .next_occurrence
            .as_ref()
            .map_or(Key::Last, |occurrence| Key::earlier(occurrence.starts_at(hit.document.zone))),
        Sort::Fair => Key::Up(shuffled(seed, listing.id)),
    }
}

/// When the set or its order changes by itself because "now" or "today" was asked for.
fn clockwise(query: &Query, hits: &[Hit], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let window = query.window.filter(|w| w.from == Some(Edge::Now) || w.to == Some(Edge::Now));
    let ends = window.into_iter().flat_map(|_| {
        let occurrences = hits
            .iter()
            .filter_map(|hit| Some(hit.next_occurrence.as_ref()?.ends_at(hit.document.zone)));
        occurrences.filter(|end| *end > now)
    });
    // What begins is not among the hits yet; a minute is what any answer may be late.
    let begins = window.filter(|w| w.to == Some(Edge::Now)).map(|_| now + TimeDelta::minutes(1));
    let midnight = (query.sort == Sort::Fair && query.seed.is_none()).then(|| tomorrow(now));
    ends.chain(begins).chain(midnight).min()
}

/// The next midnight in Bantul.
pub fn tomorrow(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.with_timezone(&DEFAULT_ZONE).date_naive();
    Edge::On(today + Days::new(1)).instant(now, DEFAULT_ZONE)
}

/// The seed asked for, else the date in Bantul. `now` is pinned by the cursor: a walk that begins
/// before midnight goes on in its order.
fn seed(query: &Query, now: DateTime<Utc>) -> String {
    query.seed.clone().unwrap_or_else(|| now.with_timezone(&DEFAULT_ZONE).date_naive().to_string())
}

/// A place in the shuffle of `seed`: the first 64 bits of SHA-256 over seed and id, so that every
/// node shuffles alike and nobody can choose an id that is always first.
fn shuffled(seed: &str, id: Uuid) -> u64 {
    let digest = Sha256::new().chain_update(seed).chain_update(id.as_bytes()).finalize();
    digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}
