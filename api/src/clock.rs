//! The clock: the only place that reads the time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, SubsecRound, Utc};

/// Tells the time in whole microseconds, as both databases keep it. Tests set it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's own.
    pub fn system() -> Self {
        Self(None)
    }

    /// One that stands at `now` until it is [set](Self::set).
    pub fn standing(now: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.timestamp_micros()))))
    }

    /// Moves a standing clock, and all its clones; the machine's own cannot be moved.
    pub fn set(&self, now: DateTime<Utc>) {
        if let Some(micros) = &self.0 {
            micros.store(now.timestamp_micros(), Ordering::SeqCst);
        }
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Some(micros) => DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst))
                .unwrap_or(DateTime::UNIX_EPOCH),
            None => Utc::now().trunc_subsecs(6),
        }
    }
}
