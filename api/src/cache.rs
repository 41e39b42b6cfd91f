//! Cache: answers that were given and are still true, whole and encoded, to be given again.
//!
//! An answer is kept under everything that decides it ([`Read`]), and holds as long as the index
//! shows the snapshot that it was made of and the moment has not come at which it changes by
//! itself. Nothing is ever taken out because it went stale: it is not served, and makes room when
//! the cache is full.
//!
//! Most questions are asked once, and an answer that nobody asks for again only pushes others out.
//! So one is kept when it is asked for a second time.

use std::{
    hash::BuildHasher as _,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, Uri, header, uri::PathAndQuery},
    response::Response,
};
use chrono::{DateTime, Utc};
use domain::text::Lang;
use quick_cache::{DefaultHashBuilder, Weighter, sync};
use search::Snapshot;

use crate::{
    answer::{self, Span},
    counts::Sighting,
    encoding::Encoding,
    lang,
    metrics::Route,
    person,
};

/// What the whole cache may hold, bytes.
const CAPACITY: u64 = 48 * 1024 * 1024;
/// The largest body that is kept, bytes.
pub const LARGEST: usize = 256 * 1024;
/// What a kept answer takes besides its key and body, bytes: about fifteen headers.
const OVERHEAD: usize = 2048;
/// Questions of which it is remembered that they were asked: as many as it takes a minute to ask.
const ASKED: usize = 1 << 16;
/// A usual answer, bytes; only a guess for the size of the table.
const USUAL: u64 = 8 * 1024;

/// Paths below which nothing is public, every request counts, no answer ends, or the snapshot does not
/// decide it.
const PRIVATE: [&str; 10] = [
    "/v1/me",
    "/v1/auth/",
    "/v1/moderation/",
    "/v1/media",
    "/v1/listings/",
    "/v1/changes/",
    "/v1/bundles",
    "/v1/webhooks",
    "/v1/keys",
    "/v1/usage",
];

/// A public read, and all of it that decides the answer.
///
/// On a miss the routes see nothing but this: what is not in the key cannot be in the answer.
#[derive(Debug)]
pub struct Read {
    key: Vec<u8>,
    target: PathAndQuery,
    accept: Vec<HeaderValue>,
    lang: Lang,
    encoding: Encoding,
    looks: bool,
}

impl Read {
    /// What `request` wants, if it is a public read.
    pub fn of(request: &Request, encoding: Encoding) -> Option<Self> {
        let target = request.uri().path_and_query()?;
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let private = person::has_credential(request.headers())
            || PRIVATE.iter().any(|path| target.path().starts_with(path));
        if !reads || private || !target.path().starts_with("/v1/") {
            return None;
        }
        let lang = lang::accepted_by(request.headers()).unwrap_or(Lang::Id);
        let accept = request.headers().get_all(header::ACCEPT);
        let mut accept: Vec<_> = accept.iter().cloned().collect();
        // Alone it says what no header says.
        if accept[..] == ["*/*"] {
            accept.clear();
        }
        // No header line holds a line break, and the target comes last: no two wants share a key.
        let mut key = Vec::with_capacity(target.as_str().len() + 16);
        key.push(lang as u8);
        key.push(encoding as u8);
        for line in &accept {
            key.extend_from_slice(line.as_bytes());
            key.push(b'\n');
        }
        key.extend_from_slice(target.as_str().as_bytes());
        let looks = *request.method() == Method::GET;
        Some(Self { key, target: target.clone(), accept, lang, encoding, looks })
    }

    /// Whether somebody looks at the answer; HEAD brings nothing to look at.
    pub fn looks(&self) -> bool {
        self.looks
    }

    /// In which coding.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The request that the routes see.
    pub fn request(&self) -> Request {
        let mut headers = HeaderMap::with_capacity(4);
        for line in &self.accept {
            headers.append(header::ACCEPT, line.clone());
        }
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(self.lang.code()));
        self.encoding.ask(&mut headers);
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from(self.target.clone());
        *request.headers_mut() = headers;
        request
    }
}

/// An answer that was given.
#[derive(Debug)]
pub struct Kept {
    headers: HeaderMap,
    body: Bytes,
    made_of: Weak<Snapshot>,
    span: Option<Span>,
    sighting: Option<Arc<Sighting>>,
    route: Route,
}

impl Kept {
    /// The answer with `headers` and `body`, made of `snapshot`, true within `span`, that lets
    /// somebody see what `sighting` says.
    pub fn new(
        headers: HeaderMap,
        body: Bytes,
        snapshot: &Arc<Snapshot>,
        span: Option<Span>,
        sighting: Option<Arc<Sighting>>,
    ) -> Self {
        // The weak reference keeps the address from being used again, and nothing of the content.
        let (made_of, route) = (Arc::downgrade(snapshot), Route::default());
        Self { headers, body, made_of, span, sighting, route }
    }

    /// The same, as that of `route`.
    #[must_use]
    pub fn at(self, route: Route) -> Self {
        Self { route, ..self }
    }

    /// Where it was asked for.
    pub fn route(&self) -> Route {
        self.route
    }

    /// What it lets somebody see, if that is counted.
    pub fn sighting(&self) -> Option<&Arc<Sighting>> {
        self.sighting.as_ref()
    }

    fn holds(&self, snapshot: &Arc<Snapshot>, now: DateTime<Utc>) -> bool {
        std::ptr::eq(self.made_of.as_ptr(), Arc::as_ptr(snapshot))
            && self.span.is_none_or(|span| span.covers(now))
    }

    /// The answer given again at `now`: how long it is fresh is counted from there.
    pub fn response(&self, now: DateTime<Utc>) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.headers_mut() = self.headers.clone();
        if self.span.is_some() {
            let fresh = answer::freshness(self.span, now);
            response.headers_mut().insert(header::CACHE_CONTROL, fresh);
        }
        response
    }
}

/// The answers kept, and which questions were asked of late.
#[derive(Debug)]
pub struct Cache {
    kept: sync::Cache<Vec<u8>, Arc<Kept>, Bytewise>,
    /// By a part of its hash, the rest of the hash of the question that came last there.
    asked: Box<[AtomicU32]>,
    hasher: DefaultHashBuilder,
}

impl Cache {
    /// An empty one.
    pub fn new() -> Self {
        let items = usize::try_from(CAPACITY / USUAL).unwrap_or(usize::MAX);
        let hasher = DefaultHashBuilder::default();
        let lifecycle = sync::DefaultLifecycle::default();
        Self {
            kept: sync::Cache::with(items, CAPACITY, Bytewise, hasher.clone(), lifecycle),
            asked: (0..ASKED).map(|_| AtomicU32::new(0)).collect(),
            hasher,
        }
    }

    /// Whether `wanted` is asked for again; from now on it is. Seldom a question passes for
    /// another: then its answer is kept at once.
    pub fn is_again(&self, wanted: &Read) -> bool {
        let hash = self.hasher.hash_one(&wanted.key);
        #[expect(clippy::cast_possible_truncation, reason = "two parts of a hash")]
        let (place, rest) = (hash as usize % ASKED, (hash >> 32) as u32);
        self.asked[place].swap(rest, Ordering::Relaxed) == rest
    }

    /// The answer to `wanted`, if there is one that holds.
    pub fn get(
        &self,
        wanted: &Read,
        snapshot: &Arc<Snapshot>,
        now: DateTime<Utc>,
    ) -> Option<Arc<Kept>> {
        self.kept.get(&wanted.key).filter(|kept| kept.holds(snapshot, now))
    }

    /// Keeps the answer to `wanted`.
    pub fn put(&self, wanted: Read, kept: Kept) {
        self.kept.insert(wanted.key, Arc::new(kept));
    }
}

/// Weighs an answer by the memory that it takes.
#[derive(Debug, Clone)]
struct Bytewise;

impl Weighter<Vec<u8>, Arc<Kept>> for Bytewise {
    fn weight(&self, key: &Vec<u8>, kept: &Arc<Kept>) -> u64 {
        (key.len() + kept.body.len() + OVERHEAD) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &'static str) -> Read {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static(path);
        Read::of(&request, Encoding::Identity).unwrap()
    }

    #[test]
    fn a_question_is_asked_again_from_the_second_time_on() {
        let cache = Cache::new();
        let again = |path| cache.is_again(&read(path));
        assert_eq!(
            [again("/v1/places"), again("/v1/places"), again("/v1/places")],
            [false, true, true]
        );
        assert!(!again("/v1/events"));
    }
}
