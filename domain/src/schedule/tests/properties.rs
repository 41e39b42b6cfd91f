//! What holds of any schedule, hostile ones included.

use chrono::Timelike;
use proptest::{prelude::*, sample::select};

use super::*;

#[test]
fn hostile_schedules_are_done_at_once() {
    let rules = [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;BYMONTH=4",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU;COUNT=10000",
        "FREQ=YEARLY;BYDAY=SU,MO,TU,WE,TH,FR,SA;BYSETPOS=-366",
        "FREQ=DAILY;COUNT=10000",
        "FREQ=YEARLY;BYWEEKNO=53,-1;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=10000",
        "FREQ=SECONDLY;BYSECOND=59",
    ];
    let recurring =
        rules.map(|text| json!({"type": "rrule", "start": "2017-01-01", "rrule": text}));
    let javanese = [
        json!({"pasaran": "legi", "gregorian_month": 2, "pick": "last"}),
        json!({"from_day": 1}),
        json!({"month": "besar", "from_day": 30, "weekday": "monday", "pasaran": "legi", "gregorian_month": 12}),
    ];
    let (from, to) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    for value in recurring.into_iter().chain(javanese.map(by_rule)) {
        let hostile = schedule(value.clone());
        let begun = std::time::Instant::now();
        let _ = hostile.check(now());
        let checked = begun.elapsed();
        let begun = std::time::Instant::now();
        let _ = hostile.occurrences(Jakarta, from, to, usize::MAX);
        let whole = begun.elapsed();
        let begun = std::time::Instant::now();
        let year = between(&hostile, "2026-01-01", "2027-01-01").len();
        println!("{checked:>10.2?} {whole:>10.2?} {:>10.2?} {year:>4} {value}", begun.elapsed());
        // Tests are built without optimisation.
        assert!(checked.max(whole) < std::time::Duration::from_millis(500), "{value}");
    }
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let rrule = select(vec![
        "FREQ=WEEKLY;BYDAY=SU",
        "FREQ=DAILY;COUNT=30",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=YEARLY",
        "FREQ=WEEKLY;UNTIL=20270101",
    ]);
    let timed = (rrule.clone(), 0..3_000_u32).prop_map(|(text, minutes)| {
        let mut value = json!({"type": "rrule", "start": "2026-01-04T06:00:00+07:00", "rrule": text,
            "rdates": ["2026-01-04T06:00:00+07:00", "2026-05-01T09:00:00+07:00"], "exdates": ["2026-02-01T06:00:00+07:00"]});
        if minutes > 0 {
            value["duration_min"] = json!(minutes);
        }
        schedule(value)
    });
    let all_day = (rrule, 1..5_u32).prop_map(|(text, days)| {
        schedule(json!({"type": "rrule", "start": "2026-01-04", "days": days, "rrule": text}))
    });
    let javanese = (any_javanese_rule(), -30..30_i32, 1..9_u32).prop_map(|(rule, offset, days)| {
        Schedule::Javanese(Javanese {
            rule,
            time: None,
            duration_min: None,
            days: Some(days),
            offset_days: Some(offset),
            announced: Vec::new(),
        })
    });
    prop_oneof![timed, all_day, javanese]
}

fn any_javanese_rule() -> impl Strategy<Value = JavaneseRule> {
    use crate::javanese::Month;
    use proptest::option::weighted;
    let weekdays = [chrono::Weekday::Mon, chrono::Weekday::Wed, chrono::Weekday::Sun];
    (
        weighted(0.6, select(Month::ALL.to_vec())),
        weighted(0.3, 1..=30_u8),
        weighted(0.3, 1..=30_u8),
        weighted(0.3, 1..=30_u8),
        weighted(0.4, select(weekdays.to_vec())),
        weighted(0.4, select(Pasaran::ALL.to_vec())),
        weighted(0.3, 1..=12_u8),
        select(vec![Pick::Every, Pick::First, Pick::Last]),
    )
        .prop_map(|(month, day, from_day, to_day, weekday, pasaran, gregorian_month, pick)| {
            JavaneseRule { month, day, from_day, to_day, weekday, pasaran, gregorian_month, pick }
        })
        .prop_filter("a pick needs a month", |rule| {
            rule.pick == Pick::Every || rule.month.is_some() || rule.gregorian_month.is_some()
        })
}

/// The days of the rule from 2020 to 2050, found the long way: by filling one bag a month.
fn by_brute_force(rule: &JavaneseRule) -> Vec<NaiveDate> {
    let mut bags: Vec<((i32, u32), Vec<NaiveDate>)> = Vec::new();
    for date in day("2019-11-01").iter_days().take_while(|date| *date < day("2051-03-01")) {
        let javanese = JavaneseDate::of(date).unwrap();
        let bag = if rule.month.is_some() {
            (javanese.year, javanese.month as u32)
        } else {
            (date.year(), date.month())
        };
        let unequal = [
            rule.month.is_some_and(|month| month != javanese.month),
            rule.day.is_some_and(|day| day != javanese.day),
            rule.from_day.is_some_and(|day| javanese.day < day),
            rule.to_day.is_some_and(|day| javanese.day > day),
            rule.weekday.is_some_and(|weekday| weekday != date.weekday()),
            rule.pasaran.is_some_and(|market| market != pasaran(date)),
            rule.gregorian_month.is_some_and(|month| u32::from(month) != date.month()),
        ];
        if unequal.contains(&true) {
            continue;
        }
        match bags.last_mut() {
            Some((last, days)) if *last == bag => days.push(date),
            _ => bags.push((bag, vec![date])),
        }
    }
    let picked = bags.into_iter().flat_map(|(_, days)| match rule.pick {
        Pick::Every => days,
        Pick::First => vec![days[0]],
        Pick::Last => vec![days[days.len() - 1]],
    });
    picked.filter(|date| (2020..=2050).contains(&date.year())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn javanese_rules_yield_what_brute_force_finds(rule in any_javanese_rule()) {
        let expected = by_brute_force(&rule);
        let whole = Schedule::Javanese(Javanese { rule, time: None, duration_min: None, days: None, offset_days: None, announced: Vec::new() });
        let (from, to) = (midnight(day("2020-01-01")), midnight(day("2051-01-01")));
        let found = whole.occurrences(Jakarta, from, to, usize::MAX);
        let found: Vec<_> = found.iter().map(|one| one.start.local(&Jakarta).date()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn adjacent_windows_hold_together_what_the_whole_holds(
        schedule in any_schedule(), offset in 0..900_i64, lengths in proptest::collection::vec(1..90_000_i64, 1..6)
    ) {
        let from = midnight(day("2025-10-01")) + TimeDelta::days(offset);
        let mut parts = Vec::new();
        let mut to = from;
        for minutes in lengths {
            let next = to + TimeDelta::minutes(minutes);
            parts.extend(schedule.occurrences(Jakarta, to, next, usize::MAX));
            to = next;
        }
        parts.sort_by_key(|one| one.starts_at(Jakarta));
        parts.dedup();
        let whole = schedule.occurrences(Jakarta, from, to, usize::MAX);
        prop_assert_eq!(&parts, &whole);
        let first = schedule.occurrences(Jakarta, from, to, 3);
        prop_assert_eq!(&first[..], &whole[..whole.len().min(3)]);
    }

    #[test]
    fn a_clock_time_is_kept_in_every_zone(days in 0..700_i64) {
        let value = json!({"type": "rrule", "start": "2026-01-04T06:30:00+01:00", "rrule": "FREQ=DAILY"});
        let from = midnight(day("2026-01-05")) + TimeDelta::days(days);
        for one in schedule(value).occurrences(Berlin, from, from + TimeDelta::days(3), 9) {
            let local = one.start.local(&Berlin);
            prop_assert_eq!((local.hour(), local.minute()), (6, 30));
        }
    }
}
