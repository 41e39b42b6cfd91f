//! Random: numbers that look like chance and are the same in every run.
//!
//! Its own, and not a crate's: the data of a run must be that of last year's run, byte by byte.

/// `SplitMix64` (Steele, Lea and Flood 2014): 64 good bits from a counter.
#[derive(Debug, Clone)]
pub struct Random(u64);

/// The golden ratio's fraction as 64 bits: the step of the counter.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The numbers of stream `stream` under `seed`: streams know nothing of each other, so that
    /// listing 700 can be made without the 699 before it.
    pub fn new(seed: u64, stream: u64) -> Self {
        let start = Self(seed).next() ^ Self(stream).next().rotate_left(17);
        Self(start)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 (inclusive) to 1 (exclusive), in steps of 2⁻³².
    pub fn unit(&mut self) -> f64 {
        let high = u32::try_from(self.next() >> 32).expect("32 bits are left");
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }

    /// From `low` (inclusive) to `high` (exclusive).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }

    /// Whether something happens that happens so often: 0 never, 1 always.
    pub fn chance(&mut self, often: f64) -> bool {
        self.unit() < often
    }

    /// Around 0 by the normal distribution (Box and Muller 1958).
    pub fn normal(&mut self, sigma: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        sigma * radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// One of `all`, each as likely.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A choice between things of different weight.
#[derive(Debug, Clone)]
pub struct Weights(Vec<f64>);

impl Weights {
    /// A choice by `weights`, at least one of them above 0.
    pub fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let sums = weights.into_iter().scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self(sums.collect())
    }

    /// A choice among `count` words as people use words (Zipf's law with Mandelbrot's shift): the
    /// first often, the last hardly ever.
    pub fn of_words(count: usize) -> Self {
        let ranks = (0_u32..).take(count).map(f64::from);
        Self::new(ranks.map(|rank| (rank + 5.0).powf(-0.8)))
    }

    /// The place of one of them.
    pub fn draw(&self, random: &mut Random) -> usize {
        let at = random.unit() * self.0.last().copied().unwrap_or_default();
        self.0.partition_point(|sum| *sum <= at).min(self.0.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_says_the_same_and_another_stream_does_not() {
        let say = |seed, stream| {
            let mut random = Random::new(seed, stream);
            [random.next(), random.next(), random.next()]
        };
        assert_eq!(say(42, 7), say(42, 7));
        assert_ne!(say(42, 7), say(42, 8));
        assert_ne!(say(42, 7), say(43, 7));
    }

    #[test]
    fn what_weighs_nothing_is_never_drawn_and_what_weighs_more_comes_more_often() {
        let weights = Weights::new([0.0, 1.0, 3.0, 0.0]);
        let mut random = Random::new(1, 1);
        let mut drawn = [0; 4];
        for _ in 0..4000 {
            drawn[weights.draw(&mut random)] += 1;
        }
        assert_eq!((drawn[0], drawn[3]), (0, 0));
        assert!(drawn[1] > 800 && drawn[2] > 2 * drawn[1], "{drawn:?}");
    }
}
