#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod auth;
mod contract;
mod crowd;
mod cursors;
mod discover;
mod events;
mod fixtures;
mod geometry;
mod guides;
mod keeping;
mod log;
mod media;
mod oidc;
mod oracle;
mod parameters;
mod permissions;
mod private;
mod problems;
mod program;
mod record;
mod relevance;
mod representations;
mod restart;
mod schema;
mod walks;
mod week;
