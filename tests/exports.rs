//! Exports: everything public that was asked for, a record a line, and nothing that is invented.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    record::{self, Record},
    text::Texts,
    writer::{Unit, Write},
};
use serde_json::{Value, json};
use tests::{NOON, Service, at};
use uuid::Uuid;

/// A CSV text by RFC 4180: rows of cells.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                cell.push('"');
                signs.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(signs.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            sign => cell.push(sign),
        }
    }
    assert!(row.is_empty() && cell.is_empty(), "the last row ends");
    rows
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All items of a list.
async fn everything(service: &Service, path: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("{path}?limit=100{cursor}")).await;
        all.extend(page.body["items"].as_array().unwrap().iter().cloned());
        match page.body["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn an_export_is_everything_that_is_not_invented_in_the_order_of_ids() {
    let service = Service::start().await;
    for path in ["/v1/discover", "/v1/places", "/v1/producers", "/v1/events"] {
        let all = everything(&service, path).await;
        let (invented, honest): (Vec<_>, Vec<_>) =
            all.iter().partition(|item| item["sample"] == true);
        let mut ids: Vec<&str> = honest.iter().map(|item| item["id"].as_str().unwrap()).collect();
        ids.sort_unstable();

        let text = service.get(&format!("{path}?format=ndjson")).await;
        assert_eq!(text.header("content-type"), "application/x-ndjson");
        let listings = lines(&text.text);
        let told: Vec<&str> = listings.iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(told, ids, "{path}");

        let table = service.get(&format!("{path}?format=csv")).await;
        assert_eq!(table.header("content-type"), "text/csv; charset=utf-8; header=present");
        assert!(table.header("content-disposition").starts_with("attachment; filename=\"griya-"));
        let rows = rows(&table.text);
        assert!(rows.iter().all(|row| row.len() == rows[0].len()));
        let told: Vec<&str> = rows[1..].iter().map(|row| row[0].as_str()).collect();
        assert_eq!(told, ids, "{path}");

        for item in invented {
            for text in [&text.text, &table.text] {
                assert!(!text.contains(item["id"].as_str().unwrap()), "{} leaks", item["slug"]);
                assert!(!text.contains(item["slug"].as_str().unwrap()), "{} leaks", item["slug"]);
            }
        }
        for listing in &listings {
            assert!(listing["licence"].is_string() && listing["source"]["name"].is_string());
            assert_eq!(
                (&listing["sample"], &listing["sample_fields"]),
                (&Value::Null, &Value::Null)
            );
        }
    }
}

#[tokio::test]
async fn a_line_is_the_listing_in_all_languages_without_what_is_invented() {
    let service = Service::start().await;
    let moment = ["open", "next_open", "next_occurrence", "sample_fields", "see_also", "notices"];
    for listing in lines(&service.get("/v1/discover?format=ndjson").await.text) {
        let (kind, id) = (listing["kind"].as_str().unwrap(), listing["id"].as_str().unwrap());
        let whole = service.get(&format!("/v1/{kind}s/{id}?texts=all")).await.body;
        let hidden: BTreeSet<&str> = whole["sample_fields"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for name in &hidden {
            let value = &listing[*name];
            assert!(
                value.is_null() || value == &json!([]) || value == &json!({}),
                "{id} says {name}"
            );
        }
        for (name, value) in whole.as_object().unwrap() {
            let by_venue = ["location", "area", "accuracy_m"].contains(&name.as_str());
            let left_out = moment.contains(&name.as_str())
                || hidden.contains(name.as_str())
                || name == "product_count"
                || by_venue && listing[name].is_null();
            if !left_out {
                let told = &listing[name];
                let linked = ["venue", "centre", "organiser"].contains(&name.as_str());
                assert!(told == value || linked && told.is_null(), "{id} {name}: {told} {value}");
            }
        }
    }
}

#[tokio::test]
async fn an_export_heeds_filters_and_order_and_says_what_it_has_no_place_for() {
    let service = Service::start().await;
    let near = "lat=-8.02&lon=110.32&radius_m=3000";
    let page = service.get(&format!("/v1/places?{near}&limit=100")).await;
    let table = service.get(&format!("/v1/places?{near}&format=csv")).await;
    let told: Vec<String> = rows(&table.text)[1..].iter().map(|row| row[2].clone()).collect();
    assert_eq!(told, page.each("slug"), "nearest first");
    let reply = service.get("/v1/places?format=csv&limit=5&highlight=true&q=a").await;
    let faults = reply.body["errors"].as_array().unwrap();
    let named: Vec<&str> =
        faults.iter().map(|fault| fault["parameter"].as_str().unwrap()).collect();
    assert_eq!((reply.status.as_u16(), &named[..]), (400, &["limit", "highlight"][..]));
    for encoding in ["gzip", "zstd"] {
        let asked = service.request("/v1/places?format=ndjson").header("accept-encoding", encoding);
        let packed = service.send(asked).await;
        assert_eq!(packed.header("content-encoding"), encoding);
        let tag = packed.header("etag").to_owned();
        let again = service.request("/v1/places?format=ndjson").header("accept-encoding", encoding);
        let again = service.send(again.header("if-none-match", &tag)).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    }
}

async fn save(service: &Service, records: Vec<Record>) {
    let write = |record| Write::Listing { record: Box::new(record), former_slug: None };
    let unit = Unit::new(records.into_iter().map(write).collect(), "test", at(NOON));
    service.app.write(unit).await.unwrap();
}

#[tokio::test]
async fn no_cell_is_a_formula_and_a_change_changes_the_tag() {
    let service = Service::start().await;
    let path = "/v1/places?format=csv";
    let before = service.get(path).await.header("etag").to_owned();
    let mut place =
        record::named(&service.app.store.reader, "goa-selarong").await.unwrap().unwrap();
    place.listing.version += 1;
    place.listing.name =
        serde_json::from_value::<Texts>(json!({"id": "=HYPERLINK(\"x\",\"y\")", "en": "@cave"}))
            .unwrap();
    let id = place.listing.id.to_string();
    save(&service, vec![place]).await;
    let table = service.get(path).await;
    assert_ne!(table.header("etag"), before);
    let rows = rows(&table.text);
    let cells: BTreeMap<&str, &str> = {
        let row = rows.iter().find(|row| row[0] == id).unwrap();
        rows[0].iter().map(String::as_str).zip(row.iter().map(String::as_str)).collect()
    };
    assert_eq!(cells["name_id"], "'=HYPERLINK(\"x\",\"y\")");
    assert_eq!(cells["name_en"], "'@cave");
    assert!(cells["lat"].starts_with("-7."), "a number stays one: {}", cells["lat"]);
    assert_eq!(cells["licence"], "CC-BY-4.0");
    assert!(!cells["source_name"].is_empty());
}

#[tokio::test]
async fn a_list_of_more_than_is_found_at_once_comes_whole() {
    let service = Service::start().await;
    let place = record::named(&service.app.store.reader, "goa-selarong").await.unwrap().unwrap();
    let copies = (0..1_205_u32).map(|number| {
        let mut copy = place.clone();
        copy.listing.id = Uuid::from_u128(0x01b0_0000 << 96 | u128::from(number));
        copy.listing.slug = format!("goa-{number}").parse().unwrap();
        if let domain::record::Detail::Place(place) = &mut copy.detail {
            place.id = copy.listing.id;
        }
        copy.former_slugs.clear();
        copy
    });
    save(&service, copies.collect()).await;
    for (sort, count) in [("", 1_205), ("&sort=name", 1_205), ("&sort=fair", 1_205)] {
        let text =
            service.get(&format!("/v1/places?format=ndjson&category=nature.cave{sort}")).await;
        let slugs = lines(&text.text);
        let slugs: BTreeSet<&str> = slugs.iter().map(|one| one["slug"].as_str().unwrap()).collect();
        let copies = slugs.iter().filter(|slug| slug[4..].parse::<u32>().is_ok()).count();
        assert_eq!(copies, count, "{sort}");
    }
}
