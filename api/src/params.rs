//! Query parameters: each is described once, here, and what describes it also reads it.
//!
//! [`Spec`] is one parameter: its name, its JSON schema for the contract, and whether it may be
//! repeated. [`Params`] holds what a request brought. A handler takes values out one by one; every
//! fault is kept, a name that nobody described is a fault too, and [`Params::finish`] answers with
//! all of them at once.

use std::str::FromStr;

use axum::http::Uri;
use domain::Fault;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use utoipa::openapi::path::Parameter;

use crate::problem::{At, Problem};

/// One query parameter.
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// Whether it may be given several times ("one of these").
    pub many: bool,
    /// What it means; Markdown.
    pub about: &'static str,
    /// JSON schema of one value.
    pub schema: fn() -> Value,
    /// A value that works on the fixtures; null where none can be written down.
    pub example: fn() -> Value,
}

impl Spec {
    /// The parameter as the contract shows it.
    pub fn document(&self) -> Parameter {
        let schema = (self.schema)();
        let schema = if self.many {
            json!({"type": "array", "items": schema, "maxItems": MAX_REPEATS, "uniqueItems": true})
        } else {
            schema
        };
        let example = (self.example)();
        let example = if self.many && !example.is_null() { json!([example]) } else { example };
        let mut value = json!({
            "name": self.name, "in": "query", "required": false, "description": self.about,
            "schema": schema, "style": "form", "explode": true,
        });
        if !example.is_null() {
            value["example"] = example;
        }
        serde_json::from_value(value).expect("a parameter of the contract is well formed")
    }
}

/// How often a parameter may be repeated: an `id` batch is the largest.
pub const MAX_REPEATS: usize = 100;

/// What a request asked for, not yet understood.
#[derive(Debug)]
pub struct Params {
    pairs: Vec<(String, String)>,
    faults: Vec<(At, Fault)>,
}

impl Params {
    /// The pairs of `uri`'s query. One that is no UTF-8 is kept as a fault.
    pub fn of(uri: &Uri) -> Self {
        let (mut pairs, mut faults) = (Vec::new(), Vec::new());
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => pairs.push((name, value)),
                (decoded, _) => {
                    let name = decoded.unwrap_or_else(|| name.to_owned());
                    faults.push((At::Parameter(name), not_utf8()));
                }
            }
        }
        Self { pairs, faults }
    }

    /// Whether `name` was given at all.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(given, _)| given == name)
    }

    /// The first value of `name`, to look at: nothing is taken, nothing is a fault.
    pub fn peek(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Notes a fault of `name`.
    pub fn fault(&mut self, name: &str, fault: Fault) {
        self.faults.push((At::Parameter(name.to_owned()), fault));
    }

    /// The one value of `name`, read by `read`. Given twice, or unreadable: a fault, and `None`.
    pub fn one_with<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let mut values = self.pairs.iter().filter(|(given, _)| given == name);
        let (_, value) = values.next()?;
        let read = if values.next().is_some() {
            Err(Fault::new("repeated", "hanya boleh sekali", "may be given only once"))
        } else {
            read(value)
        };
        read.map_err(|fault| self.fault(name, fault)).ok()
    }

    /// The one value of `name`.
    pub fn one<T: FromStr<Err = Fault>>(&mut self, name: &str) -> Option<T> {
        self.one_with(name, str::parse)
    }

    /// All values of `name`, each read by `read`.
    pub fn many_with<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, Fault>) -> Vec<T> {
        let values: Vec<String> = self
            .pairs
            .iter()
            .filter(|(given, _)| given == name)
            .map(|(_, value)| value.clone())
            .collect();
        if values.len() > MAX_REPEATS {
            self.fault(name, domain::listing::too_many(MAX_REPEATS));
            return Vec::new();
        }
        let mut read_values = Vec::with_capacity(values.len());
        for value in values {
            match read(&value) {
                Ok(value) => read_values.push(value),
                Err(fault) => self.fault(name, fault),
            }
        }
        read_values
    }

    /// All values of `name`.
    pub fn many<T: FromStr<Err = Fault>>(&mut self, name: &str) -> Vec<T> {
        self.many_with(name, str::parse)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.one_with(name, |raw| match raw {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Fault::new("bad_format", "harus true atau false", "must be true or false")),
        })
    }

    /// A whole number from `low` to `high`.
    pub fn integer(&mut self, name: &str, low: usize, high: usize) -> Option<usize> {
        self.one_with(name, |raw| {
            let digits = !raw.is_empty() && raw.bytes().all(|b| b.is_ascii_digit());
            let number = raw.parse().ok().filter(|_| digits);
            number.filter(|number| (low..=high).contains(number)).ok_or_else(|| between(low, high))
        })
    }

    /// A number from `low` to `high`.
    pub fn number(&mut self, name: &str, low: f64, high: f64) -> Option<f64> {
        self.one_with(name, |raw| decimal(raw, low, high))
    }

    /// Ends the reading of a query to which others may add.
    ///
    /// # Errors
    /// Every fault noted.
    pub fn finish_open(&mut self) -> Result<(), Problem> {
        let faults = std::mem::take(&mut self.faults);
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid_parameters(faults)) }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Every fault noted, and one for each name that none of `specs` describes.
    pub fn finish(&mut self, specs: &[&[Spec]]) -> Result<(), Problem> {
        let known = |name: &str| specs.iter().copied().flatten().any(|spec| spec.name == name);
        let mut unknown: Vec<String> = Vec::new();
        for (name, _) in &self.pairs {
            if !known(name) && !unknown.contains(name) {
                unknown.push(name.clone());
            }
        }
        for name in unknown {
            let fault =
                Fault::new("unknown_parameter", "parameter tidak dikenal", "is no parameter here");
            self.fault(&name, fault);
        }
        self.finish_open()
    }
}

fn decode(raw: &str) -> Option<String> {
    if !raw.contains(['+', '%']) {
        return Some(raw.to_owned());
    }
    let spaced = raw.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}

fn not_utf8() -> Fault {
    Fault::new("bad_encoding", "bukan UTF-8", "is not UTF-8")
}

/// A plain decimal number: no exponent trickery, no `inf`, no `nan`.
pub fn decimal(raw: &str, low: f64, high: f64) -> Result<f64, Fault> {
    let plain = !raw.is_empty()
        && raw.len() <= 40
        && raw.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    let number = raw.parse::<f64>().ok().filter(|number| plain && number.is_finite());
    number.filter(|number| (low..=high).contains(number)).ok_or_else(|| between(low, high))
}

/// The fault of a number out of its range.
pub fn between(low: impl std::fmt::Display, high: impl std::fmt::Display) -> Fault {
    Fault::new(
        "out_of_range",
        format!("harus angka antara {low} dan {high}"),
        format!("must be a number between {low} and {high}"),
    )
}

/// The fault of a text that is not 1 to `max` characters long.
pub fn text(raw: &str, max: usize) -> Result<String, Fault> {
    match domain::text::line_fault(raw, max) {
        None => Ok(raw.trim().to_owned()),
        Some(fault) => Err(fault),
    }
}
