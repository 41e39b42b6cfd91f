//! Opening: when listings are open, kept once for all that keep the same hours.
//!
//! Most listings of a town share a few hundred texts of hours. What one text says now is reckoned
//! once and held until it changes; a segment asks its few openings instead of its many listings.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    hours::{Context, HORIZON, Hours, Openness, State},
    listing::{self, NoticeKind},
    position::Position,
    reference::Reference,
};

/// The hours of some listings with all that decides them.
#[derive(Debug)]
pub struct Opening {
    hours: Option<Hours>,
    zone: Tz,
    context: Context,
    now: ArcSwapOption<Stretch>,
    /// What comes after it, where that was prepared.
    next: ArcSwapOption<Stretch>,
}

/// A time during which the state stays as it is.
#[derive(Debug)]
pub struct Stretch {
    /// When it was asked about; the state has held since then at least.
    from: DateTime<Utc>,
    /// What holds; `None` when nothing is known.
    pub openness: Option<Openness>,
    /// When it opens next, unless it is open or nobody knows.
    pub next_open: Option<DateTime<Tz>>,
    /// The first instant at which something else may hold.
    pub until: Option<DateTime<Utc>>,
    /// How it is shown: for whoever shows it to keep.
    pub shown: OnceLock<Box<[u8]>>,
}

impl Stretch {
    fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// Whether one can go in.
    pub(crate) fn is_open(&self) -> bool {
        self.openness.is_some_and(|openness| openness.state == State::Open)
    }
}

/// What makes openings one: the text, the zone, the place where the sun matters, the closures.
pub(crate) type Key = (String, Tz, Option<(u64, u64)>, Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>);

/// Words of OSM's syntax that ask where the sun stands.
const SUN: [&str; 4] = ["sunrise", "sunset", "dawn", "dusk"];

impl Opening {
    /// What the opening of `listing` at `position` is known by; `None` when nothing closes or opens it.
    pub(crate) fn key(listing: &listing::Model, position: Option<Position>) -> Option<Key> {
        let closures: Vec<_> = listing
            .notices
            .iter()
            .filter(|notice| notice.kind == NoticeKind::Closure)
            .map(|notice| (notice.from.unwrap_or(DateTime::<Utc>::MIN_UTC), notice.to))
            .collect();
        let text = listing.hours.clone().unwrap_or_default();
        if text.is_empty() && closures.is_empty() {
            return None;
        }
        let sun = SUN.iter().any(|word| text.to_ascii_lowercase().contains(word));
        let place = position.filter(|_| sun).map(|at| (at.lat().to_bits(), at.lon().to_bits()));
        Some((text, listing.timezone(), place, closures))
    }

    pub(crate) fn new((text, zone, place, closures): &Key, reference: &Reference) -> Self {
        Self {
            hours: text.parse().ok(),
            zone: *zone,
            context: Context {
                holidays: reference.national_holidays().clone(),
                coordinates: place.map(|(lat, lon)| (f64::from_bits(lat), f64::from_bits(lon))),
                closures: closures.clone(),
            },
            now: ArcSwapOption::empty(),
            next: ArcSwapOption::empty(),
        }
    }

    fn known(&self, at: DateTime<Utc>) -> Option<Arc<Stretch>> {
        let holds = |known: &ArcSwapOption<Stretch>| known.load_full().filter(|it| it.holds(at));
        holds(&self.now).or_else(|| holds(&self.next))
    }

    /// Reckons what holds at `at`, and what comes after that if it comes within `ahead`.
    pub(crate) fn prepare(&self, at: DateTime<Utc>, ahead: TimeDelta) {
        let now = self.known(at).unwrap_or_else(|| Arc::new(self.reckon(at)));
        let next = now.until.filter(|until| *until <= at + ahead);
        self.now.store(Some(now));
        if let Some(next) = next.filter(|next| self.known(*next).is_none()) {
            self.next.store(Some(Arc::new(self.reckon(next))));
        }
    }

    /// What holds at `at`. Kept for whoever asks again before it changes.
    pub fn stretch(&self, at: DateTime<Utc>) -> Arc<Stretch> {
        if let Some(known) = self.known(at) {
            return known;
        }
        let stretch = Arc::new(self.reckon(at));
        self.now.store(Some(Arc::clone(&stretch)));
        stretch
    }

    /// Whether it is open at `at`, and until when that is so at least.
    pub(crate) fn is_open(&self, at: DateTime<Utc>) -> (bool, Option<DateTime<Utc>>) {
        if let Some(known) = self.known(at) {
            return (known.is_open(), known.until);
        }
        let (openness, until) = self.openness(at);
        (openness.is_some_and(|openness| openness.state == State::Open), until)
    }

    fn reckon(&self, at: DateTime<Utc>) -> Stretch {
        let (openness, until) = self.openness(at);
        let is_open = openness.is_some_and(|openness| openness.state == State::Open);
        let hours = self.hours.as_ref().filter(|_| openness.is_some() && !is_open);
        let next_open =
            hours.and_then(|h| h.next_open(at.with_timezone(&self.zone), &self.context));
        Stretch { from: at, openness, next_open, until, shown: OnceLock::new() }
    }

    fn openness(&self, at: DateTime<Utc>) -> (Option<Openness>, Option<DateTime<Utc>>) {
        if let Some(hours) = &self.hours {
            let openness = hours.at(at.with_timezone(&self.zone), &self.context);
            // No change within the horizon is not none ever.
            let until = openness.until.map_or(at + HORIZON, |until| until.to_utc());
            return (Some(openness), Some(until));
        }
        // No hours, but a closure closes all the same.
        let closures = &self.context.closures;
        let in_force = |(from, to): &&(DateTime<Utc>, Option<DateTime<Utc>>)| {
            *from <= at && to.is_none_or(|to| at < to)
        };
        let latest = |(_, to): &&(DateTime<Utc>, Option<DateTime<Utc>>)| {
            to.unwrap_or(DateTime::<Utc>::MAX_UTC)
        };
        if let Some((_, to)) = closures.iter().filter(in_force).max_by_key(latest) {
            let until = to.map(|to| to.with_timezone(&self.zone));
            return (Some(Openness { state: State::Closed, until }), *to);
        }
        let next = closures.iter().map(|(from, _)| *from).filter(|from| *from > at).min();
        (None, next)
    }
}
