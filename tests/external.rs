//! A partner's own records: brought as often as one likes, never twice, never another's, and many at
//! once with a line of answer for each.

use std::time::Duration;

use domain::account::Role;
use futures_util::{StreamExt as _, future::join_all, stream};
use reqwest::{Body, RequestBuilder};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tests::{Reply, Service, Who};

/// A key of `who` for `system`.
async fn key(service: &Service, who: &Who, system: &str) -> String {
    let body = json!({"name": system, "scopes": ["listings"], "system": system});
    said(&service.say(who, "POST", "/v1/keys", &body).await)
}

/// A key for `owner` that publishes, as an administrator gives it.
async fn publishing(service: &Service, owner: &Who, system: &str) -> String {
    let admin = service.person(Role::Admin, &[]).await;
    let body = json!({"name": system, "scopes": ["listings", "publish"], "system": system,
                      "account": owner.id});
    said(&service.say(&admin, "POST", "/v1/keys", &body).await)
}

fn said(made: &Reply) -> String {
    assert_eq!(made.status, 201, "{}", made.text);
    made.body["key"].as_str().unwrap().to_owned()
}

fn place(name: &str) -> Value {
    json!({"kind": "place", "name": {"id": name}, "category": "nature.beach",
           "location": {"lat": -8.01, "lon": 110.27}})
}

fn maker(name: &str) -> Value {
    json!({"kind": "producer", "name": {"id": name}, "category": "craft.batik", "form": "maker",
           "craft": "batik", "visit": "none"})
}

fn asking(service: &Service, key: &str, method: &str, path: &str) -> RequestBuilder {
    service.method(method, &format!("/v1/external/{path}")).header("x-api-key", key)
}

fn putting(service: &Service, key: &str, path: &str, body: &Value) -> RequestBuilder {
    let request = asking(service, key, "PUT", path).header("content-type", "application/json");
    request.body(body.to_string())
}

async fn put(service: &Service, key: &str, path: &str, body: &Value) -> Reply {
    service.send(putting(service, key, path, body)).await
}

async fn ask(service: &Service, key: &str, method: &str, path: &str) -> Reply {
    service.send(asking(service, key, method, path)).await
}

async fn bulk(service: &Service, key: &str, path: &str, body: impl Into<Body>) -> Vec<Value> {
    let request = asking(service, key, "POST", path).header("content-type", "application/x-ndjson");
    let reply = service.send(request.body(body)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn count(service: &Service, sql: &str) -> i64 {
    let db = &service.app.store.reader;
    let statement = Statement::from_string(db.get_database_backend(), sql);
    db.query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap()
}

const LISTINGS: &str = "SELECT count(*) AS n FROM listing";

#[tokio::test]
async fn the_same_again_is_the_same_listing_and_no_new_version() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = key(&service, &partner, "portal").await;
    let before = count(&service, LISTINGS).await;
    let first = put(&service, &key, "portal/A-17", &place("Pantai Baru")).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(first.header("location"), "/v1/external/portal/A%2D17");
    assert_eq!(first.body["external_ids"], json!({"portal": "A-17"}));
    assert_eq!((&first.body["status"], &first.body["version"]), (&json!("in_review"), &json!(1)));
    assert_eq!(first.body["source"], json!({"name": "portal"}));
    for _ in 0..3 {
        let again = put(&service, &key, "portal/A-17", &place("Pantai Baru")).await;
        assert_eq!((again.status.as_u16(), &again.body["version"]), (200, &json!(1)));
        assert_eq!(again.body["id"], first.body["id"]);
    }
    let mut other = place("Pantai Baru Sekali");
    other["summary"] = json!({"id": "Pasir putih"});
    let changed = put(&service, &key, "portal/A-17", &other).await;
    assert_eq!((changed.status.as_u16(), &changed.body["version"]), (200, &json!(2)));
    // It is the whole of what is said: what is not said any more is not there any more.
    let shorter = put(&service, &key, "portal/A-17", &place("Pantai Baru Sekali")).await;
    assert!(shorter.body.get("summary").is_none(), "{}", shorter.text);
    let read =
        ask(&service, &key, "GET", first.header("location").trim_start_matches("/v1/external/"))
            .await;
    assert_eq!((&read.body["id"], &read.body["version"]), (&first.body["id"], &json!(3)));
    assert_eq!(count(&service, LISTINGS).await, before + 1);
}

#[tokio::test]
async fn many_who_bring_the_same_at_once_make_one_listing() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = key(&service, &partner, "portal").await;
    let before = count(&service, LISTINGS).await;
    let all = join_all((0..24).map(|n| {
        let body = place(&format!("Pantai {}", n % 3));
        let (service, key) = (&service, &key);
        async move { put(service, key, &format!("portal/{}", n % 2), &body).await }
    }))
    .await;
    let created = all.iter().filter(|reply| reply.status == 201).count();
    assert!(all.iter().all(|reply| reply.status.is_success()), "{all:?}");
    assert_eq!((created, count(&service, LISTINGS).await), (2, before + 2));
    assert_eq!(count(&service, "SELECT count(*) AS n FROM external_record").await, 2);
}

#[tokio::test]
async fn what_was_deleted_comes_back_as_the_same_listing() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = publishing(&service, &partner, "portal").await;
    let made = put(&service, &key, "portal/1", &place("Pantai Baru")).await;
    assert_eq!(made.body["status"], "published", "{}", made.text);
    let id = made.body["id"].as_str().unwrap();
    assert_eq!(service.get(&format!("/v1/places/{id}")).await.status, 200);
    for _ in 0..2 {
        let gone = ask(&service, &key, "DELETE", "portal/1").await;
        assert_eq!((gone.status.as_u16(), &gone.body["status"]), (200, &json!("archived")));
        assert_eq!(gone.body["version"], 2);
        assert_eq!(service.get(&format!("/v1/places/{id}")).await.status, 410);
        assert_eq!(service.get("/v1/external/portal/1").await.status, 410);
    }
    let back = put(&service, &key, "portal/1", &place("Pantai Baru")).await;
    assert_eq!((back.status.as_u16(), &back.body["status"]), (200, &json!("published")));
    assert_eq!((back.body["id"].as_str().unwrap(), &back.body["version"]), (id, &json!(3)));
    let led = service.get("/v1/external/portal/1").await;
    assert_eq!((led.status.as_u16(), led.header("location")), (303, "/v1/places/pantai-baru-2"));
    assert_eq!(ask(&service, &key, "DELETE", "portal/2").await.status, 404);
    // What waits for an officer can be taken back, too.
    let other = service.come_in("lain@contoh.example").await;
    let plain = self::key(&service, &other, "lain").await;
    assert_eq!(put(&service, &plain, "lain/1", &place("Teluk")).await.body["status"], "in_review");
    assert_eq!(ask(&service, &plain, "DELETE", "lain/1").await.body["status"], "archived");
    let again = put(&service, &plain, "lain/1", &place("Teluk")).await;
    assert_eq!((again.status.as_u16(), &again.body["status"]), (200, &json!("in_review")));
}

#[tokio::test]
async fn a_record_goes_as_far_as_who_brings_it_may() {
    let service = Service::start().await;
    let officer = service.person(Role::Editor, &["dinas-kukmp"]).await;
    let partner = service.come_in("mitra@contoh.example").await;
    let (plain, office) =
        (key(&service, &partner, "portal").await, key(&service, &officer, "kukmp_data").await);
    let incomplete = put(&service, &plain, "portal/1", &maker("Batik Satu")).await;
    assert_eq!(incomplete.body["status"], "draft");
    assert_eq!(incomplete.body["missing"], json!(["contacts", "media"]));
    let mut whole = maker("Batik Satu");
    whole["contacts"] = json!([{"type": "email", "value": "toko@contoh.example", "public": true}]);
    whole["media"] = json!([{"src": "https://contoh.example/a.jpg", "width": 1, "height": 1,
        "alt": {"id": "Kain"}, "credit": "Toko", "licence": "CC0-1.0"}]);
    let complete = put(&service, &plain, "portal/1", &whole).await;
    assert_eq!(
        (&complete.body["status"], &complete.body["version"]),
        (&json!("in_review"), &json!(2))
    );
    let queue = service.read(&officer, "/v1/moderation/queue").await;
    assert_eq!(queue.body["items"].as_array().unwrap().len(), 1, "{}", queue.text);
    let id = complete.body["id"].as_str().unwrap();
    let sent_back = format!("/v1/listings/{id}/refuse");
    let why = json!({"reason": "Foto kabur"});
    assert_eq!(service.say(&officer, "POST", &sent_back, &why).await.status, 200);
    // What was sent back is not handed in again by a copy that is sent every night.
    assert_eq!(put(&service, &plain, "portal/1", &whole).await.body["status"], "draft");
    whole["summary"] = json!({"id": "Batik tulis"});
    assert_eq!(put(&service, &plain, "portal/1", &whole).await.body["status"], "in_review");
    // An office publishes what it answers for, and nothing else.
    let dated = json!([{"type": "email", "value": "toko@contoh.example", "public": true,
                        "consent_at": "2026-11-01T00:00:00Z"}]);
    whole["contacts"] = dated;
    let published = put(&service, &office, "kukmp_data/9", &whole).await;
    assert_eq!(published.body["status"], "published", "{}", published.text);
    let elsewhere = put(&service, &office, "kukmp_data/10", &place("Pantai Baru")).await;
    assert_eq!(elsewhere.body["status"], "in_review");
}

#[tokio::test]
async fn a_change_to_what_is_public_waits_once_and_is_not_asked_for_again() {
    let service = Service::start().await;
    let admin = service.person(Role::Admin, &[]).await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = key(&service, &partner, "portal").await;
    let made = put(&service, &key, "portal/1", &place("Pantai Baru")).await;
    let listing = format!("/v1/listings/{}", made.body["id"].as_str().unwrap());
    assert_eq!(
        service.say(&admin, "POST", &format!("{listing}/publish"), &json!({})).await.status,
        200
    );
    let waiting = async || {
        let queue = service.read(&admin, "/v1/moderation/queue").await;
        queue.body["items"].as_array().unwrap().len()
    };
    let minute =
        |minute: u32| service.clock.set(tests::at(&format!("2026-11-24T13:{minute:02}:00+07:00")));
    minute(0);
    let mut other = place("Pantai Lain");
    let proposed = put(&service, &key, "portal/1", &other).await;
    assert_eq!(proposed.status, 200, "{}", proposed.text);
    assert_eq!(proposed.body["revision"]["status"], "pending");
    assert_eq!(proposed.body["name"]["id"], "Pantai Baru", "what is stored is what is said");
    let again = put(&service, &key, "portal/1", &other).await;
    assert_eq!(again.body["revision"]["id"], proposed.body["revision"]["id"]);
    assert_eq!(waiting().await, 1);
    other["tags"] = json!(["pasir"]);
    minute(1);
    let newer = put(&service, &key, "portal/1", &other).await;
    assert_eq!(newer.body["revision"]["status"], "pending");
    assert_ne!(newer.body["revision"]["id"], proposed.body["revision"]["id"]);
    assert_eq!(waiting().await, 1, "the older one is taken back");
    let refuse =
        format!("{listing}/revisions/{}/refuse", newer.body["revision"]["id"].as_str().unwrap());
    let refused = service.say(&admin, "POST", &refuse, &json!({"reason": "Bukan namanya"})).await;
    assert_eq!(refused.status, 200, "{}", refused.text);
    let told = put(&service, &key, "portal/1", &other).await;
    assert_eq!((&told.body["revision"]["status"], waiting().await), (&json!("refused"), 0));
    other["tags"] = json!(["pasir", "hitam"]);
    minute(2);
    assert_eq!(put(&service, &key, "portal/1", &other).await.body["revision"]["status"], "pending");
    let back = put(&service, &key, "portal/1", &place("Pantai Baru")).await;
    assert!(back.body.get("revision").is_none());
    assert_eq!((waiting().await, &back.body["version"]), (0, &json!(2)));
}

#[tokio::test]
async fn what_an_office_says_or_does_is_not_undone_by_a_copy_that_is_sent_every_night() {
    let service = Service::start().await;
    let admin = service.person(Role::Admin, &[]).await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = publishing(&service, &partner, "portal").await;
    let mut said = place("Pantai Baru");
    said["notices"] = json!([{"kind": "info", "text": {"id": "Parkir penuh"}, "source": "portal"}]);
    let made = put(&service, &key, "portal/1", &said).await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    let danger = json!({"kind": "danger", "text": {"id": "Arus balik"}, "source": "SAR"});
    let vouched = json!({"verified_at": "2026-11-01T00:00:00Z", "awards": [{"name": "API", "year": 2026}],
                         "notices": [danger], "external_ids": {"portal": "1", "osm": "node/1"}});
    let changed = service.change(&admin, &format!("/v1/places/{id}"), &vouched).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let again = put(&service, &key, "portal/1", &said).await;
    assert_eq!(again.status, 200, "{}", again.text);
    let kinds: Vec<_> =
        again.body["notices"].as_array().unwrap().iter().map(|n| &n["kind"]).collect();
    assert_eq!(kinds, ["danger", "info"]);
    assert_eq!(again.body["awards"][0]["name"], "API");
    assert_eq!(again.body["external_ids"], json!({"osm": "node/1", "portal": "1"}));
    assert!(again.body["verified_at"].is_string());
    let same = put(&service, &key, "portal/1", &said).await;
    assert_eq!(same.body["version"], again.body["version"]);
    said["awards"] = json!([]);
    let refused = put(&service, &key, "portal/1", &said).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["errors"][0]["pointer"]),
        (422, &json!("/awards"))
    );
    said.as_object_mut().unwrap().remove("awards");
    let step = async |name: &str, body: Value| {
        service
            .say(&admin, "POST", &format!("/v1/listings/{id}/{name}"), &body)
            .await
            .status
            .as_u16()
    };
    // Out of sight it stays out of sight; ended by an officer it stays ended.
    assert_eq!(step("suspend", json!({"reason": "Longsor"})).await, 200);
    said["tags"] = json!(["pasir"]);
    assert_eq!(put(&service, &key, "portal/1", &said).await.body["status"], "suspended");
    assert_eq!(step("archive", json!({"reason": "Hilang"})).await, 200);
    assert_eq!(put(&service, &key, "portal/1", &said).await.status, 409);
    assert_eq!(ask(&service, &key, "DELETE", "portal/1").await.status, 200);
    assert_eq!(put(&service, &key, "portal/1", &said).await.status, 409, "DELETE changed nothing");
    assert_eq!(step("restore", json!({})).await, 200);
    let merge = step("merge", json!({"into": "pantai-parangtritis"})).await;
    let merged = put(&service, &key, "portal/1", &said).await;
    assert_eq!((merge, merged.status.as_u16()), (200, 410));
    assert!(merged.body["merged_into"].is_string());
    assert_eq!(service.get("/v1/external/portal/1").await.status, 410);
}

/// Whoever asks, for which system, with what; what a read and a write of another's record, of their own
/// and of a new one answer.
#[tokio::test]
async fn nobody_writes_below_the_name_of_another() {
    let service = Service::start().await;
    let (first, second) =
        (service.come_in("satu@contoh.example").await, service.come_in("dua@contoh.example").await);
    let one = key(&service, &first, "satu").await;
    let again = key(&service, &first, "satu_lain").await;
    let two = key(&service, &second, "dua").await;
    let public = publishing(&service, &first, "satu").await;
    let web = json!({"name": "x", "scopes": ["read", "webhooks"]});
    let web = self::said(&service.say(&first, "POST", "/v1/keys", &web).await);
    let read = self::said(&service.say(&first, "POST", "/v1/keys", &json!({"name": "x"})).await);
    assert_eq!(put(&service, &one, "satu/hidden", &place("Pantai Satu")).await.status, 201);
    assert_eq!(put(&service, &public, "satu/public", &place("Pantai Umum")).await.status, 201);
    let admin = service.person(Role::Admin, &[]).await;
    let by_key = |key: &str| ("x-api-key", key.to_owned());
    let by_token = |who: &Who| ("authorization", format!("Bearer {}", who.token));
    // Who; PUT, DELETE and bulk below `satu`; GET of what is hidden there, of what is public.
    for (name, (header, value), write, hidden, shown) in [
        ("its key", by_key(&one), 200, 200, 200),
        ("its key that publishes", by_key(&public), 200, 200, 200),
        ("its holder", by_token(&first), 200, 200, 200),
        ("another key of its holder", by_key(&again), 403, 404, 303),
        ("a key of its holder for webhooks", by_key(&web), 403, 404, 303),
        ("a key of its holder to read", by_key(&read), 403, 404, 303),
        ("another partner's key", by_key(&two), 403, 404, 303),
        ("another partner", by_token(&second), 403, 404, 303),
        ("an administrator", by_token(&admin), 403, 200, 200),
        ("nobody", ("accept", "*/*".to_owned()), 401, 404, 303),
        ("a bad key", by_key("gsk_x"), 401, 401, 401),
    ] {
        let asked = async |method: &str, path: &str, body: String, media: &str| {
            let request = service.method(method, &format!("/v1/external/{path}"));
            let request = request.header(header, &value).header("content-type", media);
            service.send(request.body(body)).await.status.as_u16()
        };
        let (json, lines) = ("application/json", "application/x-ndjson");
        let body = place("Pantai Satu").to_string();
        let dry = "?dry_run=true";
        assert_eq!(
            asked("PUT", &format!("satu/hidden{dry}"), body.clone(), json).await,
            write,
            "{name}"
        );
        assert_eq!(
            asked("PUT", &format!("satu/new{dry}"), body, json).await,
            if write == 200 { 201 } else { write },
            "{name}"
        );
        assert_eq!(
            asked("DELETE", &format!("satu/hidden{dry}"), String::new(), json).await,
            write,
            "{name}"
        );
        assert_eq!(
            asked("POST", &format!("satu{dry}"), String::new(), lines).await,
            write,
            "{name}"
        );
        let none = if write == 401 { 401 } else { 403 };
        assert_eq!(asked("PUT", "nowhere/1", "{}".into(), json).await, none, "{name}");
        let get = async |path: &str| {
            let request = service.request(&format!("/v1/external/{path}")).header(header, &value);
            service.send(request).await.status.as_u16()
        };
        assert_eq!((get("satu/hidden").await, get("satu/public").await), (hidden, shown), "{name}");
    }
    // Nor does such a key open anything else of its owner's.
    for path in ["/v1/me", "/v1/keys", "/v1/webhooks", "/v1/me/listings", "/v1/moderation/queue"] {
        let asked = service.request(path).header("x-api-key", &one);
        assert_eq!(service.send(asked).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_system_belongs_to_who_names_it_first_and_only_administrators_let_publish() {
    let service = Service::start().await;
    let (first, second) =
        (service.come_in("satu@contoh.example").await, service.come_in("dua@contoh.example").await);
    key(&service, &first, "portal").await;
    key(&service, &first, "portal").await;
    let faults = async |who: &Who, body: Value| {
        let reply = service.say(who, "POST", "/v1/keys", &body).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        let errors = reply.body["errors"].as_array().unwrap().clone();
        errors
            .iter()
            .map(|e| format!("{} {}", e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let asks =
        |scopes: Value, system: Value| json!({"name": "x", "scopes": scopes, "system": system});
    assert_eq!(
        faults(&second, asks(json!(["listings"]), json!("portal"))).await,
        ["/system taken"]
    );
    assert_eq!(faults(&second, asks(json!(["listings"]), json!("osm"))).await, ["/system taken"]);
    assert_eq!(faults(&second, asks(json!(["listings"]), json!(null))).await, ["/system missing"]);
    assert_eq!(faults(&second, asks(json!(["read"]), json!("x"))).await, ["/system contradiction"]);
    assert_eq!(
        faults(&second, asks(json!(["listings"]), json!("X!"))).await,
        ["/system bad_format"]
    );
    assert_eq!(
        faults(&second, asks(json!(["publish"]), json!(null))).await,
        ["/scopes not_allowed", "/scopes contradiction"]
    );
    for n in 0..10 {
        key(&service, &second, &format!("s{n}")).await;
    }
    assert_eq!(
        faults(&second, asks(json!(["listings"]), json!("s10"))).await,
        ["/system too_many"]
    );
    let held = service.read(&second, "/v1/me/export").await;
    assert_eq!(held.body["systems"].as_array().map(Vec::len), Some(10), "{}", held.text);
}

#[tokio::test]
async fn every_rule_of_a_write_holds_for_a_record() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = key(&service, &partner, "portal").await;
    let bad = json!({"kind": "place", "name": {"id": ""}, "category": "nature.volcano", "status": "published",
                     "wrong": 1, "location": {"lat": 91, "lon": 0}});
    let reply = put(&service, &key, "portal/1", &bad).await;
    let errors = reply.body["errors"].as_array().unwrap();
    let mut pointers: Vec<_> = errors.iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(reply.status, 422);
    assert_eq!(
        pointers,
        ["/category", "/location/lat", "/name", "/status", "/wrong"],
        "{}",
        reply.text
    );
    for (body, pointer) in [(json!({}), "/kind"), (json!({"kind": "thing"}), "/kind")] {
        let reply = put(&service, &key, "portal/1", &body).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["errors"][0]["pointer"]),
            (422, &json!(pointer))
        );
    }
    let good = place("Pantai Baru");
    for id in ["%20", "a%0Ab", "a%00", &"x".repeat(121)] {
        let reply = put(&service, &key, &format!("portal/{id}"), &good).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["errors"][0]["parameter"]),
            (400, &json!("external_id")),
            "{id}"
        );
    }
    let odd = put(&service, &key, "portal/node%2F1%20%EA%A6%A7", &good).await;
    assert_eq!(
        (odd.status.as_u16(), &odd.body["external_ids"]["portal"]),
        (201, &json!("node/1 ꦧ"))
    );
    let dry = put(&service, &key, "portal/2?dry_run=true", &good).await;
    assert_eq!((dry.status.as_u16(), &dry.body["status"]), (201, &json!("in_review")));
    assert_eq!(ask(&service, &key, "GET", "portal/2").await.status, 404);
    let conditional = putting(&service, &key, "portal/2", &good).header("if-match", "\"1\"");
    assert_eq!(service.send(conditional).await.status, 412);
    let once = async || {
        let request = putting(&service, &key, "portal/2", &good).header("idempotency-key", "k");
        service.send(request).await
    };
    let (a, b) = (once().await, once().await);
    assert_eq!((a.status.as_u16(), b.status.as_u16(), a.text == b.text), (201, 201, true));
    let tag = a.header("etag").to_owned();
    let other = place("Pantai Lain");
    let matched = putting(&service, &key, "portal/2", &other).header("if-match", &tag);
    assert_eq!(service.send(matched).await.status, 200);
    let stale = putting(&service, &key, "portal/2", &good).header("if-match", &tag);
    let stale = service.send(stale).await;
    assert_eq!((stale.status.as_u16(), stale.header("etag")), (412, "\"2\""));
    let kind = put(&service, &key, "portal/2", &maker("Batik")).await;
    assert_eq!(kind.body["errors"][0]["pointer"], "/kind", "{}", kind.text);
    let vouched = json!({"kind": "place", "name": {"id": "x"}, "category": "nature.beach", "awards": [],
                         "source": {"name": "x"}});
    assert_eq!(put(&service, &key, "portal/3", &vouched).await.status, 422);
}

#[tokio::test]
async fn what_may_be_the_same_thing_is_told_and_never_made_one() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = publishing(&service, &partner, "portal").await;
    let known = service.get("/v1/places/pantai-parangtritis").await;
    let (lat, lon) = (
        known.body["location"]["lat"].as_f64().unwrap(),
        known.body["location"]["lon"].as_f64().unwrap(),
    );
    let at = |name: &str, north: f64| {
        json!({"kind": "place", "name": {"en": name}, "category": "nature.beach",
                                             "location": {"lat": lat + north, "lon": lon}})
    };
    let twin = put(&service, &key, "portal/1", &at("Parangtritis  Beach!", 0.002)).await;
    let told = &twin.body["duplicates"];
    assert_eq!(
        (told[0]["id"].clone(), told[0]["slug"].clone()),
        (known.body["id"].clone(), json!("pantai-parangtritis"))
    );
    let metres = told[0]["distance_m"].as_f64().unwrap();
    assert!((220.0..225.0).contains(&metres) && told[0]["name"].is_string(), "{told}");
    assert_eq!((twin.status.as_u16(), &twin.body["status"]), (201, &json!("published")));
    assert_eq!(
        service.get("/v1/places/pantai-parangtritis").await.body["version"],
        known.body["version"]
    );
    // Itself is none; neither is what lies further away, is called otherwise or is of another kind.
    let again = put(&service, &key, "portal/1", &at("Parangtritis  Beach!", 0.002)).await;
    assert_eq!(again.body["duplicates"].as_array().unwrap().len(), 1);
    for (id, body) in [("2", at("Parangtritis Beach", 0.006)), ("3", at("Parangendog Beach", 0.0))]
    {
        let reply = put(&service, &key, &format!("portal/{id}"), &body).await;
        assert_eq!(reply.body["duplicates"], json!([]), "{}", reply.text);
    }
    let name = json!({"id": "Pantai Parangtritis", "en": "Beach Parangtritis"});
    let line = json!({"external_id": "4", "kind": "place", "name": name,
                      "category": "nature.beach", "location": {"lat": lat, "lon": lon}});
    let told = bulk(&service, &key, "portal", line.to_string()).await;
    assert_eq!(told[0]["duplicates"].as_array().unwrap().len(), 2, "{told:?}");
}

fn line(id: &str, body: Value) -> String {
    let mut body = body;
    body["external_id"] = json!(id);
    format!("{body}\n")
}

#[tokio::test]
async fn one_bad_line_hurts_no_other_and_every_line_is_answered_in_order() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = publishing(&service, &partner, "portal").await;
    let deep = "[".repeat(100_000);
    let mut sent: Vec<u8> = b"\xEF\xBB\xBF".to_vec();
    for part in [
        line("1", place("Pantai Satu")).as_bytes(),
        b"{\"external_id\": \"2\", \"kind\": \"place\"\n",
        b"\r\n",
        b"{\"external_id\": \"\xff\xfe\"}\n",
        b"{\"external_id\": \"n\", \"kind\": \"place\", \"name\": {\"id\": \"a\\u0000b\"}, \"category\": \"nature.beach\"}\n",
        format!("{{\"external_id\": \"d\", \"kind\": {deep}\n").as_bytes(),
        b"[1, 2]\n",
        b"{\"kind\": \"place\"}\n",
        b"{\"external_id\": 7, \"kind\": \"place\"}\n",
        b"\0\0\0\n",
        line("long", place(&"x".repeat(300_000))).as_bytes(),
        line("1", place("Pantai Satu Lagi")).as_bytes(),
        line("1", place("Pantai Satu Lagi")).as_bytes(),
        line("3", json!({"kind": "event", "name": {"id": "x"}, "category": "nature.volcano", "a": 1, "b": 2})).as_bytes(),
        line("4", place("Pantai Empat")).trim_end().as_bytes(),
    ] {
        sent.extend_from_slice(part);
    }
    let told = bulk(&service, &key, "portal", sent).await;
    let short: Vec<(i64, i64, &str)> = told
        .iter()
        .map(|line| {
            (
                line["line"].as_i64().unwrap(),
                line["status"].as_i64().unwrap(),
                line["result"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            (1, 201, "created"),
            (2, 400, ""),
            (4, 400, ""),
            (5, 422, ""),
            (6, 400, ""),
            (7, 422, ""),
            (8, 422, ""),
            (9, 422, ""),
            (10, 400, ""),
            (11, 413, ""),
            (12, 200, "replaced"),
            (13, 200, "unchanged"),
            (14, 422, ""),
            (15, 201, "created"),
        ],
        "{told:#?}"
    );
    assert_eq!(told[3]["errors"][0]["code"], "control_character");
    assert_eq!(told[6]["errors"][0]["pointer"], "/external_id");
    assert_eq!(
        told[12]["errors"].as_array().unwrap().len(),
        4,
        "all of a line at once: {}",
        told[12]
    );
    assert_eq!((&told[10]["version"], &told[11]["version"]), (&json!(2), &json!(2)));
    let stored = ask(&service, &key, "GET", "portal/4").await;
    assert_eq!(
        (&stored.body["id"], stored.body["status"].as_str()),
        (&told[13]["id"], Some("published"))
    );
    // The same file again changes nothing.
    let again = bulk(&service, &key, "portal", line("4", place("Pantai Empat"))).await;
    assert_eq!((again[0]["result"].as_str(), &again[0]["version"]), (Some("unchanged"), &json!(1)));
}

#[tokio::test]
async fn a_file_of_many_records_is_stored_whole_and_committed_together() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = publishing(&service, &partner, "portal").await;
    let before = count(&service, LISTINGS).await;
    // All of one name: each needs a slug of its own.
    let sent: String =
        (0..300).map(|n| line(&n.to_string(), place(&format!("Pantai {}", n % 290)))).collect();
    let told = bulk(&service, &key, "portal", sent.clone()).await;
    assert!(told.iter().all(|line| line["status"] == 201), "{told:?}");
    let numbers: Vec<i64> = told.iter().map(|line| line["line"].as_i64().unwrap()).collect();
    assert!(numbers.into_iter().eq(1..=300));
    assert!(told.iter().all(|line| {
        let id: i64 = line["external_id"].as_str().unwrap().parse().unwrap();
        line["line"] == id + 1
    }));
    let dry = bulk(&service, &key, "portal?dry_run=true", line("new", place("Pantai"))).await;
    assert_eq!(dry[0]["result"], "created");
    assert_eq!(count(&service, LISTINGS).await, before + 300);
    let again = bulk(&service, &key, "portal", sent).await;
    assert!(again.iter().all(|line| line["result"] == "unchanged"));
    assert_eq!(service.get("/v1/places?q=Pantai+7").await.status, 200);
    let many: String = (0..10_002).map(|_| "x\n").collect();
    let told = bulk(&service, &key, "portal", many).await;
    assert_eq!((told.len(), &told[10_000]["status"]), (10_001, &json!(413)));
}

#[tokio::test]
async fn a_line_is_answered_while_the_next_is_still_to_come_and_who_hangs_up_leaves_whole_records()
{
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = publishing(&service, &partner, "portal").await;
    let (tell, told) = tokio::sync::mpsc::unbounded_channel::<String>();
    let pieces = stream::unfold(told, |mut told| async {
        let piece = told.recv().await?;
        Some((Ok::<_, std::io::Error>(piece), told))
    });
    let request =
        asking(&service, &key, "POST", "portal").header("content-type", "application/x-ndjson");
    let asked = tokio::spawn(request.body(Body::wrap_stream(pieces)).send());
    tell.send(line("1", place("Pantai Satu"))).unwrap();
    let response = asked.await.unwrap().unwrap();
    let mut answers = response.bytes_stream();
    let mut next = async || {
        let piece = answers.next().await.unwrap().unwrap();
        serde_json::from_slice::<Value>(&piece).unwrap()
    };
    assert_eq!(next().await["result"], "created");
    // In the middle of a line, and of a character.
    let second = line("2", place("Pantai Dua"));
    tell.send(second[..20].to_owned()).unwrap();
    tell.send(second[20..].to_owned()).unwrap();
    assert_eq!(
        (
            next().await["line"].clone(),
            ask(&service, &key, "GET", "portal/2").await.status.as_u16()
        ),
        (json!(2), 200)
    );
    tell.send(line("3", place("Pantai Tiga"))).unwrap();
    tell.send(line("4", place("Pantai Empat"))[..40].to_owned()).unwrap();
    drop(answers);
    drop(tell);
    // Whatever became of the third, it is whole; the fourth never was.
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let third = ask(&service, &key, "GET", "portal/3").await;
        assert!(third.status == 404 || third.body["name"]["id"] == "Pantai Tiga", "{}", third.text);
        assert_eq!(ask(&service, &key, "GET", "portal/4").await.status, 404);
    }
    // There is room for the next.
    let told = bulk(&service, &key, "portal", line("3", place("Pantai Tiga"))).await;
    assert!(told[0]["status"] == 200 || told[0]["status"] == 201);
}

#[tokio::test]
async fn who_knows_only_bytes_brings_and_reads_the_same_lines() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = key(&service, &partner, "portal").await;
    let bytes = "application/octet-stream";
    let asked = asking(&service, &key, "POST", "portal").header("content-type", bytes);
    let body = line("1", place("Pantai Satu"));
    let reply = service.send(asked.header("accept", bytes).body(body)).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (200, bytes),
        "{}",
        reply.text
    );
    assert_eq!((&reply.body["line"], &reply.body["status"]), (&json!(1), &json!(201)));
}

#[tokio::test]
async fn what_is_no_ndjson_or_too_much_is_refused_before_it_is_read() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let key = key(&service, &partner, "portal").await;
    for media in ["application/json", "text/plain"] {
        let request = asking(&service, &key, "POST", "portal").header("content-type", media);
        let reply = service.send(request.body("{}")).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("accept")),
            (415, "application/x-ndjson, application/octet-stream")
        );
    }
    let request =
        asking(&service, &key, "POST", "portal").header("content-type", "application/x-ndjson");
    let reply = request.body(vec![b'\n'; 33 * 1024 * 1024]).send().await;
    assert!(reply.is_err() || reply.is_ok_and(|reply| reply.status() == 413));
    // A body that says nothing of its length is cut off where it is too long.
    let pieces = stream::iter((0..33).map(|_| Ok::<_, std::io::Error>(vec![b'\n'; 1024 * 1024])));
    let told = bulk(&service, &key, "portal", Body::wrap_stream(pieces)).await;
    assert_eq!((told.len(), &told[0]["status"]), (1, &json!(413)));
    assert!(bulk(&service, &key, "portal", "").await.is_empty());
}
