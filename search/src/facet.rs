//! Facets: how many of the found listings have what.
//!
//! The count of a value is what `total` would be if that value were asked for as well.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    area::Level,
    key::{AreaCode, CategoryCode},
    text::Lang,
};

use crate::{document::Document, find::Hit, query::Query};

macro_rules! facets {
    ($($(#[$doc:meta])* $item:ident = $text:literal),+ $(,)?) => {
        /// What can be counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// The counts of one facet over `hits`: most first, then by value.
pub(crate) fn count(facet: Facet, hits: &[Hit], query: &Query) -> Vec<Count> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for hit in hits {
        let values: BTreeSet<String> = values(facet, &hit.document, query).into_iter().collect();
        for value in values {
            *counts.entry(value).or_default() += 1;
        }
    }
    let mut counts: Vec<_> =
        counts.into_iter().map(|(value, count)| Count { value, count }).collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.count));
    counts
}

fn names<T: Copy>(items: &[T], name: fn(T) -> &'static str) -> Vec<String> {
    items.iter().map(|item| name(*item).to_owned()).collect()
}

fn flag(value: Option<bool>) -> Vec<String> {
    value.map(|value| value.to_string()).into_iter().collect()
}

fn values(facet: Facet, document: &Document, query: &Query) -> Vec<String> {
    let listing = &document.record.listing;
    let producer = document.record.producer();
    match facet {
        Facet::Kind => vec![document.kind().name().to_owned()],
        Facet::Category => {
            document.categories().flat_map(CategoryCode::lineage).map(str::to_owned).collect()
        }
        Facet::Area => area_value(document, query).into_iter().collect(),
        Facet::Tag => listing.tags.iter().map(ToString::to_string).collect(),
        Facet::Free => flag(document.free()),
        Facet::Award => flag(document.award()),
        Facet::Accessibility => {
            let known = listing.accessibility.0.iter().filter(|(_, yes)| **yes);
            known.map(|(aspect, _)| aspect.name().to_owned()).collect()
        }
        Facet::Facility => names(&listing.facilities, domain::listing::Facility::name),
        Facet::Payment => names(&listing.payments, domain::listing::Payment::name),
        Facet::LanguageSpoken => {
            listing.languages_spoken.iter().map(|l| l.as_str().to_owned()).collect()
        }
        Facet::Technique => document.techniques().map(ToString::to_string).collect(),
        Facet::Material => document.materials().map(ToString::to_string).collect(),
        Facet::Certificate => producer
            .iter()
            .flat_map(|p| p.certificates.iter())
            .map(|paper| paper.kind.name().to_owned())
            .collect(),
        Facet::Form => producer.iter().map(|p| p.form.name().to_owned()).collect(),
        Facet::HasWorkshop => flag(producer.map(|p| !p.workshops.is_empty())),
        Facet::MadeToOrder => flag(producer.and_then(|p| p.made_to_order)),
        Facet::EventStatus => {
            document.record.event().iter().map(|e| e.event_status.name().to_owned()).collect()
        }
        Facet::Agency => listing.responsible_agency.iter().map(ToString::to_string).collect(),
        Facet::TextIn => Lang::ALL
            .into_iter()
            .filter(|lang| listing.name.has(*lang))
            .map(|lang| lang.code().to_owned())
            .collect(),
    }
}

/// The kapanewon, or inside one that was asked for, the kalurahan.
fn area_value(document: &Document, query: &Query) -> Option<String> {
    let inside = query.areas.iter().any(|code| Level::of(code) >= Level::Kapanewon);
    let level = if inside { Level::Kalurahan } else { Level::Kapanewon };
    let lineage = document.area.as_ref()?.lineage();
    let mut codes = lineage.filter_map(|code| code.parse::<AreaCode>().ok());
    codes.find(|code| Level::of(code) == level).map(|code| code.to_string())
}
