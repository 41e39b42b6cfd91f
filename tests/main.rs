#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod contract;
mod cursors;
mod discover;
mod events;
mod fixtures;
mod geometry;
mod keeping;
mod log;
mod oracle;
mod parameters;
mod problems;
mod program;
mod relevance;
mod representations;
mod schema;
mod walks;
mod week;
