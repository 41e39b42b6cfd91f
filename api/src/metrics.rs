//! Metrics: what Prometheus reads at `/metrics` (text format 0.0.4).
//!
//! Here live the counts of requests, which cost each of them three additions, and who may read them.
//! What is only looked at when somebody asks is in [`now`]; how it is written in [`mod@page`]. A label
//! is a route as the contract writes it, so nobody can make new ones by asking.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};

use crate::{
    app::App,
    config::Settings,
    metrics::page::{Kind as Is, Page},
    openapi,
    problem::{Kind, Problem},
};

mod now;
mod page;

/// Where they are.
pub const PATH: &str = "/metrics";
/// Pages that stand in no contract.
const PAGES: [&str; 9] = [
    "/",
    "/problems/{name}",
    "/docs/{*file}",
    "/robots.txt",
    "/sitemap.xml",
    "/sitemaps/{file}",
    "/opensearch.xml",
    "/openapi.json",
    "/openapi-3.0.json",
];
/// What is none of ours.
const OTHER: &str = "other";
/// The upper ends of the buckets of latencies, microseconds.
const BOUNDS: [u64; 11] =
    [500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

/// A route, as the one place where it is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Route(u16);

/// What was asked since the start.
#[derive(Debug)]
pub struct Metrics {
    routes: matchit::Router<Route>,
    names: Vec<String>,
    of: Vec<OfRoute>,
    again: AtomicU64,
    shed: AtomicU64,
}

/// What was asked at one route.
#[derive(Debug, Default)]
struct OfRoute {
    /// By the first digit of the status.
    statuses: [AtomicU64; 5],
    /// By bucket; the last one has no end.
    took: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Metrics {
    /// Nothing asked yet.
    pub fn new() -> Arc<Self> {
        let paths = openapi::document()["paths"].as_object().into_iter().flat_map(|all| all.keys());
        let (mut routes, mut names) = (matchit::Router::new(), vec![OTHER.to_owned()]);
        for path in paths.map(String::as_str).chain(PAGES).chain([PATH]) {
            let route = u16::try_from(names.len()).map(Route).unwrap_or_default();
            if routes.insert(path, route).is_ok() {
                names.push(path.to_owned());
            }
        }
        let of = names.iter().map(|_| OfRoute::default()).collect();
        Arc::new(Self { routes, names, of, again: AtomicU64::new(0), shed: AtomicU64::new(0) })
    }

    /// The route that `path` takes.
    pub fn route(&self, path: &str) -> Route {
        self.routes.at(path).map(|found| *found.value).unwrap_or_default()
    }

    /// What a route is called: its path as the contract has it.
    pub fn name(&self, route: Route) -> &str {
        self.names.get(usize::from(route.0)).map_or(OTHER, String::as_str)
    }

    /// Counts an answer with `status` that took so long.
    pub fn answered(&self, route: Route, status: StatusCode, took: Duration) {
        let Some(of) = self.of.get(usize::from(route.0)) else { return };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        of.statuses[class].fetch_add(1, Ordering::Relaxed);
        of.took[BOUNDS.partition_point(|bound| *bound < micros)].fetch_add(1, Ordering::Relaxed);
        of.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts an answer that was kept and given again.
    pub fn given_again(&self) {
        self.again.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that was told to come back, for too much was asked.
    pub fn shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }

    /// The routes that were asked for, each with its counts.
    fn asked(&self) -> Vec<(&str, Counts)> {
        let counts = |of: &OfRoute| Counts {
            statuses: of.statuses.each_ref().map(read),
            took: of.took.each_ref().map(read),
            micros: read(&of.micros),
        };
        let all = self.names.iter().map(String::as_str).zip(self.of.iter().map(counts));
        all.filter(|(_, counts)| counts.statuses.iter().any(|count| *count > 0)).collect()
    }

    fn write(&self, page: &mut Page) {
        let asked = self.asked();
        page.about("griya_requests_total", Is::Counter, "Requests by route and class of status.");
        for (route, counts) in &asked {
            for (status, count) in
                ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(counts.statuses)
            {
                if count > 0 {
                    page.sample(&[("route", *route), ("status", status)], count);
                }
            }
        }
        let name = "griya_request_duration_seconds";
        page.about(name, Is::Histogram, "Until an answer was ready to be sent.");
        for (route, counts) in &asked {
            page.histogram(route, &BOUNDS, &counts.took, counts.micros);
        }
        let help = "Answers that were kept and given again.";
        page.one("griya_kept_answers_total", Is::Counter, help, read(&self.again));
        let help = "Requests that were told to come back, for too much was asked.";
        page.one("griya_shed_total", Is::Counter, help, read(&self.shed));
    }
}

/// The counts of a route at one moment.
struct Counts {
    statuses: [u64; 5],
    took: [u64; BOUNDS.len() + 1],
    micros: u64,
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// The page.
pub async fn page(app: &App) -> Response {
    let mut page = Page::default();
    app.metrics.write(&mut page);
    now::write(app, &mut page).await;
    let media = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, media)], page.text()).into_response()
}

/// Lets whoever has the token read, or, where there is none, whoever is on this machine and was not
/// sent here by a proxy.
///
/// # Errors
/// 401 without the token, 403 where there is none to bring.
pub fn admit(
    settings: &Settings,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<(), Problem> {
    if let Some(token) = &settings.metrics_token {
        let given = headers.get(header::AUTHORIZATION).and_then(|given| given.to_str().ok());
        let given = given.and_then(|given| given.strip_prefix("Bearer "));
        // Of digests, how long it takes to compare tells nothing.
        let same = given.is_some_and(|g| Sha256::digest(g) == Sha256::digest(token.reveal()));
        return if same { Ok(()) } else { Err(Problem::new(Kind::Unauthorized)) };
    }
    let proxied =
        ["x-forwarded-for", "forwarded", "via"].iter().any(|name| headers.contains_key(*name));
    let near = peer.is_some_and(|peer| peer.to_canonical().is_loopback()) && !proxied;
    if near { Ok(()) } else { Err(Problem::new(Kind::Forbidden)) }
}
