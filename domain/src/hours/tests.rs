use chrono::{Datelike, TimeZone, Timelike, Weekday};
use chrono_tz::Asia::Jakarta;
use proptest::{prelude::*, sample::select};

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
    assert_eq!(says("08:00-10:00 || \"telepon\"", "2026-11-24 11:00").0, Closed);
}

#[test]
fn weeks_months_and_years_count() {
    let text = "week 48 Mo-Su 08:00-16:00";
    assert_eq!(says(text, "2026-11-24 10:00").0, Open);
    assert_eq!(says(text, "2026-12-01 10:00").0, Closed);
    let october = "2026Oct 08:00-16:00";
    for (when, state) in [
        ("2026-09-30 10:00", Closed),
        ("2026-10-01 10:00", Open),
        ("2026-10-31 10:00", Open),
        ("2026-11-01 10:00", Closed),
        ("2027-10-05 10:00", Closed),
    ] {
        assert_eq!(says(october, when).0, state, "{when}");
    }
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
    assert_eq!(fault(""), "missing");
    assert_eq!(fault("buka setiap hari"), "syntax");
    assert_eq!(fault("Mo-Fr 8-17"), "syntax");
    assert_eq!(fault("Mo-Fr 08:00"), "syntax");
    assert_eq!(fault("08:00-16:00 \"never closed"), "syntax");
    assert_eq!(fault(&"Mo,".repeat(200)), "too_long");
    assert_eq!(fault("easter off"), "unsupported");
    assert_eq!(fault("10:00-16:00/01:30"), "unsupported");
    assert_eq!(fault("(sunset+23:00)-25:00"), "unsupported");
    assert_eq!(fault("18:00-02:00+"), "unsupported");
    assert_eq!(fault(&["Mo 01:00-02:00"; 30].join("; ")), "unsupported");
    assert_eq!(fault(&["Jan Mo[1]"; 4].join(",")), "unsupported");
    assert_eq!(fault(&["sunrise-sunset"; 4].join(",")), "unsupported");
    assert!("Mo \"easter\"".parse::<Hours>().is_ok(), "a comment may say anything");
    let said = "Mo-Fr 08:00-16:00; Xx off".parse::<Hours>().unwrap_err().said.en;
    assert_eq!(said, "not valid opening_hours syntax from character 20 on");
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

/// Texts that are slow or that crash the crate one way or another.
fn hostile() -> Vec<String> {
    let list = |one: &str, count, separator: &str| vec![one; count].join(separator);
    vec![
        "Feb 29 Mo[1]".into(),
        "Feb 29 Mo[1] 08:00-09:00; Feb 30 off".into(),
        list("Jan Mo[1]", 12, ","),
        list("Jan Mo[1]", 50, ","),
        list("Jan Mo[1]-Feb Tu[-1]", 24, ","),
        list("Mo[1],Tu[2],We[3],Th[4],Fr[5]", 14, ","),
        list("Feb 29 Mo[1] 10:00-11:00", 11, "; "),
        list("Mo 10:00-11:00", 19, ", "),
        list("Mo 10:00-11:00 \"x\"", 15, "; "),
        list("PH -1 day", 29, ","),
        list("week 1-53/2", 30, ","),
        list("2026-2036/3 Mo[1] 01:00-02:00", 11, "; "),
        list("Jan 1-Dec 31 sunrise-sunset", 3, "; "),
        list("00:00-00:01", 40, ","),
        format!("Mo-Su {}", list("01:00-25:00", 40, ",")),
        list("sunrise-sunset", 3, " || "),
        list("Mo off", 29, " || "),
        list("(sunset+09:00)-(sunrise-05:00)", 2, ","),
        "(sunset+23:59)-48:00".into(),
        "\"".repeat(400),
        "Jan 31 -1 day-Feb 30 +9999 days 08:00-09:00".into(),
        "Jan Su[-5] -400 days 08:00-09:00".into(),
        "9999 Dec 31+ 08:00-09:00".into(),
        "week 53-53/255; PH +9999 days off".into(),
        "2026-9999/9999 Dec-Jan".into(),
    ]
}

#[test]
fn hostile_texts_are_refused_or_evaluated_at_once() {
    let mut place = place();
    place.holidays = (0..400).map(|day| "2026-01-01".parse::<NaiveDate>().unwrap() + TimeDelta::days(day * 2)).collect();
    let mut slowest = std::time::Duration::ZERO;
    for text in hostile() {
        let begun = std::time::Instant::now();
        let read = text.parse::<Hours>();
        let parsed = begun.elapsed();
        let begun = std::time::Instant::now();
        if let Ok(read) = &read {
            let _ = read.at(time("2026-03-01 10:00"), &place);
        }
        let evaluated = begun.elapsed();
        println!("{parsed:>12.2?} {evaluated:>12.2?} {} {}", read.is_ok(), &text[..text.len().min(40)]);
        slowest = slowest.max(parsed).max(evaluated);
    }
    // Five milliseconds in release; tests are built without optimisation.
    assert!(slowest < std::time::Duration::from_millis(250), "{slowest:?}");
}

fn any_text() -> impl Strategy<Value = String> {
    let days = select(vec!["", "Mo-Fr ", "Sa,Su ", "PH ", "Mo[1] ", "Jan-Mar ", "Jun 10-Jul 5 ", "week 10-20/2 ", "2026 Apr ", "Mo-Su,PH "]);
    let times = select(vec!["08:00-16:00", "08:00-12:00,13:00-17:00", "18:00-02:00", "17:00+", "09:00-15:00+", "sunrise-sunset", "00:00-24:00", "(sunset-01:00)-22:00"]);
    let modifier = select(vec!["", " off", " open", " unknown", " \"telepon\"", " open \"x\""]);
    let rule = (days, times, modifier).prop_map(|(days, times, modifier)| format!("{days}{times}{modifier}"));
    let separator = select(vec!["; ", ", ", " || "]);
    proptest::collection::vec((rule, separator), 1..4).prop_map(|rules| {
        let mut text = String::new();
        for (place, (rule, separator)) in rules.iter().enumerate() {
            text.push_str(if place == 0 { "" } else { separator });
            text.push_str(rule);
        }
        text
    })
}

fn any_place() -> impl Strategy<Value = Context> {
    let closure = (0..40_000_i64, proptest::option::weighted(0.8, 0..6_000_i64));
    proptest::collection::vec(closure, 0..3).prop_map(|closures| {
        let start = time("2026-01-01 00:00").to_utc();
        let at = |minutes| start + TimeDelta::minutes(minutes);
        let closures = closures.iter().map(|(from, long)| (at(*from), long.map(|long| at(from + long))));
        Context { closures: closures.collect(), ..place() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn until_is_the_first_change(text in any_text(), place in any_place(), minutes in 0..400_000_i64, sample in 0.0..1.0_f64) {
        let Ok(hours) = text.parse::<Hours>() else { return Ok(()) };
        let when = time("2026-01-01 00:00") + TimeDelta::minutes(minutes);
        let now = hours.at(when, &place);
        let end = now.until.unwrap_or(when + TimeDelta::days(369));
        prop_assert!(end > when);
        if now.until.is_some() {
            prop_assert_ne!(hours.at(end, &place).state, now.state, "{}", text);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a sample")]
        let between = (sample * (end - when).num_seconds() as f64) as i64;
        prop_assert_eq!(hours.at(when + TimeDelta::seconds(between), &place).state, now.state, "{}", text);
        prop_assert_eq!(hours.at(end - TimeDelta::minutes(1).min(end - when), &place).state, now.state);
    }

    #[test]
    fn what_opens_next_is_open_and_was_not_before(text in any_text(), place in any_place(), minutes in 0..400_000_i64) {
        let Ok(hours) = text.parse::<Hours>() else { return Ok(()) };
        let when = time("2026-01-01 00:00") + TimeDelta::minutes(minutes);
        match hours.next_open(when, &place) {
            Some(opens) => {
                prop_assert!(opens >= when);
                prop_assert_eq!(hours.at(opens, &place).state, Open);
                if opens > when {
                    prop_assert_ne!(hours.at(when, &place).state, Open);
                    prop_assert_ne!(hours.at(opens - TimeDelta::minutes(1), &place).state, Open);
                }
            }
            None => prop_assert_ne!(hours.at(when, &place).state, Open),
        }
    }

    #[test]
    fn no_text_makes_it_panic(parts in proptest::collection::vec(select(vec![
        "Mo", "Su", "-", ",", " ", "; ", " || ", "08:00", "25:00", "48:00", "+", "/", "15", "PH", "SH", "Feb", "29", "Dec", "31",
        "[1]", "[-5]", "week ", "53", "2026", "9999", " +9999 days", " -1 day", "sunrise", "(sunset+23:59)", "(dawn-23:59)",
        "off", "\"x\"", ":", "unknown", "24/7", "01:00-02:00", "easter", "10:00-26:00",
    ]), 1..9), minutes in 0..400_000_i64) {
        if let Ok(hours) = parts.concat().parse::<Hours>() {
            let _ = hours.at(time("2026-01-01 00:00") + TimeDelta::minutes(minutes), &place());
        }
    }

    #[test]
    fn an_ordinary_week_is_as_one_reads_it(minutes in 0..500_000_i64) {
        let when = time("2026-01-01 00:00") + TimeDelta::minutes(minutes);
        let weekday = !matches!(when.weekday(), Weekday::Sat | Weekday::Sun);
        let expected = if weekday && (8..16).contains(&when.hour()) { Open } else { Closed };
        prop_assert_eq!(hours("Mo-Fr 08:00-16:00").at(when, &place()).state, expected);
    }
}
