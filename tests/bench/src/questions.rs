//! Questions: what is asked of the service, as paths.
//!
//! Question number 7 of a kind is the same in every run, and no two are alike: where a cache must
//! not help, no question comes twice.

use crate::{
    random::Random,
    town::{Point, Town},
    world::World,
};

/// A kind of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The nearest 20 within 5 km.
    Nearest,
    /// The same, of one category and open now.
    OpenNow,
    /// The best 20 for one or two words within 5 km.
    Words,
    /// The nearest 20 of those.
    WordsByDistance,
    /// One of sixteen questions for the nearest 20, again and again.
    Repeated,
    /// One of those with the tag of its answer: nothing has changed.
    Unchanged,
    /// The nearest 20 in the densest centre, and three counts of all within 5 km.
    Facets,
    /// What begins with three to five letters.
    Suggest,
    /// One listing by its slug.
    Detail,
}

impl Kind {
    /// All of them, in the order they are asked.
    pub const ALL: [Self; 9] = [
        Self::Nearest,
        Self::OpenNow,
        Self::Words,
        Self::WordsByDistance,
        Self::Repeated,
        Self::Unchanged,
        Self::Facets,
        Self::Suggest,
        Self::Detail,
    ];

    /// What the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest 20 within 5 km",
            Self::OpenNow => "nearest 20 of a category, open now",
            Self::Words => "1–2 words within 5 km, best first",
            Self::WordsByDistance => "1–2 words within 5 km, nearest first",
            Self::Repeated => "nearest 20, asked before",
            Self::Unchanged => "nearest 20, not changed (304)",
            Self::Facets => "nearest 20 and 3 facets, dense",
            Self::Suggest => "suggest, 3–5 letters",
            Self::Detail => "one listing by slug",
        }
    }

    /// The least that processor time of the bare server ÷ that of Griya should be; `None` where
    /// none is set.
    pub fn mark(self, listings: u64) -> Option<f64> {
        // For ten thousand, a hundred thousand, and a million listings.
        let size = usize::from(listings > 10_000) + usize::from(listings > 100_000);
        let marks = match self {
            Self::Nearest => [0.60, 0.60, 0.55],
            Self::OpenNow => [0.50, 0.45, 0.40],
            Self::Words | Self::WordsByDistance => [0.40, 0.40, 0.35],
            Self::Repeated | Self::Unchanged => [0.90; 3],
            Self::Facets => [0.35; 3],
            Self::Suggest | Self::Detail => return None,
        };
        Some(marks[size])
    }

    /// Whether few questions come again and again.
    pub fn repeats(self) -> bool {
        matches!(self, Self::Repeated | Self::Unchanged)
    }

    /// Its question of that number to a service with the first `listings` of `world`.
    pub fn path(self, world: &World, listings: u64, number: u64) -> String {
        let number = if self.repeats() { number % 16 } else { number };
        let mut random = world.random((self as u64) << 40 | number);
        let at = match self {
            Self::Facets => Town::dense(&mut random),
            _ => world.town.asker(number, &mut random),
        };
        match self {
            Self::Nearest | Self::Repeated | Self::Unchanged => around(at, ""),
            Self::OpenNow => {
                let category = world.category(&mut random);
                around(at, &format!("&category={category}&open_at=now"))
            }
            Self::Words => around(at, &words(world, number, &mut random)),
            Self::WordsByDistance => {
                around(at, &format!("{}&sort=distance", words(world, number, &mut random)))
            }
            Self::Facets => around(at, "&facets=category&facets=kind&facets=area"),
            Self::Suggest => {
                let word = world.vocabulary.sought(1, &mut random);
                let typed = &word[..word.len().min(3 + random.below(3))];
                format!("/v1/suggest?q={typed}&lat={:.7}&lon={:.7}", at.lat, at.lon)
            }
            Self::Detail => {
                let listing = world.listing(random.next() % listings.max(1));
                format!("/v1/{}/{}", listing.kind, listing.slug)
            }
        }
    }
}

fn words(world: &World, number: u64, random: &mut Random) -> String {
    let count = if number.is_multiple_of(2) { 1 } else { 2 };
    format!("&q={}", world.vocabulary.sought(count, random))
}

/// A circle of 5 km. Seven decimals are a centimetre: no two askers stand on the same.
fn around(at: Point, more: &str) -> String {
    format!("/v1/discover?lat={:.7}&lon={:.7}&radius_m=5000&limit=20{more}", at.lat, at.lon)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::vocabulary::Vocabulary;

    #[test]
    fn no_question_comes_twice_but_those_that_should() {
        let world = World::new(42, Vocabulary::built_in());
        for kind in Kind::ALL {
            let asked: HashSet<String> =
                (0..2000).map(|number| kind.path(&world, 1_000_000, number)).collect();
            let different = if kind.repeats() { 16 } else { 1990 };
            assert!(asked.len() >= different && asked.len() <= 2000, "{kind:?}: {}", asked.len());
        }
    }
}
