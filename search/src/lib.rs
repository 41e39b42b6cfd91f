//! How things are found: an in-memory index over the published listings.
//!
//! [`Index`] holds one immutable [`Snapshot`] behind an atomic swap. A reader takes it and asks; a
//! [`Query`] goes in, a [`Page`] comes out, and nothing on the way knows HTTP or the database. The
//! one writer is whoever follows the change log: it makes the next snapshot and swaps it in.

#![warn(missing_docs)]

mod cursor;
mod document;
mod facet;
mod facts;
mod find;
mod query;
mod snapshot;
mod suggest;
mod words;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub use cursor::BadCursor;
pub use document::{Document, STEP_YEARS};
pub use facet::{Count, Facet};
pub use find::{Hit, Page, tomorrow};
pub use query::{Bbox, Centre, Edge, Facts, Query, Sort, Window};
pub use snapshot::{Changes, Lookup, Snapshot};
pub use suggest::{Suggested, Suggestion};

/// The current snapshot, and the way to replace it.
#[derive(Debug, Default)]
pub struct Index(ArcSwap<Snapshot>);

impl Index {
    /// What is known now. It stays as it is however long it is held.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// Makes `next` what is known.
    pub fn publish(&self, next: Snapshot) {
        self.0.store(Arc::new(next));
    }
}
