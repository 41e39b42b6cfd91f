use chrono::{Datelike, NaiveDate, TimeDelta};
use chrono_tz::{Asia::Jakarta, Europe::Berlin};
use serde_json::{Value, json};

use super::*;
use crate::javanese::{JavaneseDate, Pasaran, pasaran};

fn schedule(value: Value) -> Schedule {
    serde_json::from_value(value).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Midnight of that day in Jakarta.
fn midnight(date: NaiveDate) -> DateTime<Utc> {
    When::Date(date).at(Jakarta)
}

fn now() -> DateTime<Utc> {
    midnight(day("2026-11-24"))
}

fn faults(value: Value) -> Vec<(String, &'static str)> {
    let faults = schedule(value).check(now());
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn between(schedule: &Schedule, from: &str, to: &str) -> Vec<Occurrence> {
    schedule.occurrences(Jakarta, midnight(day(from)), midnight(day(to)), 1_000)
}

fn starts(value: Value, from: &str, to: &str) -> Vec<String> {
    between(&schedule(value), from, to).iter().map(|one| one.start.to_string()).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "reads better where json! makes it")]
fn by_rule(rule: Value) -> Value {
    json!({"type": "javanese", "rule": rule})
}

#[test]
fn labuhan_parangkusumo_falls_twice_into_2027() {
    let labuhan = by_rule(json!({"month": "rejeb", "day": 30}));
    assert_eq!(starts(labuhan, "2027-01-01", "2028-01-01"), ["2027-01-09", "2027-12-29"]);
}

#[test]
fn rebo_pungkasan_is_the_last_wednesday_of_sapar() {
    let rule = by_rule(json!({"month": "sapar", "weekday": "wednesday", "pick": "last"}));
    let expected = ["2024-09-04", "2025-08-20", "2026-08-12", "2027-07-28", "2028-07-19"];
    assert_eq!(starts(rule, "2024-01-01", "2029-01-01"), expected);
}

#[test]
fn surocolo_is_a_monday_on_or_after_the_twentieth_of_ruwah() {
    let rule =
        by_rule(json!({"month": "ruwah", "from_day": 20, "weekday": "monday", "pick": "first"}));
    let found = between(&schedule(rule), "2020-01-01", "2030-01-01");
    assert_eq!(found.len(), 11, "ten Gregorian years hold more than ten Javanese ones");
    for one in found {
        let (date, javanese) = (one.start.local(&Jakarta).date(), one.javanese.unwrap());
        assert_eq!(date.weekday(), chrono::Weekday::Mon);
        assert!((20..27).contains(&javanese.day), "{javanese}");
    }
}

#[test]
fn selasa_kliwon_comes_every_thirty_five_days() {
    let rule = schedule(by_rule(json!({"weekday": "tuesday", "pasaran": "kliwon"})));
    let found = between(&rule, "2017-04-25", "2052-01-01");
    assert_eq!(found[0].start, When::Date(day("2017-04-25")));
    assert_eq!(found.len(), 362);
    for pair in found.windows(2) {
        let (before, after) = (pair[0].start.local(&Utc), pair[1].start.local(&Utc));
        assert_eq!((after - before).num_days(), 35);
    }
}

#[test]
fn rabu_kliwon_in_october_is_the_first_of_them() {
    let rule = json!({"gregorian_month": 10, "weekday": "wednesday", "pasaran": "kliwon", "pick": "first"});
    assert_eq!(starts(by_rule(rule), "2016-01-01", "2017-01-01"), ["2016-10-12"]);
}

#[test]
fn an_announced_date_replaces_the_computed_one_of_its_year() {
    let value = json!({"type": "javanese", "rule": {"month": "rejeb", "day": 30},
        "announced": [{"javanese_year": 1960, "date": "2026-12-30"}]});
    assert_eq!(faults(value.clone()), []);
    let found = between(&schedule(value), "2026-01-01", "2028-01-01");
    let told: Vec<_> = found.iter().map(|one| (one.start.to_string(), one.certainty)).collect();
    let computed = |date: &str| (date.to_owned(), Certainty::Computed);
    let expected = [
        computed("2026-01-19"),
        ("2026-12-30".to_owned(), Certainty::Announced),
        computed("2027-12-29"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_javanese_event_may_have_a_time_and_begin_on_the_eve() {
    let value = json!({"type": "javanese", "rule": {"month": "sura", "day": 1}, "time": "20:00",
        "duration_min": 300, "offset_days": -1});
    assert_eq!(serde_json::to_value(schedule(value.clone())).unwrap(), value);
    let found = between(&schedule(value), "2026-01-01", "2027-01-01");
    let one = &found[0];
    assert_eq!(one.start.to_string(), "2026-06-16T20:00:00+07:00");
    assert_eq!(one.end.to_string(), "2026-06-17T01:00:00+07:00");
    assert_eq!(one.javanese.unwrap().to_string(), "30 Besar Dal 1959");
    assert!(!one.all_day());
}

#[test]
fn listed_sessions_are_announced_and_come_in_order() {
    let value = json!({"type": "dates", "sessions": [
        {"start": "2026-12-12", "end": "2026-12-14"},
        {"start": "2026-12-01T19:00:00+07:00", "end": "2026-12-01T22:00:00+07:00"},
    ]});
    assert_eq!(faults(value.clone()), []);
    let found = between(&schedule(value.clone()), "2026-12-01", "2027-01-01");
    assert_eq!(found[0].javanese, None);
    assert_eq!(found[1].javanese, JavaneseDate::of(day("2026-12-12")));
    assert!(found.iter().all(|one| one.certainty == Certainty::Announced));
    assert_eq!(starts(value.clone(), "2026-12-13", "2026-12-14"), ["2026-12-12"]);
    assert!(starts(value, "2026-12-14", "2026-12-15").is_empty(), "the end is exclusive");
}

#[test]
fn a_recurrence_keeps_its_clock_time_when_the_offset_changes() {
    let value = json!({"type": "rrule", "start": "2026-03-22T06:00:00+01:00", "duration_min": 60,
        "rrule": "FREQ=WEEKLY"});
    let from = midnight(day("2026-03-20"));
    let found = schedule(value).occurrences(Berlin, from, from + TimeDelta::days(14), 9);
    let told: Vec<_> = found.iter().map(|one| one.start.to_string()).collect();
    assert_eq!(told, ["2026-03-22T06:00:00+01:00", "2026-03-29T06:00:00+02:00"]);
    assert_eq!(found[1].end.to_string(), "2026-03-29T07:00:00+02:00");
}

#[test]
fn a_time_that_the_clock_skips_is_read_with_the_offset_before() {
    let value = json!({"type": "rrule", "start": "2026-03-28T02:30:00+01:00", "rrule": "FREQ=DAILY;COUNT=2"});
    let from = midnight(day("2026-03-20"));
    let found = schedule(value).occurrences(Berlin, from, from + TimeDelta::days(14), 9);
    assert_eq!(found[1].start.to_string(), "2026-03-29T03:30:00+02:00");
}

#[test]
fn exceptions_and_further_dates_count() {
    let value = json!({"type": "rrule", "start": "2026-07-20", "days": 2, "rrule": "FREQ=YEARLY",
        "exdates": ["2027-07-20"], "rdates": ["2027-08-01", "2028-07-20"]});
    assert_eq!(faults(value.clone()), []);
    let expected = ["2026-07-20", "2027-08-01", "2028-07-20"];
    assert_eq!(starts(value.clone(), "2026-01-01", "2029-01-01"), expected);
    assert_eq!(starts(value, "2026-07-21", "2026-08-01"), ["2026-07-20"], "its second day");
}

#[test]
fn one_without_length_counts_where_it_begins() {
    let value = json!({"type": "rrule", "start": "2026-11-24T00:00:00+07:00", "rrule": "FREQ=DAILY;COUNT=3"});
    let found = between(&schedule(value), "2026-11-25", "2026-11-26");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].start, found[0].end);
}

#[test]
fn every_fault_is_told_at_once_and_where() {
    let told =
        faults(json!({"type": "rrule", "start": "2010-01-01", "duration_min": 0, "days": 61,
        "rrule": "FREQ=HOURLY;COUNT=0", "exdates": ["2027-01-01T00:00:00Z"]}));
    let expected = [
        ("/start", "out_of_range"),
        ("/duration_min", "conflict"),
        ("/days", "out_of_range"),
        ("/exdates/0", "mixed_forms"),
        ("/rrule", "unsupported"),
        ("/rrule", "out_of_range"),
    ];
    assert_eq!(told, expected.map(|(pointer, code)| (pointer.to_owned(), code)));

    let told = faults(
        json!({"type": "javanese", "time": "08:00", "duration_min": 20_161, "days": 2,
        "offset_days": 31, "rule": {"day": 31, "from_day": 20, "to_day": 10, "gregorian_month": 13, "pick": "last"},
        "announced": [{"javanese_year": 2026, "date": "2026-01-19"}]}),
    );
    let expected = [
        ("/rule/day", "out_of_range"),
        ("/rule/day", "conflict"),
        ("/rule/to_day", "conflict"),
        ("/rule/gregorian_month", "out_of_range"),
        ("/duration_min", "out_of_range"),
        ("/days", "conflict"),
        ("/offset_days", "out_of_range"),
        ("/announced", "conflict"),
        ("/announced/0/date", "out_of_range"),
    ];
    assert_eq!(told, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
}

#[test]
fn sessions_are_checked_one_by_one() {
    let told = faults(json!({"type": "dates", "sessions": [
        {"start": "2026-12-12", "end": "2026-12-12"},
        {"start": "2026-12-12", "end": "2026-12-12T10:00:00Z"},
        {"start": "2026-12-12", "end": "2028-12-12"},
        {"start": "1026-12-12", "end": "1026-12-13"},
    ]}));
    let expected = [
        ("/sessions/0/end", "ends_before_start"),
        ("/sessions/1/end", "mixed_forms"),
        ("/sessions/2/end", "too_long"),
        ("/sessions/3/start", "out_of_range"),
        ("/sessions/3/end", "out_of_range"),
    ];
    assert_eq!(told, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    assert_eq!(faults(json!({"type": "dates", "sessions": []})).len(), 1);
    let many = vec![json!({"start": "2026-12-12", "end": "2026-12-13"}); 401];
    assert_eq!(faults(json!({"type": "dates", "sessions": many}))[0].1, "too_many");
}

#[test]
fn what_can_never_come_is_a_fault() {
    let never = |value| faults(value).iter().any(|(_, code)| *code == "never");
    let rule = |text| json!({"type": "rrule", "start": "2026-01-01", "rrule": text});
    assert!(never(rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31")));
    assert!(never(rule("FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31")));
    assert!(never(rule("FREQ=DAILY;UNTIL=20200101")));
    assert!(!never(rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO")));
    assert!(never(by_rule(json!({"month": "sapar", "day": 30}))));
    assert!(!never(by_rule(json!({"month": "besar", "day": 30}))));
    let missing = faults(by_rule(json!({"pick": "first"})));
    assert_eq!(missing[0], ("/rule".to_owned(), "missing"));
    assert_eq!(missing[1], ("/rule/pick".to_owned(), "conflict"));
}

#[test]
fn a_column_of_the_database_holds_the_json() {
    use sea_orm::sea_query::ValueType;
    let selasa_kliwon = schedule(by_rule(json!({"weekday": "tuesday", "pasaran": "kliwon"})));
    let value = sea_orm::Value::from(selasa_kliwon.clone());
    assert_eq!(<Schedule as ValueType>::try_from(value).unwrap(), selasa_kliwon);
}

#[test]
fn what_is_not_in_the_format_is_not_read() {
    for value in [
        json!({"type": "weekly"}),
        json!({"type": "dates", "sessions": [], "zone": "Asia/Jakarta"}),
        json!({"type": "dates", "sessions": [{"start": "2026-1-2", "end": "2026-01-03"}]}),
        json!({"type": "dates", "sessions": [{"start": "2026-01-02T10:00", "end": "2026-01-03"}]}),
        by_rule(json!({"weekday": "Tue"})),
        by_rule(json!({"month": "Rejeb"})),
        json!({"type": "javanese", "rule": {}, "time": "8:00"}),
    ] {
        assert!(serde_json::from_value::<Schedule>(value.clone()).is_err(), "{value}");
    }
}

#[test]
fn a_schedule_is_written_as_it_was_read() {
    for value in [
        json!({"type": "dates", "sessions": [{"start": "2026-12-12T19:00:00+07:00", "end": "2026-12-12T22:00:00Z"}]}),
        json!({"type": "rrule", "start": "2026-07-20", "days": 1, "rrule": "FREQ=YEARLY", "rdates": ["2027-01-01"]}),
        by_rule(
            json!({"month": "ruwah", "from_day": 20, "weekday": "monday", "pasaran": "legi", "pick": "first"}),
        ),
    ] {
        assert_eq!(serde_json::to_value(schedule(value.clone())).unwrap(), value);
    }
}

mod properties;

#[test]
fn a_rule_for_other_calendars_begins_where_it_names_a_day_and_ends_in_their_form() {
    let told = |rule: serde_json::Value| {
        let Schedule::Rrule(rule) = serde_json::from_value(rule).unwrap() else { panic!("a rule") };
        let (start, text) = rule.for_calendars(chrono_tz::Asia::Jakarta).unwrap();
        (start.to_string(), text)
    };
    let timed = serde_json::json!({"type": "rrule", "start": "2027-01-04T19:30:00+07:00",
        "rrule": "freq=WEEKLY;BYWEEKDAY=TU,FR;UNTIL=20270430"});
    let text = "FREQ=WEEKLY;BYDAY=TU,FR;UNTIL=20270430T165959Z".to_owned();
    assert_eq!(told(timed), ("2027-01-05T19:30:00+07:00".to_owned(), text));
    let days = serde_json::json!({"type": "rrule", "start": "2027-01-01",
        "rrule": "FREQ=MONTHLY;BYDAY=-1SU;UNTIL=20270430T170000Z"});
    let text = "FREQ=MONTHLY;BYDAY=-1SU;UNTIL=20270501".to_owned();
    assert_eq!(told(days), ("2027-01-31".to_owned(), text));
}
