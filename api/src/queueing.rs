//! Queueing: how long what has to be done waits until it is its turn, and who is turned away so that it does not
//! wait longer.
//!
//! Answers are made on the threads that read requests. So when too much is asked no queue of ours grows:
//! requests wait for a processor, in a line of the runtime in which some are luckier than others. Whoever
//! asks for something that costs lets all who wait go first, once: how long that takes is how long they
//! have waited just now. Beyond a tenth of a second some are told to come back, beyond three tenths all; in
//! between as many as it takes.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use tokio::task::yield_now;

/// Nobody is turned away who waits less, µs.
const CALM: u32 = 100_000;
/// So much later everybody is, µs.
const SPAN: u32 = 200_000;
/// 2³² ÷ the golden ratio: its multiples lie evenly, so every second or third is turned away and not
/// a hundred in a row.
const GOLDEN: u32 = 0x9e37_79b9;

/// How busy a node is.
#[derive(Debug, Default)]
pub struct Queueing {
    late_us: AtomicU32,
    asked: AtomicU32,
}

impl Queueing {
    /// Waits for its turn once more; whether whoever asks is to come back later.
    pub async fn turns_away(&self) -> bool {
        let begun = Instant::now();
        yield_now().await;
        let late_us = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.late_us.store(late_us, Ordering::Relaxed);
        self.is_too_much(late_us)
    }

    /// How long whoever asked last waited.
    pub fn late(&self) -> Duration {
        Duration::from_micros(self.late_us.load(Ordering::Relaxed).into())
    }

    fn is_too_much(&self, late_us: u32) -> bool {
        let beyond = late_us.saturating_sub(CALM);
        if beyond == 0 {
            return false;
        }
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let share = u64::from(beyond.min(SPAN)) << 32;
        u64::from(asked.wrapping_mul(GOLDEN)) < share / u64::from(SPAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned_away(late_us: u32) -> usize {
        let queueing = Queueing::default();
        (0..1000).filter(|_| queueing.is_too_much(late_us)).count()
    }

    #[test]
    fn the_longer_the_wait_the_more_are_turned_away() {
        assert_eq!(turned_away(CALM), 0);
        let half = turned_away(CALM + SPAN / 2);
        assert!((495..=505).contains(&half), "{half}");
        assert_eq!(turned_away(CALM + SPAN), 1000);
        assert_eq!(turned_away(u32::MAX), 1000);
    }
}
