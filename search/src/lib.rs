//! How things are found: an in-memory index over the published listings.
//!
//! [`Index`] holds one immutable [`Snapshot`] behind an atomic swap. A reader takes it and asks; a
//! [`Query`] goes in, a [`Page`] comes out, and nothing on the way knows HTTP or the database. The
//! one writer is whoever follows the change log: it makes the next snapshot and swaps it in.
//!
//! A snapshot is a few `segment`s. In one, documents are numbered by slot in the order of a `tree`,
//! 64 to a leaf; what a query asks of place, filters (`wanted`), hours (`opening`), dates (`times`)
//! and words (`meaning` made of `layer`s, `ranking`) becomes one word of `bits` a leaf. `find` puts it
//! together. A [`Checkpoint`] is a snapshot in a file.

#![warn(missing_docs)]

pub mod alike;
mod best;
mod bits;
mod caches;
mod checkpoint;
mod cursor;
mod document;
mod facet;
mod fields;
mod find;
mod gazetteer;
mod highlight;
mod index;
mod layer;
mod lines;
mod meaning;
mod opening;
mod part;
mod query;
mod ranking;
mod ruler;
mod segment;
pub mod shape;
mod snapshot;
mod suggest;
mod sums;
mod times;
mod tree;
mod walk;
mod wanted;
mod words;

pub use checkpoint::Checkpoint;
pub use cursor::BadCursor;
pub use document::{Document, STEP_YEARS};
pub use facet::{Count, Facet};
pub use fields::shown_products;
pub use find::{Hit, Page, tomorrow};
pub use index::Index;
pub use opening::{Opening, Stretch};
pub use query::{Bbox, Centre, Edge, Facts, Query, Shape, Sort, Window};
pub use ranking::{Explanation, Score, Weights, WordScore};
pub use snapshot::{Changes, Lookup, Reading, Snapshot};
pub use suggest::{Suggested, Suggestion};
