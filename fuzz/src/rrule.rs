//! The text of an RRULE.
//!
//! An input is a start on a line of its own, then the rule; the rule alone begins on an evening.

use domain::schedule::{Recurrence, Schedule};
use tests::{NOON, at};

use crate::schedule::{ZONES, expand};

/// Reads `input`: what passes its check has occurrences, and calendars elsewhere are told a rule that
/// passes too and has the same.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (start, rrule) = text.split_once('\n').unwrap_or(("2026-12-12T19:00:00+07:00", text));
    let Ok(start) = start.parse() else { return };
    let rule = |start, rrule| Recurrence {
        start,
        duration_min: None,
        days: None,
        rrule,
        exdates: Vec::new(),
        rdates: Vec::new(),
    };
    let rule_here = rule(start, rrule.to_owned());
    if !Schedule::Rrule(rule_here.clone()).check(at(NOON)).is_empty() {
        return;
    }
    for zone in ZONES {
        let here = expand(&Schedule::Rrule(rule_here.clone()), zone);
        let Some((first, text)) = rule_here.for_calendars(zone) else { continue };
        let elsewhere = Schedule::Rrule(rule(first, text));
        // Its first start may be further from now than ours.
        assert_eq!(elsewhere.check(first.at(zone)), [], "what we tell others we would take");
        assert_eq!(expand(&elsewhere, zone), here, "others see what we see: {elsewhere:?}");
    }
}
