//! What a node reads: all of it at its start, and one change after a commit.

use std::{path::Path, time::Instant};

use domain::{
    change,
    record::{self, Walk},
    store::Store,
    writer::Writer,
};
use tokio::sync::mpsc;

use crate::{made, write};

/// Records of the start.
const RECORDS: u32 = 200_000;
/// Records of a unit while they are poured.
const UNIT: u32 = 500;
/// Changes read back.
const CHANGES: u32 = 2000;

pub async fn measure(folder: &Path) {
    let store = write::store(&folder.join("reads.sqlite")).await;
    let writer = Writer::start(&store);
    for first in (0..RECORDS).step_by(UNIT as usize) {
        let writes = (first..first + UNIT).map(|n| write::listing(&made::place(n))).collect();
        writer.write(write::unit(writes)).await.expect("written");
    }
    let start = Instant::now();
    let mut walk = Walk::new(&store.reader);
    let mut count = 0;
    while let Some(records) = walk.next().await.expect("records") {
        count += records.len();
    }
    tell("a walk", count, start);
    let start = Instant::now();
    let (to, mut records) = mpsc::channel(4);
    let reader = store.reader.clone();
    let pouring = tokio::spawn(async move { record::pour(&reader, to).await });
    let mut count = 0;
    while let Some(some) = records.recv().await {
        count += some.len();
    }
    pouring.await.expect("no panic").expect("records");
    tell("a start", count, start);
    changes(&store, &writer).await;
}

fn tell(what: &str, count: usize, start: Instant) {
    println!("{what} reads {count} records in {:?}", start.elapsed());
}

/// From the answer of the writer to the record in hand: what the follower of the log adds to it.
async fn changes(store: &Store, writer: &Writer) {
    let mut times = Vec::new();
    for n in 0..CHANGES {
        let mut record = made::place(n);
        record.listing.version += 1;
        let write = vec![write::listing(&record)];
        let seq = writer.write(write::unit(write)).await.expect("written");
        let start = Instant::now();
        let changes = change::from(&store.reader, seq - 1, 2000).await.expect("the log");
        let ids = [changes.last().expect("a change").subject.parse().expect("an id")];
        let found = record::load(&store.reader, &ids).await.expect("a record");
        times.push(start.elapsed());
        assert_eq!(found, [record]);
    }
    times.sort();
    let (middle, slow) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("a change read back: p50 {middle:?}, p99 {slow:?}");
}
