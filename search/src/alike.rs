//! Alike: published listings that may be the same thing as another one.
//!
//! The rule: of the same kind, within [`NEAR_M`], and under a name that is nearly the same in some
//! language. Whether they are the same is for people to say.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{listing::Kind, position::Position, text::Texts};
use uuid::Uuid;

use crate::{
    document::Document,
    query::{Centre, Query, Sort},
    snapshot::Snapshot,
    words::terms,
};

/// How far the same thing may lie from itself, metres: two who measured the gate and the middle of a
/// beach or a village.
pub const NEAR_M: f64 = 300.0;
/// How much alike two names are that may be one, from 0 to 1: one letter in seven may be another
/// (Damerau–Levenshtein, as a share of the longer name).
pub const ALIKE: f64 = 0.85;
/// The most that are told of one listing.
pub const MOST: usize = 10;
/// The most that are looked at: more do not stand within [`NEAR_M`] of each other.
const LOOKED_AT: usize = 1000;

impl Snapshot {
    /// Those that may be the same as a listing of `kind` called `name` at `at`, nearest first, with
    /// metres; `id` is that listing's own, and not among them. At most [`MOST`].
    pub fn alike(
        &self,
        (id, kind): (Uuid, Kind),
        name: &Texts,
        at: Position,
        now: DateTime<Utc>,
    ) -> Vec<(Arc<Document>, f64)> {
        let query = Query {
            centre: Some(Centre { at, radius_m: Some(NEAR_M) }),
            kinds: vec![kind],
            except: Some(id),
            limit: LOOKED_AT,
            ..Query::all(Sort::Distance)
        };
        let Ok(page) = self.find(&query, now) else { return Vec::new() };
        let names: Vec<String> = name.all().map(|(_, name)| plain(name)).collect();
        let same = |document: &Document| {
            let theirs = document.name();
            theirs.all().any(|(_, theirs)| {
                let theirs = plain(theirs);
                names.iter().any(|name| are_near(name, &theirs))
            })
        };
        let alike = page.hits.iter().filter(|hit| same(hit.document));
        let told = alike.map(|hit| (Arc::clone(hit.document), hit.distance_m.unwrap_or_default()));
        told.take(MOST).collect()
    }
}

/// A name as names are compared: its words folded, in the order of the alphabet.
fn plain(name: &str) -> String {
    let mut words = terms(name);
    words.sort_unstable();
    words.join(" ")
}

fn are_near(a: &str, b: &str) -> bool {
    !a.is_empty() && strsim::normalized_damerau_levenshtein(a, b) >= ALIKE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_an_accent_and_another_order_make_no_other_name() {
        for (a, b) in [
            ("Pantai Parangtritis", "pantai parangtritis!"),
            ("Pantai Parangtritis", "Parangtritis, Pantai"),
            ("Pantai Parangtritis", "Pantai Paraangtritis"),
            ("Café Ōmah Jum'at", "Cafe Omah Jumat"),
            ("Sentra Batik Tulis Giriloyo", "Sentra Batik Tulis Girilaya"),
        ] {
            assert!(are_near(&plain(a), &plain(b)), "{a} and {b}");
        }
        for (a, b) in [
            ("Pantai Parangtritis", "Pantai Parangkusumo"),
            ("Pantai Depok", "Pantai Samas"),
            ("Batik Sri", "Batik Sari Rejeki"),
            ("!", "?"),
            ("", "a"),
        ] {
            assert!(!are_near(&plain(a), &plain(b)), "{a} and {b}");
        }
    }
}
