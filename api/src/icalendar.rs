//! iCalendar (RFC 5545): events for the calendars that people have already.
//!
//! This is the writing: lines folded, texts escaped, the frame of a calendar. What an event says is
//! in `event`, the zones in `zone`. What is invented is in no calendar (see `honest`).

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::{listing::DEFAULT_ZONE, schedule::When, text::Lang};

mod event;
mod zone;

pub use event::{Dates, can_tell, write};

/// The longest line, octets, its break not counted (§3.1).
const LINE: usize = 75;
/// How often who subscribes is asked to look again (RFC 7986 §5.7).
const REFRESH: &str = "PT12H";

crate::exports::text_schema! {
    /// A calendar (RFC 5545): to be subscribed to, or opened.
    CalendarText = "Calendar"
}

/// A calendar that is being written.
#[derive(Debug, Default)]
pub struct Calendar {
    text: Vec<u8>,
    zones: Vec<Tz>,
}

impl Calendar {
    /// Opens a calendar called `name`, or what they are all called.
    pub fn begin(&mut self, name: Option<&str>, lang: Lang, now: DateTime<Utc>) {
        let usual = match lang {
            Lang::Id => "Acara di Bantul",
            Lang::En => "Events in Bantul",
            Lang::Jv => "Acara ing Bantul",
        };
        let name = name.unwrap_or(usual);
        self.line("BEGIN", "VCALENDAR");
        self.line("VERSION", "2.0");
        self.line("PRODID", "-//Griya//Griya 1//ID");
        self.line("CALSCALE", "GREGORIAN");
        self.line("METHOD", "PUBLISH");
        self.words("NAME", name);
        self.words("X-WR-CALNAME", name);
        self.line("X-WR-TIMEZONE", DEFAULT_ZONE.name());
        self.line("REFRESH-INTERVAL;VALUE=DURATION", REFRESH);
        self.line("X-PUBLISHED-TTL", REFRESH);
        // A calendar must hold something, also where no event is.
        self.know(DEFAULT_ZONE, now);
    }

    /// Closes it.
    pub fn end(&mut self) {
        self.line("END", "VCALENDAR");
    }

    /// What was written since this was asked last.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// Writes the rules of a zone, once.
    fn know(&mut self, zone: Tz, now: DateTime<Utc>) {
        if !self.zones.contains(&zone) {
            self.zones.push(zone);
            zone::write(self, zone, now);
        }
    }

    /// A line, folded; `value` is written as it is.
    fn line(&mut self, name: &str, value: &str) {
        let line = format!("{name}:{value}");
        let mut room = LINE;
        for c in line.chars() {
            if room < c.len_utf8() {
                self.text.extend_from_slice(b"\r\n ");
                room = LINE - 1;
            }
            let mut buffer = [0; 4];
            self.text.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            room -= c.len_utf8();
        }
        self.text.extend_from_slice(b"\r\n");
    }

    /// A line whose value is a text.
    fn words(&mut self, name: &str, text: &str) {
        self.line(name, &escaped(text));
    }

    /// A line whose value is a day, or a time by the clock of `zone`.
    fn when(&mut self, name: &str, when: When, zone: Tz) {
        let (parameter, value) = written(when, zone);
        self.line(&format!("{name}{parameter}"), &value);
    }
}

/// A day or a time, with the parameter that says how it is written.
fn written(when: When, zone: Tz) -> (String, String) {
    match when {
        When::Date(date) => (";VALUE=DATE".to_owned(), day(date)),
        When::Time(_) => (
            format!(";TZID={}", zone.name()),
            when.local(&zone).format("%Y%m%dT%H%M%S").to_string(),
        ),
    }
}

fn day(date: NaiveDate) -> String {
    date.format("%Y%m%d").to_string()
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// A text as a value (§3.3.11); other control characters have no place in a line.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_folded_between_letters_and_read_as_one() {
        let mut calendar = Calendar::default();
        let text = "ꦧꦤ꧀ꦠꦸꦭ é, ;\\\n".repeat(20);
        calendar.words("SUMMARY", &text);
        let written = String::from_utf8(calendar.take()).unwrap();
        assert!(written.split("\r\n").all(|line| line.len() <= LINE));
        let whole = written.replace("\r\n ", "");
        assert_eq!(whole, format!("SUMMARY:{}\r\n", escaped(&text)));
        assert!(whole.starts_with("SUMMARY:ꦧꦤ꧀ꦠꦸꦭ é\\, \\;\\\\\\nꦧ"));
    }
}
