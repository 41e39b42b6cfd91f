//! Work: a fixed piece of it, in one thread and at one moment, whose instructions are counted.
//!
//! Seconds on a shared machine say little; instructions are nearly the same in every run.

use chrono::{DateTime, Utc};
use domain::{
    category, event,
    key::Slug,
    listing::{self, Kind, Stamp, Status},
    place,
    position::Position,
    producer,
    record::{Detail, Record},
    reference::Reference,
};
use search::{Centre, Changes, Edge, Facet, Query, Snapshot, Sort};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    SEED,
    town::Point,
    vocabulary::Vocabulary,
    world::{Listing, World},
};

/// Listings of the index.
const LISTINGS: u64 = 2000;
/// A Wednesday at ten in the morning in Bantul.
const NOW: &str = "2026-12-02T10:00:00+07:00";

/// Makes the index and asks it so many `questions`; how many listings all answers show.
pub fn work(questions: u64) -> usize {
    let world = World::new(SEED, Vocabulary::built_in());
    let snapshot = snapshot(&world, LISTINGS);
    (0..questions).map(|number| ask(&snapshot, &query(&world, number))).sum()
}

/// How many listings the answer to `query` shows.
pub fn ask(snapshot: &Snapshot, query: &Query) -> usize {
    snapshot.find(query, now()).expect("it has no cursor").hits.len()
}

/// The moment of all questions.
pub fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(NOW).expect("it is a time").to_utc()
}

/// The first `listings` of `world`, in no area.
pub fn snapshot(world: &World, listings: u64) -> Snapshot {
    let now = now();
    let reference = reference();
    let records = (0..listings).map(|number| {
        let record = record(number, world.listing(number), &reference, now);
        (record.listing.id, Some(record))
    });
    let records = records.collect();
    Snapshot::default().with(Changes { records, reference: Some(reference), seq: 1 })
}

/// The categories of the fixtures; areas cost much to look up and are not what is counted here.
fn reference() -> Reference {
    let mut reference = Reference::default();
    let categories = fixtures::file("categories.ndjson").unwrap_or_default();
    for line in categories.lines().filter(|line| !line.is_empty()) {
        let draft: category::Draft = serde_json::from_str(line).expect("the fixtures are JSON");
        reference.add_category(draft.into_row().expect("the fixtures break no rule"));
    }
    reference
}

/// The row that the importer would make of `listing`.
fn record(number: u64, listing: Listing, reference: &Reference, now: DateTime<Utc>) -> Record {
    let id = Uuid::from_u64_pair(now.timestamp_millis().cast_unsigned(), number);
    let stamp =
        Stamp { id, version: 1, created_at: now, now, published_at: Some(now), merged_into: None };
    let Value::Object(mut own) = listing.record else { unreachable!("a record is an object") };
    let shared = listing::Draft::MEMBERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), own.shift_remove(*name)?)))
        .collect();
    let (kind, detail) = match listing.kind {
        "places" => (Kind::Place, Detail::Place(read::<place::Draft>(own).into_row(id))),
        "producers" => {
            (Kind::Producer, Detail::Producer(read::<producer::Draft>(own).into_row(id)))
        }
        _ => (Kind::Event, Detail::Event(read::<event::Draft>(own).into_row(id))),
    };
    let slug: Slug = listing.slug.parse().expect("it is a slug");
    let draft: listing::Draft = read(shared);
    let found = draft.location.and_then(|at| reference.locate(at));
    let listing = draft.into_row(kind, Status::Published, slug, found, &stamp);
    Record { listing, detail, products: Vec::new(), former_slugs: Vec::new() }
}

fn read<D: serde::de::DeserializeOwned>(members: Map<String, Value>) -> D {
    serde_json::from_value(Value::Object(members)).expect("the importer takes it, a test says")
}

/// In turn: nearest, open now, words by relevance, words by distance with facets.
fn query(world: &World, number: u64) -> Query {
    let mut random = world.random(number);
    let Point { lat, lon } = world.town.asker(number / 4, &mut random);
    let turn = number % 4;
    let words = (turn >= 2).then(|| world.vocabulary.sought(1, &mut random));
    let categories = if turn == 1 { vec![world.category(&mut random)] } else { Vec::new() };
    Query {
        words,
        centre: Position::new(lat, lon).ok().map(|at| Centre { at, radius_m: Some(5000.0) }),
        categories: categories.iter().filter_map(|code| code.parse().ok()).collect(),
        open_at: (turn == 1).then_some(Edge::Now),
        facets: if turn == 3 { vec![Facet::Category, Facet::Kind] } else { Vec::new() },
        ..Query::all(if turn == 2 { Sort::Relevance } else { Sort::Distance })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_work_is_the_same_every_time_and_finds_something() {
        let found = super::work(40);
        assert!(found > 100, "{found}");
        assert_eq!(super::work(40), found);
    }
}
