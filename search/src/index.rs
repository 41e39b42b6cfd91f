//! Index: the current snapshot, and the way to the next.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::snapshot::{Changes, Snapshot};

/// The current snapshot, and the way to replace it.
#[derive(Debug, Default)]
pub struct Index {
    current: ArcSwap<Snapshot>,
    /// Held by whoever makes the next snapshot from the current one.
    changing: Mutex<()>,
}

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
        current.has_enough_lines() || current.due().is_some()
    }

    /// Makes segments one where there are many, and room where lines have filled it. It takes long, seconds for a million listings, and
    /// holds nobody up meanwhile: what changes while it works is in the outcome.
    pub fn tidy(&self) {
        let read = self.snapshot();
        if read.has_enough_lines() {
            read.forget_lines();
        }
        let Some(due) = read.due() else { return };
        let merged = read.merge(&due);
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = self.current.load().replacing(&due, merged) {
            self.current.store(Arc::new(next));
        }
    }

    /// Builds at once what would be built at the first question of its kind: seconds for a million
    /// listings.
    pub fn prepare(&self) {
        self.snapshot().segments().iter().for_each(|live| live.segment.prepare());
    }
}
