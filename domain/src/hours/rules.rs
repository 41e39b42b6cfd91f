//! What the rules of a text say of a day, minute by minute of its wall clock.
//!
//! Each day's rules are looked at by themselves. What they say may go on past midnight, and belongs
//! to the day it began on all the same; so a minute is asked of two days.

use chrono::NaiveDate;
use opening_hours_syntax::{
    ExtendedTime, RuleKind,
    rules::{
        OpeningHoursExpression, RuleOperator, RuleSequence,
        time::{Time, TimeSpan},
    },
};

use super::{Holidays, State, WeeklyStretch, days, sun::Sky};

/// Minutes of a day, of a day and the night after it, and of a week.
const DAY: u16 = 24 * 60;
const TWO_DAYS: u16 = 2 * DAY;
const WEEK: u16 = 7 * DAY;

/// Days from the first of January of the year 1 to that of 1970, both as chrono counts them.
const EPOCH_FROM_CE: i64 = 719_163;

/// What a text says, ready to be asked.
#[derive(Debug)]
pub(super) struct Rules {
    /// The rules between two `||`; each group holds where all before it say closed.
    groups: Vec<Vec<RuleSequence>>,
    /// The answers, where all weeks are the same.
    week: Option<Week>,
}

/// What rules must know of a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub holidays: &'a Holidays,
    pub sky: Sky,
}

/// From `from` to `to` (exclusive), minutes after the midnight the day begins with, `state` is said.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: u16,
    to: u16,
    state: State,
}

impl Rules {
    pub(super) fn new(expression: OpeningHoursExpression) -> Self {
        let mut groups: Vec<Vec<RuleSequence>> = Vec::new();
        for rule in expression.rules {
            match groups.last_mut() {
                Some(group) if rule.operator != RuleOperator::Fallback => group.push(rule),
                _ => groups.push(vec![rule]),
            }
        }
        let mut rules = Self { groups, week: None };
        rules.week = rules.same_every_week().then(|| Week::of(&rules));
        rules
    }

    fn same_every_week(&self) -> bool {
        let by_sun = |span: &TimeSpan| {
            matches!(span.range.start, Time::Variable(_))
                || matches!(span.range.end, Time::Variable(_))
        };
        self.groups.iter().flatten().all(|rule| {
            days::same_every_week(&rule.day_selector)
                && !rule.time_selector.spans.iter().any(by_sun)
        })
    }

    /// The table of the week, where there is one.
    pub(super) fn week(&self) -> Option<&Week> {
        self.week.as_ref()
    }

    /// Without the table of the week, which must change nothing.
    #[cfg(test)]
    pub(super) fn without_week(&self) -> Self {
        Self { groups: self.groups.clone(), week: None }
    }

    /// What they say of the day that begins `number` days after 1970 began.
    pub(super) fn day(&self, number: i64, place: Place) -> Day {
        let mut day = Day { number, said: Vec::new() };
        for group in &self.groups {
            day.said.push([on(group, number - 1, place), on(group, number, place)]);
        }
        day
    }

    /// The day after `day`, for half the work.
    pub(super) fn day_after(&self, mut day: Day, place: Place) -> Day {
        day.number += 1;
        for (group, [before, own]) in self.groups.iter().zip(&mut day.said) {
            *before = std::mem::replace(own, on(group, day.number, place));
        }
        day
    }
}

/// What `group` says of the day `number` alone; later spans go before earlier ones.
fn on(group: &[RuleSequence], number: i64, place: Place) -> Vec<Span> {
    let mut said = Vec::new();
    let date = i32::try_from(number + EPOCH_FROM_CE).ok();
    let Some(date) = date.and_then(NaiveDate::from_num_days_from_ce_opt) else { return said };
    for rule in group {
        if !days::name(&rule.day_selector, date, place.holidays) {
            continue;
        }
        let off = rule.kind == RuleKind::Closed;
        let whole_day_off = off && is_whole_day(&rule.time_selector.spans);
        // `off` at some times cuts only these out of what other rules say.
        if whole_day_off || (rule.operator != RuleOperator::Additional && !off) {
            said.clear();
        }
        if !whole_day_off {
            say(rule, date, place.sky, &mut said);
        }
    }
    said
}

fn is_whole_day(spans: &[TimeSpan]) -> bool {
    spans == [TimeSpan::fixed_range(ExtendedTime::MIDNIGHT_00, ExtendedTime::MIDNIGHT_24)]
}

/// Adds the times of `rule` to what has been `said` of `date`.
fn say(rule: &RuleSequence, date: NaiveDate, sky: Sky, said: &mut Vec<Span>) {
    let state = match rule.kind {
        RuleKind::Open => State::Open,
        RuleKind::Closed => State::Closed,
        RuleKind::Unknown => State::Unknown,
    };
    let spans = || rule.time_selector.spans.iter();
    // Open ends first: what is known goes before them.
    for span in spans().filter(|span| span.open_end && state != State::Closed) {
        let Some((start, end)) = times(span, date, sky) else { continue };
        let from = if ends_at_midnight(span) { start } else { end };
        said.push(Span { from, to: DAY.max(from), state: State::Unknown });
    }
    for span in spans().filter(|span| !(span.open_end && ends_at_midnight(span))) {
        said.push(match times(span, date, sky) {
            Some((from, to)) => Span { from, to, state },
            // No sun to go by: what would be open some time of the day is in doubt all day.
            None if state == State::Open => Span { from: 0, to: DAY, state: State::Unknown },
            None => continue,
        });
    }
}

/// `17:00+` is read as `17:00-24:00+`; nothing of it is certain.
fn ends_at_midnight(span: &TimeSpan) -> bool {
    span.range.end == Time::Fixed(ExtendedTime::MIDNIGHT_24)
}

/// First minute and the one after the last; an end that is not after the start is a day later.
fn times(span: &TimeSpan, date: NaiveDate, sky: Sky) -> Option<(u16, u16)> {
    let minute = |time: &Time| match time {
        Time::Fixed(time) => Some(i32::from(time.mins_from_midnight())),
        Time::Variable(time) => Some(sky.minute(date, time.event)? + i32::from(time.offset)),
    };
    let (start, end) = (minute(&span.range.start)?, minute(&span.range.end)?);
    let end = if start < end { end } else { end + i32::from(DAY) };
    let clip = |minute: i32| u16::try_from(minute.max(0)).unwrap_or(TWO_DAYS).min(TWO_DAYS);
    Some((clip(start), clip(end)))
}

/// What a text says of one day.
#[derive(Debug)]
pub(super) struct Day {
    /// Days after the first of January 1970.
    pub number: i64,
    /// Of each group: what was said of the day before, and of the day itself.
    said: Vec<[Vec<Span>; 2]>,
}

impl Day {
    /// The state at a minute of the day, and the minute until which, at least, nothing changes.
    pub(super) fn at(&self, minute: u16) -> (State, u16) {
        let states = self.said.iter().map(|[before, own]| {
            let said = last_said(own, minute).or_else(|| last_said(before, minute + DAY));
            said.unwrap_or(State::Closed)
        });
        let state = { states }.find(|state| *state != State::Closed).unwrap_or(State::Closed);
        let edges = self.said.iter().flat_map(|[before, own]| {
            let before = edges(before).filter_map(|edge| edge.checked_sub(DAY));
            edges(own).chain(before)
        });
        (state, { edges }.filter(|edge| *edge > minute).min().unwrap_or(DAY).min(DAY))
    }
}

fn last_said(spans: &[Span], minute: u16) -> Option<State> {
    let span = spans.iter().rev().find(|span| (span.from..span.to).contains(&minute));
    span.map(|span| span.state)
}

fn edges(spans: &[Span]) -> impl Iterator<Item = u16> {
    spans.iter().flat_map(|span| [span.from, span.to])
}

/// From `from` to `to`, minutes of a week, as stretches that schedules elsewhere can say: one that
/// takes a day or longer is cut at midnight.
fn days_of(from: u16, to: u16) -> Vec<WeeklyStretch> {
    let stretch = |from: u16, to: u16| {
        let midnight = from / DAY * DAY;
        WeeklyStretch { weekday: from / DAY % 7, opens: from - midnight, closes: to - midnight }
    };
    if to - from < DAY {
        return vec![stretch(from, to)];
    }
    let mut stretches = Vec::new();
    let mut from = from;
    while from < to {
        let end = (from / DAY + 1) * DAY;
        stretches.push(stretch(from, end.min(to)));
        from = end;
    }
    stretches
}

/// The states of a week that is like every other.
#[derive(Debug)]
pub(super) struct Week(
    /// At which minute from Monday, 00:00, on which state holds; the first is at 0.
    Box<[(u16, State)]>,
);

impl Week {
    /// The week of `rules` that hold alike in each: any one will do.
    fn of(rules: &Rules) -> Self {
        const MONDAY: i64 = 4; // 5 January 1970
        let holidays = Holidays::default();
        let place = Place { holidays: &holidays, sky: Sky::new(chrono_tz::UTC, None) };
        let mut changes: Vec<(u16, State)> = Vec::new();
        for weekday in 0..7 {
            let day = rules.day(MONDAY + i64::from(weekday), place);
            let mut minute = 0;
            while minute < DAY {
                let (state, end) = day.at(minute);
                if changes.last().is_none_or(|(_, last)| *last != state) {
                    changes.push((weekday * DAY + minute, state));
                }
                minute = end;
            }
        }
        Self(changes.into())
    }

    /// When it is open; `None` where that is not certain.
    pub(super) fn open(&self) -> Option<Vec<WeeklyStretch>> {
        let changes = &self.0;
        if changes.iter().any(|(_, state)| *state == State::Unknown) {
            return None;
        }
        let mut stretches = Vec::new();
        for (place, (from, _)) in
            changes.iter().enumerate().filter(|(_, (_, state))| *state == State::Open)
        {
            // What Sunday's night brings over belongs to the stretch that ends the week.
            let runs_over = *from == 0 && place + 1 < changes.len();
            if runs_over && changes[changes.len() - 1].1 == State::Open {
                continue;
            }
            let to = changes.get(place + 1).map_or_else(
                || {
                    if changes.len() > 1 && changes[0].1 == State::Open {
                        WEEK + changes[1].0
                    } else {
                        WEEK
                    }
                },
                |(next, _)| *next,
            );
            stretches.extend(days_of(*from, to));
        }
        Some(stretches)
    }

    /// The state at `minute` of the week, and how many minutes it stays; `None` is forever.
    pub(super) fn at(&self, minute: u16) -> (State, Option<u16>) {
        let changes = &self.0;
        let after = changes.partition_point(|(start, _)| *start <= minute);
        let state = changes[after - 1].1;
        let next = match changes.get(after) {
            Some((next, _)) => *next,
            None if changes[0].1 != state => WEEK,
            None => match changes.get(1) {
                Some((next, _)) => WEEK + next,
                None => return (state, None),
            },
        };
        (state, Some(next - minute))
    }
}
