//! Walking by cursor through a world that changes between pages.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{listing::Kind, position::Position, text::Lang};
use search::{Centre, Edge, Hit, Query, Sort, Window};
use tests::{NOON, at};
use uuid::Uuid;

use crate::oracle::world::{Random, WORDS, World};

/// A question that many walks may ask.
fn query(random: &mut Random) -> Query {
    let words = random.chance(50).then(|| [random.pick(&WORDS), random.pick(&WORDS)].join(" "));
    let mut sorts = vec![Sort::Name, Sort::Updated, Sort::Start, Sort::Fair, Sort::Id];
    let centre = random.chance(50).then(|| {
        let at = Position::new(random.between(-8.1, -7.6), random.between(110.1, 110.6)).unwrap();
        let radius = *random.one(&[3_000.0, 20_000.0, 100_000.0]);
        Centre { at, radius_m: random.chance(50).then_some(radius) }
    });
    if words.is_some() {
        sorts.extend([Sort::Relevance; 4]);
    }
    if centre.is_some() {
        sorts.extend([Sort::Distance; 3]);
    }
    let mut query = Query { words, centre, ..Query::all(*random.one(&sorts)) };
    query.limit = 1 + random.below(7);
    query.lang = *random.one(&Lang::ALL);
    if random.chance(30) {
        query.kinds = vec![*random.one(&Kind::ALL)];
    }
    if random.chance(10) {
        query.open_at = Some(Edge::Now);
    }
    if random.chance(10) {
        query.window = Some(Window { from: Some(Edge::Now), to: None });
    }
    query
}

/// Where a hit stands in the order, as far as what is shown of it tells: less is earlier.
fn place(query: &Query, hit: &Hit<'_>) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "minutes")]
    let minutes = |instant: DateTime<Utc>| (instant.timestamp() / 60) as f64;
    let zone = hit.document.zone;
    match query.sort {
        Sort::Relevance => Some(-hit.score?.total),
        Sort::Distance => Some(hit.distance_m.unwrap_or(f64::INFINITY)),
        Sort::Updated => Some(-minutes(hit.document.record().listing.updated_at)),
        Sort::Start => {
            let next = hit.next_occurrence.map(|next| minutes(next.starts_at(zone)));
            Some(next.unwrap_or(f64::INFINITY))
        }
        Sort::Name | Sort::Fair | Sort::Id => None,
    }
}

/// Walks to the end while the world changes, the clock going on by `step` a page.
fn walk(world: &mut World, start: DateTime<Utc>, step: TimeDelta, note: &str) {
    let mut query = query(&mut world.random);
    let note = format!("{note}: {query:?}");
    let everything = Query { limit: 100_000, ..query.clone() };
    let snapshot = world.index.snapshot();
    let due = snapshot.find(&everything, start).unwrap();
    let mut due: BTreeSet<Uuid> = due.hits.iter().map(|hit| hit.document.id).collect();
    let mut met: BTreeMap<Uuid, usize> = BTreeMap::new();
    let (mut touched, mut now, mut last) = (BTreeSet::new(), start, None::<f64>);
    loop {
        let snapshot = world.index.snapshot();
        let page = snapshot.find(&query, now).unwrap();
        for hit in &page.hits {
            *met.entry(hit.document.id).or_default() += 1;
            if let Some(place) = place(&query, hit) {
                assert!(last.is_none_or(|last| last <= place), "goes back to {place} {note}");
                last = Some(place);
            }
        }
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
        now += step;
        if world.random.chance(50) {
            let deeds = 1 + world.random.below(3);
            touched.extend(world.change(deeds));
        }
        if world.random.chance(10) {
            world.index.tidy(now);
        }
    }
    due.retain(|id| !touched.contains(id));
    met.retain(|id, _| !touched.contains(id));
    assert!(met.values().all(|times| *times == 1), "met twice {note}");
    assert!(due.iter().eq(met.keys()), "{} of {} {note}", met.len(), due.len());
}

fn walks(seed: u64, step: TimeDelta) {
    let mut world = World::new(seed, 120);
    for number in 0..500 {
        if world.records.len() > 200 {
            world = World::new(seed + number, 120);
        }
        walk(&mut world, at(NOON), step, &format!("seed {seed}, walk {number}"));
    }
}

#[test]
fn what_stands_still_is_met_once_while_the_rest_comes_and_goes() {
    walks(100, TimeDelta::zero());
}

#[test]
fn it_is_while_time_goes_on() {
    walks(900, TimeDelta::seconds(30));
}

#[test]
fn a_long_run_of_single_changes_leaves_few_segments() {
    let mut world = World::new(7, 400);
    let mut tidied = 0;
    for _ in 0..200 {
        world.change(1);
        if world.index.is_untidy() {
            world.index.tidy(DateTime::UNIX_EPOCH);
            tidied += 1;
        }
        assert!(!world.index.is_untidy(), "tidy once, and it is tidy");
    }
    // Not at every change: most are taken in by the last, small segment.
    assert!((1..=50).contains(&tidied), "{tidied}");
    assert_eq!(world.index.snapshot().len(), world.records.len());
}
