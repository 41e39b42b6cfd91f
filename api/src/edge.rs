//! The edge: what every request passes on its way in and every answer on its way out.
//!
//! From outside in: request id and log line, CORS and security headers, problems put into words,
//! panics caught, rate limit, gate (size, credentials, room, time), tags and 304, compression.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    body::HttpBody as _,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    cors::{Any as AnyOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};
use tracing::Instrument as _;

use crate::{
    answer,
    app::App,
    clock::Clock,
    problem::{self, Kind, Problem, RequestId},
    rate,
};

/// The longest path with query, bytes.
const MAX_URI: usize = 16_384;
/// The largest request body, bytes: nothing here takes one yet.
const MAX_BODY: u64 = 64 * 1024;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The header that carries the request id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the edge around `router`. Tests dress routes of their own with it.
pub fn dress(router: Router<App>, app: App) -> Router {
    let always =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    router
        .fallback(async || Problem::new(Kind::NotFound))
        .method_not_allowed_fallback(async || Problem::new(Kind::MethodNotAllowed))
        .with_state(app.clone())
        .layer(CompressionLayer::new())
        .layer(from_fn(answer::conditional))
        .layer(from_fn_with_state(app.clone(), gate))
        .layer(from_fn_with_state(app.clone(), rate::limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(problem::speak))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .layer(always(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ))
        .layer(cors())
        .layer(from_fn_with_state(app, identify))
}

/// Public reads are for every page.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AnyOrigin)
        .allow_methods([Method::GET, Method::HEAD, Method::OPTIONS])
        .allow_headers(AnyOrigin)
        .expose_headers([
            header::ETAG,
            header::LINK,
            header::RETRY_AFTER,
            header::CONTENT_LANGUAGE,
            rate::POLICY,
            rate::LEFT,
            REQUEST_ID,
        ])
        .max_age(Duration::from_hours(24))
        // The answer to every page is the same: nothing varies by where it is asked from.
        .vary([])
}

/// Gives the request an id, and the log its line: no query in it, for that says where somebody is.
async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = given_id(&request).unwrap_or_else(|| new_id(&app.clock));
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!(
        "request", id, method = %request.method(), path = request.uri().path()
    );
    let mut response = async {
        let begun = tokio::time::Instant::now();
        let response = next.run(request).await;
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), micros, "answered");
        response
    }
    .instrument(span)
    .await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The id that a proxy in front gave it, if it is one that a log can hold.
fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    ((8..=64).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}

fn new_id(clock: &Clock) -> String {
    crate::ids::new(clock.now()).to_string()
}

/// Turns away what cannot be answered: too long, too large, a bad credential, no room, no time.
async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        return Problem::new(Kind::UriTooLong).into_response();
    }
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.max(Some(request.body().size_hint().lower())) > Some(MAX_BODY) {
        return Problem::new(Kind::TooLarge).into_response();
    }
    if has_credential(&request) {
        // No key and no token has been given out yet, so none is good.
        let realm = HeaderValue::from_static("Bearer realm=\"griya\"");
        return Problem::new(Kind::Unauthorized)
            .with_header(header::WWW_AUTHENTICATE, realm)
            .into_response();
    }
    let Ok(_room) = app.room.try_acquire() else {
        return Problem::retry_after(Kind::Unavailable, 1).into_response();
    };
    tokio::time::timeout(PATIENCE, next.run(request)).await.unwrap_or_else(|_| {
        tracing::error!("a request took too long");
        Problem::retry_after(Kind::Unavailable, 5).into_response()
    })
}

fn has_credential(request: &Request) -> bool {
    request.uri().path().starts_with("/v1/")
        && (request.headers().contains_key(header::AUTHORIZATION)
            || request.headers().contains_key("x-api-key"))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over so")]
fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let said = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = said, "a handler panicked");
    Problem::new(Kind::Internal).into_response()
}
