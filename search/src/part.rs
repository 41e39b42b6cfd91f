//! Part: what one segment has to say to a query.

use std::cell::OnceCell;

use chrono::{DateTime, Utc};
use domain::text::{Lang, fold};

use crate::{
    best::{Best, Candidate},
    bits::{BLOCK, Bits, Block, LEAF, slots_of},
    cursor::Key,
    facet::Found,
    query::{Edge, Sort, Window},
    ranking::{CLASSES, Class, Ranking, nearness},
    ruler::Ruler,
    segment::Segment,
    snapshot::Dead,
    tree::Cover,
    walk::{Visitor, walk},
    wanted::Passing,
};

/// Where the page before ended: only what comes after it is of interest.
pub(crate) type After<'a> = Option<(&'a Key, u128)>;

/// So many are looked at one by one before a walk by distance is worth its while.
const FEW: usize = 2048;

/// One segment with what a query leaves of it.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) index: usize,
    pub(crate) segment: &'a Segment,
    pub(crate) dead: &'a Dead,
    /// A listing to leave out.
    pub(crate) except: Option<u32>,
    pub(crate) cover: Cover,
    /// Whether the cover is more than a circle, so that a walk must ask it.
    pub(crate) shaped: Option<Bits>,
    pub(crate) passing: Passing,
    pub(crate) ranking: Option<Ranking<'a>>,
    pub(crate) ruler: Option<Ruler>,
    pub(crate) radius: f64,
    /// How many are of each class of matches, once it was counted.
    pub(crate) tally: OnceCell<[usize; CLASSES]>,
    /// How many are found, once it was counted.
    pub(crate) total: OnceCell<usize>,
}

impl Part<'_> {
    /// The bits of a leaf that pass everything but the place.
    fn leaf(&self, leaf: usize) -> u64 {
        let words = self.ranking.as_ref().map_or(u64::MAX, |ranking| ranking.any(leaf));
        let except = self.except.filter(|slot| *slot as usize / 64 == leaf);
        let except = except.map_or(0, |slot| 1 << (slot % 64));
        self.passing.wanted.leaf(leaf) & words & !self.dead.leaf(leaf) & !except
    }

    /// Calls `f` with each block in its place that may have a word, and the bits that pass everything
    /// but the words.
    fn each_block(&self, mut f: impl FnMut(usize, &mut Block)) {
        let has_word = |block| self.ranking.as_ref().is_none_or(|words| words.is_in_block(block));
        self.cover.each_block(has_word, |block, bits| {
            let first = block * BLOCK;
            self.passing.wanted.keep_block(block, bits);
            if !self.dead.slots().is_empty() {
                let leaves = (first..).zip(bits.iter_mut()).filter(|(_, word)| **word != 0);
                leaves.for_each(|(leaf, word)| *word &= !self.dead.leaf(leaf));
            }
            if let Some(slot) = self.except.filter(|slot| *slot as usize / LEAF / BLOCK == block) {
                bits[slot as usize / LEAF - first] &= !(1 << (slot as usize % LEAF));
            }
            f(block, bits);
        });
    }

    /// Calls `f` with each leaf that has any that is found, and these.
    fn each_leaf(&self, mut f: impl FnMut(usize, u64)) {
        self.each_block(|block, bits| {
            if let Some(ranking) = &self.ranking {
                ranking.keep_any(block, bits);
            }
            each_leaf_of(block, bits, &mut f);
        });
    }

    fn each_slot(&self, mut f: impl FnMut(u32)) {
        self.each_leaf(|leaf, bits| slots_of(leaf, bits).for_each(&mut f));
    }

    /// Everything that is found.
    pub(crate) fn found(&self) -> Bits {
        let mut found = Bits::none(self.segment.len());
        self.each_leaf(|leaf, bits| found.leaves_mut()[leaf] = bits);
        found
    }

    /// How many are found; in an order by relevance they are counted class by class, for that
    /// order asks them again.
    pub(crate) fn total(&self, sort: Sort) -> usize {
        *self.total.get_or_init(|| match &self.ranking {
            Some(ranking) if sort == Sort::Relevance => self.tally(ranking).iter().sum(),
            Some(_) => {
                let mut total = 0;
                self.each_leaf(|_, bits| total += bits.count_ones() as usize);
                total
            }
            None => self.total_by_runs(),
        })
    }

    /// Without words nothing is looked at but runs, and those that are left out.
    fn total_by_runs(&self) -> usize {
        self.passing.wanted.count(&self.cover) - self.lost().len()
    }

    /// Those that would pass and are dead or left out; each once.
    fn lost(&self) -> Vec<u32> {
        let hidden = self.dead.slots().iter().chain(&self.except);
        let mut lost: Vec<u32> = hidden
            .filter(|slot| self.cover.holds(**slot) && self.passing.wanted.holds(**slot))
            .copied()
            .collect();
        lost.sort_unstable();
        lost.dedup();
        lost
    }

    /// Everything that is found, to be counted.
    pub(crate) fn to_count(&self) -> Found<'_> {
        let is_all = self.ranking.is_none() && self.passing.wanted.is_all();
        if is_all { Found::Place(&self.cover, self.lost()) } else { Found::of(self.found()) }
    }

    /// How many are found of each class of matches.
    fn tally(&self, ranking: &Ranking<'_>) -> &[usize; CLASSES] {
        self.tally.get_or_init(|| {
            let mut tally = [0; CLASSES];
            self.each_block(|block, bits| ranking.count(block, bits, &mut tally));
            tally
        })
    }

    /// How far a slot is, and how wrong that may be, metres.
    pub(crate) fn metres(&self, slot: u32) -> Option<(f64, f64)> {
        Some(self.ruler.as_ref()?.quick(self.segment.tree.at(slot)?))
    }

    /// The nearest after `after`: `want` of them, and whatever may be as near as the last.
    pub(crate) fn nearest(&self, want: usize, after: After<'_>) -> Vec<Near> {
        let Some(ruler) = &self.ruler else { return Vec::new() };
        let mut nearest = Nearest {
            part: self,
            ruler,
            want,
            after,
            found: Vec::with_capacity(2 * want),
            farthest: std::collections::BinaryHeap::with_capacity(want + 1),
        };
        if !matches!(after, Some((Key::Last, _))) {
            // A walk for few goes everywhere to meet them.
            if self.ranking.is_some() && self.total(Sort::Distance) <= FEW {
                self.each_slot(|slot| nearest.measure(slot));
            } else {
                walk(&self.segment.tree, ruler, &mut nearest);
            }
        }
        let mut found = nearest.found;
        if found.len() < want && self.radius.is_infinite() {
            found.extend(self.nowhere(want, after));
        }
        found
    }

    /// Those without a point, by id.
    fn nowhere(&self, want: usize, after: After<'_>) -> impl Iterator<Item = Near> {
        let last = after.filter(|(key, _)| **key == Key::Last).map(|(_, id)| id);
        let mut slots: Vec<(u128, u32)> = self
            .found()
            .slots()
            .filter(|slot| self.segment.tree.at(*slot).is_none())
            .map(|slot| (self.segment.ids[slot as usize], slot))
            .filter(|(id, _)| last.is_none_or(|last| *id > last))
            .collect();
        slots.sort_unstable();
        slots.truncate(want);
        let index = self.index;
        slots.into_iter().map(move |(_, slot)| Near { metres: None, slot, part: index })
    }

    /// The best after `after` in any order but that by distance, in no order.
    pub(crate) fn best(
        &self,
        sort: Sort,
        lang: Lang,
        seed: [u64; 2],
        now: DateTime<Utc>,
        want: usize,
        after: After<'_>,
    ) -> Best {
        let mut best = Best::new(want, after);
        match sort {
            Sort::Relevance => self.by_relevance(&mut best, after.is_some()),
            Sort::Name => self.by_name(&mut best, lang, after),
            Sort::Start => self.by_start(&mut best, now),
            Sort::Updated => {
                self.by_key(&mut best, |slot| Key::later(self.segment.updated[slot as usize]));
            }
            // All alike: those stand by id.
            Sort::Id => self.by_key(&mut best, |_| Key::Up(0)),
            Sort::Fair | Sort::Distance => self
                .by_key(&mut best, |slot| Key::Up(shuffled(seed, self.segment.ids[slot as usize]))),
        }
        best
    }

    fn candidate(&self, key: Key, slot: u32) -> Candidate {
        Candidate { key, id: self.segment.ids[slot as usize], part: self.index, slot }
    }

    fn by_key(&self, best: &mut Best, key: impl Fn(u32) -> Key) {
        self.each_slot(|slot| best.offer(self.candidate(key(slot), slot)));
    }

    fn by_start(&self, best: &mut Best, now: DateTime<Utc>) {
        let found = self.found();
        let upcoming = Window { from: Some(Edge::Now), to: None };
        let next = || self.segment.times.within(&self.segment.documents, upcoming, now);
        let (_, starts) = &*self.passing.within.clone().unwrap_or_else(next);
        let mut rest = found.clone();
        for (start, slot) in starts.iter().filter(|(_, slot)| found.holds(*slot)) {
            best.offer(self.candidate(Key::earlier(*start), *slot));
            rest.clear(*slot);
        }
        // They come after all of these, by id.
        if !best.is_full_before(&Key::Last) {
            rest.slots().for_each(|slot| best.offer(self.candidate(Key::Last, slot)));
        }
    }

    fn by_name(&self, best: &mut Best, lang: Lang, after: After<'_>) {
        let key = |slot: u32| {
            let name = self.segment.documents[slot as usize].name();
            Key::Text(fold(name.get(lang).1))
        };
        let found = self.found();
        if found.count() <= FEW / 8 {
            found.slots().for_each(|slot| best.offer(self.candidate(key(slot), slot)));
            return;
        }
        let order = self.segment.by_name(lang);
        let from = order.partition_point(|slot| {
            after.is_some_and(|(last, id)| {
                (&key(*slot), self.segment.ids[*slot as usize]) <= (last, id)
            })
        });
        let next = order[from..].iter().filter(|slot| found.holds(**slot));
        next.take(best.want()).for_each(|slot| best.offer(self.candidate(key(*slot), *slot)));
    }

    fn by_relevance(&self, best: &mut Best, goes_on: bool) {
        let Some(ranking) = &self.ranking else { return };
        let tally = self.tally(ranking);
        // First as many of the best classes as fill the page: then it is known what the others
        // would have to beat.
        let mut enough = 0;
        let first = tally.iter().position(|count| {
            enough += count;
            enough >= best.want()
        });
        let middle = first.map_or(CLASSES, |last| last + 1);
        for (from, to) in [(0, middle), (middle, CLASSES)] {
            let count = tally[from..to].iter().sum::<usize>();
            if count == 0 {
                continue;
            }
            let class = ranking.classes(from, to);
            if ranking.most(class) * self.lift(ranking) < best.least_score() {
                return;
            }
            let ruler = self.ruler.as_ref().filter(|_| !goes_on && count > FEW);
            let Some(ruler) = ruler else {
                let near = self.ruler.as_ref().map(|_| 0.0);
                self.score_all(ranking, class, near, &[], best);
                continue;
            };
            let mut walker = Matching::new(self, ranking, class, best);
            walk(&self.segment.tree, ruler, &mut walker);
            let Matching { visited, beyond, .. } = walker;
            if let Some(beyond) = beyond {
                self.score_all(ranking, class, Some(beyond), &visited, best);
            } else if self.radius.is_infinite() {
                // A walk meets only those with a point.
                self.score_nowhere(ranking, class, best);
            }
        }
    }

    /// What being at the centre, if there is one, lifts a match to at most.
    fn lift(&self, ranking: &Ranking<'_>) -> f64 {
        ranking.lift(self.ruler.as_ref().map(|_| 0.0))
    }

    fn class_bits(&self, ranking: &Ranking<'_>, class: Class, leaf: usize) -> u64 {
        let bits = self.leaf(leaf);
        if bits == 0 { 0 } else { bits & ranking.leaf(class, leaf) }
    }

    /// Scores a class of matches, all of which are `least` metres away at least, but for those of the
    /// leaves that are `done`, in order.
    fn score_all(
        &self,
        ranking: &Ranking<'_>,
        class: Class,
        least: Option<f64>,
        done: &[u32],
        best: &mut Best,
    ) {
        let lift = ranking.lift(least);
        self.each_block(|block, bits| {
            if let Some(class) = ranking.narrowed(class, best.least_score() / lift) {
                ranking.keep_class(class, block, bits);
                each_leaf_of(block, bits, &mut |leaf, bits| {
                    if done.binary_search_by(|done| (*done as usize).cmp(&leaf)).is_err() {
                        self.score_leaf(ranking, leaf, bits, least, best);
                    }
                });
            }
        });
    }

    fn score_nowhere(&self, ranking: &Ranking<'_>, class: Class, best: &mut Best) {
        let first = self.segment.tree.len();
        for leaf in first / LEAF..self.segment.len().div_ceil(LEAF) {
            let nowhere = !self.segment.tree.filled(leaf);
            let bits = self.class_bits(ranking, class, leaf) & nowhere;
            self.score_leaf(ranking, leaf, bits, None, best);
        }
    }

    /// Scores those of `bits` that may come in; they are `least` metres away at least.
    fn score_leaf(
        &self,
        ranking: &Ranking<'_>,
        leaf: usize,
        bits: u64,
        least: Option<f64>,
        best: &mut Best,
    ) {
        if bits == 0 {
            return;
        }
        let near = nearness(least);
        let words = ranking.words_of(leaf, bits);
        let mut least = best.least_score();
        for slot in slots_of(leaf, bits) {
            let words = words[slot as usize % LEAF];
            let most = words * ranking.lift_of(slot, near);
            if most >= least && !best.is_past_score(words) {
                let metres = self.metres(slot).map(|(metres, _)| metres);
                let score = ranking.score_of(slot, words, metres);
                best.offer(self.candidate(Key::down(score.total), slot));
                least = best.least_score();
            }
        }
    }
}

/// Calls `f` with those leaves of a block that have any bits.
fn each_leaf_of(block: usize, bits: &Block, f: &mut impl FnMut(usize, u64)) {
    let leaves = (block * BLOCK..).zip(bits).filter(|(_, bits)| **bits != 0);
    leaves.for_each(|(leaf, bits)| f(leaf, *bits));
}

/// A place in the shuffle of `seed`: a product of the halves of id and seed, folded twice. Ids are
/// given out by the service, so nobody can choose one that always comes first.
pub(crate) fn shuffled(seed: [u64; 2], id: u128) -> u64 {
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
        let low = product as u64;
        low ^ u64::try_from(product >> 64).unwrap_or_default()
    };
    let (high, low) = uuid::Uuid::from_u128(id).as_u64_pair();
    // The golden ratio's fraction: any odd number with even bits will do.
    fold(fold(high ^ seed[0], low ^ seed[1]) ^ seed[1], 0x9e37_79b9_7f4a_7c15)
}

/// A listing with its distance and how wrong that may be, metres; none for one without a point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near {
    pub(crate) metres: Option<(f64, f64)>,
    pub(crate) part: usize,
    pub(crate) slot: u32,
}

/// Collects the nearest.
struct Nearest<'a> {
    part: &'a Part<'a>,
    ruler: &'a Ruler,
    want: usize,
    after: After<'a>,
    found: Vec<Near>,
    /// The farthest that the best ones may be, as bits, the worst on top.
    farthest: std::collections::BinaryHeap<u64>,
}

impl Nearest<'_> {
    fn limit(&self) -> f64 {
        let worst = (self.farthest.len() == self.want).then(|| self.farthest.peek().copied());
        let worst = worst.flatten().map_or(f64::INFINITY, f64::from_bits);
        worst.min(self.part.radius)
    }

    fn last(&self) -> Option<(f64, u128)> {
        match self.after? {
            (Key::Up(bits), id) => Some((f64::from_bits(*bits), id)),
            _ => None,
        }
    }
}

impl Visitor for Nearest<'_> {
    fn bits(&self, leaf: usize) -> u64 {
        let shaped = self.part.shaped.as_ref().map_or(u64::MAX, |shaped| shaped.leaf(leaf));
        self.part.leaf(leaf) & shaped
    }

    fn goes_on(&self, least: f64) -> bool {
        least <= self.limit()
    }

    fn is_past(&self, most: f64) -> bool {
        self.last().is_some_and(|(last, _)| most < last)
    }

    fn visit(&mut self, leaf: usize, bits: u64, _: f64) {
        let limit = self.limit();
        let coarse = self.ruler.coarse(limit);
        let bits = coarse
            .map_or(bits, |coarse| bits & self.part.segment.tree.perhaps(&coarse, leaf, limit));
        slots_of(leaf, bits).for_each(|slot| self.measure(slot));
    }
}

impl Nearest<'_> {
    fn measure(&mut self, slot: u32) {
        let Some(at) = self.part.segment.tree.at(slot) else { return };
        let (mut metres, mut error) = self.ruler.quick(at);
        if metres - error > self.limit() {
            return;
        }
        let last = self.last();
        let doubtful = |edge: f64| (metres - edge).abs() <= error;
        if doubtful(self.part.radius) || last.is_some_and(|(last, _)| doubtful(last)) {
            (metres, error) = (self.ruler.exact(at), 0.0);
        }
        let is_past = last.is_some_and(|(last, id)| {
            metres < last || metres <= last && self.part.segment.ids[slot as usize] <= id
        });
        if metres > self.part.radius || is_past {
            return;
        }
        self.found.push(Near { metres: Some((metres, error)), part: self.part.index, slot });
        self.farthest.push((metres + error).to_bits());
        if self.farthest.len() > self.want {
            self.farthest.pop();
        }
    }
}

/// Scores one class of matches, nearest first, as long as that is worth its while: whoever is near
/// comes high, so that of all others few are looked at. A walk through everything would cost far more than
/// what it spares.
struct Matching<'a, 'b> {
    part: &'a Part<'a>,
    ranking: &'a Ranking<'a>,
    class: Class,
    best: &'b mut Best,
    /// The leaves that it met, in no order until it gave up.
    visited: Vec<u32>,
    /// Where it gave up: all others are so many metres away at least.
    beyond: Option<f64>,
}

/// So many leaves are met nearest first.
const NEAREST_LEAVES: usize = 64;

impl<'a, 'b> Matching<'a, 'b> {
    fn new(part: &'a Part<'a>, ranking: &'a Ranking<'a>, class: Class, best: &'b mut Best) -> Self {
        Self { part, ranking, class, best, visited: Vec::new(), beyond: None }
    }
}

impl Visitor for Matching<'_, '_> {
    fn bits(&self, leaf: usize) -> u64 {
        let shaped = self.part.shaped.as_ref().map_or(u64::MAX, |shaped| shaped.leaf(leaf));
        self.part.class_bits(self.ranking, self.class, leaf) & shaped
    }

    fn goes_on(&self, least: f64) -> bool {
        let most = || self.ranking.most(self.class) * self.ranking.lift(Some(least));
        self.beyond.is_none() && least <= self.part.radius && most() >= self.best.least_score()
    }

    fn is_past(&self, _: f64) -> bool {
        false
    }

    fn visit(&mut self, leaf: usize, bits: u64, least: f64) {
        if self.visited.len() == NEAREST_LEAVES {
            self.visited.sort_unstable();
            self.beyond = Some(least);
            return;
        }
        self.visited.push(u32::try_from(leaf).expect("slots are numbered by u32"));
        let lift = self.ranking.lift(Some(least));
        let least_score = self.best.least_score() / lift;
        let Some(class) = self.ranking.narrowed(self.class, least_score) else { return };
        // A circle's edge is asked of the cover, which has decided it.
        let mut bits = bits & self.part.cover.leaf(leaf);
        if class != self.class && bits != 0 {
            bits &= self.ranking.leaf(class, leaf);
        }
        self.part.score_leaf(self.ranking, leaf, bits, Some(least), self.best);
    }
}
