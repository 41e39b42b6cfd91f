//! A day or an instant, as schedules write them.

use std::{fmt, str::FromStr};

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone};
use chrono::{LocalResult, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::year_fault;
use crate::{draft::Carried, error::Fault};

/// A whole day (`2026-12-12`) or an instant with its offset (`2026-12-12T19:00:00+07:00`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum When {
    /// A day of the event's zone.
    Date(NaiveDate),
    /// An instant; equal to another at the same instant, whatever the offsets.
    Time(DateTime<FixedOffset>),
}

impl When {
    /// Whether it is a day, without a time.
    pub fn is_date(self) -> bool {
        matches!(self, Self::Date(_))
    }

    /// The instant, in `zone`: of a day its beginning there.
    pub fn at(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Date(date) => instant(date.into(), &zone).to_utc(),
            Self::Time(time) => time.to_utc(),
        }
    }

    /// The day and the time that a clock in `zone` shows; midnight for a day.
    pub fn local(self, zone: &impl TimeZone) -> NaiveDateTime {
        match self {
            Self::Date(date) => date.into(),
            Self::Time(time) => time.with_timezone(zone).naive_local(),
        }
    }

    pub(super) fn check(self) -> Option<Fault> {
        match self {
            Self::Date(date) => year_fault(&date),
            Self::Time(time) => year_fault(&time),
        }
    }
}

/// `YYYY-MM-DD` to the letter, or RFC 3339.
impl FromStr for When {
    type Err = Fault;

    fn from_str(raw: &str) -> Result<Self, Fault> {
        let date = NaiveDate::parse_from_str(raw, "%Y-%m-%d").ok();
        // chrono also takes `2026-1-2` and `+12026-01-02`, which we would not write back as such.
        if let Some(date) = date.filter(|date| raw.len() == 10 && date.to_string() == raw) {
            return Ok(Self::Date(date));
        }
        DateTime::parse_from_rfc3339(raw).map(Self::Time).map_err(|_| {
            Fault::new(
                "bad_time",
                "harus tanggal (2026-12-12) atau waktu RFC 3339 (2026-12-12T19:00:00+07:00)",
                "must be a date (2026-12-12) or an RFC 3339 time (2026-12-12T19:00:00+07:00)",
            )
        })
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => date.fmt(f),
            Self::Time(time) => {
                f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, time.offset() == &UTC))
            }
        }
    }
}

const UTC: FixedOffset = FixedOffset::east_opt(0).expect("zero is an offset");

impl TryFrom<String> for When {
    type Error = Carried;

    fn try_from(raw: String) -> Result<Self, Carried> {
        Ok(raw.parse()?)
    }
}

impl From<When> for String {
    fn from(when: When) -> Self {
        when.to_string()
    }
}

/// So many times twenty-four hours.
pub(super) fn whole_days(days: i64) -> TimeDelta {
    TimeDelta::try_days(days).unwrap_or(TimeDelta::MAX)
}

/// The instant at which a clock in `zone` shows `local`.
///
/// A time that a change of offset repeats is its first; one that the change skips is read with the
/// offset before it (RFC 5545, 3.3.5).
pub(super) fn instant<Z: TimeZone>(local: NaiveDateTime, zone: &Z) -> DateTime<Z> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time,
        LocalResult::None => {
            let offset = zone.offset_from_utc_datetime(&(local - whole_days(1)));
            zone.from_utc_datetime(&(local - chrono::Offset::fix(&offset)))
        }
    }
}
