//! Sign-in: the one-time code sent to an address, and how often it may be asked for and tried.

pub mod entity;

pub use entity::Model;
