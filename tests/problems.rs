//! Everything that is not as it should be is a problem, whoever says so; each kind is provoked once.

use std::time::Duration;

use api::{App, Edge, edge, problem::Kind};
use axum::{Router, routing::get};
use domain::account::Role;
use serde_json::json;
use tests::{Place, Reply, Service};

fn is(reply: &Reply, status: u16, kind: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.body["type"], format!("/problems/{kind}"));
    assert_eq!(reply.body["status"], status);
    assert_eq!(reply.body["request_id"], reply.header("x-request-id"));
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert!(reply.header("cache-control").ends_with("no-store"), "{:?}", reply.headers);
}

#[tokio::test]
async fn a_path_that_names_nothing_is_not_found() {
    let service = Service::start().await;
    for path in [
        "/nowhere",
        "/v1/places/atlantis",
        "/v1/areas/99",
        "/v1/places/",
        "/v1/places/%FF",
        "/v1/producers/pantai-parangtritis",
        "/v1/events/x/occurrences",
        "/problems/none",
    ] {
        is(&service.get(path).await, 404, "not-found");
    }
}

#[tokio::test]
async fn another_method_is_told_which_ones_work() {
    let service = Service::start().await;
    let reply = service.send(service.method("PUT", "/v1/places")).await;
    is(&reply, 405, "method-not-allowed");
    assert_eq!(reply.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn a_representation_that_there_is_not_is_not_acceptable() {
    let service = Service::start().await;
    for (path, accept) in [
        ("/v1/events", "text/html"),
        ("/v1/places", "text/calendar"),
        ("/v1/discover", "text/calendar"),
        ("/v1/places/pantai-depok", "text/csv"),
        ("/v1/events/labuhan-parangkusumo", "application/x-ndjson"),
    ] {
        let reply = service.send(service.request(path).header("accept", accept)).await;
        is(&reply, 406, "not-acceptable");
    }
    is(&service.get("/v1/places?format=ics").await, 406, "not-acceptable");
    // Of what is invented there is nothing that has no place to say so.
    for path in ["contoh-lari-gumuk-pasir-2027", "bakda-mangiran"] {
        let calendar = format!("/v1/events/{path}?format=ics");
        is(&service.get(&calendar).await, 406, "not-acceptable");
    }
    let linked = "/v1/events/contoh-lari-gumuk-pasir-2027?format=jsonld";
    is(&service.get(linked).await, 406, "not-acceptable");
    let helper = service.request("/v1/categories").header("accept", "application/geo+json");
    is(&service.send(helper).await, 406, "not-acceptable");
}

#[tokio::test]
async fn a_part_that_a_file_does_not_have_is_not_satisfiable() {
    let service = Service::start().await;
    let href = service.get("/v1/bundles/all").await.header("location").to_owned();
    let beyond = service.request(&href).header("range", "bytes=99999999-");
    is(&service.send(beyond).await, 416, "range-not-satisfiable");
}

#[tokio::test]
async fn a_credential_that_nobody_gave_out_is_refused() {
    let service = Service::start().await;
    for (name, value) in [("x-api-key", "k"), ("authorization", "Bearer t")] {
        let reply = service.send(service.request("/v1/places").header(name, value)).await;
        is(&reply, 401, "unauthorized");
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_and_an_address_beyond_the_limit_are_refused() {
    let service = Service::start().await;
    let large = service.method("POST", "/v1/places").body("x".repeat(270_000));
    is(&service.send(large).await, 413, "too-large");
    is(&service.get(&format!("/v1/places?q={}", "x".repeat(50_000))).await, 414, "uri-too-long");
}

/// A body that is packed would have to be unpacked: so no bomb of that kind goes off.
#[tokio::test]
async fn a_packed_body_is_not_unpacked() {
    let service = Service::start().await;
    let packed = service.request("/v1/categories").header("accept-encoding", "gzip");
    let packed = packed.send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.unwrap();
    let who = service.person(Role::Producer, &[]).await;
    for coding in ["gzip", "br", "zstd"] {
        let request = service.method("POST", "/v1/places").bearer_auth(&who.token);
        let request = request.header("content-type", "application/json");
        let request = request.header("content-encoding", coding).body(packed.clone());
        is(&service.send(request).await, 400, "invalid-body");
    }
}

#[tokio::test]
async fn a_position_of_one_number_is_a_fault_and_no_failure() {
    let service = Service::start().await;
    let who = service.person(Role::Producer, &[]).await;
    let shapes = [
        json!({"type": "Point", "coordinates": [110]}),
        json!({"type": "Polygon", "coordinates": [[[110, -8], [111, -8], [111], [110, -8]]]}),
    ];
    for geometry in shapes {
        let place =
            json!({"name": {"id": "Pantai"}, "category": "nature.beach", "geometry": geometry});
        let reply = service.say(&who, "POST", "/v1/places", &place).await;
        is(&reply, 422, "invalid");
        assert_eq!(reply.body["errors"][0]["pointer"], "/geometry");
    }
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let service = Service::over(Place::with_fixtures().await, &["--rate=on"]).await;
    let first = service.get("/v1/agencies").await;
    assert_eq!(first.header("ratelimit-policy"), "\"address\";q=2000;w=40");
    assert!(first.header("ratelimit").starts_with("\"address\";r=19"));
    for _ in 0..60 {
        let asked = (0..100).map(|_| service.get("/health/live"));
        let replies = futures_util::future::join_all(asked).await;
        if let Some(reply) = replies.iter().find(|reply| reply.status == 429) {
            is(reply, 429, "too-many-requests");
            assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1);
            return;
        }
    }
    panic!("6,000 requests at once were all answered");
}

#[tokio::test]
async fn behind_a_proxy_each_of_its_clients_has_a_limit_of_its_own() {
    let flags = ["--rate=on", "--behind-proxy"];
    let service = Service::over(Place::with_fixtures().await, &flags).await;
    let left = async |from: &str| {
        let reply =
            service.send(service.request("/v1/agencies").header("x-forwarded-for", from)).await;
        reply.header("ratelimit").to_owned()
    };
    let fresh = left("10.0.0.1").await;
    // Many at once: on a busy machine a single one is forgiven before the next comes.
    let falls = async |from: &str| {
        let all = futures_util::future::join_all((0..200).map(|_| left(from))).await;
        all.iter().any(|told| *told != fresh)
    };
    assert!(falls("10.0.0.1").await);
    assert_eq!(left("1.1.1.1, 10.0.0.2").await, fresh, "only the proxy's own word counts");
    assert!(falls("2.2.2.2, 10.0.0.2").await);
}

fn with_traps(app: App) -> Edge {
    let trapped = Router::new()
        .route("/panic", get(async || -> &'static str { panic!("a secret") }))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_mins(10)).await));
    edge::dress(trapped, app)
}

#[tokio::test]
async fn a_panic_is_our_failure_and_says_nothing_inside() {
    let service = Service::dressed(Place::empty().await, &[], with_traps).await;
    let reply = service.get("/panic").await;
    is(&reply, 500, "internal");
    assert!(!reply.text.contains("secret"), "{}", reply.text);
    is(&service.get("/nowhere").await, 404, "not-found");
}

#[tokio::test]
async fn with_no_room_left_one_is_told_to_come_back() {
    let service = Service::dressed(Place::empty().await, &["--concurrency=1"], with_traps).await;
    let slow = tokio::spawn(service.request("/slow").send());
    loop {
        let reply = service.get("/nowhere").await;
        if reply.status == 503 {
            is(&reply, 503, "unavailable");
            assert_eq!(reply.header("retry-after"), "1");
            break;
        }
        tokio::task::yield_now().await;
    }
    slow.abort();
}

#[tokio::test]
async fn every_kind_of_problem_has_a_page_in_both_languages() {
    let service = Service::start().await;
    for kind in Kind::ALL {
        let path = format!("/problems/{}", kind.name());
        for (lang, title) in [("id", kind.title().id), ("en", kind.title().en)] {
            let reply = service.get(&format!("{path}?lang={lang}")).await;
            assert_eq!(reply.status, 200);
            assert!(reply.text.contains(&title), "{path} {lang}");
        }
    }
}

#[tokio::test]
async fn nothing_about_our_inside_is_ever_said() {
    let service = Service::start().await;
    for path in
        ["/v1/places?q=%27;DROP%20TABLE%20listing", "/v1/places/%27", "/v1/places?cursor=e30"]
    {
        let text = service.get(path).await.text.to_lowercase();
        for secret in ["sqlite", "postgres", "select ", "src/", "panicked", "backtrace"] {
            assert!(!text.contains(secret), "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn health_is_for_whoever_keeps_it_running() {
    let service = Service::start().await;
    assert_eq!(service.get("/health/live").await.body, json!({"status": "ok"}));
    assert_eq!(service.get("/health/ready").await.body["status"], "ok");
    service.app.store.reader.clone().close().await.unwrap();
    is(&service.get("/health/ready").await, 503, "unavailable");
    assert_eq!(service.get("/health/live").await.status, 200);
    assert_eq!(service.get("/v1/places").await.status, 200, "reads do not need the database");
}
