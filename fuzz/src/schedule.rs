//! A schedule as a listing says it, in JSON: dates, an RRULE or a rule of the Javanese calendar.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::schedule::{Occurrence, Schedule};
use tests::{NOON, at};

/// The most occurrences that are looked at.
const MOST: usize = 1_000;
/// How far: as far as one expansion looks.
const FAR: TimeDelta = TimeDelta::days(15_000);
/// One zone without summer time, and the one whose summer time is half an hour.
pub const ZONES: [Tz; 2] = [Tz::Asia__Jakarta, Tz::Australia__Lord_Howe];

/// Reads `input`: what passes its check is written as what is read as the same and passes again, and
/// its occurrences come in order, none twice, the same from wherever one begins to look.
pub fn run(input: &[u8]) {
    let Ok(value) = serde_json::from_slice(input) else { return };
    let Ok(schedule) = domain::read_draft::<Schedule>(&value) else { return };
    if !schedule.check(at(NOON)).is_empty() {
        return;
    }
    let written = serde_json::to_value(&schedule).expect("a schedule is plain data");
    let again = domain::read_draft::<Schedule>(&written).expect("what was written can be read");
    assert_eq!(again, schedule);
    assert_eq!(again.check(at(NOON)), []);
    for zone in ZONES {
        expand(&schedule, zone);
    }
}

/// The first occurrences within ten years before and thirty after now.
pub fn expand(schedule: &Schedule, zone: Tz) -> Vec<Occurrence> {
    let from = at(NOON) - TimeDelta::days(3_700);
    let found = schedule.occurrences(zone, from, from + FAR, MOST);
    assert!(found.len() <= MOST);
    let key = |one: &Occurrence| (one.starts_at(zone), one.ends_at(zone));
    assert!(found.is_sorted_by(|one, next| key(one) < key(next)), "in order, none twice");
    assert!(found.iter().all(|one| one.starts_at(zone) <= one.ends_at(zone)));
    if let [_, .., last] = &found[..] {
        let from = found[found.len() / 2].starts_at(zone);
        let to = last.starts_at(zone) + TimeDelta::seconds(1);
        let expected = found.iter().filter(|one| overlaps(one, zone, from));
        let later = schedule.occurrences(zone, from, to, MOST);
        assert!(later.iter().eq(expected), "the same from wherever one looks: {from} to {to}");
    }
    found
}

/// Whether it has not ended by `from`; one without length counts where it begins.
fn overlaps(one: &Occurrence, zone: Tz, from: DateTime<Utc>) -> bool {
    let (start, end) = (one.starts_at(zone), one.ends_at(zone));
    if start == end { start >= from } else { end > from }
}
