//! Queueing: how long what has to be done waits until it is its turn, and who is turned away so that it does not
//! wait longer.
//!
//! Forty times a second a byte gets in line and is given back. How long it stands there is how long every
//! request waits before anybody looks at it: no queue of ours shows it, for requests wait for a
//! processor. As in `CoDel` (RFC 8289), a burst is no overload: what counts is the shortest wait of
//! late. Beyond a tenth of a second some questions are told to come back, beyond three tenths
//! all of those that cost something; in between as many as it takes.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// How often it looks.
const BEAT: Duration = Duration::from_millis(25);
/// The shortest of so many waits counts.
const BEATS: usize = 4;
/// Nobody is turned away who waits less, µs.
const CALM: u32 = 100_000;
/// So much later everybody is, µs.
const SPAN: u32 = 200_000;
/// 2³² ÷ the golden ratio: its multiples lie evenly, so every second or third is turned away and not
/// a hundred in a row.
const GOLDEN: u32 = 0x9e37_79b9;

/// How busy a node is. Where nobody measures it is calm.
#[derive(Debug, Default)]
pub struct Queueing {
    late_us: AtomicU32,
    asked: AtomicU32,
}

impl Queueing {
    /// Measures from now on how long requests wait.
    ///
    /// The byte comes as requests come, through a socket, from a thread that waits for nobody: a task
    /// that is woken within the runtime would jump the line.
    ///
    /// # Errors
    /// When the system has no pair of sockets left.
    pub fn measure(self: &Arc<Self>) -> io::Result<()> {
        let (here, there) = UnixStream::pair()?;
        there.set_nonblocking(true)?;
        tokio::spawn(give_back(tokio::net::UnixStream::from_std(there)?));
        let queueing = Arc::downgrade(self);
        thread::spawn(move || {
            let mut beats = [0; BEATS];
            while let Some(queueing) = queueing.upgrade() {
                thread::sleep(BEAT);
                // Nobody gives it back any more when the program ends.
                let Ok(late) = there_and_back(&here) else { return };
                beats.rotate_right(1);
                beats[0] = u32::try_from(late.as_micros()).unwrap_or(u32::MAX);
                queueing.note(beats);
            }
        });
        Ok(())
    }

    fn note(&self, beats: [u32; BEATS]) {
        let late = beats.into_iter().min().unwrap_or_default();
        self.late_us.store(late, Ordering::Relaxed);
    }

    /// How long a request waits until somebody looks at it.
    pub fn late(&self) -> Duration {
        Duration::from_micros(self.late_us.load(Ordering::Relaxed).into())
    }

    /// Whether whoever asks now is to come back later.
    pub fn turns_away(&self) -> bool {
        let beyond = self.late_us.load(Ordering::Relaxed).saturating_sub(CALM);
        if beyond == 0 {
            return false;
        }
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let share = u64::from(beyond.min(SPAN)) << 32;
        u64::from(asked.wrapping_mul(GOLDEN)) < share / u64::from(SPAN)
    }
}

fn there_and_back(mut socket: &UnixStream) -> io::Result<Duration> {
    let begun = Instant::now();
    socket.write_all(&[0])?;
    socket.read_exact(&mut [0])?;
    Ok(begun.elapsed())
}

/// Gives back each byte until the other end is closed.
async fn give_back(mut socket: tokio::net::UnixStream) {
    let mut byte = [0];
    while socket.read_exact(&mut byte).await.is_ok() && socket.write_all(&byte).await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned_away(late_us: u32) -> usize {
        let queueing = Queueing::default();
        queueing.note([late_us; BEATS]);
        (0..1000).filter(|_| queueing.turns_away()).count()
    }

    #[test]
    fn the_longer_the_wait_the_more_are_turned_away() {
        assert_eq!(turned_away(CALM), 0);
        let half = turned_away(CALM + SPAN / 2);
        assert!((495..=505).contains(&half), "{half}");
        assert_eq!(turned_away(CALM + SPAN), 1000);
        assert_eq!(turned_away(u32::MAX), 1000);
    }

    #[test]
    fn one_long_wait_is_no_overload() {
        let queueing = Queueing::default();
        queueing.note([u32::MAX, u32::MAX, 0, u32::MAX]);
        assert!(!queueing.turns_away());
        assert_eq!(queueing.late(), Duration::ZERO);
    }
}
