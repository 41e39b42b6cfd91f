//! Ranking: how well a listing answers the words of a query.
//!
//! ```text
//! score  = match · (1 + 0.6 near + 0.03 complete + 0.02 fresh + 0.05 open)
//! match  = (Σ rarity · weight) · (Σ rarity of the words it has ÷ Σ rarity of all)
//! rarity = ln(1 + listings ÷ (1 + listings that have the word))
//! ```
//!
//! `weight` is that of the best place where the word stands (`fields`), times how surely it is
//! the word meant (`words`). `near` is 1 at the centre, ½ at 1 km, ⅓ at 4 km, and 0 where no
//! centre is asked for. `complete` is the share of what a good description has, `fresh` halves with
//! every year since it was written, `open` is 1 while it is open. The last three only decide
//! between listings that match about as well. Weights are ours, tuned on the relevance set of the
//! tests; every part of a score can be had by itself ([`Score`]).

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{caches::OpenThen, meaning::Meaning, segment::Segment};

/// What being at the centre adds.
const NEAR: f64 = 0.6;
/// Metres at which that is halved.
const HALF_M: f64 = 1000.0;
/// What a complete description adds.
const COMPLETE: f64 = 0.03;
/// What having been written just now adds.
const FRESH: f64 = 0.02;
/// What being open adds.
const OPEN: f64 = 0.05;
/// The same where it was asked for in words ("buka hari ini").
const ASKED_OPEN: f64 = 0.5;
/// Microseconds in a year, in which freshness is halved.
const YEAR: f64 = 365.25 * 86_400e6;

/// Why a listing stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// How well the words match.
    pub words: f64,
    /// From 0 to 1: how near it is.
    pub near: f64,
    /// From 0 to 1: how complete its description is.
    pub complete: f64,
    /// From 0 to 1: how lately it was written.
    pub fresh: f64,
    /// Whether it is open.
    pub open: bool,
    /// What all that comes to.
    pub total: f64,
}

/// The words of a query over one segment.
#[derive(Debug)]
pub(crate) struct Ranking<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) words: Vec<Arc<Meaning>>,
    pub(crate) rarity: &'a [f64],
    /// Who is open.
    pub(crate) open: Arc<OpenThen>,
    /// Whether the words asked for what is open.
    pub(crate) asked_open: bool,
    /// The day.
    pub(crate) today: DateTime<Utc>,
}

/// How many words the bits of a leaf have, as binary digits, the lowest first: enough for the most
/// words of a query.
type Digits = [u64; 4];

impl Ranking<'_> {
    /// The bits of a leaf that have any word.
    pub(crate) fn any(&self, leaf: usize) -> u64 {
        if self.words.is_empty() {
            // What is open was asked for, and nothing else.
            return if self.asked_open { u64::MAX } else { 0 };
        }
        self.words.iter().fold(0, |any, word| any | word.any.leaf(leaf))
    }

    /// How many classes of matches there are, the best first: every word where it counts most,
    /// every word, all but one, and so on to one word.
    pub(crate) fn classes(&self) -> usize {
        self.words.len() + 1
    }

    fn digits(&self, leaf: usize) -> Digits {
        let mut digits = [0; 4];
        for word in &self.words {
            // Adds one where the word is: a carry from digit to digit, 64 listings at once.
            let mut carry = word.any.leaf(leaf);
            for digit in &mut digits {
                (*digit, carry) = (*digit ^ carry, *digit & carry);
            }
        }
        digits
    }

    fn strong(&self, leaf: usize) -> u64 {
        self.words.iter().fold(u64::MAX, |all, word| all & word.strong.leaf(leaf))
    }

    /// The bits of a leaf that are in a class and in none before it.
    pub(crate) fn class(&self, class: usize, leaf: usize) -> u64 {
        if self.words.is_empty() {
            return self.any(leaf);
        }
        if class == 0 {
            return self.strong(leaf);
        }
        let words = self.words.len() + 1 - class;
        let has = exactly(&self.digits(leaf), words);
        if class == 1 { has & !self.strong(leaf) } else { has }
    }

    /// Adds to `tally` how many of `bits` of a leaf are in each class.
    pub(crate) fn count(&self, leaf: usize, bits: u64, tally: &mut [usize]) {
        if self.words.is_empty() {
            tally[0] += (bits & self.any(leaf)).count_ones() as usize;
            return;
        }
        let digits = self.digits(leaf);
        let strong = (bits & self.strong(leaf)).count_ones() as usize;
        tally[0] += strong;
        for (class, count) in tally.iter_mut().enumerate().skip(1) {
            let words = self.words.len() + 1 - class;
            *count += (bits & exactly(&digits, words)).count_ones() as usize;
        }
        tally[1] -= strong;
    }

    /// No listing of a class matches better.
    pub(crate) fn most(&self, class: usize) -> f64 {
        if self.words.is_empty() {
            return 1.0;
        }
        let worth = || self.rarity.iter().zip(&self.words);
        let all: f64 = worth().map(|(rarity, word)| rarity * word.most).sum();
        match class {
            0 => all,
            1 => {
                let lost = worth().map(|(rarity, word)| rarity * (word.most - word.weakly));
                all - lost.fold(f64::INFINITY, f64::min)
            }
            _ => {
                let words = self.words.len() + 1 - class;
                let found = greatest(words, worth().map(|(rarity, word)| rarity * word.most));
                let has = greatest(words, self.rarity.iter().copied());
                let rarity: f64 = self.rarity.iter().sum();
                found * (has / rarity.max(f64::MIN_POSITIVE))
            }
        }
    }

    /// What a match is worth at most at `metres` from the centre.
    pub(crate) fn lift(&self, metres: Option<f64>) -> f64 {
        1.0 + NEAR * nearness(metres) + COMPLETE + FRESH + self.open_counts()
    }

    fn open_counts(&self) -> f64 {
        if self.asked_open { ASKED_OPEN } else { OPEN }
    }

    /// The score of a listing at `metres` from the centre.
    pub(crate) fn score(&self, slot: u32, metres: Option<f64>) -> Score {
        let (mut found, mut has, mut all) = (0.0, 0.0, 0.0);
        for (rarity, word) in self.rarity.iter().zip(&self.words) {
            let weight = word.weight(slot);
            all += rarity;
            if weight > 0.0 {
                found += rarity * weight;
                has += rarity;
            }
        }
        let words = if self.words.is_empty() {
            1.0
        } else if all > 0.0 {
            found * (has / all)
        } else {
            0.0
        };
        let near = nearness(metres);
        let complete = f64::from(self.segment.completeness[slot as usize]) / 255.0;
        let fresh = self.freshness(self.segment.updated[slot as usize]);
        let open = self.open.open.holds(slot);
        let opened = if open { self.open_counts() } else { 0.0 };
        let lift = 1.0 + NEAR * near + COMPLETE * complete + FRESH * fresh + opened;
        Score { words, near, complete, fresh, open, total: words * lift }
    }

    fn freshness(&self, updated: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a microsecond in 300 years")]
        let age = (self.today.timestamp_micros() - updated).max(0) as f64 / YEAR;
        (-age).exp2()
    }
}

/// Those that have exactly `count` words.
fn exactly(digits: &Digits, count: usize) -> u64 {
    let digits = digits.iter().enumerate();
    digits.fold(u64::MAX, |all, (place, digit)| {
        all & if count >> place & 1 == 1 { *digit } else { !*digit }
    })
}

/// The sum of the `count` greatest.
fn greatest(count: usize, values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values.into_iter().take(count).sum()
}

fn nearness(metres: Option<f64>) -> f64 {
    metres.map_or(0.0, |metres| 1.0 / (1.0 + (metres.max(0.0) / HALF_M).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearness_halves_at_a_kilometre() {
        assert!((nearness(Some(0.0)) - 1.0).abs() < 1e-12);
        assert!((nearness(Some(1000.0)) - 0.5).abs() < 1e-12);
        assert!((nearness(Some(4000.0)) - 1.0 / 3.0).abs() < 1e-12);
        assert!(nearness(None).abs() < 1e-12);
    }
}
