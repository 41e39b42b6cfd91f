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
pub(crate) struct Found<'a> {
    /// It, and the leaves that have any of it.
    bits: Bits,
    leaves: Vec<u32>,
    /// Where it is all that lies in a place but for some listings: then what many have is counted
    /// by runs of leaves.
    place: Option<(&'a Cover, Vec<u32>)>,
}

impl<'a> Found<'a> {
    pub(crate) fn new(bits: Bits, place: Option<(&'a Cover, Vec<u32>)>) -> Self {
        let leaves = bits.used();
        Self { bits, leaves, place }
    }

    fn count(&self, posting: &Posting) -> usize {
        match (&self.place, posting) {
            (Some((cover, lost)), Posting::Many(set)) => {
                let lies = |leaf: &u32| *leaf as usize;
                let ends = self.leaves.first().map(lies).zip(self.leaves.last().map(lies));
                if ends.is_none_or(|(first, last)| set.count_in(first, last + 1) == 0) {
                    return 0;
                }
                cover.count_of(set) - lost.iter().filter(|slot| set.holds(**slot)).count()
            }
            _ => posting.count_within(&self.bits, &self.leaves),
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
        let values = self.values.get(&facet).into_iter().flatten();
        let counted = values
            .filter(|(value, _)| counts(facet, value, query))
            .map(|(value, posting)| (value, found.count(posting)));
        let some = counted.filter(|(_, count)| *count > 0);
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
