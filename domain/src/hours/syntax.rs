//! Reading an `opening_hours` text, and refusing what could not be evaluated rightly or in time.
//!
//! The crate's parser is the judge of syntax. Around it: what makes it slow and what it takes for
//! something else is refused before, what cannot be evaluated rightly or in time after.

use opening_hours_syntax::{
    Error, ExtendedTime,
    rules::{
        OpeningHoursExpression, RuleOperator,
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

/// Reads `text`.
///
/// # Errors
/// One fault: nothing or too long, bad syntax, or a text that is right but not supported.
pub(super) fn read(text: &str) -> Result<OpeningHoursExpression, Fault> {
    if let Some(fault) = line_fault(text, MAX_CHARS) {
        return Err(fault);
    }
    refuse_by_words(text)?;
    let parse =
        |text: &str| opening_hours_syntax::parse(text).map_err(|error| syntax_fault(&error));
    parse(text)?;
    let expression = parse(&bare_comments_as_unknown(text))?;
    refuse_unsound(&expression)?;
    Ok(expression)
}

/// Refuses what the parser takes hours for or understands wrongly.
fn refuse_by_words(text: &str) -> Result<(), Fault> {
    let plain: String = text.split('"').step_by(2).collect();
    let plain = plain.to_ascii_lowercase();
    if plain.contains("easter") {
        return Err(unsupported("easter belum didukung", "easter is not supported"));
    }
    if holidays_beside_weekdays(&plain) {
        return Err(unsupported(
            "hari libur yang jatuh pada hari tertentu (PH Mo-Fr) belum didukung; dengan koma: PH,Mo-Fr",
            "holidays that fall on a weekday (PH Mo-Fr) are not supported; with a comma, PH,Mo-Fr",
        ));
    }
    if month_weekdays(&plain) > MAX_MONTH_WEEKDAYS {
        return Err(unsupported(
            "terlalu banyak hari bernomor setelah nama bulan, seperti Jan Mo[1]",
            "too many numbered weekdays after a month, such as Jan Mo[1]",
        ));
    }
    Ok(())
}

/// Whether the lower-case `plain` has something like `ph mo-fr`: holidays that are weekdays too,
/// where the parser takes the one or the other.
fn holidays_beside_weekdays(plain: &str) -> bool {
    const WEEKDAYS: [&str; 7] = ["mo", "tu", "we", "th", "fr", "sa", "su"];
    let one_of = |names: &[&str], word: &str| {
        let rest = names.iter().find_map(|name| word.strip_prefix(name));
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphabetic()))
    };
    let (mut holidays, mut weekdays) = (false, false);
    for word in plain.split_inclusive([' ', ',', ';', '|']) {
        let (is_holiday, is_weekday) = (one_of(&["ph", "sh"], word), one_of(&WEEKDAYS, word));
        if (holidays && is_weekday) || (weekdays && is_holiday) {
            return true;
        }
        // `PH +1 day` and `Mo[1] -2 days` are still days.
        let moves = word.starts_with(['+', '-']) || word.starts_with("day");
        let goes_on = word.ends_with(' ');
        holidays = goes_on && (is_holiday || (holidays && moves));
        weekdays = goes_on && (is_weekday || (weekdays && moves));
    }
    false
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

/// Refuses what would be evaluated wrongly or too slowly.
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
    if spans().any(is_open_past_midnight) {
        return Err(unsupported(
            "akhir terbuka setelah tengah malam belum didukung",
            "an open end past midnight is not supported: write the latest time",
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

/// Whether the start may come more than a day after the end, which means nothing.
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

/// Whether the open end begins past midnight, where "unknown until midnight" says nothing.
fn is_open_past_midnight(span: &TimeSpan) -> bool {
    span.open_end
        && match (span.range.start, span.range.end) {
            (_, Time::Fixed(ExtendedTime::MIDNIGHT_24) | Time::Variable(_)) => false,
            (Time::Fixed(start), Time::Fixed(end)) => {
                end <= start || end > ExtendedTime::MIDNIGHT_24
            }
            (Time::Variable(_), Time::Fixed(end)) => end > ExtendedTime::MIDNIGHT_24,
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
