//! One time that an event takes place, and the window it is looked for in.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{
    Session, YEARS,
    when::{When, instant, whole_days},
};
use crate::javanese::JavaneseDate;

/// The most days that one expansion looks at: 41 years.
pub(super) const DAY_BUDGET: i64 = 15_000;

/// How sure a date is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// It follows from a rule; those who hold the event may still say otherwise.
    Computed,
    /// Somebody has said so.
    Announced,
}

/// One time that an event takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The first day, or the instant it begins.
    pub start: When,
    /// The day after the last one, or the instant it ends; equal to `start` where it is not known
    /// how long it takes.
    pub end: When,
    /// Whether somebody has said so.
    pub certainty: Certainty,
    /// The Javanese date of its first day: of all-day occurrences and those of Javanese rules,
    /// within the kurup.
    pub javanese: Option<JavaneseDate>,
}

impl Occurrence {
    /// Whether it takes whole days, without a time.
    pub fn all_day(&self) -> bool {
        self.start.is_date()
    }

    /// The instant it begins; a day begins at midnight in `zone`.
    pub fn starts_at(&self, zone: Tz) -> DateTime<Utc> {
        self.start.at(zone)
    }

    /// The first instant after it; equal to [`Occurrence::starts_at`] where its length is not known.
    pub fn ends_at(&self, zone: Tz) -> DateTime<Utc> {
        self.end.at(zone)
    }

    pub(super) fn listed(session: &Session, zone: Tz) -> Self {
        let (start, end) = (session.start, session.end);
        Self { start, end, certainty: Certainty::Announced, javanese: None }.with_javanese(zone)
    }

    /// All day for as many days as `length` has, or at the local time `length` begins at.
    pub(super) fn on(local: NaiveDateTime, length: Length, zone: Tz) -> Self {
        let (start, end) = match length {
            Length::Days(days) => {
                let date = local.date();
                (When::Date(date), When::Date(later(date, days.into())))
            }
            Length::Minutes(minutes) => {
                let start = instant(local, &zone);
                let end = start + TimeDelta::minutes(minutes.into());
                (When::Time(start.fixed_offset()), When::Time(end.fixed_offset()))
            }
        };
        Self { start, end, certainty: Certainty::Computed, javanese: None }.with_javanese(zone)
    }

    pub(super) fn announced(self) -> Self {
        Self { certainty: Certainty::Announced, ..self }
    }

    /// With the Javanese date although it has a time of day.
    pub(super) fn by_javanese_rule(self, zone: Tz) -> Self {
        Self { javanese: JavaneseDate::of(self.start.local(&zone).date()), ..self }
    }

    fn with_javanese(self, zone: Tz) -> Self {
        if self.all_day() { self.by_javanese_rule(zone) } else { self }
    }
}

/// How long the occurrences of a rule are, and with it whether they have a time of day.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    Days(u32),
    /// Zero where nobody says.
    Minutes(u32),
}

impl Length {
    pub(super) fn of(timed: bool, duration_min: Option<u32>, days: Option<u32>) -> Self {
        if timed {
            Self::Minutes(duration_min.unwrap_or(0).min(super::MAX_DURATION_MIN))
        } else {
            Self::Days(days.unwrap_or(1).clamp(1, super::MAX_DAYS))
        }
    }

    /// Whole days after its start on which one may still be going on.
    pub(super) fn reach_days(self) -> i64 {
        match self {
            Self::Days(days) => days.into(),
            Self::Minutes(minutes) => i64::from(minutes) / 1_440 + 1,
        }
    }
}

/// What is looked at: from `from` until just before `to`, seen from `zone`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub zone: Tz,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Window {
    /// Clipped to the years that schedules may speak of, which also keeps every sum below from
    /// overflowing.
    pub(super) fn new(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single();
        let least = year(*YEARS.start()).expect("a year begins once");
        let most = year(*YEARS.end() + 1).expect("a year begins once");
        Self { zone, from: from.clamp(least, most), to: to.clamp(least, most) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.to <= self.from
    }

    pub(super) fn overlaps(&self, one: &Occurrence) -> bool {
        let (start, end) = (one.starts_at(self.zone), one.ends_at(self.zone));
        start < self.to && (end > self.from || start >= self.from)
    }

    /// The local days, both included, that an occurrence in the window may start on, from `own` (the
    /// first that its rule may name) and within the day budget.
    pub(super) fn days(&self, length: Length, own: NaiveDate) -> (NaiveDate, NaiveDate) {
        let local = |time: DateTime<Utc>| time.with_timezone(&self.zone).date_naive();
        // One day more: a clock change may move a start across midnight.
        let first = later(local(self.from), -length.reach_days() - 1).max(own);
        (first, local(self.to).min(later(first, DAY_BUDGET)))
    }
}

/// `date` moved by `days`; stays where it is at the ends of what chrono can tell.
pub(super) fn later(date: NaiveDate, days: i64) -> NaiveDate {
    date.checked_add_signed(whole_days(days)).unwrap_or(date)
}

/// The length of `date`'s month, in days.
pub(super) fn days_in_month(date: NaiveDate) -> u32 {
    date.num_days_in_month().into()
}

/// `date` at `time`, or at midnight.
pub(super) fn on_day(date: NaiveDate, time: Option<NaiveTime>) -> NaiveDateTime {
    date.and_time(time.unwrap_or_default())
}
