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

use crate::{
    bits::{BLOCK, Block},
    caches::OpenThen,
    meaning::Meaning,
    segment::Segment,
};

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
    /// What [`bounds`] says.
    bounds: Vec<Vec<f64>>,
    /// Who is open.
    pub(crate) open: Arc<OpenThen>,
    /// Whether the words asked for what is open.
    pub(crate) asked_open: bool,
    /// The day.
    pub(crate) today: DateTime<Utc>,
}

/// How many words the bits of leaves have, as binary digits, the lowest first: enough for the most
/// words of a query.
type Digits<const LEAVES: usize> = [[u64; LEAVES]; 4];

/// Adds one where `word` is: a carry from digit to digit, 64 listings of a leaf at once.
fn add<const LEAVES: usize>(digits: &mut Digits<LEAVES>, used: usize, word: &[u64; LEAVES]) {
    let mut carry = *word;
    for digit in &mut digits[..used] {
        for (digit, carry) in digit.iter_mut().zip(&mut carry) {
            (*digit, *carry) = (*digit ^ *carry, *digit & *carry);
        }
    }
}

/// A class of matches: those that have so many words, so many of them where they count most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    words: usize,
    /// From so many strong ones to so many.
    strong: (usize, usize),
}

impl<'a> Ranking<'a> {
    pub(crate) fn new(
        segment: &'a Segment,
        words: Vec<Arc<Meaning>>,
        rarity: &'a [f64],
        open: Arc<OpenThen>,
        asked_open: bool,
        today: DateTime<Utc>,
    ) -> Self {
        let bounds = bounds(rarity, &words);
        Self { segment, words, rarity, bounds, open, asked_open, today }
    }

    /// The bits of a leaf that have any word.
    pub(crate) fn any(&self, leaf: usize) -> u64 {
        if self.words.is_empty() {
            // What is open was asked for, and nothing else.
            return if self.asked_open { u64::MAX } else { 0 };
        }
        self.words.iter().fold(0, |any, word| any | word.any(leaf))
    }

    /// Whether a leaf of a block has any word.
    pub(crate) fn is_in_block(&self, block: usize) -> bool {
        if self.words.is_empty() {
            return self.asked_open;
        }
        self.words.iter().any(|word| word.is_in_block(block))
    }

    /// Keeps those of `bits`, the bits of a block, that have any word.
    pub(crate) fn keep_any(&self, block: usize, bits: &mut Block) {
        if self.words.is_empty() {
            return;
        }
        let mut any = [0; BLOCK];
        for word in self.words.iter().filter(|word| word.is_in_block(block)) {
            or(&mut any, &word.any_block(block));
        }
        and(bits, &any);
    }

    /// How many classes of matches there are, the best first: every word where it counts most,
    /// every word, all but one, and so on to one word.
    pub(crate) fn classes(&self) -> usize {
        self.words.len() + 1
    }

    /// The class of that number.
    pub(crate) fn class(&self, class: usize) -> Class {
        let all = self.words.len();
        match class {
            0 => Class { words: all, strong: (all, all) },
            1 => Class { words: all, strong: (0, all.saturating_sub(1)) },
            _ => Class { words: all + 1 - class, strong: (0, all + 1 - class) },
        }
    }

    /// No listing of `class` with so many strong words at most matches better.
    fn bound(&self, class: Class, strong: usize) -> f64 {
        self.bounds.get(class.words).map_or(1.0, |bounds| bounds[strong])
    }

    /// No listing of `class` matches better.
    pub(crate) fn most(&self, class: Class) -> f64 {
        self.bound(class, class.strong.1)
    }

    /// What of `class` may still match as well as `admits` wants; `None` where nothing may.
    pub(crate) fn narrowed(&self, class: Class, admits: impl Fn(f64) -> bool) -> Option<Class> {
        let (from, to) = class.strong;
        let from = (from..=to).find(|strong| admits(self.bound(class, *strong)))?;
        Some(Class { strong: (from, to), ..class })
    }

    /// The bits of a leaf that are in `class`.
    pub(crate) fn leaf(&self, class: Class, leaf: usize) -> u64 {
        let any = |word: &Meaning| [word.any(leaf)];
        let strong = |word: &Meaning| [word.strong(leaf)];
        let mut bits = [u64::MAX];
        self.keep(class, &mut bits, any, strong);
        bits[0]
    }

    /// Keeps those of `bits`, the bits of a block, that are in `class`.
    pub(crate) fn keep_class(&self, class: Class, block: usize, bits: &mut Block) {
        let any = |word: &Meaning| word.any_block(block);
        let strong = |word: &Meaning| word.strong_block(block);
        self.keep(class, bits, any, strong);
    }

    fn keep<const LEAVES: usize>(
        &self,
        class: Class,
        bits: &mut [u64; LEAVES],
        any: impl Fn(&Meaning) -> [u64; LEAVES],
        strong: impl Fn(&Meaning) -> [u64; LEAVES],
    ) {
        let all = self.words.len();
        let Class { words, strong: (from, to) } = class;
        let each = || self.words.iter().map(|word| &**word);
        if from == all {
            each().for_each(|word| and(bits, &strong(word)));
            return;
        }
        if words == all {
            each().for_each(|word| and(bits, &any(word)));
        } else {
            let mut digits = [[0; LEAVES]; 4];
            each().for_each(|word| add(&mut digits, self.digits(), &any(word)));
            and(bits, &exactly(&digits, self.digits(), words));
        }
        if from == 0 && to == words {
            return;
        }
        let mut digits = [[0; LEAVES]; 4];
        each().for_each(|word| add(&mut digits, self.digits(), &strong(word)));
        let mut within = [0; LEAVES];
        for count in from..=to {
            or(&mut within, &exactly(&digits, self.digits(), count));
        }
        and(bits, &within);
    }

    /// How many binary digits the number of words has.
    fn digits(&self) -> usize {
        (usize::BITS - self.words.len().leading_zeros()) as usize
    }

    /// Adds to `tally` how many of `bits` of a block are in each class.
    pub(crate) fn count(&self, block: usize, bits: &Block, tally: &mut [usize]) {
        let count = |of: &Block| {
            let both = of.iter().zip(bits).map(|(of, bits)| (of & bits).count_ones());
            both.sum::<u32>() as usize
        };
        if self.words.is_empty() {
            tally[0] += count(&[u64::MAX; BLOCK]);
            return;
        }
        let mut digits = [[0; BLOCK]; 4];
        let mut strong = [u64::MAX; BLOCK];
        for word in &self.words {
            if word.is_in_block(block) {
                add(&mut digits, self.digits(), &word.any_block(block));
                and(&mut strong, &word.strong_block(block));
            } else {
                strong = [0; BLOCK];
            }
        }
        let strong = count(&strong);
        tally[0] += strong;
        for (class, tally) in tally.iter_mut().enumerate().skip(1) {
            let words = self.words.len() + 1 - class;
            *tally += count(&exactly(&digits, self.digits(), words));
        }
        tally[1] -= strong;
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
fn exactly<const LEAVES: usize>(
    digits: &Digits<LEAVES>,
    used: usize,
    count: usize,
) -> [u64; LEAVES] {
    let mut all = [u64::MAX; LEAVES];
    for (place, digit) in digits[..used].iter().enumerate() {
        let other = if count >> place & 1 == 1 { 0 } else { u64::MAX };
        all.iter_mut().zip(digit).for_each(|(all, digit)| *all &= digit ^ other);
    }
    all
}

fn and<const LEAVES: usize>(bits: &mut [u64; LEAVES], other: &[u64; LEAVES]) {
    bits.iter_mut().zip(other).for_each(|(bits, other)| *bits &= other);
}

fn or<const LEAVES: usize>(bits: &mut [u64; LEAVES], other: &[u64; LEAVES]) {
    bits.iter_mut().zip(other).for_each(|(bits, other)| *bits |= other);
}

/// How well a listing can match at most, by how many words it has, and how many of them where they
/// count most. None for no words.
fn bounds(rarity: &[f64], words: &[Arc<Meaning>]) -> Vec<Vec<f64>> {
    if words.is_empty() {
        return Vec::new();
    }
    let worth = || rarity.iter().zip(words);
    let weak = greatest(worth().map(|(rarity, word)| rarity * word.weakly));
    let more = greatest(worth().map(|(rarity, word)| rarity * (word.most - word.weakly)));
    let has = greatest(rarity.iter().copied());
    let all = rarity.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let bound = |words: usize, strong: usize| (weak[words] + more[strong]) * (has[words] / all);
    (0..=words.len())
        .map(|words| (0..=words).map(|strong| bound(words, strong)).collect())
        .collect()
}

/// The sums of the greatest: of none, of one, and so on.
fn greatest(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    let sums = values.into_iter().scan(0.0, |sum, value| {
        *sum += value;
        Some(*sum)
    });
    std::iter::once(0.0).chain(sums).collect()
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
