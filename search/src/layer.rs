//! Layer: listings of a segment with a weight each, laid down leaf by leaf.
//!
//! It costs what its listings cost, and a bit for every leaf: a word that a hundred listings have
//! takes a few thousand bytes of a million listings, and a few microseconds to make.

use std::sync::{Arc, OnceLock};

use crate::bits::{Block, LEAF, Posting, Sparse, slots_of};

/// From this share of the greatest weight on a listing is met strongly.
const STRONG: f32 = 0.6;

/// How many of its best are kept at hand.
const HEAVIEST: usize = 64;

/// Up to so many slots are put in order by sorting; more of them a block at a time.
const SORTED: usize = 8192;

/// Slots in a block.
const SLOTS: usize = LEAF * crate::bits::BLOCK;

/// Listings with a weight each; never 0.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Who is in it.
    pub(crate) any: Arc<Sparse>,
    /// Who is in it with a great weight, by the leaves of `any`; `None` where that is everybody.
    strong: Option<Vec<u64>>,
    weights: Weights,
    /// The greatest weight, and the greatest below those that are strong.
    pub(crate) most: u8,
    pub(crate) weakly: u8,
    heaviest: OnceLock<Vec<u32>>,
}

#[derive(Debug)]
enum Weights {
    /// All weigh the same.
    Same(u8),
    /// In the order of the slots.
    Each(Vec<u8>),
}

/// Where slots of a layer come from: each kind ascends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Entries of a term, with what each field weighs.
    Entries(&'a [u32], [u8; 8]),
    /// Those that have a value, and what that weighs.
    Posting(&'a Posting, u8),
}

/// Bits of an entry that say the field.
pub(crate) const FIELD_BITS: u32 = 3;

fn slot_and_weight(entry: u32, weights: [u8; 8]) -> (u32, u8) {
    (entry >> FIELD_BITS, weights[(entry & ((1 << FIELD_BITS) - 1)) as usize])
}

impl Source<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Entries(entries, _) => entries.len(),
            Self::Posting(posting, _) => posting.len(),
        }
    }

    fn each(&self, mut f: impl FnMut(u32, u8)) {
        match self {
            Self::Entries(entries, weights) => entries.iter().for_each(|entry| {
                let (slot, weight) = slot_and_weight(*entry, *weights);
                f(slot, weight);
            }),
            Self::Posting(Posting::Few(slots), weight) => {
                slots.iter().for_each(|slot| f(*slot, *weight));
            }
            Self::Posting(Posting::Many(set), weight) => {
                set.slots().for_each(|slot| f(slot, *weight));
            }
        }
    }

    /// Those of one block; of what is listed they are taken off.
    fn take_block(&mut self, block: usize, mut f: impl FnMut(usize, u8)) {
        let first = block * SLOTS;
        let is_in = |slot: u32| (slot as usize) < first + SLOTS;
        match self {
            Self::Entries(entries, weights) => {
                let end = entries.partition_point(|entry| is_in(entry >> FIELD_BITS));
                for entry in &entries[..end] {
                    let (slot, weight) = slot_and_weight(*entry, *weights);
                    f(slot as usize - first, weight);
                }
                *entries = &entries[end..];
            }
            Self::Posting(Posting::Few(slots), weight) => {
                let from = slots.partition_point(|slot| (*slot as usize) < first);
                let to = slots.partition_point(|slot| is_in(*slot));
                slots[from..to].iter().for_each(|slot| f(*slot as usize - first, *weight));
            }
            Self::Posting(Posting::Many(set), weight) => {
                let mut words = [0; crate::bits::BLOCK];
                set.add_block(block, &mut words);
                for (leaf, word) in words.into_iter().enumerate() {
                    slots_of(leaf, word).for_each(|slot| f(slot as usize, *weight));
                }
            }
        }
    }
}

impl Layer {
    /// What `sources` have of `slots` slots: of several weights of a listing the greatest.
    pub(crate) fn new(slots: usize, sources: &[Source<'_>]) -> Self {
        if let [Source::Posting(Posting::Many(set), weight)] = sources {
            return Self::of(Arc::clone(set), Weights::Same(*weight), *weight, *weight);
        }
        let mut laying = Laying::new(slots);
        if let [source] = sources {
            source.each(|slot, weight| laying.add(slot, weight));
        } else if sources.iter().map(Source::len).sum::<usize>() <= SORTED {
            laying.add_sorted(sources);
        } else {
            laying.add_blocks(slots.div_ceil(SLOTS), sources.to_vec());
        }
        laying.layer()
    }

    fn of(any: Arc<Sparse>, weights: Weights, least: u8, most: u8) -> Self {
        let enough = f32::from(most) * STRONG;
        let is_strong = |weight: u8| f32::from(weight) >= enough;
        let (mut strong, mut weakly) = (None, 0);
        if let Weights::Each(weights) = &weights
            && !is_strong(least)
        {
            let mut weights = weights.iter();
            let words = any.leaves().map(|(_, mut word)| {
                let mut heavy = 0;
                while word != 0 {
                    let bit = word & word.wrapping_neg();
                    let weight = weights.next().copied().unwrap_or_default();
                    if is_strong(weight) {
                        heavy |= bit;
                    } else {
                        weakly = weight.max(weakly);
                    }
                    word ^= bit;
                }
                heavy
            });
            strong = Some(words.collect());
        }
        Self { any, strong, weights, most, weakly, heaviest: OnceLock::new() }
    }

    /// What a listing weighs; 0 where it is not in it.
    pub(crate) fn weight(&self, slot: u32) -> u8 {
        match &self.weights {
            Weights::Same(weight) => u8::from(self.any.holds(slot)) * weight,
            Weights::Each(weights) => self.any.rank(slot).map_or(0, |rank| weights[rank]),
        }
    }

    /// Puts what the listings of a leaf weigh into `into`, where that is more.
    pub(crate) fn add_leaf(&self, leaf: usize, into: &mut Option<[u8; LEAF]>) {
        let Some((word, before)) = self.any.leaf_and_rank(leaf) else { return };
        let into = into.get_or_insert([0; LEAF]);
        let slots = slots_of(0, word).map(|at| at as usize);
        match &self.weights {
            Weights::Same(weight) => slots.for_each(|at| into[at] = into[at].max(*weight)),
            Weights::Each(weights) => slots
                .zip(&weights[before..])
                .for_each(|(at, weight)| into[at] = into[at].max(*weight)),
        }
    }

    /// Whether its greatest weight is great beside `most`.
    pub(crate) fn is_strong_beside(&self, most: u8) -> bool {
        f32::from(self.most) >= f32::from(most) * STRONG
    }

    /// The bits of a leaf that are strong.
    pub(crate) fn strong_leaf(&self, leaf: usize) -> u64 {
        match &self.strong {
            None => self.any.leaf(leaf),
            Some(strong) => self.any.place(leaf).map_or(0, |place| strong[place]),
        }
    }

    /// Adds the strong bits of a block to `into`.
    pub(crate) fn add_strong(&self, block: usize, into: &mut Block) {
        match &self.strong {
            None => self.any.add_block(block, into),
            Some(strong) => self.any.add_words(strong, block, into),
        }
    }

    /// The slots that weigh most, [`HEAVIEST`] of them; of equals the first.
    pub(crate) fn heaviest(&self) -> &[u32] {
        self.heaviest.get_or_init(|| {
            let weights = match &self.weights {
                Weights::Same(_) => return self.any.slots().take(HEAVIEST).collect(),
                Weights::Each(weights) => weights,
            };
            let mut slots: Vec<(std::cmp::Reverse<u8>, u32)> = self
                .any
                .slots()
                .zip(weights)
                .map(|(slot, weight)| (std::cmp::Reverse(*weight), slot))
                .collect();
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
            Weights::Same(_) => 0,
            Weights::Each(weights) => weights.len(),
        };
        self.any.bytes() + self.strong.as_ref().map_or(0, |strong| strong.len() * 8) + weights
    }
}

/// A layer while its slots come, ascending.
struct Laying {
    any: Sparse,
    leaf: usize,
    word: u64,
    weights: Vec<u8>,
    least: u8,
    most: u8,
}

impl Laying {
    fn new(slots: usize) -> Self {
        let any = Sparse::none(slots);
        Self { any, leaf: 0, word: 0, weights: Vec::new(), least: u8::MAX, most: 0 }
    }

    fn add(&mut self, slot: u32, weight: u8) {
        if weight == 0 {
            return;
        }
        let (leaf, bit) = (slot as usize / LEAF, slot as usize % LEAF);
        if leaf != self.leaf {
            self.any.push(self.leaf, std::mem::take(&mut self.word));
            self.leaf = leaf;
        }
        self.word |= 1 << bit;
        self.weights.push(weight);
        self.least = self.least.min(weight);
        self.most = self.most.max(weight);
    }

    fn add_sorted(&mut self, sources: &[Source<'_>]) {
        let mut all: Vec<u64> = Vec::with_capacity(sources.iter().map(Source::len).sum());
        for source in sources {
            source
                .each(|slot, weight| all.push(u64::from(slot) << 8 | u64::from(u8::MAX - weight)));
        }
        // The greatest weight of a slot comes first.
        all.sort_unstable();
        all.dedup_by_key(|one| *one >> 8);
        for one in all {
            let [weight, slot @ .., _, _, _] = one.to_le_bytes();
            self.add(u32::from_le_bytes(slot), u8::MAX - weight);
        }
    }

    fn add_blocks(&mut self, blocks: usize, mut sources: Vec<Source<'_>>) {
        let mut weights = [0_u8; SLOTS];
        for block in 0..blocks {
            for source in &mut sources {
                source.take_block(block, |at, weight| weights[at] = weights[at].max(weight));
            }
            for (leaf, weights) in weights.chunks_exact_mut(LEAF).enumerate() {
                let first = u32::try_from(block * SLOTS + leaf * LEAF).expect("slots are u32");
                for (slot, weight) in (first..).zip(weights) {
                    self.add(slot, std::mem::take(weight));
                }
            }
        }
    }

    fn layer(mut self) -> Layer {
        self.any.push(self.leaf, self.word);
        self.any.finish();
        let weights = if self.least >= self.most {
            Weights::Same(self.most)
        } else {
            self.weights.shrink_to_fit();
            Weights::Each(self.weights)
        };
        Layer::of(Arc::new(self.any), weights, self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_layer_weighs_what_its_heaviest_source_does(
            terms in prop::collection::vec(prop::collection::btree_set(0..20_000_u32, 0..6000), 0..4),
            value in prop::collection::btree_set(0..20_000_u32, 0..3000),
        ) {
            let entries: Vec<Vec<u32>> = terms.iter()
                .map(|term| term.iter().map(|slot| (slot << FIELD_BITS) | (slot % 7)).collect())
                .collect();
            let slots: Vec<u32> = value.iter().copied().collect();
            let posting = Posting::new(&slots, 20_000);
            let mut sources: Vec<Source<'_>> = (0..).zip(&entries)
                .map(|(more, entries)| {
                    Source::Entries(entries, std::array::from_fn(|field| 7 - u8::try_from(field).unwrap() + more))
                })
                .collect();
            sources.push(Source::Posting(&posting, 4));
            let layer = Layer::new(20_000, &sources);
            let weight = |slot: u32| {
                let of_terms = (0_u8..).zip(&terms).filter(|(_, term)| term.contains(&slot))
                    .map(|(more, _)| 7 - u8::try_from(slot % 7).unwrap() + more);
                of_terms.chain(value.contains(&slot).then_some(4)).max().unwrap_or(0)
            };
            let weights: Vec<u8> = (0..20_000).map(weight).collect();
            let most = weights.iter().copied().max().unwrap_or(0);
            prop_assert_eq!(layer.any.count(), weights.iter().filter(|weight| **weight > 0).count());
            for (slot, weight) in (0..).zip(weights) {
                prop_assert_eq!(layer.weight(slot), weight);
                let strong = layer.strong_leaf(slot as usize / LEAF) >> (slot % 64) & 1 == 1;
                prop_assert_eq!(strong, weight > 0 && f32::from(weight) >= f32::from(most) * STRONG);
                prop_assert!(strong || weight <= layer.weakly);
            }
        }
    }
}
