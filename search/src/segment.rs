//! Segment: an immutable run of documents with everything that makes them quick to find.
//!
//! Documents are numbered by slot in the order of the tree; what a query touches of them lies in
//! columns by slot. A snapshot is a large segment and a few small ones of what came since.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{key::Slug, record::Record, reference::Reference, text::Lang};
use hashbrown::{HashMap, HashTable};
use uuid::Uuid;

use crate::{
    bits::{Bits, Posting},
    caches::Caches,
    document::{Document, Shared},
    facet::Facet,
    fields::{self, Field},
    layer::FIELD_BITS,
    lines::{Held, Lines, Written},
    opening::{self, Opening},
    times::Times,
    tree::Tree,
    words::{Lexicon, for_each_term},
};

mod kept;

/// Documents in the order of their tree, and their columns.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    pub(crate) documents: Vec<Shared>,
    pub(crate) tree: Tree,
    /// Ids as numbers: what decides between equals.
    pub(crate) ids: Vec<u128>,
    /// When each was written, microseconds since 1970.
    pub(crate) updated: Vec<i64>,
    /// How complete each is, of 255.
    pub(crate) completeness: Vec<u8>,
    pub(crate) openings: Vec<Arc<Opening>>,
    /// Which opening each has; [`NO_OPENING`] for none.
    pub(crate) opening_of: Vec<u32>,
    pub(crate) lines: Lines,
    /// What shows more in a list than a line, hours and distance: events, and what has notices.
    pub(crate) lively: Bits,
    pub(crate) values: BTreeMap<Facet, BTreeMap<Box<str>, Posting>>,
    pub(crate) lexicon: Lexicon,
    /// Where the entries of each term end: those in names, which come first, and all.
    ends: Vec<(usize, usize)>,
    /// By term, names first, then by slot: a slot, and in the last bits the best field it stands in.
    entries: Vec<u32>,
    by_id: Hashed,
    by_slug: Hashed,
    pub(crate) times: Times,
    pub(crate) caches: Caches,
}

/// The listing has no opening.
pub(crate) const NO_OPENING: u32 = u32::MAX;

impl Segment {
    /// How many documents it has.
    pub(crate) fn len(&self) -> usize {
        self.documents.len()
    }

    /// The entries of a term in names, and those in what else there is down to field `last`: each
    /// by slot.
    pub(crate) fn entries(&self, term: u32, last: Field) -> impl Iterator<Item = &[u32]> {
        let term = term as usize;
        let from = if term == 0 { 0 } else { self.ends[term - 1].1 };
        let (names, end) = self.ends[term];
        let rest = (last > Field::LongName).then(|| &self.entries[names..end]);
        std::iter::once(&self.entries[from..names]).chain(rest)
    }

    /// The slot of a listing.
    pub(crate) fn slot_of(&self, id: Uuid) -> Option<u32> {
        self.by_id.find(id_key(id), |slot| self.ids[slot as usize] == id.as_u128())
    }

    /// The slot of the listing that has `slug`.
    pub(crate) fn slot_named(&self, slug: &Slug) -> Option<u32> {
        self.by_slug.find(slug_key(slug), |slot| self.documents[slot as usize].slug == *slug)
    }

    /// When the listing of `slot` is open, if anything is known of that.
    pub(crate) fn opening(&self, slot: u32) -> Option<&Opening> {
        let which = self.opening_of[slot as usize];
        (which != NO_OPENING).then(|| &*self.openings[which as usize])
    }

    /// The slots that have `value` of `facet`.
    pub(crate) fn posting(&self, facet: Facet, value: &str) -> Option<&Posting> {
        self.values.get(&facet)?.get(value)
    }

    /// Builds at once what would be built at the first question, at `now` or a little later.
    pub(crate) fn prepare(&self, now: DateTime<Utc>) {
        self.lexicon.prepare();
        self.times.prepare(&self.documents, now);
        self.prepare_openings(now);
        for lang in Lang::ALL {
            self.by_name(lang);
        }
        for facet in Facet::ALL {
            self.sums(*facet);
        }
    }
}

/// Finds slots by a hash of what they are known by.
#[derive(Debug, Default)]
struct Hashed(HashTable<u32>);

impl Hashed {
    fn new(keys: &[u64]) -> Self {
        let mut slots = HashTable::with_capacity(keys.len());
        for (slot, key) in (0..).zip(keys) {
            slots.insert_unique(*key, slot, |slot| keys[*slot as usize]);
        }
        Self(slots)
    }

    /// By what `key` says of each document.
    fn by(documents: &[Shared], key: impl Fn(&Document) -> u64) -> Self {
        Self::new(&documents.iter().map(|document| key(document)).collect::<Vec<_>>())
    }

    fn find(&self, key: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.0.find(key, |slot| is_it(*slot)).copied()
    }
}

/// Which of the documents show more in a list than a line, hours and distance.
fn lively(documents: &[Shared]) -> Bits {
    let mut lively = Bits::none(documents.len());
    let alive = (0..).zip(documents).filter(|(_, document)| document.is_lively());
    alive.for_each(|(slot, _)| lively.set(slot));
    lively
}

/// The half of an id that is random.
fn id_key(id: Uuid) -> u64 {
    id.as_u64_pair().1
}

fn slug_key(slug: &Slug) -> u64 {
    // FNV-1a: any even spread will do, the slug itself is compared after.
    slug.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A document that another segment has, with those of its lines that are written.
pub(crate) type Known = (Shared, Written);

/// Collects records into a segment.
#[derive(Debug)]
pub(crate) struct Builder {
    reference: Arc<Reference>,
    held: Arc<Held>,
    documents: Vec<Shared>,
    updated: Vec<i64>,
    completeness: Vec<u8>,
    openings: Openings,
    opening_of: Vec<u32>,
    /// Of those that another segment had.
    written: Vec<(u32, Written)>,
    values: Vec<HashMap<Box<str>, Vec<u32>>>,
    terms: HashMap<Box<str>, u32>,
    entries: Vec<Vec<u32>>,
    /// The terms of the record at hand, kept for its memory.
    found: Vec<(u32, u8)>,
}

/// Openings, each once.
#[derive(Debug, Default)]
struct Openings {
    known: HashMap<opening::Key, u32>,
    all: Vec<Arc<Opening>>,
}

impl Builder {
    pub(crate) fn new(reference: &Arc<Reference>, held: &Arc<Held>) -> Self {
        Self {
            reference: Arc::clone(reference),
            held: Arc::clone(held),
            documents: Vec::new(),
            updated: Vec::new(),
            completeness: Vec::new(),
            openings: Openings::default(),
            opening_of: Vec::new(),
            written: Vec::new(),
            values: vec![HashMap::new(); Facet::ALL.len()],
            terms: HashMap::new(),
            entries: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Adds a listing; `venue` is the one an event takes place at.
    pub(crate) fn add(&mut self, record: &Record, venue: Option<&Document>) {
        let mut which = NO_OPENING;
        let document = Document::new(record, venue, |position| {
            let key = Opening::key(&record.listing, position)?;
            which = self.openings.of(key, &self.reference);
            Some(Arc::clone(&self.openings.all[which as usize]))
        });
        let venue = venue.map(Document::record);
        self.note(Arc::new(document), which, record, venue.as_ref());
    }

    /// Adds a document that another segment had, with its lines.
    pub(crate) fn keep(&mut self, (document, written): Known, venue: Option<&Document>) {
        self.written.push((self.next(), written));
        let record = document.record();
        let key = Opening::key(&record.listing, document.position);
        let kept = document.opening.as_ref().zip(key);
        let which = kept.map_or(NO_OPENING, |(opening, key)| self.openings.keep(key, opening));
        let venue = venue.map(Document::record);
        self.note(document, which, &record, venue.as_ref());
    }

    /// The number of the document that is added next.
    fn next(&self) -> u32 {
        u32::try_from(self.documents.len()).expect("far fewer than four billion")
    }

    fn note(&mut self, document: Shared, which: u32, record: &Record, venue: Option<&Record>) {
        let index = self.next();
        self.opening_of.push(which);
        self.updated.push(record.listing.updated_at.timestamp_micros());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        self.completeness.push((fields::completeness(record) * 255.0) as u8);
        for (facet, values) in Facet::ALL.iter().zip(&mut self.values) {
            fields::each_value(*facet, record, document.area.as_ref(), &mut |value| {
                let slots = values.entry_ref(value).or_default();
                if slots.last() != Some(&index) {
                    slots.push(index);
                }
            });
        }
        self.note_words(index, record, venue);
        self.documents.push(document);
    }

    fn note_words(&mut self, index: u32, record: &Record, venue: Option<&Record>) {
        let mut found = std::mem::take(&mut self.found);
        fields::each_text(record, venue, |text, field| {
            for_each_term(text, |term| {
                let next = u32::try_from(self.entries.len()).expect("far fewer terms");
                let id = *self.terms.entry_ref(term).or_insert(next);
                if id == next {
                    self.entries.push(Vec::new());
                }
                found.push((id, field as u8));
            });
        });
        found.sort_unstable();
        found.dedup_by_key(|(id, _)| *id);
        for (id, field) in found.drain(..) {
            self.entries[id as usize].push(index << FIELD_BITS | u32::from(field));
        }
        self.found = found;
    }

    /// The document added last of that id.
    pub(crate) fn documents(&self) -> &[Shared] {
        &self.documents
    }

    /// The segment of everything added.
    pub(crate) fn build(self) -> Segment {
        let (order, tree) = self.order();
        let mut slot_of = vec![0_u32; order.len()];
        order.iter().zip(0..).for_each(|(index, slot)| slot_of[*index as usize] = slot);
        let (lexicon, ends, entries) = lay_out(&self.terms, self.entries, &slot_of);
        let values = Facet::ALL.iter().copied().zip(self.values);
        let values = values.map(|(facet, values)| {
            let postings = values.into_iter().map(|(value, mut slots)| {
                slots.iter_mut().for_each(|index| *index = slot_of[*index as usize]);
                slots.sort_unstable();
                (value, Posting::new(&slots, order.len()))
            });
            (facet, postings.collect())
        });
        let values = values.collect();
        let pick = |index: &u32| *index as usize;
        let documents: Vec<Shared> =
            order.iter().map(|index| Arc::clone(&self.documents[pick(index)])).collect();
        let lines = Lines::new(documents.len(), self.held);
        for (index, written) in self.written {
            lines.take_over(slot_of[index as usize], written);
        }
        Segment {
            tree,
            ids: documents.iter().map(|document| document.id.as_u128()).collect(),
            updated: order.iter().map(|index| self.updated[pick(index)]).collect(),
            completeness: order.iter().map(|index| self.completeness[pick(index)]).collect(),
            opening_of: order.iter().map(|index| self.opening_of[pick(index)]).collect(),
            openings: self.openings.all,
            lines,
            lively: lively(&documents),
            values,
            lexicon,
            ends,
            entries,
            by_id: Hashed::by(&documents, |document| id_key(document.id)),
            by_slug: Hashed::by(&documents, |document| slug_key(&document.slug)),
            times: Times::new(&documents),
            caches: Caches::default(),
            documents,
        }
    }

    /// Which document gets which slot: those with a point in the order of their tree, then the rest.
    fn order(&self) -> (Vec<u32>, Tree) {
        let indexed = || (0_u32..).zip(&self.documents);
        let placed: Vec<u32> =
            indexed().filter(|(_, d)| d.position.is_some()).map(|(index, _)| index).collect();
        let points: Vec<_> = self.documents.iter().filter_map(|d| d.position).collect();
        let (tree, by_slot) = Tree::new(&points);
        let mut order: Vec<u32> = by_slot.into_iter().map(|point| placed[point as usize]).collect();
        order.extend(indexed().filter(|(_, d)| d.position.is_none()).map(|(index, _)| index));
        (order, tree)
    }
}

impl Openings {
    fn of(&mut self, key: opening::Key, reference: &Reference) -> u32 {
        let next = u32::try_from(self.all.len()).expect("far fewer than four billion");
        *self.known.entry(key).or_insert_with_key(|key| {
            self.all.push(Arc::new(Opening::new(key, reference)));
            next
        })
    }

    fn keep(&mut self, key: opening::Key, opening: &Arc<Opening>) -> u32 {
        let next = u32::try_from(self.all.len()).expect("far fewer than four billion");
        *self.known.entry(key).or_insert_with(|| {
            self.all.push(Arc::clone(opening));
            next
        })
    }
}

/// Terms in order, and their entries one after another.
fn lay_out(
    terms: &HashMap<Box<str>, u32>,
    mut entries: Vec<Vec<u32>>,
    slot_of: &[u32],
) -> (Lexicon, Vec<(usize, usize)>, Vec<u32>) {
    let mut terms: Vec<(&str, u32)> = terms.iter().map(|(term, id)| (&**term, *id)).collect();
    terms.sort_unstable();
    let count = |id: u32| u32::try_from(entries[id as usize].len()).unwrap_or(u32::MAX);
    let lexicon = Lexicon::new(terms.iter().map(|(term, id)| (*term, count(*id))));
    let mut all = Vec::with_capacity(entries.iter().map(Vec::len).sum());
    let mut ends = Vec::with_capacity(terms.len());
    for (_, id) in terms {
        let from = all.len();
        let field = |entry: u32| entry & ((1 << FIELD_BITS) - 1);
        let mine = std::mem::take(&mut entries[id as usize]);
        all.extend(
            mine.into_iter()
                .map(|entry| slot_of[(entry >> FIELD_BITS) as usize] << FIELD_BITS | field(entry)),
        );
        let is_aside = |entry: &u32| field(*entry) > Field::LongName as u32;
        all[from..].sort_unstable_by_key(|entry| (is_aside(entry), *entry));
        let names = from + all[from..].partition_point(|entry| !is_aside(entry));
        ends.push((names, all.len()));
    }
    (lexicon, ends, all)
}
