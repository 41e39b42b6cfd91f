//! Cursor: how far somebody has followed the log of changes.
//!
//! It names the last change that they know by its number and by what it was, so that a log that was
//! restored to an earlier day and written since is not taken for the one they knew.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Fault, change, scope::Scope};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The longest cursor that we give out or read, characters.
pub const MAX: usize = 400;

/// How far somebody has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The last change that they know; 0: the log was empty.
    #[serde(rename = "n")]
    pub seq: i64,
    /// What that change was.
    #[serde(rename = "m")]
    mark: String,
    /// What they follow.
    #[serde(rename = "s")]
    scope: String,
    /// They are going through everything, in the order of ids.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub walk: Option<Walk>,
    /// They are within what one change brought along.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

/// A way through everything that is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Walk {
    /// The last id that they know.
    #[serde(rename = "a")]
    pub after: Uuid,
    /// Whether they have gone through before: then they must hear of what is no longer theirs.
    #[serde(rename = "g")]
    pub again: bool,
}

/// The last that was told of a change that tells of several listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The change.
    #[serde(rename = "n")]
    pub seq: i64,
    /// The last listing.
    #[serde(rename = "a")]
    pub after: Uuid,
}

/// Why a cursor is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// It is none of ours.
    Unreadable,
    /// It was given out to who follows something else.
    OfAnotherScope,
}

impl Bad {
    /// What whoever sent it is told.
    pub fn fault(self) -> Fault {
        match self {
            Self::Unreadable => Fault::new("bad_format", "bukan kursor kami", "is none of ours"),
            Self::OfAnotherScope => Fault::new(
                "of_another_query",
                "milik kueri lain: jenis, wilayah, dan kategori harus sama",
                "belongs to another query: kinds, areas and categories must be the same",
            ),
        }
    }
}

impl Cursor {
    /// At the beginning: everything is to come, then what happens after `last`.
    pub fn start(last: Option<&change::Model>, scope: &Scope) -> Self {
        let walk = Walk { after: Uuid::nil(), again: false };
        Self { walk: Some(walk), ..Self::at(last, scope) }
    }

    /// At a change, or where the log begins: all before it is known.
    pub fn at(last: Option<&change::Model>, scope: &Scope) -> Self {
        Self {
            seq: last.map_or(0, |last| last.seq),
            mark: last.map(mark).unwrap_or_default(),
            scope: digest(scope),
            walk: None,
            part: None,
        }
    }

    /// Moves on to `change`.
    pub fn pass(&mut self, change: &change::Model) {
        (self.seq, self.mark, self.part) = (change.seq, mark(change), None);
    }

    /// Reads what was given out to who follows `scope`.
    pub fn read(text: &str, scope: &Scope) -> Result<Self, Bad> {
        if text.len() > MAX {
            return Err(Bad::Unreadable);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Bad::Unreadable)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| Bad::Unreadable)?;
        if cursor.seq < 0 || cursor.mark.len() > 16 {
            return Err(Bad::Unreadable);
        }
        if cursor.scope == digest(scope) { Ok(cursor) } else { Err(Bad::OfAnotherScope) }
    }

    /// Whether `change`, the one of its number, is the one that it knows.
    pub fn knows(&self, change: Option<&change::Model>) -> bool {
        match change {
            Some(change) => change.seq == self.seq && mark(change) == self.mark,
            None => self.seq == 0,
        }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = serde_json::to_vec(self).map_err(|_| std::fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// 48 bits of what a change was.
fn mark(change: &change::Model) -> String {
    let change::Model { seq, kind, subject, what, version, actor, at } = change;
    let text =
        format!("{seq} {kind:?} {subject} {what:?} {version} {actor} {}", at.timestamp_micros());
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..6])
}

/// 72 bits of what is followed; in which order it was named does not matter.
fn digest(scope: &Scope) -> String {
    let mut scope = scope.clone();
    scope.kinds.sort_unstable_by_key(|kind| kind.name());
    scope.areas.sort_unstable();
    scope.categories.sort_unstable();
    let text = serde_json::to_vec(&scope).expect("a scope is plain data");
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..9])
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::listing::Kind;

    use super::*;

    fn change(seq: i64) -> change::Model {
        let (subject, actor) = (Uuid::nil().to_string(), "test".to_owned());
        let (kind, what) = (change::Kind::Place, change::What::Created);
        change::Model { seq, kind, subject, what, version: 1, actor, at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_for_nobody_who_follows_something_else() {
        let scope = Scope { kinds: vec![Kind::Place, Kind::Event], ..Scope::default() };
        let turned = Scope { kinds: vec![Kind::Event, Kind::Place], ..Scope::default() };
        let mut cursor = Cursor::start(Some(&change(7)), &scope);
        cursor.part = Some(Part { seq: i64::MAX, after: Uuid::max() });
        cursor.walk = Some(Walk { after: Uuid::max(), again: false });
        let text = cursor.to_string();
        assert!(text.len() <= MAX, "{}", text.len());
        assert_eq!(Cursor::read(&text, &turned), Ok(cursor));
        assert_eq!(Cursor::read(&text, &Scope::default()), Err(Bad::OfAnotherScope));
    }

    #[test]
    fn another_change_of_the_same_number_is_not_the_one_it_knows() {
        let cursor = Cursor::at(Some(&change(7)), &Scope::default());
        assert!(cursor.knows(Some(&change(7))));
        assert!(!cursor.knows(Some(&change::Model { version: 2, ..change(7) })));
        assert!(!cursor.knows(Some(&change(8))) && !cursor.knows(None));
        assert!(Cursor::at(None, &Scope::default()).knows(None));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "x", "e30", "eyJuIjoxfQ", &"A".repeat(MAX + 1), "ééé"] {
            assert_eq!(Cursor::read(text, &Scope::default()), Err(Bad::Unreadable), "{text}");
        }
    }
}
