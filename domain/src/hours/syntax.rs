//! Reading an `opening_hours` text, and refusing what could not be evaluated rightly or in time.
//!
//! The crate's parser is the judge of syntax. Around it: what makes it slow is refused before, what
//! makes its evaluation wrong, slow or panic is refused or rewritten after.

use std::sync::Arc;

use opening_hours::{OpeningHours, RuleKind};
use opening_hours_syntax::{
    Error, ExtendedTime,
    rules::{
        OpeningHoursExpression, RuleOperator, RuleSequence,
        day::{Date, DateOffset, DaySelector, MonthdayRange, WeekDayRange, Weekday, Year},
        time::{Time, TimeSpan},
    },
};

use crate::{error::Fault, text::line_fault};

const MAX_CHARS: usize = 500;
/// Days and times that one text may name; each costs on every day that is looked at.
const MAX_SELECTORS: usize = 60;
/// Of them, times by the sun: each costs a small piece of astronomy.
const MAX_SUN_TIMES: usize = 6;
/// Alternatives after `||`; each is followed beside the others.
const MAX_FALLBACKS: usize = 6;
/// Months with a numbered weekday (`Feb Mo[1]`): the parser tries every list of them from each of
/// its members three times over: nine take it 0.3 s, twenty hours.
const MAX_MONTH_WEEKDAYS: usize = 3;

/// Reads `text`: the groups of rules between `||`, of which each holds where all before it say
/// closed.
///
/// # Errors
/// One fault: nothing or too long, bad syntax, or a text that is right but not supported.
pub(super) fn read(text: &str) -> Result<Arc<[OpeningHours]>, Fault> {
    if let Some(fault) = line_fault(text, MAX_CHARS) {
        return Err(fault);
    }
    refuse_slow_to_parse(text)?;
    let parse = |text: &str| text.parse::<OpeningHours>().map_err(|error| syntax_fault(&error));
    parse(text)?;
    let read = parse(&bare_comments_as_unknown(text))?;
    let expression = read.get_expression();
    refuse_unsound(&expression)?;
    let rewritten = rewrite(&expression)?;
    let has_fallback = rewritten.rules.iter().any(|rule| rule.operator == RuleOperator::Fallback);
    if rewritten == *expression && !has_fallback {
        return Ok([read].into());
    }
    groups(rewritten).iter().map(written_and_read).collect()
}

/// The rules between two `||`, each group an expression of its own.
///
/// The crate lets rules after `||` hold on days without a time before it, where the specification
/// means times; and it takes a text that ends in `|| "comment"` to be always the same.
fn groups(expression: OpeningHoursExpression) -> Vec<OpeningHoursExpression> {
    let mut groups: Vec<OpeningHoursExpression> = Vec::new();
    for mut rule in expression.rules {
        let begins = rule.operator == RuleOperator::Fallback;
        match groups.last_mut() {
            Some(group) if !begins => {
                if rule.operator == RuleOperator::Additional && rule.day_selector.is_empty() {
                    rule.day_selector.weekday.push(whole_week());
                }
                group.rules.push(rule);
            }
            _ => {
                rule.operator = RuleOperator::Normal;
                groups.push(OpeningHoursExpression { rules: vec![rule] });
            }
        }
    }
    groups
}

/// The crate takes no expression but in writing, and what it writes is not always what it reads.
fn written_and_read(expression: &OpeningHoursExpression) -> Result<OpeningHours, Fault> {
    match expression.to_string().parse::<OpeningHours>() {
        Ok(read) if *read.get_expression() == *expression => Ok(read),
        _ => Err(unsupported("gabungan ini belum didukung", "this combination is not supported")),
    }
}

fn refuse_slow_to_parse(text: &str) -> Result<(), Fault> {
    let plain: String = text.split('"').step_by(2).collect();
    let plain = plain.to_ascii_lowercase();
    if plain.contains("easter") {
        return Err(unsupported("easter belum didukung", "easter is not supported"));
    }
    if month_weekdays(&plain) > MAX_MONTH_WEEKDAYS {
        return Err(unsupported(
            "terlalu banyak hari bernomor setelah nama bulan, seperti Jan Mo[1]",
            "too many numbered weekdays after a month, such as Jan Mo[1]",
        ));
    }
    Ok(())
}

/// How often the lower-case `plain` has something like `jan mo[`.
fn month_weekdays(plain: &str) -> usize {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let ends_in_month = |before: &str| MONTHS.iter().any(|month| before.ends_with(month));
    let before_weekday = |before: &str| {
        let weekday = before.len().checked_sub(3)?;
        before.get(..weekday).filter(|_| before.as_bytes()[weekday] == b' ').map(ends_in_month)
    };
    let brackets = plain.match_indices('[').map(|(place, _)| &plain[..place]);
    brackets.filter(|before| before_weekday(before) == Some(true)).count()
}

/// Writes `unknown` before each comment that stands without a word such as `open`: by the
/// specification that is what it means, and the crate would take it for `open`.
fn bare_comments_as_unknown(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    // Parts with an odd place are the insides of quotation marks.
    let parts: Vec<_> = text.split('"').collect();
    for (place, part) in parts.iter().enumerate() {
        if place % 2 == 0 {
            written.push_str(part);
            continue;
        }
        // `"label": Mo-Fr …` only labels what follows.
        let is_label = parts.get(place + 1).is_some_and(|next| next.starts_with(':'));
        if !is_label && !ends_in_state(&written) {
            written.push_str("unknown ");
        }
        written.push('"');
        written.push_str(part);
        written.push('"');
    }
    written
}

fn ends_in_state(written: &str) -> bool {
    let before = written.trim_end().to_ascii_lowercase();
    ["open", "closed", "off", "unknown"].iter().any(|word| before.ends_with(word))
}

/// Refuses what the crate reads but evaluates wrongly, too slowly, or not without a panic.
fn refuse_unsound(expression: &OpeningHoursExpression) -> Result<(), Fault> {
    let rules = &expression.rules;
    let spans = || rules.iter().flat_map(|rule| &rule.time_selector.spans);
    let days = rules.iter().map(|rule| &rule.day_selector);
    let selectors = days
        .map(|day| day.year.len() + day.monthday.len() + day.week.len() + day.weekday.len() + 1)
        .sum::<usize>()
        + spans().count();
    let fallbacks = rules.iter().filter(|rule| rule.operator == RuleOperator::Fallback).count();
    if selectors > MAX_SELECTORS || fallbacks > MAX_FALLBACKS {
        return Err(unsupported("terlalu rumit", "too many rules, days and times in one text"));
    }
    let by_sun = |time: &Time| usize::from(matches!(time, Time::Variable(_)));
    if spans().map(|span| by_sun(&span.range.start) + by_sun(&span.range.end)).sum::<usize>()
        > MAX_SUN_TIMES
    {
        return Err(unsupported("terlalu banyak waktu matahari", "too many times by the sun"));
    }
    if spans().any(|span| span.repeats.is_some()) {
        return Err(unsupported(
            "waktu berulang (10:00-16:00/01:30) belum didukung",
            "repeated times (10:00-16:00/01:30) are not supported",
        ));
    }
    if spans().any(may_overflow) {
        return Err(unsupported(
            "awal yang digeser dari waktu matahari perlu akhir berupa jam, paling akhir 24:00",
            "a start after a time by the sun needs an end by the clock, 24:00 at the latest",
        ));
    }
    Ok(())
}

/// Whether the start may come more than a day after the end, on which the crate panics.
///
/// Only a time by the sun can: its day is not known here, so it may be moved at most as far past
/// midnight as the end lies after it.
fn may_overflow(span: &TimeSpan) -> bool {
    let Time::Variable(start) = span.range.start else { return false };
    start.offset > 0
        && match span.range.end {
            Time::Fixed(end) => {
                end > ExtendedTime::MIDNIGHT_24
                    || i32::from(start.offset) > i32::from(end.mins_from_midnight())
            }
            Time::Variable(_) => true,
        }
}

fn rewrite(expression: &OpeningHoursExpression) -> Result<OpeningHoursExpression, Fault> {
    let mut rules = Vec::with_capacity(expression.rules.len());
    for rule in &expression.rules {
        let mut rule = rule.clone();
        year_into_months(&mut rule.day_selector);
        for days in &mut rule.day_selector.monthday {
            widen_month_of_year(days);
        }
        rules.extend(split_open_ends(rule)?);
    }
    Ok(OpeningHoursExpression { rules })
}

/// `2026 Oct` as `2026Oct`, which is what the crate writes for it.
fn year_into_months(days: &mut DaySelector) {
    let [years] = &days.year[..] else { return };
    let (range, _) = years.into_parts();
    let within_year = |days: &MonthdayRange| matches!(days, MonthdayRange::Month { range, year: None } if range.start() <= range.end());
    if range.start() != range.end()
        || days.monthday.is_empty()
        || !days.monthday.iter().all(within_year)
    {
        return;
    }
    for month in &mut days.monthday {
        if let MonthdayRange::Month { year, .. } = month {
            *year = Some(*range.start());
        }
    }
    days.year.clear();
}

/// `2026Oct` as `2026 Oct 1-2026 Oct 31`: the crate ends it on the first of its last month.
fn widen_month_of_year(days: &mut MonthdayRange) {
    let MonthdayRange::Month { range, year: Some(year) } = days else { return };
    let (first, last) = (*range.start(), *range.end());
    let end_year = if first <= last { *year } else { Year(**year + 1) };
    // A day that the month does not have is its last.
    let (start, end) = (Date::ymd(1, first, *year), Date::ymd(31, last, end_year));
    let exactly = DateOffset::default();
    *days = MonthdayRange::Date { start: (start, exactly), end: (end, exactly) };
}

/// A rule with open ends as two: `unknown` from each open end until midnight, and over it what is
/// known.
fn split_open_ends(rule: RuleSequence) -> Result<Vec<RuleSequence>, Fault> {
    let spans = &rule.time_selector.spans;
    if rule.kind != RuleKind::Open || !spans.iter().any(|span| span.open_end) {
        return Ok(vec![rule]);
    }
    let mut ends = Vec::new();
    let mut known = Vec::new();
    for span in spans {
        if !span.open_end {
            known.push(span.clone());
            continue;
        }
        let midnight = Time::Fixed(ExtendedTime::MIDNIGHT_24);
        let mut certain = span.clone();
        certain.open_end = false;
        // `17:00+` is written with the end 24:00, and nothing of it is certain.
        let from = if span.range.end == midnight {
            span.range.start
        } else {
            refuse_past_midnight(span)?;
            known.push(certain.clone());
            span.range.end
        };
        certain.range = from..midnight;
        ends.push(certain);
    }
    let mut unknown = rule.clone();
    unknown.kind = RuleKind::Unknown;
    unknown.time_selector.spans = ends;
    if known.is_empty() {
        return Ok(vec![unknown]);
    }
    let mut certain = rule;
    certain.time_selector.spans = known;
    certain.operator = RuleOperator::Additional;
    Ok(vec![unknown, certain])
}

/// "Until midnight" says nothing of an end that is past it already.
fn refuse_past_midnight(span: &TimeSpan) -> Result<(), Fault> {
    let within_day = match (span.range.start, span.range.end) {
        (Time::Fixed(start), Time::Fixed(end)) => start < end && end < ExtendedTime::MIDNIGHT_24,
        (_, Time::Fixed(end)) => end < ExtendedTime::MIDNIGHT_24,
        (_, Time::Variable(_)) => true,
    };
    if within_day {
        return Ok(());
    }
    Err(unsupported(
        "akhir terbuka setelah tengah malam belum didukung",
        "an open end past midnight is not supported: write the latest time",
    ))
}

/// What the crate must write before an added rule without days, and reads back so.
fn whole_week() -> WeekDayRange {
    WeekDayRange::Fixed {
        range: Weekday::Mon..=Weekday::Sun,
        offset: 0,
        nth_from_start: [true; 5],
        nth_from_end: [true; 5],
    }
}

fn unsupported(id: &str, en: &str) -> Fault {
    Fault::new("unsupported", id, en)
}

fn syntax_fault(error: &Error) -> Fault {
    let Error::Syntax(where_) = error else {
        return Fault::new(
            "syntax",
            format!("bukan opening_hours yang sah: {error}"),
            error.to_string(),
        );
    };
    // The parser draws the place over several lines; the first ends in `--> line:column`.
    let drawn = where_.to_string();
    let column = drawn.lines().next().and_then(|line| line.rsplit(':').next()).unwrap_or("1");
    Fault::new(
        "syntax",
        format!("bukan opening_hours yang sah, mulai karakter ke-{column}"),
        format!("not valid opening_hours syntax from character {column} on"),
    )
}
