//! Nodes: how many live on this database, so that each gives its share of a limit.
//!
//! Each writes every few seconds that it lives, through the writer, and counts those that were heard
//! of. Where the database is away, the last count holds. One that ends says so; one that dies counts
//! for [`node::ALIVE`] more. A file of SQLite belongs to one node, which then has nothing to say: a
//! small machine writes nothing while nothing happens.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use domain::{
    Error, node,
    store::Store,
    writer::{Unit, Writer},
};
use uuid::Uuid;

use crate::{clock::Clock, ids};

/// How often a node says that it lives: three times while it counts as alive.
const BEAT: Duration = Duration::from_secs(5);

/// How many nodes live, this one included. Cheap to clone; clones tell the same.
#[derive(Debug, Clone, Default)]
pub struct Nodes(Arc<AtomicU32>);

impl Nodes {
    /// How many.
    pub fn count(&self) -> NonZeroU32 {
        NonZeroU32::new(self.0.load(Ordering::Relaxed)).unwrap_or(NonZeroU32::MIN)
    }

    /// Notes how many there are.
    pub fn set(&self, live: u64) {
        self.0.store(u32::try_from(live).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// What says that this node lives. Cheap to clone; it ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Within>);

#[derive(Debug)]
struct Within {
    id: Uuid,
    store: Store,
    writer: Writer,
    clock: Clock,
    nodes: Nodes,
    /// It says no more that it lives.
    ended: AtomicBool,
}

impl Pulse {
    /// One that beats from now on, where there may be others, and keeps `nodes` up to date.
    pub fn start(store: Store, writer: Writer, clock: Clock, nodes: Nodes) -> Self {
        let id = ids::new(clock.now());
        let pulse = Self(Arc::new(Within {
            id,
            store,
            writer,
            clock,
            nodes,
            ended: AtomicBool::new(false),
        }));
        if !pulse.0.store.is_postgres() {
            return pulse;
        }
        let within = Arc::downgrade(&pulse.0);
        tokio::spawn(async move {
            while let Some(within) = within.upgrade() {
                if let Err(error) = within.beat().await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the nodes are not counted");
                }
                drop(within);
                tokio::time::sleep(BEAT).await;
            }
        });
        pulse
    }

    /// Says that this node lives, and counts those that do.
    ///
    /// # Errors
    /// When the database fails; what was counted last holds.
    pub async fn beat(&self) -> Result<(), Error> {
        self.0.beat().await
    }

    /// Says that this node ends.
    pub async fn end(&self) {
        self.0.ended.store(true, Ordering::SeqCst);
        if !self.0.store.is_postgres() {
            return;
        }
        if let Err(error) = self.0.say(DateTime::UNIX_EPOCH).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the other nodes are not told that this one ends");
        }
    }
}

impl Within {
    async fn say(&self, seen_at: DateTime<Utc>) -> Result<(), Error> {
        let row = node::Model { id: self.id, seen_at };
        let unit = Unit::new(vec![row.into()], self.id.to_string(), self.clock.now());
        self.writer.write(unit).await.map(|_| ())
    }

    async fn beat(&self) -> Result<(), Error> {
        if !self.store.is_postgres() {
            return Ok(());
        }
        let now = self.clock.now();
        if !self.ended.load(Ordering::SeqCst) {
            self.say(now).await?;
        }
        self.nodes.set(node::alive(&self.store.reader, now).await?);
        Ok(())
    }
}
