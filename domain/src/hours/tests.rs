use chrono::{Datelike, TimeZone, Timelike};
use chrono_tz::Asia::Jakarta;

use super::*;

fn hours(text: &str) -> Hours {
    text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn fault(text: &str) -> &'static str {
    text.parse::<Hours>().unwrap_err().code
}

/// `2026-03-19 08:00`, Jakarta time.
fn time(text: &str) -> DateTime<Tz> {
    let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    Jakarta.from_local_datetime(&local).unwrap()
}

fn place() -> Context {
    // Nyepi 2026 and New Year.
    let holidays = ["2027-01-01", "2026-03-19", "2026-01-01", "2026-03-19"];
    Context {
        holidays: holidays.iter().map(|day| day.parse::<NaiveDate>().unwrap()).collect(),
        coordinates: Some((-7.9, 110.33)),
        closures: Vec::new(),
    }
}

fn says(text: &str, when: &str) -> (State, Option<DateTime<Tz>>) {
    let said = hours(text).at(time(when), &place());
    (said.state, said.until)
}

use State::{Closed, Open, Unknown};

#[test]
fn a_shop_is_open_until_it_closes_and_closed_until_it_opens() {
    let text = "Mo-Sa 08:00-16:00";
    assert_eq!(says(text, "2026-11-24 08:00"), (Open, Some(time("2026-11-24 16:00"))));
    assert_eq!(says(text, "2026-11-24 16:00"), (Closed, Some(time("2026-11-25 08:00"))));
    assert_eq!(says(text, "2026-11-28 17:00"), (Closed, Some(time("2026-11-30 08:00"))));
}

#[test]
fn always_is_always_and_never_is_never() {
    assert_eq!(says("24/7", "2026-11-24 08:00"), (Open, None));
    assert_eq!(says("off", "2026-11-24 08:00"), (Closed, None));
    assert_eq!(hours("off").next_open(time("2026-11-24 08:00"), &place()), None);
}

#[test]
fn nyepi_closes_where_public_holidays_are_off() {
    let text = "Mo-Su 08:00-16:00; PH off";
    assert_eq!(says(text, "2026-03-19 10:00"), (Closed, Some(time("2026-03-20 08:00"))));
    assert_eq!(says(text, "2026-03-18 10:00").0, Open);
    let without = Context { holidays: Holidays::default(), ..place() };
    assert_eq!(hours(text).at(time("2026-03-19 10:00"), &without).state, Open);
}

#[test]
fn holidays_are_a_sorted_set() {
    let days: Vec<_> = place().holidays.iter().map(|day| day.to_string()).collect();
    assert_eq!(days, ["2026-01-01", "2026-03-19", "2027-01-01"]);
    assert!(place().holidays.contains("2026-03-19".parse().unwrap()));
}

#[test]
fn school_holidays_never_match() {
    assert_eq!(says("SH 08:00-16:00", "2026-07-01 10:00"), (Closed, None));
}

#[test]
fn a_night_belongs_to_the_evening_it_began_on() {
    let text = "Fr,Sa 18:00-02:00";
    assert_eq!(says(text, "2026-11-29 01:59"), (Open, Some(time("2026-11-29 02:00"))));
    assert_eq!(says(text, "2026-11-27 23:00"), (Open, Some(time("2026-11-28 02:00"))));
    assert_eq!(says(text, "2026-11-29 02:00"), (Closed, Some(time("2026-12-04 18:00"))));
}

#[test]
fn a_night_lasts_into_a_day_that_has_rules_of_its_own() {
    for text in [
        "Mo-Th,Su 16:00-23:00; Fr,Sa 18:00-02:00",
        "Fr,Sa 18:00-02:00; Mo-Th,Su 16:00-23:00",
        "Fr,Sa 18:00-02:00; Su off",
        "Fr,Sa 18:00-02:00; Nov 29 off",
    ] {
        assert_eq!(
            says(text, "2026-11-28 19:00"),
            (Open, Some(time("2026-11-29 02:00"))),
            "{text}"
        );
        assert_eq!(
            says(text, "2026-11-29 00:30"),
            (Open, Some(time("2026-11-29 02:00"))),
            "{text}"
        );
        assert_eq!(says(text, "2026-11-29 02:00").0, Closed, "{text}");
    }
}

#[test]
fn a_day_off_takes_its_night_with_it() {
    let text = "18:00-02:00; Sa off";
    assert_eq!(says(text, "2026-11-28 01:00").0, Open, "the night of Friday");
    assert_eq!(says(text, "2026-11-28 02:00"), (Closed, Some(time("2026-11-29 18:00"))));
    assert_eq!(says("Mo-Su 18:00-02:00; PH off", "2026-03-20 01:00").0, Closed);
    assert_eq!(says("Mo-Su 18:00-02:00; Sa 17:00-22:00", "2026-11-29 01:00").0, Closed);
}

#[test]
fn the_times_of_a_day_go_before_those_of_the_night_before() {
    let text = "Fr,Sa 18:00-03:00; Su 01:00-12:00 off";
    assert_eq!(says(text, "2026-11-29 00:30"), (Open, Some(time("2026-11-29 01:00"))));
    assert_eq!(says(text, "2026-11-28 02:00").0, Open);
    assert_eq!(says("Sa 18:00-03:00; Su 01:00-02:00 unknown", "2026-11-29 01:30").0, Unknown);
}

#[test]
fn times_off_are_cut_out_of_the_day() {
    let text = "Mo-Fr 08:00-16:00; Tu 12:00-13:00 off";
    assert_eq!(says(text, "2026-11-24 09:00"), (Open, Some(time("2026-11-24 12:00"))));
    assert_eq!(says(text, "2026-11-24 12:00"), (Closed, Some(time("2026-11-24 13:00"))));
}

#[test]
fn the_wall_clock_decides_when_it_is_turned() {
    let berlin = |text: &str| {
        let utc = text.parse::<DateTime<Utc>>().unwrap();
        utc.with_timezone(&chrono_tz::Europe::Berlin)
    };
    // In October 02:00 to 03:00 comes twice, in March never.
    let night = hours("18:00-02:30");
    let says = |when| night.at(berlin(when), &place());
    let till = |state, until| Openness { state, until: Some(berlin(until)) };
    assert_eq!(says("2026-10-25T00:15:00Z"), till(Open, "2026-10-25T00:30:00Z"));
    assert_eq!(says("2026-10-25T00:45:00Z"), till(Closed, "2026-10-25T01:00:00Z"));
    assert_eq!(says("2026-10-25T01:15:00Z"), till(Open, "2026-10-25T01:30:00Z"));
    assert_eq!(says("2026-03-28T23:00:00Z"), till(Open, "2026-03-29T01:00:00Z"));
}

#[test]
fn neighbouring_intervals_of_one_state_are_one() {
    let text = "Mo-Fr 08:00-12:00 open \"pagi\", Mo-Fr 12:00-16:00 open \"siang\"";
    assert_eq!(says(text, "2026-11-24 08:00"), (Open, Some(time("2026-11-24 16:00"))));
}

#[test]
fn an_open_end_is_unknown_until_midnight() {
    assert_eq!(says("17:00+", "2026-11-24 18:00"), (Unknown, Some(time("2026-11-25 00:00"))));
    assert_eq!(says("17:00+", "2026-11-24 16:00"), (Closed, Some(time("2026-11-24 17:00"))));
    let text = "Mo-Fr 08:00-12:00,13:00-17:00+";
    assert_eq!(says(text, "2026-11-24 09:00"), (Open, Some(time("2026-11-24 12:00"))));
    assert_eq!(says(text, "2026-11-24 16:00"), (Open, Some(time("2026-11-24 17:00"))));
    assert_eq!(says(text, "2026-11-24 17:00"), (Unknown, Some(time("2026-11-25 00:00"))));
    assert_eq!(says("08:00-12:00,17:00+", "2026-11-24 09:00").0, Open);
    assert_eq!(says("08:00-12:00,17:00+; Tu off", "2026-11-24 18:00").0, Closed);
    assert_eq!(says("08:00-sunset+", "2026-11-24 20:00").0, Unknown);
}

#[test]
fn what_is_only_a_comment_is_unknown() {
    assert_eq!(says("\"menurut perjanjian\"", "2026-11-24 10:00"), (Unknown, None));
    assert_eq!(says("unknown", "2026-11-24 10:00"), (Unknown, None));
    assert_eq!(says("unknown \"telepon dulu\"", "2026-11-24 10:00").0, Unknown);
    assert_eq!(says("Mo-Sa 08:00-16:00 \"telepon dulu\"", "2026-11-24 10:00").0, Unknown);
    assert_eq!(says("Mo-Sa 08:00-16:00 open \"telepon dulu\"", "2026-11-24 10:00").0, Open);
    assert_eq!(says("open \"gratis\"", "2026-11-24 10:00"), (Open, None));
    assert_eq!(says("\"loket\":Mo-Sa 08:00-16:00", "2026-11-24 10:00").0, Open);
    assert_eq!(says("Mo-Su 08:00-16:00; PH off \"libur\"", "2026-03-19 10:00").0, Closed);
}

#[test]
fn a_fallback_holds_at_the_times_that_are_left_closed() {
    let text = "Mo-Fr 08:00-16:00 || \"telepon dulu\"";
    assert_eq!(says(text, "2026-11-24 08:00"), (Open, Some(time("2026-11-24 16:00"))));
    assert_eq!(says(text, "2026-11-24 16:00"), (Unknown, Some(time("2026-11-25 08:00"))));
    assert_eq!(says(text, "2026-11-28 10:00"), (Unknown, Some(time("2026-11-30 08:00"))));
    let text = "08:00-12:00 || 10:00-14:00,17:00+ || Tu 20:00-21:00";
    assert_eq!(says(text, "2026-11-24 08:00"), (Open, Some(time("2026-11-24 14:00"))));
    assert_eq!(says(text, "2026-11-24 20:30"), (Unknown, Some(time("2026-11-25 00:00"))));
}

#[test]
fn weeks_months_and_years_count() {
    let text = "week 48 Mo-Su 08:00-16:00";
    assert_eq!(says(text, "2026-11-24 10:00").0, Open);
    assert_eq!(says(text, "2026-12-01 10:00").0, Closed);
    for (when, state) in [
        ("2026-09-30 10:00", Closed),
        ("2026-10-01 10:00", Open),
        ("2026-10-31 10:00", Open),
        ("2026-11-01 10:00", Closed),
        ("2027-10-05 10:00", Closed),
    ] {
        for october in ["2026Oct 08:00-16:00", "2026 Oct 08:00-16:00"] {
            assert_eq!(says(october, when).0, state, "{when}");
        }
    }
    let easy = "Dec 24-26 off; 08:00-16:00";
    assert_eq!(says(easy, "2026-12-25 10:00").0, Open, "a later rule for every day");
    let festive = "08:00-16:00; Dec 24-Jan 2 off; Feb 29 off; Nov Su[-1] off";
    for (when, state) in [
        ("2026-12-23 10:00", Open),
        ("2026-12-24 10:00", Closed),
        ("2027-01-02 10:00", Closed),
        ("2027-01-03 10:00", Open),
        ("2027-02-28 10:00", Open),
        ("2028-02-29 10:00", Closed),
        ("2026-11-29 10:00", Closed),
        ("2026-11-22 10:00", Open),
    ] {
        assert_eq!(says(festive, when).0, state, "{when}");
    }
    let years = "2020 Jan 1-2026 Nov 24 08:00-16:00; 2027+ 09:00-10:00";
    assert_eq!(says(years, "2026-11-24 10:00"), (Open, Some(time("2026-11-24 16:00"))));
    assert_eq!(says(years, "2026-11-25 10:00"), (Closed, Some(time("2027-01-01 09:00"))));
    assert_eq!(says("2026Nov-Feb 08:00-16:00", "2027-02-28 10:00").0, Open);
    assert_eq!(says("Jun-Aug Mo-Su 08:00-16:00", "2026-08-31 10:00").0, Open);
}

#[test]
fn the_sun_rises_over_bantul_before_six() {
    for month in 1..=12 {
        let when = Jakarta.with_ymd_and_hms(2026, month, 21, 3, 0, 0).unwrap();
        let sunrise = hours("sunrise-sunset").next_open(when, &place()).unwrap();
        assert_eq!((sunrise.day(), sunrise.hour()), (21, 5), "{sunrise}");
    }
    let nowhere = Context { coordinates: Some((f64::NAN, 500.0)), ..place() };
    let sunrise = hours("sunrise-sunset").next_open(time("2026-11-24 03:00"), &nowhere);
    assert_eq!(sunrise, Some(time("2026-11-24 06:00")));
}

fn closed(from: &str, to: Option<&str>) -> Context {
    let closures = vec![(time(from).to_utc(), to.map(|to| time(to).to_utc()))];
    Context { closures, ..place() }
}

#[test]
fn a_closure_closes_whatever_the_hours_say() {
    let always = hours("24/7");
    let storm = closed("2026-11-24 10:00", Some("2026-11-26 06:00"));
    let at = |when| always.at(time(when), &storm);
    let till = |state, until| Openness { state, until: Some(time(until)) };
    assert_eq!(at("2026-11-24 09:00"), till(Open, "2026-11-24 10:00"));
    assert_eq!(at("2026-11-24 10:00"), till(Closed, "2026-11-26 06:00"));
    assert_eq!(at("2026-11-26 06:00"), Openness { state: Open, until: None });
    let shop = hours("08:00-16:00");
    assert_eq!(shop.at(time("2026-11-24 15:00"), &storm), till(Closed, "2026-11-26 08:00"));
}

#[test]
fn a_closure_until_further_notice_ends_nowhere() {
    let gone = closed("2026-11-24 10:00", None);
    let shop = hours("08:00-16:00");
    assert_eq!(shop.at(time("2026-11-25 12:00"), &gone), Openness { state: Closed, until: None });
    assert_eq!(shop.next_open(time("2026-11-25 12:00"), &gone), None);
    assert_eq!(shop.next_open(time("2026-11-24 09:00"), &gone), Some(time("2026-11-24 09:00")));
}

#[test]
fn closures_that_overlap_are_one_and_backward_ones_none() {
    let mut place = closed("2026-11-24 10:00", Some("2026-11-25 10:00"));
    place.closures.extend(closed("2026-11-25 09:00", Some("2026-11-27 10:00")).closures);
    place.closures.extend(closed("2026-11-30 10:00", Some("2026-11-29 10:00")).closures);
    let always = hours("24/7");
    let until = Some(time("2026-11-27 10:00"));
    assert_eq!(always.at(time("2026-11-24 12:00"), &place), Openness { state: Closed, until });
    assert_eq!(always.at(time("2026-11-28 00:00"), &place), Openness { state: Open, until: None });
}

#[test]
fn what_is_wrong_or_not_supported_is_refused() {
    for (text, code) in [
        (String::new(), "missing"),
        ("buka setiap hari".into(), "syntax"),
        ("Mo-Fr 8-17".into(), "syntax"),
        ("Mo-Fr 08:00".into(), "syntax"),
        ("08:00-16:00 \"never closed".into(), "syntax"),
        ("Mo,".repeat(200), "too_long"),
        ("easter off".into(), "unsupported"),
        ("Mo-Su 08:00-16:00; Easter -2 days off".into(), "unsupported"),
        ("PH Mo-Fr 08:00-12:00".into(), "unsupported"),
        ("08:00-16:00; Mo-Fr SH off".into(), "unsupported"),
        ("Sa,PH +1 day Su off".into(), "unsupported"),
        ("10:00-16:00/01:30".into(), "unsupported"),
        ("(sunset+23:00)-25:00".into(), "unsupported"),
        ("18:00-02:00+".into(), "unsupported"),
        (["Mo 01:00-02:00"; 30].join("; "), "unsupported"),
        (["17:00+"; 8].join(" || "), "unsupported"),
        (["Jan Mo[1]"; 4].join(","), "unsupported"),
        (["sunrise-sunset"; 4].join(","), "unsupported"),
    ] {
        assert_eq!(fault(&text), code, "{text}");
    }
    for text in ["PH,Mo-Fr 08:00-12:00", "Mo-Fr 08:00-16:00; PH off", "week 48 PH off"] {
        assert!(text.parse::<Hours>().is_ok(), "{text}");
    }
    assert!("Mo \"easter\"".parse::<Hours>().is_ok(), "a comment may say anything");
    let said = "Mo-Fr 08:00-16:00; Xx off".parse::<Hours>().unwrap_err().said.en;
    assert_eq!(said, "not valid opening_hours syntax from character 20 on");
}

#[test]
fn a_column_of_the_database_holds_the_text() {
    use sea_orm::{Value, sea_query::ValueType};
    let read = hours("Mo-Fr 08:00-16:00");
    let value = Value::from(read.clone());
    assert_eq!(value, Value::from("Mo-Fr 08:00-16:00"));
    assert_eq!(<Hours as ValueType>::try_from(value).unwrap(), read);
    assert!(<Hours as ValueType>::try_from(Value::from("buka")).is_err());
}

#[test]
fn the_text_stays_as_it_was_written() {
    let written = "  mo-fr 8:00-16:00 \"telepon\" ";
    let read = hours(written);
    assert_eq!(read.to_string(), written.trim());
    let json = serde_json::to_value(&read).unwrap();
    assert_eq!(json, written.trim());
    assert_eq!(serde_json::from_value::<Hours>(json).unwrap(), read);
}

mod oracle;
mod properties;

#[test]
fn a_week_like_every_other_is_told_in_stretches_and_no_other() {
    let weekly = |text: &str| {
        let stretches = text.parse::<Hours>().unwrap().weekly()?;
        Some(stretches.iter().map(|s| (s.weekday, s.opens, s.closes)).collect::<Vec<_>>())
    };
    assert_eq!(weekly("Mo,Tu 08:00-12:00; Tu off"), Some(vec![(0, 480, 720)]));
    assert_eq!(weekly("Su 18:00-02:00"), Some(vec![(6, 1080, 1560)]));
    assert_eq!(weekly("Sa,Su 00:00-24:00"), Some(vec![(5, 0, 1440), (6, 0, 1440)]));
    assert_eq!(weekly("24/7").map(|all| all.len()), Some(7));
    assert_eq!(weekly("off"), Some(vec![]));
    for text in
        ["Mo-Su 08:00-16:00; PH off", "sunrise-sunset", "17:00+", "Su[1] 07:00-12:00", "unknown"]
    {
        assert_eq!(weekly(text), None, "{text}");
    }
}
