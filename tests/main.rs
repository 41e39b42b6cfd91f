#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod contract;
mod discover;
mod log;
mod schema;
