//! Which days the selectors of a rule name.

use std::ops::RangeInclusive;

use chrono::{Datelike, Days, NaiveDate, TimeDelta, Weekday};
use opening_hours_syntax::rules::day::{
    Date, DateOffset, DaySelector, HolidayKind, MonthdayRange, WeekDayOffset, WeekDayRange,
    WeekRange, YearRange,
};

use super::Holidays;

/// Whether `days` name `date`: each kind of selector that is there must, by one of its members.
pub(super) fn name(days: &DaySelector, date: NaiveDate, holidays: &Holidays) -> bool {
    one_of(&days.year, |years| in_years(years, date.year()))
        && one_of(&days.monthday, |dates| in_dates(dates, date))
        && one_of(&days.week, |weeks| in_weeks(weeks, date))
        && one_of(&days.weekday, |weekdays| in_weekdays(weekdays, date, holidays))
}

/// Whether they are the same in every week, wherever that is and whatever its date.
pub(super) fn same_every_week(days: &DaySelector) -> bool {
    let plain = |days: &WeekDayRange| {
        matches!(days, WeekDayRange::Fixed { offset: 0, nth_from_start, nth_from_end, .. }
            if [nth_from_start, nth_from_end] == [&[true; 5]; 2])
    };
    days.year.is_empty()
        && days.monthday.is_empty()
        && days.week.is_empty()
        && days.weekday.iter().all(plain)
}

fn one_of<T>(selectors: &[T], names: impl Fn(&T) -> bool) -> bool {
    selectors.is_empty() || selectors.iter().any(names)
}

fn in_years(years: &YearRange, year: i32) -> bool {
    let (range, step) = years.into_parts();
    let (first, last) = (range.start().0, range.end().0);
    (first..=last).contains(&year) && (year - first) % i32::from(step).max(1) == 0
}

/// Weeks are those of ISO 8601.
fn in_weeks(weeks: &WeekRange, date: NaiveDate) -> bool {
    let (range, step) = weeks.into_parts();
    let (first, last) = (u32::from(range.start().0), u32::from(range.end().0));
    let week = date.iso_week().week();
    (first..=last).contains(&week) && (week - first).is_multiple_of(u32::from(step).max(1))
}

fn in_weekdays(weekdays: &WeekDayRange, date: NaiveDate, holidays: &Holidays) -> bool {
    match weekdays {
        WeekDayRange::Fixed { range, offset, nth_from_start, nth_from_end } => {
            let Some(date) = moved(date, -i64::from(*offset)) else { return false };
            let (first, last) = (*range.start(), *range.end());
            let (before, after) = (date.day0(), u32::from(date.num_days_in_month()) - date.day());
            date.weekday().days_since(first) <= last.days_since(first)
                && (nth_from_start[before as usize / 7] || nth_from_end[after as usize / 7])
        }
        WeekDayRange::Holiday { kind: HolidayKind::Public, offset } => {
            moved(date, -i64::from(*offset)).is_some_and(|date| holidays.contains(date))
        }
        WeekDayRange::Holiday { kind: HolidayKind::School, .. } => false,
    }
}

fn in_dates(dates: &MonthdayRange, date: NaiveDate) -> bool {
    match dates {
        MonthdayRange::Month { range, year } => {
            let (first, last, month) = (*range.start() as u32, *range.end() as u32, date.month());
            let over_new_year = first > last && month <= last;
            let within = if first <= last {
                (first..=last).contains(&month)
            } else {
                month >= first || month <= last
            };
            within && year.is_none_or(|year| date.year() == year.0 + i32::from(over_new_year))
        }
        MonthdayRange::Date { start, end } if start == end => {
            let mut years = years_near(start, date);
            years.any(|year| dated(start, year, Missing::Nothing) == Some(date))
        }
        MonthdayRange::Date { start, end } => {
            let mut years = years_near(start, date);
            years.any(|year| {
                stretch(start, end, year).is_some_and(|(from, to)| (from..=to).contains(&date))
            })
        }
    }
}

/// The years in which a range from `start` that holds `date` may begin.
fn years_near(start: &(Date, DateOffset), date: NaiveDate) -> RangeInclusive<i32> {
    match start.0.year() {
        Some(year) => year.0..=year.0,
        None => within_reach(start, date.year()),
    }
}

/// The years near `year` in which a day may be meant that its offset moves there, and a year more.
fn within_reach((_, offset): &(Date, DateOffset), year: i32) -> RangeInclusive<i32> {
    let reach = 2 + i32::from(offset.day_offset).abs() / 365;
    year - reach..=year + reach
}

/// What stands for a day that a month does not have (February 30).
#[derive(Clone, Copy)]
enum Missing {
    Nothing,
    DayBefore,
    DayAfter,
}

/// First and last day of the range that begins in `year`; where it ends in no year of its own, at
/// the first end that is not before the beginning.
fn stretch(
    start: &(Date, DateOffset),
    end: &(Date, DateOffset),
    year: i32,
) -> Option<(NaiveDate, NaiveDate)> {
    let from = dated(start, year, Missing::DayAfter)?;
    if let (None, Some(last)) = (start.0.year(), end.0.year()) {
        // Only the end says its year: the last beginning before it is meant.
        let to = dated(end, last.0, Missing::DayBefore)?;
        let later = dated(start, year + 1, Missing::DayAfter);
        return (from <= to && later.is_none_or(|later| later > to)).then_some((from, to));
    }
    let mut ends = within_reach(end, from.year()).filter_map(|year| {
        let year = end.0.year().map_or(year, |year| year.0);
        dated(end, year, Missing::DayBefore)
    });
    ends.find(|to| from <= *to).map(|to| (from, to))
}

/// The day that is meant in `year`, moved as it says.
fn dated((date, offset): &(Date, DateOffset), year: i32, missing: Missing) -> Option<NaiveDate> {
    if date.year().is_some_and(|own| own.0 != year) {
        return None;
    }
    let date = match *date {
        Date::Fixed { month, day, .. } => day_of_month(year, month as u32, day.into(), missing)?,
        Date::Weekday { month, wday, nth, .. } => nth_weekday(year, month as u32, wday, nth)?,
        Date::Easter { .. } => return None,
    };
    let date = moved(date, offset.day_offset.into())?;
    match offset.wday_offset {
        WeekDayOffset::None => Some(date),
        WeekDayOffset::Next(day) => moved(date, day.days_since(date.weekday()).into()),
        WeekDayOffset::Prev(day) => moved(date, -i64::from(date.weekday().days_since(day))),
    }
}

fn day_of_month(year: i32, month: u32, day: u32, missing: Missing) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    let last = u32::from(first.num_days_in_month());
    match missing {
        Missing::DayBefore => first.with_day(day.min(last)),
        Missing::DayAfter if day > last => first.with_day(last)?.succ_opt(),
        Missing::Nothing | Missing::DayAfter => first.with_day(day),
    }
}

/// The `nth` such weekday of a month, from its end where that is negative.
fn nth_weekday(year: i32, month: u32, weekday: Weekday, nth: i8) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    if nth > 0 {
        return NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth.unsigned_abs());
    }
    let last = first.with_day(first.num_days_in_month().into())?;
    let back = last.weekday().days_since(weekday) + 7 * (u32::from(nth.unsigned_abs()) - 1);
    last.checked_sub_days(Days::new(back.into())).filter(|date| date.month() == month)
}

fn moved(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    date.checked_add_signed(TimeDelta::days(days))
}
