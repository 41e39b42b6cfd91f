//! A second evaluator, by other means: minute by minute, from the rules as they were made up, not
//! from the text. It scans rules backwards, where the other builds a day up.

use std::fmt::Write as _;

use chrono::{Datelike, Timelike};
use chrono_tz::{Australia::Lord_Howe, Europe::Berlin};

use super::*;

const WEEKDAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Numbers that look random and are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(bound)).unwrap()
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }
}

/// Months, dates of one month or ISO weeks; all bounds are part of it.
enum Wide {
    Months(u32, u32),
    Dates(u32, u32, u32),
    Weeks(u32, u32),
}

#[derive(Clone, Copy, PartialEq)]
enum Modifier {
    None,
    Open,
    Off,
    Unknown,
    Comment,
}

struct MadeUp {
    separator: &'static str,
    wide: Option<Wide>,
    weekdays: Vec<(u32, u32)>,
    holidays: bool,
    /// Minutes of the day, an end before the start on the next one; `None` is an open end.
    times: Vec<(u32, Option<u32>)>,
    modifier: Modifier,
}

fn made_up(dice: &mut Dice, first: bool) -> MadeUp {
    let separator = match dice.below(10) {
        _ if first => "",
        0..6 => "; ",
        6..9 => ", ",
        _ => " || ",
    };
    let wide = match dice.below(12) {
        0 => Some(Wide::Months(dice.below(12), dice.below(12))),
        1 => {
            let from = 1 + dice.below(20);
            Some(Wide::Dates(dice.below(12), from, from + dice.below(8)))
        }
        2 => {
            let from = 1 + dice.below(52);
            Some(Wide::Weeks(from, (from + dice.below(20)).min(53)))
        }
        _ => None,
    };
    let days = u32::from(separator == ", ") + dice.below(3);
    let weekdays: Vec<_> = (0..days).map(|_| (dice.below(7), dice.below(7))).collect();
    let holidays = dice.chance(15) && (wide.is_none() || !weekdays.is_empty());
    let modifier = match dice.below(12) {
        0 | 1 => Modifier::Off,
        2 => Modifier::Unknown,
        3 => Modifier::Comment,
        4 => Modifier::Open,
        _ => Modifier::None,
    };
    let count = u32::from(modifier == Modifier::None) + dice.below(3);
    let times = (0..count).map(|_| {
        let end = dice.below(96) * 15;
        let open_end = modifier != Modifier::Off && dice.chance(10);
        (dice.below(96) * 15, (!open_end).then_some(end))
    });
    let times = times.collect();
    MadeUp { separator, wide, weekdays, holidays, times, modifier }
}

fn written(rules: &[MadeUp]) -> String {
    rules.iter().fold(String::new(), |text, rule| text + rule.separator + &rule.written())
}

impl MadeUp {
    fn written(&self) -> String {
        let mut parts = Vec::new();
        match self.wide {
            Some(Wide::Months(from, to)) => {
                parts.push(format!("{}-{}", MONTHS[from as usize], MONTHS[to as usize]));
            }
            Some(Wide::Dates(month, from, to)) => {
                parts.push(format!("{} {from:02}-{to:02}", MONTHS[month as usize]));
            }
            Some(Wide::Weeks(from, to)) => parts.push(format!("week {from:02}-{to:02}")),
            None => {}
        }
        let named = |(from, to): &(u32, u32)| {
            format!("{}-{}", WEEKDAYS[*from as usize], WEEKDAYS[*to as usize])
        };
        let mut days: Vec<_> = self.weekdays.iter().map(named).collect();
        days.extend(self.holidays.then(|| "PH".to_owned()));
        parts.push(days.join(","));
        let mut times = String::new();
        for (place, (start, end)) in self.times.iter().enumerate() {
            let clock = |minute: &u32| format!("{:02}:{:02}", minute / 60, minute % 60);
            let end = end.as_ref().map_or("+".to_owned(), |end| format!("-{}", clock(end)));
            write!(times, "{}{}{end}", if place == 0 { "" } else { "," }, clock(start)).unwrap();
        }
        parts.push(times);
        let modifier = match self.modifier {
            Modifier::None => "",
            Modifier::Open => "open",
            Modifier::Off => "off",
            Modifier::Unknown => "unknown",
            Modifier::Comment => "\"telepon dulu\"",
        };
        parts.push(modifier.to_owned());
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }

    fn holds_on(&self, date: NaiveDate, holidays: &[NaiveDate]) -> bool {
        let between = |from, to, asked| {
            if from <= to { from <= asked && asked <= to } else { asked >= from || asked <= to }
        };
        let wide = match self.wide {
            None => true,
            Some(Wide::Months(from, to)) => between(from, to, date.month0()),
            Some(Wide::Dates(month, from, to)) => {
                date.month0() == month && between(from, to, date.day())
            }
            Some(Wide::Weeks(from, to)) => between(from, to, date.iso_week().week()),
        };
        let weekday = date.weekday().num_days_from_monday();
        let named = self.weekdays.iter().any(|(from, to)| between(*from, *to, weekday));
        let any_day = self.weekdays.is_empty() && !self.holidays;
        wide && (any_day || named || (self.holidays && holidays.contains(&date)))
    }

    /// What the rule says of a minute that comes `minute` minutes after its day begins.
    fn says(&self, minute: u32) -> Option<State> {
        let state = match self.modifier {
            Modifier::None | Modifier::Open => Open,
            Modifier::Off => Closed,
            Modifier::Unknown | Modifier::Comment => Unknown,
        };
        if self.times.is_empty() {
            return (minute < 1440).then_some(state);
        }
        let mut doubt = None;
        for (start, end) in &self.times {
            match end {
                Some(end) if end > start && (*start..*end).contains(&minute) => return Some(state),
                Some(end) if end <= start && (*start..end + 1440).contains(&minute) => {
                    return Some(state);
                }
                None if (*start..1440).contains(&minute) => doubt = Some(Unknown),
                _ => {}
            }
        }
        doubt
    }
}

/// What `rules` say of a minute after the beginning of `date`, as rules of that day.
fn of_day(rules: &[MadeUp], date: NaiveDate, minute: u32, holidays: &[NaiveDate]) -> Option<State> {
    for rule in rules.iter().rev().filter(|rule| rule.holds_on(date, holidays)) {
        let off = rule.modifier == Modifier::Off;
        if off && rule.times.is_empty() {
            return None;
        }
        if let Some(state) = rule.says(minute) {
            return Some(state);
        }
        if !off && rule.separator != ", " {
            return None;
        }
    }
    None
}

fn expected(rules: &[MadeUp], when: DateTime<Tz>, place: &Context) -> State {
    let covers = |from: DateTime<Utc>, to: Option<DateTime<Utc>>| {
        from <= when.to_utc() && to.is_none_or(|to| when.to_utc() < to)
    };
    if place.closures.iter().any(|(from, to)| covers(*from, *to)) {
        return Closed;
    }
    let holidays: Vec<_> = place.holidays.iter().collect();
    let date = when.date_naive();
    let minute = when.hour() * 60 + when.minute();
    for group in rules.chunk_by(|_, next| next.separator != " || ") {
        let said = of_day(group, date, minute, &holidays)
            .or_else(|| of_day(group, date.pred_opt().unwrap(), minute + 1440, &holidays));
        if let Some(state @ (Open | Unknown)) = said {
            return state;
        }
    }
    Closed
}

/// An instant at random, near an edge of the rules, or near one at which the clock is turned.
fn instant(dice: &mut Dice, rules: &[MadeUp], zone: Tz) -> DateTime<Tz> {
    let day = time("2026-01-01 00:00") + TimeDelta::days(dice.below(500).into());
    let edges: Vec<_> = rules
        .iter()
        .flat_map(|rule| &rule.times)
        .flat_map(|(start, end)| [Some(*start), *end])
        .flatten()
        .collect();
    let turned = ["2026-03-29 08:00", "2026-10-25 08:00", "2026-04-04 22:00", "2026-10-03 22:30"];
    match dice.below(4) {
        0 if !edges.is_empty() => {
            let edge = edges[dice.below(u32::try_from(edges.len()).unwrap()) as usize];
            let local = day.date_naive().and_time(chrono::NaiveTime::MIN)
                + TimeDelta::minutes(i64::from(edge) + i64::from(dice.below(3)) - 1);
            zone.from_local_datetime(&local).earliest().unwrap_or(day.with_timezone(&zone))
        }
        1 => {
            let near = time(turned[dice.below(4) as usize]).with_timezone(&zone);
            near + TimeDelta::minutes(i64::from(dice.below(480)) - 240)
        }
        _ => day.with_timezone(&zone) + TimeDelta::seconds(dice.below(86_400).into()),
    }
}

fn setting(dice: &mut Dice, when: DateTime<Tz>) -> Context {
    let near = |dice: &mut Dice| i64::from(dice.below(14)) - 7;
    let holidays = (0..3).map(|_| when.date_naive() + TimeDelta::days(near(dice))).collect();
    let mut closures = Vec::new();
    if dice.chance(15) {
        // On the minute, as the other one is asked by the minute.
        let minute = when.to_utc() - TimeDelta::seconds(when.second().into());
        let from = minute + TimeDelta::minutes(near(dice) * 97);
        let to = dice.chance(80).then(|| from + TimeDelta::minutes(near(dice) * 60 + 300));
        closures.push((from, to));
    }
    Context { holidays, coordinates: None, closures }
}

#[test]
fn a_reader_who_goes_by_the_minute_agrees() {
    let mut dice = Dice(20_261_124);
    for text in 0..2_000 {
        let rules: Vec<_> = (0..=dice.below(4)).map(|rule| made_up(&mut dice, rule == 0)).collect();
        let written = written(&rules);
        let hours = hours(if written.is_empty() { "24/7" } else { &written });
        for sample in 0..4 {
            let zone = [Jakarta, Berlin, Lord_Howe][dice.below(3) as usize];
            let when = instant(&mut dice, &rules, zone);
            let place = setting(&mut dice, when);
            let said = hours.at(when, &place);
            let asked = || format!("{written} at {when} {place:?}");
            assert_eq!(said.state, expected(&rules, when, &place), "{}", asked());
            // Following the clock for a day is slow, so not each time.
            if sample > 0 || text % 4 > 0 {
                continue;
            }
            let whole = when - TimeDelta::seconds(when.second().into());
            let mut minutes = (1..1440).map(|minute| whole + TimeDelta::minutes(minute));
            let change = minutes.find(|minute| expected(&rules, *minute, &place) != said.state);
            let until =
                said.until.filter(|until| change.is_some() || *until < whole + TimeDelta::days(1));
            assert_eq!(until, change, "{}", asked());
        }
    }
}
