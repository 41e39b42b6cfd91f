//! Snapshot: all published listings and what they refer to, as they were after one change.
//!
//! A large segment and small ones of what came since; documents that were replaced or removed are
//! dead in the segment that has them. Taking in a change costs what the change is long, however
//! many listings there are; [`Snapshot::merge`] makes segments one again, off the path.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use domain::{
    key::{AreaCode, CategoryCode, Slug},
    listing::Kind,
    record::Record,
    reference::Reference,
    text::Lang,
};
use uuid::Uuid;

use crate::{
    bits::Bits,
    document::{Document, Shared},
    facet::Facet,
    gazetteer::Gazetteer,
    lines::Held,
    query::Window,
    segment::{Builder, Known, Segment},
};

mod kept;

/// What is known at one position of the log. Immutable.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    reference: Arc<Reference>,
    gazetteer: Arc<Gazetteer>,
    segments: Vec<Live>,
    former: imbl::HashMap<Slug, Uuid>,
    gone: imbl::HashMap<Uuid, Gone>,
    /// The published listings that name a listing: events at their venue, makers in their centre.
    linked: imbl::HashMap<Uuid, Vec<Uuid>>,
    lines: Arc<Held>,
    /// The change it includes last.
    pub seq: i64,
}

/// A segment with those of its documents that no longer count.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) segment: Arc<Segment>,
    pub(crate) dead: Arc<Dead>,
}

/// Documents that no longer count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dead {
    slots: Vec<u32>,
    bits: Bits,
}

impl Dead {
    fn of(slots: Vec<u32>, all: usize) -> Self {
        let mut bits = Bits::none(all);
        slots.iter().for_each(|slot| bits.set(*slot));
        Self { slots, bits }
    }

    pub(crate) fn slots(&self) -> &[u32] {
        &self.slots
    }

    pub(crate) fn leaf(&self, leaf: usize) -> u64 {
        if self.slots.is_empty() { 0 } else { self.bits.leaf(leaf) }
    }

    fn holds(&self, slot: u32) -> bool {
        !self.slots.is_empty() && self.bits.holds(slot)
    }

    fn with(&self, slot: u32, slots: usize) -> Self {
        let mut next = self.clone();
        if next.slots.is_empty() {
            next.bits = Bits::none(slots);
        }
        if !next.bits.holds(slot) {
            next.bits.set(slot);
            next.slots.push(slot);
        }
        next
    }
}

impl Live {
    fn new(segment: Segment) -> Self {
        Self { segment: Arc::new(segment), dead: Arc::default() }
    }

    /// How many of its documents count.
    fn len(&self) -> usize {
        self.segment.len() - self.dead.slots.len()
    }

    /// Those that count, each with its slot.
    fn numbered(&self) -> impl Iterator<Item = (u32, &Shared)> {
        (0..).zip(&self.segment.documents).filter(|(slot, _)| !self.dead.holds(*slot))
    }

    fn documents(&self) -> impl Iterator<Item = &Shared> {
        self.numbered().map(|(_, document)| document)
    }

    /// Those that count, each with its lines.
    fn known(&self) -> impl Iterator<Item = Known> {
        self.numbered()
            .map(|(slot, document)| (Arc::clone(document), self.segment.lines.written(slot)))
    }

    fn find(&self, slot: Option<u32>) -> Option<&Shared> {
        let slot = slot.filter(|slot| !self.dead.holds(*slot))?;
        Some(&self.segment.documents[slot as usize])
    }

    fn kill(&mut self, id: Uuid) {
        if let Some(slot) = self.segment.slot_of(id).filter(|slot| !self.dead.holds(*slot)) {
            self.dead = Arc::new(self.dead.with(slot, self.segment.len()));
        }
    }
}

#[derive(Debug, Clone)]
struct Gone {
    kind: Kind,
    merged_into: Option<Uuid>,
}

/// What the log brought since a snapshot.
#[derive(Debug, Default)]
pub struct Changes {
    /// New states; `None` where a listing's rows are no more.
    pub records: Vec<(Uuid, Option<Record>)>,
    /// What listings refer to, if that changed.
    pub reference: Option<Reference>,
    /// The last change among them.
    pub seq: i64,
}

/// What a path's id or slug leads to.
#[derive(Debug)]
pub enum Lookup<'a> {
    /// A published listing.
    Here(&'a Arc<Document>),
    /// A published listing that has another slug now.
    Moved(&'a Arc<Document>),
    /// A listing that was public once.
    Gone {
        /// The listing that stayed when two became one.
        merged_into: Option<Uuid>,
    },
    /// Nothing the public may know of.
    Nowhere,
}

/// A last segment of so few is made one with what comes: that takes a fraction of a millisecond.
const SMALL: usize = 24;
/// So many segments beside the largest call for a merge.
const MANY: usize = 4;
/// A segment goes into one with others only where they have a share of it together: a listing is
/// moved few times on its way to the largest.
const SHARE: usize = 3;

impl Snapshot {
    /// The beginning of a snapshot of all there is.
    pub fn reading(reference: Reference) -> Reading {
        let snapshot = Self {
            gazetteer: Arc::new(Gazetteer::new(&reference)),
            reference: Arc::new(reference),
            ..Self::default()
        };
        let builder = Builder::new(&snapshot.reference, &snapshot.lines);
        Reading { snapshot, builder, events: Vec::new() }
    }

    /// The snapshot after `changes`.
    #[must_use]
    pub fn with(&self, changes: Changes) -> Self {
        let mut next = self.clone();
        next.seq = changes.seq;
        let renewed = changes.reference.is_some();
        if let Some(reference) = changes.reference {
            next.gazetteer = Arc::new(Gazetteer::new(&reference));
            next.reference = Arc::new(reference);
        }
        let mut filling = next.filling();
        for (id, record) in changes.records {
            next.forget(id);
            // An event shows its venue's point: when the venue changes, so does the event.
            filling.again.extend(next.guests(id));
            if let Some(record) = record {
                next.take(record, &mut filling);
            }
        }
        if renewed {
            filling.again.extend(self.documents().map(|document| document.id));
        }
        next.fill(filling)
    }

    fn filling(&self) -> Filling {
        Filling { reference: Arc::clone(&self.reference), ..Filling::default() }
    }

    /// Forgets a listing, whatever it was.
    fn forget(&mut self, id: Uuid) {
        if let Some(record) = self.get(id).map(|document| document.record()) {
            for slug in &record.former_slugs {
                self.former.remove(slug);
            }
            for named in record.links() {
                if let Some(linked) = self.linked.get_mut(&named) {
                    linked.retain(|from| *from != id);
                }
            }
        }
        if self.gone.remove(&id).is_some() {
            self.former.retain(|_, holder| *holder != id);
        }
        self.segments.iter_mut().for_each(|live| live.kill(id));
    }

    /// Notes a new state of a listing.
    fn take(&mut self, record: Record, filling: &mut Filling) {
        if self.note(&record) {
            filling.new.insert(record.listing.id, record);
        }
    }

    /// Notes where names and venues lead; whether the listing is to be found.
    fn note(&mut self, record: &Record) -> bool {
        let id = record.listing.id;
        let public = record.listing.is_public();
        if !public && !record.listing.is_gone() {
            return false;
        }
        self.former.extend(record.former_slugs.iter().cloned().map(|slug| (slug, id)));
        if !public {
            // A tombstone's last name leads to it as well.
            self.former.insert(record.listing.slug.clone(), id);
            let (kind, merged_into) = (record.listing.kind, record.listing.merged_into);
            self.gone.insert(id, Gone { kind, merged_into });
            return false;
        }
        for named in record.links() {
            let linked = self.linked.entry(named).or_default();
            if !linked.contains(&id) {
                linked.push(id);
            }
        }
        true
    }

    /// Makes a segment of what came, and of the last one if that is small.
    fn fill(mut self, filling: Filling) -> Self {
        let Filling { reference, mut new, again } = filling;
        for id in again {
            if let Some(document) = self.get(id) {
                let record = document.record();
                new.entry(id).or_insert(record);
                self.segments.iter_mut().for_each(|live| live.kill(id));
            }
        }
        self.segments.retain(|live| live.len() > 0);
        if new.is_empty() {
            return self;
        }
        let mut builder = Builder::new(&reference, &self.lines);
        let mut kept = Vec::new();
        let mut small = |others: usize| {
            self.segments
                .pop_if(|last| last.len() + others <= SMALL && last.len() <= SHARE * others)
        };
        while let Some(last) = small(new.len() + kept.len()) {
            kept.extend(last.known());
        }
        // Venues before the events that need their points.
        let (events, others): (Vec<_>, Vec<_>) =
            new.into_values().partition(|record| record.listing.kind == Kind::Event);
        others.iter().for_each(|record| builder.add(record, None));
        let (guests, hosts): (Vec<Known>, Vec<_>) =
            kept.into_iter().partition(|(document, _)| document.venue().is_some());
        hosts.into_iter().for_each(|document| builder.keep(document, None));
        let venues: HashMap<Uuid, Shared> = if events.is_empty() && guests.is_empty() {
            HashMap::new()
        } else {
            builder.documents().iter().map(|document| (document.id, Arc::clone(document))).collect()
        };
        let venue = |id: Option<Uuid>| id.and_then(|id| venues.get(&id).or_else(|| self.get(id)));
        for guest in guests {
            let host = venue(guest.0.venue());
            builder.keep(guest, host.map(|host| &**host));
        }
        for record in &events {
            let id = record.event().and_then(|event| event.venue);
            builder.add(record, venue(id).map(|venue| &**venue));
        }
        let segment = builder.build();
        self.segments.push(Live::new(segment));
        self
    }

    /// Which segments want to be one: all of them when those beside the largest have grown to a
    /// share of it and `whole` says that there is time for that, else small ones; none when there are
    /// few.
    pub(crate) fn due(&self, whole: bool) -> Option<Vec<Arc<Segment>>> {
        let dead: usize = self.segments.iter().map(|live| live.dead.slots.len()).sum();
        let largest = self.segments.first().map_or(0, |live| live.segment.len());
        let beside: usize = self.segments.iter().skip(1).map(Live::len).sum();
        let due = if whole && beside + dead > 64 + largest / 16 {
            &self.segments[..]
        } else if self.segments.len() > 1 + MANY {
            self.of_a_size()
        } else {
            &[]
        };
        let has_dead = || due.iter().any(|live| !live.dead.slots.is_empty());
        (due.len() > 1 || has_dead())
            .then(|| due.iter().map(|live| Arc::clone(&live.segment)).collect())
    }

    /// The last segments, each with a share of the one before it at least.
    fn of_a_size(&self) -> &[Live] {
        let (mut from, mut sum) = (self.segments.len(), 0);
        while from > 1 && (sum == 0 || self.segments[from - 1].len() <= SHARE * sum) {
            from -= 1;
            sum += self.segments[from].len();
        }
        if self.segments.len() - from > 1 { &self.segments[from..] } else { &[] }
    }

    /// Whether the lines of its documents have grown to what they may take.
    pub(crate) fn has_enough_lines(&self) -> bool {
        self.lines.is_full()
    }

    /// Forgets the lines of all documents: they come anew where they are asked for.
    pub(crate) fn forget_lines(&self) {
        self.segments.iter().for_each(|live| live.segment.lines.forget());
        self.lines.emptied();
    }

    /// One segment of what counts in `segments` now.
    pub(crate) fn merge(&self, segments: &[Arc<Segment>]) -> Segment {
        let mut builder = Builder::new(&self.reference, &self.lines);
        for live in self.segments.iter().filter(|live| live.is_among(segments)) {
            for known in live.known() {
                let venue = known.0.venue().and_then(|venue| self.get(venue));
                builder.keep(known, venue.map(|venue| &**venue));
            }
        }
        builder.build()
    }

    /// The snapshot with `merged` in the place of `segments`; what died or changed since they were
    /// read is dead in it too. `None` when they are not its own any more.
    pub(crate) fn replacing(&self, segments: &[Arc<Segment>], merged: Segment) -> Option<Self> {
        let own = self.segments.iter().filter(|live| live.is_among(segments)).count();
        if own != segments.len() {
            return None;
        }
        let mut live = Live::new(merged);
        let still: HashSet<*const Document> = self
            .segments
            .iter()
            .filter(|live| live.is_among(segments))
            .flat_map(Live::documents)
            .map(Arc::as_ptr)
            .collect();
        let dead: Vec<Uuid> = live
            .documents()
            .filter(|document| !still.contains(&Arc::as_ptr(document)))
            .map(|document| document.id)
            .collect();
        dead.into_iter().for_each(|id| live.kill(id));
        let mut next = self.clone();
        next.segments.retain(|live| !live.is_among(segments));
        next.segments.push(live);
        next.segments.sort_by_key(|live| std::cmp::Reverse(live.segment.len()));
        Some(next)
    }

    /// What listings refer to.
    pub fn reference(&self) -> &Arc<Reference> {
        &self.reference
    }

    pub(crate) fn gazetteer(&self) -> &Gazetteer {
        &self.gazetteer
    }

    pub(crate) fn segments(&self) -> &[Live] {
        &self.segments
    }

    /// The published listings, in no order that means anything.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.segments.iter().flat_map(Live::documents)
    }

    /// Writes the line of every listing in `lang` that is not written yet.
    pub fn write_lines(&self, lang: Lang, render: impl Fn(&Document, &Record) -> Vec<u8>) {
        for live in &self.segments {
            for (slot, document) in live.numbered() {
                let line = || render(document, &document.record());
                live.segment.lines.with(slot, lang, line, |_| ());
            }
        }
    }

    /// How many listings are published.
    pub fn len(&self) -> usize {
        self.segments.iter().map(Live::len).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The published listings that name `id`, published or not, as their venue, their centre, who
    /// holds them, or what else to see.
    pub fn linked(&self, id: Uuid) -> &[Uuid] {
        self.linked.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The events that take place at `id`.
    fn guests(&self, id: Uuid) -> impl Iterator<Item = Uuid> {
        let there =
            move |guest: &Uuid| self.get(*guest).is_some_and(|guest| guest.venue() == Some(id));
        self.linked(id).iter().copied().filter(there)
    }

    /// The published listing of that id.
    pub fn get(&self, id: Uuid) -> Option<&Arc<Document>> {
        self.segments.iter().find_map(|live| live.find(live.segment.slot_of(id)))
    }

    fn named(&self, slug: &Slug) -> Option<&Arc<Document>> {
        self.segments.iter().find_map(|live| live.find(live.segment.slot_named(slug)))
    }

    /// What an id or a slug leads to, among listings of `kind` where one is given.
    pub fn lookup(&self, key: &str, kind: Option<Kind>) -> Lookup<'_> {
        let fits = |found: Kind| kind.is_none_or(|kind| kind == found);
        let slug = key.parse::<Slug>().ok();
        if let Some(document) = slug.as_ref().and_then(|slug| self.named(slug)) {
            return if fits(document.kind) { Lookup::Here(document) } else { Lookup::Nowhere };
        }
        let by_id = key.parse::<Uuid>().ok();
        let former = || slug.as_ref().and_then(|slug| self.former.get(slug)).copied();
        let Some(id) = by_id.or_else(former) else { return Lookup::Nowhere };
        if let Some(gone) = self.gone.get(&id).filter(|gone| fits(gone.kind)) {
            return Lookup::Gone { merged_into: gone.merged_into };
        }
        match self.get(id).filter(|document| fits(document.kind)) {
            Some(document) if by_id.is_none() => Lookup::Moved(document),
            Some(document) => Lookup::Here(document),
            None => Lookup::Nowhere,
        }
    }

    /// How many listings have each value of `facet`.
    fn counts<T: std::str::FromStr + std::hash::Hash + Eq>(
        &self,
        facet: Facet,
    ) -> HashMap<T, usize> {
        let mut counts = HashMap::new();
        for live in &self.segments {
            let mut counted = Bits::all(live.segment.len());
            live.dead.slots.iter().for_each(|slot| counted.clear(*slot));
            let leaves = counted.used();
            for (value, posting) in live.segment.values.get(&facet).into_iter().flatten() {
                let count = posting.count_within(&counted, &leaves);
                if let Some(value) = value.parse().ok().filter(|_| count > 0) {
                    *counts.entry(value).or_insert(0) += count;
                }
            }
        }
        counts
    }

    /// How many listings there are of each kind, by its name.
    pub fn kind_counts(&self) -> HashMap<String, usize> {
        self.counts(Facet::Kind)
    }

    /// The events with an occurrence in `window`.
    pub fn events_within(
        &self,
        window: Window,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = &Arc<Document>> {
        self.segments.iter().flat_map(move |live| {
            let within = live.segment.times.within(&live.segment.documents, window, now);
            let slots: Vec<u32> = within.0.slots().filter(|slot| !live.dead.holds(*slot)).collect();
            slots.into_iter().map(|slot| &live.segment.documents[slot as usize])
        })
    }

    /// How many listings each category holds, those below it included.
    pub fn category_counts(&self) -> HashMap<CategoryCode, usize> {
        self.counts(Facet::Category)
    }

    /// How many listings each area holds, those inside it included.
    pub fn area_counts(&self) -> HashMap<AreaCode, usize> {
        self.counts(Facet::Area)
    }
}

impl Live {
    fn is_among(&self, segments: &[Arc<Segment>]) -> bool {
        segments.iter().any(|segment| Arc::ptr_eq(segment, &self.segment))
    }
}

/// A snapshot while the listings it is of are read, each once and in any order.
#[derive(Debug)]
pub struct Reading {
    snapshot: Snapshot,
    builder: Builder,
    /// They need their venues, whatever comes first.
    events: Vec<Record>,
}

impl Reading {
    /// Takes in a listing, unless the public cannot know of it.
    pub fn add(&mut self, record: Record) {
        if !self.snapshot.note(&record) {
            return;
        }
        match record.listing.kind {
            Kind::Event => self.events.push(record),
            Kind::Place | Kind::Producer => self.builder.add(&record, None),
        }
    }

    /// The snapshot of what was read, as it was after change `seq`.
    pub fn finish(self, seq: i64) -> Snapshot {
        let Self { mut snapshot, mut builder, events } = self;
        snapshot.seq = seq;
        let wanted: HashSet<Uuid> = events.iter().filter_map(venue_of).collect();
        let hosts = builder.documents().iter().filter(|host| wanted.contains(&host.id));
        let venues: HashMap<Uuid, Shared> = hosts.map(|host| (host.id, Arc::clone(host))).collect();
        for event in &events {
            let venue = venue_of(event).and_then(|id| venues.get(&id));
            builder.add(event, venue.map(|venue| &**venue));
        }
        if !builder.documents().is_empty() {
            snapshot.segments.push(Live::new(builder.build()));
        }
        snapshot
    }
}

fn venue_of(event: &Record) -> Option<Uuid> {
    event.event()?.venue
}

/// What is to go into the next segment.
#[derive(Debug, Default)]
struct Filling {
    reference: Arc<Reference>,
    new: HashMap<Uuid, Record>,
    /// Listings that are as they were, and seen otherwise.
    again: Vec<Uuid>,
}
