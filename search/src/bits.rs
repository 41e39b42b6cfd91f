//! Bits: sets of slots, one word to a leaf of the tree.
//!
//! Slots are numbered in the order of the tree, 64 to a leaf, so one `u64` says which listings of a
//! leaf belong to a set: filters, words and opening states meet leaf by leaf with one `&`.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

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

    /// Its size in memory, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bits.0.len() * 8 + self.before.len() * 4
    }
}

/// Leaves in a block.
pub(crate) const BLOCK: usize = 64;

/// The bits of the leaves of a block.
pub(crate) type Block = [u64; BLOCK];

/// A set of slots that keeps only the leaves that have any of it, and one bit for every leaf: few
/// slots take little, however many there are in all. It knows how many come before each leaf.
#[derive(Debug, Default)]
pub(crate) struct Sparse {
    /// By block: which of its leaves have any, and how many leaves before it have.
    used: Vec<(u64, u32)>,
    /// The bits of those leaves.
    words: Vec<u64>,
    /// How many slots come before each of them, and at the end, how many there are.
    before: Vec<u32>,
}

impl Sparse {
    /// None of `slots` slots.
    pub(crate) fn none(slots: usize) -> Self {
        let blocks = slots.div_ceil(LEAF * BLOCK);
        Self { used: vec![(0, 0); blocks], words: Vec::new(), before: vec![0] }
    }

    /// Adds the bits of a leaf behind all that it has.
    pub(crate) fn push(&mut self, leaf: usize, word: u64) {
        if word == 0 {
            return;
        }
        self.used[leaf / BLOCK].0 |= 1 << (leaf % BLOCK);
        self.words.push(word);
        self.before.push(self.count_u32() + word.count_ones());
    }

    /// To be called when all leaves are in.
    pub(crate) fn finish(&mut self) {
        let mut sum = 0;
        for (used, before) in &mut self.used {
            *before = sum;
            sum += used.count_ones();
        }
        self.words.shrink_to_fit();
        self.before.shrink_to_fit();
    }

    /// Of ascending slots among `all`.
    pub(crate) fn of(slots: &[u32], all: usize) -> Self {
        let mut set = Self::none(all);
        for leaf in slots.chunk_by(|a, b| *a as usize / LEAF == *b as usize / LEAF) {
            let word = leaf.iter().fold(0, |word, slot| word | 1 << (*slot as usize % LEAF));
            set.push(leaf[0] as usize / LEAF, word);
        }
        set.finish();
        set
    }

    fn write_to(&self, to: &mut Writer<impl Write>) -> io::Result<()> {
        let number = |leaf: usize| u32::try_from(leaf).expect("slots are numbered by u32");
        let leaves: Vec<u32> = self.leaves().map(|(leaf, _)| number(leaf)).collect();
        to.column(leaves.into_iter())?;
        to.column(self.words.iter().copied())
    }

    /// A set that was kept, of `all` slots.
    fn read_from(from: &mut Reader<impl Read>, all: usize) -> io::Result<Self> {
        let leaves: Vec<u32> = from.column()?;
        let words: Vec<u64> = from.column_of(leaves.len())?;
        check(leaves.is_sorted_by(|a, b| a < b), "leaves are out of order")?;
        let mut set = Self::none(all);
        for (leaf, word) in leaves.into_iter().zip(words) {
            let left = all.saturating_sub(leaf as usize * LEAF);
            let filled = if left < LEAF { (1 << left) - 1 } else { u64::MAX };
            check(word != 0 && word & !filled == 0, "a slot is beyond the last")?;
            set.push(leaf as usize, word);
        }
        set.finish();
        Ok(set)
    }

    /// Where the bits of a leaf are kept; `None` where it has none.
    pub(crate) fn place(&self, leaf: usize) -> Option<usize> {
        let (used, before) = self.used[leaf / BLOCK];
        let at = leaf % BLOCK;
        (used >> at & 1 == 1).then(|| before as usize + below(used, at))
    }

    /// How many leaves before `leaf` have any.
    fn places_before(&self, leaf: usize) -> usize {
        let Some((used, before)) = self.used.get(leaf / BLOCK) else { return self.words.len() };
        *before as usize + below(*used, leaf % BLOCK)
    }

    /// The bits of one leaf.
    pub(crate) fn leaf(&self, leaf: usize) -> u64 {
        self.place(leaf).map_or(0, |place| self.words[place])
    }

    pub(crate) fn holds(&self, slot: u32) -> bool {
        self.leaf(slot as usize / LEAF) >> (slot as usize % LEAF) & 1 == 1
    }

    /// How many come before `slot`, if it is in it.
    pub(crate) fn rank(&self, slot: u32) -> Option<usize> {
        let place = self.place(slot as usize / LEAF)?;
        let (word, at) = (self.words[place], slot as usize % LEAF);
        (word >> at & 1 == 1).then(|| self.before[place] as usize + below(word, at))
    }

    /// The bits of a leaf that has any, and how many slots come before them.
    pub(crate) fn leaf_and_rank(&self, leaf: usize) -> Option<(u64, usize)> {
        let place = self.place(leaf)?;
        Some((self.words[place], self.before[place] as usize))
    }

    /// Whether a leaf of a block has any.
    pub(crate) fn is_in_block(&self, block: usize) -> bool {
        self.used[block].0 != 0
    }

    /// Adds the bits of a block to `into`.
    pub(crate) fn add_block(&self, block: usize, into: &mut Block) {
        self.add_words(&self.words, block, into);
    }

    /// Adds those of `words` that are of a block: one word for each leaf that has any of the set.
    pub(crate) fn add_words(&self, words: &[u64], block: usize, into: &mut Block) {
        let (mut used, before) = self.used[block];
        let words = &words[before as usize..];
        if used == u64::MAX {
            into.iter_mut().zip(words).for_each(|(into, word)| *into |= word);
            return;
        }
        for word in words {
            if used == 0 {
                return;
            }
            into[used.trailing_zeros() as usize] |= word;
            used &= used - 1;
        }
    }

    /// How many lie in the leaves from `from` to before `to`.
    pub(crate) fn count_in(&self, from: usize, to: usize) -> usize {
        let before = |leaf| self.before[self.places_before(leaf)];
        (before(to) - before(from)) as usize
    }

    fn count_u32(&self) -> u32 {
        self.before.last().copied().unwrap_or_default()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count_u32() as usize
    }

    /// The leaves that have any, ascending, each with its bits.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = (usize, u64)> {
        let blocks = self.used.iter().enumerate();
        let leaves = blocks.flat_map(|(block, (used, _))| slots_of(block, *used));
        leaves.map(|leaf| leaf as usize).zip(self.words.iter().copied())
    }

    /// The slots in it, ascending.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.leaves().flat_map(|(leaf, word)| slots_of(leaf, word))
    }

    /// How many are in both.
    pub(crate) fn overlap(&self, other: &Self) -> usize {
        let (few, many) =
            if self.words.len() < other.words.len() { (self, other) } else { (other, self) };
        few.leaves().map(|(leaf, word)| (word & many.leaf(leaf)).count_ones() as usize).sum()
    }

    /// Its size in memory, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.used.len() * 16 + self.words.len() * 12
    }
}

/// How many bits of `word` are below `at`.
fn below(word: u64, at: usize) -> usize {
    if word == u64::MAX { at } else { (word & ((1 << at) - 1)).count_ones() as usize }
}

/// The slots that have one value: listed while they are few.
#[derive(Debug, Clone)]
pub(crate) enum Posting {
    /// Ascending.
    Few(Box<[u32]>),
    Many(Arc<Sparse>),
}

/// How a posting is kept.
const FEW: u8 = 0;
const MANY: u8 = 1;

impl Posting {
    /// Of ascending slots among `all`.
    pub(crate) fn new(slots: &[u32], all: usize) -> Self {
        if slots.len() * 256 < all {
            return Self::Few(slots.into());
        }
        Self::Many(Arc::new(Sparse::of(slots, all)))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(slots) => slots.len(),
            Self::Many(set) => set.count(),
        }
    }

    pub(crate) fn add_to(&self, bits: &mut Bits) {
        match self {
            Self::Few(slots) => slots.iter().for_each(|slot| bits.set(*slot)),
            Self::Many(set) => {
                set.leaves().for_each(|(leaf, word)| bits.leaves_mut()[leaf] |= word);
            }
        }
    }

    pub(crate) fn write_to(&self, to: &mut Writer<impl Write>) -> io::Result<()> {
        match self {
            Self::Few(slots) => {
                to.one(FEW)?;
                to.column(slots.iter().copied())
            }
            Self::Many(set) => {
                to.one(MANY)?;
                set.write_to(to)
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
            MANY => Ok(Self::Many(Arc::new(Sparse::read_from(from, all)?))),
            _ => Err(broken("no such posting")),
        }
    }

    /// How many of its slots are in `set`, of which `leaves` are those that are not empty.
    pub(crate) fn count_within(&self, set: &Bits, leaves: &[u32]) -> usize {
        let (Some(first), Some(last)) = (leaves.first(), leaves.last()) else { return 0 };
        match self {
            Self::Few(slots) => {
                let from = slots.partition_point(|slot| *slot / 64 < *first);
                let to = slots.partition_point(|slot| *slot / 64 <= *last);
                slots[from..to].iter().filter(|slot| set.holds(**slot)).count()
            }
            Self::Many(many) if many.count_in(*first as usize, *last as usize + 1) == 0 => 0,
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
        assert_eq!((ranked.count_in(0, 1), ranked.count_in(1, 5)), (2, 3));
        let sparse = Sparse::of(&[0, 63, 64, 200, 299], 300);
        assert_eq!((sparse.count_in(0, 1), sparse.count_in(1, 5), sparse.count()), (2, 3, 5));
        assert_eq!((sparse.rank(200), sparse.rank(201)), (Some(3), None));
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
