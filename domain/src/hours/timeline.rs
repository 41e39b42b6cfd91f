//! The states of a place one after another, hours and closures together.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use opening_hours::{
    Context as Rules, DateTimeRange, OpeningHours, RuleKind,
    localization::{Coordinates, Localize},
};
use opening_hours_syntax::rules::time::TimeEvent;

use super::{Context, HORIZON, State};

/// From `start` on `state` holds, at least until the next piece; neighbours may be equal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub start: DateTime<Tz>,
    pub state: State,
}

/// A stretch of time, its end exclusive.
type Stretch = (DateTime<Utc>, DateTime<Utc>);

/// The pieces from an instant until 370 days later, none of them empty.
pub(super) struct Timeline {
    groups: Vec<Group>,
    /// Disjoint, in order.
    closures: Vec<Stretch>,
    zone: Tz,
    /// How far pieces have been handed out.
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// The rules between two `||`, which hold where all before them say closed.
struct Group {
    intervals: Box<dyn Iterator<Item = DateTimeRange>>,
    /// What the present interval says, and until when.
    state: State,
    end: DateTime<Utc>,
}

impl Timeline {
    pub(super) fn new(read: &[OpeningHours], when: DateTime<Tz>, place: &Context) -> Self {
        let (zone, from) = (when.timezone(), when.to_utc());
        let to = from.checked_add_signed(HORIZON).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let rules = Rules::default()
            .with_holidays(place.holidays.0.clone())
            .with_locale(Sky::new(zone, place.coordinates));
        let local = when.naive_local();
        // The end bounds the crate's search too, which otherwise goes on to the year 10 000.
        let last = local.checked_add_signed(HORIZON).unwrap_or(NaiveDateTime::MAX);
        let group = |group: &OpeningHours| {
            let group = group.clone().with_context(rules.clone());
            let intervals = Box::new(group.iter_range(local, last));
            Group { intervals, state: State::Closed, end: from }
        };
        let closures = merged(&place.closures, from, to);
        Self { groups: read.iter().map(group).collect(), closures, zone, from, to }
    }

    /// What the hours say now, and until when at least.
    fn hours(&mut self) -> (DateTime<Utc>, State) {
        let mut end = self.to;
        for group in &mut self.groups {
            group.advance(self.from, self.to, self.zone);
            end = end.min(group.end);
            if group.state != State::Closed {
                return (end, group.state);
            }
        }
        (end, State::Closed)
    }
}

impl Group {
    /// Makes the interval that `from` lies in the present one.
    fn advance(&mut self, from: DateTime<Utc>, to: DateTime<Utc>, zone: Tz) {
        while self.end <= from {
            let Some(next) = self.intervals.next() else {
                (self.state, self.end) = (State::Closed, to);
                return;
            };
            self.state = state(next.kind);
            self.end = instant(next.range.end, zone, from).min(to);
        }
    }
}

impl Iterator for Timeline {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.from >= self.to {
            return None;
        }
        let start = self.from;
        let (end, hours) = self.hours();
        let (until, state) = match self.closures.iter().find(|(_, to)| *to > start) {
            Some((from, to)) if *from <= start => (end.min(*to), State::Closed),
            Some((from, _)) => (end.min(*from), hours),
            None => (end, hours),
        };
        self.from = until;
        Some(Piece { start: start.with_timezone(&self.zone), state })
    }
}

fn state(kind: RuleKind) -> State {
    match kind {
        RuleKind::Open => State::Open,
        RuleKind::Closed => State::Closed,
        RuleKind::Unknown => State::Unknown,
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

/// The instant after `after` at which a clock in `zone` shows `local`; where the offset changes just
/// then, the nearest one after it.
fn instant(local: NaiveDateTime, zone: Tz, after: DateTime<Utc>) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) => time.to_utc(),
        LocalResult::Ambiguous(first, second) => {
            let first = first.to_utc();
            if first > after { first } else { second.to_utc() }
        }
        LocalResult::None => {
            // Skipped by the clock: read with the offset of the day before, as RFC 5545 does.
            let offset = zone.offset_from_utc_datetime(&(local - chrono::TimeDelta::days(1)));
            Utc.from_utc_datetime(&(local - chrono::Offset::fix(&offset)))
        }
    }
}

/// Where the sun stands over a place.
#[derive(Debug, Clone, Copy)]
struct Sky {
    zone: Tz,
    coordinates: Option<Coordinates>,
}

impl Sky {
    fn new(zone: Tz, coordinates: Option<(f64, f64)>) -> Self {
        let coordinates = coordinates.and_then(|(lat, lon)| Coordinates::new(lat, lon));
        Self { zone, coordinates }
    }
}

/// Local times throughout: clocks are turned in one place only, `instant`.
impl Localize for Sky {
    type DateTime = NaiveDateTime;

    fn naive(&self, local: NaiveDateTime) -> NaiveDateTime {
        local
    }

    fn datetime(&self, local: NaiveDateTime) -> NaiveDateTime {
        local
    }

    fn event_time(&self, date: NaiveDate, event: TimeEvent) -> Option<NaiveTime> {
        let Some(coordinates) = self.coordinates else { return equatorial(event) };
        let time = coordinates.event_time(date, event)?;
        Some(time.with_timezone(&self.zone).time())
    }
}

/// Near enough for places on the equator whose coordinates nobody has entered; the twilight of the
/// tropics takes twenty minutes or so.
fn equatorial(event: TimeEvent) -> Option<NaiveTime> {
    let (hour, minute) = match event {
        TimeEvent::Dawn => (5, 40),
        TimeEvent::Sunrise => (6, 0),
        TimeEvent::Sunset => (18, 0),
        TimeEvent::Dusk => (18, 20),
    };
    NaiveTime::from_hms_opt(hour, minute, 0)
}
