//! The states of a place one after another, hours and closures together.

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use super::{
    Context, HORIZON, State,
    rules::{Day, Place, Rules},
    sun::Sky,
};

const DAY_SECONDS: i64 = 86_400;
const DAY_MINUTES: u16 = 1440;

/// From `start` on `state` holds, at least until the next piece; neighbours may be equal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub start: DateTime<Utc>,
    pub state: State,
}

/// A stretch of time, its end exclusive.
type Stretch = (DateTime<Utc>, DateTime<Utc>);

/// The pieces from an instant until 370 days later, none of them empty.
pub(super) struct Timeline<'a> {
    rules: &'a Rules,
    place: Place<'a>,
    zone: Tz,
    /// Disjoint, in order.
    closures: Vec<Stretch>,
    /// The day last looked at, where there is no table of the week.
    day: Option<Day>,
    /// When what the hours said last ends, where it is not known yet which instant that is.
    said_until: Option<i64>,
    /// How far pieces have been handed out, and how far the clock is ahead of UTC there, seconds.
    from: DateTime<Utc>,
    ahead: i64,
    to: DateTime<Utc>,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(rules: &'a Rules, when: DateTime<Tz>, place: &'a Context) -> Self {
        let (zone, from) = (when.timezone(), when.to_utc());
        let to = from.checked_add_signed(HORIZON).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self {
            rules,
            place: Place { holidays: &place.holidays, sky: Sky::new(zone, place.coordinates) },
            zone,
            closures: merged(&place.closures, from, to),
            day: None,
            said_until: None,
            from,
            ahead: i64::from(when.offset().fix().local_minus_utc()),
            to,
        }
    }

    /// What the hours say now, and until which second of the wall clock at least.
    fn hours(&mut self) -> (State, i64) {
        let local = self.from.timestamp() + self.ahead;
        let number = local.div_euclid(DAY_SECONDS);
        let minute = u16::try_from(local.rem_euclid(DAY_SECONDS) / 60).expect("a day has 1440");
        let begun = number * DAY_SECONDS + i64::from(minute) * 60;
        if let Some(week) = self.rules.week() {
            // The first of January 1970 was a Thursday.
            let weekday = u16::try_from((number + 3).rem_euclid(7)).expect("a week has 7 days");
            let (state, stays) = week.at(weekday * DAY_MINUTES + minute);
            let end = stays.map_or(i64::MAX, |minutes| begun + i64::from(minutes) * 60);
            return (state, end);
        }
        let day = match self.day.take() {
            Some(day) if day.number == number => day,
            Some(day) if day.number + 1 == number => self.rules.day_after(day, self.place),
            _ => self.rules.day(number, self.place),
        };
        let (state, end) = self.day.insert(day).at(minute);
        (state, number * DAY_SECONDS + i64::from(end) * 60)
    }

    /// When the wall clock, which is before it now, shows `local`; if the clock is turned before
    /// that, when it is turned. With it how far the clock is ahead of UTC then.
    fn reach(&self, local: i64) -> (DateTime<Utc>, i64) {
        let Some(end) = DateTime::from_timestamp(local.saturating_sub(self.ahead), 0) else {
            return (self.to, self.ahead);
        };
        let ahead = self.ahead_at(end);
        if ahead == self.ahead {
            return (end, ahead);
        }
        let turned = self.turned(end);
        (turned, self.ahead_at(turned))
    }

    /// The first second after `from` at which the clock is not set as it is there, but as at `end`.
    fn turned(&self, end: DateTime<Utc>) -> DateTime<Utc> {
        let (mut before, mut after) = (self.from.timestamp(), end.timestamp());
        let instant =
            |second| DateTime::from_timestamp(second, 0).expect("lies between two others");
        while after - before > 1 {
            let between = before + (after - before) / 2;
            if self.ahead_at(instant(between)) == self.ahead {
                before = between;
            } else {
                after = between;
            }
        }
        instant(after)
    }

    fn ahead_at(&self, instant: DateTime<Utc>) -> i64 {
        let offset = self.zone.offset_from_utc_datetime(&instant.naive_utc());
        i64::from(offset.fix().local_minus_utc())
    }

    /// Goes on to where the wall clock shows `local`, or to what comes before that.
    fn go_on(&mut self, local: i64) {
        let (until, ahead) = self.reach(local);
        let closure = self.closure().map(|(from, _)| *from).filter(|from| *from < until);
        (self.from, self.ahead) = match closure {
            Some(from) => (from, self.ahead_at(from)),
            None => (until, ahead),
        };
    }

    /// The closure that `from` lies in, else the next one.
    fn closure(&self) -> Option<&Stretch> {
        self.closures.iter().find(|(_, to)| *to > self.from)
    }
}

impl Iterator for Timeline<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if let Some(end) = self.said_until.take() {
            self.go_on(end);
        }
        if self.from >= self.to {
            return None;
        }
        let start = self.from;
        if let Some((_, to)) = self.closure().filter(|(from, _)| *from <= start) {
            let to = *to;
            (self.from, self.ahead) = (to, self.ahead_at(to));
            return Some(Piece { start, state: State::Closed });
        }
        let (state, end) = self.hours();
        self.said_until = Some(end);
        Some(Piece { start, state })
    }
}

/// The closures between `from` and `to`, in order and without overlaps.
fn merged(
    closures: &[(DateTime<Utc>, Option<DateTime<Utc>>)],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<Stretch> {
    let clipped = closures.iter().map(|(start, end)| (*start, end.map_or(to, |end| end.min(to))));
    let mut sorted: Vec<_> =
        clipped.filter(|(start, end)| start < end && *start < to && *end > from).collect();
    sorted.sort_unstable();
    let mut disjoint: Vec<Stretch> = Vec::with_capacity(sorted.len());
    for (start, end) in sorted {
        match disjoint.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => disjoint.push((start, end)),
        }
    }
    disjoint
}
