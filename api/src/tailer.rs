//! Tailer: the one task that reads the change log and feeds the index.
//!
//! Writers of this node poke it after they commit; it also looks by itself, so that it sees what
//! another process or node wrote. Nobody else moves the index.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use domain::{Error, change, record, reference::Reference, store::Store};
use search::{Changes, Index, Snapshot};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::listing_view;

/// How often it looks without being poked: how late another process's write may show.
const LOOK: Duration = Duration::from_millis(200);
/// How long it waits after the database failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long somebody who wrote waits for the index; what they wrote is on disk all the while.
const PATIENCE: Duration = Duration::from_secs(10);
/// Handfuls of records that wait to be built in: enough that neither side stands still.
const WAITING: usize = 4;
/// Changes read at once.
const BATCH: u64 = 2000;

/// What a writer needs of the tailer: to poke it, and to wait for it.
#[derive(Debug, Clone)]
pub struct Feed {
    poke: Arc<Notify>,
    position: watch::Receiver<i64>,
}

impl Feed {
    /// Waits until the index shows change `seq`; whether it does. It gives up when the tailer is
    /// gone or the database does not answer for long.
    pub async fn shown(&self, seq: i64) -> bool {
        self.poke.notify_one();
        let mut position = self.position.clone();
        let shown = position.wait_for(|position| *position >= seq);
        matches!(tokio::time::timeout(PATIENCE, shown).await, Ok(Ok(_)))
    }
}

/// What the index shows: a snapshot, and the last change in it as the log had it.
struct Tailer {
    store: Store,
    index: Arc<Index>,
    last: Option<change::Model>,
}

/// Reads everything that is published into `index`, then follows the log.
///
/// # Errors
/// When the database fails before the first snapshot is whole.
pub async fn follow(store: Store, index: Arc<Index>) -> Result<Feed, Error> {
    let mut tailer = Tailer { store, index, last: None };
    tailer.read_everything().await?;
    // What the first question of its kind would wait for.
    let prepared = Arc::clone(&tailer.index);
    tokio::task::spawn_blocking(move || {
        prepared.prepare();
        listing_view::write_lines(&prepared.snapshot());
    });
    let (tell, position) = watch::channel(tailer.seq());
    let poke = Arc::new(Notify::new());
    let feed = Feed { poke: Arc::clone(&poke), position };
    tokio::spawn(async move {
        let mut tidying = None;
        while !tell.is_closed() {
            tidying = tidy(&tailer.index, tidying);
            match tailer.step().await {
                // Only after the snapshot is in place.
                Ok(true) => {
                    tell.send_replace(tailer.seq());
                }
                Ok(false) => {
                    tokio::select! {
                        () = poke.notified() => {}
                        () = tokio::time::sleep(LOOK) => {}
                    }
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot follow the log"
                    );
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    });
    Ok(feed)
}

/// Has the index made tidy on a thread of its own, unless that is going on.
fn tidy(index: &Arc<Index>, going_on: Option<JoinHandle<()>>) -> Option<JoinHandle<()>> {
    if going_on.as_ref().is_some_and(|tidying| !tidying.is_finished()) {
        return going_on;
    }
    let index = Arc::clone(index);
    index.is_untidy().then(|| tokio::task::spawn_blocking(move || index.tidy()))
}

impl Tailer {
    fn seq(&self) -> i64 {
        self.last.as_ref().map_or(0, |change| change.seq)
    }

    /// A snapshot of all that is published.
    ///
    /// The head of the log is read before the rows: what is written in between is read twice,
    /// never missed, and a state applied twice is the same state.
    async fn read_everything(&mut self) -> Result<(), Error> {
        let reader = &self.store.reader;
        let last = change::newest(reader).await?;
        let seq = last.as_ref().map_or(0, |change| change.seq);
        let mut reading = Snapshot::reading(Reference::load(reader).await?);
        // Reading and building take about as long: they go on beside each other.
        let (hand_on, mut records) = mpsc::channel(WAITING);
        let building = tokio::task::spawn_blocking(move || {
            while let Some(some) = records.blocking_recv() {
                Vec::into_iter(some).for_each(|record| reading.add(record));
            }
            reading.finish(seq)
        });
        record::pour(reader, hand_on).await?;
        self.index.publish(building.await.expect("nothing stops it but a panic of its own"));
        self.last = last;
        Ok(())
    }

    /// Applies what the log has brought; whether that was anything.
    async fn step(&mut self) -> Result<bool, Error> {
        let mut changes = change::from(&self.store.reader, self.seq(), BATCH).await?;
        // The log must still hold what we applied last, as we applied it: a database restored to an
        // earlier day, and written since, holds another change there or none.
        if let Some(last) = &self.last {
            if changes.first() != Some(last) {
                tracing::warn!("the log is another one: reading everything anew");
                self.read_everything().await?;
                return Ok(true);
            }
            changes.remove(0);
        }
        let Some(newest) = changes.last().cloned() else { return Ok(false) };
        self.index.apply(self.read(&changes, newest.seq).await?);
        self.last = Some(newest);
        Ok(true)
    }

    /// The states that `changes` led to.
    async fn read(&self, changes: &[change::Model], seq: i64) -> Result<Changes, Error> {
        let reader = &self.store.reader;
        let ids: BTreeSet<Uuid> = changes
            .iter()
            .filter(|change| change.kind.is_listing())
            .filter_map(|change| change.subject.parse().ok())
            .collect();
        let of_reference = changes.iter().any(|change| !change.kind.is_listing());
        let reference = if of_reference { Some(Reference::load(reader).await?) } else { None };
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let found = record::load(reader, &ids).await?;
        // Who is not found any more is to be forgotten.
        let mut records: BTreeMap<_, _> = ids.into_iter().map(|id| (id, None)).collect();
        records.extend(found.into_iter().map(|record| (record.listing.id, Some(record))));
        let records = records.into_iter().collect();
        Ok(Changes { records, reference, seq })
    }
}
