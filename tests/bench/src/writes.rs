//! Writes: how many a second are safe on disk, and how soon one can be found.
//!
//! In this process, over a copy of the database: nothing is written over HTTP yet. Every commit is
//! on disk before it counts (`synchronous = FULL`).

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use api::{App, clock::Clock, config::Settings};
use clap::Parser;
use domain::{
    record::Record,
    store::Store,
    writer::{Unit, Write},
};
use tokio::task::JoinSet;

use crate::{
    number::{percentile, ratio},
    process,
};

/// The most writes that are watched until they show.
const WATCHED: usize = 2000;
/// The longest that is spent on watching.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long writers write for a rate.
const LASTS: Duration = Duration::from_secs(3);

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Writes {
    /// How many writes were watched.
    pub watched: usize,
    /// From the end of the commit until the index shows it, half of the time.
    pub shown_p50: Duration,
    /// The same, 99 of 100 times.
    pub shown_p99: Duration,
    /// Writes a second of one caller who waits for each.
    pub by_one: f64,
    /// Writes a second of 64 callers at once.
    pub by_many: f64,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

/// Measures over a copy of `database`, which nobody has open, at `copy`, which is removed again.
///
/// # Errors
/// When the database fails.
pub async fn measure(database: &Path, copy: &Path) -> io::Result<Writes> {
    std::fs::copy(database, copy)?;
    let store = Store::open(&format!("sqlite:{}?mode=rw", copy.display()))
        .await
        .map_err(io::Error::other)?;
    let data = copy.with_extension("data");
    let data_dir = format!("--data-dir={}", data.display());
    let settings = Line::parse_from(["bench", "--rate=off", &data_dir]).settings;
    let app = App::start(store.clone(), settings, Clock::system()).await;
    let app = app.map_err(io::Error::other)?;
    // What a node prepares after its start is not what a write costs.
    process::settled_here().await?;
    let mut records = some_records(&app);
    let mut shown = shown(&app, &mut records).await?;
    shown.sort_unstable();
    // One after the other, each with listings of its own: versions follow each other.
    let by_one = rate(&app, vec![records.split_off(records.len() / 2)]).await?;
    let share = records.len().div_ceil(64).max(1);
    let by_many = rate(&app, records.chunks(share).map(<[_]>::to_vec).collect()).await?;
    drop(app);
    for connection in [store.reader, store.writer] {
        connection.close().await.map_err(io::Error::other)?;
    }
    std::fs::remove_dir_all(data)?;
    for rest in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{rest}", copy.display()));
    }
    let (p50, p99) = (percentile(&shown, 50), percentile(&shown, 99));
    Ok(Writes { watched: shown.len(), shown_p50: p50, shown_p99: p99, by_one, by_many })
}

/// Listings from everywhere in the index.
fn some_records(app: &App) -> Vec<Record> {
    let snapshot = app.index.snapshot();
    let step = (snapshot.len() / WATCHED).max(1);
    let some = snapshot.documents().step_by(step).take(WATCHED);
    some.map(|document| document.record()).collect()
}

/// How long each write took from its commit until the index showed it. To ask for that is one
/// look at the head of the log, which counts here too.
async fn shown(app: &App, records: &mut [Record]) -> io::Result<Vec<Duration>> {
    let begun = Instant::now();
    let mut shown = Vec::new();
    for record in records {
        if begun.elapsed() > PATIENCE {
            break;
        }
        let unit = next(record, app.clock.now());
        app.writer.write(unit).await.map_err(io::Error::other)?;
        let committed = Instant::now();
        if !app.catch_up().await.map_err(io::Error::other)? {
            return Err(io::Error::other("a write is done and not shown"));
        }
        shown.push(committed.elapsed());
    }
    Ok(shown)
}

/// Writes a second, with a caller for each of `shares`.
async fn rate(app: &App, shares: Vec<Vec<Record>>) -> io::Result<f64> {
    let done = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for mut mine in shares {
        let (app, done) = (app.clone(), Arc::clone(&done));
        callers.spawn(async move {
            let mut at = 0;
            while begun.elapsed() < LASTS {
                let unit = next(&mut mine[at], app.clock.now());
                app.writer.write(unit).await.map_err(io::Error::other)?;
                done.fetch_add(1, Ordering::Relaxed);
                at = (at + 1) % mine.len();
            }
            io::Result::Ok(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.map_err(io::Error::other)??;
    }
    Ok(ratio(done.load(Ordering::Relaxed), 1) / begun.elapsed().as_secs_f64())
}

/// The next state of `record`, with one thing changed.
fn next(record: &mut Record, at: chrono::DateTime<chrono::Utc>) -> Unit {
    let listing = &mut record.listing;
    listing.version += 1;
    listing.accuracy_m = i32::try_from(listing.version % 50_000).ok();
    let write = Write::Listing { record: Box::new(record.clone()), former_slug: None };
    Unit::new(vec![write], "bench", at)
}
