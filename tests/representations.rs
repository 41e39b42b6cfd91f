//! Representations, languages and caching.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tests::{Reply, Service, at};

async fn with(service: &Service, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = service.request(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.send(request).await
}

#[tokio::test]
async fn lang_wins_over_accept_language_and_fallback_says_what_it_gave() {
    let service = Service::start().await;
    let path = "/v1/places/pantai-parangtritis";
    let names = [
        (with(&service, path, &[]).await, "Pantai Parangtritis", "id"),
        (
            with(&service, path, &[("accept-language", "en-GB,en;q=0.9")]).await,
            "Parangtritis Beach",
            "en",
        ),
        (
            with(&service, &format!("{path}?lang=jv"), &[("accept-language", "en")]).await,
            "Segara Parangtritis",
            "jv",
        ),
        (with(&service, path, &[("accept-language", "fr,de")]).await, "Pantai Parangtritis", "id"),
    ];
    for (reply, name, lang) in names {
        assert_eq!(reply.body["name"], name);
        assert_eq!(reply.body["lang"], lang);
        assert_eq!(reply.header("content-language"), lang);
        assert_eq!(reply.header("vary"), "Accept, Accept-Language, Accept-Encoding");
    }
    let listed = service.get("/v1/discover?lang=jv&limit=100").await;
    let items = listed.body["items"].as_array().unwrap();
    assert!(
        items.iter().any(|item| item["lang"] == "id"),
        "what is not in Javanese comes in Indonesian"
    );
    assert_eq!(listed.header("content-language"), "jv");
}

#[tokio::test]
async fn with_texts_all_every_text_is_a_map_by_language() {
    let service = Service::start().await;
    let reply = service.get("/v1/places/pantai-parangtritis?texts=all").await;
    assert_eq!(reply.body["name"]["en"], "Parangtritis Beach");
    assert_eq!(reply.body["name"]["jv"], "Segara Parangtritis");
    assert!(reply.body["notices"][0]["text"]["id"].is_string());
    assert!(reply.body["see_also"][0]["name"].is_object());
    assert_eq!(reply.body["lang"], Value::Null);
    // What has one name is named in the language that was asked for.
    let reply = service.get("/v1/places/pantai-parangtritis?texts=all&lang=en").await;
    assert_eq!(
        (&reply.body["name"]["jv"], &reply.body["category"]["name"]),
        (&json!("Segara Parangtritis"), &json!("Beach"))
    );
}

#[tokio::test]
async fn a_map_gets_geojson_with_longitude_first() {
    let service = Service::start().await;
    let accept = [("accept", "application/geo+json")];
    let one = with(&service, "/v1/places/pantai-parangtritis", &accept).await;
    assert_eq!(one.header("content-type"), "application/geo+json");
    assert_eq!(one.body["type"], "Feature");
    assert_eq!(one.body["geometry"], json!({"type": "Point", "coordinates": [110.3296, -8.0247]}));
    assert_eq!(one.body["properties"]["location"], Value::Null);
    let list = with(&service, "/v1/places?limit=5&facets=kind&fields=name", &accept).await;
    assert_eq!(list.body["type"], "FeatureCollection");
    assert_eq!(list.body["total"], service.get("/v1/places").await.body["total"]);
    assert!(list.body["cursor"].is_string());
    assert_eq!(list.body["facets"]["kind"][0]["value"], "place");
    for feature in list.body["features"].as_array().unwrap() {
        assert_eq!(feature["properties"].as_object().unwrap().len(), 2, "id and name");
        assert_eq!(feature["geometry"]["type"], "Point");
    }
    let linked = service.get("/v1/places?limit=5&facets=kind&fields=name&format=geojson").await;
    assert_eq!(linked.body, list.body);
}

#[tokio::test]
async fn an_event_without_a_point_shows_its_venue_s() {
    let service = Service::start().await;
    let event = service.get("/v1/events/labuhan-parangkusumo").await;
    let venue = service.get("/v1/places/pantai-parangkusumo").await;
    assert_eq!(event.body["location"], venue.body["location"]);
    assert_eq!(event.body["area"], venue.body["area"]);
    assert_eq!(event.body["venue"]["slug"], "pantai-parangkusumo");
}

#[tokio::test]
async fn only_contacts_made_public_are_shown() {
    let service = Service::start().await;
    let makers = service.get("/v1/producers?form=maker&form=group&limit=100").await;
    let mut shown = 0;
    for slug in makers.each("slug") {
        let maker = service.get(&format!("/v1/producers/{slug}")).await;
        for contact in maker.body["contacts"].as_array().unwrap() {
            assert_eq!(contact["public"], Value::Null);
            if contact["type"] == "whatsapp" {
                let digits = contact["value"].as_str().unwrap().trim_start_matches('+');
                assert_eq!(contact["link"], format!("https://wa.me/{digits}"));
            }
            shown += 1;
        }
        let document = service.app.index.snapshot();
        let id = maker.body["id"].as_str().unwrap().parse().unwrap();
        let hidden = document
            .get(id)
            .unwrap()
            .record()
            .listing
            .contacts
            .iter()
            .filter(|c| !c.public)
            .map(|c| c.value.clone())
            .collect::<Vec<_>>();
        for value in hidden {
            assert!(!maker.text.contains(&value), "{slug} shows {value}");
        }
    }
    assert!(shown > 5);
}

#[tokio::test]
async fn who_has_it_already_gets_304_and_no_body() {
    let service = Service::start().await;
    for path in [
        "/v1/places?limit=3",
        "/v1/places/pantai-depok",
        "/v1/categories",
        "/v1/areas/34.02?format=geojson",
        "/openapi.json",
    ] {
        let first = service.get(path).await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "strong: {tag}");
        let list = format!("\"other\", W/{tag}");
        for known in [tag.as_str(), "*", list.as_str()] {
            let again = with(&service, path, &[("if-none-match", known)]).await;
            assert_eq!(again.status, 304, "{path}");
            assert_eq!(again.text, "");
            assert_eq!(again.header("etag"), tag);
            assert!(!again.header("cache-control").is_empty());
        }
        assert_eq!(with(&service, path, &[("if-none-match", "\"other\"")]).await.status, 200);
    }
}

#[tokio::test]
async fn a_tag_is_of_one_representation_and_begins_with_the_version() {
    let service = Service::start().await;
    let path = "/v1/places/pantai-parangtritis";
    let tag = |headers: &HeaderMap| headers["etag"].to_str().unwrap().to_owned();
    let mut tags = vec![
        tag(&service.get(path).await.headers),
        tag(&service.get(&format!("{path}?lang=en")).await.headers),
        tag(&service.get(&format!("{path}?format=geojson")).await.headers),
    ];
    for encoding in ["gzip", "br", "zstd"] {
        let reply = with(&service, path, &[("accept-encoding", encoding)]).await;
        assert_eq!(reply.header("content-encoding"), encoding);
        let packed = tag(&reply.headers);
        let again =
            with(&service, path, &[("accept-encoding", encoding), ("if-none-match", &packed)])
                .await;
        assert_eq!(again.status, 304, "{encoding}");
        tags.push(packed);
    }
    for tag in &tags {
        assert!(tag.starts_with("\"1-"), "{tag}");
    }
    let all = tags.len();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), all, "two representations share a tag: {tags:?}");
}

#[tokio::test]
async fn what_depends_on_the_clock_is_fresh_no_longer_than_it_is_true() {
    let service = Service::start().await;
    let usual = service.get("/v1/categories").await;
    assert_eq!(usual.header("cache-control"), "public, max-age=60, stale-while-revalidate=600");
    // Many places close at five; half a minute before, nothing may be kept for longer than that.
    service.clock.set(at("2026-11-24T16:59:30+07:00"));
    let near = service.get("/v1/places?open_at=now&limit=1").await;
    assert_eq!(near.header("cache-control"), "public, max-age=30, stale-while-revalidate=0");
    service.clock.set(at("2026-11-24T17:00:00+07:00"));
    let then = service.get("/v1/places?open_at=now").await;
    assert!(then.body["total"].as_u64() < near.body["total"].as_u64());
}

#[tokio::test]
async fn every_answer_is_for_every_page_and_says_how_it_is_to_be_taken() {
    let service = Service::start().await;
    for path in ["/", "/docs/", "/v1/places", "/health/live", "/nowhere", "/openapi.json"] {
        let reply = with(&service, path, &[("origin", "https://map.example")]).await;
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            reply.header("content-security-policy").contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!reply.header("x-request-id").is_empty(), "{path}");
    }
    let preflight = service
        .method("OPTIONS", "/v1/places")
        .header("origin", "https://map.example")
        .header("access-control-request-method", "GET");
    let reply = service.send(preflight).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("access-control-allow-methods").contains("GET"));
}

#[tokio::test]
async fn a_request_id_from_a_proxy_is_kept_and_a_strange_one_is_not() {
    let service = Service::start().await;
    let kept = with(&service, "/v1/agencies", &[("x-request-id", "proxy-12345678")]).await;
    assert_eq!(kept.header("x-request-id"), "proxy-12345678");
    for strange in ["short", "spaces in it are bad", &"x".repeat(65)] {
        let reply = with(&service, "/v1/agencies", &[("x-request-id", strange)]).await;
        assert_ne!(reply.header("x-request-id"), strange);
    }
}

#[tokio::test]
async fn the_pages_say_what_this_is_and_load_nothing_from_elsewhere() {
    let service = Service::start().await;
    for (path, words) in [
        ("/?lang=id", "temukan Bantul"),
        ("/?lang=en", "find Bantul"),
        ("/docs/", "swagger-ui"),
        ("/docs/docs.css", "swagger-ui"),
        ("/docs/docs.js", "SwaggerUI"),
    ] {
        let reply = service.get(path).await;
        assert_eq!(reply.status, 200);
        assert!(reply.text.contains(words), "{path}");
        for outside in ["src=\"http", "href=\"http", "url(http", "@import"] {
            assert!(!reply.text.contains(outside), "{path} loads {outside}");
        }
        assert!(!reply.text.contains("{{"), "{path} has an unfilled place");
    }
    let landing = service.get("/?lang=en").await;
    let queries = landing.text.split("href=\"/v1/").skip(1);
    for query in queries.map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&")) {
        let reply = service.get(&format!("/v1/{query}")).await;
        assert_eq!(reply.status, 200, "the landing page leads to /v1/{query}");
        assert!(!reply.body["items"].as_array().unwrap().is_empty(), "{query}");
    }
}

#[tokio::test]
async fn the_passing_of_time_alone_changes_no_tag() {
    let service = Service::start().await;
    let path = "/v1/places/gumuk-pasir-parangkusumo";
    let first = service.get(path).await;
    assert_eq!(first.body["open"]["state"], "open");
    service.clock.set(at("2026-11-24T12:00:01+07:00"));
    assert_eq!(service.get(path).await.header("etag"), first.header("etag"));
}

#[tokio::test]
async fn an_answer_given_before_is_not_given_to_who_asks_in_another_way() {
    let service = Service::start().await;
    let path = "/v1/places/pantai-parangtritis";
    let ways: [&[(&str, &str)]; 8] = [
        &[],
        &[("accept", "*/*")],
        &[("accept", "application/geo+json")],
        &[("accept", "*/*"), ("accept", "application/geo+json")],
        &[("accept", "text/calendar")],
        &[("accept-language", "en")],
        &[("accept-encoding", "gzip, br;q=0.5")],
        &[("accept-encoding", "br"), ("accept-language", "jv")],
    ];
    let mut first = Vec::new();
    for way in ways {
        first.push(with(&service, path, way).await);
    }
    assert_eq!(first[2].header("content-type"), "application/geo+json");
    assert_eq!(first[3].header("content-type"), "application/json");
    assert_eq!(first[4].status, 406);
    assert_eq!(first[5].header("content-language"), "en");
    assert_eq!(first[6].header("content-encoding"), "gzip");
    assert_eq!(first[7].header("content-encoding"), "br");
    for (way, before) in ways.iter().zip(&first) {
        let again = with(&service, path, way).await;
        assert_ne!(again.header("x-request-id"), before.header("x-request-id"));
        for name in ["content-type", "content-language", "content-encoding", "etag", "vary"] {
            assert_eq!(again.header(name), before.header(name), "{way:?}");
        }
        if again.status == 200 {
            assert_eq!(again.text, before.text, "{way:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_given_before_is_given_again_as_long_as_it_is_true() {
    let service = Service::start().await;
    let path = "/v1/places?open_at=now&limit=1";
    let noon = service.get(path).await;
    for (time, cache) in [
        ("16:40:00", "public, max-age=60, stale-while-revalidate=600"),
        ("16:55:00", "public, max-age=60, stale-while-revalidate=240"),
        ("16:59:45", "public, max-age=15, stale-while-revalidate=0"),
    ] {
        service.clock.set(at(&format!("2026-11-24T{time}+07:00")));
        service.get(path).await;
        assert_eq!(service.get(path).await.header("cache-control"), cache, "{time}");
    }
    service.clock.set(at("2026-11-24T17:00:00+07:00"));
    let evening = service.get(path).await;
    assert_ne!(evening.body["total"], noon.body["total"]);
    service.clock.set(at("2026-11-24T12:00:00+07:00"));
    assert_eq!(service.get(path).await.body, noon.body, "a clock set back is a clock");
}

#[tokio::test]
async fn who_asks_again_for_the_headers_alone_gets_no_body() {
    let service = Service::start().await;
    let path = "/v1/agencies";
    let before = service.send(service.method("HEAD", path)).await;
    let whole = service.get(path).await;
    let after = service.send(service.method("HEAD", path)).await;
    for head in [before, after] {
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
        assert_eq!(head.header("etag"), whole.header("etag"));
        assert_eq!(head.header("content-length"), whole.text.len().to_string());
    }
}

#[tokio::test]
async fn a_bad_credential_is_refused_for_what_was_answered_before_too() {
    let service = Service::start().await;
    for status in [200, 401, 200] {
        let mut request = service.request("/v1/agencies");
        if status == 401 {
            request = request.header("x-api-key", "k");
        }
        assert_eq!(service.send(request).await.status.as_u16(), status);
    }
}
