//! Answer: a representation with what a cache must know of it.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use domain::text::Lang;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    counts::{Sight, Sighting},
    problem::Problem,
};

/// How long a public answer is fresh, seconds.
const FRESH: i64 = 60;
/// How long after that it may be shown while a new one is fetched, seconds.
const STALE: i64 = 600;
/// `Cache-Control` of what a moment makes old.
const BRIEF: &str = "public, max-age=1";
/// Room for the headers of an answer with those that the edge adds.
const HEADERS: usize = 16;

/// The media types we write.
pub mod media {
    use axum::http::{HeaderMap, header};

    /// Our JSON.
    pub const JSON: &str = "application/json";
    /// RFC 7946.
    pub const GEOJSON: &str = "application/geo+json";
    /// Server-sent events (HTML Standard).
    pub const EVENTS: &str = "text/event-stream";
    /// JSON-LD 1.1, with the words of schema.org.
    pub const JSONLD: &str = "application/ld+json";
    /// RFC 5545.
    pub const CALENDAR: &str = "text/calendar";
    /// RFC 4180.
    pub const CSV: &str = "text/csv";
    /// JSON texts, one a line.
    pub const NDJSON: &str = "application/x-ndjson";
    /// Any of them, for a program that knows it by no better name.
    pub const BYTES: &str = "application/octet-stream";

    /// Whether somebody takes bytes and nothing else.
    pub fn is_bytes(asked: &HeaderMap) -> bool {
        asked.get(header::ACCEPT).is_some_and(|accept| accept == BYTES)
    }

    /// The type as its header says it: texts name their charset.
    pub fn header(media: &'static str) -> &'static str {
        match media {
            CALENDAR => "text/calendar; charset=utf-8",
            CSV => "text/csv; charset=utf-8; header=present",
            other => other,
        }
    }
}

/// A representation.
#[derive(Debug)]
pub struct Answer {
    body: Bytes,
    media: &'static str,
    lang: Lang,
    version: Option<i64>,
    span: Option<Span>,
    brief: bool,
    link: Option<String>,
    file: Option<File>,
    sighting: Option<Arc<Sighting>>,
}

/// What an answer is called where it is kept as a file.
#[derive(Debug, Clone)]
pub struct File {
    /// Letters, digits, hyphens and a dot.
    pub name: String,
    /// Whether a browser is to keep it and not to show it.
    pub kept: bool,
}

impl File {
    /// As `Content-Disposition` has it (RFC 6266).
    pub fn disposition(&self) -> String {
        let way = if self.kept { "attachment" } else { "inline" };
        format!("{way}; filename=\"{}\"", self.name)
    }
}

/// When an answer is true that changes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Span {
    /// True from `from` until just before `until`.
    pub fn new(from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { from, until }
    }

    /// Whether it is true at `moment`: from its first until just before its last.
    pub fn covers(self, moment: DateTime<Utc>) -> bool {
        (self.from..self.until).contains(&moment)
    }
}

/// What the edge must know to keep an answer; in the extensions of its response.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// How long the body is before it is encoded, bytes.
    pub bytes: usize,
    /// When it is true; while its snapshot is shown, where it does not change by itself.
    pub span: Option<Span>,
}

impl Answer {
    /// `value` as JSON of the type `media`, for a reader of `lang`.
    ///
    /// # Errors
    /// An internal problem when it cannot be written, which only a bug can bring about.
    pub fn of(value: &impl Serialize, media: &'static str, lang: Lang) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
        Ok(Self::bytes(body, media, lang))
    }

    /// What is written already, as it is, of the type `media`, for a reader of `lang`.
    pub fn bytes(body: impl Into<Bytes>, media: &'static str, lang: Lang) -> Self {
        let body = body.into();
        Self {
            body,
            media,
            lang,
            version: None,
            span: None,
            brief: false,
            link: None,
            file: None,
            sighting: None,
        }
    }

    /// The version that leads the tag.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// True from `now` until `moment`, when what it says may be otherwise, and fresh no longer;
    /// without a `moment`, as long as what is published stays as it is.
    #[must_use]
    pub fn until(self, moment: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        Self { span: moment.map(|until| Span { from: now, until }), ..self }
    }

    /// Fresh for a moment only: whoever asks wants what is newest.
    #[must_use]
    pub fn brief(self) -> Self {
        Self { brief: true, ..self }
    }

    /// With a `Link`.
    #[must_use]
    pub fn link(self, link: Option<String>) -> Self {
        Self { link, ..self }
    }

    /// Under a name, where it is kept as a file.
    #[must_use]
    pub fn file(self, file: File) -> Self {
        Self { file: Some(file), ..self }
    }

    /// Counted, as often as it is given, as letting somebody see this.
    #[must_use]
    pub fn seen(self, sight: impl Into<Option<Sight>>) -> Self {
        Self { sighting: sight.into().map(Sighting::new), ..self }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let digest = xxh3_128(&self.body);
        let tag = match self.version {
            Some(version) => format!("\"{version}-{digest:032x}\""),
            None => format!("\"{digest:032x}\""),
        };
        let now = self.span.map_or(DateTime::UNIX_EPOCH, |span| span.from);
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Keep { bytes: self.body.len(), span: self.span });
        if let Some(sighting) = self.sighting {
            response.extensions_mut().insert(sighting);
        }
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media::header(self.media)));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.lang.code()));
        headers.insert(
            header::VARY,
            HeaderValue::from_static("Accept, Accept-Language, Accept-Encoding"),
        );
        let freshness =
            if self.brief { HeaderValue::from_static(BRIEF) } else { freshness(self.span, now) };
        headers.insert(header::CACHE_CONTROL, freshness);
        let file = self.file.map(|file| file.disposition());
        let named = [
            (header::ETAG, Some(tag)),
            (header::LINK, self.link),
            (header::CONTENT_DISPOSITION, file),
        ];
        for (name, value) in named {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        }
        *response.body_mut() = Body::from(self.body);
        response
    }
}

/// `Cache-Control` at `now` of an answer that is true within `span`.
pub fn freshness(span: Option<Span>, now: DateTime<Utc>) -> HeaderValue {
    let left = span.map_or(i64::MAX, |span| (span.until - now).num_seconds().max(0));
    if left >= FRESH + STALE {
        return HeaderValue::from_static("public, max-age=60, stale-while-revalidate=600");
    }
    let fresh = FRESH.min(left);
    let text = format!("public, max-age={fresh}, stale-while-revalidate={}", left - fresh);
    HeaderValue::try_from(text).expect("digits and words are a header's value")
}

/// Gives each encoding a tag of its own: a representation is what goes over the wire (RFC 9110
/// §8.8.3).
pub fn tag_encoding(headers: &mut HeaderMap) {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(tag), Some(encoding)) = (text(header::ETAG), text(header::CONTENT_ENCODING)) else {
        return;
    };
    let tag = format!("{}-{encoding}\"", tag.trim_end_matches('"'));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
}

/// Whether the representation with this tag is among the `known` of an `If-None-Match` (RFC 9110
/// §13.1.2).
pub fn is_known<'a>(
    known: impl IntoIterator<Item = &'a HeaderValue>,
    tag: Option<&HeaderValue>,
) -> bool {
    let Some(tag) = tag.and_then(|tag| tag.to_str().ok()) else { return false };
    known.into_iter().filter_map(|known| known.to_str().ok()).any(|known| matches(known, tag))
}

/// Makes of a 200 the 304 to whoever has it already.
pub fn not_modified(response: &mut Response) {
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        response.headers_mut().remove(name);
    }
    *response.body_mut() = Body::empty();
}

/// Weak comparison, as `If-None-Match` has it. Our tags hold no comma.
fn matches(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}
