//! Body: the JSON that a write brings.

use std::{error::Error, iter};

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderName, HeaderValue, header},
};
use domain::Fault;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tower_http::timeout::TimeoutError;

use crate::problem::{Kind, Problem};

/// The most bytes of JSON; the edge has looked at the announced length, this is the true one.
const MAX: usize = 256 * 1024;
/// RFC 7396.
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// A JSON object. An empty body is an empty object, for writes that need nothing said.
#[derive(Debug, Default)]
pub struct Body(pub Map<String, Value>);

/// A merge patch of an object (RFC 7396).
#[derive(Debug, Default)]
pub struct Patch(pub Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request, "application/json", header::ACCEPT).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for Patch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request, MERGE_PATCH, HeaderName::from_static("accept-patch")).await.map(Self)
    }
}

async fn read(
    request: Request,
    media: &'static str,
    told_in: HeaderName,
) -> Result<Map<String, Value>, Problem> {
    let sent = request.headers().get(header::CONTENT_TYPE).map(|sent| {
        let sent = sent.to_str().unwrap_or_default();
        sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    });
    let body = to_bytes(request.into_body(), MAX).await.map_err(|error| broken(&error))?;
    if sent.as_deref().is_some_and(|sent| sent != media) || sent.is_none() && !body.is_empty() {
        let media = HeaderValue::from_static(media);
        return Err(Problem::new(Kind::UnsupportedMedia).with_header(told_in, media));
    }
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Problem::invalid(vec![Fault::new(
            "bad_format",
            "harus sebuah objek",
            "must be an object",
        )])),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(Problem::new(Kind::InvalidBody).saying(
                format!("bukan JSON: baris {line}, kolom {column}"),
                format!("is no JSON: line {line}, column {column}"),
            ))
        }
    }
}

/// What it means that a body ended with `error`: it was too long, too slow, or cut off.
pub fn broken(error: &(dyn Error + 'static)) -> Problem {
    let mut causes = iter::successors(Some(error), |&error| error.source());
    let kind = causes.find_map(|cause| {
        let too_slow = cause.is::<TimeoutError>().then_some(Kind::TooSlow);
        too_slow.or_else(|| cause.to_string().contains("limit").then_some(Kind::TooLarge))
    });
    match kind.unwrap_or(Kind::InvalidBody) {
        // Of what is still to come nobody knows where it ends.
        Kind::TooSlow => Problem::new(Kind::TooSlow)
            .with_header(header::CONNECTION, HeaderValue::from_static("close")),
        kind => Problem::new(kind),
    }
}

/// A fault for each member of `body` that is none of `known`. A name that a caller made up is said back,
/// but not at any length.
pub fn unknown_members(body: &Map<String, Value>, known: &[&str]) -> Vec<Fault> {
    let unknown = body.keys().filter(|name| !known.contains(&name.as_str()));
    let fault = |name: &String| {
        let name: String = name.chars().take(80).collect();
        Fault::new("unknown_member", "tidak dikenal", "is not known here").below(name)
    };
    unknown.map(fault).collect()
}

impl Body {
    /// What it says, as a `D`.
    ///
    /// # Errors
    /// 422 with the member that does not fit.
    pub fn into<D: DeserializeOwned>(self) -> Result<D, Problem> {
        domain::read_draft(&Value::Object(self.0)).map_err(|fault| Problem::invalid(vec![fault]))
    }
}
