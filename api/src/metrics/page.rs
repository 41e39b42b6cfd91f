//! Page: the text format of Prometheus, 0.0.4.

use std::fmt::{Display, Write as _};

/// What a metric is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts by bucket.
    Histogram,
}

/// Metrics, one below the other.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    name: &'static str,
}

impl Page {
    /// Begins a metric: its samples follow. `help` is one line.
    pub fn about(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.name = name;
        // Nothing fails that writes to memory; the same below.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A sample of it. Names and values of `labels` are ours: nothing in them is to be escaped.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, value);
    }

    /// A metric of one sample.
    pub fn one(&mut self, name: &'static str, kind: Kind, help: &str, value: impl Display) {
        self.about(name, kind, help);
        self.sample(&[], value);
    }

    /// The histogram of a route: `counts` by bucket up to `bounds` and one without end, and the sum,
    /// in microseconds.
    pub fn histogram(&mut self, route: &str, bounds: &[u64], counts: &[u64], sum: u64) {
        let mut all = 0;
        for (bound, count) in bounds.iter().zip(counts) {
            all += count;
            let end = seconds(*bound).to_string();
            self.line("_bucket", &[("route", route), ("le", end.as_str())], all);
        }
        all += counts.last().copied().unwrap_or_default();
        self.line("_bucket", &[("route", route), ("le", "+Inf")], all);
        self.line("_sum", &[("route", route)], seconds(sum));
        self.line("_count", &[("route", route)], all);
    }

    fn line(&mut self, part: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "{}{part}", self.name);
        for (at, (name, value)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{name}=\"{value}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{close} {value}");
    }

    /// All of it.
    pub fn text(self) -> String {
        self.text
    }
}

#[expect(clippy::cast_precision_loss, reason = "below 2⁵² µs, which are 142 years")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_all_that_took_no_longer() {
        let mut page = Page::default();
        page.about("took_seconds", Kind::Histogram, "How long.");
        page.histogram("/a", &[500, 1_000_000], &[1, 2, 4], 2_500_000);
        page.one("open", Kind::Gauge, "Open.", 3);
        let expected = "# HELP took_seconds How long.\n# TYPE took_seconds histogram\n\
            took_seconds_bucket{route=\"/a\",le=\"0.0005\"} 1\n\
            took_seconds_bucket{route=\"/a\",le=\"1\"} 3\n\
            took_seconds_bucket{route=\"/a\",le=\"+Inf\"} 7\n\
            took_seconds_sum{route=\"/a\"} 2.5\ntook_seconds_count{route=\"/a\"} 7\n\
            # HELP open Open.\n# TYPE open gauge\nopen 3\n";
        assert_eq!(page.text(), expected);
    }
}
