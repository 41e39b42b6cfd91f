//! Micro: what the index alone takes for a question, kind by kind, without the way to it.
//!
//! Processor time of this thread, so that whoever else works on the machine does not count. No
//! question of a kind comes twice; the first half of them warms what is kept.

use std::{fs, io, path::Path};

use chrono::NaiveDate;
use domain::{position::Position, record, reference::Reference, store::Store, text::Lang};
use search::{Centre, Edge, Facet, Query, Snapshot, Sort, Window};
use tokio::sync::mpsc;

use crate::{
    number::ratio,
    random::Random,
    town::{Point, Town},
    work,
    world::World,
};

/// A kind of question: asked with the number of the question, it says what its answers show.
type Kind = (&'static str, fn(&Snapshot, &World, u64, &mut Random) -> usize);

static KINDS: &[Kind] = &[
    ("nearest 20", |snapshot, world, number, random| {
        work::ask(snapshot, &around(world, number, random, Sort::Distance))
    }),
    ("category, open now", |snapshot, world, number, random| {
        let categories = world.category(random).parse().into_iter().collect();
        let near = around(world, number, random, Sort::Distance);
        work::ask(snapshot, &Query { categories, open_at: Some(Edge::Now), ..near })
    }),
    ("words, best first", |snapshot, world, number, random| {
        let near = around(world, number, random, Sort::Relevance);
        work::ask(snapshot, &Query { words: words(world, 1 + number % 2, random), ..near })
    }),
    ("words, nearest first", |snapshot, world, number, random| {
        let near = around(world, number, random, Sort::Distance);
        work::ask(snapshot, &Query { words: words(world, 1 + number % 2, random), ..near })
    }),
    ("nearest 20, 3 facets, dense", |snapshot, _, _, random| {
        let near = within(Town::dense(random), 5000.0, Sort::Distance);
        let facets = vec![Facet::Category, Facet::Kind, Facet::Area];
        work::ask(snapshot, &Query { facets, ..near })
    }),
    ("suggest", |snapshot, world, number, random| {
        let Point { lat, lon } = world.town.asker(number, random);
        let word = world.vocabulary.sought(1, random);
        let typed = &word[..word.len().min(3 + random.below(3))];
        snapshot.suggest(typed, Lang::Id, Position::new(lat, lon).ok(), &[], 8).len()
    }),
    ("40 words of 4 letters", |snapshot, _, _, random| {
        let word = |random: &mut Random| -> String {
            (0..4).map(|_| char::from(*random.pick(b"abcdefghijklmnopqrstuvwxyz"))).collect()
        };
        let words: Vec<String> = (0..40).map(|_| word(random)).collect();
        work::ask(snapshot, &Query { words: Some(words.join(" ")), ..Query::all(Sort::Relevance) })
    }),
    ("40 common words", |snapshot, world, _, random| {
        work::ask(
            snapshot,
            &Query { words: words(world, 40, random), ..Query::all(Sort::Relevance) },
        )
    }),
    ("100 km, words", |snapshot, world, number, random| {
        let far = within(world.town.asker(number, random), 100_000.0, Sort::Relevance);
        work::ask(snapshot, &Query { words: words(world, 2, random), limit: 100, ..far })
    }),
    ("100 km, ten years of events", |snapshot, world, number, random| {
        let far = within(world.town.asker(number, random), 100_000.0, Sort::Distance);
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).map(Edge::On);
        let window = Window { from: day(2026, 1, 1), to: day(2035, 12, 31) };
        work::ask(snapshot, &Query { window: Some(window), limit: 100, ..far })
    }),
    ("100 km, all facets", |snapshot, world, number, random| {
        let far = within(world.town.asker(number, random), 100_000.0, Sort::Distance);
        work::ask(snapshot, &Query { facets: Facet::ALL.to_vec(), ..far })
    }),
    ("10 pages of 100, by words", |snapshot, world, _, random| {
        let words = words(world, 2, random);
        let mut query = Query { words, limit: 100, ..Query::all(Sort::Relevance) };
        let mut hits = 0;
        for _ in 0..10 {
            let page = snapshot.find(&query, work::now()).expect("the cursor is its own");
            hits += page.hits.len();
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        hits
    }),
];

/// Asks `count` questions of every kind whose name holds `only`.
///
/// # Errors
/// When the system does not say what a thread has used.
pub fn micro(snapshot: &Snapshot, world: &World, count: u64, only: &str) -> io::Result<()> {
    println!("{:<30}{:>10} of {} listings", "µs of processor", "each", snapshot.len());
    for (turn, (name, kind)) in (0_u64..).zip(KINDS).filter(|(_, (name, _))| name.contains(only)) {
        let mut hits = 0;
        let mut ask = |numbers: std::ops::Range<u64>| {
            for number in numbers {
                let mut random = world.random((turn + 50) << 40 | number);
                hits += kind(snapshot, world, number, &mut random);
            }
        };
        ask(0..count / 2);
        let begun = used()?;
        ask(count / 2..count);
        let each = ratio(used()? - begun, 1000) / ratio(count - count / 2, 1);
        println!("{name:<30}{each:>10.1}, {hits} hits");
    }
    Ok(())
}

/// What this thread has used of the processor, nanoseconds: noted when the clock ticks, every few
/// milliseconds, so it says little of a single question.
fn used() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    nanoseconds.ok_or_else(|| io::Error::other("no number in schedstat"))
}

/// The listings of an SQLite database that `griya seed` has filled.
///
/// # Errors
/// When it cannot be read.
pub async fn poured(file: &Path) -> io::Result<Snapshot> {
    let url = format!("sqlite:{}?mode=rw", file.display());
    let store = Store::open(&url).await.map_err(io::Error::other)?;
    let reference = Reference::load(&store.reader).await.map_err(io::Error::other)?;
    let mut reading = Snapshot::reading(reference);
    let (hand_on, mut records) = mpsc::channel(4);
    let building = tokio::task::spawn_blocking(move || {
        while let Some(some) = records.blocking_recv() {
            let some: Vec<record::Record> = some;
            some.into_iter().for_each(|record| reading.add(record));
        }
        reading.finish(0)
    });
    record::pour(&store.reader, hand_on).await.map_err(io::Error::other)?;
    building.await.map_err(io::Error::other)
}

fn around(world: &World, number: u64, random: &mut Random, sort: Sort) -> Query {
    within(world.town.asker(number, random), 5000.0, sort)
}

fn within(Point { lat, lon }: Point, radius_m: f64, sort: Sort) -> Query {
    let at = Position::new(lat, lon).ok();
    Query { centre: at.map(|at| Centre { at, radius_m: Some(radius_m) }), ..Query::all(sort) }
}

fn words(world: &World, count: u64, random: &mut Random) -> Option<String> {
    let count = usize::try_from(count).ok()?;
    Some(world.vocabulary.sought(count, random).replace("%20", " "))
}
