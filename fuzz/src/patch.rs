//! A merge patch (RFC 7396) of a listing.
//!
//! An input is the kind or the slug of a listing on a line of its own, then the patch.

use domain::{
    edit::{Edit, state},
    record::Record,
    revision::merge,
};
use search::Changes;
use serde_json::Value;
use tests::{NOON, at};

use crate::town::TOWN;

/// Changes a listing as `input` says, as its keeper and as an office: what is accepted says of itself
/// what is accepted again and changes nothing, and is found in the index as it is.
pub fn run(input: &[u8]) {
    let Some(split) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (name, patch) = (&input[..split], &input[split + 1..]);
    let Ok(patch @ Value::Object(_)) = serde_json::from_slice(patch) else { return };
    let Some(record) = std::str::from_utf8(name).ok().and_then(listing) else { return };
    for vouches in [false, true] {
        revise(&record, &patch, vouches);
    }
}

fn listing(name: &str) -> Option<Record> {
    let snapshot = TOWN.app.index.snapshot();
    let mut documents = snapshot.documents();
    let found =
        documents.find(|document| document.slug.as_str() == name || document.kind.name() == name);
    found.map(|document| document.record())
}

fn revise(record: &Record, patch: &Value, vouches: bool) {
    let snapshot = TOWN.app.index.snapshot();
    let edit = Edit { reference: snapshot.reference(), now: at(NOON), vouches };
    let mut wanted = Value::Object(state(record));
    merge(&mut wanted, patch);
    let Value::Object(wanted) = wanted else { return };
    let next = match edit.revise(record, wanted) {
        Ok(next) => next,
        Err(faults) => {
            assert!(!faults.is_empty(), "who is refused is told why");
            assert!(faults.iter().all(|f| f.pointer.is_empty() || f.pointer.starts_with('/')));
            return;
        }
    };
    let said = state(&next);
    let again = edit.revise(&next, said.clone()).expect("what was accepted is accepted again");
    assert_eq!(state(&again), said);
    let id = next.listing.id;
    let records = vec![(id, Some(next.clone()))];
    let shown = snapshot.with(Changes { records, reference: None, seq: 1 });
    assert_eq!(shown.get(id).map(|document| document.record()), Some(next));
}
