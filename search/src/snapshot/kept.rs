//! Kept: a snapshot in a checkpoint.
//!
//! What listings refer to is not kept, for it is read in a moment.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use domain::{key::Slug, listing::Kind, reference::Reference};
use uuid::Uuid;

use super::{Dead, Gone, Live, Snapshot};
use crate::{
    checkpoint::{Reader, Writer, broken, check},
    gazetteer::Gazetteer,
    segment::Segment,
};

impl Snapshot {
    pub(crate) fn write_to(&self, to: &mut Writer<impl Write>) -> io::Result<()> {
        // Sorted: the same snapshot is the same bytes.
        let mut former: Vec<(&Slug, &Uuid)> = self.former.iter().collect();
        former.sort_unstable();
        to.runs(former.iter().map(|(slug, _)| slug.as_str().as_bytes()))?;
        to.column(former.iter().map(|(_, id)| id.as_u128()))?;
        let mut gone: Vec<(&Uuid, &Gone)> = self.gone.iter().collect();
        gone.sort_unstable_by_key(|(id, _)| **id);
        to.column(gone.iter().map(|(id, _)| id.as_u128()))?;
        to.column(gone.iter().map(|(_, gone)| gone.kind as u8))?;
        to.column(gone.iter().map(|(_, gone)| u8::from(gone.merged_into.is_some())))?;
        to.column(gone.iter().map(|(_, gone)| gone.merged_into.unwrap_or_default().as_u128()))?;
        let mut linked: Vec<(&Uuid, &Uuid)> = self
            .linked
            .iter()
            .flat_map(|(named, from)| from.iter().map(move |from| (named, from)))
            .collect();
        linked.sort_unstable();
        to.column(linked.iter().map(|(named, _)| named.as_u128()))?;
        to.column(linked.iter().map(|(_, from)| from.as_u128()))?;
        to.count(self.segments.len())?;
        for live in &self.segments {
            live.segment.write_to(to)?;
            to.column(live.dead.slots.iter().copied())?;
        }
        Ok(())
    }

    pub(crate) fn read_from(
        reference: Reference,
        seq: i64,
        from: &mut Reader<impl Read>,
    ) -> io::Result<Self> {
        let mut snapshot = Self {
            gazetteer: Arc::new(Gazetteer::new(&reference)),
            reference: Arc::new(reference),
            seq,
            ..Self::default()
        };
        let slugs: Vec<Slug> = from.texts(|slug| slug.parse().ok())?;
        let ids = from.column_of(slugs.len())?;
        snapshot.former = slugs.into_iter().zip(ids.into_iter().map(Uuid::from_u128)).collect();
        snapshot.gone = gone(from)?.collect();
        let named: Vec<u128> = from.column()?;
        let linked: Vec<u128> = from.column_of(named.len())?;
        for (named, from) in named.into_iter().zip(linked) {
            let linked = snapshot.linked.entry(Uuid::from_u128(named)).or_default();
            linked.push(Uuid::from_u128(from));
        }
        for _ in 0..from.count(1)? {
            let segment = Segment::read_from(from, &snapshot.reference, &snapshot.lines)?;
            let mut live = Live::new(segment);
            let dead: Vec<u32> = from.column()?;
            let there = |slot: &u32| (*slot as usize) < live.segment.len();
            check(dead.iter().all(there), "who is dead is nobody")?;
            live.dead = Arc::new(Dead::of(dead, live.segment.len()));
            snapshot.segments.push(live);
        }
        Ok(snapshot)
    }
}

fn gone(from: &mut Reader<impl Read>) -> io::Result<impl Iterator<Item = (Uuid, Gone)>> {
    let ids: Vec<u128> = from.column()?;
    let kinds: Vec<u8> = from.column_of(ids.len())?;
    let kinds: Option<Vec<Kind>> =
        kinds.into_iter().map(|kind| Kind::ALL.get(kind as usize).copied()).collect();
    let kinds = kinds.ok_or_else(|| broken("no such kind"))?;
    let merged: Vec<u8> = from.column_of(ids.len())?;
    let into: Vec<u128> = from.column_of(ids.len())?;
    let merged = merged.into_iter().zip(into);
    let merged = merged.map(|(is, into)| (is != 0).then_some(Uuid::from_u128(into)));
    let gone = kinds.into_iter().zip(merged);
    let gone = gone.map(|(kind, merged_into)| Gone { kind, merged_into });
    Ok(ids.into_iter().map(Uuid::from_u128).zip(gone))
}
