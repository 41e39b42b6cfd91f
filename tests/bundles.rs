//! Bundles: what a phone needs while it has no line, in one file that is always the same.

use std::{collections::BTreeMap, io::Read as _};

use domain::{
    audit::digest,
    record::{self, Record},
    writer::{Unit, Write},
};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tests::{Reply, Service, at};

pub type Members = BTreeMap<String, Vec<u8>>;

/// The list, by code.
async fn list(service: &Service) -> BTreeMap<String, Value> {
    let reply = service.get("/v1/bundles").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let items = reply.body["items"].as_array().unwrap().iter();
    items.map(|item| (item["code"].as_str().unwrap().to_owned(), item.clone())).collect()
}

pub async fn made(service: &Service) -> BTreeMap<String, Value> {
    service.app.make_bundles().await.unwrap();
    list(service).await
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

async fn bytes(service: &Service, path: &str) -> Vec<u8> {
    let response = service.request(path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

/// The members of a bundle.
pub async fn members(service: &Service, bundle: &Value) -> Members {
    let bytes = bytes(service, text(bundle, "href")).await;
    assert_eq!(digest(&bytes), text(bundle, "sha256"));
    assert_eq!(bundle["bytes"], bytes.len());
    unpacked(bytes)
}

/// The members of a file, each held against the hash that its manifest has.
pub fn unpacked(bundle: Vec<u8>) -> Members {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bundle)).unwrap();
    let members = (0..zip.len()).map(|at| {
        let mut member = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        (member.name().unwrap().into_owned(), bytes)
    });
    let members: Members = members.collect();
    let manifest = manifest(&members);
    let named = manifest["members"].as_array().unwrap();
    assert_eq!(named.len() + 1, members.len());
    for member in named {
        let bytes = &members[text(member, "name")];
        let own = (&json!(bytes.len()), &*digest(bytes));
        assert_eq!((&member["bytes"], text(member, "sha256")), own);
    }
    members
}

fn lines(members: &Members, name: &str) -> Vec<Value> {
    let text = std::str::from_utf8(&members[name]).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn manifest(members: &Members) -> Value {
    serde_json::from_slice(&members["manifest.json"]).unwrap()
}

/// What the feed tells from the beginning, or after `cursor`.
async fn told(service: &Service, path: &str, cursor: Option<&str>) -> Vec<Value> {
    let (mut all, mut since) = (Vec::new(), cursor.map(str::to_owned));
    loop {
        let cursor = since.as_ref().map(|since| format!("&since={since}")).unwrap_or_default();
        let page = service.get(&format!("{path}&limit=500{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        all.extend(page.body["items"].as_array().unwrap().iter().cloned());
        since = Some(text(&page.body, "cursor").to_owned());
        if page.body["has_more"] == false {
            return all;
        }
    }
}

async fn record_of(service: &Service, slug: &str) -> Record {
    record::named(&service.app.store.reader, slug).await.unwrap().unwrap()
}

async fn write(service: &Service, mut record: Record) {
    record.listing.version += 1;
    let write = Write::Listing { record: Box::new(record), former_slug: None };
    service.app.write(Unit::new(vec![write], "test", at(tests::NOON))).await.unwrap();
}

async fn rename(service: &Service, slug: &str, name: &str) {
    let mut record = record_of(service, slug).await;
    record.listing.name = serde_json::from_value(json!({"id": name})).unwrap();
    write(service, record).await;
}

#[tokio::test]
async fn a_bundle_holds_what_the_feed_tells_and_the_feed_goes_on_where_it_ends() {
    let service = Service::start().await;
    let bundles = list(&service).await;
    assert_eq!(bundles.len(), 18, "17 kapanewon and everything");
    for code in ["all", "34.02.03", "34.02.10"] {
        let bundle = &bundles[code];
        let members = members(&service, bundle).await;
        let manifest = manifest(&members);
        let mut told_of = told(&service, text(bundle, "changes"), None).await;
        told_of.sort_by(|a, b| text(a, "id").cmp(text(b, "id")));
        let told_of: Vec<_> = told_of.into_iter().map(|item| item["listing"].clone()).collect();
        assert!(!told_of.is_empty());
        assert_eq!(lines(&members, "listings.ndjson"), told_of, "{code}");
        assert_eq!(bundle["counts"]["listings"], told_of.len());
        for member in ["code", "format", "cursor", "changes", "counts"] {
            assert_eq!(manifest[member], bundle[member], "{member}");
        }
        let cursor = text(&manifest, "cursor");
        assert!(told(&service, text(bundle, "changes"), Some(cursor)).await.is_empty());
    }
    rename(&service, "pantai-parangtritis", "Pantai Baru").await;
    for (code, count) in [("all", 1), ("34.02.03", 1), ("34.02.10", 0)] {
        let bundle = &bundles[code];
        let told = told(&service, text(bundle, "changes"), Some(text(bundle, "cursor"))).await;
        let moved = told.iter().filter(|one| one["listing"]["name"]["id"] == "Pantai Baru");
        assert_eq!(moved.count(), count, "{code}");
    }
}

#[tokio::test]
async fn a_bundle_has_a_year_of_occurrences_and_samples_that_are_marked() {
    let service = Service::start().await;
    let bundles = list(&service).await;
    let members = members(&service, &bundles["all"]).await;
    let manifest = manifest(&members);
    assert_eq!(manifest["occurrences"], json!({"from": "2026-11-01", "to": "2027-12-01"}));
    let occurrences = lines(&members, "occurrences.ndjson");
    let id = service.get("/v1/events/labuhan-parangkusumo").await.body["id"].clone();
    let of_it: Vec<_> = occurrences.iter().filter(|one| one["event"] == id).collect();
    let path = "/v1/events/labuhan-parangkusumo/occurrences?from=2026-11-01&to=2027-11-30";
    let items = service.get(path).await.body["items"].clone();
    assert_eq!(of_it.len(), 1);
    for (one, item) in of_it.iter().zip(items.as_array().unwrap()) {
        for (member, value) in item.as_object().unwrap() {
            assert_eq!(&one[member], value);
        }
    }
    let samples = lines(&members, "listings.ndjson");
    assert!(samples.iter().any(|listing| listing["sample"] == true), "they are there, and marked");
    let categories = lines(&members, "categories.ndjson");
    assert!(categories.iter().any(|one| one["name"]["en"] == "Beach"));
    assert!(lines(&members, "holidays.ndjson").len() > 20);
}

#[tokio::test]
async fn the_bundle_of_a_kapanewon_has_its_polygon_and_those_of_its_kalurahan() {
    let service = Service::start().await;
    let bundles = list(&service).await;
    let members = members(&service, &bundles["34.02.03"]).await;
    let areas: Value = serde_json::from_slice(&members["areas.geojson"]).unwrap();
    let areas = areas["features"].as_array().unwrap();
    assert_eq!(areas.len(), 6);
    assert!(areas.iter().all(|area| text(area, "id").starts_with("34.02.03")));
    assert!(areas.iter().all(|area| area["geometry"]["type"].is_string()));
    assert_eq!(areas[0]["properties"]["licence"], "MIT");
}

#[tokio::test]
async fn a_download_that_was_cut_off_goes_on_in_the_same_file() {
    let service = Service::start().await;
    let reply = service.get("/v1/bundles/34.02.03").await;
    assert_eq!(reply.status, 307);
    let href = reply.header("location");
    let whole = bytes(&service, href).await;
    let ask = async |lines: &[(&str, &str)]| {
        let mut request = service.request(href);
        for (name, line) in lines {
            request = request.header(*name, *line);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.bytes().await.unwrap().to_vec())
    };
    let (status, headers, _) = ask(&[("accept-encoding", "gzip, br, zstd")]).await;
    assert_eq!((status, &headers["accept-ranges"]), (200, &"bytes".parse().unwrap()));
    assert!(headers.get("content-encoding").is_none(), "it is packed already");
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(&headers["content-type"], "application/zip");
    let as_bytes = [("accept", "application/octet-stream"), ("accept-encoding", "gzip, br, zstd")];
    let (_, as_bytes, same) = ask(&as_bytes).await;
    assert_eq!(as_bytes["content-type"], "application/octet-stream");
    assert!(same == whole);
    assert!(as_bytes.get("content-encoding").is_none());
    let tag = headers["etag"].to_str().unwrap();
    let half = whole.len() / 2;
    let range = format!("bytes={half}-");
    let (status, headers, rest) = ask(&[("range", &range), ("if-range", tag)]).await;
    assert_eq!((status, &rest[..]), (206, &whole[half..]));
    assert_eq!(
        headers["content-range"],
        format!("bytes {half}-{}/{}", whole.len() - 1, whole.len())
    );
    let (status, _, all) = ask(&[("range", &range), ("if-range", "\"other\"")]).await;
    assert_eq!((status, all), (200, whole.clone()));
    let (status, _, part) = ask(&[("range", "bytes=5-9"), ("if-match", tag)]).await;
    assert_eq!((status, &part[..]), (206, &whole[5..10]));
    assert_eq!(ask(&[("range", &range), ("if-match", "\"other\"")]).await.0, 412);
    assert_eq!(ask(&[("range", &range), ("if-none-match", tag)]).await.0, 304);
    let beyond = format!("bytes={}-", whole.len());
    let (status, headers, _) = ask(&[("range", &beyond)]).await;
    assert_eq!(
        (status, &headers["content-range"]),
        (416, &format!("bytes */{}", whole.len()).parse().unwrap())
    );
    let head = service.send(service.method("HEAD", href)).await;
    assert_eq!(head.header("content-length"), whole.len().to_string());
}

#[tokio::test]
async fn two_nodes_make_the_same_bytes_and_so_does_one_that_comes_back() {
    let one = Service::start().await;
    let two = Service::over(one.place.shared(), &[]).await;
    two.clock.set(at("2026-11-29T03:00:00+07:00"));
    let hashes = |bundles: BTreeMap<String, Value>| {
        bundles.into_values().map(|bundle| text(&bundle, "sha256").to_owned()).collect::<Vec<_>>()
    };
    let (first, second) = (made(&one).await, made(&two).await);
    assert_eq!(hashes(first.clone()), hashes(second));
    let again = Service::over(one.stop().await, &[]).await;
    assert_eq!(list(&again).await, first, "it has them still");
}

#[tokio::test]
async fn only_what_changed_is_replaced_and_what_was_replaced_can_be_fetched_for_a_while() {
    let service = Service::start().await;
    let before = made(&service).await;
    rename(&service, "pantai-parangtritis", "Pantai Baru").await;
    let after = made(&service).await;
    let is_other = |code: &str| before[code]["sha256"] != after[code]["sha256"];
    let others: Vec<_> = before.keys().filter(|code| is_other(code)).collect();
    assert_eq!(others, ["34.02.03", "all"]);
    let (old, new) = (text(&before["all"], "href"), text(&after["all"], "href"));
    let status = async |path: &str| service.get(path).await.status.as_u16();
    service.clock.set(at("2026-11-24T12:59:00+07:00"));
    service.app.make_bundles().await.unwrap();
    assert_eq!(status(old).await, 200, "within an hour");
    assert_eq!(status(text(&before["34.02.03"], "href")).await, 200);
    service.clock.set(at("2026-11-25T12:58:00+07:00"));
    service.app.make_bundles().await.unwrap();
    assert_eq!(status(old).await, 200, "within a day after somebody asked for it");
    service.clock.set(at("2026-11-26T12:58:00+07:00"));
    service.app.make_bundles().await.unwrap();
    assert_eq!((status(old).await, status(new).await), (404, 200));
}

#[tokio::test]
async fn a_month_later_the_occurrences_are_those_of_the_year_from_then() {
    let service = Service::start().await;
    let before = made(&service).await;
    service.clock.set(at("2026-12-01T00:00:00+07:00"));
    let after = made(&service).await;
    assert_ne!(before["all"]["sha256"], after["all"]["sha256"]);
    let manifest = manifest(&members(&service, &after["all"]).await);
    assert_eq!(manifest["occurrences"], json!({"from": "2026-12-01", "to": "2028-01-01"}));
}

#[tokio::test]
async fn a_file_that_somebody_deleted_is_made_again() {
    let service = Service::start().await;
    let bundles = list(&service).await;
    let href = text(&bundles["34.02.03"], "href");
    std::fs::remove_dir_all(service.place.folder().join("bundles")).unwrap();
    assert_eq!(service.get(href).await.status, 404);
    let again = made(&service).await;
    for (code, bundle) in &again {
        assert_eq!(bundle["sha256"], bundles[code]["sha256"]);
        assert_eq!(service.get(text(bundle, "href")).await.status, 200, "{code}");
    }
}

#[tokio::test]
async fn where_the_log_is_another_one_no_bundle_leads_into_the_old_one() {
    let service = Service::start().await;
    let before = made(&service).await;
    let rewrite = "UPDATE change SET actor = 'nobody'";
    service.app.store.writer.execute_unprepared(rewrite).await.unwrap();
    rename(&service, "pantai-parangtritis", "Pantai Baru").await;
    let after = made(&service).await;
    for (code, bundle) in &after {
        let path = format!("{}&since=", text(bundle, "changes"));
        let lost = service.get(&format!("{path}{}", text(&before[code], "cursor"))).await;
        assert_eq!(lost.status, 410);
        assert_eq!(service.get(&format!("{path}{}", text(bundle, "cursor"))).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_no_kapanewon_has_no_bundle() {
    let service = Service::start().await;
    for path in [
        "/v1/bundles/34.02",
        "/v1/bundles/34.02.03.2002",
        "/v1/bundles/34.02.99",
        "/v1/bundles/everything",
        "/v1/bundles/%FF",
        "/bundles/list.json",
        "/bundles/..%2Fgriya.db",
        "/bundles/b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c.zip",
        "/bundles/b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
    ] {
        assert_eq!(service.get(path).await.status, 404, "{path}");
    }
    let odd: Reply = service.get("/v1/bundles/all?since=x").await;
    assert_eq!(
        (odd.status.as_u16(), &odd.body["errors"][0]["code"]),
        (400, &json!("unknown_parameter"))
    );
}
