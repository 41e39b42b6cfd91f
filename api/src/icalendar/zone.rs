//! Zones as calendars want them: every change of a clock's offset that an event may meet.

use chrono::{DateTime, Datelike as _, NaiveDate, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{OffsetComponents as _, OffsetName as _, Tz};

use super::Calendar;

/// Changes are written from so many years before this one, and until so many after it. Events lie
/// within: a rule starts within ten years.
const YEARS: (i32, i32) = (20, 12);

/// Writes the `VTIMEZONE` of `zone` (§3.6.5).
pub fn write(calendar: &mut Calendar, zone: Tz, now: DateTime<Utc>) {
    let first = |year: i32| {
        let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
        day.and_time(chrono::NaiveTime::MIN).and_utc()
    };
    let (from, to) = (first(now.year() - YEARS.0), first(now.year() + YEARS.1));
    calendar.line("BEGIN", "VTIMEZONE");
    calendar.line("TZID", zone.name());
    observance(calendar, zone, DateTime::UNIX_EPOCH, from, from);
    let mut day = from;
    while day < to {
        let next = day + TimeDelta::days(1);
        if seconds(zone, day) != seconds(zone, next) {
            let change = change(zone, day, next);
            observance(calendar, zone, change, change - TimeDelta::seconds(1), change);
        }
        day = next;
    }
    calendar.line("END", "VTIMEZONE");
}

/// The first instant after `before` with the offset of `after`; to the second.
fn change(zone: Tz, mut before: DateTime<Utc>, mut after: DateTime<Utc>) -> DateTime<Utc> {
    while after - before > TimeDelta::seconds(1) {
        let middle = before + (after - before) / 2;
        if seconds(zone, middle) == seconds(zone, before) {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

fn seconds(zone: Tz, at: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// What holds from `onset` on, when the clock showed that of `before` and shows that of `after`.
fn observance(
    calendar: &mut Calendar,
    zone: Tz,
    onset: DateTime<Utc>,
    before: DateTime<Utc>,
    after: DateTime<Utc>,
) {
    let offset = zone.offset_from_utc_datetime(&after.naive_utc());
    let kind = if offset.dst_offset().is_zero() { "STANDARD" } else { "DAYLIGHT" };
    // The onset is by the clock as it was until then.
    let onset = onset.naive_utc() + TimeDelta::seconds(seconds(zone, before).into());
    calendar.line("BEGIN", kind);
    calendar.line("DTSTART", &onset.format("%Y%m%dT%H%M%S").to_string());
    calendar.line("TZOFFSETFROM", &written(seconds(zone, before)));
    calendar.line("TZOFFSETTO", &written(seconds(zone, after)));
    if let Some(name) = offset.abbreviation() {
        calendar.words("TZNAME", name);
    }
    calendar.line("END", kind);
}

/// An offset: `+0700`.
fn written(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(zone: Tz) -> String {
        let mut calendar = Calendar::default();
        write(&mut calendar, zone, DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        String::from_utf8(calendar.take()).unwrap()
    }

    #[test]
    fn the_clock_of_bantul_is_never_turned() {
        let text = text(chrono_tz::Asia::Jakarta);
        assert_eq!(text.matches("BEGIN:STANDARD").count(), 1);
        assert!(text.contains("TZOFFSETTO:+0700\r\nTZNAME:WIB\r\n"), "{text}");
    }

    #[test]
    fn where_it_is_turned_every_turn_is_told() {
        let text = text(chrono_tz::Europe::Berlin);
        let turn = "BEGIN:DAYLIGHT\r\nDTSTART:20270328T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n";
        assert!(text.contains(turn), "{text}");
        assert_eq!(text.matches("BEGIN:DAYLIGHT").count(), 32);
    }
}
