//! The query of a list, of suggestions, areas and the calendar: from its text to the answer.
//!
//! An input is `path?query` below `/v1/`; another path than those is a query of `discover`.

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use crate::town::TOWN;

/// What is asked here.
const PATHS: [&str; 8] =
    ["discover", "places", "producers", "events", "suggest", "areas", "areas/at", "calendar"];

/// What cannot stand in a query as it is, and what would end it.
const STRANGE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`');

/// Asks what `input` says, twice: no answer is a 5xx, and the second says what the first did.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let known = text.split_once('?').filter(|(path, _)| PATHS.contains(path));
    let (path, query) = known.unwrap_or(("discover", &text));
    let Some(answer) = ask(path, query.as_bytes()) else { return };
    let again = ask(path, query.as_bytes()).expect("the same request");
    assert_eq!(answer.told(), again.told());
    if !answer.status.is_success() || path == "areas/at" || query.contains("format") {
        return;
    }
    let body = answer.json();
    let items = body["items"].as_array().expect("a list has items");
    assert!(items.len() <= 1_000);
    if let Some(total) = body["total"].as_u64() {
        assert!(items.len() as u64 <= total);
    }
}

/// The answer to a query in any bytes; `None` where no request can hold it.
pub fn ask(path: &str, query: &[u8]) -> Option<crate::town::Answer> {
    TOWN.get(&format!("/v1/{path}?{}", percent_encode(query, STRANGE)))
}
