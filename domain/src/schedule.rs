//! When an event takes place: listed dates, an RFC 5545 rule, or a rule of the Javanese calendar.
//!
//! A [`Schedule`] is read from JSON as it is, [checked](Schedule::check) for every fault at once,
//! and [expanded](Schedule::occurrences) for a window. Whatever is stored, one expansion looks at
//! no more than 15 000 days. What lives elsewhere: the calendar itself (`javanese`), and whether an
//! event is cancelled.

mod javanese_rule;
mod occurrence;
mod rrule;
mod when;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

pub use self::{
    javanese_rule::{Announced, Javanese, JavaneseRule, Pick},
    occurrence::{Certainty, Occurrence},
    rrule::Recurrence,
    when::When,
};
use self::{occurrence::Window, when::whole_days};
use crate::error::Fault;

/// How many sessions, extra dates, exceptions or announced dates one schedule may list.
pub const MAX_LISTED: usize = 400;
/// The longest that one listed session may last, in days.
pub const MAX_SESSION_DAYS: i64 = 366;
/// The longest `duration_min`: fourteen days, in minutes.
pub const MAX_DURATION_MIN: u32 = 20_160;
/// The longest `days` of an all-day occurrence.
pub const MAX_DAYS: u32 = 60;
/// The years that a written date may stand in.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// When an event takes place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Schedule {
    /// Listed sessions, each with its start and end.
    Dates(Dates),
    /// An RFC 5545 rule with exceptions and extra dates.
    Rrule(Recurrence),
    /// A rule of the Javanese calendar.
    Javanese(Javanese),
}

/// Listed sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// In any order; 1 to 400.
    pub sessions: Vec<Session>,
}

/// One session of listed dates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The first day, or the instant it begins.
    pub start: When,
    /// The day after the last one, or the instant it ends: exclusive as in RFC 5545.
    pub end: When,
}

impl Schedule {
    /// Every rule that this schedule breaks, each with a pointer into its JSON; empty when it may be
    /// stored.
    ///
    /// `now` bounds how far away a rule may start. A rule that can never yield a date is a fault.
    pub fn check(&self, now: DateTime<Utc>) -> Vec<Fault> {
        match self {
            Self::Dates(dates) => dates.check(),
            Self::Rrule(recurrence) => recurrence.check(now),
            Self::Javanese(javanese) => javanese.check(),
        }
    }

    /// The occurrences that overlap the half-open window from `from` to `to`, in order of start
    /// (then of end), none twice, at most `limit`.
    ///
    /// Dates and clock times are those of `zone`, also across a change of its offset. One without
    /// length counts where `from ≤ start < to`. The window is clipped to the years 1900 to 2199 and
    /// begins no earlier than the rule (a Javanese one in 1936); rules are followed for 15 000 days
    /// (41 years) from there, those with a `COUNT` from their own start. A schedule with faults yields what can be understood of it, perhaps
    /// nothing.
    pub fn occurrences(
        &self,
        zone: Tz,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: usize,
    ) -> Vec<Occurrence> {
        let window = Window::new(zone, from, to);
        if window.is_empty() {
            return Vec::new();
        }
        let mut found = match self {
            Self::Dates(dates) => dates.occurrences(&window),
            Self::Rrule(recurrence) => recurrence.occurrences(&window, limit),
            Self::Javanese(javanese) => javanese.occurrences(&window, limit),
        };
        found.retain(|one| window.overlaps(one));
        found.sort_by_key(|one| (one.starts_at(zone), one.ends_at(zone)));
        found.dedup_by(|later, earlier| later.start == earlier.start && later.end == earlier.end);
        found.truncate(limit);
        found
    }
}

impl Dates {
    fn check(&self) -> Vec<Fault> {
        if self.sessions.is_empty() {
            return vec![
                Fault::new("missing", "perlu sedikitnya satu sesi", "needs at least one session")
                    .below("sessions"),
            ];
        }
        let mut faults: Vec<_> = too_many(self.sessions.len(), "sessions").into_iter().collect();
        for (place, session) in self.sessions.iter().enumerate().take(MAX_LISTED) {
            faults.extend(
                session.check().into_iter().map(|fault| fault.below(place).below("sessions")),
            );
        }
        faults
    }

    /// Listed dates are somebody's announcement, not a computation.
    fn occurrences(&self, window: &Window) -> Vec<Occurrence> {
        let sessions = self.sessions.iter();
        sessions.map(|session| Occurrence::listed(session, window.zone)).collect()
    }
}

impl Session {
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        faults.extend(self.start.check().map(|fault| fault.below("start")));
        faults.extend(self.end.check().map(|fault| fault.below("end")));
        let length = match (self.start, self.end) {
            (When::Date(start), When::Date(end)) => end.signed_duration_since(start),
            (When::Time(start), When::Time(end)) => end.signed_duration_since(start),
            _ => {
                faults.push(mixed_forms().below("end"));
                return faults;
            }
        };
        if length <= chrono::TimeDelta::zero() {
            let (id, en) = match self.start {
                When::Date(_) => (
                    "harus setelah start (hari terakhir tidak termasuk)",
                    "must be after start: the end is the day after the last one",
                ),
                When::Time(_) => ("harus setelah start", "must be after start"),
            };
            faults.push(Fault::new("ends_before_start", id, en).below("end"));
        } else if length > whole_days(MAX_SESSION_DAYS) {
            faults.push(
                Fault::new(
                    "too_long",
                    format!("satu sesi paling lama {MAX_SESSION_DAYS} hari"),
                    format!("a session lasts at most {MAX_SESSION_DAYS} days"),
                )
                .below("end"),
            );
        }
        faults
    }
}

fn too_many(count: usize, member: &str) -> Option<Fault> {
    (count > MAX_LISTED).then(|| {
        Fault::new(
            "too_many",
            format!("paling banyak {MAX_LISTED} butir"),
            format!("must hold at most {MAX_LISTED} items"),
        )
        .below(member)
    })
}

fn mixed_forms() -> Fault {
    Fault::new(
        "mixed_forms",
        "harus sama bentuknya dengan start: tanggal saja, atau tanggal dengan jam",
        "must have the form of start: dates throughout, or times throughout",
    )
}

fn conflict(id: &str, en: &str) -> Fault {
    Fault::new("conflict", id, en)
}

fn never() -> Fault {
    Fault::new("never", "aturan ini tidak pernah menghasilkan tanggal", "never yields a date")
}

/// The fault of a number outside `range`, if it is.
fn outside<N: Copy + PartialOrd + std::fmt::Display>(
    number: N,
    range: &std::ops::RangeInclusive<N>,
) -> Option<Fault> {
    let (min, max) = (range.start(), range.end());
    (!range.contains(&number)).then(|| {
        Fault::new(
            "out_of_range",
            format!("harus antara {min} dan {max}"),
            format!("must be between {min} and {max}"),
        )
    })
}

/// The faults of `duration_min` (for occurrences at a time of day) and `days` (for all-day ones).
fn length_faults(timed: bool, duration_min: Option<u32>, days: Option<u32>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(minutes) = duration_min {
        let fault = if timed {
            outside(minutes, &(1..=MAX_DURATION_MIN))
        } else {
            Some(conflict("hanya untuk acara yang berjam", "only goes with a time of day"))
        };
        faults.extend(fault.map(|fault| fault.below("duration_min")));
    }
    if let Some(days) = days {
        let fault = if timed {
            Some(conflict("hanya untuk acara sehari penuh", "only goes with all-day occurrences"))
        } else {
            outside(days, &(1..=MAX_DAYS))
        };
        faults.extend(fault.map(|fault| fault.below("days")));
    }
    faults
}

fn year_fault(date: &impl Datelike) -> Option<Fault> {
    let (min, max) = (YEARS.start(), YEARS.end());
    (!YEARS.contains(&date.year())).then(|| {
        Fault::new(
            "out_of_range",
            format!("tahun harus antara {min} dan {max}"),
            format!("the year must be between {min} and {max}"),
        )
    })
}

#[cfg(test)]
mod tests;
