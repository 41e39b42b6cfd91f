//! Deprecations: what of the contract will go, since when that is known, and when it goes.
//!
//! One table. From it follow the headers of every answer that is concerned (`Deprecation`, RFC 9745;
//! `Sunset`, RFC 8594; `Link`), and `deprecated` in the document.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::{Value, json};

use crate::params::Params;

/// Something that will go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deprecation {
    /// The operation.
    pub operation: &'static str,
    /// Its query parameter, where only that goes.
    pub parameter: Option<&'static str>,
    /// Since when it is to be avoided.
    pub since: NaiveDate,
    /// When it goes, if that is known: at least twelve months later.
    pub sunset: Option<NaiveDate>,
    /// What takes its place: a path or an address.
    pub instead: &'static str,
}

/// All of it; nothing is deprecated yet. What is added here is told in `openapi/changelog.json`, too.
pub static TABLE: &[Deprecation] = &[];

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// What is deprecated, by where it is asked for.
#[derive(Debug, Default)]
pub struct Deprecations(Vec<Route>);

#[derive(Debug)]
struct Route {
    method: Method,
    path: String,
    what: Deprecation,
}

impl Deprecations {
    /// Those of `table`, whose operations lie where `document` says.
    pub fn of(table: &[Deprecation], document: &Value) -> Self {
        let route = |what: &Deprecation| {
            let (path, method, _) = operations(document)
                .find(|(.., operation)| operation["operationId"] == what.operation)?;
            let method = method.to_uppercase().parse().ok()?;
            Some(Route { method, path: path.to_owned(), what: *what })
        };
        Self(table.iter().filter_map(route).collect())
    }

    /// What of it `request` asks for.
    pub fn asked_by(&self, request: &Request) -> Vec<Deprecation> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let method = match request.method() {
            &Method::HEAD => &Method::GET,
            method => method,
        };
        let params = Params::of(request.uri());
        let asked = |route: &&Route| {
            route.method == *method
                && fits(&route.path, request.uri().path())
                && route.what.parameter.is_none_or(|name| params.has(name))
        };
        self.0.iter().filter(asked).map(|route| route.what).collect()
    }
}

/// Path, method and operation of each that `document` has.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Whether `path` is one that `template` stands for.
fn fits(template: &str, path: &str) -> bool {
    let (mut steps, mut mine) = (template.split('/'), path.split('/'));
    loop {
        match (steps.next(), mine.next()) {
            (None, None) => return true,
            (Some(step), Some(mine))
                if step.starts_with('{') && !mine.is_empty() || step == mine => {}
            _ => return false,
        }
    }
}

/// Tells in the headers of an answer what of the request is deprecated: of several the first day.
pub fn tell(headers: &mut HeaderMap, all: &[Deprecation]) {
    let Some(since) = all.iter().map(|one| one.since).min() else { return };
    let day = |day: NaiveDate| -> DateTime<Utc> { day.and_time(NaiveTime::MIN).and_utc() };
    let sunset = all.iter().filter_map(|one| one.sunset).min();
    let sunset = sunset.map(|end| day(end).format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    let since = Some(format!("@{}", day(since).timestamp()));
    for (name, value) in [(DEPRECATION, since), (SUNSET, sunset)] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    let about = "</v1/changelog>; rel=\"deprecation\"".to_owned();
    let instead = all.iter().map(|one| format!("<{}>; rel=\"successor-version\"", one.instead));
    for link in std::iter::once(about).chain(instead) {
        if let Ok(link) = HeaderValue::try_from(link) {
            headers.append(header::LINK, link);
        }
    }
}

/// Says in the contract's `document` what of it is deprecated.
pub fn mark(document: &mut Value, table: &[Deprecation]) {
    for item in document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        for operation in item.as_object_mut().into_iter().flat_map(|item| item.values_mut()) {
            let id = operation["operationId"].clone();
            for one in table.iter().filter(|one| id == one.operation) {
                match one.parameter {
                    None => mark_one(operation, one),
                    Some(name) => {
                        let parameters = operation["parameters"].as_array_mut();
                        let named = |parameter: &&mut Value| parameter["name"] == name;
                        let named = parameters.into_iter().flatten().filter(named);
                        named.for_each(|parameter| mark_one(parameter, one));
                    }
                }
            }
        }
    }
}

fn mark_one(value: &mut Value, one: &Deprecation) {
    value["deprecated"] = json!(true);
    let until = one.sunset.map(|end| format!(", gone from {end} on")).unwrap_or_default();
    let about = value["description"].as_str().unwrap_or_default();
    let about =
        format!("{about}\n\nDeprecated since {}{until}; instead: {}", one.since, one.instead);
    value["description"] = json!(about.trim_start());
}

#[cfg(test)]
mod tests {
    use chrono::Months;

    use super::*;

    #[test]
    fn what_goes_is_told_a_year_ahead_and_names_what_is_there() {
        let document = crate::document();
        for one in TABLE {
            let year = one.since.checked_add_months(Months::new(12));
            assert!(one.sunset.is_none_or(|end| Some(end) >= year), "{one:?}");
        }
        assert_eq!(Deprecations::of(TABLE, document).0.len(), TABLE.len());
    }

    #[test]
    fn a_path_fits_its_template_alone() {
        assert!(fits("/v1/places/{id}", "/v1/places/pantai"));
        for other in ["/v1/places", "/v1/places/", "/v1/places/a/b", "/v1/events/a", "/"] {
            assert!(!fits("/v1/places/{id}", other), "{other}");
        }
    }
}
