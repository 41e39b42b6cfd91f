//! The edge: what every request passes on its way in and every answer on its way out.
//!
//! From outside in: request id and log line, rate limit, the cache of answers,
//! gate (size, who asks, room, time, panics), packing, routes. Outward: tags, problems put into
//! words, CORS and security headers, 304. It is one service by hand and no stack of layers: each
//! layer of a router is boxed, and cloned with all below it for every request.

use std::{
    any::Any,
    convert::Infallible,
    future::{Ready, ready},
    net::IpAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, HttpBody as _, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures_util::{FutureExt as _, future::Either};
use search::Snapshot;
use tokio::{sync::SemaphorePermit, time::Instant};
use tower::Service;
use tower_http::{
    compression::{
        Compression, DefaultPredicate,
        predicate::{And, NotForContentType, Predicate as _},
    },
    timeout::DeadlineBody,
};
use tracing::{Instrument as _, Span};
use uuid::fmt::Hyphenated;

use crate::{
    answer::{self, Keep, media},
    app::App,
    cache::{self, Cache, Kept, Read},
    counts::Sighting,
    deprecations::{self, Deprecation, Deprecations},
    encoding::Encoding,
    external, ids, lang,
    metrics::{self, Metrics, Route},
    person,
    problem::{self, Caller, Kind, Problem},
    rate::{self, Household, Verdict},
    traces,
};

/// The longest path with query, bytes: a ring and a route of the most vertices fit, each letter
/// encoded, with all else; the head of a request ends at 64 KiB.
const MAX_URI: usize = 49_152;
/// The largest request body, bytes: a listing with every text at its longest in three languages.
const MAX_BODY: u64 = 256 * 1024;
/// The largest body that brings a picture, bytes: 15 MB, and what is written around it.
const MAX_PICTURE: u64 = 15_000_000 + 64 * 1024;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one that brings a picture or many records may take: 15 MB at 200 kbit/s.
const PATIENCE_FOR_LARGE: Duration = Duration::from_mins(10);
/// How much of that is left to work with a body when it is whole.
const WORK: Duration = Duration::from_secs(5);
/// Below here the path is a ticket.
const UPLOADS: &str = "/v1/media/uploads/";
/// The header that carries the request id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the edge around `router`. Tests dress routes of their own with it.
pub fn dress(router: Router<App>, app: App) -> Edge {
    dress_with(router, app, deprecations::TABLE)
}

/// The same, where `table` says what is deprecated.
pub fn dress_with(router: Router<App>, app: App, table: &[Deprecation]) -> Edge {
    let deprecations = if table.is_empty() {
        Deprecations::default()
    } else {
        Deprecations::of(table, crate::document())
    };
    let routes = router
        .fallback(async || Problem::new(Kind::NotFound))
        .method_not_allowed_fallback(async || Problem::new(Kind::MethodNotAllowed))
        .with_state(app.clone());
    // A bundle is packed, and goes on in the middle.
    let worth_it = DefaultPredicate::new()
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new(media::BYTES));
    let packed = Compression::new(routes.clone()).compress_when(worth_it);
    let cache = Cache::new();
    let within = Arc::new(Within { app, routes, packed, cache, deprecations });
    Edge { within, peer: None }
}

/// Routes with the edge around them, ready to be served. Cheap to clone; clones share one cache.
#[derive(Clone)]
pub struct Edge {
    within: Arc<Within>,
    peer: Option<IpAddr>,
}

impl Edge {
    /// The edge as it faces `peer`, whom the rate limit counts.
    #[must_use]
    pub fn facing(&self, peer: IpAddr) -> Self {
        Self { within: Arc::clone(&self.within), peer: Some(peer) }
    }

    /// The answer where nothing was asked that could be read: `problem` in words.
    pub fn refuse(&self, problem: &Problem) -> Response {
        let now = self.within.app.clock.now();
        let caller = Caller { uri: Uri::from_static("/"), lang: None, id: new_id(now) };
        let mut response = dressed(problem.clone().into_response(), &caller);
        tracing::debug!(id = ?caller.id, kind = problem.kind().name(), "refused");
        response.headers_mut().insert(REQUEST_ID, caller.id);
        response
    }
}

/// What is within the edge.
struct Within {
    app: App,
    routes: Router,
    packed: Compression<Router, And<And<DefaultPredicate, NotForContentType>, NotForContentType>>,
    cache: Cache,
    deprecations: Deprecations,
}

impl Service<Request> for Edge {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<
        Ready<Result<Response, Infallible>>,
        Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let mut visit = Visit::begin(&self.within.app, &request);
        if request.method() == Method::OPTIONS {
            return Either::Left(ready(Ok(visit.end(&self.within.app.metrics, preflight()))));
        }
        visit.verdict = rate::count(&self.within.app, &request, self.peer);
        let admitted = admit(&request, visit.verdict);
        let encoding = if external::is_bulk(request.method(), request.uri().path()) {
            // Each line is to be read as it comes, and packing waits for more.
            Encoding::Identity
        } else {
            Encoding::of(request.headers())
        };
        let wanted = admitted.is_ok().then(|| Read::of(&request, encoding)).flatten();
        if let Some(wanted) = &wanted
            && let Some((response, route)) = self.within.again(wanted, visit.now)
        {
            visit.route = route;
            return Either::Left(ready(Ok(visit.end(&self.within.app.metrics, response))));
        }
        visit.route = self.within.app.metrics.route(request.uri().path());
        if wanted.is_none() {
            let household = Household::of(&self.within.app, &request, self.peer);
            request.extensions_mut().insert(household);
        }
        let (within, peer, route) = (Arc::clone(&self.within), self.peer, visit.route);
        let span = visit.span.clone();
        let caller = Caller {
            uri: request.uri().clone(),
            lang: lang::accepted_by(request.headers()),
            id: visit.id.clone(),
        };
        let answered = async move {
            let response = match (admitted, wanted) {
                (Err(problem), _) => dressed(problem.into_response(), &caller),
                (Ok(()), Some(wanted)) => within.read(wanted, route, &caller).await,
                (Ok(()), None) if reads(&request) && request.uri().path() == metrics::PATH => {
                    let from = rate::from(&within.app, &request, peer);
                    let may = metrics::admit(&within.app.settings, request.headers(), from);
                    within.metrics(may, &caller).await
                }
                (Ok(()), None) => within.other(request, encoding, &caller).await,
            };
            Ok(visit.end(&within.app.metrics, response))
        };
        Either::Right(Box::pin(answered.instrument(span)))
    }
}

impl Within {
    /// An answer that was given before and still holds.
    fn again(&self, wanted: &Read, now: DateTime<Utc>) -> Option<(Response, Route)> {
        let kept = self.cache.get(wanted, &self.app.index.snapshot(), now)?;
        self.count(wanted, kept.sighting());
        self.app.metrics.given_again();
        Some((kept.response(now), kept.route()))
    }

    /// Answers a public read, and keeps the answer.
    async fn read(&self, wanted: Read, route: Route, caller: &Caller) -> Response {
        let snapshot = self.app.index.snapshot();
        let response = self.run(wanted.request(), wanted.encoding()).await;
        self.count(&wanted, response.extensions().get());
        self.keep(wanted, route, &snapshot, dressed(response, caller)).await
    }

    /// What a node says of itself to whoever looks after it.
    async fn metrics(&self, may: Result<(), Problem>, caller: &Caller) -> Response {
        let response = match may {
            Ok(()) => metrics::page(&self.app).await,
            Err(problem) => problem.into_response(),
        };
        let mut response = dressed(response, caller);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        response
    }

    /// Counts what an answer to the public lets somebody see. Whoever has it already (304) sees it
    /// again; who reads behind a token keeps listings or answers for them, and is not counted.
    fn count(&self, wanted: &Read, sighting: Option<&Arc<Sighting>>) {
        if let Some(sighting) = sighting.filter(|_| wanted.looks()) {
            self.app.counts.give(sighting);
        }
    }

    /// Answers any other request; what is behind a token is for nobody else's cache.
    async fn other(&self, request: Request, encoding: Encoding, caller: &Caller) -> Response {
        let known = person::has_credential(request.headers());
        let mut request = within_time(request);
        let named = person::name(&self.app, &mut request).await;
        encoding.ask(request.headers_mut());
        let response = match named {
            Ok(()) => self.run(request, encoding).await,
            Err(problem) => problem.into_response(),
        };
        let mut response = dressed(response, caller);
        if known {
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
        response
    }

    /// Runs the routes, where there is room, as long as there is patience.
    async fn run(&self, request: Request, encoding: Encoding) -> Response {
        // Whoever writes has written already, and pages, health and the like cost next to nothing.
        let costs = reads(&request) && request.uri().path().starts_with("/v1/");
        let Some(_room) = self.room(brings(&request), costs).await else {
            return Problem::retry_after(Kind::Unavailable, 1).into_response();
        };
        let patience = patience(&request);
        let deprecated = self.deprecations.asked_by(&request);
        let answered = AssertUnwindSafe(async {
            if encoding == Encoding::Identity {
                return self.routes.clone().call(request).await;
            }
            self.packed.clone().call(request).await.map(|response| response.map(Body::new))
        });
        match tokio::time::timeout(patience, answered.catch_unwind()).await {
            Ok(Ok(Ok(mut response))) => {
                deprecations::tell(response.headers_mut(), &deprecated);
                response
            }
            Ok(Err(cause)) => panicked(&*cause),
            Err(_) => {
                tracing::error!("a request took too long");
                Problem::retry_after(Kind::Unavailable, 5).into_response()
            }
        }
    }

    /// Room to work on a request, if there is any. What was answered before needs none.
    async fn room(&self, brings: bool, costs: bool) -> Option<SemaphorePermit<'_>> {
        if brings {
            return self.app.room_for_bodies.try_acquire().ok();
        }
        if costs && self.app.queueing.turns_away().await {
            self.app.metrics.shed();
            return None;
        }
        self.app.room.try_acquire().ok()
    }

    /// Keeps `response`, if it is one that can be given again and is asked for again.
    ///
    /// The index moves in one direction only: where it shows `before` still, the answer was made of
    /// that.
    async fn keep(
        &self,
        wanted: Read,
        route: Route,
        before: &Arc<Snapshot>,
        response: Response,
    ) -> Response {
        let keep = response.extensions().get::<Keep>().copied();
        let keep = keep.filter(|keep| keep.bytes <= cache::LARGEST && self.cache.is_again(&wanted));
        let Some(keep) = keep else { return response };
        let sighting = response.extensions().get().cloned();
        let same = Arc::ptr_eq(before, &self.app.index.snapshot());
        if response.status() != StatusCode::OK || !same {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        // Packed, a body is hardly ever longer than it was, and never twice as long.
        let body = match to_bytes(body, 2 * cache::LARGEST).await {
            Ok(body) => body,
            Err(error) => return Problem::internal(&error).into_response(),
        };
        // A place for the id of whoever gets it next.
        parts.headers.insert(REQUEST_ID, HeaderValue::from_static(""));
        let (headers, bytes) = (parts.headers.clone(), body.clone());
        let kept = Kept::new(headers, bytes, before, keep.span, sighting).at(route);
        self.cache.put(wanted, kept);
        Response::from_parts(parts, Body::from(body))
    }
}

/// What is known of a request from its first moment to its last.
struct Visit {
    now: DateTime<Utc>,
    id: HeaderValue,
    known: Vec<HeaderValue>,
    verdict: Option<Verdict>,
    /// No query in it, for that says where somebody is.
    span: Span,
    begun: Instant,
    route: Route,
    /// What was asked with, where that is traced.
    traced: Option<Method>,
}

impl Visit {
    fn begin(app: &App, request: &Request) -> Self {
        let now = app.clock.now();
        let id = given_id(request.headers()).unwrap_or_else(|| new_id(now));
        let path = request.uri().path();
        // A ticket opens a door.
        let path = if path.starts_with(UPLOADS) { UPLOADS } else { path };
        let traced = app.settings.otlp_url.is_some().then(|| request.method().clone());
        // A field without a value is none: the log has it only beside traces.
        let kind = traced.as_ref().map(|_| "server");
        let span = tracing::info_span!(
            "request", otel.kind = kind, id = id.to_str().unwrap_or_default(),
            method = %request.method(), path
        );
        if traced.is_some() {
            traces::join(&span, request.headers());
        }
        let reads = reads(request);
        let known = request.headers().get_all(header::IF_NONE_MATCH).iter();
        Self {
            now,
            id,
            known: known.filter(|_| reads).cloned().collect(),
            verdict: None,
            begun: Instant::now(),
            route: Route::default(),
            traced,
            span,
        }
    }

    /// Turns an answer to anybody into the answer to this request, and writes the log line.
    fn end(self, metrics: &Metrics, mut response: Response) -> Response {
        if response.status() == StatusCode::OK
            && answer::is_known(&self.known, response.headers().get(header::ETAG))
        {
            answer::not_modified(&mut response);
        }
        if let Some(verdict) = self.verdict {
            rate::tell(response.headers_mut(), verdict);
        }
        response.headers_mut().insert(REQUEST_ID, self.id);
        let took = self.begun.elapsed();
        metrics.answered(self.route, response.status(), took);
        if let Some(method) = &self.traced {
            traces::tell(&self.span, method, metrics.name(self.route), response.status());
        }
        if !self.span.is_disabled() {
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            let status = response.status().as_u16();
            self.span.in_scope(|| tracing::info!(status, micros, "answered"));
        }
        response
    }
}

/// The id that a proxy in front gave it, if it is one that a log can hold.
fn given_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    ((8..=64).contains(&id.len()) && id.as_bytes().iter().all(plain)).then(|| id.clone())
}

fn new_id(now: DateTime<Utc>) -> HeaderValue {
    let mut text = [0; Hyphenated::LENGTH];
    let id = ids::of_request(now).hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(id).expect("digits and hyphens are a header's value")
}

/// Turns away what is not looked at: too often, too long, too large, with a bad credential.
fn admit(request: &Request, verdict: Option<Verdict>) -> Result<(), Problem> {
    if let Some(Err(seconds)) = verdict.map(|verdict| verdict.left) {
        return Err(Problem::retry_after(Kind::TooManyRequests, seconds));
    }
    if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        return Err(Problem::new(Kind::UriTooLong));
    }
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.max(Some(request.body().size_hint().lower())) > Some(most(request)) {
        return Err(Problem::new(Kind::TooLarge));
    }
    Ok(())
}

/// How long the answer to `request` may take.
fn patience(request: &Request) -> Duration {
    let (method, path) = (request.method(), request.uri().path());
    let is_large = external::is_bulk(method, path)
        || matches!(*method, Method::POST | Method::PATCH) && brings_picture(path);
    if is_large { PATIENCE_FOR_LARGE } else { PATIENCE }
}

/// The most bytes that the body of `request` may have.
fn most(request: &Request) -> u64 {
    let path = request.uri().path();
    if external::is_bulk(request.method(), path) {
        external::MAX_BULK
    } else if brings_picture(path) {
        MAX_PICTURE
    } else {
        MAX_BODY
    }
}

fn brings_picture(path: &str) -> bool {
    path == "/v1/media" || path.starts_with("/v1/media/")
}

/// `request`, with a body that fails when it comes too slowly to be worked with in time.
fn within_time(request: Request) -> Request {
    if !brings(&request) {
        return request;
    }
    let time = patience(&request).saturating_sub(WORK);
    request.map(|body| Body::new(DeadlineBody::new(time, body)))
}

fn panicked(cause: &(dyn Any + Send)) -> Response {
    let said = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = said, "a handler panicked");
    Problem::new(Kind::Internal).into_response()
}

/// The answer as everybody may have it: in words, with its tag, open to every page and safe there.
fn dressed(response: Response, caller: &Caller) -> Response {
    let mut response = problem::speak(response, caller);
    let headers = response.headers_mut();
    answer::tag_encoding(headers);
    headers.reserve(8);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A page has a policy of its own.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// The headers that a script on another page may read.
const EXPOSED: &str = "etag,link,location,change-seq,retry-after,content-language,ratelimit-policy,ratelimit,\
                       x-request-id,upload-offset,upload-length,upload-expires,accept-ranges,content-range,\
                       deprecation,sunset";

/// Whether it only reads.
fn reads(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Whether it has a body.
fn brings(request: &Request) -> bool {
    !request.body().is_end_stream()
}

/// Tells a browser that every page may read here (Fetch Standard, CORS protocol). The same for
/// every page, so that nothing varies by where it is asked from.
fn preflight() -> Response {
    [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS"),
        // A star does not name `Authorization` (Fetch Standard, CORS protocol).
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*,authorization"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ]
    .into_response()
}
