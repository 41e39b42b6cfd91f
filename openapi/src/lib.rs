//! The contract: `openapi.json` and `openapi-3.0.json` beside this crate, the examples in them, and
//! how all of it is written anew.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The documents with the names of their files.
pub fn documents() -> [(&'static str, &'static Value); 2] {
    [("openapi.json", api::document()), ("openapi-3.0.json", api::document_30())]
}

/// The contract as it is checked in.
///
/// # Errors
/// When the file cannot be read.
pub fn checked_in(file: &str) -> std::io::Result<String> {
    std::fs::read_to_string(path(file))
}

/// A JSON text as it is checked in: two spaces a level, one line break at the end.
pub fn print(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Accepts `text` as what `file` has to hold.
///
/// # Errors
/// When the file cannot be written.
pub fn bless(file: &str, text: &str) -> std::io::Result<()> {
    std::fs::write(path(file), text)
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}
