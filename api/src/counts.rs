//! Counts: how often listings are shown, opened and called, what is sought in vain, and what with
//! success so often that it may be suggested.
//!
//! An answer carries its [`Sighting`]: what it shows. Giving it raises one number, also when the
//! edge gives it again, so a listing of a page is counted by nothing of its own. Sightings that were
//! given wait in a bounded list; when it grows long they are added up by subject and day, in memory;
//! every minute, and as the node stops, the sums are written by additive statements, so that several
//! nodes add up.
//!
//! No address and nothing of whoever asks comes near. What waits is lost when the process dies: a
//! minute at most. What was shown in the last minute of a day may count for the next.

use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    Error,
    daily_count::{self, What},
    daily_query,
    store::Store,
};
use hashbrown::HashMap;
use tokio::{sync::Notify, time};
use uuid::Uuid;

use crate::clock::Clock;

/// How often what was counted is written.
const EVERY: Duration = Duration::from_mins(1);
/// The most that waits: sightings and what they show, together some 20 MB. At a tenth of it they
/// Listings that are added up at a time: some hundred microseconds.
const A_LITTLE: usize = 500;
/// are added up before their time; what is beyond is not counted.
const MOST_WAITING: usize = 500_000;
/// The most listings that are kept until they are written, of every day and way of being met; some
/// 25 MB. So many different ones a node counts in a minute, or while the database does not answer.
const MOST_KEPT: usize = 500_000;
/// The most words that one minute adds: somebody who makes words up fills no table.
const MOST_WORDS: usize = 2000;
/// The most whole searches that wait; fewer than one statement takes.
const MOST_SEARCHES: usize = 500;
/// How often it is read anew what many look for.
const POPULAR_EVERY: TimeDelta = TimeDelta::hours(1);

/// What an answer lets somebody see.
#[derive(Debug)]
pub enum Sight {
    /// Listings in a list, and the search that found them, where it is one that may be counted.
    Shown(Box<[Uuid]>, Option<Box<str>>),
    /// A listing by itself.
    Opened(Uuid),
    /// A contact of a listing.
    Contacted(Uuid),
    /// Nothing, for these words in this area; empty where none was asked for.
    Sought(Vec<String>, String),
}

/// What an answer lets somebody see, and how often it was given since that was last counted.
#[derive(Debug)]
pub struct Sighting {
    sight: Sight,
    times: AtomicU32,
}

impl Sighting {
    /// One that was not given yet.
    pub fn new(sight: Sight) -> Arc<Self> {
        Arc::new(Self { sight, times: AtomicU32::new(0) })
    }

    /// How much room it takes as it waits.
    fn size(&self) -> usize {
        1 + match &self.sight {
            Sight::Shown(listings, search) => listings.len() + usize::from(search.is_some()),
            Sight::Opened(_) | Sight::Contacted(_) => 1,
            Sight::Sought(words, _) => words.len(),
        }
    }
}

/// The counters of a node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Counts(Arc<Within>);

#[derive(Debug)]
struct Within {
    store: Store,
    clock: Clock,
    waiting: Mutex<Waiting>,
    /// That many wait.
    crowded: Arc<Notify>,
    kept: tokio::sync::Mutex<Kept>,
    popular: Mutex<Arc<Popular>>,
}

/// What many look for.
#[derive(Debug, Default)]
pub struct Popular {
    /// The most sought first.
    pub searches: Vec<String>,
    read_at: DateTime<Utc>,
}

/// Sightings that were given and are not added up.
#[derive(Debug, Default)]
struct Waiting {
    sightings: Vec<Arc<Sighting>>,
    size: usize,
}

/// On which day which listing was met how.
type Met = (NaiveDate, What, Uuid);

/// What was added up and is not written.
#[derive(Debug, Default)]
struct Kept {
    listings: HashMap<Met, i64>,
    /// What was sought in vain, and where.
    words: HashMap<(NaiveDate, String, String), i64>,
    searches: HashMap<(NaiveDate, Box<str>), i64>,
}

impl Counts {
    /// Counters that are written to `store` every minute as long as anybody holds them.
    pub fn start(store: Store, clock: Clock) -> Self {
        let crowded = Arc::new(Notify::new());
        let within = Arc::new(Within {
            store,
            clock,
            waiting: Mutex::default(),
            crowded: Arc::clone(&crowded),
            kept: tokio::sync::Mutex::default(),
            popular: Mutex::default(),
        });
        tokio::spawn(write_again_and_again(Arc::downgrade(&within), crowded));
        Self(within)
    }

    /// An answer with this `sighting` was given.
    pub fn give(&self, sighting: &Arc<Sighting>) {
        // The first since it was counted lets it wait; all others are this one addition.
        if sighting.times.fetch_add(1, Ordering::Relaxed) > 0 {
            return;
        }
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let size = waiting.size + sighting.size();
        if size > MOST_WAITING {
            sighting.times.store(0, Ordering::Relaxed);
            return;
        }
        waiting.size = size;
        waiting.sightings.push(Arc::clone(sighting));
        drop(waiting);
        if size > MOST_WAITING / 10 {
            self.0.crowded.notify_one();
        }
    }

    /// What many look for, as it was known within the last hour or so.
    pub fn popular(&self) -> Arc<Popular> {
        self.0.popular()
    }

    /// Writes what was counted. What the database does not take is kept for the next time.
    pub async fn write(&self) {
        self.0.write().await;
    }
}

async fn write_again_and_again(counts: Weak<Within>, crowded: Arc<Notify>) {
    let mut due = time::interval_at(time::Instant::now() + EVERY, EVERY);
    due.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        let is_due = tokio::select! {
            _ = due.tick() => true,
            () = crowded.notified() => false,
        };
        let Some(counts) = counts.upgrade() else { return };
        if is_due {
            counts.write().await;
        } else {
            counts.add_up(&mut *counts.kept.lock().await).await;
        }
    }
}

impl Within {
    async fn write(&self) {
        let mut kept = self.kept.lock().await;
        self.add_up(&mut kept).await;
        if let Err(error) = self.save(&mut kept).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                waiting = kept.listings.len(),
                "the counts are not written"
            );
        }
        self.renew_popular().await;
    }

    /// Adds to `kept` what waits, a little at a time: whoever asks meanwhile does not wait for all of it.
    async fn add_up(&self, kept: &mut Kept) {
        let today = daily_count::day(self.clock.now());
        let waiting = mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let mut added = 0;
        for sighting in waiting.sightings {
            kept.add(today, &sighting);
            added += sighting.size();
            if added > A_LITTLE {
                added = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Reads what many look for, where that was an hour ago; else, and where the database does not
    /// answer, what was known stays.
    async fn renew_popular(&self) {
        if let Err(error) = self.read_popular().await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "what many look for is not read");
        }
    }

    fn popular(&self) -> Arc<Popular> {
        Arc::clone(&self.popular.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn read_popular(&self) -> Result<(), Error> {
        let now = self.clock.now();
        if now - self.popular().read_at < POPULAR_EVERY {
            return Ok(());
        }
        let searches = daily_query::popular(&self.store.reader, daily_count::day(now)).await?;
        let new = Arc::new(Popular { searches, read_at: now });
        *self.popular.lock().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    async fn save(&self, kept: &mut Kept) -> Result<(), Error> {
        let met = in_order(mem::take(&mut kept.listings)).await;
        for (at, some) in met.chunks(daily_count::ROWS).enumerate() {
            let rows: Vec<_> = some.iter().map(|(key, count)| row_of(*key, *count)).collect();
            if let Err(error) = daily_count::add(&self.store.writer, &rows).await {
                let rest = &met[at * daily_count::ROWS..];
                rest.iter().for_each(|(key, count)| kept.raise(*key, *count));
                return Err(error.into());
            }
        }
        let mut sought: Vec<_> = kept.words.iter().map(row_in_vain).collect();
        sought.sort_unstable_by(|a, b| {
            (a.day, &a.subject, &a.area).cmp(&(b.day, &b.subject, &b.area))
        });
        for some in sought.chunks(daily_count::ROWS) {
            daily_count::add(&self.store.writer, some).await?;
            for row in some {
                kept.words.remove(&(row.day, row.subject.clone(), row.area.clone()));
            }
        }
        let rows = kept.searches.iter().map(|((day, text), count)| daily_query::Model {
            day: *day,
            text: text.to_string(),
            count: *count,
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable_by(|a, b| (&a.text, a.day).cmp(&(&b.text, b.day)));
        if !rows.is_empty() {
            daily_query::add(&self.store.writer, &rows).await?;
            kept.searches.clear();
        }
        Ok(())
    }
}

impl Kept {
    fn add(&mut self, day: NaiveDate, sighting: &Sighting) {
        let times = i64::from(sighting.times.swap(0, Ordering::Relaxed));
        match &sighting.sight {
            Sight::Shown(listings, search) => {
                listings.iter().for_each(|id| self.raise((day, What::Shown, *id), times));
                if let Some(search) = search {
                    self.raise_search((day, search.clone()), times);
                }
            }
            Sight::Opened(id) => self.raise((day, What::Opened, *id), times),
            Sight::Contacted(id) => self.raise((day, What::Contacted, *id), times),
            Sight::Sought(words, area) => {
                for word in words {
                    self.raise_word((day, word.clone(), area.clone()), times);
                }
            }
        }
    }

    fn raise_search(&mut self, key: (NaiveDate, Box<str>), times: i64) {
        if let Some(count) = self.searches.get_mut(&key) {
            *count += times;
        } else if self.searches.len() < MOST_SEARCHES {
            self.searches.insert(key, times);
        }
    }

    fn raise_word(&mut self, key: (NaiveDate, String, String), times: i64) {
        if let Some(count) = self.words.get_mut(&key) {
            *count += times;
        } else if self.words.len() < MOST_WORDS {
            self.words.insert(key, times);
        }
    }

    fn raise(&mut self, key: Met, times: i64) {
        if let Some(count) = self.listings.get_mut(&key) {
            *count += times;
        } else if self.listings.len() < MOST_KEPT {
            self.listings.insert(key, times);
        }
    }
}

/// The counts in one order, so that nodes which write the same rows do not lock each other out. Half a
/// million take a while, and nobody who asks is to wait for that.
async fn in_order(listings: HashMap<Met, i64>) -> Vec<(Met, i64)> {
    let sorting = tokio::task::spawn_blocking(|| {
        let mut met: Vec<_> = listings.into_iter().collect();
        met.sort_unstable();
        met
    });
    sorting.await.expect("nothing stops it but a panic of its own")
}

fn row_of((day, what, id): Met, count: i64) -> daily_count::Model {
    daily_count::Model { day, what, subject: id.to_string(), area: String::new(), count }
}

fn row_in_vain(
    ((day, word, area), count): (&(NaiveDate, String, String), &i64),
) -> daily_count::Model {
    daily_count::Model {
        day: *day,
        what: What::Sought,
        subject: word.clone(),
        area: area.clone(),
        count: *count,
    }
}
