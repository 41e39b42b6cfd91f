//! Making: when bundles are made, and that they are.
//!
//! In the background, one after the other on one thread, when what is published has changed and then
//! been still for a moment, and so seldom that it takes a twentieth of a processor at most. A bundle
//! need not be new: `/v1/changes` goes on where it ends. One in which nothing is otherwise stays.

use std::{
    io,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{change, scope::Scope, store::Store};
use search::{Index, Snapshot};
use tokio::{
    sync::{Mutex, Notify, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    content::{self, FORMAT, Made, Stuff},
    stock::{Bundle, Seen, Stock},
};
use crate::{
    background,
    changes::{cursor::Cursor, walk},
    clock::Clock,
    config::Settings,
    media::shelf::Shelf,
};

/// How often it is looked whether they are due.
const LOOK: Duration = Duration::from_secs(5);
/// How long what is published must have been still.
const STILL: Duration = Duration::from_secs(10);
/// How long it may go on changing until they are made all the same.
const AT_LAST: Duration = Duration::from_mins(5);
/// How long there is peace between two makings, and how many times longer than the last one took.
const APART: Duration = Duration::from_mins(1);
const APART_TIMES: u32 = 20;
/// How long a node that comes up has better things to do, unless somebody asks for a bundle.
const FIRST: Duration = Duration::from_secs(30);
/// How long somebody who asks waits for the first ones.
const PATIENCE: Duration = Duration::from_secs(5);
/// Changes after which a bundle is made anew although nothing in it is otherwise: whoever begins with
/// it goes through them on one page of `/v1/changes`.
const MANY: i64 = 4000;

/// What makes the bundles of a node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bundles(Arc<Within>);

#[derive(Debug)]
struct Within {
    parts: Parts,
    stock: Stock,
    asked: Arc<Notify>,
    made: watch::Sender<()>,
    /// Held by the one that makes.
    one: Mutex<()>,
    stop: AtomicBool,
}

/// What it takes to make them.
#[derive(Debug)]
pub struct Parts {
    /// The log.
    pub store: Store,
    /// What is published.
    pub index: Arc<Index>,
    /// The time.
    pub clock: Clock,
    /// Where pictures lie.
    pub shelf: Shelf,
    /// How the node runs.
    pub settings: Arc<Settings>,
}

/// Why bundles were not made.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] sea_orm::DbErr),
    /// The folder or a picture failed, or the node ends.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The index shows a log that is not there any more.
    #[error("the log is another one")]
    AnotherLog,
}

impl Bundles {
    /// Makes them from now on, for as long as somebody holds this.
    pub fn start(parts: Parts) -> Self {
        let within = Arc::new(Within {
            stock: Stock::open(&parts.settings.data_dir),
            parts,
            asked: Arc::default(),
            made: watch::Sender::new(()),
            one: Mutex::default(),
            stop: AtomicBool::default(),
        });
        tokio::spawn(come_by(Arc::downgrade(&within), Arc::clone(&within.asked)));
        Self(within)
    }

    /// Those that there are.
    pub fn stock(&self) -> &Stock {
        &self.0.stock
    }

    /// Those that there are; where there are none yet, they are made now, and waited for a moment.
    pub async fn first(&self) -> &Stock {
        let mut made = self.0.made.subscribe();
        if self.stock().is_empty() {
            self.0.asked.notify_one();
            // Whoever comes too early is told so.
            let _ = timeout(PATIENCE, made.changed()).await;
        }
        self.stock()
    }

    /// Makes those that are not as they should be, now.
    ///
    /// # Errors
    /// When the database, the folder or the storage of pictures fails: what there was stays.
    pub async fn make(&self) -> Result<(), NotMade> {
        Within::make(&self.0).await
    }

    /// Makes no more; what is being made is given up.
    pub async fn end(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
        let _ended = self.0.one.lock().await;
    }
}

async fn come_by(alive: Weak<Within>, asked: Arc<Notify>) {
    let mut rhythm = Rhythm::new(Instant::now());
    loop {
        let asked = tokio::select! {
            () = asked.notified() => true,
            () = sleep(LOOK) => false,
        };
        let Some(within) = alive.upgrade().filter(|w| !w.stop.load(Ordering::Relaxed)) else {
            return;
        };
        let wanted = asked && within.stock.is_empty();
        let (seq, now) = (within.parts.index.snapshot().seq, Instant::now());
        let stale = within.is_stale(seq).await;
        if !rhythm.is_due(stale, wanted, seq, now) {
            continue;
        }
        let made = Within::make(&within).await;
        rhythm.ended(now, Instant::now());
        if let Err(error) = made
            && !within.stop.load(Ordering::Relaxed)
        {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "bundles are not made: those there are stay");
        }
    }
}

impl Within {
    async fn make(this: &Arc<Self>) -> Result<(), NotMade> {
        let _one = this.one.lock().await;
        let Parts { store, index, .. } = &this.parts;
        let snapshot = index.snapshot();
        let last = walk::last(store, &snapshot).await?;
        if snapshot.seq > 0 && last.is_none() {
            return Err(NotMade::AnotherLog);
        }
        for bundle in this.stock.all() {
            let scope = content::scope(&bundle.code);
            if !this.is_in_the_log(bundle.seq, &bundle.cursor, &scope).await? {
                this.stock.lost(&bundle.sha256);
            }
        }
        let within = Arc::clone(this);
        let made = background::spawn(move || within.make_all(&snapshot, last.as_ref())).await;
        made.map_err(io::Error::other)???;
        this.made.send_replace(());
        Ok(())
    }

    fn make_all(&self, snapshot: &Snapshot, last: Option<&change::Model>) -> io::Result<()> {
        let Parts { clock, shelf, settings, .. } = &self.parts;
        let (now, seq) = (clock.now(), snapshot.seq);
        let (folder, service) = (self.stock.folder()?, settings.public_url.as_deref());
        let month = content::month(now);
        let stuff = Stuff::new(snapshot, last, month, service, shelf, &self.stop);
        let codes = content::codes(snapshot);
        for code in &codes {
            let made = stuff.make(code, folder)?;
            let old = self.stock.newest(code);
            if !old.is_some_and(|old| self.is_as_good(&old, &made, seq, now)) {
                self.stock.put(code, made, seq, now)?;
            }
        }
        let cursor = Cursor::at(last, &Scope::default()).to_string();
        self.stock.settle(&codes, Seen { seq, cursor, month, by: self.by() }, now)
    }

    /// Whether who has the `old` one has what was `made`, and not much to catch up on.
    fn is_as_good(&self, old: &Bundle, made: &Made, seq: i64, now: DateTime<Utc>) -> bool {
        old.essence == made.essence
            && self.stock.has(old)
            && (0..MANY).contains(&(seq - old.seq))
            && !self.is_running_out(old, now)
    }

    /// Whether the log forgets soon where the bundle ends.
    fn is_running_out(&self, bundle: &Bundle, now: DateTime<Utc>) -> bool {
        let days = self.parts.settings.changes_days;
        days.is_some_and(|days| now - bundle.made_at > TimeDelta::days(days.get().into()) / 2)
    }

    /// Who makes them: another program, or one known by another address, makes them otherwise.
    fn by(&self) -> String {
        let address = self.parts.settings.public_url.as_deref().unwrap_or_default();
        format!("griya {}, format {FORMAT}, {address}", env!("CARGO_PKG_VERSION"))
    }

    /// Whether they are not what they would be if they were made now. Those of another log are
    /// forgotten: their cursors lead nowhere.
    async fn is_stale(&self, seq: i64) -> bool {
        let Some(seen) = self.stock.seen() else { return true };
        match self.is_in_the_log(seen.seq, &seen.cursor, &Scope::default()).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("the log is another one: all bundles are made anew");
                self.stock.forget();
                return true;
            }
            // It is looked again.
            Err(_) => return false,
        }
        let now = self.parts.clock.now();
        seen.seq != seq
            || seen.month != content::month(now)
            || seen.by != self.by()
            || self.stock.all().iter().any(|bundle| self.is_running_out(bundle, now))
    }

    /// Whether the log holds the change `seq` that a cursor of `scope` knows.
    async fn is_in_the_log(
        &self,
        seq: i64,
        cursor: &str,
        scope: &Scope,
    ) -> Result<bool, sea_orm::DbErr> {
        let known = change::between(&self.parts.store.reader, seq - 1, seq, 1).await?;
        Ok(Cursor::read(cursor, scope).is_ok_and(|cursor| cursor.knows(known.first())))
    }
}

/// When they are due.
#[derive(Debug)]
struct Rhythm {
    began: Instant,
    /// The last change that was shown, and since when.
    shown: (i64, Instant),
    /// Since when they are stale.
    stale: Option<Instant>,
    /// When they may be made again.
    rested: Instant,
}

impl Rhythm {
    fn new(now: Instant) -> Self {
        Self { began: now, shown: (-1, now), stale: None, rested: now }
    }

    /// Whether they are to be made at `now`, when change `seq` is the last that is shown; `wanted`:
    /// somebody waits for the first ones.
    fn is_due(&mut self, stale: bool, wanted: bool, seq: i64, now: Instant) -> bool {
        if !stale {
            self.stale = None;
            return false;
        }
        if self.shown.0 != seq {
            self.shown = (seq, now);
        }
        let since = *self.stale.get_or_insert(now);
        let still = now - self.shown.1 >= STILL || now - since >= AT_LAST;
        now >= self.rested && (wanted || still && now - self.began >= FIRST)
    }

    /// Notes that a making went on from `began` until `now`.
    fn ended(&mut self, began: Instant, now: Instant) {
        self.rested = now + APART.max((now - began) * APART_TIMES);
        self.stale = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn they_are_made_when_what_is_published_has_been_still_or_at_last() {
        let begin = Instant::now();
        let mut rhythm = Rhythm::new(begin);
        let mut due = |seq, second: u32| rhythm.is_due(true, false, seq, begin + SECOND * second);
        assert!(!due(1, 5) && !due(1, 29) && due(1, 30));
        assert!(!due(2, 31) && !due(2, 40) && due(2, 41));
        // One more every second.
        assert_eq!((42..400).find(|second| due(i64::from(*second), *second)), Some(305));
    }

    #[test]
    fn there_is_peace_between_two_makings_the_more_the_longer_one_takes() {
        let begin = Instant::now();
        let mut rhythm = Rhythm::new(begin);
        let at = |second: u32| begin + SECOND * second;
        assert!(!rhythm.is_due(true, false, 1, at(5)) && rhythm.is_due(true, false, 1, at(60)));
        rhythm.ended(at(60), at(70));
        assert!(!rhythm.is_due(true, false, 2, at(80)));
        assert!(!rhythm.is_due(true, true, 2, at(269)) && rhythm.is_due(true, false, 2, at(270)));
        rhythm.ended(at(270), at(271));
        assert!(
            !rhythm.is_due(true, false, 3, at(330)) && !rhythm.is_due(false, false, 3, at(400))
        );
    }

    #[test]
    fn whoever_waits_for_the_first_ones_has_them_made_at_once() {
        let begin = Instant::now();
        let mut rhythm = Rhythm::new(begin);
        assert!(!rhythm.is_due(true, false, 1, begin) && rhythm.is_due(true, true, 1, begin));
    }
}
