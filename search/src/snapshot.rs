//! Snapshot: all published listings and what they refer to, as they were after one change.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use domain::{
    key::{AreaCode, CategoryCode, Slug},
    listing::Kind,
    record::Record,
    reference::Reference,
};
use uuid::Uuid;

use crate::document::{Document, Shared};

/// What is known at one position of the log. Immutable.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    reference: Arc<Reference>,
    documents: BTreeMap<Uuid, Shared>,
    slugs: HashMap<Slug, Uuid>,
    former: HashMap<Slug, Uuid>,
    gone: HashMap<Uuid, Gone>,
    /// The change it includes last.
    pub seq: i64,
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

impl Snapshot {
    /// The snapshot after `changes`.
    #[must_use]
    pub fn with(&self, changes: Changes) -> Self {
        let mut next = self.clone();
        next.seq = changes.seq;
        let mut stale: HashSet<Uuid> = HashSet::new();
        if let Some(reference) = changes.reference {
            next.reference = Arc::new(reference);
            stale.extend(next.documents.keys());
        }
        let mut states: HashMap<Uuid, Record> = HashMap::new();
        for (id, record) in changes.records {
            next.forget(id);
            stale.insert(id);
            states.extend(record.map(|record| (id, record)));
        }
        // An event shows its venue's point: when the venue changes, so does the event.
        let events = next.documents.values().filter(|document| {
            let venue = document.record.event().and_then(|event| event.venue);
            venue.is_some_and(|venue| stale.contains(&venue))
        });
        stale.extend(events.map(|document| document.record.listing.id).collect::<Vec<_>>());
        for id in &stale {
            if let Some(document) = next.documents.get(id) {
                states.entry(*id).or_insert_with(|| document.record.clone());
            }
        }
        next.take(states);
        next
    }

    fn forget(&mut self, id: Uuid) {
        if self.documents.remove(&id).is_some() || self.gone.remove(&id).is_some() {
            self.slugs.retain(|_, holder| *holder != id);
            self.former.retain(|_, holder| *holder != id);
        }
    }

    /// Takes in new states, venues before the events that need their points.
    fn take(&mut self, states: HashMap<Uuid, Record>) {
        let (events, others): (Vec<_>, Vec<_>) =
            states.into_values().partition(|record| record.listing.kind == Kind::Event);
        for record in others.into_iter().chain(events) {
            let id = record.listing.id;
            if !record.listing.is_public() && !record.listing.is_gone() {
                continue;
            }
            self.slugs.insert(record.listing.slug.clone(), id);
            self.former.extend(record.former_slugs.iter().cloned().map(|slug| (slug, id)));
            if record.listing.is_gone() {
                let (kind, merged_into) = (record.listing.kind, record.listing.merged_into);
                self.gone.insert(id, Gone { kind, merged_into });
                continue;
            }
            let venue = record.event().and_then(|event| self.documents.get(&event.venue?));
            let venue = venue.map(|venue| &venue.record);
            let document = Document::new(record, venue, &self.reference);
            self.documents.insert(id, Arc::new(document));
        }
    }

    /// What listings refer to.
    pub fn reference(&self) -> &Arc<Reference> {
        &self.reference
    }

    /// The published listings, by id.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.documents.values()
    }

    /// How many listings are published.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// The published listing of that id.
    pub fn get(&self, id: Uuid) -> Option<&Arc<Document>> {
        self.documents.get(&id)
    }

    /// What an id or a slug leads to, among listings of `kind` where one is given.
    pub fn lookup(&self, key: &str, kind: Option<Kind>) -> Lookup<'_> {
        let fits = |found: Kind| kind.is_none_or(|kind| kind == found);
        let slug = key.parse::<Slug>().ok();
        let current = slug.as_ref().and_then(|slug| self.slugs.get(slug)).copied();
        let former = || slug.as_ref().and_then(|slug| self.former.get(slug)).copied();
        let Some(id) = key.parse().ok().or(current).or_else(former) else {
            return Lookup::Nowhere;
        };
        if let Some(gone) = self.gone.get(&id).filter(|gone| fits(gone.kind)) {
            return Lookup::Gone { merged_into: gone.merged_into };
        }
        match self.documents.get(&id).filter(|document| fits(document.kind())) {
            Some(document) if current.is_none() && key.parse::<Uuid>().is_err() => {
                Lookup::Moved(document)
            }
            Some(document) => Lookup::Here(document),
            None => Lookup::Nowhere,
        }
    }

    /// How many listings each category holds, those below it included.
    pub fn category_counts(&self) -> HashMap<CategoryCode, usize> {
        let mut counts = HashMap::new();
        for document in self.documents.values() {
            let codes: HashSet<&str> =
                document.categories().flat_map(CategoryCode::lineage).collect();
            for code in codes.into_iter().filter_map(|code| code.parse().ok()) {
                *counts.entry(code).or_insert(0) += 1;
            }
        }
        counts
    }

    /// How many listings each area holds, those inside it included.
    pub fn area_counts(&self) -> HashMap<AreaCode, usize> {
        let mut counts = HashMap::new();
        for area in self.documents.values().filter_map(|document| document.area.as_ref()) {
            for code in area.lineage().filter_map(|code| code.parse().ok()) {
                *counts.entry(code).or_insert(0) += 1;
            }
        }
        counts
    }
}
