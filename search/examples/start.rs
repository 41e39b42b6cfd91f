//! What the start of a node costs on this machine: `cargo run --release -p search --example start
//! -- FILE`, FILE being an SQLite database that a node has filled.

use std::time::{Duration, Instant};

use domain::{
    record::{self, Record},
    reference::Reference,
    store::Store,
};
use search::Snapshot;
use tokio::sync::mpsc;

#[tokio::main]
async fn main() {
    let file = std::env::args().nth(1).expect("a file");
    let store = Store::open(&format!("sqlite:{file}?mode=rw")).await.expect("open");
    let start = Instant::now();
    let mut reading = Snapshot::reading(Reference::load(&store.reader).await.expect("reference"));
    let (hand_on, mut records) = mpsc::channel::<Vec<Record>>(4);
    let building = tokio::task::spawn_blocking(move || {
        let mut busy = Duration::ZERO;
        while let Some(some) = records.blocking_recv() {
            let start = Instant::now();
            some.into_iter().for_each(|record| reading.add(record));
            busy += start.elapsed();
        }
        let end = Instant::now();
        let snapshot = reading.finish(0);
        println!("added in {busy:?}, finished in {:?}", end.elapsed());
        snapshot
    });
    record::pour(&store.reader, hand_on).await.expect("records");
    let read = start.elapsed();
    let snapshot = building.await.expect("no panic");
    println!("{} listings: read after {read:?}, ready after {:?}", snapshot.len(), start.elapsed());
}
