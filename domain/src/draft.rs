//! Draft: what somebody wrote, as JSON, on its way to one of our types.
//!
//! What does not fit is a fault at its place, in both languages. Serde knows one language and carries
//! no more than a text; so a rule of ours travels through it as [`Carried`], and what serde itself
//! says is put into words here.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Fault, Said};

/// What no text of ours holds: it says that a fault is carried, and parts its sentences.
const MARK: char = '\u{1}';

/// A fault of ours on its way through serde.
#[derive(Debug)]
pub struct Carried(Fault);

impl From<Fault> for Carried {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl From<Carried> for Fault {
    fn from(carried: Carried) -> Self {
        carried.0
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { pointer, code: _, said: Said { id, en } } = &self.0;
        write!(f, "{MARK}{pointer}{MARK}{id}{MARK}{en}")
    }
}

/// Reads a draft; what does not fit is a fault at its place.
///
/// # Errors
/// The first thing that does not fit.
pub fn read_draft<D: DeserializeOwned>(value: &Value) -> Result<D, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let told = error.inner().to_string();
        let code = if told.starts_with("unknown field") { "unknown_member" } else { "bad_format" };
        let steps: Vec<_> = error.path().iter().map(ToString::to_string).collect();
        let (pointer, Said { id, en }) = said(&told);
        let fault = Fault { pointer: pointer.to_owned(), ..Fault::new(code, id, en) };
        steps.iter().rev().fold(fault, |fault, step| fault.below(step.trim_matches(['[', ']'])))
    })
}

/// Where within the value, and in both languages, what serde tells.
fn said(told: &str) -> (&str, Said) {
    let mut carried = told.strip_prefix(MARK).into_iter().flat_map(|all| all.splitn(3, MARK));
    if let (Some(pointer), Some(id), Some(en)) = (carried.next(), carried.next(), carried.next()) {
        return (pointer, Said { id: id.to_owned(), en: en.to_owned() });
    }
    // What is expected are words of the contract: they stand as they are.
    let expected = told.split_once("expected ").map(|(_, expected)| expected);
    let id = match (told.split_once(' ').map(|(first, _)| first), expected) {
        (Some("unknown"), Some(expected)) if told.starts_with("unknown variant") => {
            format!("harus salah satu dari: {}", expected.trim_start_matches("one of "))
        }
        (Some("unknown"), _) => "tidak dikenal di sini".to_owned(),
        (Some("missing"), _) => format!("kurang lengkap: {}", quoted(told)),
        (Some("invalid"), Some(expected)) => format!("jenis nilainya lain; harus {expected}"),
        (Some("duplicate"), _) => format!("disebut dua kali: {}", quoted(told)),
        _ => format!("bentuknya tidak cocok: {told}"),
    };
    ("", Said { id, en: told.to_owned() })
}

/// The name that stands between the first two backticks.
fn quoted(told: &str) -> &str {
    told.split('`').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{hours::Hours, key::Slug, producer::Visit};

    fn fault<D: DeserializeOwned + fmt::Debug>(value: &Value) -> Fault {
        read_draft::<D>(value).unwrap_err()
    }

    #[test]
    fn a_rule_of_ours_is_told_in_both_languages() {
        let told = fault::<Vec<Slug>>(&json!(["baik", "TIDAK BAIK"]));
        let asked = "TIDAK BAIK".parse::<Slug>().unwrap_err();
        assert_eq!(told, asked.below(1));
        let told = fault::<Hours>(&json!("Senin-Sabtu"));
        assert_eq!(told.said, "Senin-Sabtu".parse::<Hours>().unwrap_err().said);
        assert_ne!(told.said.id, told.said.en);
    }

    #[test]
    fn what_serde_says_is_said_in_indonesian_as_well() {
        let told = fault::<Visit>(&json!("rumah"));
        assert_eq!(told.said.id, "harus salah satu dari: `open`, `appointment`, `none`");
        assert!(fault::<Vec<String>>(&json!({})).said.id.starts_with("jenis nilainya lain"));
        let none = fault::<crate::category::Draft>(&json!({"code": "craft"}));
        assert_eq!(none.said.id, "kurang lengkap: name");
    }

    #[test]
    fn a_text_that_looks_like_a_carried_fault_is_none() {
        let told = fault::<Slug>(&json!("\u{1}a\u{1}b"));
        assert_eq!(told.said, "x y".parse::<Slug>().unwrap_err().said);
        assert!(!fault::<Visit>(&json!("\u{1}a\u{1}b")).said.id.is_empty());
    }
}
