//! Following what is published: everything once, then every change, deletions included.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    account::Role,
    category, change,
    record::{self, Record},
    text::Texts,
    writer::{Unit, Write},
};
use futures_util::StreamExt as _;
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use tests::{Reply, Service, Who, at};

/// All pages after `cursor`, or from the beginning: what came, and the last cursor.
async fn follow(service: &Service, query: &str, cursor: Option<&str>) -> (Vec<Value>, String) {
    let (mut all, mut cursor) = (Vec::new(), cursor.map(str::to_owned));
    loop {
        let since = cursor.as_ref().map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        let page = service.get(&format!("/v1/changes?{query}{since}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let items = page.body["items"].as_array().unwrap();
        let mut ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), items.len(), "no listing twice on a page");
        all.extend(items.iter().cloned());
        let next = page.body["cursor"].as_str().unwrap().to_owned();
        if page.body["has_more"] == false {
            return (all, next);
        }
        cursor = Some(next);
    }
}

fn slug(item: &Value) -> &str {
    item["listing"]["slug"].as_str().unwrap_or_default()
}

async fn admin(service: &Service) -> Who {
    service.person(Role::Admin, &[]).await
}

/// A step of an administrator with a listing.
async fn step(service: &Service, who: &Who, key: &str, step: &str, body: Value) -> Reply {
    let reply = service.say(who, "POST", &format!("/v1/listings/{key}/{step}"), &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply
}

async fn load(service: &Service, slug: &str) -> Record {
    record::named(&service.app.store.reader, slug).await.unwrap().unwrap()
}

#[tokio::test]
async fn it_begins_with_everything_and_goes_on_with_what_happens() {
    let service = Service::start().await;
    let admin = admin(&service).await;
    let (all, cursor) = follow(&service, "limit=50", None).await;
    assert_eq!(all.len(), 96 + 46 + 40);
    let beach = all.iter().find(|item| slug(item) == "pantai-parangtritis").unwrap();
    let detail = service.get("/v1/places/pantai-parangtritis").await.body;
    let mut still = detail.as_object().unwrap().clone();
    for moving in ["open", "next_open", "next_occurrence"] {
        still.remove(moving);
    }
    assert_eq!(beach["listing"], Value::Object(still));
    let maker = all.iter().find(|item| slug(item) == "sentra-batik-tulis-giriloyo").unwrap();
    let products = service.get("/v1/producers/sentra-batik-tulis-giriloyo/products").await.body;
    assert_eq!(maker["listing"]["products"], products["items"]);
    let (nothing, cursor) = follow(&service, "", Some(&cursor)).await;
    assert_eq!(nothing, Vec::<Value>::new());

    // A draft is nobody's business.
    let draft = json!({"name": {"id": "Pantai Rahasia"}, "category": "nature.beach",
                       "location": {"lat": -8.0, "lon": 110.3}});
    let draft = service.say(&admin, "POST", "/v1/places", &draft).await;
    let key = draft.body["id"].as_str().unwrap().to_owned();
    step(&service, &admin, "goa-selarong", "suspend", json!({"reason": "Longsor"})).await;
    step(&service, &admin, "goa-cerme", "archive", json!({"reason": "Tutup"})).await;
    let (changed, cursor) = follow(&service, "", Some(&cursor)).await;
    let gone: Vec<&Value> = changed.iter().filter(|item| item["deleted"] == true).collect();
    assert_eq!(gone.len(), 2);
    assert!(gone.iter().all(|item| item["kind"] == "place" && item.get("listing").is_none()));
    assert_eq!(gone[0]["at"], "2026-11-24T12:00:00+07:00");
    assert!(changed.iter().all(|item| item["id"] != *key));

    step(&service, &admin, "goa-selarong", "restore", json!({})).await;
    step(&service, &admin, &key, "publish", json!({})).await;
    let (changed, _) = follow(&service, "", Some(&cursor)).await;
    let places = changed.iter().filter(|item| item["kind"] == "place");
    assert_eq!(places.map(slug).collect::<Vec<_>>(), ["goa-selarong", "pantai-rahasia"]);
}

#[tokio::test]
async fn a_merged_listing_says_which_one_stayed() {
    let service = Service::start().await;
    let admin = admin(&service).await;
    let (_, cursor) = follow(&service, "", None).await;
    let stays = load(&service, "goa-selarong").await.listing.id;
    step(&service, &admin, "goa-cerme", "merge", json!({"into": stays})).await;
    let (changed, _) = follow(&service, "kind=place", None).await;
    assert!(changed.iter().all(|item| slug(item) != "goa-cerme"));
    let (changed, _) = follow(&service, "", Some(&cursor)).await;
    let gone = changed.iter().find(|item| item["deleted"] == true).unwrap();
    assert_eq!(gone["merged_into"], stays.to_string());
}

#[tokio::test]
async fn what_leaves_the_part_that_is_followed_is_deleted_there() {
    let service = Service::start().await;
    let admin = admin(&service).await;
    let query = "area=34.02.03&category=nature.beach&kind=place";
    let (all, cursor) = follow(&service, query, None).await;
    let found = service.get("/v1/places?area=34.02.03&category=nature.beach&limit=100").await;
    assert_eq!(json!(all.len()), found.body["total"]);
    let path = "/v1/places/pantai-parangtritis";
    assert_eq!(
        service
            .change(&admin, path, &json!({"category": "nature.dunes", "categories": []}))
            .await
            .status,
        200
    );
    let (changed, cursor) = follow(&service, query, Some(&cursor)).await;
    let gone: Vec<&Value> = changed.iter().filter(|item| item["deleted"] == true).collect();
    assert_eq!(gone.len(), 1, "{changed:?}");
    // Of another kind for ever: not a word.
    let maker = "/v1/producers/sentra-batik-tulis-giriloyo";
    assert_eq!(service.change(&admin, maker, &json!({"tags": ["baru"]})).await.status, 200);
    assert_eq!(
        service.change(&admin, path, &json!({"category": "nature.beach"})).await.status,
        200
    );
    let (changed, _) = follow(&service, query, Some(&cursor)).await;
    assert!(changed.iter().all(|item| item["kind"] == "place" && item.get("deleted").is_none()));
    assert!(changed.iter().any(|item| slug(item) == "pantai-parangtritis"));
}

#[tokio::test]
async fn who_shows_something_of_another_listing_comes_with_it() {
    let service = Service::start().await;
    let admin = admin(&service).await;
    let (all, cursor) = follow(&service, "", None).await;
    let of = |venue: &str| {
        let there = |item: &&Value| item["listing"]["venue"]["slug"] == venue;
        all.iter().filter(there).map(|item| slug(item).to_owned()).collect::<Vec<_>>()
    };
    let mut expected = of("pantai-parangtritis");
    assert!(!expected.is_empty());
    expected.push("pantai-parangtritis".to_owned());
    let path = "/v1/places/pantai-parangtritis";
    let renamed = json!({"name": {"id": "Pantai Parangtritis Raya"}});
    assert_eq!(service.change(&admin, path, &renamed).await.status, 200);
    for limit in ["limit=100", "limit=1", "limit=2"] {
        let (changed, _) = follow(&service, limit, Some(&cursor)).await;
        let slugs: Vec<&str> = changed.iter().map(slug).collect();
        assert!(expected.iter().all(|one| slugs.contains(&one.as_str())), "{limit}: {slugs:?}");
        let event = changed.iter().find(|item| item["kind"] == "event").unwrap();
        assert_eq!(event["listing"]["venue"]["name"], "Pantai Parangtritis Raya", "{limit}");
    }
}

#[tokio::test]
async fn when_a_category_is_renamed_everything_comes_anew_and_deletions_are_not_lost() {
    let service = Service::start().await;
    let admin = admin(&service).await;
    let (_, cursor) = follow(&service, "", None).await;
    step(&service, &admin, "goa-cerme", "archive", json!({"reason": "Tutup"})).await;
    let beach = category::entity::Entity::find_by_id(
        "nature.beach".parse::<domain::key::CategoryCode>().unwrap(),
    );
    let mut beach = beach.one(&service.app.store.reader).await.unwrap().unwrap();
    beach.name = serde_json::from_value::<Texts>(json!({"id": "Pesisir"})).unwrap();
    let unit = Unit::new(vec![Write::from(beach)], "test", at(tests::NOON));
    service.app.write(unit).await.unwrap();
    step(&service, &admin, "goa-selarong", "suspend", json!({"reason": "Longsor"})).await;
    for query in ["limit=60", "limit=7"] {
        let own = follow(&service, query, None).await.0.len();
        let (changed, _) = follow(&service, query, Some(&cursor)).await;
        let gone = changed.iter().filter(|item| item["deleted"] == true).count();
        let ids: std::collections::BTreeSet<_> =
            changed.iter().map(|item| item["id"].to_string()).collect();
        assert_eq!((ids.len() - gone, gone), (own, 2), "{query}");
        let beach = changed.iter().find(|item| slug(item) == "pantai-parangtritis").unwrap();
        assert_eq!(beach["listing"]["category"]["name"], "Pesisir");
    }
}

#[tokio::test]
async fn members_and_languages_are_as_asked_for() {
    let service = Service::start().await;
    let page =
        service.get("/v1/changes?kind=place&limit=1&fields=name,location.lat,area&lang=en").await;
    let listing = page.body["items"][0]["listing"].as_object().unwrap();
    let names: Vec<&str> = listing.keys().map(String::as_str).collect();
    assert_eq!(names, ["id", "name", "location", "area"]);
    let page = service.get("/v1/changes?kind=producer&texts=all&fields=name,products.name").await;
    assert!(page.body["items"][0]["listing"]["name"]["id"].is_string(), "{}", page.text);
    for (query, parameter) in [
        ("kind=ship", "kind"),
        ("area=99", "area"),
        ("category=x", "category"),
        ("limit=501", "limit"),
        ("limit=0", "limit"),
        ("fields=nope", "fields"),
        ("since=x", "since"),
        ("sort=name", "sort"),
        ("since=", "since"),
    ] {
        let reply = service.get(&format!("/v1/changes?{query}")).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["errors"][0]["parameter"]),
            (400, &json!(parameter)),
            "{query}"
        );
    }
    let cursor = page.body["cursor"].as_str().unwrap();
    let other = service.get(&format!("/v1/changes?kind=place&since={cursor}")).await;
    assert_eq!(other.body["errors"][0]["code"], "of_another_query");
}

#[tokio::test]
async fn who_stayed_away_too_long_is_told_to_start_anew_and_who_missed_nothing_is_not() {
    let service =
        Service::over(tests::Place::with_fixtures().await, &["--changes-days", "30"]).await;
    let admin = admin(&service).await;
    let (_, first) = follow(&service, "", None).await;
    step(&service, &admin, "goa-cerme", "suspend", json!({"reason": "Tutup"})).await;
    let (_, second) = follow(&service, "", Some(&first)).await;
    service.clock.set(at("2027-02-01T12:00:00+07:00"));
    step(&service, &admin, "goa-selarong", "suspend", json!({"reason": "Tutup"})).await;
    service.app.forget().await.unwrap();
    let lost = service.get(&format!("/v1/changes?since={first}")).await;
    assert_eq!(
        (lost.status.as_u16(), &lost.body["type"]),
        (410, &json!("/problems/cursor-expired"))
    );
    assert_eq!(service.get("/problems/cursor-expired").await.status, 200);
    assert_eq!(follow(&service, "", Some(&second)).await.0.len(), 1);
    // A log that was set back and went on otherwise is another log.
    let db = &service.app.store.writer;
    let newest = change::newest(db).await.unwrap().unwrap();
    let (_, third) = follow(&service, "", Some(&second)).await;
    let other = change::Model { version: newest.version + 1, ..newest };
    let other = sea_orm::IntoActiveModel::into_active_model(other);
    let other = sea_orm::ActiveModelTrait::reset_all(other);
    change::entity::Entity::update(other).exec(db).await.unwrap();
    assert_eq!(service.get(&format!("/v1/changes?since={third}")).await.status, 410);
}

/// The next events of a stream, by name, until `last` comes: id and data.
async fn listen(response: &mut Events, last: &str) -> Vec<(String, String, Value)> {
    let mut events = Vec::new();
    loop {
        while let Some(end) = response.text.find("\n\n") {
            let event: String = response.text.drain(..end + 2).collect();
            let fields: BTreeMap<&str, &str> =
                event.lines().filter_map(|line| line.split_once(": ")).collect();
            let Some(name) = fields.get("event") else { continue };
            let data = serde_json::from_str(fields["data"]).unwrap();
            let id = fields.get("id").copied().unwrap_or_default();
            events.push(((*name).to_owned(), id.to_owned(), data));
            if *name == last {
                return events;
            }
        }
        let chunk = tokio::time::timeout(Duration::from_mins(1), response.bytes.next()).await;
        let chunk = chunk.expect("an event").expect("more").unwrap();
        response.text += std::str::from_utf8(&chunk).unwrap();
    }
}

struct Events {
    text: String,
    bytes: futures_util::stream::BoxStream<'static, reqwest::Result<axum::body::Bytes>>,
}

async fn open(request: reqwest::RequestBuilder) -> Events {
    let response = request.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    Events { text: String::new(), bytes: response.bytes_stream().boxed() }
}

#[tokio::test]
async fn a_stream_tells_what_happens_and_goes_on_where_it_broke_off() {
    let service = Service::start().await;
    let admin = admin(&service).await;
    let mut stream = open(service.request("/v1/changes/stream?kind=place&fields=slug")).await;
    let all = listen(&mut stream, "caught_up").await;
    assert_eq!(all.len(), 96 + 1);
    step(&service, &admin, "goa-cerme", "suspend", json!({"reason": "Tutup"})).await;
    let told = listen(&mut stream, "caught_up").await;
    assert_eq!((told.len(), &told[0].2["deleted"]), (2, &json!(true)));
    let id = told[1].1.clone();
    drop(stream);
    step(&service, &admin, "goa-cerme", "restore", json!({})).await;
    let again = service.request("/v1/changes/stream?kind=place").header("last-event-id", &id);
    let mut again = open(again).await;
    let told = listen(&mut again, "caught_up").await;
    assert_eq!((told.len(), &told[0].2["listing"]["slug"]), (2, &json!("goa-cerme")));
    let refused = service.request("/v1/changes/stream").header("last-event-id", &id);
    assert_eq!(service.send(refused).await.status, 400);
    // Who does not ask for events by name is not kept waiting for them.
    let once = service.get("/v1/changes/stream?kind=place&fields=slug").await;
    assert!(once.text.trim_end().ends_with('}') && once.text.contains("event: caught_up"));
    // A node that stops lets go of whoever listens.
    service.app.let_go();
    assert!(again.bytes.next().await.is_none());
}
