//! Walking by cursor: no item twice and none skipped that stood still, while listings come and go.

use std::collections::BTreeSet;

use domain::{
    listing::Status,
    record::{self, Record},
    writer::{Unit, Write},
};
use proptest::prelude::*;
use serde_json::Value;
use tests::{Place, Service, at};

/// What somebody does to a listing between two pages.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Hide,
    Touch,
    Move,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![Just(Deed::Hide), Just(Deed::Touch), Just(Deed::Move)]
}

fn walk() -> impl Strategy<Value = (&'static str, usize, Vec<(usize, Deed)>)> {
    let query = prop_oneof![
        Just("sort=name"),
        Just("sort=updated"),
        Just("sort=fair&seed=x"),
        Just("lat=-7.9&lon=110.36&sort=distance"),
        Just("lat=-7.9&lon=110.36&radius_m=9000"),
        Just("q=batik+tulis+pantai+wisata"),
        Just("from=2026-01-01&to=2027-12-31"),
        Just("category=nature&category=craft&open_at=now"),
    ];
    (query, 1_usize..30, prop::collection::vec((0_usize..150, deed()), 0..40))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_meets_once_whatever_stands_still((query, limit, deeds) in walk()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let service = Service::start().await;
            let before = all(&service, query).await;
            let records = record::load_public(&service.app.store.reader).await.unwrap();
            let mut records: Vec<Record> =
                records.into_iter().filter(|record| record.listing.is_public()).collect();
            let (mut deeds, mut touched) = (deeds.into_iter(), BTreeSet::new());
            let mut seen = Vec::new();
            let mut cursor = String::new();
            loop {
                let path = format!("/v1/discover?{query}&limit={limit}{cursor}");
                let page = service.get(&path).await;
                prop_assert_eq!(page.status, 200, "{}", page.text);
                seen.extend(page.each("id").into_iter().map(str::to_owned));
                let Some(next) = page.body["cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
                for (which, deed) in deeds.by_ref().take(4) {
                    let at = which % records.len();
                    let id = records[at].listing.id;
                    touched.insert(id.to_string());
                    // An event shows its venue's point and is found by its name: it moves along.
                    let guests = records.iter().filter(|record| record.event().is_some_and(|event| event.venue == Some(id)));
                    touched.extend(guests.map(|guest| guest.listing.id.to_string()));
                    act(&service, &mut records[at], deed).await;
                }
            }
            let once: BTreeSet<&String> = seen.iter().collect();
            let twice = seen.len() - once.len();
            // Who was moved may be met at both places; who stood still may not.
            let still: Vec<&String> = seen.iter().filter(|id| !touched.contains(*id)).collect();
            prop_assert_eq!(still.iter().collect::<BTreeSet<_>>().len(), still.len(), "met twice ({})", twice);
            for id in before.iter().filter(|id| !touched.contains(*id)) {
                prop_assert!(once.contains(id), "{} stood still and was not met", id);
            }
            Ok(())
        })?;
    }
}

async fn act(service: &Service, record: &mut Record, deed: Deed) {
    record.listing.version += 1;
    record.listing.updated_at =
        service.app.clock.now() + chrono::TimeDelta::seconds(record.listing.version);
    match deed {
        Deed::Hide => {
            let hidden = record.listing.status == Status::Suspended;
            record.listing.status = if hidden { Status::Published } else { Status::Suspended };
        }
        Deed::Touch => {}
        Deed::Move => {
            record.listing.latitude = record.listing.latitude.map(|lat| lat + 0.01);
        }
    }
    let write = Write::Listing { record: Box::new(record.clone()), former_slug: None };
    let unit = Unit::new(vec![write], "test", at(tests::NOON));
    service.app.write(unit).await.unwrap();
}

async fn all(service: &Service, query: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = service.get(&format!("/v1/discover?{query}&limit=100{cursor}")).await;
        all.extend(page.each("id").into_iter().map(str::to_owned));
        let Some(next) = page.body["cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn pages_of_any_size_are_one_walk_in_one_order() {
    let service = Service::start().await;
    for query in
        ["sort=name&lang=en", "sort=updated", "lat=-7.9&lon=110.36&sort=distance", "q=desa+wisata"]
    {
        let whole = all(&service, query).await;
        let mut walked = Vec::new();
        let mut path = format!("/v1/discover?{query}&limit=7");
        loop {
            let page = service.get(&path).await;
            walked.extend(page.each("id").into_iter().map(str::to_owned));
            let link = page.header("link").to_owned();
            if page.body["cursor"].is_null() {
                assert_eq!(link, "");
                break;
            }
            path =
                link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        }
        assert_eq!(walked, whole, "{query}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_on_another_node_after_a_restart_and_after_an_import() {
    let first = Service::over(Place::with_fixtures().await, &[]).await;
    let page = first.get("/v1/places?sort=name&limit=5").await;
    let cursor = page.body["cursor"].as_str().unwrap().to_owned();
    let path = format!("/v1/places?sort=name&limit=5&cursor={cursor}");
    let here = first.get(&path).await;
    let other = Service::start().await;
    assert_eq!(other.get(&path).await.body, here.body, "another node, its database poured anew");
    tests::pour(&first.app.store, api::seed::From::Fixtures).await;
    let again = Service::over(first.place, &[]).await;
    assert_eq!(again.get(&path).await.body, here.body, "the same database, started again");
}

#[tokio::test]
async fn a_page_asked_for_twice_is_one_answer_however_time_passes() {
    let service = Service::start().await;
    for query in ["limit=2", "limit=2&sort=name", "limit=2&lat=-7.9&lon=110.3", "limit=2&q=batik"] {
        service.clock.set(at(tests::NOON));
        let first = service.get(&format!("/v1/places?{query}")).await;
        service.clock.set(at("2026-11-24T12:00:07.5+07:00"));
        let second = service.get(&format!("/v1/places?{query}")).await;
        assert_eq!(first.header("etag"), second.header("etag"), "{query}");
    }
}

#[tokio::test]
async fn a_cursor_that_somebody_made_up_is_refused() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let service = Service::start().await;
    let query = "q=pantai&open_at=now&limit=1";
    let page = service.get(&format!("/v1/discover?{query}")).await;
    let cursor = page.body["cursor"].as_str().unwrap_or_else(|| panic!("{}", page.text));
    let real: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
    let forged = [
        ("t", serde_json::json!("+262142-12-31T00:00:00Z")),
        ("t", serde_json::json!("2990-01-01T00:00:00Z")),
        ("t", serde_json::json!("2020-01-01T00:00:00Z")),
        ("t", Value::Null),
        ("r", serde_json::json!([])),
        ("r", serde_json::json!([0, 0])),
        ("r", serde_json::json!([u64::MAX])),
        ("k", serde_json::json!({"Text": "a"})),
        ("k", serde_json::json!("Last")),
        ("x", serde_json::json!(1)),
    ];
    for (member, value) in forged {
        let mut made_up = real.clone();
        made_up[member] = value;
        let made_up = URL_SAFE_NO_PAD.encode(made_up.to_string());
        let reply = service.get(&format!("/v1/discover?{query}&cursor={made_up}")).await;
        assert_eq!(reply.status, 400, "{member}: {}", reply.text);
        assert_eq!(reply.body["errors"][0]["parameter"], "cursor");
    }
}

#[tokio::test]
async fn a_cursor_of_another_query_is_refused_and_another_page_size_is_not() {
    let service = Service::start().await;
    let page = service.get("/v1/places?sort=name&limit=5").await;
    let cursor = page.body["cursor"].as_str().unwrap();
    for other in ["sort=updated", "sort=name&lang=en", "sort=name&category=nature"] {
        let reply = service.get(&format!("/v1/places?{other}&cursor={cursor}")).await;
        assert_eq!(reply.status, 400, "{other}");
        assert_eq!(reply.body["errors"][0]["code"], "of_another_query", "{other}");
    }
    let producers = service.get(&format!("/v1/producers?sort=name&cursor={cursor}")).await;
    assert_eq!(producers.status, 400);
    let larger = service.get(&format!("/v1/places?sort=name&limit=50&cursor={cursor}")).await;
    assert_eq!(larger.status, 200);
    assert_ne!(larger.body["items"], Value::Null);
}

#[tokio::test]
async fn a_walk_that_begins_before_midnight_goes_on_after_it() {
    let service = Service::start().await;
    service.clock.set(at("2026-11-24T23:59:59+07:00"));
    for query in ["", "sort=name"] {
        let first = service.get(&format!("/v1/places?{query}&limit=50")).await;
        let cursor = first.body["cursor"].as_str().unwrap().to_owned();
        service.clock.set(at("2026-11-25T00:00:01+07:00"));
        let second = service.get(&format!("/v1/places?{query}&limit=50&cursor={cursor}")).await;
        assert_eq!(second.status, 200, "{}", second.text);
        assert_eq!(second.body["seed"], first.body["seed"]);
        let (first, second) = (first.each("id"), second.each("id"));
        assert!(first.iter().all(|id| !second.contains(id)), "{query}");
        assert_eq!(first.len() + second.len(), 96, "{query}");
    }
}
