//! What holds of any text, hostile ones included.

use chrono::{Datelike, Timelike, Weekday};
use chrono_tz::{Asia::Kathmandu, Australia::Lord_Howe, Europe::Berlin};
use proptest::{prelude::*, sample::select};

use super::*;

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
    place.holidays = (0..400)
        .map(|day| "2026-01-01".parse::<NaiveDate>().unwrap() + TimeDelta::days(day * 2))
        .collect();
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
        println!(
            "{parsed:>12.2?} {evaluated:>12.2?} {} {}",
            read.is_ok(),
            &text[..text.len().min(40)]
        );
        slowest = slowest.max(parsed).max(evaluated);
    }
    // Five milliseconds in release; tests are built without optimisation.
    assert!(slowest < std::time::Duration::from_millis(250), "{slowest:?}");
}

fn any_text() -> impl Strategy<Value = String> {
    let days = select(vec![
        "",
        "Mo-Fr ",
        "Sa,Su ",
        "PH ",
        "Mo[1] ",
        "Jan-Mar ",
        "Jun 10-Jul 5 ",
        "week 10-20/2 ",
        "2026 Apr ",
        "Mo-Su,PH ",
    ]);
    let times = select(vec![
        "08:00-16:00",
        "08:00-12:00,13:00-17:00",
        "18:00-02:00",
        "17:00+",
        "09:00-15:00+",
        "sunrise-sunset",
        "00:00-24:00",
        "(sunset-01:00)-22:00",
    ]);
    let modifier = select(vec!["", " off", " open", " unknown", " \"telepon\"", " open \"x\""]);
    let rule = (days, times, modifier)
        .prop_map(|(days, times, modifier)| format!("{days}{times}{modifier}"));
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

fn weekly_text() -> impl Strategy<Value = String> {
    let days = select(vec!["", "Mo-Fr ", "Sa,Su ", "Fr-Mo ", "Tu ", "Mo-Su ", "Mo,We-Th "]);
    let times = select(vec![
        "08:00-16:00",
        "08:00-12:00,13:00-17:00",
        "18:00-02:30",
        "17:00+",
        "09:00-15:00+",
        "00:00-24:00",
        "22:00-30:00",
        "02:15-02:45",
    ]);
    let modifier = select(vec!["", "", " off", " open", " unknown", " \"telepon\""]);
    let separator = select(vec!["; ", ", ", " || "]);
    let rule = (separator, days, times, modifier);
    proptest::collection::vec(rule, 1..5).prop_map(|rules| {
        let rules =
            rules.into_iter().enumerate().map(|(place, (separator, days, times, modifier))| {
                format!("{}{days}{times}{modifier}", if place == 0 { "" } else { separator })
            });
        rules.collect()
    })
}

fn any_place() -> impl Strategy<Value = Context> {
    let closure = (0..40_000_i64, proptest::option::weighted(0.8, 0..6_000_i64));
    proptest::collection::vec(closure, 0..3).prop_map(|closures| {
        let start = time("2026-01-01 00:00").to_utc();
        let at = |minutes| start + TimeDelta::minutes(minutes);
        let closures =
            closures.iter().map(|(from, long)| (at(*from), long.map(|long| at(from + long))));
        Context { closures: closures.collect(), ..place() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn until_is_the_first_change(text in any_text(), place in any_place(), minutes in 0..400_000_i64, sample in 0.0..1.0_f64) {
        let hours = hours(&text); // which also says that ordinary texts are not refused
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
        let hours = hours(&text); // which also says that ordinary texts are not refused
        let when = time("2026-01-01 00:00") + TimeDelta::minutes(minutes);
        let Some(opens) = hours.next_open(when, &place) else {
            prop_assert_ne!(hours.at(when, &place).state, Open);
            return Ok(());
        };
        prop_assert!(opens >= when);
        prop_assert_eq!(hours.at(opens, &place).state, Open);
        if opens > when {
            prop_assert_ne!(hours.at(when, &place).state, Open);
            prop_assert_ne!(hours.at(opens - TimeDelta::minutes(1), &place).state, Open);
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
    fn the_table_of_the_week_says_what_the_rules_say(
        text in weekly_text(),
        place in any_place(),
        zone in select(vec![Jakarta, Berlin, Kathmandu, Lord_Howe]),
        seconds in 0..1_000_000_000_i64,
        near_the_closures in any::<bool>(),
    ) {
        let table = hours(&text);
        prop_assert!(table.rules.week().is_some(), "{}", text);
        let rules = Hours { rules: Arc::new(table.rules.without_week()), ..table.clone() };
        let seconds = if near_the_closures { seconds % 2_500_000 } else { seconds - 400_000_000 };
        let when = (time("2026-01-01 00:00") + TimeDelta::seconds(seconds)).with_timezone(&zone);
        prop_assert_eq!(table.at(when, &place), rules.at(when, &place), "{} at {}", text, when);
        prop_assert_eq!(table.next_open(when, &place), rules.next_open(when, &place), "{} at {}", text, when);
    }

    #[test]
    fn an_ordinary_week_is_as_one_reads_it(minutes in 0..500_000_i64) {
        let when = time("2026-01-01 00:00") + TimeDelta::minutes(minutes);
        let weekday = !matches!(when.weekday(), Weekday::Sat | Weekday::Sun);
        let expected = if weekday && (8..16).contains(&when.hour()) { Open } else { Closed };
        prop_assert_eq!(hours("Mo-Fr 08:00-16:00").at(when, &place()).state, expected);
    }
}
