//! App: what every handler can reach, and how a node comes up.

use std::sync::Arc;

use domain::{
    Error, change,
    store::Store,
    writer::{Unit, Writer},
};
use search::Index;
use tokio::sync::Semaphore;

use crate::{
    clock::Clock,
    config::{Rate, Settings},
    counts::Counts,
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
    /// How often what is shown.
    pub(crate) counts: Counts,
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
        let feed = tailer::follow(store.clone(), Arc::clone(&index)).await?;
        let limiter = (settings.rate == Rate::On).then(|| Arc::new(Limiter::new()));
        Ok(Self {
            writer: Writer::start(&store),
            counts: Counts::start(store.clone(), clock.clone()),
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
    /// As [`Writer::write`]. A write that is done and not shown within ten seconds is no error.
    pub async fn write(&self, unit: Unit) -> Result<i64, Error> {
        let seq = self.writer.write(unit).await?;
        if !self.feed.shown(seq).await {
            tracing::error!(seq, "a write is done and not shown yet");
        }
        Ok(seq)
    }

    /// Writes how often what was shown since it was last written, which happens every minute by
    /// itself: for a node that stops.
    pub async fn write_counts(&self) {
        self.counts.write().await;
    }

    /// Waits until this node's index shows everything that is committed now; whether it does.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catch_up(&self) -> Result<bool, Error> {
        let head = change::head(&self.store.reader).await?;
        Ok(self.feed.shown(head).await)
    }
}
