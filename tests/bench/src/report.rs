//! Report: the measurements as a page of Markdown, and its place in a document.

use std::{fmt::Write as _, fs, io, path::Path, time::Duration};

use crate::{
    hostile::{self, Outcome},
    load::Cost,
    number::ratio,
    process::Memory,
    writes::Writes,
};

/// The lines that the table stands between.
const BEGIN: &str = "<!-- bench: begin -->";
/// What a section begins with.
const SECTION: &str = "### ";
const END: &str = "<!-- bench: end -->";

/// Everything that one run measured.
pub struct Report {
    /// How many listings there were.
    pub listings: u64,
    /// Notes on what the numbers rest on.
    pub notes: Vec<String>,
    /// Listings poured a second.
    pub poured_a_second: f64,
    /// From the start of the service to its first answer, from its checkpoint.
    pub started_in: Duration,
    /// The same without a checkpoint.
    pub read_in: Duration,
    /// With these listings.
    pub memory: Memory,
    /// With none.
    pub memory_empty: Memory,
    /// What questions cost.
    pub costs: Vec<Cost>,
    /// What hostile ones did.
    pub outcomes: Vec<Outcome>,
    /// How writing goes.
    pub writes: Writes,
}

impl Report {
    /// All of it.
    pub fn markdown(&self) -> String {
        let mut text = format!("### {} listings\n\n", grouped(self.listings));
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        [self.costs(), self.service(), self.hostile()].iter().for_each(|part| text.push_str(part));
        text
    }

    fn costs(&self) -> String {
        let mut text = "\n| question | bare µs | Griya µs | bare ÷ Griya | mark | p50 ms | p99 ms | body bytes | asked | odd |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n".to_owned();
        for cost in &self.costs {
            let mark =
                cost.kind.mark(self.listings).map_or("–".to_owned(), |mark| format!("≥ {mark}"));
            let _ = writeln!(
                text,
                "| {} | {:.1} | {:.1} | {:.3} | {mark} | {} | {} | {} | {} | {} |",
                cost.kind.name(),
                cost.bare_us,
                cost.griya_us,
                cost.ratio,
                ms(cost.p50),
                ms(cost.p99),
                grouped(cost.bytes),
                grouped(cost.requests),
                cost.odd,
            );
        }
        text
    }

    fn service(&self) -> String {
        let each = |with: u64, without: u64| {
            format!("{:.0} bytes", ratio(with.saturating_sub(without), self.listings.max(1)))
        };
        let of = &self.writes;
        let rows = [
            ("poured a second".to_owned(), format!("{:.0}", self.poured_a_second)),
            ("from start to ready".to_owned(), format!("{} ms", ms(self.started_in))),
            (
                "from start to ready, without a checkpoint".to_owned(),
                format!("{} ms", ms(self.read_in)),
            ),
            (
                "memory for a listing (resident)".to_owned(),
                each(self.memory.rss, self.memory_empty.rss),
            ),
            (
                "memory for a listing (proportional)".to_owned(),
                each(self.memory.pss, self.memory_empty.pss),
            ),
            ("memory with none (resident)".to_owned(), mib(self.memory_empty.rss)),
            (
                format!("a commit shows after, p50 of {}", of.watched),
                format!("{} ms", ms(of.shown_p50)),
            ),
            ("a commit shows after, p99".to_owned(), format!("{} ms", ms(of.shown_p99))),
            ("durable writes a second, 1 caller".to_owned(), format!("{:.0}", of.by_one)),
            ("durable writes a second, 64 callers".to_owned(), format!("{:.0}", of.by_many)),
        ];
        let mut text = "\n| service | |\n|---|--:|\n".to_owned();
        for (what, value) in rows {
            let _ = writeln!(text, "| {what} | {value} |");
        }
        text
    }

    fn hostile(&self) -> String {
        let mut text =
            "\n| hostile question | asked | p99 ms | slowest ms | mark | statuses |\n|---|--:|--:|--:|--:|---|\n"
                .to_owned();
        for outcome in &self.outcomes {
            let statuses =
                outcome.statuses.iter().map(|(status, count)| format!("{status} × {count}"));
            let well = if outcome.is_well() { "" } else { " **not well**" };
            let held = if outcome.longest() < hostile::MARK { "held" } else { "missed" };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | < {} ms: {held} | {}{well} |",
                outcome.name,
                outcome.latencies.len(),
                ms(outcome.p99()),
                ms(outcome.longest()),
                hostile::MARK.as_millis(),
                statuses.collect::<Vec<_>>().join(", "),
            );
        }
        text
    }

    /// The slowest hostile question, where it missed the mark.
    pub fn slowest(&self) -> Option<(&str, Duration)> {
        let slowest = self.outcomes.iter().max_by_key(|outcome| outcome.longest())?;
        (slowest.longest() >= hostile::MARK).then_some((&*slowest.slowest, slowest.longest()))
    }
}

/// Puts `text` between the two marker lines of `document`, in the place of the section that has its
/// heading, else behind the others: every size has a section of its own.
///
/// # Errors
/// When the file cannot be read or written, or has no place for it.
pub fn put_into(document: &Path, text: &str) -> io::Result<()> {
    let old = fs::read_to_string(document)?;
    let new = put(&old, text).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("no `{BEGIN}` … `{END}` in it"))
    })?;
    fs::write(document, new)
}

fn put(old: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(BEGIN)?;
    let (kept, after) = rest.split_once(END)?;
    let text = text.trim().trim_start_matches(SECTION);
    let heading = text.lines().next();
    let mut sections: Vec<&str> =
        kept.split(SECTION).map(str::trim).filter(|section| !section.is_empty()).collect();
    match sections.iter_mut().find(|section| section.lines().next() == heading) {
        Some(section) => *section = text,
        None => sections.push(text),
    }
    let sections: String =
        sections.iter().map(|section| format!("{SECTION}{section}\n\n")).collect();
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", sections.trim_end()))
}

fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", ratio(bytes, 1 << 20))
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_one_of_its_size_and_no_other() {
        let document = |tables: &str| format!("# Title\n{BEGIN}\n{tables}\n{END}\nrest");
        let small = put(&document(""), "\n### 10 listings\nold\n\n");
        assert_eq!(small.as_deref(), Some(&*document("### 10 listings\nold")));
        let both = put(&small.unwrap_or_default(), "### 100 listings\nfirst");
        let new = put(&both.unwrap_or_default(), "### 10 listings\nnew");
        let expected = document("### 10 listings\nnew\n\n### 100 listings\nfirst");
        assert_eq!(new, Some(expected));
        assert_eq!(put("no place", "new"), None);
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
