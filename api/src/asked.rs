//! Asked: what every read is told about its request.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts, Path},
    http::{HeaderMap, header, request::Parts},
};
use chrono::{DateTime, Utc};
use domain::{Fault, listing::unknown_word, text::Lang};
use search::Snapshot;
use serde_json::json;

use crate::{
    answer::media,
    app::App,
    lang,
    params::{Params, Spec},
    problem::{Kind, Problem},
};

/// A request with what it is asked of: the moment, the snapshot, the reader's language.
pub struct Asked {
    /// Its parameters.
    pub params: Params,
    /// The language of the answer.
    pub lang: Lang,
    /// The path.
    pub path: String,
    /// The query as it was written, for links to its neighbours.
    pub query: String,
    /// The moment that "now" is, for all of the answer.
    pub now: DateTime<Utc>,
    /// What is published, for all of the answer.
    pub snapshot: Arc<Snapshot>,
    accept: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked
where
    App: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let app = App::from_ref(state);
        let mut params = Params::of(&parts.uri);
        // Here, so that a bad `lang` is among the faults of whoever finishes the parameters.
        let _: Option<Lang> = params.one("lang");
        Ok(Self {
            lang: lang::of(&params, &parts.headers),
            params,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            now: app.clock.now(),
            snapshot: app.index.snapshot(),
            accept: accept(&parts.headers),
        })
    }
}

/// The variable of the path. One that is no UTF-8 names nothing.
pub struct Key(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let key = Path::<String>::from_request_parts(parts, state).await;
        key.map(|Path(key)| Self(key)).map_err(|_| Problem::new(Kind::NotFound))
    }
}

/// All `Accept` lines as one; absent or unreadable accepts everything.
fn accept(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// The parameters that every read has.
pub static COMMON: [Spec; 1] = [Spec {
    name: "lang",
    many: false,
    about: "Language of the answer; wins over `Accept-Language`. Where a text is not in it, \
            Indonesian serves, else any.",
    schema: || json!({"type": "string", "enum": ["id", "en", "jv"], "default": "id"}),
    example: || json!("en"),
}];

/// The parameters of a read that takes nothing but a language.
pub struct LangParams;

impl utoipa::IntoParams for LangParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        COMMON.iter().map(Spec::document).collect()
    }
}

/// The representations by the names that `format` takes.
const FORMATS: [(&str, &str); 6] = [
    ("json", media::JSON),
    ("geojson", media::GEOJSON),
    ("jsonld", media::JSONLD),
    ("ics", media::CALENDAR),
    ("csv", media::CSV),
    ("ndjson", media::NDJSON),
];

/// Makes the parameter `format` of reads that have those representations.
macro_rules! formats {
    ($(#[$doc:meta])* $name:ident: $($format:literal),+) => {
        $(#[$doc])*
        pub static $name: [Spec; 1] = [Spec {
            name: "format",
            many: false,
            about: "Representation, where a link must carry it; wins over `Accept`.",
            schema: || json!({"type": "string", "enum": [$($format),+]}),
            example: || json!("json"),
        }];
    };
}

formats! {
    /// Of a read that has GeoJSON, too.
    FORMAT: "json", "geojson"
}
formats! {
    /// Of a listing.
    DETAIL_FORMAT: "json", "geojson", "jsonld"
}
formats! {
    /// Of an event.
    EVENT_FORMAT: "json", "geojson", "jsonld", "ics"
}
formats! {
    /// Of a list of listings.
    LIST_FORMAT: "json", "geojson", "jsonld", "csv", "ndjson"
}
formats! {
    /// Of a list of events.
    EVENTS_FORMAT: "json", "geojson", "jsonld", "ics", "csv", "ndjson"
}

impl Asked {
    /// The representation asked for among `offers`, the first of which is the default.
    ///
    /// # Errors
    /// 406 when none will do.
    pub fn media(&mut self, offers: &[&'static str]) -> Result<&'static str, Problem> {
        // Where there is nothing to choose from, `format` is no parameter.
        let chosen = (offers.len() > 1).then(|| self.params.one_with("format", format)).flatten();
        if let Some(chosen) = chosen {
            let offered = offers.iter().copied().find(|media| *media == chosen);
            return offered.ok_or_else(|| Problem::new(Kind::NotAcceptable));
        }
        if offers.len() > 1 && self.params.has("format") {
            return Ok(offers[0]);
        }
        let Some(accept) = &self.accept else { return Ok(offers[0]) };
        negotiate(accept, offers).ok_or_else(|| Problem::new(Kind::NotAcceptable))
    }
}

impl Asked {
    /// Whether `Accept` names `media`, and not only takes whatever there is.
    pub fn names(&self, media: &str) -> bool {
        let ranges = self.accept.iter().flat_map(|accept| accept.split(',')).take(64);
        let mut ranges = ranges.map(|range| range.split(';').next().unwrap_or_default().trim());
        ranges.any(|range| range.eq_ignore_ascii_case(media))
    }
}

/// The representation of that name.
fn format(raw: &str) -> Result<&'static str, Fault> {
    let named = FORMATS.iter().find(|(name, _)| *name == raw);
    named.map(|(_, media)| *media).ok_or_else(|| unknown_word(&FORMATS.map(|(name, _)| name)))
}

/// The heaviest of `offers` (RFC 9110 §12.5.1): the most specific range that names an offer
/// weighs it; of equals the first offer.
fn negotiate(accept: &str, offers: &[&'static str]) -> Option<&'static str> {
    let mut best: Option<(f32, &'static str)> = None;
    for offer in offers {
        let weight = accept
            .split(',')
            .take(64)
            .filter_map(|range| weigh(range, offer))
            .max_by_key(|(specific, _)| *specific)
            .map_or(0.0, |(_, weight)| weight);
        if weight > 0.0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
            best = Some((weight, offer));
        }
    }
    best.map(|(_, offer)| offer)
}

/// How specific `range` is about `offer` and what it weighs it; `None` when it is about another.
fn weigh(range: &str, offer: &str) -> Option<(u8, f32)> {
    let mut steps = range.split(';').map(str::trim);
    let named = steps.next()?.to_ascii_lowercase();
    let (group, _) = offer.split_once('/')?;
    let specific = if named == offer {
        2
    } else if named.strip_suffix("/*") == Some(group) {
        1
    } else if named == "*/*" {
        0
    } else {
        return None;
    };
    let weight =
        steps.find_map(|step| step.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
    Some((specific, weight.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [&str; 2] = [media::JSON, media::GEOJSON];

    #[test]
    fn the_most_specific_range_weighs_an_offer() {
        assert_eq!(negotiate("application/geo+json, */*;q=0.1", &BOTH), Some(media::GEOJSON));
        assert_eq!(negotiate("*/*, application/json;q=0", &BOTH), Some(media::GEOJSON));
        assert_eq!(negotiate("text/html, */*;q=0.8", &BOTH), Some(media::JSON));
        assert_eq!(negotiate("application/*", &BOTH), Some(media::JSON));
    }

    #[test]
    fn what_is_not_to_be_had_is_not_acceptable() {
        assert_eq!(negotiate("text/calendar", &BOTH), None);
        assert_eq!(negotiate("application/json;q=0", &BOTH[..1]), None);
        assert_eq!(negotiate(";;;,,", &BOTH), None);
    }
}
