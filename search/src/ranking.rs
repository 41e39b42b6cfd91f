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
//! tests; every part of a score can be had by itself ([`Score`], [`Explanation`]).
//!
//! Few listings are scored. A mean by product is never above one by sum, so with `found` for the
//! first sum as a share of the most that it can be, and `has` for the second factor,
//!
//! ```text
//! match ≤ most · ((found + has) ÷ 2)²
//! ```
//!
//! Half of `found + has` is a sum over words, which is added up for 64 listings at once: their
//! *grade*, in whole units, rounded up. Best grades first; what cannot come in by its grade is not
//! scored, and of the rest whatever the words alone keep out is looked at no further.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    bits::{BLOCK, Block, LEAF, slots_of},
    caches::OpenThen,
    meaning::{self, Meaning},
    segment::Segment,
    words::Word,
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

/// What the parts of a score beside the words count.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the parts")]
pub struct Weights {
    pub near: f64,
    pub complete: f64,
    pub fresh: f64,
    pub open: f64,
}

/// What one word of a query counts for a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct WordScore {
    /// The word, as it was read.
    pub word: String,
    /// How rare it is.
    pub rarity: f64,
    /// The weight of the best place where it stands; 0 where the listing has it not.
    pub weight: f64,
}

/// Why a listing stands where it stands, part by part.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The parts and what they come to.
    pub score: Score,
    /// What the parts count.
    pub weights: Weights,
    /// Of what `score.words` is made; empty where only what is open was asked for.
    pub words: Vec<WordScore>,
}

/// The grade of a listing that has every word at its best, but for what is rounded up.
const UNITS: f64 = 240.0;
/// Binary digits of a grade.
const DIGITS: usize = 8;
/// Classes of matches: by the upper half of the digits of their grades.
pub(crate) const CLASSES: usize = 16;

/// From so many listings of a leaf on it is cheaper to look at all of them word by word.
const MANY: u32 = 6;

/// The words of a query over one segment.
#[derive(Debug)]
pub(crate) struct Ranking<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) words: Vec<Arc<Meaning>>,
    pub(crate) rarity: &'a [f64],
    /// By word.
    shares: Vec<Share>,
    /// No listing matches better.
    most: f64,
    /// How rare all words are together.
    all: f64,
    /// Who is open.
    pub(crate) open: Arc<OpenThen>,
    /// Whether the words asked for what is open.
    pub(crate) asked_open: bool,
    /// The day.
    pub(crate) today: DateTime<Utc>,
}

/// What a word adds to the grade of a listing that has it where it counts most, and of one that has
/// it elsewhere; never nothing.
#[derive(Debug, Clone, Copy)]
struct Share {
    strong: u8,
    weak: u8,
}

/// The grades of the listings of leaves, as binary digits, the lowest first.
type Grades<const LEAVES: usize> = [[u64; LEAVES]; DIGITS];

/// Matches of a grade from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    from: u8,
    to: u8,
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
        let worth = rarity.iter().zip(&words).map(|(rarity, word)| rarity * word.most);
        let most = worth.sum::<f64>();
        let all = rarity.iter().sum::<f64>();
        let share = |(rarity, word): (&f64, &Arc<Meaning>)| {
            let grade = |weight: f64| {
                let half = f64::midpoint(rarity * weight / most, rarity / all);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
                let units = (half * UNITS).ceil() as u8;
                units.clamp(1, 240)
            };
            Share { strong: grade(word.most), weak: grade(word.weakly) }
        };
        let shares = rarity.iter().zip(&words).map(share).collect();
        Self { segment, words, rarity, shares, most, all, open, asked_open, today }
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

    /// The matches of the classes from one to before another; class 0 has the best.
    pub(crate) fn classes(&self, from: usize, to: usize) -> Class {
        let edge = |class: usize| u8::try_from(256 - 16 * class.min(CLASSES)).unwrap_or(u8::MAX);
        if self.words.is_empty() {
            return Class { from: 0, to: u8::MAX };
        }
        let above = if from == 0 { u8::MAX } else { edge(from) - 1 };
        Class { from: edge(to).max(1), to: above }
    }

    /// No listing of that grade matches better.
    fn bound(&self, grade: u8) -> f64 {
        if self.words.is_empty() {
            return 1.0;
        }
        let share = (f64::from(grade) / UNITS).min(1.0);
        self.most * share * share
    }

    /// No listing of `class` matches better.
    pub(crate) fn most(&self, class: Class) -> f64 {
        self.bound(class.to)
    }

    /// What of `class` may still match as well as `least`; `None` where nothing may.
    pub(crate) fn narrowed(&self, class: Class, least: f64) -> Option<Class> {
        if self.bound(class.to) < least {
            return None;
        }
        // The bound goes with the square of the grade; what rounding moved is put right.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let about = ((least / self.most).sqrt() * UNITS) as u8;
        let mut from = about.clamp(class.from, class.to);
        while from > class.from && self.bound(from - 1) >= least {
            from -= 1;
        }
        while from < class.to && self.bound(from) < least {
            from += 1;
        }
        Some(Class { from, ..class })
    }

    /// The bits of a leaf that are in `class`.
    pub(crate) fn leaf(&self, class: Class, leaf: usize) -> u64 {
        let mut bits = [u64::MAX];
        self.keep(class, &mut bits, |word| Some(([word.any(leaf)], [word.strong(leaf)])));
        bits[0]
    }

    /// Keeps those of `bits`, the bits of a block, that are in `class`.
    pub(crate) fn keep_class(&self, class: Class, block: usize, bits: &mut Block) {
        self.keep(class, bits, |word| word.in_block(block));
    }

    fn keep<const LEAVES: usize>(
        &self,
        class: Class,
        bits: &mut [u64; LEAVES],
        of: impl Fn(&Meaning) -> Option<([u64; LEAVES], [u64; LEAVES])>,
    ) {
        if self.words.is_empty() {
            return;
        }
        let grades = self.grades(of);
        and(bits, &at_least(&grades, class.from));
        if let Some(above) = class.to.checked_add(1) {
            let above = at_least(&grades, above);
            bits.iter_mut().zip(&above).for_each(|(bits, above)| *bits &= !above);
        }
    }

    fn grades<const LEAVES: usize>(
        &self,
        of: impl Fn(&Meaning) -> Option<([u64; LEAVES], [u64; LEAVES])>,
    ) -> Grades<LEAVES> {
        let mut grades = [[0; LEAVES]; DIGITS];
        for (word, share) in self.words.iter().zip(&self.shares) {
            if let Some((any, strong)) = of(word) {
                add(&mut grades, &any, &strong, *share);
            }
        }
        grades
    }

    /// Adds to `tally` how many of `bits` of a block are in each class.
    pub(crate) fn count(&self, block: usize, bits: &Block, tally: &mut [usize; CLASSES]) {
        let count = |bits: &Block| bits.iter().map(|bits| bits.count_ones()).sum::<u32>() as usize;
        if self.words.is_empty() {
            tally[0] += count(bits);
            return;
        }
        let grades = self.grades(|word| word.in_block(block));
        let mut bits = *bits;
        and(&mut bits, &at_least(&grades, 1));
        let with = |bits: &Block, digit: usize, is: bool| {
            let other = if is { 0 } else { u64::MAX };
            std::array::from_fn(|leaf| bits[leaf] & (grades[digit][leaf] ^ other))
        };
        // From digit to digit, what there is none of is not divided further.
        let mut open: Vec<(usize, usize, Block)> = vec![(DIGITS, 0, bits)];
        while let Some((digit, class, bits)) = open.pop() {
            if bits.iter().all(|bits| *bits == 0) {
                continue;
            }
            if digit == DIGITS / 2 {
                tally[class] += count(&bits);
                continue;
            }
            let digit = digit - 1;
            open.extend(
                [true, false]
                    .map(|is| (digit, 2 * class + usize::from(!is), with(&bits, digit, is))),
            );
        }
    }

    /// What a match is worth at most at `metres` from the centre.
    pub(crate) fn lift(&self, metres: Option<f64>) -> f64 {
        1.0 + NEAR * nearness(metres) + COMPLETE + FRESH + self.open_counts()
    }

    fn open_counts(&self) -> f64 {
        if self.asked_open { ASKED_OPEN } else { OPEN }
    }

    /// What a match is worth at most where it is known who is open.
    pub(crate) fn lift_of(&self, slot: u32, near: f64) -> f64 {
        let opened = if self.open.open.holds(slot) { self.open_counts() } else { 0.0 };
        1.0 + NEAR * near + COMPLETE + FRESH + opened
    }

    /// How well the words match a listing.
    fn words(&self, slot: u32) -> f64 {
        let mut has = Has::default();
        for (rarity, word) in self.rarity.iter().zip(&self.words) {
            has.add(*rarity, word.weight(slot));
        }
        self.matching(has)
    }

    /// How well the words match the listings `bits` of a leaf, by bit.
    pub(crate) fn words_of(&self, leaf: usize, bits: u64) -> [f64; LEAF] {
        let mut words = [0.0; LEAF];
        if bits.count_ones() < MANY {
            slots_of(leaf, bits).for_each(|slot| words[slot as usize % LEAF] = self.words(slot));
            return words;
        }
        let each = || slots_of(0, bits).map(|at| at as usize);
        let mut has = [Has::default(); LEAF];
        for (rarity, word) in self.rarity.iter().zip(&self.words) {
            if let Some(weights) = word.weights_of(leaf) {
                each().for_each(|at| has[at].add(*rarity, meaning::value(weights[at])));
            }
        }
        each().for_each(|at| words[at] = self.matching(has[at]));
        words
    }

    fn matching(&self, has: Has) -> f64 {
        if self.words.is_empty() {
            1.0
        } else if self.all > 0.0 {
            has.found * (has.rarity / self.all)
        } else {
            0.0
        }
    }

    /// The score of a listing at `metres` from the centre.
    pub(crate) fn score(&self, slot: u32, metres: Option<f64>) -> Score {
        self.score_of(slot, self.words(slot), metres)
    }

    /// The score of a listing that its words match so well.
    pub(crate) fn score_of(&self, slot: u32, words: f64, metres: Option<f64>) -> Score {
        let near = nearness(metres);
        let complete = f64::from(self.segment.completeness[slot as usize]) / 255.0;
        let fresh = self.freshness(self.segment.updated[slot as usize]);
        let open = self.open.open.holds(slot);
        let opened = if open { self.open_counts() } else { 0.0 };
        let lift = 1.0 + NEAR * near + COMPLETE * complete + FRESH * fresh + opened;
        Score { words, near, complete, fresh, open, total: words * lift }
    }

    /// The score of a listing at `metres` from the centre, part by part; `words` are those of the
    /// query.
    pub(crate) fn explain(&self, slot: u32, metres: Option<f64>, words: &[Word]) -> Explanation {
        let each = words.iter().zip(self.rarity).zip(&self.words);
        let words = each.map(|((word, rarity), meaning)| WordScore {
            word: word.text.clone(),
            rarity: *rarity,
            weight: meaning.weight(slot),
        });
        Explanation {
            score: self.score(slot, metres),
            weights: Weights {
                near: NEAR,
                complete: COMPLETE,
                fresh: FRESH,
                open: self.open_counts(),
            },
            words: words.collect(),
        }
    }

    fn freshness(&self, updated: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a microsecond in 300 years")]
        let age = (self.today.timestamp_micros() - updated).max(0) as f64 / YEAR;
        (-age).exp2()
    }
}

/// What a listing has of the words.
#[derive(Debug, Clone, Copy, Default)]
struct Has {
    found: f64,
    rarity: f64,
}

impl Has {
    fn add(&mut self, rarity: f64, weight: f64) {
        self.found += rarity * weight;
        self.rarity += if weight > 0.0 { rarity } else { 0.0 };
    }
}

/// Adds what a word is worth to the grades of those that have it: a carry from digit to digit, 64
/// listings of a leaf at once. Those that have it where it counts most are among `any`.
fn add<const LEAVES: usize>(
    grades: &mut Grades<LEAVES>,
    any: &[u64; LEAVES],
    strong: &[u64; LEAVES],
    share: Share,
) {
    let mut carry = [0; LEAVES];
    for (place, digit) in grades.iter_mut().enumerate() {
        let all = |share: u8| u64::from(share >> place & 1).wrapping_neg();
        let (of_strong, of_weak) = (all(share.strong), all(share.weak));
        let has = any.iter().zip(strong);
        for ((digit, carry), (any, strong)) in digit.iter_mut().zip(&mut carry).zip(has) {
            let one = strong & of_strong | any & !strong & of_weak;
            let two = *digit ^ one;
            let next = *digit & one | two & *carry;
            (*digit, *carry) = (two ^ *carry, next);
        }
    }
}

/// Those whose grade is at least `least`.
fn at_least<const LEAVES: usize>(grades: &Grades<LEAVES>, least: u8) -> [u64; LEAVES] {
    let mut enough = [u64::MAX; LEAVES];
    for (place, digit) in grades.iter().enumerate() {
        let both = enough.iter_mut().zip(digit);
        if least >> place & 1 == 1 {
            both.for_each(|(enough, digit)| *enough &= digit);
        } else {
            both.for_each(|(enough, digit)| *enough |= digit);
        }
    }
    enough
}

fn and<const LEAVES: usize>(bits: &mut [u64; LEAVES], other: &[u64; LEAVES]) {
    bits.iter_mut().zip(other).for_each(|(bits, other)| *bits &= other);
}

fn or<const LEAVES: usize>(bits: &mut [u64; LEAVES], other: &[u64; LEAVES]) {
    bits.iter_mut().zip(other).for_each(|(bits, other)| *bits |= other);
}

pub(crate) fn nearness(metres: Option<f64>) -> f64 {
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

    #[test]
    fn grades_add_up_digit_by_digit() {
        let mut grades = [[0]; DIGITS];
        let (any, strong) = ([0b1110], [0b0100]);
        add(&mut grades, &any, &strong, Share { strong: 200, weak: 99 });
        add(&mut grades, &[0b1000], &[0], Share { strong: 7, weak: 5 });
        for least in 1..=u8::MAX {
            let of = |grade: u8, bit: u64| if grade >= least { bit } else { 0 };
            let enough = of(99, 0b0010) | of(200, 0b0100) | of(104, 0b1000);
            assert_eq!(at_least(&grades, least), [enough], "{least}");
        }
    }
}
