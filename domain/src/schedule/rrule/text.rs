//! The text of an `RRULE`: what is refused of it, and its `UNTIL`, which the crate cannot read.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use rrule::{Frequency, NWeekday, RRule, RRuleError, Unvalidated};

use crate::{
    error::Fault,
    schedule::{conflict, outside},
};

const MAX_CHARS: usize = 500;
const MAX_COUNT: u32 = 10_000;
const MAX_INTERVAL: u16 = 1_000;

/// The last moment that an occurrence may begin at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// By the clock of the event's zone.
    Local(NaiveDateTime),
    /// Whatever the zone.
    Instant(DateTime<Utc>),
}

impl Until {
    fn read(raw: &str) -> Option<Self> {
        if let Some(raw) = raw.strip_suffix(['Z', 'z']) {
            let time = NaiveDateTime::parse_from_str(raw, "%Y%m%dT%H%M%S").ok()?;
            return Some(Self::Instant(time.and_utc()));
        }
        let whole_day = || {
            let date = NaiveDate::parse_from_str(raw, "%Y%m%d").ok()?;
            date.and_hms_opt(23, 59, 59)
        };
        let time = NaiveDateTime::parse_from_str(raw, "%Y%m%dT%H%M%S").ok();
        time.or_else(whole_day).map(Self::Local)
    }

    pub(super) fn local(self, zone: &impl TimeZone) -> NaiveDateTime {
        match self {
            Self::Local(time) => time,
            Self::Instant(time) => time.with_timezone(zone).naive_local(),
        }
    }
}

/// The parts of `text` and its `UNTIL`, for occurrences that begin on or after the local `start`.
///
/// # Errors
/// Every fault of the text: too long, not an `RRULE`, a frequency below `DAILY`, more than one
/// time of day, parts that contradict one another, numbers out of range.
pub(super) fn read(
    text: &str,
    start: NaiveDateTime,
    all_day: bool,
) -> Result<(RRule<Unvalidated>, Option<Until>), Vec<Fault>> {
    let (parts, until) = split(text).map_err(|fault| vec![fault])?;
    let parsed: RRule<Unvalidated> =
        parts.parse().map_err(|error: RRuleError| vec![unreadable(error)])?;
    let faults = faults(&parsed, until, all_day);
    if !faults.is_empty() {
        return Err(faults);
    }
    // Ranges of the numbers, in the crate's words; it wants an instant and gets the local time as
    // if it were one.
    let floating = start.and_utc().with_timezone(&rrule::Tz::UTC);
    parsed.clone().validate(floating).map_err(|error| vec![unreadable(error)])?;
    Ok((parsed, until))
}

/// The rule without its `UNTIL`, and what that says.
///
/// The crate reads an `UNTIL` without `Z` in the zone of the machine and then refuses it, so that
/// the common `UNTIL=20261231` would never be taken.
fn split(text: &str) -> Result<(String, Option<Until>), Fault> {
    if text.chars().count() > MAX_CHARS {
        return Err(Fault::new(
            "too_long",
            format!("paling banyak {MAX_CHARS} karakter"),
            format!("must be at most {MAX_CHARS} characters"),
        ));
    }
    // The crate slices what it takes for ASCII, and a colon would begin another property.
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || "=;,+-".contains(c)) {
        return Err(unreadable("RRULE"));
    }
    let is_until = |part: &&str| part.to_ascii_uppercase().starts_with("UNTIL=");
    let (ends, others): (Vec<_>, Vec<_>) = text.split(';').partition(is_until);
    let until = match ends[..] {
        [] => None,
        [one] => Some(Until::read(&one["UNTIL=".len()..]).ok_or_else(|| unreadable("UNTIL"))?),
        _ => return Err(unreadable("UNTIL")),
    };
    // The crate takes `FOOMO` for every Monday.
    let days = others.iter().filter_map(|part| part.split_once('='));
    let mut days = days.filter(|(name, _)| {
        let name = name.to_ascii_uppercase();
        name == "BYDAY" || name == "BYWEEKDAY"
    });
    if !days.all(|(_, listed)| listed.split(',').all(is_weekday_text)) {
        return Err(unreadable("BYDAY"));
    }
    Ok((others.join(";"), until))
}

/// One part of a rule in capitals, by the names of RFC 5545, an `UNTIL` in the form that its
/// `DTSTART` calls for: a date of `zone`, or an instant in UTC.
pub(super) fn portable(part: &str, zone: Tz, all_day: bool) -> String {
    let part = part.to_ascii_uppercase();
    if let Some(days) = part.strip_prefix("BYWEEKDAY=") {
        return format!("BYDAY={days}");
    }
    let Some(until) = part.strip_prefix("UNTIL=").and_then(Until::read) else { return part };
    let local = until.local(&zone);
    if all_day {
        return format!("UNTIL={}", local.format("%Y%m%d"));
    }
    let instant = match until {
        Until::Instant(instant) => instant,
        Until::Local(local) => super::super::when::instant(local, &zone).to_utc(),
    };
    format!("UNTIL={}", instant.format("%Y%m%dT%H%M%SZ"))
}

fn is_weekday_text(text: &str) -> bool {
    let (number, _) = text.split_at(text.len().saturating_sub(2));
    number.is_empty() || number.parse().is_ok_and(|number: i16| number != 0)
}

fn faults(rule: &RRule<Unvalidated>, until: Option<Until>, all_day: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let freq = rule.get_freq();
    if freq > Frequency::Daily {
        faults.push(Fault::new(
            "unsupported",
            "FREQ harus DAILY, WEEKLY, MONTHLY, atau YEARLY",
            "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY",
        ));
    }
    faults.extend(number_fault("INTERVAL", rule.get_interval().into(), MAX_INTERVAL.into()));
    faults.extend(rule.get_count().and_then(|count| number_fault("COUNT", count, MAX_COUNT)));
    if rule.get_count().is_some() && until.is_some() {
        faults.push(conflict("COUNT tidak bersama UNTIL", "COUNT and UNTIL exclude each other"));
    }
    let times = [rule.get_by_hour(), rule.get_by_minute(), rule.get_by_second()];
    if times.iter().any(|values| values.len() > 1) {
        faults.push(Fault::new(
            "unsupported",
            "paling banyak satu BYHOUR, BYMINUTE, dan BYSECOND",
            "at most one BYHOUR, BYMINUTE and BYSECOND",
        ));
    }
    if all_day && times.iter().any(|values| !values.is_empty()) {
        faults.push(conflict(
            "BYHOUR, BYMINUTE, dan BYSECOND tidak untuk acara sehari penuh",
            "BYHOUR, BYMINUTE and BYSECOND do not go with all-day occurrences",
        ));
    }
    faults.extend(weekday_faults(rule));
    faults
}

/// All of a rule has one pointer, so the sentence names the part.
fn number_fault(part: &str, number: u32, max: u32) -> Option<Fault> {
    let mut fault = outside(number, &(1..=max))?;
    fault.said.id.insert_str(0, &format!("{part} "));
    fault.said.en.insert_str(0, &format!("{part} "));
    Some(fault)
}

fn weekday_faults(rule: &RRule<Unvalidated>) -> Option<Fault> {
    let numbered = rule.get_by_weekday().iter().any(|day| matches!(day, NWeekday::Nth(..)));
    let by_week = !rule.get_by_week_no().is_empty();
    let monthly_or_yearly = matches!(rule.get_freq(), Frequency::Monthly | Frequency::Yearly);
    if numbered && (!monthly_or_yearly || by_week) {
        return Some(conflict(
            "BYDAY bernomor hanya untuk MONTHLY, atau YEARLY tanpa BYWEEKNO",
            "a numbered BYDAY only goes with MONTHLY, or YEARLY without BYWEEKNO",
        ));
    }
    (by_week && rule.get_week_start() != Weekday::Mon).then(|| {
        Fault::new(
            "unsupported",
            "BYWEEKNO hanya dengan pekan yang mulai hari Senin",
            "BYWEEKNO only with weeks that begin on Monday",
        )
    })
}

fn unreadable(why: impl std::fmt::Display) -> Fault {
    Fault::new(
        "syntax",
        format!("bukan RRULE yang sah: {why}"),
        format!("not a valid RRULE: {why}"),
    )
}
