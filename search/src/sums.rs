//! Sums: how many listings before each leaf have each value of a facet, so that a run of leaves is
//! counted for all values at once by two rows; and which values each listing has, for the leaves of
//! which only some are asked about.

use std::collections::BTreeMap;

use crate::{
    bits::{Bits, LEAF, Posting, slots_of},
    tree::Cover,
};

/// The most values a facet may have: a row has a number for each. What has more is counted value by
/// value.
pub(crate) const MOST_VALUES: usize = 256;

/// The sums of one facet in one segment; values are numbered in their order.
#[derive(Debug)]
pub(crate) struct Sums {
    slots: usize,
    width: usize,
    /// A row for each leaf, of what comes before it, and one of everything.
    rows: Vec<u32>,
    /// Where the values of each slot end.
    ends: Vec<u32>,
    values: Vec<u8>,
}

impl Sums {
    /// Of `slots` slots; `None` where there are too many values.
    pub(crate) fn new(postings: &BTreeMap<Box<str>, Posting>, slots: usize) -> Option<Self> {
        let width = postings.len();
        if width > MOST_VALUES {
            return None;
        }
        let mut each: Vec<Bits> = Vec::with_capacity(width);
        for posting in postings.values() {
            let mut bits = Bits::none(slots);
            posting.add_to(&mut bits);
            each.push(bits);
        }
        let leaves = slots.div_ceil(LEAF);
        let mut rows = vec![0; (leaves + 1) * width];
        let (mut ends, mut values) = (Vec::with_capacity(slots), Vec::new());
        for leaf in 0..leaves {
            let (before, row) = rows[leaf * width..(leaf + 2) * width].split_at_mut(width);
            row.copy_from_slice(before);
            let here = (0_u8..=u8::MAX).zip(&each).map(|(value, bits)| (value, bits.leaf(leaf)));
            let here: Vec<(u8, u64)> = here.filter(|(_, word)| *word != 0).collect();
            here.iter().for_each(|(value, word)| row[usize::from(*value)] += word.count_ones());
            for at in 0..LEAF.min(slots - leaf * LEAF) {
                let having = here.iter().filter(|(_, word)| word >> at & 1 == 1);
                values.extend(having.map(|(value, _)| value));
                ends.push(u32::try_from(values.len()).expect("far fewer than four billion"));
            }
        }
        values.shrink_to_fit();
        Some(Self { slots, width, rows, ends, values })
    }

    /// How many of `cover`, those of `lost` left out, have each value.
    pub(crate) fn over(&self, cover: &Cover, lost: &[u32]) -> Vec<u32> {
        let mut counts = vec![0_u32; self.width];
        for (from, to) in cover.runs() {
            add(&mut counts, self.row(*to));
            take(&mut counts, self.row(*from));
        }
        cover.parts().iter().for_each(|(leaf, bits)| self.add_leaf(*leaf, *bits, &mut counts));
        lost.iter().for_each(|slot| self.each_of(*slot, |value| counts[value] -= 1));
        counts
    }

    /// How many of `bits`, of which `leaves` are those that are not empty, have each value.
    pub(crate) fn within(&self, bits: &Bits, leaves: &[u32]) -> Vec<u32> {
        let mut counts = vec![0; self.width];
        leaves.iter().for_each(|leaf| {
            self.add_leaf(*leaf as usize, bits.leaf(*leaf as usize), &mut counts);
        });
        counts
    }

    /// Adds those of a leaf; where most of it is in, all of it less those that are not.
    fn add_leaf(&self, leaf: usize, bits: u64, counts: &mut [u32]) {
        let left = self.slots - leaf * LEAF;
        let filled = if left < LEAF { (1 << left) - 1 } else { u64::MAX };
        let out = filled & !bits;
        if out.count_ones() < bits.count_ones() {
            add(counts, self.row(leaf + 1));
            take(counts, self.row(leaf));
            slots_of(leaf, out).for_each(|slot| self.each_of(slot, |value| counts[value] -= 1));
        } else {
            slots_of(leaf, bits).for_each(|slot| self.each_of(slot, |value| counts[value] += 1));
        }
    }

    fn row(&self, leaf: usize) -> &[u32] {
        &self.rows[leaf * self.width..(leaf + 1) * self.width]
    }

    fn each_of(&self, slot: u32, mut f: impl FnMut(usize)) {
        let slot = slot as usize;
        let from = if slot == 0 { 0 } else { self.ends[slot - 1] };
        let values = &self.values[from as usize..self.ends[slot] as usize];
        values.iter().for_each(|value| f(usize::from(*value)));
    }
}

/// Rows may be taken before what they are taken from was added: a count goes below nothing for a
/// while, and comes back.
fn add(counts: &mut [u32], row: &[u32]) {
    counts.iter_mut().zip(row).for_each(|(count, row)| *count = count.wrapping_add(*row));
}

fn take(counts: &mut [u32], row: &[u32]) {
    counts.iter_mut().zip(row).for_each(|(count, row)| *count = count.wrapping_sub(*row));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_say_what_a_count_of_each_value_says(
            having in prop::collection::vec(prop::collection::vec(0_u8..5, 0..4), 1..700),
            asked in prop::collection::vec(any::<u64>(), 11),
            from in 0_usize..11, length in 0_usize..11,
        ) {
            let slots = having.len();
            let mut postings = BTreeMap::new();
            for value in 0_u8..5 {
                let of: Vec<u32> = (0..).zip(&having)
                    .filter(|(_, values)| values.contains(&value))
                    .map(|(slot, _)| slot).collect();
                postings.insert(Box::from(value.to_string()), Posting::new(&of, slots));
            }
            let sums = Sums::new(&postings, slots).unwrap();
            let mut bits = Bits::all(slots);
            let full = slots / LEAF;
            let to = (from + length).min(full);
            let mut cover = Cover::default();
            cover.add_run(from, to);
            for (leaf, asked) in asked.iter().enumerate().take(slots.div_ceil(LEAF)) {
                if !(from..to).contains(&leaf) {
                    bits.leaves_mut()[leaf] &= asked;
                    cover.add_part(leaf, bits.leaf(leaf));
                }
            }
            let lost: Vec<u32> = bits.slots().step_by(7).collect();
            let count = |bits: &Bits| -> Vec<u32> {
                let leaves = bits.used();
                postings.values()
                    .map(|one| u32::try_from(one.count_within(bits, &leaves)).unwrap()).collect()
            };
            prop_assert_eq!(sums.within(&bits, &bits.used()), count(&bits));
            let mut rest = bits.clone();
            lost.iter().for_each(|slot| rest.clear(*slot));
            prop_assert_eq!(sums.over(&cover, &lost), count(&rest));
        }
    }
}
