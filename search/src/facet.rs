//! Facets: how many of the found listings have what.
//!
//! The count of a value is what `total` would be if that value were asked for as well.

use std::collections::BTreeMap;

use domain::{area::Level, key::AreaCode};
use serde::Serialize;

use crate::{
    bits::{Bits, Posting},
    query::Query,
    segment::Segment,
    sums::Sums,
    tree::Cover,
};

macro_rules! facets {
    ($($(#[$doc:meta])* $item:ident = $text:literal),+ $(,)?) => {
        /// What can be counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Facet {
            $($(#[$doc])* #[doc = concat!("`", $text, "`")] $item),+
        }

        impl Facet {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];
            /// Their names: those of the parameters that filter by the same.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $text),+
                }
            }
        }
    };
}

facets! {
    Kind = "kind", Category = "category", Area = "area", Tag = "tag", Free = "free",
    Award = "award", Accessibility = "accessibility", Facility = "facility", Payment = "payment",
    LanguageSpoken = "language_spoken", Technique = "technique", Material = "material",
    Certificate = "certificate", Form = "form", HasWorkshop = "has_workshop",
    MadeToOrder = "made_to_order", EventStatus = "event_status", Agency = "agency",
    TextIn = "text_in",
}

/// How many listings have one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The value, as the parameter takes it.
    pub value: String,
    /// How many.
    pub count: usize,
}

/// The counts of one facet over what was found in several segments: most first, then by value.
pub(crate) fn sum(counts: impl Iterator<Item = BTreeMap<String, usize>>) -> Vec<Count> {
    let mut sums: BTreeMap<String, usize> = BTreeMap::new();
    counts.flatten().for_each(|(value, count)| *sums.entry(value).or_default() += count);
    let mut sums: Vec<_> = sums.into_iter().map(|(value, count)| Count { value, count }).collect();
    sums.sort_by_key(|count| std::cmp::Reverse(count.count));
    sums
}

/// What was found in a segment, to be counted.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// All that lies in a place but for some listings.
    Place(&'a Cover, Vec<u32>),
    /// These, and the leaves that have any of them.
    These(Bits, Vec<u32>),
}

impl Found<'_> {
    pub(crate) fn of(bits: Bits) -> Self {
        let leaves = bits.used();
        Self::These(bits, leaves)
    }

    fn sums(&self, sums: &Sums) -> Vec<u32> {
        match self {
            Self::Place(cover, lost) => sums.over(cover, lost),
            Self::These(bits, leaves) => sums.within(bits, leaves),
        }
    }

    fn count(&self, posting: &Posting) -> usize {
        match (self, posting) {
            (Self::Place(cover, lost), Posting::Many(set)) => {
                cover.count_of(set) - lost.iter().filter(|slot| set.holds(**slot)).count()
            }
            (Self::Place(cover, lost), Posting::Few(few)) => {
                let lies = |slot: &&u32| cover.holds(**slot) && !lost.contains(slot);
                few.iter().filter(lies).count()
            }
            (Self::These(bits, leaves), posting) => posting.count_within(bits, leaves),
        }
    }
}

impl Segment {
    /// The counts of one facet over what was found; values that nothing has are left out.
    pub(crate) fn count(
        &self,
        facet: Facet,
        found: &Found<'_>,
        query: &Query,
    ) -> BTreeMap<String, usize> {
        let Some(values) = self.values.get(&facet) else { return BTreeMap::new() };
        let numbers: Vec<usize> = match self.sums(facet) {
            Some(sums) => found.sums(sums).into_iter().map(|count| count as usize).collect(),
            None => values.values().map(|posting| found.count(posting)).collect(),
        };
        let some = values
            .keys()
            .zip(numbers)
            .filter(|(value, count)| *count > 0 && counts(facet, value, query));
        some.map(|(value, count)| (value.to_string(), count)).collect()
    }
}

/// Whether a value is counted: of areas the kapanewon, or inside one that was asked for, the
/// kalurahan.
fn counts(facet: Facet, value: &str, query: &Query) -> bool {
    if facet != Facet::Area {
        return true;
    }
    let inside = query.areas.iter().any(|code| Level::of(code) >= Level::Kapanewon);
    let level = if inside { Level::Kalurahan } else { Level::Kapanewon };
    value.parse::<AreaCode>().is_ok_and(|code| Level::of(&code) == level)
}
