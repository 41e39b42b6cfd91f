//! Known: the keys that were seen of late, so that the database is not asked for every request, and
//! how often each was used.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use domain::{
    account,
    api_key::{self, Model},
    audit::digest,
    daily_count,
    store::Store,
};
use quick_cache::sync::Cache;
use sea_orm::DbErr;
use uuid::Uuid;

use crate::clock::Clock;

/// How long a key is taken for good without asking: how late a revocation on another node shows.
const GOOD: Duration = Duration::from_secs(5);
/// Keys that are remembered.
const MOST: usize = 10_000;
/// How often it is written how often they were used.
const EVERY: Duration = Duration::from_mins(1);

/// A key with its owner.
pub type Seen = Arc<(Model, account::Model)>;

/// Keys of late. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Keys(Arc<Within>);

#[derive(Debug)]
struct Within {
    store: Store,
    clock: Clock,
    seen: Cache<String, (Seen, Instant)>,
    used: Mutex<HashMap<Uuid, i64>>,
}

impl Keys {
    /// None of late; what was used is written every minute as long as anybody holds them.
    pub fn start(store: Store, clock: Clock) -> Self {
        let within =
            Arc::new(Within { store, clock, seen: Cache::new(MOST), used: Mutex::default() });
        tokio::spawn(write_again_and_again(Arc::downgrade(&within)));
        Self(within)
    }

    /// Which key `secret` was when it was last seen: to count by, not to let in by.
    pub fn was(&self, secret: &str) -> Option<Uuid> {
        self.0.seen.get(&digest(secret)).map(|(seen, _)| seen.0.id)
    }

    /// The key that `secret` is, with its owner, and counts that it was used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(&self, secret: &str) -> Result<Option<Seen>, DbErr> {
        let (name, now) = (digest(secret), self.0.clock.now());
        let seen = self.0.seen.get(&name);
        let fresh = seen.filter(|(seen, at)| at.elapsed() < GOOD && seen.0.is_good(now));
        let seen = match fresh {
            // The one before may have ended meanwhile.
            Some((seen, _)) if seen.0.hash == name => Some(seen),
            _ => self.look(secret).await?,
        };
        match &seen {
            Some(seen) => {
                let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
                *used.entry(seen.0.id).or_default() += 1;
            }
            None => drop(self.0.seen.remove(&name)),
        }
        Ok(seen)
    }

    async fn look(&self, secret: &str) -> Result<Option<Seen>, DbErr> {
        let (db, now) = (&self.0.store.reader, self.0.clock.now());
        let Some(key) = api_key::opened_by(db, secret, now).await? else { return Ok(None) };
        let owner = account::get(db, key.account).await?;
        let Some(owner) = owner.filter(|owner| owner.erased_at.is_none()) else { return Ok(None) };
        let seen = Arc::new((key, owner));
        self.0.seen.insert(digest(secret), (Arc::clone(&seen), Instant::now()));
        Ok(Some(seen))
    }

    /// Forgets what was seen: something has changed.
    pub fn forget(&self) {
        self.0.seen.clear();
    }

    /// Writes how often keys were used since that was last written.
    pub async fn write(&self) {
        self.0.write().await;
    }
}

async fn write_again_and_again(keys: Weak<Within>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(keys) = keys.upgrade() else { return };
        keys.write().await;
    }
}

impl Within {
    async fn write(&self) {
        let used = mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        if used.is_empty() {
            return;
        }
        let day = daily_count::day(self.clock.now());
        let rows = used.iter().map(|(key, count)| (*key, *count));
        if let Err(error) = api_key::count(&self.store.writer, day, rows).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the use of keys is not written");
            let mut now = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.into_iter().for_each(|(key, count)| *now.entry(key).or_default() += count);
        }
    }
}
