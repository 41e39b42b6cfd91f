//! Range: which bytes of a file are wanted (RFC 9110 §13 and §14).
//!
//! One part of a file that never changes: several parts at once, other units, and what cannot be read
//! get the whole, as the RFC has it.

use std::ops::Range;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::answer::is_known;

/// What is wanted of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These bytes, which are within it.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Beyond,
    /// Another file than this.
    Another,
}

/// What `headers` want of the file with the strong `tag` that is `size` bytes long.
pub fn wanted(headers: &HeaderMap, tag: &HeaderValue, size: u64) -> Wanted {
    let all = |name: HeaderName| headers.get_all(name).iter();
    let mut matches = all(header::IF_MATCH).peekable();
    if matches.peek().is_some() && !matches.any(|line| names(line, tag)) {
        return Wanted::Another;
    }
    // The edge tells who has it already so.
    if is_known(all(header::IF_NONE_MATCH), Some(tag)) {
        return Wanted::Whole;
    }
    let mut ranges = all(header::RANGE);
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Wanted::Whole };
    if headers.get(header::IF_RANGE).is_some_and(|only| only != tag) {
        return Wanted::Whole;
    }
    range.to_str().ok().and_then(|range| part(range, size)).unwrap_or(Wanted::Whole)
}

/// Whether an `If-Match` names the tag; a strong comparison.
fn names(line: &HeaderValue, tag: &HeaderValue) -> bool {
    let line = line.to_str().unwrap_or_default();
    line.split(',').map(str::trim).any(|one| one == "*" || one == tag)
}

/// The part that a `Range` names; `None` where it cannot be read or names several.
fn part(range: &str, size: u64) -> Option<Wanted> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (from, to) = match (number(first)?, number(last)?) {
        (None, None) => return None,
        (None, Some(length)) => (size.saturating_sub(length), size),
        (Some(from), None) => (from, size),
        (Some(from), Some(last)) if last < from => return None,
        (Some(from), Some(last)) => (from, last.saturating_add(1).min(size)),
    };
    Some(if from < to { Wanted::Part(from..to) } else { Wanted::Beyond })
}

/// Digits, of which there may be none; more than fit are the most that do.
fn number(digits: &str) -> Option<Option<u64>> {
    let digits = digits.trim();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((!digits.is_empty()).then(|| digits.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[(HeaderName, &'static str)]) -> Wanted {
        let lines = lines.iter().map(|(name, line)| (name.clone(), HeaderValue::from_static(line)));
        wanted(&lines.collect(), &HeaderValue::from_static("\"abc\""), 100)
    }

    fn range(line: &'static str) -> Wanted {
        of(&[(header::RANGE, line)])
    }

    #[test]
    fn one_part_is_what_it_says_and_ends_where_the_file_ends() {
        assert_eq!(range("bytes=0-0"), Wanted::Part(0..1));
        assert_eq!(range("bytes=10-"), Wanted::Part(10..100));
        assert_eq!(range("Bytes = 10-19"), Wanted::Part(10..20));
        assert_eq!(range("bytes=99-1000"), Wanted::Part(99..100));
        assert_eq!(range("bytes=-1"), Wanted::Part(99..100));
        assert_eq!(range("bytes=-1000"), Wanted::Part(0..100));
        assert_eq!(range("bytes=0-99999999999999999999999"), Wanted::Part(0..100));
    }

    #[test]
    fn a_part_beyond_the_end_is_none() {
        for line in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(range(line), Wanted::Beyond, "{line}");
        }
    }

    #[test]
    fn what_is_no_range_or_several_gets_the_whole() {
        for line in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=1-2,5-6",
            "bytes=+1-",
            "bytes=1--2",
            "lines=1-2",
            "bytes=0x1-",
            "bytes=1 2-3",
            "=",
            "-",
            "bytes=,",
        ] {
            assert_eq!(range(line), Wanted::Whole, "{line}");
        }
        let twice = [(header::RANGE, "bytes=1-2"), (header::RANGE, "bytes=3-4")];
        assert_eq!(of(&twice), Wanted::Whole);
    }

    #[test]
    fn a_part_of_another_file_is_not_sent_for_one_of_this() {
        let part = (header::RANGE, "bytes=10-");
        assert_eq!(of(&[part.clone(), (header::IF_RANGE, "\"abc\"")]), Wanted::Part(10..100));
        for other in ["\"abd\"", "W/\"abc\"", "Sat, 28 Nov 2026 00:00:00 GMT", ""] {
            assert_eq!(of(&[part.clone(), (header::IF_RANGE, other)]), Wanted::Whole, "{other}");
        }
        let same = [part.clone(), (header::IF_MATCH, "\"x\", \"abc\"")];
        assert_eq!(of(&same), Wanted::Part(10..100));
        for other in ["\"abd\"", "W/\"abc\"", ""] {
            assert_eq!(of(&[part.clone(), (header::IF_MATCH, other)]), Wanted::Another, "{other}");
        }
        assert_eq!(of(&[part, (header::IF_NONE_MATCH, "\"abc\"")]), Wanted::Whole);
    }
}
