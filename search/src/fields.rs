//! Fields: what of a record is found by, counted and filtered.

use domain::{
    key::{AreaCode, CategoryCode, Term},
    listing::Language,
    product::{self, Status},
    record::Record,
    text::{Lang, Texts},
};

use crate::facet::Facet;

/// Where in a listing a word stands, the weightiest first. A short name says more with each of its
/// words than a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    NameOfOne,
    NameOfTwo,
    NameOfThree,
    LongName,
    Product,
    Aside,
    Summary,
}

impl Field {
    pub(crate) const ALL: [Self; 7] = [
        Self::NameOfOne,
        Self::NameOfTwo,
        Self::NameOfThree,
        Self::LongName,
        Self::Product,
        Self::Aside,
        Self::Summary,
    ];

    /// What a word counts that stands there: ours, tuned on the relevance set of the tests.
    pub(crate) fn weight(self) -> f32 {
        match self {
            Self::NameOfOne => 5.0,
            Self::NameOfTwo => 4.7,
            Self::NameOfThree => 4.4,
            Self::LongName => 4.0,
            Self::Product => 2.0,
            Self::Aside => 1.5,
            Self::Summary => 1.0,
        }
    }

    fn of_name(words: usize) -> Self {
        match words {
            0 | 1 => Self::NameOfOne,
            2 => Self::NameOfTwo,
            3 => Self::NameOfThree,
            _ => Self::LongName,
        }
    }
}

/// What a word counts that names a category of the listing, or one above it.
pub(crate) const CATEGORY: f32 = 2.0;
/// What a word counts that names an area the listing lies in.
pub(crate) const AREA: f32 = 1.5;

/// The texts that a listing is found by, each with where it stands. The names of its categories
/// and areas are not among them: these are looked up as such.
pub(crate) fn each_text(record: &Record, venue: Option<&Record>, mut f: impl FnMut(&str, Field)) {
    let listing = &record.listing;
    for (_, name) in listing.name.all() {
        let words = name.split_whitespace().take(4).count();
        f(name, Field::of_name(words));
    }
    let mut texts = |texts: &Texts, field| texts.all().for_each(|(_, text)| f(text, field));
    listing.summary.iter().for_each(|summary| texts(summary, Field::Summary));
    shown_products(record).for_each(|product| texts(&product.name, Field::Product));
    venue.iter().for_each(|venue| texts(&venue.listing.name, Field::Aside));
    let dusun = listing.address.as_ref().and_then(|address| address.dusun.as_deref());
    dusun.iter().for_each(|dusun| f(dusun, Field::Aside));
    listing.tags.iter().for_each(|tag| f(tag.as_str(), Field::Aside));
    materials(record).chain(techniques(record)).for_each(|term| f(term.as_str(), Field::Aside));
}

/// The products that the public sees.
pub fn shown_products(record: &Record) -> impl Iterator<Item = &product::Model> {
    record.products.iter().filter(|product| product.status != Status::Inactive)
}

/// Techniques of a producer and of what it makes.
fn techniques(record: &Record) -> impl Iterator<Item = &Term> {
    let own = record.producer().into_iter().flat_map(|producer| producer.techniques.iter());
    own.chain(shown_products(record).flat_map(|product| product.techniques.iter()))
}

/// Materials of a producer and of what it makes.
fn materials(record: &Record) -> impl Iterator<Item = &Term> {
    let own = record.producer().into_iter().flat_map(|producer| producer.materials.iter());
    own.chain(shown_products(record).flat_map(|product| product.materials.iter()))
}

/// Its categories, the main one first.
pub(crate) fn categories(record: &Record) -> impl Iterator<Item = &CategoryCode> {
    std::iter::once(&record.listing.category).chain(record.listing.categories.iter())
}

fn flag(value: Option<bool>, f: &mut dyn FnMut(&str)) {
    value.iter().for_each(|value| f(if *value { "true" } else { "false" }));
}

/// The values that a listing has of `facet`, as the parameter of that name takes them; one may come
/// twice. A category comes with those above it, an area with those around it.
pub(crate) fn each_value(
    facet: Facet,
    record: &Record,
    area: Option<&AreaCode>,
    f: &mut dyn FnMut(&str),
) {
    let listing = &record.listing;
    let producer = record.producer();
    match facet {
        Facet::Kind => f(listing.kind.name()),
        Facet::Category => categories(record).flat_map(CategoryCode::lineage).for_each(f),
        Facet::Area => area.into_iter().flat_map(AreaCode::lineage).for_each(f),
        Facet::Tag => listing.tags.iter().for_each(|tag| f(tag.as_str())),
        Facet::Free => flag(free(record), f),
        Facet::Award => flag(record.place().map(|place| !place.awards.is_empty()), f),
        Facet::Accessibility => {
            let known = listing.accessibility.0.iter().filter(|(_, yes)| **yes);
            known.for_each(|(aspect, _)| f(aspect.name()));
        }
        Facet::Facility => listing.facilities.iter().for_each(|facility| f(facility.name())),
        Facet::Payment => listing.payments.iter().for_each(|payment| f(payment.name())),
        Facet::LanguageSpoken => {
            listing.languages_spoken.iter().map(Language::as_str).for_each(f);
        }
        Facet::Technique => techniques(record).for_each(|term| f(term.as_str())),
        Facet::Material => materials(record).for_each(|term| f(term.as_str())),
        Facet::Certificate => {
            let papers = producer.into_iter().flat_map(|producer| producer.certificates.iter());
            papers.for_each(|paper| f(paper.kind.name()));
        }
        Facet::Form => producer.iter().for_each(|producer| f(producer.form.name())),
        Facet::HasWorkshop => flag(producer.map(|p| !p.workshops.is_empty()), f),
        Facet::MadeToOrder => flag(producer.and_then(|p| p.made_to_order), f),
        Facet::EventStatus => {
            record.event().iter().for_each(|event| f(event.event_status.name()));
        }
        Facet::Agency => listing.responsible_agency.iter().for_each(|id| f(id.as_str())),
        Facet::TextIn => {
            let spoken = Lang::ALL.into_iter().filter(|lang| listing.name.has(*lang));
            spoken.for_each(|lang| f(lang.code()));
        }
    }
}

/// Whether entering is free; `None` where that is no question or not known.
fn free(record: &Record) -> Option<bool> {
    let of_place = record.place().and_then(|place| place.admission.as_ref());
    let of_event = record.event().and_then(|event| event.admission.as_ref());
    of_place.or(of_event).map(|admission| admission.free)
}

/// How completely a listing is described, from 0 to 1: a picture, a summary, a description, its
/// hours, a contact, a point, and a second language, a seventh each. What is made up counts nothing.
pub(crate) fn completeness(record: &Record) -> f64 {
    let listing = &record.listing;
    if listing.sample {
        return 0.0;
    }
    let has = [
        !listing.media.is_empty(),
        listing.summary.is_some(),
        listing.description.is_some(),
        listing.hours.is_some() || record.event().is_some(),
        listing.contacts.iter().any(|contact| contact.public),
        listing.position().is_some(),
        listing.name.all().nth(1).is_some(),
    ];
    let count = has.iter().filter(|has| **has).count();
    f64::from(u8::try_from(count).unwrap_or(u8::MAX)) / 7.0
}
