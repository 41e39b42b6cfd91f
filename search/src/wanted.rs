//! Wanted: the slots of a segment that pass a query's filters, place and words aside.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    bits::{BLOCK, Bits, Block, Ranked},
    facet::Facet,
    query::{Facts, Query},
    segment::Segment,
    times::Within,
    tree::Cover,
};

/// The slots that pass.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// What the fixed filters leave; `None` when there is none. Many queries share it.
    fixed: Option<Arc<Ranked>>,
    /// What filters leave that seldom are alike: instants, ids, dates.
    moving: Option<Bits>,
}

impl Wanted {
    /// The bits of a leaf that pass.
    pub(crate) fn leaf(&self, leaf: usize) -> u64 {
        let fixed = self.fixed.as_ref().map_or(u64::MAX, |fixed| fixed.leaf(leaf));
        let moving = self.moving.as_ref().map_or(u64::MAX, |moving| moving.leaf(leaf));
        fixed & moving
    }

    /// Keeps those of `bits`, the bits of a block, that pass.
    pub(crate) fn keep_block(&self, block: usize, bits: &mut Block) {
        let first = block * BLOCK;
        let fixed = self.fixed.as_ref().map(|fixed| fixed.bits());
        for set in fixed.into_iter().chain(&self.moving) {
            let words = set.leaves()[first..].iter();
            bits.iter_mut().zip(words).for_each(|(bits, word)| *bits &= word);
        }
    }

    pub(crate) fn holds(&self, slot: u32) -> bool {
        self.fixed.as_ref().is_none_or(|fixed| fixed.bits().holds(slot))
            && self.moving.as_ref().is_none_or(|moving| moving.holds(slot))
    }

    /// Whether everything passes.
    pub(crate) fn is_all(&self) -> bool {
        self.fixed.is_none() && self.moving.is_none()
    }

    /// How many pass in `cover`.
    pub(crate) fn count(&self, cover: &Cover) -> usize {
        if self.moving.is_none() {
            return cover.count(self.fixed.as_deref());
        }
        let leaves = cover.leaves();
        leaves.map(|(leaf, bits)| (bits & self.leaf(leaf)).count_ones() as usize).sum()
    }

    /// Confines it further.
    fn keep(&mut self, bits: &Bits) {
        match &mut self.moving {
            Some(moving) => moving.keep(bits),
            None => self.moving = Some(bits.clone()),
        }
    }
}

/// A filter that wants one of some values of a facet.
type Wish = (Facet, Vec<String>);

impl Segment {
    /// What passes `query` at `now`; with it, when the events in its window begin, and until when
    /// the opening states hold that it asked for.
    pub(crate) fn wanted(&self, query: &Query, now: DateTime<Utc>) -> Passing {
        let wishes = wishes(query);
        let instant = query.open_at.map(|edge| edge.instant(now, domain::listing::DEFAULT_ZONE));
        let then = instant.map(|at| self.open_at(at));
        let mut wanted = Wanted::default();
        if !wishes.is_empty() || then.is_some() {
            let moment = then.as_ref().map(|then| then.from.timestamp_micros());
            let key = serde_json::to_vec(&(&wishes, moment)).expect("texts and a number");
            wanted.fixed = Some(self.filter(key, || {
                let mut bits = self.having(&wishes);
                if let Some(then) = &then {
                    bits.keep(&then.open);
                }
                bits
            }));
        }
        if !query.facts.ids.is_empty() {
            wanted.keep(&self.these(&query.facts.ids));
        }
        if let Some(since) = query.updated_since {
            let since = since.timestamp_micros();
            let mut bits = Bits::none(self.len());
            let newer = (0..).zip(&self.updated).filter(|(_, updated)| **updated >= since);
            newer.for_each(|(slot, _)| bits.set(slot));
            wanted.keep(&bits);
        }
        let within = query.window.map(|window| self.times.within(&self.documents, window, now));
        if let Some(within) = &within {
            wanted.keep(&within.0);
        }
        Passing { wanted, within, until: then.and_then(|then| then.until) }
    }

    /// The slots that have one of the values of every wish.
    fn having(&self, wishes: &[Wish]) -> Bits {
        let mut all = Bits::all(self.len());
        for (facet, values) in wishes {
            let mut any = Bits::none(self.len());
            for value in values {
                if let Some(posting) = self.posting(*facet, value) {
                    posting.add_to(&mut any);
                }
            }
            all.keep(&any);
        }
        all
    }

    fn these(&self, ids: &[Uuid]) -> Bits {
        let mut bits = Bits::none(self.len());
        ids.iter().filter_map(|id| self.slot_of(*id)).for_each(|slot| bits.set(slot));
        bits
    }
}

/// What a segment says to the filters of a query.
#[derive(Debug)]
pub(crate) struct Passing {
    pub(crate) wanted: Wanted,
    /// The events in the window, and when the first occurrence of each begins, microseconds since 1970.
    pub(crate) within: Option<Arc<Within>>,
    /// Until when the opening states asked for hold.
    pub(crate) until: Option<DateTime<Utc>>,
}

/// The filters that want values of facets, each list in order, so that equal ones are equal.
fn wishes(query: &Query) -> Vec<Wish> {
    let Facts {
        free,
        award,
        accessibility,
        facilities,
        payments,
        languages_spoken,
        techniques,
        materials,
        certificates,
        forms,
        has_workshop,
        made_to_order,
        event_statuses,
        agencies,
        text_in,
        ids: _,
    } = &query.facts;
    let flag = |flag: &Option<bool>| flag.iter().map(bool::to_string).collect::<Vec<_>>();
    let all = [
        (Facet::Kind, names(&query.kinds, |kind| kind.name().to_owned())),
        (Facet::Category, names(&query.categories, ToString::to_string)),
        (Facet::Area, names(&query.areas, ToString::to_string)),
        (Facet::Tag, names(&query.tags, ToString::to_string)),
        (Facet::Free, flag(free)),
        (Facet::Award, flag(award)),
        (Facet::Accessibility, names(accessibility, |aspect| aspect.name().to_owned())),
        (Facet::Facility, names(facilities, |facility| facility.name().to_owned())),
        (Facet::Payment, names(payments, |payment| payment.name().to_owned())),
        (Facet::LanguageSpoken, names(languages_spoken, |lang| lang.as_str().to_owned())),
        (Facet::Technique, names(techniques, ToString::to_string)),
        (Facet::Material, names(materials, ToString::to_string)),
        (Facet::Certificate, names(certificates, |paper| paper.name().to_owned())),
        (Facet::Form, names(forms, |form| form.name().to_owned())),
        (Facet::HasWorkshop, flag(has_workshop)),
        (Facet::MadeToOrder, flag(made_to_order)),
        (Facet::EventStatus, names(event_statuses, |status| status.name().to_owned())),
        (Facet::Agency, names(agencies, ToString::to_string)),
        (Facet::TextIn, names(text_in, |lang| lang.code().to_owned())),
    ];
    let mut wishes: Vec<Wish> = all.into_iter().filter(|(_, values)| !values.is_empty()).collect();
    wishes.iter_mut().for_each(|(_, values)| values.sort_unstable());
    wishes
}

fn names<T>(list: &[T], name: impl Fn(&T) -> String) -> Vec<String> {
    list.iter().map(name).collect()
}
