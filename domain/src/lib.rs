//! What Griya knows: listings, what they refer to, their rules, and every question asked of the
//! database.
//!
//! A module is a noun of the model (`place`, `producer`, `event` …). Its types are checked where
//! they are made and true ever after; its `entity` is the row. Nothing here knows HTTP, reads a
//! clock or throws dice: time and identity come in as arguments.

#![warn(missing_docs)]

pub mod account;
pub mod act;
pub mod agency;
pub mod api_key;
pub mod area;
pub mod audit;
pub mod backup;
pub mod category;
pub mod change;
pub mod claim;
pub mod comment;
pub mod daily_count;
pub mod daily_query;
pub mod delivery;
pub mod draft;
pub mod dump;
pub mod edit;
mod error;
pub mod event;
pub mod external;
mod geometry;
pub mod handshake;
pub mod holiday;
pub mod hours;
pub mod identity;
pub mod import;
pub mod javanese;
pub mod kept_answer;
pub mod key;
pub mod listing;
pub mod maintainer;
pub mod media;
pub mod message;
pub mod money;
pub mod node;
pub mod permission;
pub mod place;
pub mod position;
pub mod producer;
pub mod product;
pub mod record;
pub mod reference;
pub mod review;
pub mod revision;
pub mod schedule;
pub mod scope;
pub mod session;
pub mod sign_in;
pub mod store;
pub mod text;
pub mod upload;
pub mod webhook;
pub mod writer;

pub use draft::read_draft;
pub use error::{Error, Fault, Said, is_away};
