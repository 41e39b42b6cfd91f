//! Fuzz: what a stranger may write, and what must hold of it however it is written.
//!
//! A [`Target`] takes any bytes as one kind of outside text and panics where a promise is broken:
//! that what was read and printed is read as the same, that what was accepted is accepted again, that
//! no question ends in a 5xx. libFuzzer drives the targets for hours (`fuzz/run`, coverage and all), and
//! a test of this crate puts every one through its seeds and what a [`Mutator`] makes of them.

pub mod bbox;
pub mod cursor;
pub mod dump;
pub mod geojson;
pub mod hours;
pub mod ndjson;
pub mod patch;
pub mod picture;
pub mod polyline;
pub mod query;
pub mod rrule;
pub mod schedule;

mod mutator;
mod pouring;
mod town;

pub use mutator::Mutator;

/// One parser.
pub struct Target {
    /// What it is called: its file in `fuzz_targets/` and its folder in `corpus/`.
    pub name: &'static str,
    /// Takes any bytes.
    ///
    /// Panics where a promise is broken.
    pub run: fn(&[u8]),
    /// How many mutated inputs the test of this crate tries: some seconds for all, without
    /// optimisation.
    pub tries: usize,
}

/// All of them.
pub const TARGETS: [Target; 12] = [
    Target { name: "bbox", run: bbox::run, tries: 300 },
    Target { name: "cursor", run: cursor::run, tries: 300 },
    Target { name: "dump", run: dump::run, tries: 3_000 },
    Target { name: "geojson", run: geojson::run, tries: 300 },
    Target { name: "hours", run: hours::run, tries: 3_000 },
    Target { name: "ndjson", run: ndjson::run, tries: 300 },
    Target { name: "patch", run: patch::run, tries: 300 },
    Target { name: "picture", run: picture::run, tries: 300 },
    Target { name: "polyline", run: polyline::run, tries: 3_000 },
    Target { name: "query", run: query::run, tries: 300 },
    Target { name: "rrule", run: rrule::run, tries: 300 },
    Target { name: "schedule", run: schedule::run, tries: 300 },
];
