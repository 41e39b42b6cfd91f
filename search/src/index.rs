//! Index: the current snapshot, and the way to the next.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};

use crate::snapshot::{Changes, Snapshot};

/// The current snapshot, and the way to replace it.
#[derive(Debug, Default)]
pub struct Index {
    current: ArcSwap<Snapshot>,
    /// Held by whoever makes the next snapshot from the current one.
    changing: Mutex<()>,
    /// Until when everything is not made one again; none where it never was.
    rests: Mutex<Option<Instant>>,
}

/// How much longer than it took to make everything one nobody does so again: of one processor a
/// quarter at most goes there, however much is written.
const RESTS: u32 = 3;

impl Index {
    /// What is known now. It stays as it is however long it is held.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Makes `next` what is known.
    pub fn publish(&self, next: Snapshot) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.current.store(Arc::new(next));
    }

    /// Takes in what the log brought: what it costs is what it brings, whatever there is.
    pub fn apply(&self, changes: Changes) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.current.load().with(changes);
        self.current.store(Arc::new(next));
    }

    /// Whether [`Index::tidy`] has something to do.
    pub fn is_untidy(&self) -> bool {
        let current = self.current.load();
        current.has_enough_lines() || current.due(self.has_rested()).is_some()
    }

    fn has_rested(&self) -> bool {
        let rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        rests.is_none_or(|until| until <= Instant::now())
    }

    /// Makes segments one where there are many, and room where lines have filled it. It takes long, seconds for a million listings, and
    /// holds nobody up meanwhile: what changes while it works is in the outcome, and nobody who asks it
    /// at `now` or a little later waits for more than that.
    pub fn tidy(&self, now: DateTime<Utc>) {
        let (read, begun) = (self.snapshot(), Instant::now());
        if read.has_enough_lines() {
            read.forget_lines();
        }
        let Some(due) = read.due(self.has_rested()) else { return };
        let merged = read.merge(&due);
        merged.prepare(now);
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = self.current.load().replacing(&due, merged) {
            self.current.store(Arc::new(next));
        }
        if due.len() == read.segments().len() {
            let until = Instant::now() + RESTS * begun.elapsed();
            *self.rests.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        }
    }

    /// Builds at once what would be built at the first question of its kind at `now` or a little
    /// later: seconds for a million listings the first time, next to nothing where it is done.
    pub fn prepare(&self, now: DateTime<Utc>) {
        self.snapshot().segments().iter().for_each(|live| live.segment.prepare(now));
    }
}
