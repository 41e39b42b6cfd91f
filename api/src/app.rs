//! App: what every handler can reach, and how a node comes up.

use std::{sync::Arc, time::Duration};

use domain::{
    Error, change,
    store::Store,
    writer::{Unit, Write, Writer},
};
use search::Index;
use tokio::sync::{Semaphore, watch};

use crate::{
    attempts::Attempts,
    bundles::making::{self, Bundles, NotMade},
    changes,
    clock::Clock,
    config::{Rate, Settings},
    counts::Counts,
    exports, external, housekeeping,
    keys::known::Keys,
    line::{room::Room, tls::Tls},
    media::{making::Pictures, shelf::Shelf},
    messages::{Messenger, outbox::Outbox},
    metrics::Metrics,
    nodes::{Nodes, Pulse},
    oidc::provider::Provider,
    queueing::Queueing,
    rate::Limiter,
    tailer::{self, Lag},
    webhooks::{self, sender::Sender},
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
    /// Room for connections.
    pub line: Arc<Room>,
    /// The certificate that is shown; absent where a proxy has one.
    pub tls: Option<Arc<Tls>>,
    /// How long what is asked waits, and who is told to come back for that.
    pub queueing: Arc<Queueing>,
    /// What was asked, counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Room for requests.
    pub(crate) room: Arc<Semaphore>,
    /// Room for those that bring a body, which may come slowly: it is not that of those who read.
    pub(crate) room_for_bodies: Arc<Semaphore>,
    /// Who asks how often; absent where that does not matter.
    pub(crate) limiter: Option<Arc<Limiter>>,
    /// Who asks for codes and tries them how often; absent where that does not matter.
    pub(crate) attempts: Option<Arc<Attempts>>,
    /// Room for work that is slow on purpose.
    pub(crate) slow: Arc<Semaphore>,
    /// The way to people.
    pub(crate) messenger: Messenger,
    /// What sends the messages that were written.
    pub outbox: Outbox,
    /// Through which staff may sign in; absent where there is none.
    pub(crate) provider: Option<Arc<Provider>>,
    /// What makes pictures, and where they lie.
    pub(crate) pictures: Pictures,
    /// Keys that were seen of late.
    pub(crate) keys: Keys,
    /// What makes bundles, and those there are.
    pub(crate) bundles: Bundles,
    /// What tells webhooks.
    pub(crate) webhooks: Sender,
    /// Room for those who listen to changes.
    pub(crate) streams: Arc<Semaphore>,
    /// Room for exports.
    pub(crate) exports: Arc<Semaphore>,
    /// Room for those who bring many records.
    pub(crate) bulks: Arc<Semaphore>,
    /// What tells other nodes that this one lives.
    pub(crate) pulse: Pulse,
    /// Whether the node ends: then who listens is let go.
    pub(crate) ended: watch::Sender<bool>,
    feed: tailer::Feed,
}

/// Slow digests reckoned at once: each takes 19 MiB and a processor.
const SLOW: usize = 2;

/// Why a node did not come up.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
    /// The settings name no place for pictures, no way to people, or half an identity provider.
    #[error("{0}")]
    Settings(String),
}

impl App {
    /// A node over a migrated `store`: brings everything that is published into memory, then follows
    /// the log.
    ///
    /// # Errors
    /// When the database fails, or the settings name no place for pictures, no way to people, or half
    /// an identity provider.
    pub async fn start(store: Store, settings: Settings, clock: Clock) -> Result<Self, NotStarted> {
        let shelf = Shelf::open(&settings).map_err(NotStarted::Settings)?;
        let messenger = Messenger::of(&settings, clock.clone());
        let messenger = messenger.map_err(|faults| NotStarted::Settings(faults.join("; ")))?;
        let provider = Provider::of(&settings, clock.clone()).map_err(NotStarted::Settings)?;
        let tls = Tls::of(&settings).map_err(NotStarted::Settings)?;
        let index = Arc::new(Index::default());
        let (data, own) = (&settings.data_dir, Arc::clone(&index));
        let feed = tailer::follow(store.clone(), own, data, clock.clone()).await?;
        let nodes = Nodes::default();
        let limiter = || Arc::new(Limiter::new(nodes.clone()));
        let limiter = (settings.rate == Rate::On).then(limiter);
        let attempts = (settings.rate == Rate::On).then(|| Arc::new(Attempts::new(nodes.clone())));
        let writer = Writer::start(&store);
        let outbox = Outbox::start(store.clone(), writer.clone(), messenger.clone(), clock.clone());
        let settings = Arc::new(settings);
        let webhooks = Sender::start(webhooks::sender::Parts {
            store: store.clone(),
            writer: writer.clone(),
            index: Arc::clone(&index),
            clock: clock.clone(),
            private: settings.webhook_private,
            public_url: settings.public_url.clone(),
        });
        let webhooks = webhooks.map_err(|error| NotStarted::Settings(error.to_string()))?;
        housekeeping::start(store.clone(), clock.clone(), &settings);
        let bundles = Bundles::start(making::Parts {
            store: store.clone(),
            index: Arc::clone(&index),
            clock: clock.clone(),
            shelf: shelf.clone(),
            settings: Arc::clone(&settings),
        });
        Ok(Self {
            pulse: Pulse::start(store.clone(), writer.clone(), clock.clone(), nodes),
            counts: Counts::start(store.clone(), clock.clone()),
            keys: Keys::start(store.clone(), clock.clone()),
            writer,
            store,
            index,
            clock,
            line: Room::new(settings.connections, settings.behind_proxy),
            tls,
            queueing: Arc::default(),
            metrics: Metrics::new(),
            room: Arc::new(Semaphore::new(settings.concurrency)),
            room_for_bodies: Arc::new(Semaphore::new(settings.concurrency)),
            limiter,
            provider: provider.map(Arc::new),
            pictures: Pictures::new(shelf),
            settings,
            attempts,
            slow: Arc::new(Semaphore::new(SLOW)),
            messenger,
            outbox,
            bundles,
            webhooks,
            streams: Arc::new(Semaphore::new(changes::STREAMS)),
            exports: Arc::new(Semaphore::new(exports::STREAMS)),
            bulks: Arc::new(Semaphore::new(external::STREAMS)),
            ended: watch::Sender::new(false),
            feed,
        })
    }

    /// Writes `unit` and waits until this node's index shows it: who wrote, reads what they wrote.
    ///
    /// # Errors
    /// As [`Writer::write`]. A write that is done and not shown within ten seconds is no error.
    pub async fn write(&self, unit: Unit) -> Result<i64, Error> {
        let tells = unit.writes.iter().any(|write| matches!(write, Write::Message(_)));
        let erases = unit.erase.is_some();
        let seq = self.writer.write(unit).await?;
        if erases {
            self.keys.forget();
        }
        if tells {
            self.outbox.poke();
        }
        let shown = self.feed.shown(seq).await;
        self.webhooks.poke();
        if !shown {
            tracing::error!(seq, "a write is done and not shown yet");
        }
        Ok(seq)
    }

    /// Writes how often what was shown, and which key used, since that was last written, which happens every minute by
    /// itself.
    pub async fn write_counts(&self) {
        self.counts.write().await;
        self.keys.write().await;
    }

    /// Tells other nodes that this one lives, and counts those that do; which happens every five seconds
    /// by itself.
    ///
    /// # Errors
    /// When the database fails; what was counted last holds.
    pub async fn beat(&self) -> Result<(), Error> {
        self.pulse.beat().await
    }

    /// Forgets what was kept for a time that is over, which happens every hour by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget(&self) -> Result<(), Error> {
        Ok(housekeeping::forget(&self.store, self.clock.now(), &self.settings).await?)
    }

    /// Makes the bundles that are not as they should be, which happens by itself some moments after a
    /// change.
    ///
    /// # Errors
    /// When the database, the data folder or the storage of pictures fails.
    pub async fn make_bundles(&self) -> Result<(), NotMade> {
        self.bundles.make().await
    }

    /// Waits until the index shows something newer than change `seq`.
    pub(crate) async fn shown_after(&self, seq: i64) {
        self.feed.moved_on(seq).await;
    }

    /// Lets go of those who listen to changes: they would never go by themselves.
    pub fn let_go(&self) {
        self.ended.send_replace(true);
    }

    /// For a node that stops: writes the counts, and keeps what the next start would have to read
    /// otherwise. Nothing is followed any more after it.
    pub async fn end(&self) {
        self.bundles.end().await;
        self.write_counts().await;
        self.pulse.end().await;
        self.feed.end().await;
    }

    /// How far this node's index is behind the log, once it had a moment to catch up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lag(&self, moment: Duration) -> Result<Lag, Error> {
        let log = change::head(&self.store.reader).await?;
        // Who does not get there in time is told how far it is.
        let _ = tokio::time::timeout(moment, self.feed.shown(log)).await;
        Ok(self.feed.behind(log))
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
