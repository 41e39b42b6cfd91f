//! Best: the first so many of an order, of however many are offered.

use std::{cmp::Ordering, collections::BinaryHeap};

use crate::cursor::Key;

/// A listing that may be on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) key: Key,
    pub(crate) id: u128,
    pub(crate) part: usize,
    pub(crate) slot: u32,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.key, self.id).cmp(&(&other.key, other.id))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The first `want` after some place in the order.
#[derive(Debug)]
pub(crate) struct Best {
    want: usize,
    after: Option<(Key, u128)>,
    /// The last of them on top.
    kept: BinaryHeap<Candidate>,
}

impl Best {
    pub(crate) fn new(want: usize, after: Option<(&Key, u128)>) -> Self {
        let after = after.map(|(key, id)| (key.clone(), id));
        Self { want, after, kept: BinaryHeap::with_capacity(want + 1) }
    }

    pub(crate) fn want(&self) -> usize {
        self.want
    }

    pub(crate) fn offer(&mut self, candidate: Candidate) {
        if self.kept.len() == self.want && self.kept.peek().is_some_and(|last| *last < candidate) {
            return;
        }
        let is_past = self
            .after
            .as_ref()
            .is_some_and(|(key, id)| (&candidate.key, candidate.id) <= (key, *id));
        if is_past {
            return;
        }
        self.kept.push(candidate);
        if self.kept.len() > self.want {
            self.kept.pop();
        }
    }

    /// Whether there are as many as wanted, and all of them come before `key`.
    pub(crate) fn is_full_before(&self, key: &Key) -> bool {
        self.kept.len() == self.want && self.kept.peek().is_some_and(|last| last.key < *key)
    }

    /// The least score that could still come in.
    pub(crate) fn least_score(&self) -> f64 {
        match self.kept.peek().map(|last| &last.key) {
            // Rounding of sums in another order: a millionth is far more than that.
            Some(Key::Down(bits)) if self.kept.len() == self.want => {
                f64::from_bits(*bits) * (1.0 - 1e-6)
            }
            _ => 0.0,
        }
    }

    /// Whether all that score `least` or better come before the place after which is looked.
    pub(crate) fn is_past_score(&self, least: f64) -> bool {
        let least = least * (1.0 - 1e-6);
        self.after.as_ref().is_some_and(|(key, _)| Key::down(least) < *key)
    }

    pub(crate) fn into_candidates(self) -> Vec<Candidate> {
        self.kept.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_best_are_the_first_of_all_in_order(
            offered in prop::collection::vec((0_u64..50, 0_u128..50), 0..200),
            want in 1_usize..20, after in prop::option::of((0_u64..50, 0_u128..50)),
        ) {
            let candidate = |(key, id): (u64, u128)| Candidate { key: Key::Up(key), id, part: 0, slot: 0 };
            let after = after.map(|(key, id)| (Key::Up(key), id));
            let mut best = Best::new(want, after.as_ref().map(|(key, id)| (key, *id)));
            offered.iter().for_each(|one| best.offer(candidate(*one)));
            let mut found = best.into_candidates();
            found.sort();
            let mut all: Vec<_> = offered.into_iter().map(candidate)
                .filter(|c| after.as_ref().is_none_or(|(key, id)| (&c.key, c.id) > (key, *id)))
                .collect();
            all.sort();
            all.truncate(want);
            prop_assert_eq!(found, all);
        }
    }
}
