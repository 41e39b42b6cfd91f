#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod contract;
mod discover;
mod parameters;
mod problems;
mod log;
mod schema;
