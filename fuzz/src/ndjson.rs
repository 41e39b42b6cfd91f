//! A file of records, as `griya seed` takes it.
//!
//! An input is the name of a file of the seed format on a line of its own, then what is in it.

use domain::import::FILES;

use crate::pouring;

/// Pours `input`, and what was written once more: nothing is written then.
pub fn run(input: &[u8]) {
    let Some(split) = input.iter().position(|byte| *byte == b'\n') else { return };
    let name = FILES.into_iter().find(|name| name.as_bytes() == &input[..split]);
    if let Some(name) = name.filter(|name| *name != "areas.geojson") {
        pouring::twice(name, &input[split + 1..]);
    }
}
