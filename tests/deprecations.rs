//! What will go says so: in the document and in the headers of what it answers.

use api::deprecations::Deprecation;
use chrono::NaiveDate;
use tests::{Place, Service};

fn table() -> Vec<Deprecation> {
    let day = |year| NaiveDate::from_ymd_opt(year, 12, 1).unwrap();
    vec![
        Deprecation {
            operation: "list_areas_at",
            parameter: None,
            since: day(2026),
            sunset: Some(day(2027)),
            instead: "/v1/areas",
        },
        Deprecation {
            operation: "get_place",
            parameter: Some("texts"),
            since: day(2025),
            sunset: None,
            instead: "/v1/places/{id}",
        },
    ]
}

#[tokio::test]
async fn what_will_go_says_so_in_its_headers_and_nothing_else_does() {
    let dressed = |app| api::service_with(app, &table());
    let service = Service::dressed(Place::with_fixtures().await, &[], dressed).await;
    let path = "/v1/areas/at?lat=-8.0247&lon=110.3296";
    // A kept answer says it as the first one did.
    for _ in 0..3 {
        let reply = service.get(path).await;
        assert_eq!(reply.header("deprecation"), "@1796083200");
        assert_eq!(reply.header("sunset"), "Wed, 01 Dec 2027 00:00:00 GMT");
        let links: Vec<_> =
            reply.headers.get_all("link").iter().map(|l| l.to_str().unwrap()).collect();
        assert!(links.contains(&"</v1/changelog>; rel=\"deprecation\""), "{links:?}");
        assert!(links.contains(&"</v1/areas>; rel=\"successor-version\""), "{links:?}");
    }
    assert_eq!(service.get("/v1/areas/at?lat=x").await.header("deprecation"), "@1796083200");
    let head = service.send(service.method("HEAD", path)).await;
    assert_eq!(head.header("deprecation"), "@1796083200");
    let whole = service.get("/v1/places/pantai-parangtritis?texts=all").await;
    assert_eq!((whole.header("deprecation"), whole.header("sunset")), ("@1764547200", ""));
    for path in ["/v1/places/pantai-parangtritis", "/v1/areas", "/v1/areas/34.02", "/v1/nowhere"] {
        assert_eq!(service.get(path).await.header("deprecation"), "", "{path}");
    }
}

#[test]
fn what_will_go_is_marked_in_the_document() {
    let document = api::openapi::document_with(&table());
    let at = &document["paths"]["/v1/areas/at"]["get"];
    assert_eq!(at["deprecated"], true);
    let about = at["description"].as_str().unwrap();
    assert!(
        about.ends_with("Deprecated since 2026-12-01, gone from 2027-12-01 on; instead: /v1/areas")
    );
    let place = &document["paths"]["/v1/places/{id}"]["get"];
    assert!(place["deprecated"].is_null());
    for parameter in place["parameters"].as_array().unwrap() {
        assert_eq!(parameter["deprecated"] == true, parameter["name"] == "texts", "{parameter}");
    }
    let text = api::document().to_string();
    assert!(!text.contains("\"deprecated\":true"), "nothing is deprecated yet");
}

#[tokio::test]
async fn the_history_of_the_contract_is_told_in_the_language_asked_for() {
    let service = Service::empty().await;
    let (id, en) = (service.get("/v1/changelog").await, service.get("/v1/changelog?lang=en").await);
    assert_eq!((id.status.as_u16(), &id.body["cursor"]), (200, &serde_json::Value::Null));
    assert_eq!(id.each("date"), en.each("date"));
    assert_ne!(id.each("text"), en.each("text"));
    assert!(id.each("lang").iter().all(|lang| *lang == "id"));
    assert!(
        service.get("/v1/changelog?lang=jv").await.each("lang").iter().all(|lang| *lang == "id")
    );
    assert_eq!(service.get("/v1/changelog?since=1").await.status, 400);
}
