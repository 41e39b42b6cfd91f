//! Schedules by an RFC 5545 rule, with exceptions and extra dates.

mod rule;
mod text;

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use self::rule::Rule;
use super::{
    length_faults, mixed_forms, never,
    occurrence::{DAY_BUDGET, Length, Occurrence, Window, later},
    too_many,
    when::{When, whole_days},
};
use crate::error::Fault;

/// How far from now a rule may start, either way: ten years, in days.
const MAX_START_DISTANCE_DAYS: i64 = 3_653;

/// A schedule by an RFC 5545 rule.
///
/// All-day when `start` is a date. The rule runs by the clock of the event's zone: 06:00 stays
/// 06:00 when the offset changes. A start that the rule does not name is no occurrence of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    /// `DTSTART`: nothing before it; what the rule leaves open (time, day) is taken from it.
    pub start: When,
    /// How long one takes, in minutes: 1 to 20 160, only with a time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_min: Option<u32>,
    /// How many days one takes: 1 to 60, all-day only; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// The value of an `RRULE` of the frequencies `DAILY` to `YEARLY`: `FREQ=WEEKLY;BYDAY=SU`.
    pub rrule: String,
    /// Starts that do not take place; each in the form of `start`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exdates: Vec<When>,
    /// Further starts; each in the form of `start`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rdates: Vec<When>,
}

impl Recurrence {
    pub(super) fn check(&self, now: DateTime<Utc>) -> Vec<Fault> {
        let timed = !self.start.is_date();
        let mut faults: Vec<_> =
            self.check_start(now).map(|fault| fault.below("start")).into_iter().collect();
        faults.extend(length_faults(timed, self.duration_min, self.days));
        faults.extend(self.check_listed(&self.exdates, "exdates"));
        faults.extend(self.check_listed(&self.rdates, "rdates"));
        // The event's zone is not known here; the offset that `start` is written with comes close
        // enough to tell a rule that yields nothing at all.
        let found = match self.start {
            When::Date(_) => self.yields_in(&Utc),
            When::Time(time) => self.yields_in(time.offset()),
        };
        match found {
            Ok(true) => {}
            Ok(false) => faults.push(never().below("rrule")),
            Err(broken) => faults.extend(broken.into_iter().map(|fault| fault.below("rrule"))),
        }
        faults
    }

    fn yields_in(&self, zone: &impl TimeZone) -> Result<bool, Vec<Fault>> {
        let start = self.start.local(zone);
        let rule = Rule::read(&self.rrule, start, self.start.is_date())?;
        let last = later(start.date(), DAY_BUDGET);
        Ok(rule.starts(start.date(), last, zone).next().is_some())
    }

    fn check_start(&self, now: DateTime<Utc>) -> Option<Fault> {
        let away = self.start.local(&Utc).signed_duration_since(now.naive_utc()).abs();
        (away > whole_days(MAX_START_DISTANCE_DAYS)).then(|| {
            Fault::new(
                "out_of_range",
                "paling jauh sepuluh tahun dari sekarang",
                "must be within ten years of now",
            )
        })
    }

    fn check_listed(&self, listed: &[When], member: &str) -> Vec<Fault> {
        let mut faults: Vec<_> = too_many(listed.len(), member).into_iter().collect();
        for (place, when) in listed.iter().enumerate().take(super::MAX_LISTED) {
            let fault = if when.is_date() == self.start.is_date() {
                when.check()
            } else {
                Some(mixed_forms())
            };
            faults.extend(fault.map(|fault| fault.below(place).below(member)));
        }
        faults
    }

    /// The rule as calendars elsewhere understand it (RFC 5545): its first start, and its text with
    /// an `UNTIL` in the form of that start, in UTC where it has a time.
    ///
    /// Elsewhere `DTSTART` is an occurrence whether the rule names it or not, so it is the first
    /// that the rule does name. `None` where there is none.
    pub fn for_calendars(&self, zone: Tz) -> Option<(When, String)> {
        let all_day = self.start.is_date();
        let local = self.start.local(&zone);
        let rule = Rule::read(&self.rrule, local, all_day).ok()?;
        let last = later(local.date(), DAY_BUDGET);
        let first = rule.starts(local.date(), last, &zone).next()?;
        let length = Length::of(!all_day, self.duration_min, self.days);
        let parts = self.rrule.split(';').filter(|part| !part.is_empty());
        let parts: Vec<String> = parts.map(|part| text::portable(part, zone, all_day)).collect();
        Some((Occurrence::on(first, length, zone).start, parts.join(";")))
    }

    pub(super) fn occurrences(&self, window: &Window, limit: usize) -> Vec<Occurrence> {
        let all_day = self.start.is_date();
        let length = Length::of(!all_day, self.duration_min, self.days);
        let local = self.start.local(&window.zone);
        let on = |start: NaiveDateTime| Occurrence::on(start, length, window.zone);
        let takes_place = |one: &Occurrence| {
            one.start.is_date() == all_day
                && !self.exdates.contains(&one.start)
                && window.overlaps(one)
        };

        let further = self.rdates.iter().filter(|when| when.is_date() == all_day);
        let mut found: Vec<_> =
            further.map(|when| on(when.local(&window.zone))).filter(takes_place).collect();
        // A rule that has become unreadable (an older version took it) leaves the dates listed.
        if let Ok(rule) = Rule::read(&self.rrule, local, all_day) {
            let (first, last) = window.days(length, local.date());
            let starts = rule.starts(first, last, &window.zone);
            found.extend(starts.map(on).filter(takes_place).take(limit));
        }
        found
    }
}
