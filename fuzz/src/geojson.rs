//! A file of areas, as `griya seed` takes it.

use crate::pouring;

/// Pours `input` as `areas.geojson`, and what was written once more: nothing is written then.
pub fn run(input: &[u8]) {
    pouring::twice("areas.geojson", input);
}
