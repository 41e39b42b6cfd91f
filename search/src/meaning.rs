//! Meaning: the listings of a segment that a word of a query stands for, each with how much the
//! word counts there.

use std::sync::OnceLock;

use crate::{
    bits::{Bits, Ranked},
    fields::Field,
    gazetteer::Named,
    segment::Segment,
    words::{Expansion, Word},
};

/// Weights are kept in steps of a fiftieth: the greatest, 5, is 250.
const STEPS: f32 = 50.0;

/// From this share of its greatest weight on a word is met strongly.
const STRONG: f32 = 0.6;

/// How many of its best are kept at hand.
const HEAVIEST: usize = 64;

/// What one word stands for.
#[derive(Debug)]
pub(crate) struct Meaning {
    /// Who has it at all.
    pub(crate) any: Ranked,
    /// Who has it where it counts most.
    pub(crate) strong: Bits,
    /// The greatest weight, and the greatest below those that are strong.
    pub(crate) most: f64,
    pub(crate) weakly: f64,
    weights: Weights,
    heaviest: OnceLock<Vec<u32>>,
}

#[derive(Debug)]
enum Weights {
    /// By slot, ascending.
    Few(Vec<(u32, u8)>),
    /// Of every slot.
    All(Vec<u8>),
}

impl Meaning {
    /// What `word` stands for; `elsewhere` says in how many documents the other segments know it.
    pub(crate) fn new(segment: &Segment, word: &Word, elsewhere: u32, named: &[Named]) -> Self {
        let found = segment.lexicon.expand(word, elsewhere);
        Self::of(segment, found, named, Field::Summary)
    }

    /// What it stands for in names alone.
    pub(crate) fn in_names(segment: &Segment, word: &Word) -> Self {
        Self::of(segment, segment.lexicon.expand(word, 0), &[], Field::LongName)
    }

    fn of(segment: &Segment, found: Vec<Expansion>, named: &[Named], last: Field) -> Self {
        let mut weights = Vec::new();
        for one in found {
            let entries = segment.entries(one.term).filter(|(_, field)| *field <= last);
            weights.extend(entries.map(|(slot, field)| (slot, step(field.weight() * one.factor))));
        }
        let mut wide: Vec<(&crate::bits::Posting, u8)> = named
            .iter()
            .filter_map(|named| {
                Some((segment.posting(named.facet, &named.value)?, step(named.weight)))
            })
            .collect();
        wide.sort_unstable_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        let size = weights.len() + wide.iter().map(|(posting, _)| posting.len()).sum::<usize>();
        if size * 16 < segment.len() {
            Self::of_few(segment.len(), weights, &wide)
        } else {
            Self::of_many(segment.len(), &weights, &wide)
        }
    }

    fn of_few(
        slots: usize,
        mut weights: Vec<(u32, u8)>,
        wide: &[(&crate::bits::Posting, u8)],
    ) -> Self {
        for (posting, weight) in wide {
            posting.each(|slot| weights.push((slot, *weight)));
        }
        weights.sort_unstable_by_key(|(slot, weight)| (*slot, std::cmp::Reverse(*weight)));
        weights.dedup_by_key(|(slot, _)| *slot);
        weights.shrink_to_fit();
        let most = weights.iter().map(|(_, weight)| *weight).max().unwrap_or(0);
        let pairs = weights.clone();
        Self::sorted(slots, most, pairs.into_iter(), Weights::Few(weights))
    }

    fn of_many(slots: usize, found: &[(u32, u8)], wide: &[(&crate::bits::Posting, u8)]) -> Self {
        let mut weights = vec![0_u8; slots];
        let mut note = |slot: u32, weight: u8| {
            let known = &mut weights[slot as usize];
            *known = weight.max(*known);
        };
        found.iter().for_each(|(slot, weight)| note(*slot, *weight));
        wide.iter().for_each(|(posting, weight)| posting.each(|slot| note(slot, *weight)));
        let most = weights.iter().copied().max().unwrap_or(0);
        let pairs: Vec<(u32, u8)> =
            (0..).zip(weights.iter().copied()).filter(|(_, weight)| *weight > 0).collect();
        Self::sorted(slots, most, pairs.into_iter(), Weights::All(weights))
    }

    fn sorted(
        slots: usize,
        most: u8,
        pairs: impl Iterator<Item = (u32, u8)>,
        weights: Weights,
    ) -> Self {
        let (mut any, mut strong) = (Bits::none(slots), Bits::none(slots));
        let enough = f32::from(most) * STRONG;
        let mut weakly = 0;
        for (slot, weight) in pairs {
            any.set(slot);
            if f32::from(weight) >= enough {
                strong.set(slot);
            } else {
                weakly = weight.max(weakly);
            }
        }
        let value = |steps: u8| f64::from(steps) / f64::from(STEPS);
        Self {
            any: Ranked::new(any),
            strong,
            most: value(most),
            weakly: value(weakly),
            weights,
            heaviest: OnceLock::new(),
        }
    }

    /// What the word counts for a listing; 0 where it has it not.
    pub(crate) fn weight(&self, slot: u32) -> f64 {
        let steps = match &self.weights {
            Weights::All(weights) => weights[slot as usize],
            Weights::Few(weights) => {
                weights.binary_search_by_key(&slot, |(slot, _)| *slot).map_or(0, |at| weights[at].1)
            }
        };
        f64::from(steps) / f64::from(STEPS)
    }

    /// The slots where it counts most, [`HEAVIEST`] of them; of equals the first.
    pub(crate) fn heaviest(&self) -> &[u32] {
        self.heaviest.get_or_init(|| {
            let mut slots: Vec<(std::cmp::Reverse<u8>, u32)> = match &self.weights {
                Weights::Few(weights) => weights
                    .iter()
                    .map(|(slot, weight)| (std::cmp::Reverse(*weight), *slot))
                    .collect(),
                Weights::All(weights) => (0..)
                    .zip(weights)
                    .filter(|(_, weight)| **weight > 0)
                    .map(|(slot, weight)| (std::cmp::Reverse(*weight), slot))
                    .collect(),
            };
            if slots.len() > HEAVIEST {
                slots.select_nth_unstable(HEAVIEST);
                slots.truncate(HEAVIEST);
            }
            slots.sort_unstable();
            slots.into_iter().map(|(_, slot)| slot).collect()
        })
    }

    /// Its size in memory, bytes.
    pub(crate) fn bytes(&self) -> usize {
        let weights = match &self.weights {
            Weights::All(weights) => weights.len(),
            Weights::Few(weights) => weights.len() * 8,
        };
        self.any.bytes() + self.strong.leaves().len() * 8 + weights
    }
}

/// A weight in steps; never nothing, for it is a match all the same.
fn step(weight: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 250")]
    let steps = (weight * STEPS).round().clamp(1.0, 250.0) as u8;
    steps
}
