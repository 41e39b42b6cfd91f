//! Kept: a segment in a checkpoint.
//!
//! Kept are the columns, the postings, the terms, and every record as it is packed. Worked out anew
//! are the openings, so that they know the holidays of today, what finds an id or a slug, and when
//! events take place.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use chrono_tz::Tz;
use domain::{
    key::{AreaCode, Slug},
    listing::Kind,
    record::Packed,
    reference::Reference,
};
use uuid::Uuid;

use super::{FIELD_BITS, Hashed, NO_OPENING, Segment, id_key, lively, slug_key};
use crate::{
    bits::Posting,
    caches::Caches,
    checkpoint::{Few, Reader, Writer, broken, check},
    document::{Document, Kept, Shared},
    facet::Facet,
    fields::Field,
    lines::{Held, Lines},
    opening::Opening,
    times::Times,
    tree::Tree,
    words::Lexicon,
};

/// Bits of what a document says of itself with yes or no.
const AREA_INFERRED: u8 = 1;
const HAS_NOTICES: u8 = 2;
const HAS_ACCURACY: u8 = 4;

impl Segment {
    pub(crate) fn write_to(&self, to: &mut Writer<impl Write>) -> io::Result<()> {
        to.column(self.ids.iter().copied())?;
        to.column(self.updated.iter().copied())?;
        to.column(self.completeness.iter().copied())?;
        to.column(self.opening_of.iter().copied())?;
        to.count(self.openings.len())?;
        self.tree.write_to(to)?;
        for facet in Facet::ALL {
            let values = self.values.get(facet).into_iter().flatten();
            to.count(values.clone().count())?;
            for (value, posting) in values {
                to.bytes(value.as_bytes())?;
                posting.write_to(to)?;
            }
        }
        self.lexicon.write_to(to)?;
        to.column(self.ends.iter().map(|(names, _)| *names as u64))?;
        to.column(self.ends.iter().map(|(_, end)| *end as u64))?;
        to.column(self.entries.iter().copied())?;
        self.keep_documents(to)
    }

    fn keep_documents(&self, to: &mut Writer<impl Write>) -> io::Result<()> {
        let documents = || self.documents.iter();
        to.column(documents().map(|document| document.kind as u8))?;
        to.column(documents().map(|document| document.version))?;
        to.column(documents().map(|document| flags(document)))?;
        to.column(documents().map(|document| document.accuracy_m.unwrap_or_default()))?;
        to.few(documents().map(|document| document.area.as_ref().map(AreaCode::as_str)))?;
        to.few(documents().map(|document| Some(document.zone.name())))?;
        to.runs(documents().map(|document| document.slug.as_str().as_bytes()))?;
        to.runs(documents().map(|document| document.packed().as_bytes()))
    }

    pub(crate) fn read_from(
        from: &mut Reader<impl Read>,
        reference: &Reference,
        held: &Arc<Held>,
    ) -> io::Result<Self> {
        let ids: Vec<u128> = from.column()?;
        let count = ids.len();
        check(u32::try_from(count).is_ok_and(|count| count <= u32::MAX >> FIELD_BITS), "too many")?;
        let updated = from.column_of(count)?;
        let completeness = from.column_of(count)?;
        let opening_of: Vec<u32> = from.column_of(count)?;
        let openings = from.count(0)?;
        check(openings <= count, "more openings than listings")?;
        let known = |which: &u32| *which == NO_OPENING || (*which as usize) < openings;
        check(opening_of.iter().all(known), "an opening is missing")?;
        let tree = Tree::read_from(from)?;
        check(tree.len() <= count, "more points than listings")?;
        let mut values = std::collections::BTreeMap::new();
        for facet in Facet::ALL {
            values.insert(*facet, postings(from, count)?);
        }
        let lexicon = Lexicon::read_from(from)?;
        let (ends, entries) = entries(from, lexicon.len(), count)?;
        let columns = Columns { ids: &ids, tree: &tree, opening_of: &opening_of };
        let (documents, openings) = columns.documents(from, openings, reference)?;
        Ok(Self {
            tree,
            ids,
            updated,
            completeness,
            openings,
            opening_of,
            lines: Lines::new(documents.len(), Arc::clone(held)),
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
        })
    }
}

fn flags(document: &Document) -> u8 {
    let flag = |holds: bool, flag: u8| if holds { flag } else { 0 };
    flag(document.area_inferred, AREA_INFERRED)
        | flag(document.has_notices, HAS_NOTICES)
        | flag(document.accuracy_m.is_some(), HAS_ACCURACY)
}

type Postings = std::collections::BTreeMap<Box<str>, Posting>;

/// The postings of one facet.
fn postings(from: &mut Reader<impl Read>, slots: usize) -> io::Result<Postings> {
    let count = from.count(1)?;
    let posting = |_| {
        let value = String::from_utf8(from.bytes()?).map_err(|_| broken("no such value"))?;
        Ok((value.into_boxed_str(), Posting::read_from(from, slots)?))
    };
    (0..count).map(posting).collect()
}

/// Where the entries of each term end, those in names and all, and the entries.
type Entries = (Vec<(usize, usize)>, Vec<u32>);

/// The entries of every term.
fn entries(from: &mut Reader<impl Read>, terms: usize, slots: usize) -> io::Result<Entries> {
    let mut column = || -> io::Result<Vec<usize>> {
        let ends: Vec<u64> = from.column_of(terms)?;
        let ends: Result<Vec<usize>, _> = ends.into_iter().map(usize::try_from).collect();
        ends.map_err(|_| broken("a term ends nowhere"))
    };
    let ends: Vec<(usize, usize)> = column()?.into_iter().zip(column()?).collect();
    let entries: Vec<u32> = from.column()?;
    let in_order = ends.is_sorted_by(|(_, a), (b, c)| a <= b && b <= c);
    let first = ends.first().is_none_or(|(names, end)| names <= end);
    check(first && in_order, "a term ends before it begins")?;
    check(ends.last().map_or(0, |(_, end)| *end) == entries.len(), "entries are missing")?;
    let field = |entry: u32| (entry & ((1 << FIELD_BITS) - 1)) as usize;
    let known =
        |entry: &u32| ((entry >> FIELD_BITS) as usize) < slots && field(*entry) < Field::ALL.len();
    check(entries.iter().all(known), "an entry leads nowhere")?;
    Ok((ends, entries))
}

/// Columns that the documents take something from.
struct Columns<'a> {
    ids: &'a [u128],
    tree: &'a Tree,
    opening_of: &'a [u32],
}

impl Columns<'_> {
    /// The documents and their openings, which are worked out anew from the first that has each.
    fn documents(
        &self,
        from: &mut Reader<impl Read>,
        openings: usize,
        reference: &Reference,
    ) -> io::Result<(Vec<Shared>, Vec<Arc<Opening>>)> {
        let count = self.ids.len();
        let kinds: Vec<u8> = from.column_of(count)?;
        let versions: Vec<i64> = from.column_of(count)?;
        let flags: Vec<u8> = from.column_of(count)?;
        let accuracies: Vec<i32> = from.column_of(count)?;
        let areas: Few<AreaCode> = from.few(count, |code| code.parse().ok())?;
        let zones: Few<Tz> = from.few(count, |name| name.parse().ok())?;
        let slugs: Vec<Slug> = from.texts(|slug| slug.parse().ok())?;
        check(slugs.len() == count, "slugs are missing")?;
        let lengths = from.lengths()?;
        check(lengths.len() == count, "records are missing")?;
        let mut open: Vec<Option<Arc<Opening>>> = vec![None; openings];
        let mut documents = Vec::with_capacity(count);
        for ((slot, slug), at) in (0_u32..).zip(slugs).zip(0..) {
            let packed = Packed::from_bytes(from.run(lengths[at] as usize)?);
            let kept = Kept {
                id: Uuid::from_u128(self.ids[at]),
                kind: *Kind::ALL.get(kinds[at] as usize).ok_or_else(|| broken("no such kind"))?,
                slug,
                version: versions[at],
                position: self.tree.at(slot),
                accuracy_m: (flags[at] & HAS_ACCURACY != 0).then_some(accuracies[at]),
                area: areas.get(at),
                area_inferred: flags[at] & AREA_INFERRED != 0,
                zone: zones.get(at).ok_or_else(|| broken("no zone"))?,
                has_notices: flags[at] & HAS_NOTICES != 0,
                packed,
            };
            let opening = match open.get_mut(self.opening_of[at] as usize) {
                None => None,
                Some(Some(opening)) => Some(Arc::clone(opening)),
                Some(unknown) => {
                    let opening = Arc::new(kept.opening(reference)?);
                    Some(Arc::clone(unknown.insert(opening)))
                }
            };
            documents.push(Arc::new(kept.into_document(opening)?));
        }
        let openings: Option<Vec<_>> = open.into_iter().collect();
        Ok((documents, openings.ok_or_else(|| broken("nobody has an opening"))?))
    }
}
