use chrono::Utc;
use proptest::{prelude::*, sample::select};

use super::*;

fn local(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn codes(text: &str) -> Vec<&'static str> {
    let read = Rule::read(text, local("2026-01-04T06:00:00"), false);
    read.err().unwrap_or_default().iter().map(|fault| fault.code).collect()
}

fn ours(text: &str, start: NaiveDateTime, last: NaiveDate) -> Vec<NaiveDateTime> {
    let rule = Rule::read(text, start, false).unwrap();
    rule.starts(start.date(), last, &Utc).collect()
}

/// What the crate makes of a rule that is tame enough for it.
fn crates(text: &str, start: NaiveDateTime, last: NaiveDate) -> Vec<NaiveDateTime> {
    let parsed: RRule<Unvalidated> = text.parse().unwrap();
    let set = parsed.build(start.and_utc().with_timezone(&rrule::Tz::UTC)).unwrap().limit();
    set.into_iter().map(|time| time.naive_utc()).take_while(|time| time.date() <= last).collect()
}

#[test]
fn what_the_rules_of_rfc_5545_forbid_or_we_cannot_bound_is_refused() {
    for (text, code) in [
        ("FREQ=SECONDLY;BYSECOND=59", "unsupported"),
        ("FREQ=MINUTELY", "unsupported"),
        ("FREQ=HOURLY", "unsupported"),
        ("FREQ=DAILY;BYHOUR=6,7", "unsupported"),
        ("FREQ=DAILY;BYMINUTE=0,30", "unsupported"),
        ("FREQ=YEARLY;BYWEEKNO=2;WKST=SU", "unsupported"),
        ("FREQ=DAILY;INTERVAL=0", "out_of_range"),
        ("FREQ=DAILY;INTERVAL=1001", "out_of_range"),
        ("FREQ=DAILY;COUNT=0", "out_of_range"),
        ("FREQ=DAILY;COUNT=10001", "out_of_range"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "conflict"),
        ("FREQ=WEEKLY;BYDAY=2MO", "conflict"),
        ("FREQ=DAILY;UNTIL=tomorrow", "syntax"),
        ("FREQ=DAILY;UNTIL=20270101;UNTIL=20280101", "syntax"),
        ("FREQ=WEEKLY;BYDAY=FOOMO", "syntax"),
        ("FREQ=WEEKLY;BYDAY=0MO", "syntax"),
        ("FREQ=WEEKLY;BYDAY=é", "syntax"),
        ("FREQ=DAILY;BYEASTER=1", "syntax"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "syntax"),
        ("FREQ=DAILY\nEXRULE:FREQ=DAILY", "syntax"),
        ("RRULE:FREQ=DAILY", "syntax"),
        ("every sunday", "syntax"),
        ("", "syntax"),
    ] {
        assert_eq!(codes(text), [code], "{text}");
    }
    assert_eq!(codes(&format!("FREQ=WEEKLY;BYDAY={}", "MO,".repeat(200))), ["too_long"]);
}

#[test]
fn several_faults_are_told_at_once() {
    let told = codes("FREQ=HOURLY;INTERVAL=5000;COUNT=99999;BYHOUR=1,2;BYDAY=2MO");
    assert_eq!(told, ["unsupported", "out_of_range", "out_of_range", "unsupported", "conflict"]);
}

#[test]
fn an_end_may_be_a_day_a_local_time_or_an_instant() {
    let start = local("2026-01-04T06:00:00");
    let last = start.date() + TimeDelta::days(100);
    for until in ["20260118", "20260118T060000", "20260118T060000Z"] {
        let found = ours(&format!("FREQ=WEEKLY;UNTIL={until}"), start, last);
        assert_eq!(found.last(), Some(&local("2026-01-18T06:00:00")), "{until}");
    }
}

#[test]
fn numbered_and_plain_weekdays_may_stand_together() {
    let start = local("2026-01-01T06:00:00");
    let found =
        ours("FREQ=MONTHLY;BYDAY=1MO,SU", start, NaiveDate::from_ymd_opt(2026, 1, 12).unwrap());
    let days: Vec<_> = found.iter().map(Datelike::day).collect();
    assert_eq!(days, [4, 5, 11]);
}

fn any_rule() -> impl Strategy<Value = String> {
    let monthly = select(vec![
        "BYDAY=MO,TH",
        "BYDAY=1SU",
        "BYDAY=-1FR",
        "BYDAY=2TU,-2SA",
        "BYMONTHDAY=1,15,-1",
        "BYMONTHDAY=31",
        "BYMONTH=1,6",
        "BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "BYDAY=SA,SU;BYSETPOS=1,3",
        "BYDAY=FR;BYMONTHDAY=13",
        "",
    ])
    .prop_map(|parts| ("MONTHLY", parts));
    let yearly = select(vec![
        "",
        "BYMONTH=2,8",
        "BYMONTH=3;BYDAY=1SU",
        "BYDAY=20MO",
        "BYDAY=-1SU",
        "BYYEARDAY=1,100,-1",
        "BYWEEKNO=20,-10;BYDAY=MO",
        "BYMONTHDAY=29;BYMONTH=2",
        "BYDAY=SU;BYSETPOS=-2",
    ])
    .prop_map(|parts| ("YEARLY", parts));
    let weekly = select(vec!["", "BYDAY=MO,WE,SU", "BYDAY=SA;BYMONTH=5,6", "BYDAY=TU,SU;WKST=SU"])
        .prop_map(|parts| ("WEEKLY", parts));
    let daily = select(vec!["", "BYDAY=SU", "BYMONTH=12", "BYMONTHDAY=-1", "BYHOUR=5;BYMINUTE=30"])
        .prop_map(|parts| ("DAILY", parts));
    (prop_oneof![monthly, yearly, weekly, daily], 1..5_u16, proptest::option::of(1..40_u32))
        .prop_map(|((freq, parts), interval, count)| {
            let count = count.map(|count| format!(";COUNT={count}")).unwrap_or_default();
            let parts = if parts.is_empty() { String::new() } else { format!(";{parts}") };
            format!("FREQ={freq};INTERVAL={interval}{count}{parts}")
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_crate_comes_to_the_same_dates(
        rule in any_rule(), days in 0..4_000_i64, hour in 0..24_u32
    ) {
        let day = NaiveDate::from_ymd_opt(2018, 1, 1).unwrap() + TimeDelta::days(days);
        let start = day.and_hms_opt(hour, 15, 0).unwrap();
        let last = day + TimeDelta::days(3_000);
        prop_assert_eq!(ours(&rule, start, last), crates(&rule, start, last), "{} from {}", rule, start);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[A-Z0-9=;,+-]{0,60}") {
        let _ = Rule::read(&text, NaiveDateTime::MAX, false);
        let _ = Rule::read(&format!("FREQ=YEARLY;{text}"), NaiveDateTime::MAX, true);
    }
}
