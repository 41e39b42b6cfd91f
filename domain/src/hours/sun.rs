//! Where the sun stands over a place.

use chrono::{NaiveDate, NaiveTime, Timelike};
use chrono_tz::Tz;
use opening_hours::localization::Coordinates;
use opening_hours_syntax::rules::time::TimeEvent;

/// The sky over a place, with the clock that hangs there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sky {
    zone: Tz,
    coordinates: Option<Coordinates>,
}

impl Sky {
    pub(super) fn new(zone: Tz, coordinates: Option<(f64, f64)>) -> Self {
        let coordinates = coordinates.and_then(|(lat, lon)| Coordinates::new(lat, lon));
        Self { zone, coordinates }
    }

    /// When `event` happens on `date`, minutes after midnight by the clock; `None` where the sun
    /// does not rise or set that day.
    pub(super) fn minute(&self, date: NaiveDate, event: TimeEvent) -> Option<i32> {
        let Some(coordinates) = self.coordinates else { return Some(equatorial(event)) };
        let time: NaiveTime = coordinates.event_time(date, event)?.with_timezone(&self.zone).time();
        i32::try_from(time.num_seconds_from_midnight() / 60).ok()
    }
}

/// Near enough for places on the equator whose coordinates nobody has entered; the twilight of the
/// tropics takes twenty minutes or so.
fn equatorial(event: TimeEvent) -> i32 {
    let (hour, minute) = match event {
        TimeEvent::Dawn => (5, 40),
        TimeEvent::Sunrise => (6, 0),
        TimeEvent::Sunset => (18, 0),
        TimeEvent::Dusk => (18, 20),
    };
    hour * 60 + minute
}
