//! What Griya knows: listings, what they refer to, their rules, and every question asked of the
//! database.
//!
//! A module is a noun of the model (`place`, `producer`, `event` …). Its types are checked where
//! they are made and true ever after; its `entity` is the row. Nothing here knows HTTP, reads a
//! clock or throws dice: time and identity come in as arguments.

#![warn(missing_docs)]

pub mod agency;
pub mod area;
pub mod category;
pub mod change;
mod error;
pub mod event;
pub mod holiday;
pub mod hours;
pub mod import;
pub mod javanese;
pub mod key;
pub mod listing;
pub mod money;
pub mod place;
pub mod position;
pub mod producer;
pub mod product;
pub mod record;
pub mod reference;
pub mod schedule;
pub mod store;
pub mod text;
pub mod writer;

pub use error::{Error, Fault, Said};
