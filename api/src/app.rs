//! App: what every handler can reach, and how a node comes up.

use std::sync::Arc;

use domain::{
    Error, change, record,
    reference::Reference,
    store::Store,
    writer::{Unit, Writer},
};
use search::{Changes, Index, Snapshot};
use tokio::sync::{Semaphore, watch};

use crate::{
    clock::Clock,
    config::{Rate, Settings},
    rate::Limiter,
    tailer,
};

/// A running node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The way to change it.
    pub writer: Writer,
    /// What is published, ready to be found.
    pub index: Arc<Index>,
    /// The time.
    pub clock: Clock,
    /// How it runs.
    pub settings: Arc<Settings>,
    /// Room for requests.
    pub(crate) room: Arc<Semaphore>,
    /// Who asks how often; absent where that does not matter.
    pub(crate) limiter: Option<Arc<Limiter>>,
    feed: tailer::Feed,
}

impl App {
    /// A node over a migrated `store`: reads everything that is published, then follows the log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(store: Store, settings: Settings, clock: Clock) -> Result<Self, Error> {
        let index = Arc::new(Index::default());
        index.publish(everything(&store).await?);
        let feed = tailer::follow(store.clone(), Arc::clone(&index));
        let limiter = (settings.rate == Rate::On).then(|| Arc::new(Limiter::new()));
        Ok(Self {
            writer: Writer::start(&store),
            store,
            index,
            clock,
            room: Arc::new(Semaphore::new(settings.concurrency)),
            limiter,
            settings: Arc::new(settings),
            feed,
        })
    }

    /// Writes `unit` and waits until this node's index shows it: who wrote, reads what they wrote.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub async fn write(&self, unit: Unit) -> Result<i64, Error> {
        let seq = self.writer.write(unit).await?;
        self.feed.shown(seq).await;
        Ok(seq)
    }

    /// Waits until this node's index shows everything that is committed now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catch_up(&self) -> Result<(), Error> {
        let head = change::head(&self.store.reader).await?;
        self.feed.shown(head).await;
        Ok(())
    }

    /// The position in the log that the index has come to.
    pub fn position(&self) -> watch::Receiver<i64> {
        self.feed.position.clone()
    }
}

/// A snapshot of all that is published.
///
/// The head of the log is read before the rows: what is written in between is read twice, never
/// missed, and a state applied twice is the same state.
pub(crate) async fn everything(store: &Store) -> Result<Snapshot, Error> {
    let seq = change::head(&store.reader).await?;
    let reference = Reference::load(&store.reader).await?;
    let records = record::load_public(&store.reader).await?;
    let records = records.into_iter().map(|record| (record.listing.id, Some(record))).collect();
    Ok(Snapshot::default().with(Changes { records, reference: Some(reference), seq }))
}
