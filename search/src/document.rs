//! Document: a published listing with all that its questions need made ready.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    category,
    hours::{Context, Hours, Openness, State},
    key::{AreaCode, CategoryCode},
    listing::{Kind, NoticeKind},
    position::Position,
    record::Record,
    reference::Reference,
    schedule::Occurrence,
    text::{Texts, fold},
};

use crate::words::Bag;

/// How far ahead the next occurrence of an event is looked for, years.
pub const STEP_YEARS: i64 = 10;

/// A published listing, ready to be asked.
#[derive(Debug)]
pub struct Document {
    /// The listing itself.
    pub record: Record,
    /// Its own point, else that of its venue.
    pub position: Option<Position>,
    /// How far from the truth that point may be, metres.
    pub accuracy_m: Option<i32>,
    /// The area of that point.
    pub area: Option<AreaCode>,
    /// Whether that area is only the nearest.
    pub area_inferred: bool,
    /// The zone that decides what "today" is there.
    pub zone: Tz,
    hours: Option<Hours>,
    context: Context,
    pub(crate) bag: Bag,
    pub(crate) names: Vec<String>,
}

impl Document {
    /// The document of `record`; `venue` is the listing an event takes place at.
    pub(crate) fn new(record: Record, venue: Option<&Record>, reference: &Reference) -> Self {
        let listing = &record.listing;
        let placed = match venue {
            Some(venue) if listing.position().is_none() => &venue.listing,
            _ => listing,
        };
        let position = placed.position();
        let closures = listing
            .notices
            .iter()
            .filter(|notice| notice.kind == NoticeKind::Closure)
            .map(|notice| (notice.from.unwrap_or(DateTime::<Utc>::MIN_UTC), notice.to))
            .collect();
        let mut document = Self {
            position,
            accuracy_m: placed.accuracy_m,
            area: placed.area.clone(),
            area_inferred: placed.area_inferred,
            zone: listing.timezone(),
            hours: listing.hours.as_ref().and_then(|text| text.parse().ok()),
            context: Context {
                holidays: reference.national_holidays().clone(),
                coordinates: position.map(|at| (at.lat(), at.lon())),
                closures,
            },
            bag: Bag::default(),
            names: listing.name.all().map(|(_, name)| fold(name)).collect(),
            record,
        };
        document.bag = document.words(venue, reference);
        document
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.record.listing.kind
    }

    /// Its categories, the main one first.
    pub fn categories(&self) -> impl Iterator<Item = &CategoryCode> {
        std::iter::once(&self.record.listing.category).chain(self.record.listing.categories.iter())
    }

    /// Whether it is open at `at`; `None` when nothing is known of its hours.
    pub fn openness(&self, at: DateTime<Utc>) -> Option<Openness> {
        let local = at.with_timezone(&self.zone);
        if let Some(hours) = &self.hours {
            return Some(hours.at(local, &self.context));
        }
        // No hours, but a closure closes all the same.
        let closure = self
            .context
            .closures
            .iter()
            .filter(|(from, to)| *from <= at && to.is_none_or(|to| at < to))
            .max_by_key(|(_, to)| to.unwrap_or(DateTime::<Utc>::MAX_UTC))?;
        let until = closure.1.map(|to| to.with_timezone(&self.zone));
        Some(Openness { state: State::Closed, until })
    }

    /// When it opens next after `at`, if it is known to within a year.
    pub fn next_open(&self, at: DateTime<Utc>) -> Option<DateTime<Tz>> {
        self.hours.as_ref()?.next_open(at.with_timezone(&self.zone), &self.context)
    }

    /// An event's occurrences that overlap `from` to `to` (half-open), in order, at most `limit`.
    pub fn occurrences(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: usize,
    ) -> Vec<Occurrence> {
        let event = self.record.event();
        event
            .map(|event| event.schedule.occurrences(self.zone, from, to, limit))
            .unwrap_or_default()
    }

    /// An event's first occurrence that has not ended at `now`, within [`STEP_YEARS`].
    pub fn next_occurrence(&self, now: DateTime<Utc>) -> Option<Occurrence> {
        self.occurrences(now, now + TimeDelta::days(STEP_YEARS * 366), 1).into_iter().next()
    }

    /// The words it is found by. A name weighs most, then what it is, where it is, what is said.
    fn words(&self, venue: Option<&Record>, reference: &Reference) -> Bag {
        let mut bag = Bag::default();
        let listing = &self.record.listing;
        let mut texts = |texts: &Texts, weight| {
            texts.all().for_each(|(_, text)| bag.add(text, weight));
        };
        texts(&listing.name, 4.0);
        listing.summary.iter().for_each(|summary| texts(summary, 1.0));
        for product in self.shown_products() {
            texts(&product.name, 2.0);
        }
        venue.iter().for_each(|venue| texts(&venue.listing.name, 1.5));
        for code in self.categories().flat_map(CategoryCode::lineage) {
            let category = code.parse().ok().and_then(|code| reference.category(&code));
            category.iter().for_each(|category| category_words(&mut bag, category));
        }
        for code in self.area.iter().flat_map(AreaCode::lineage) {
            let area = code.parse().ok().and_then(|code| reference.area(&code));
            let names = area.iter().flat_map(|area| area.row.name.all());
            names.for_each(|(_, name)| bag.add(name, 1.5));
        }
        let dusun = listing.address.as_ref().and_then(|address| address.dusun.as_deref());
        dusun.iter().for_each(|dusun| bag.add(dusun, 1.5));
        listing.tags.iter().for_each(|tag| bag.add(tag.as_str(), 1.5));
        let terms = self.materials().chain(self.techniques());
        terms.for_each(|term| bag.add(term.as_str(), 1.5));
        bag
    }
}

fn category_words(bag: &mut Bag, category: &category::Model) {
    category.name.all().for_each(|(_, name)| bag.add(name, 2.0));
    category.words.0.values().flatten().for_each(|word| bag.add(word, 2.0));
}

/// Shared by snapshots: a document does not change, it is replaced.
pub(crate) type Shared = Arc<Document>;
