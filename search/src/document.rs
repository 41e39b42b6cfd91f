//! Document: a published listing with what its questions and answers need at hand.
//!
//! The record itself is packed: it is opened for a page of details or when its line in a list is
//! written first. What every query may touch lies in the columns of the segment instead, and what
//! nearly every item shows: a document somewhere in memory is far away.

use std::{io, sync::Arc};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    event::EventStatus,
    hours::Openness,
    key::{AreaCode, Slug},
    listing::Kind,
    position::Position,
    record::{Packed, Record},
    reference::Reference,
    schedule::{Occurrence, Schedule},
    text::Texts,
};
use uuid::Uuid;

use crate::{
    checkpoint::broken,
    opening::{Opening, Stretch},
};

/// How far ahead the next occurrence of an event is looked for, years.
pub const STEP_YEARS: i64 = 10;

/// A published listing.
#[derive(Debug)]
pub struct Document {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// Its name in paths.
    pub slug: Slug,
    /// One more with every write.
    pub version: i64,
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
    /// When it is open, if anything is known of that.
    pub opening: Option<Arc<Opening>>,
    /// Whether it has notices, so that what is shown of it depends on the time.
    pub has_notices: bool,
    event: Option<Box<Event>>,
    packed: Packed,
}

/// What only an event has.
#[derive(Debug)]
struct Event {
    schedule: Schedule,
    status: EventStatus,
    venue: Option<Uuid>,
    next: ArcSwapOption<Next>,
}

/// The first occurrence that had not ended at some time, and with it until it ends.
#[derive(Debug)]
struct Next {
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    occurrence: Option<Occurrence>,
}

impl Event {
    fn of(record: &Record) -> Option<Box<Self>> {
        let event = record.event()?;
        Some(Box::new(Self {
            schedule: event.schedule.clone(),
            status: event.event_status,
            venue: event.venue,
            next: ArcSwapOption::empty(),
        }))
    }
}

/// What a checkpoint keeps of a document.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) slug: Slug,
    pub(crate) version: i64,
    pub(crate) position: Option<Position>,
    pub(crate) accuracy_m: Option<i32>,
    pub(crate) area: Option<AreaCode>,
    pub(crate) area_inferred: bool,
    pub(crate) zone: Tz,
    pub(crate) has_notices: bool,
    pub(crate) packed: Packed,
}

impl Kept {
    fn record(&self) -> io::Result<Record> {
        self.packed.try_unpack().ok_or_else(|| broken("a record is none"))
    }

    /// The opening that it has.
    pub(crate) fn opening(&self, reference: &Reference) -> io::Result<Opening> {
        let key = Opening::key(&self.record()?.listing, self.position);
        Ok(Opening::new(&key.ok_or_else(|| broken("an opening is none"))?, reference))
    }

    /// The document, with its opening.
    pub(crate) fn into_document(self, opening: Option<Arc<Opening>>) -> io::Result<Document> {
        let is_event = self.kind == Kind::Event;
        let event = if is_event { Event::of(&self.record()?) } else { None };
        if is_event != event.is_some() {
            return Err(broken("an event is none"));
        }
        let Self {
            id,
            kind,
            slug,
            version,
            position,
            accuracy_m,
            area,
            area_inferred,
            zone,
            has_notices,
            packed,
        } = self;
        Ok(Document {
            id,
            kind,
            slug,
            version,
            position,
            accuracy_m,
            area,
            area_inferred,
            zone,
            opening,
            has_notices,
            event,
            packed,
        })
    }
}

impl Document {
    /// The document of `record`; `venue` is the listing an event takes place at.
    pub(crate) fn new(
        record: &Record,
        venue: Option<&Self>,
        opening: impl FnOnce(Option<Position>) -> Option<Arc<Opening>>,
    ) -> Self {
        let listing = &record.listing;
        let venue = venue.filter(|_| listing.position().is_none());
        let position = listing.position().or(venue.and_then(|venue| venue.position));
        Self {
            id: listing.id,
            kind: listing.kind,
            slug: listing.slug.clone(),
            version: listing.version,
            position,
            accuracy_m: venue.map_or(listing.accuracy_m, |venue| venue.accuracy_m),
            area: venue.map_or_else(|| listing.area.clone(), |venue| venue.area.clone()),
            area_inferred: venue.map_or(listing.area_inferred, |venue| venue.area_inferred),
            zone: listing.timezone(),
            opening: opening(position),
            has_notices: !listing.notices.is_empty(),
            event: Event::of(record),
            packed: record.pack(),
        }
    }

    /// All that is known of it; a few microseconds.
    pub fn record(&self) -> Record {
        self.packed.unpack()
    }

    /// Its name alone.
    pub(crate) fn name(&self) -> Texts {
        self.packed.name()
    }

    pub(crate) fn packed(&self) -> &Packed {
        &self.packed
    }

    /// The listing an event takes place at.
    pub(crate) fn venue(&self) -> Option<Uuid> {
        self.event.as_ref()?.venue
    }

    /// Whether an event takes place as planned; `None` of other kinds.
    pub fn event_status(&self) -> Option<EventStatus> {
        Some(self.event.as_ref()?.status)
    }

    /// Whether more of it changes by itself than whether it is open.
    pub(crate) fn is_lively(&self) -> bool {
        self.event.is_some() || self.has_notices
    }

    /// What holds at `at` of its opening; `None` when nothing is known of it at any time.
    pub fn stretch(&self, at: DateTime<Utc>) -> Option<Arc<Stretch>> {
        Some(self.opening.as_ref()?.stretch(at))
    }

    /// Whether it is open at `at`; `None` when nothing is known of its hours.
    pub fn openness(&self, at: DateTime<Utc>) -> Option<Openness> {
        self.stretch(at)?.openness
    }

    /// Whether its occurrences follow a rule, so that they have no end.
    pub(crate) fn recurs(&self) -> bool {
        let schedule = self.event.as_ref().map(|event| &event.schedule);
        schedule.is_some_and(|schedule| !matches!(schedule, Schedule::Dates(_)))
    }

    /// An event's occurrences that overlap `from` to `to` (half-open), in order, at most `limit`.
    pub fn occurrences(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: usize,
    ) -> Vec<Occurrence> {
        let event = self.event.as_ref();
        event
            .map(|event| event.schedule.occurrences(self.zone, from, to, limit))
            .unwrap_or_default()
    }

    /// An event's first occurrence that has not ended at `now`, within [`STEP_YEARS`].
    pub fn next_occurrence(&self, now: DateTime<Utc>) -> Option<Occurrence> {
        let event = self.event.as_ref()?;
        let known = event.next.load();
        if let Some(known) = known.as_ref()
            && known.from <= now
            && known.until.is_some_and(|until| now < until)
        {
            return known.occurrence;
        }
        let to = now + TimeDelta::days(STEP_YEARS * 366);
        let occurrence = self.occurrences(now, to, 1).into_iter().next();
        // One without length has ended when it begins: it is looked for anew each time.
        let until = occurrence.as_ref().map(|one| one.ends_at(self.zone));
        event.next.store(Some(Arc::new(Next { from: now, until, occurrence })));
        occurrence
    }
}

/// Shared by snapshots: a document does not change, it is replaced.
pub(crate) type Shared = Arc<Document>;
