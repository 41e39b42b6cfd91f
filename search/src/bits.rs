//! Bits: sets of slots, one word to a leaf of the tree.
//!
//! Slots are numbered in the order of the tree, 64 to a leaf, so one `u64` says which listings of a
//! leaf belong to a set: filters, words and opening states meet leaf by leaf with one `&`.

use std::io::{self, Read, Write};

use crate::checkpoint::{Reader, Writer, broken, check};

/// Slots in a leaf.
pub(crate) const LEAF: usize = 64;

/// A set of slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// None of `slots` slots.
    pub(crate) fn none(slots: usize) -> Self {
        Self(vec![0; slots.div_ceil(LEAF)])
    }

    /// All of `slots` slots.
    pub(crate) fn all(slots: usize) -> Self {
        let mut bits = Self(vec![u64::MAX; slots.div_ceil(LEAF)]);
        if let Some(last) = bits.0.last_mut().filter(|_| !slots.is_multiple_of(LEAF)) {
            *last = (1 << (slots % LEAF)) - 1;
        }
        bits
    }

    pub(crate) fn set(&mut self, slot: u32) {
        self.0[slot as usize / LEAF] |= 1 << (slot as usize % LEAF);
    }

    pub(crate) fn clear(&mut self, slot: u32) {
        self.0[slot as usize / LEAF] &= !(1 << (slot as usize % LEAF));
    }

    pub(crate) fn holds(&self, slot: u32) -> bool {
        self.0[slot as usize / LEAF] >> (slot as usize % LEAF) & 1 == 1
    }

    /// The bits of one leaf.
    pub(crate) fn leaf(&self, leaf: usize) -> u64 {
        self.0[leaf]
    }

    /// The bits of all leaves.
    pub(crate) fn leaves(&self) -> &[u64] {
        &self.0
    }

    pub(crate) fn leaves_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The leaves that have any of it, ascending.
    pub(crate) fn used(&self) -> Vec<u32> {
        (0..).zip(&self.0).filter(|(_, word)| **word != 0).map(|(leaf, _)| leaf).collect()
    }

    pub(crate) fn write_to(&self, to: &mut Writer<impl Write>) -> io::Result<()> {
        to.column(self.0.iter().copied())
    }

    /// A set of `slots` slots that was kept.
    pub(crate) fn read_from(from: &mut Reader<impl Read>, slots: usize) -> io::Result<Self> {
        let bits = Self(from.column_of(slots.div_ceil(LEAF))?);
        let last = Self::all(slots).0.last().copied().unwrap_or_default();
        let beyond = bits.0.last().is_some_and(|word| word & !last != 0);
        check(!beyond, "a slot is beyond the last")?;
        Ok(bits)
    }

    /// The slots in it, ascending.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.0.iter().enumerate().flat_map(|(leaf, word)| slots_of(leaf, *word))
    }
}

/// The slots that `word` says of `leaf`, ascending.
pub(crate) fn slots_of(leaf: usize, mut word: u64) -> impl Iterator<Item = u32> {
    let first = u32::try_from(leaf * LEAF).expect("slots are numbered by u32");
    std::iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros();
            word &= word - 1;
            first + bit
        })
    })
}

/// A set of slots that knows how many of them come before each leaf: a count over a run of leaves
/// is two look-ups.
#[derive(Debug)]
pub(crate) struct Ranked {
    bits: Bits,
    before: Vec<u32>,
}

impl Ranked {
    pub(crate) fn new(bits: Bits) -> Self {
        let mut sum = 0;
        let mut before = Vec::with_capacity(bits.0.len() + 1);
        before.push(0);
        before.extend(bits.0.iter().map(|word| {
            sum += word.count_ones();
            sum
        }));
        Self { bits, before }
    }

    pub(crate) fn bits(&self) -> &Bits {
        &self.bits
    }

    pub(crate) fn leaf(&self, leaf: usize) -> u64 {
        self.bits.0[leaf]
    }

    /// How many lie in the leaves from `from` to before `to`.
    pub(crate) fn count_in(&self, from: usize, to: usize) -> usize {
        (self.before[to] - self.before[from]) as usize
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.before.last().map_or(0, |count| *count as usize)
    }

    /// Its size in memory, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bits.0.len() * 8 + self.before.len() * 4
    }
}

/// The slots that have one value: listed while they are few, as bits when that is smaller.
#[derive(Debug, Clone)]
pub(crate) enum Posting {
    /// Ascending.
    Few(Box<[u32]>),
    Many(Bits),
}

/// How a posting is kept.
const FEW: u8 = 0;
const MANY: u8 = 1;

impl Posting {
    /// Of ascending slots among `all`.
    pub(crate) fn new(slots: &[u32], all: usize) -> Self {
        if slots.len() * 32 < all {
            return Self::Few(slots.into());
        }
        let mut bits = Bits::none(all);
        slots.iter().for_each(|slot| bits.set(*slot));
        Self::Many(bits)
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(slots) => slots.len(),
            Self::Many(bits) => bits.count(),
        }
    }

    pub(crate) fn add_to(&self, bits: &mut Bits) {
        match self {
            Self::Few(slots) => slots.iter().for_each(|slot| bits.set(*slot)),
            Self::Many(many) => bits.add(many),
        }
    }

    /// Calls `f` with each of its slots, ascending.
    pub(crate) fn each(&self, mut f: impl FnMut(u32)) {
        match self {
            Self::Few(slots) => slots.iter().for_each(|slot| f(*slot)),
            Self::Many(bits) => bits.slots().for_each(f),
        }
    }

    pub(crate) fn write_to(&self, to: &mut Writer<impl Write>) -> io::Result<()> {
        match self {
            Self::Few(slots) => {
                to.one(FEW)?;
                to.column(slots.iter().copied())
            }
            Self::Many(bits) => {
                to.one(MANY)?;
                bits.write_to(to)
            }
        }
    }

    /// A posting that was kept, of `all` slots.
    pub(crate) fn read_from(from: &mut Reader<impl Read>, all: usize) -> io::Result<Self> {
        match from.one()? {
            FEW => {
                let slots: Vec<u32> = from.column()?;
                check(slots.is_sorted(), "slots are out of order")?;
                let last = slots.last().is_none_or(|slot| (*slot as usize) < all);
                check(last, "a slot is beyond the last")?;
                Ok(Self::Few(slots.into_boxed_slice()))
            }
            MANY => Bits::read_from(from, all).map(Self::Many),
            _ => Err(broken("no such posting")),
        }
    }

    /// How many of its slots are in `set`, of which `leaves` are those that are not empty.
    pub(crate) fn count_within(&self, set: &Bits, leaves: &[u32]) -> usize {
        match self {
            Self::Few(slots) => {
                let (Some(first), Some(last)) = (leaves.first(), leaves.last()) else { return 0 };
                let from = slots.partition_point(|slot| *slot / 64 < *first);
                let to = slots.partition_point(|slot| *slot / 64 <= *last);
                slots[from..to].iter().filter(|slot| set.holds(**slot)).count()
            }
            Self::Many(many) => leaves
                .iter()
                .map(|leaf| (many.leaf(*leaf as usize) & set.leaf(*leaf as usize)).count_ones())
                .map(|count| count as usize)
                .sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_seventy_are_a_leaf_and_six() {
        let all = Bits::all(70);
        assert_eq!(all.leaves(), [u64::MAX, 0b11_1111]);
        assert_eq!(all.count(), 70);
        assert_eq!(all.slots().last(), Some(69));
    }

    #[test]
    fn a_count_over_leaves_is_the_sum_of_theirs() {
        let mut bits = Bits::none(300);
        [0, 63, 64, 200, 299].into_iter().for_each(|slot| bits.set(slot));
        let ranked = Ranked::new(bits);
        assert_eq!((ranked.count_in(0, 1), ranked.count_in(1, 5), ranked.count()), (2, 3, 5));
    }

    #[test]
    fn few_and_many_count_alike() {
        let slots = [1_u32, 5, 64, 99];
        let mut within = Bits::none(100);
        [5, 64, 70].into_iter().for_each(|slot| within.set(slot));
        assert_eq!(Posting::new(&slots, 10_000).len(), 4);
        let leaves = within.used();
        assert_eq!(Posting::new(&slots, 100).count_within(&within, &leaves), 2);
        assert_eq!(Posting::Few(slots.into()).count_within(&within, &leaves), 2);
    }
}
