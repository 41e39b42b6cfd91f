//! What whoever looks after a node can see from outside.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{Place, Service};

/// The names of metrics in a text, whatever it is.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("griya_") || word.starts_with("process_")).collect()
}

#[tokio::test]
async fn what_was_asked_is_counted_by_route_and_nobody_can_make_up_a_route() {
    let service = Service::start().await;
    for path in ["/v1/places", "/v1/places", "/v1/places", "/v1/places/atlantis", "/made-up/7"] {
        service.get(path).await;
    }
    let page = service.get("/metrics").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    let listings = service.app.index.snapshot().len();
    for line in [
        "griya_requests_total{route=\"/v1/places\",status=\"2xx\"} 3",
        "griya_requests_total{route=\"/v1/places/{id}\",status=\"4xx\"} 1",
        "griya_requests_total{route=\"other\",status=\"4xx\"} 1",
        "griya_request_duration_seconds_count{route=\"/v1/places\"} 3",
        "griya_request_duration_seconds_bucket{route=\"/v1/places\",le=\"+Inf\"} 3",
        "griya_kept_answers_total 1",
        "griya_database_up 1",
        "griya_index_lag_seconds 0",
        "griya_connections_refused_total 0",
        &format!("griya_index_listings {listings}"),
    ] {
        assert!(page.text.lines().any(|written| written == line), "{line}\n{}", page.text);
    }
    assert!(!page.text.contains("made-up") && !page.text.contains("atlantis"));
}

#[tokio::test]
async fn every_line_of_the_page_is_what_prometheus_reads() {
    let service = Service::start().await;
    service.get("/v1/discover").await;
    let page = service.get("/metrics").await.text;
    let mut known = BTreeSet::new();
    for line in page.lines() {
        if let Some(about) = line.strip_prefix("# TYPE ") {
            let (name, kind) = about.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(known.insert(name), "{name} is told twice");
        } else if !line.starts_with("# HELP ") {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap();
            let name = sample.split('{').next().unwrap();
            let parts = ["", "_bucket", "_sum", "_count"];
            let is_known = parts
                .iter()
                .any(|part| name.strip_suffix(part).is_some_and(|name| known.contains(name)));
            assert!(is_known, "{line} comes before what it is");
        }
    }
}

#[tokio::test]
async fn every_metric_of_the_dashboard_and_the_alerts_is_there() {
    let service = Service::start().await;
    service.get("/v1/discover").await;
    let page = service.get("/metrics").await.text;
    let there = names(&page);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read =
        |file: &str| std::fs::read_to_string(folder.join("docs/monitoring").join(file)).unwrap();
    let (dashboard, alerts) = (read("dashboard.json"), read("alerts.yml"));
    let parsed: Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().unwrap().len() > 10);
    for (file, text) in [("dashboard.json", &dashboard), ("alerts.yml", &alerts)] {
        let asked = names(text);
        assert!(asked.len() > 8, "{file}");
        let missing: Vec<_> = asked.difference(&there).collect();
        assert!(missing.is_empty(), "{file} asks for {missing:?}");
    }
}

#[tokio::test]
async fn metrics_are_for_whoever_looks_after_the_node() {
    let service = Service::empty().await;
    assert_eq!(service.get("/metrics").await.status, 200, "who is on this machine");
    let proxied = service.request("/metrics").header("x-forwarded-for", "127.0.0.1");
    assert_eq!(service.send(proxied).await.status, 403, "but not through a proxy");
    let service = Service::over(Place::empty().await, &["--metrics-token=m-secret"]).await;
    for (token, status) in [(None, 401), (Some("other"), 401), (Some("m-secret"), 200)] {
        let asked = service.request("/metrics").header("x-forwarded-for", "10.0.0.1");
        let asked = token.into_iter().fold(asked, |asked, token| asked.bearer_auth(token));
        assert_eq!(service.send(asked).await.status, status, "{token:?}");
    }
}
