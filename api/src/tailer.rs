//! Tailer: the one task that reads the change log and feeds the index.
//!
//! Writers of this node poke it after they commit, and on PostgreSQL so do the news of what other
//! nodes committed. It also looks by itself: what nobody told it of is seen all the same. Nobody else
//! moves the index.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use domain::{Error, change, record, reference::Reference, store::Store};
use search::{Changes, Index, Snapshot};
use tokio::{
    sync::{
        Notify,
        mpsc::{self, error::TryRecvError},
        oneshot, watch,
    },
    task::JoinHandle,
};
use uuid::Uuid;

use crate::{
    background,
    checkpoint::{self, Found, Keeper},
    clock::Clock,
    listing_view,
    tailer::listening::Listening,
};

pub mod listening;

/// How long it waits after the database failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked what questions the time will change; far more often than that is prepared.
const LOOKS_AHEAD: Duration = Duration::from_secs(20);
/// How long somebody who wrote waits for the index; what they wrote is on disk all the while.
const PATIENCE: Duration = Duration::from_secs(10);
/// Handfuls of records that wait to be built in: enough that neither side stands still.
const WAITING: usize = 4;
/// Changes read at once.
const BATCH: u64 = 2000;
/// A log that went on for more than this share of all listings, and some more, takes longer to follow
/// than everything takes to read.
const SHARE: u64 = 8;
const SOME: u64 = 10_000;

/// What a writer needs of the tailer: to poke it, and to wait for it.
#[derive(Debug, Clone)]
pub struct Feed {
    poke: Arc<Notify>,
    position: watch::Receiver<Position>,
    end: mpsc::Sender<oneshot::Sender<()>>,
}

/// How far the index is.
#[derive(Debug, Clone, Copy)]
struct Position {
    /// The last change that it shows.
    seq: i64,
    /// Everything that was committed by then is shown.
    level: Instant,
}

/// How far the index is behind the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// The number of the newest change in the log.
    pub log: i64,
    /// The number of the last change that the index shows.
    pub shown: i64,
    /// Everything that was committed so long ago is shown.
    pub behind: Duration,
}

impl Feed {
    /// Waits until the index shows change `seq`; whether it does. It gives up when the tailer is
    /// gone or the database does not answer for long.
    pub async fn shown(&self, seq: i64) -> bool {
        self.poke.notify_one();
        let mut position = self.position.clone();
        let shown = position.wait_for(|position| position.seq >= seq);
        matches!(tokio::time::timeout(PATIENCE, shown).await, Ok(Ok(_)))
    }

    /// Waits until the index shows more than change `seq`, or the tailer is gone.
    pub async fn moved_on(&self, seq: i64) {
        let mut position = self.position.clone();
        // Another log may be shorter: whoever waits looks at that too.
        let _ = position.wait_for(|position| position.seq != seq).await;
    }

    /// How far the index is behind a log that ends with change `log`.
    pub fn behind(&self, log: i64) -> Lag {
        let Position { seq: shown, level } = *self.position.borrow();
        let behind = if shown == log { Duration::ZERO } else { level.elapsed() };
        Lag { log, shown, behind }
    }

    /// Ends the tailer, and waits until it has kept what it knows.
    pub async fn end(&self) {
        let (tell, ended) = oneshot::channel();
        if self.end.send(tell).await.is_ok() {
            self.poke.notify_one();
            // It is gone without a word only when the whole program ends.
            let _ = ended.await;
        }
    }
}

/// What the index shows: a snapshot, and the last change in it as the log had it.
struct Tailer {
    store: Store,
    index: Arc<Index>,
    clock: Clock,
    last: Option<change::Model>,
    /// The last change that what listings refer to has seen: it may be ahead of them.
    referred: i64,
    /// Everything that was committed by then is shown.
    level: Instant,
    keeper: Keeper,
    schema: String,
}

/// Brings everything that is published into `index`, from the checkpoint in the folder `data` if
/// that can be, then follows the log.
///
/// # Errors
/// When the database fails before the first snapshot is whole.
pub async fn follow(
    store: Store,
    index: Arc<Index>,
    data: &Path,
    clock: Clock,
) -> Result<Feed, Error> {
    let (keeper, schema) = (Keeper::new(data), store.schema().await?);
    let level = Instant::now();
    let mut tailer = Tailer { store, index, clock, last: None, referred: 0, level, keeper, schema };
    if !tailer.resume().await? {
        tailer.read_everything().await?;
    }
    tokio::spawn(prepare(Arc::downgrade(&tailer.index), tailer.clock.clone()));
    let (tell, position) = watch::channel(tailer.position());
    let poke = Arc::new(Notify::new());
    let (end, mut ended) = mpsc::channel(1);
    let feed = Feed { poke: Arc::clone(&poke), position, end };
    let listening = Listening::start(tailer.store.clone(), Arc::clone(&poke));
    tokio::spawn(async move {
        let mut tidying = None;
        loop {
            match ended.try_recv() {
                Ok(told) => {
                    tailer.end().await;
                    let _: Result<(), ()> = oneshot::Sender::send(told, ());
                    return;
                }
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {}
            }
            tidying = tidy(&tailer.index, &tailer.clock, tidying);
            tailer.keep().await;
            match tailer.step().await {
                Ok(moved) => {
                    // Only after the snapshot is in place; who waits is woken only where it moved.
                    tell.send_if_modified(|position| {
                        *position = tailer.position();
                        moved
                    });
                    if !moved {
                        let _ = tokio::time::timeout(listening.nap(), poke.notified()).await;
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

type Tidying = JoinHandle<io::Result<()>>;

/// Has the index made tidy on a thread of its own, unless that is going on.
fn tidy(index: &Arc<Index>, clock: &Clock, going_on: Option<Tidying>) -> Option<Tidying> {
    if going_on.as_ref().is_some_and(|tidying| !tidying.is_finished()) {
        return going_on;
    }
    let (index, now) = (Arc::clone(index), clock.now());
    index.is_untidy().then(|| background::spawn(move || index.tidy(now)))
}

/// Has the index ready for what is asked next, as long as somebody holds it: what the first question
/// of its kind would wait for, and what changes with the time.
async fn prepare(index: Weak<Index>, clock: Clock) {
    let mut lines_are_written = false;
    while let Some(index) = index.upgrade() {
        let now = clock.now();
        let prepared = background::spawn(move || {
            index.prepare(now);
            if !lines_are_written {
                listing_view::write_lines(&index.snapshot());
            }
        });
        if let Err(error) = prepared.await.map_err(io::Error::from).flatten() {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot prepare the index");
        }
        lines_are_written = true;
        tokio::time::sleep(LOOKS_AHEAD).await;
    }
}

impl Tailer {
    fn seq(&self) -> i64 {
        self.last.as_ref().map_or(0, |change| change.seq)
    }

    fn position(&self) -> Position {
        Position { seq: self.seq(), level: self.level }
    }

    /// Goes on from the checkpoint; whether there is one to go on from.
    async fn resume(&mut self) -> Result<bool, Error> {
        let Some(found) = self.keeper.find().await else { return Ok(false) };
        let reader = &self.store.reader;
        let head = change::head(reader).await?;
        // Read after the head: what it has seen need not be looked at again.
        let reference = Reference::load(reader).await?;
        let Some(last) = self.known(&found).await? else {
            self.keeper.ignored("the log or the tables are others");
            return Ok(false);
        };
        if (head - last.seq).cast_unsigned() > SOME + found.listings() / SHARE {
            self.keeper.ignored("too much has changed since");
            return Ok(false);
        }
        let read = tokio::task::spawn_blocking(move || found.read(reference)).await;
        match read.map_err(std::io::Error::from).flatten() {
            Ok(snapshot) => self.index.publish(snapshot),
            Err(error) => {
                self.keeper.ignored(&error.to_string());
                return Ok(false);
            }
        }
        self.keeper.holds(last.seq);
        (self.last, self.referred) = (Some(last), head);
        while self.seq() < head && self.step().await? {}
        Ok(true)
    }

    /// The last change in a checkpoint, if the log still holds it as it was.
    async fn known(&self, found: &Found) -> Result<Option<change::Model>, Error> {
        let change = change::from(&self.store.reader, found.seq(), 1).await?.pop();
        Ok(change.filter(|change| found.note() == self.note(change).as_bytes()))
    }

    fn note(&self, last: &change::Model) -> String {
        checkpoint::note(&self.schema, last)
    }

    /// Has the index kept in a file where that is due.
    async fn keep(&mut self) {
        self.keeper.look().await;
        // While the log is empty there is nothing to know the index by.
        if let Some(last) = self.last.as_ref().filter(|last| self.keeper.is_due(last.seq)) {
            self.keeper.write(self.index.snapshot(), self.note(last));
        }
    }

    /// Has the index kept a last time, and waits until it is on disk.
    async fn end(&mut self) {
        self.keeper.rest().await;
        if let Some(last) = self.last.as_ref().filter(|last| self.keeper.is_worth_it(last.seq)) {
            self.keeper.write(self.index.snapshot(), self.note(last));
            self.keeper.rest().await;
        }
    }

    /// A snapshot of all that is published.
    ///
    /// The head of the log is read before the rows: what is written in between is read twice,
    /// never missed, and a state applied twice is the same state.
    async fn read_everything(&mut self) -> Result<(), Error> {
        let (reader, began) = (&self.store.reader, Instant::now());
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
        (self.last, self.referred, self.level) = (last, seq, began);
        self.keeper.forget();
        Ok(())
    }

    /// Applies what the log has brought; whether that was anything.
    async fn step(&mut self) -> Result<bool, Error> {
        let looked = Instant::now();
        let mut changes = change::from(&self.store.reader, self.seq(), BATCH).await?;
        let is_all = (changes.len() as u64) < BATCH;
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
        let newest = changes.last().cloned();
        if let Some(newest) = &newest {
            self.index.apply(self.read(&changes, newest.seq).await?);
            self.last = Some(newest.clone());
        }
        if is_all {
            self.level = looked;
        }
        Ok(newest.is_some())
    }

    /// The states that `changes` led to.
    async fn read(&self, changes: &[change::Model], seq: i64) -> Result<Changes, Error> {
        let reader = &self.store.reader;
        let ids: BTreeSet<Uuid> = changes
            .iter()
            .filter(|change| change.kind.is_listing())
            .filter_map(|change| change.subject.parse().ok())
            .collect();
        let referred = self.referred;
        let of_reference =
            changes.iter().any(|change| !change.kind.is_listing() && change.seq > referred);
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
