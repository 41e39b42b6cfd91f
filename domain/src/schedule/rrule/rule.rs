//! An `RRULE`: read by the `rrule` crate, followed by us.
//!
//! The crate's own iterator starts at `DTSTART` and goes on until it finds something: a hostile
//! rule holds a thread for minutes, a rule that never yields for as long as its 100 000 loops take,
//! and neither can be interrupted. Every filter of RFC 5545 that can stand beside the frequencies
//! `DAILY` to `YEARLY` is a question about one day, so we ask it of the days of the window alone.
//! A test holds the outcome against the crate's.

use std::ops::RangeInclusive;

use chrono::{
    Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Weekday,
};
use rrule::{Frequency, NWeekday, RRule, Unvalidated};

use super::text::{self, Until};
use crate::{
    error::Fault,
    schedule::occurrence::{DAY_BUDGET, days_in_month, later},
};

/// A rule together with the local start that fills what it leaves open.
#[derive(Debug)]
pub(super) struct Rule {
    freq: Frequency,
    interval: i64,
    count: Option<usize>,
    until: Option<Until>,
    week_start: Weekday,
    months: Vec<u8>,
    month_days: Vec<i8>,
    year_days: Vec<i16>,
    weeks: Vec<i8>,
    weekdays: Vec<NWeekday>,
    positions: Vec<i32>,
    start: NaiveDateTime,
    time: NaiveTime,
}

impl Rule {
    /// Reads `text` for occurrences that begin on or after the local `start`.
    ///
    /// # Errors
    /// Every fault of the text.
    pub(super) fn read(
        text: &str,
        start: NaiveDateTime,
        all_day: bool,
    ) -> Result<Self, Vec<Fault>> {
        let (parsed, until) = text::read(text, start, all_day)?;
        Ok(Self::of(&parsed, until, start))
    }

    fn of(parsed: &RRule<Unvalidated>, until: Option<Until>, start: NaiveDateTime) -> Self {
        let part = |given: &[u8], own: u32| given.first().map_or(own, |value| u32::from(*value));
        let time = NaiveTime::from_hms_opt(
            part(parsed.get_by_hour(), start.hour()),
            part(parsed.get_by_minute(), start.minute()),
            part(parsed.get_by_second(), start.second()),
        );
        let mut rule = Self {
            freq: parsed.get_freq(),
            interval: parsed.get_interval().into(),
            count: parsed.get_count().and_then(|count| usize::try_from(count).ok()),
            until,
            week_start: parsed.get_week_start(),
            months: parsed.get_by_month().to_vec(),
            month_days: parsed.get_by_month_day().to_vec(),
            year_days: parsed.get_by_year_day().to_vec(),
            weeks: parsed.get_by_week_no().to_vec(),
            weekdays: parsed.get_by_weekday().to_vec(),
            positions: parsed.get_by_set_pos().to_vec(),
            start,
            time: time.expect("the crate has checked hour, minute and second"),
        };
        rule.fill_from_start();
        rule
    }

    /// "Information, not contained in the rule, necessary to determine the various recurrence
    /// instance start time and dates are derived from the Start Time" (RFC 5545, 3.3.10).
    fn fill_from_start(&mut self) {
        let day = self.start.date();
        if !self.month_days.is_empty() || !self.year_days.is_empty() || !self.weekdays.is_empty() {
            return;
        }
        if self.freq == Frequency::Weekly || !self.weeks.is_empty() {
            self.weekdays.push(NWeekday::Every(day.weekday()));
        } else if matches!(self.freq, Frequency::Monthly | Frequency::Yearly) {
            self.month_days.push(i8::try_from(day.day()).expect("a month has 31 days at most"));
            if self.freq == Frequency::Yearly && self.months.is_empty() {
                self.months.push(u8::try_from(day.month()).expect("a year has twelve months"));
            }
        }
    }

    /// The local times it begins at on the days from `first` to `last`, in order; of a rule with
    /// `COUNT` those within the day budget from its start.
    pub(super) fn starts(
        &self,
        first: NaiveDate,
        last: NaiveDate,
        zone: &impl TimeZone,
    ) -> impl Iterator<Item = NaiveDateTime> {
        let own = self.start.date();
        // What is to be counted must be counted from the beginning.
        let (from, last) = if self.count.is_some() {
            (own, last.min(later(own, DAY_BUDGET)))
        } else {
            (first.max(own), last)
        };
        let until = self.until.map_or(NaiveDateTime::MAX, |until| until.local(zone));
        (self.period_before(from)..)
            .map_while(move |number| self.period(number).filter(|days| *days.start() <= last))
            .flat_map(|days| self.picked(days))
            .map(|day| day.and_time(self.time))
            .skip_while(move |at| *at < self.start || (self.count.is_none() && at.date() < from))
            .take_while(move |at| *at <= until && at.date() <= last)
            .take(self.count.unwrap_or(usize::MAX))
            .skip_while(move |at| at.date() < first)
    }

    /// The number of the last period, counted by `INTERVAL` from the start, that begins on `day` or
    /// before it.
    fn period_before(&self, day: NaiveDate) -> i64 {
        let own = self.start.date();
        let months = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
        let passed = match self.freq {
            Frequency::Yearly => i64::from(day.year()) - i64::from(own.year()),
            Frequency::Monthly => months(day) - months(own),
            Frequency::Weekly => (day - own.week(self.week_start).first_day()).num_days() / 7,
            _ => (day - own).num_days(),
        };
        passed.max(0) / self.interval
    }

    /// The days of a period; `None` at the end of what chrono can tell.
    fn period(&self, number: i64) -> Option<RangeInclusive<NaiveDate>> {
        let own = self.start.date();
        let passed = number.checked_mul(self.interval)?;
        match self.freq {
            Frequency::Yearly => {
                let year = own.year().checked_add(i32::try_from(passed).ok()?)?;
                Some(NaiveDate::from_ymd_opt(year, 1, 1)?..=NaiveDate::from_ymd_opt(year, 12, 31)?)
            }
            Frequency::Monthly => {
                let months = chrono::Months::new(u32::try_from(passed).ok()?);
                let first = own.with_day(1)?.checked_add_months(months)?;
                Some(
                    first
                        ..=first
                            .checked_add_days(Days::new(days_in_month(first).into()))?
                            .pred_opt()?,
                )
            }
            Frequency::Weekly => {
                let week = own.week(self.week_start).checked_first_day()?;
                let first = week.checked_add_signed(TimeDelta::try_weeks(passed)?)?;
                Some(first..=first.checked_add_days(Days::new(6))?)
            }
            _ => {
                let day = own.checked_add_signed(TimeDelta::try_days(passed)?)?;
                Some(day..=day)
            }
        }
    }

    /// The days of one period that the rule holds on, in order, those of `BYSETPOS` alone if it has
    /// one.
    fn picked(&self, period: RangeInclusive<NaiveDate>) -> Vec<NaiveDate> {
        let (first, last) = period.into_inner();
        let days = first.iter_days().take_while(|day| *day <= last);
        let days: Vec<_> = days.filter(|day| self.holds_on(*day)).collect();
        if self.positions.is_empty() {
            return days;
        }
        let picked = |place: usize| {
            let (place, count) = (i32::try_from(place), i32::try_from(days.len()));
            let (Ok(place), Ok(count)) = (place, count) else { return false };
            self.positions.contains(&(place + 1)) || self.positions.contains(&(place - count))
        };
        days.iter().enumerate().filter(|(place, _)| picked(*place)).map(|(_, day)| *day).collect()
    }

    fn holds_on(&self, day: NaiveDate) -> bool {
        let in_month = (day.day(), days_in_month(day));
        let in_year = (day.ordinal(), if day.leap_year() { 366 } else { 365 });
        (self.months.is_empty() || self.months.iter().any(|month| u32::from(*month) == day.month()))
            && (self.month_days.is_empty() || has(&self.month_days, in_month))
            && (self.year_days.is_empty() || has(&self.year_days, in_year))
            && (self.weeks.is_empty() || has(&self.weeks, iso_week(day)))
            && (self.weekdays.is_empty()
                || self.weekdays.iter().any(|one| self.is_weekday(*one, day)))
    }

    fn is_weekday(&self, wanted: NWeekday, day: NaiveDate) -> bool {
        match wanted {
            NWeekday::Every(weekday) => weekday == day.weekday(),
            NWeekday::Nth(number, weekday) => {
                // Within the year only for YEARLY without BYMONTH (RFC 5545, 3.3.10, note 2).
                let (place, length) = if self.freq == Frequency::Yearly && self.months.is_empty() {
                    (day.ordinal(), if day.leap_year() { 366 } else { 365 })
                } else {
                    (day.day(), days_in_month(day))
                };
                let place = ((place - 1) / 7 + 1, (place - 1) / 7 + (length - place) / 7 + 1);
                weekday == day.weekday() && has(&[number], place)
            }
        }
    }
}

/// Whether `numbers` holds `place` of 1 to `count`, counted from the front or, negative, from the
/// back.
fn has<N: Copy + Into<i64>>(numbers: &[N], (place, count): (u32, u32)) -> bool {
    let (front, back) = (i64::from(place), i64::from(place) - i64::from(count) - 1);
    numbers.iter().any(|number| {
        let number: i64 = (*number).into();
        number == front || number == back
    })
}

/// The ISO 8601 week of `day`, and how many weeks its year has.
fn iso_week(day: NaiveDate) -> (u32, u32) {
    let week = day.iso_week();
    // The fourth of January is in week 1, the 28th of December in the last week.
    let last = NaiveDate::from_ymd_opt(week.year(), 12, 28).map_or(52, |day| day.iso_week().week());
    (week.week(), last)
}

#[cfg(test)]
mod tests;
