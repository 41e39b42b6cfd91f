//! Opening hours.

use chrono::TimeDelta;
use chrono_tz::Asia::Jakarta;
use domain::hours::{Context, Hours, State};
use tests::{NOON, at};

/// Reads `input`: what is read and printed is read as the same, and what it says of next week agrees
/// with itself.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(hours) = text.parse::<Hours>() else { return };
    assert_eq!(hours.to_string().parse::<Hours>().as_ref(), Ok(&hours));
    let holidays = ["2026-11-25", "2026-12-25"].map(|day| day.parse().expect("a day"));
    let place = Context {
        holidays: holidays.into_iter().collect(),
        coordinates: Some((-7.9, 110.3)),
        closures: Vec::new(),
    };
    for hour in [0, 7, 31, 110] {
        let when = (at(NOON) + TimeDelta::hours(hour)).with_timezone(&Jakarta);
        let now = hours.at(when, &place);
        if let Some(until) = now.until {
            assert!(until > when);
            assert_ne!(hours.at(until, &place).state, now.state, "it changes when it says");
        }
        match hours.next_open(when, &place) {
            Some(next) if now.state == State::Open => assert_eq!(next, when),
            Some(next) => {
                assert!(next > when);
                assert_eq!(hours.at(next, &place).state, State::Open, "it opens when it says");
            }
            None => assert_ne!(now.state, State::Open),
        }
    }
}
