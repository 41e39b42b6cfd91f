//! Daily count: how often a listing was shown, opened or called, and what was sought in vain; by
//! day, and with nothing in it of whoever did so.

use crate::listing::stored_vocabulary;

pub mod entity;

pub use entity::Model;

stored_vocabulary! {
    /// What is counted.
    What {
        /// A listing stood in a list.
        Shown = "shown",
        /// Its own page was asked for.
        Opened = "opened",
        /// One of its contacts was.
        Contacted = "contacted",
        /// A word of a search that found nothing.
        Sought = "sought",
    }
}
