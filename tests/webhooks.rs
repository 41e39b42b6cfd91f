//! Being told what happens at an address of one's own: signed, in order, at least once, and nowhere
//! that leads inside.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::any,
};
use domain::{
    account::Role,
    record::{self, Record},
    writer::{Unit, Write},
};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tests::{Place, Reply, Service, Who, at, number};

/// A POST that came.
#[derive(Debug, Clone)]
struct Came {
    path: String,
    id: String,
    headers: HeaderMap,
    body: Bytes,
    answered: u16,
}

impl Came {
    fn said(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether the signature is that of `secret`, by somebody else's reckoning.
    fn is_signed_with(&self, secret: &str) -> bool {
        // The verifier goes by the clock on the wall; the signature is over the time it names.
        let webhook = Webhook::new(secret).unwrap();
        let time = self.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let made = webhook.sign(&self.id, time, &self.body).unwrap();
        let sent = self.headers["webhook-signature"].to_str().unwrap();
        sent.split(' ').any(|one| one == made)
    }
}

/// A partner's server: the path says how it behaves.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Came>>>, Arc<Mutex<HashMap<String, u32>>>);

async fn receive(
    State(receiver): State<Receiver>,
    Path(behaviour): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let id = headers.get("webhook-id").map(|id| id.to_str().unwrap().to_owned());
    let id = id.unwrap_or_default();
    let time = {
        let mut times = receiver.1.lock().unwrap();
        let time = times.entry(format!("{behaviour} {id}")).or_default();
        *time += 1;
        *time
    };
    let behaviour = behaviour.split('-').next().unwrap_or_default();
    let (status, more) = match (behaviour, time) {
        ("fails", 1 | 2) => (500, None),
        ("never", _) => (503, None),
        ("busy", 1) => (429, Some((header::RETRY_AFTER, "120"))),
        ("moved", _) => (302, Some((header::LOCATION, "/trap"))),
        ("gone", _) => (410, None),
        // Says so and does not mean it, now and then.
        ("lies", 1) if id.ends_with(['0', '1', '2', '3', '4', '5']) => (404, None),
        ("hangs", 1) if id.ends_with('0') => {
            std::future::pending::<()>().await;
            unreachable!()
        }
        _ => (200, None),
    };
    let path = uri.path().to_owned();
    receiver.0.lock().unwrap().push(Came { path, id, headers, body, answered: status });
    let mut response = (StatusCode::from_u16(status).unwrap(), "said ".repeat(200)).into_response();
    if let Some((name, value)) = more {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

impl Receiver {
    async fn start() -> (Self, String) {
        let receiver = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/{behaviour}", any(receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (receiver, url)
    }

    fn came(&self, path: &str) -> Vec<Came> {
        self.0.lock().unwrap().iter().filter(|came| came.path == path).cloned().collect()
    }

    /// What came to `path`, once there is so much.
    async fn wait(&self, path: &str, count: usize) -> Vec<Came> {
        until(async || {
            let came = self.came(path);
            (came.len() >= count).then_some(came)
        })
        .await
    }
}

/// What `look` finds, as soon as it finds something.
async fn until<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), waiting).await.expect("it never came")
}

async fn service() -> Service {
    let place = Place::with_fixtures().await;
    Service::over(place, &["--webhook-private", "allow", "--public-url", "https://griya.example"])
        .await
}

/// A webhook of `who`: its path and its secret.
async fn subscribe(service: &Service, who: &Who, body: &Value) -> (String, String) {
    let made = service.say(who, "POST", "/v1/webhooks", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    (made.header("location").to_owned(), secret)
}

async fn test(service: &Service, who: &Who, hook: &str) -> Reply {
    let reply = service.say(who, "POST", &format!("{hook}/test"), &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply
}

async fn log(service: &Service, who: &Who, hook: &str) -> Vec<Value> {
    let reply = service.read(who, &format!("{hook}/deliveries?limit=100")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body["items"].as_array().unwrap().clone()
}

/// Waits until the newest delivery has been tried so often.
async fn tried(service: &Service, who: &Who, hook: &str, tries: i64) -> Value {
    until(async || {
        let newest = log(service, who, hook).await.into_iter().next()?;
        let over = newest["tries"] == tries && !newest["answer"].is_null();
        over.then_some(newest)
    })
    .await
}

#[tokio::test]
async fn a_partner_is_told_what_happens_in_what_they_follow() {
    let (service, (receiver, url)) = (service().await, Receiver::start().await);
    let partner = service.person(Role::Producer, &[]).await;
    let admin = service.person(Role::Admin, &[]).await;
    let body = json!({"url": format!("{url}/ok"), "kinds": ["place"], "categories": ["nature.cave"],
                      "note": "Peta wisata"});
    let (hook, secret) = subscribe(&service, &partner, &body).await;
    let shown = service.read(&partner, &hook).await;
    assert!(!shown.text.contains("whsec_") && shown.body["note"] == "Peta wisata");
    let cave = async || {
        let found = record::named(&service.app.store.reader, "goa-cerme").await.unwrap();
        found.unwrap().listing
    };
    let id = cave().await.id.to_string();
    let of_cave = async |count: usize| {
        until(async || {
            let mut came = receiver.came("/ok");
            came.retain(|one| one.said()["data"]["id"] == id);
            (came.len() >= count).then_some(came)
        })
        .await
    };
    let say = async |key: &str, step: &str| {
        let path = format!("/v1/listings/{key}/{step}");
        let reply = service.say(&admin, "POST", &path, &json!({"reason": "Longsor"})).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    };
    say("goa-cerme", "suspend").await;
    of_cave(1).await;
    say("pantai-parangtritis", "suspend").await;
    say("goa-cerme", "restore").await;
    let of_cave = of_cave(2).await;
    let (came, cave) = (receiver.came("/ok"), cave().await);
    let types: Vec<Value> = of_cave.iter().map(|came| came.said()["type"].clone()).collect();
    assert_eq!(types, ["listing.deleted", "listing.changed"]);
    assert_eq!(
        of_cave[1].said(),
        json!({"type": "listing.changed", "timestamp": "2026-11-24T12:00:00+07:00",
               "data": {"id": cave.id, "kind": "place", "version": cave.version,
                        "url": format!("https://griya.example/v1/places/{}", cave.id)}})
    );
    for came in &came {
        assert!(
            came.is_signed_with(&secret)
                && !came.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        );
        assert_eq!(came.headers["content-type"], "application/json");
        assert!(
            came.headers["webhook-timestamp"] == at(tests::NOON).timestamp().to_string().as_str()
        );
    }
    // Whose it is not, does not see it.
    for path in [hook.clone(), format!("{hook}/deliveries")] {
        assert_eq!(service.read(&admin, &path).await.status, 404);
        assert_eq!(service.get(&path).await.status, 401);
    }
    let deleted = service.send(service.method("DELETE", &hook).bearer_auth(&partner.token)).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(service.read(&partner, &hook).await.status, 404);
    assert_eq!(service.read(&partner, "/v1/webhooks").await.body["items"], json!([]));
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_and_again_the_same_to_the_byte() {
    let (service, (receiver, url)) = (service().await, Receiver::start().await);
    let partner = service.person(Role::Producer, &[]).await;
    let (hook, secret) =
        subscribe(&service, &partner, &json!({"url": format!("{url}/fails")})).await;
    test(&service, &partner, &hook).await;
    tried(&service, &partner, &hook, 1).await;
    service.clock.set(at("2026-11-24T12:00:05+07:00"));
    let second = tried(&service, &partner, &hook, 2).await;
    assert_eq!((&second["state"], &second["status"]), (&json!("waiting"), &json!(500)));
    assert!(second["answer"].as_str().unwrap().chars().count() <= 500);
    service.clock.set(at("2026-11-24T12:01:00+07:00"));
    let third = tried(&service, &partner, &hook, 3).await;
    assert_eq!(third["state"], "delivered");
    let came = receiver.came("/fails");
    assert_eq!(came.len(), 3);
    for one in &came {
        assert!(one.is_signed_with(&secret));
        assert_eq!((&one.id, &one.body), (&came[0].id, &came[0].body));
    }
    assert_ne!(came[0].headers["webhook-timestamp"], came[2].headers["webhook-timestamp"]);
}

#[tokio::test]
async fn a_receiver_may_put_it_off_end_it_or_lead_away_without_effect() {
    let (service, (receiver, url)) = (service().await, Receiver::start().await);
    let partner = service.come_in("mitra@contoh.example").await;
    let mut hooks = BTreeMap::new();
    for behaviour in ["busy", "gone", "moved"] {
        let body = json!({"url": format!("{url}/{behaviour}")});
        let (hook, _) = subscribe(&service, &partner, &body).await;
        test(&service, &partner, &hook).await;
        hooks.insert(behaviour, hook);
    }
    let put_off = tried(&service, &partner, &hooks["busy"], 1).await;
    assert_eq!(put_off["next_try_at"], "2026-11-24T12:02:00+07:00");
    let moved = tried(&service, &partner, &hooks["moved"], 1).await;
    assert_eq!((&moved["status"], &moved["state"]), (&json!(302), &json!("waiting")));
    let letters = service.letters("mitra@contoh.example", 2).await;
    assert!(letters[1].contains("/gone"), "{}", letters[1]);
    assert_eq!(service.read(&partner, &hooks["gone"]).await.status, 404);
    assert_eq!((receiver.came("/gone").len(), receiver.came("/trap").len()), (1, 0));
}

#[tokio::test]
async fn after_three_days_it_is_paused_its_owner_told_and_nothing_is_lost() {
    let (service, (receiver, url)) = (service().await, Receiver::start().await);
    let partner = service.come_in("mitra@contoh.example").await;
    let (hook, _) = subscribe(&service, &partner, &json!({"url": format!("{url}/never")})).await;
    test(&service, &partner, &hook).await;
    for (hours, tries) in [1, 3, 6, 12, 24, 40, 65, 90, 115].into_iter().zip(2..) {
        tried(&service, &partner, &hook, tries - 1).await;
        service.clock.set(at(tests::NOON) + chrono::TimeDelta::hours(hours));
    }
    let letters = service.letters("mitra@contoh.example", 2).await;
    assert!(letters[1].contains("/never"), "{}", letters[1]);
    let paused = service.read(&partner, &hook).await;
    assert_eq!(paused.body["status"], "paused");
    let mended = json!({"status": "active", "url": format!("{url}/mended")});
    let patch = service.saying(&partner, "PATCH", &hook, &mended);
    let patch = patch.header("if-match", paused.header("etag"));
    assert_eq!(service.send(patch).await.status, 200);
    let came = receiver.wait("/mended", 1).await;
    assert_eq!(came[0].id, receiver.came("/never")[0].id);
    assert_eq!(receiver.came("/never").len(), 10);
}

#[tokio::test]
async fn a_secret_is_changed_without_a_gap() {
    let (service, (receiver, url)) = (service().await, Receiver::start().await);
    let partner = service.person(Role::Producer, &[]).await;
    let (hook, old) = subscribe(&service, &partner, &json!({"url": format!("{url}/ok")})).await;
    let turned = service.say(&partner, "POST", &format!("{hook}/rotate"), &json!({})).await;
    let new = turned.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(turned.body["old_secret_until"], "2026-11-25T12:00:00+07:00");
    test(&service, &partner, &hook).await;
    let first = &receiver.wait("/ok", 1).await[0];
    assert!(first.is_signed_with(&old) && first.is_signed_with(&new));
    service.clock.set(at("2026-11-25T12:00:00+07:00"));
    test(&service, &partner, &hook).await;
    let second = &receiver.wait("/ok", 2).await[1];
    assert!(!second.is_signed_with(&old) && second.is_signed_with(&new));
}

#[tokio::test]
async fn everything_can_be_told_anew_from_any_cursor() {
    let (service, (receiver, url)) = (service().await, Receiver::start().await);
    let partner = service.person(Role::Producer, &[]).await;
    let body = json!({"url": format!("{url}/ok"), "kinds": ["event"]});
    let (hook, _) = subscribe(&service, &partner, &body).await;
    let replay = format!("{hook}/replay");
    assert_eq!(service.say(&partner, "POST", &replay, &json!({})).await.status, 200);
    receiver.wait("/ok", 40).await;
    let page = service.get("/v1/changes?kind=event&limit=30").await;
    let since = json!({"since": page.body["cursor"]});
    assert_eq!(service.say(&partner, "POST", &replay, &since).await.status, 200);
    receiver.wait("/ok", 50).await;
    let page = service.get("/v1/changes?kind=place").await;
    for bad in [page.body["cursor"].clone(), json!("x")] {
        let reply = service.say(&partner, "POST", &replay, &json!({"since": bad})).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["errors"][0]["pointer"]),
            (422, &json!("/since"))
        );
    }
    let all = log(&service, &partner, &hook).await;
    assert_eq!(all.len(), 50);
    let first = service.read(&partner, &format!("{hook}/deliveries?limit=40")).await;
    let cursor = first.body["cursor"].as_str().unwrap();
    let rest = service.read(&partner, &format!("{hook}/deliveries?cursor={cursor}")).await;
    assert_eq!(rest.body["items"].as_array().unwrap()[..], all[40..]);
}

#[tokio::test]
async fn an_address_that_leads_inside_is_refused_with_every_other_fault_at_once() {
    let service = Service::start().await;
    let partner = service.person(Role::Producer, &[]).await;
    for url in [
        "http://example.id/",
        "https://127.0.0.1/x",
        "https://[::1]/",
        "https://localhost/",
        "x",
        "",
    ] {
        let body = json!({"url": url, "areas": ["99.99"], "categories": ["nature", "nothing"]});
        let reply = service.say(&partner, "POST", "/v1/webhooks", &body).await;
        let pointers: Vec<&Value> = reply.body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| &fault["pointer"])
            .collect();
        assert_eq!(reply.status, 422);
        assert_eq!(pointers, ["/url", "/areas/0", "/categories/1"], "{url}: {}", reply.text);
    }
    let good = json!({"url": "https://mitra.example/griya"});
    for _ in 0..20 {
        assert_eq!(service.say(&partner, "POST", "/v1/webhooks", &good).await.status, 201);
    }
    assert_eq!(service.say(&partner, "POST", "/v1/webhooks", &good).await.status, 409);
}

/// Many webhooks of receivers of every kind, while listings change; `WEBHOOK_ROUNDS` says how often
/// each listing does. A run of the tests tries one round; the long run is in CONTRIBUTING.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_deliveries_to_receivers_that_fail_hang_and_lie_none_is_lost_or_out_of_order() {
    let (service, (receiver, url)) = (service().await, Receiver::start().await);
    let rounds = number("WEBHOOK_ROUNDS", 1);
    let mut secrets = BTreeMap::new();
    for behaviour in ["ok", "fails", "busy", "lies", "hangs"] {
        let partner = service.person(Role::Producer, &[]).await;
        for n in 0..if rounds == 1 { 1 } else { 3 } {
            let path = format!("/{behaviour}-{n}");
            let body = json!({"url": format!("{url}{path}"), "kinds": ["event"]});
            let (_, secret) = subscribe(&service, &partner, &body).await;
            secrets.insert(path, secret);
        }
    }
    let records = record::load_public(&service.app.store.reader).await.unwrap();
    let mut events: Vec<Record> = records.into_iter().filter(|one| one.event().is_some()).collect();
    // Time goes by, ten minutes after ten minutes, for pauses to end.
    let clock = service.clock.clone();
    let passing = tokio::spawn(async move {
        for n in 1.. {
            tokio::time::sleep(Duration::from_millis(200)).await;
            clock.set(at(tests::NOON) + chrono::TimeDelta::minutes(10 * n));
        }
    });
    for _ in 0..rounds {
        for event in &mut events {
            event.listing.version += 1;
            event.listing.updated_at = service.app.clock.now();
            let write = Write::Listing { record: Box::new(event.clone()), former_slug: None };
            let unit = Unit::new(vec![write], "test", service.app.clock.now());
            service.app.write(unit).await.unwrap();
        }
    }
    let last: BTreeMap<String, i64> =
        events.iter().map(|one| (one.listing.id.to_string(), one.listing.version)).collect();
    let (mut all, mut well) = (0, 0);
    for (path, secret) in &secrets {
        well += until(async || {
            let (mut newest, mut taken) = (BTreeMap::new(), Vec::new());
            for came in receiver.came(path) {
                assert!(came.is_signed_with(secret), "{path}");
                if came.answered == 200 {
                    taken.push(came.id.clone());
                    let said = came.said();
                    let id = said["data"]["id"].as_str().unwrap().to_owned();
                    let version = said["data"]["version"].as_i64().unwrap();
                    let before = newest.insert(id, version).unwrap_or(0);
                    assert!(before <= version, "{path}: {before} came before {version}");
                }
            }
            (newest == last).then_some(taken.len())
        })
        .await;
        all += receiver.came(path).len();
    }
    println!("{all} requests, {well} deliveries taken");
    passing.abort();
}
