//! The cursor of a list.
//!
//! An input is the name of an order, a line break, and either a cursor or a JSON object whose members
//! stand in for those of a true cursor.

use std::{collections::HashMap, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::revision::merge;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::town::TOWN;

/// What is asked in each order.
const ORDERS: [(&str, &str); 6] = [
    ("distance", "lat=-8.02&lon=110.32&sort=distance&limit=40"),
    ("fair", "sort=fair&limit=40"),
    ("name", "sort=name&limit=40"),
    ("relevance", "q=batik&sort=relevance&limit=3"),
    ("start", "from=2026-11-24&sort=start&limit=8"),
    ("updated", "sort=updated&limit=40"),
];

/// A true cursor of each order, and how many listings its list holds.
static TRUE: LazyLock<HashMap<&str, (Value, u64)>> = LazyLock::new(|| {
    let first = |(name, query)| {
        let page = TOWN.get(&asked(query, "")).expect("a request").json();
        let cursor = page["cursor"].as_str().expect("there are more pages");
        let cursor = URL_SAFE_NO_PAD.decode(cursor).expect("base64");
        let cursor = serde_json::from_slice(&cursor).expect("JSON");
        (name, (cursor, page["total"].as_u64().expect("a total")))
    };
    ORDERS.into_iter().map(first).collect()
});

fn asked(query: &str, cursor: &str) -> String {
    format!("/v1/discover?fields=id&{query}{cursor}")
}

/// Goes on from what `input` says: whoever is let on comes to the end, within as many pages as the list
/// has, and the total stays what it is.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some((order, text)) = text.split_once('\n') else { return };
    let Some((name, query)) = ORDERS.into_iter().find(|(name, _)| *name == order) else { return };
    let (true_one, total) = &TRUE[name];
    let mut cursor = text.to_owned();
    if let Ok(members @ Value::Object(_)) = serde_json::from_str(text) {
        let mut made = true_one.clone();
        merge(&mut made, &members);
        cursor = URL_SAFE_NO_PAD.encode(made.to_string());
    }
    let mut seen = 0;
    loop {
        let cursor_in_query = format!("&cursor={}", utf8_percent_encode(&cursor, NON_ALPHANUMERIC));
        let Some(answer) = TOWN.get(&asked(query, &cursor_in_query)) else { return };
        if !answer.status.is_success() {
            assert_eq!(seen, 0, "a cursor that we gave leads on");
            return;
        }
        let page = answer.json();
        seen += page["items"].as_array().expect("items").len() as u64;
        assert!(seen <= *total, "nobody comes twice");
        let Some(next) = page["cursor"].as_str() else { return };
        next.clone_into(&mut cursor);
    }
}
