//! Answer: a representation with what a cache must know of it.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use domain::text::Lang;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// How long a public answer is fresh, seconds.
const FRESH: i64 = 60;
/// How long after that it may be shown while a new one is fetched, seconds.
const STALE: i64 = 600;

/// The media types we write.
pub mod media {
    /// Our JSON.
    pub const JSON: &str = "application/json";
    /// RFC 7946.
    pub const GEOJSON: &str = "application/geo+json";
}

/// A representation.
#[derive(Debug)]
pub struct Answer {
    body: Vec<u8>,
    media: &'static str,
    lang: Lang,
    version: Option<i64>,
    fresh: (i64, i64),
    link: Option<String>,
}

impl Answer {
    /// `value` as JSON of the type `media`, for a reader of `lang`.
    ///
    /// # Errors
    /// An internal problem when it cannot be written, which only a bug can bring about.
    pub fn of(value: &impl Serialize, media: &'static str, lang: Lang) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
        Ok(Self { body, media, lang, version: None, fresh: (FRESH, STALE), link: None })
    }

    /// The version that leads the tag.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// Fresh no longer than until `moment`, when what it says may be otherwise.
    #[must_use]
    pub fn until(self, moment: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        let Some(moment) = moment else { return self };
        let left = (moment - now).num_seconds().max(0);
        let fresh = FRESH.min(left);
        Self { fresh: (fresh, STALE.min(left - fresh)), ..self }
    }

    /// With a `Link`.
    #[must_use]
    pub fn link(self, link: Option<String>) -> Self {
        Self { link, ..self }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let digest = tag_of(&self.body);
        let tag = match self.version {
            Some(version) => format!("\"{version}-{digest}\""),
            None => format!("\"{digest}\""),
        };
        let (fresh, stale) = self.fresh;
        let cache = format!("public, max-age={fresh}, stale-while-revalidate={stale}");
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.lang.code()));
        headers.insert(
            header::VARY,
            HeaderValue::from_static("Accept, Accept-Language, Accept-Encoding"),
        );
        let rest = [
            (header::ETAG, Some(tag)),
            (header::CACHE_CONTROL, Some(cache)),
            (header::LINK, self.link),
        ];
        for (name, value) in rest {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        (headers, self.body).into_response()
    }
}

/// The digest of a representation: 96 bits of SHA-256, hexadecimal.
pub fn tag_of(body: &[u8]) -> String {
    Sha256::digest(body).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// The layer around compression that gives each encoding a tag of its own, and answers 304 to
/// whoever has that one already (RFC 9110 §8.8.3, §13.1.2).
pub async fn conditional(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let known: Vec<_> = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect();
    let mut response = next.run(request).await;
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let (Some(tag), true) = (tag, reads && response.status() == StatusCode::OK) else {
        return response;
    };
    let encoding = response.headers().get(header::CONTENT_ENCODING).and_then(|e| e.to_str().ok());
    let tag = match encoding {
        Some(encoding) => format!("{}-{encoding}\"", tag.trim_end_matches('"')),
        None => tag.to_owned(),
    };
    let Ok(value) = HeaderValue::from_str(&tag) else { return response };
    response.headers_mut().insert(header::ETAG, value);
    if known.iter().any(|known| matches(known.to_str().unwrap_or_default(), &tag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
            response.headers_mut().remove(name);
        }
        *response.body_mut() = Body::empty();
    }
    response
}

/// Weak comparison, as `If-None-Match` has it. Our tags hold no comma.
fn matches(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}
