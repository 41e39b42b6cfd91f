//! A week of those who keep listings: how often they were met, what waits, what was decided, and
//! what people looked for and did not find.

use domain::{account::Role, daily_count, daily_query};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use tests::{Reply, Service, Who, at};

const KUKMP: &str = "dinas-kukmp";
const GIRILOYO: &str = "/v1/producers/sentra-batik-tulis-giriloyo";

fn is(reply: &Reply, status: u16) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
}

/// What is counted of `subject`, by what and day.
async fn counted(service: &Service, subject: &str) -> Vec<(String, String, i64)> {
    service.app.write_counts().await;
    let rows = daily_count::entity::Entity::find().all(&service.app.store.reader).await.unwrap();
    let mut rows: Vec<_> = rows
        .into_iter()
        .filter(|row| row.subject == subject)
        .map(|row| (row.what.name().to_owned(), row.day.to_string(), row.count))
        .collect();
    rows.sort();
    rows
}

fn count(what: &str, day: &str, count: i64) -> (String, String, i64) {
    (what.to_owned(), day.to_owned(), count)
}

/// A published producer that `who` keeps.
async fn published(service: &Service, who: &Who, officer: &Who) -> String {
    let maker = json!({
        "name": {"id": "Anyaman Bu Sri"}, "category": "craft.bamboo",
        "location": {"lat": -7.92, "lon": 110.39},
        "form": "maker", "craft": "bamboo", "visit": "appointment",
        "contacts": [
            {"type": "phone", "value": "+6281200000002"},
            {"type": "whatsapp", "value": "+6281200000001", "public": true},
            {"type": "email", "value": "sri@contoh.example", "public": true},
            {"type": "instagram", "value": "anyaman.sri", "public": true},
        ],
        "media": [{"src": "https://contoh.example/anyaman.jpg", "width": 800, "height": 600,
                   "alt": {"id": "Anyaman"}, "credit": "Sri", "licence": "CC-BY-4.0"}],
    });
    let reply = service.say(who, "POST", "/v1/producers", &maker).await;
    is(&reply, 201);
    let slug = reply.body["slug"].as_str().unwrap().to_owned();
    let publish = format!("/v1/listings/{slug}/publish");
    is(&service.say(officer, "POST", &publish, &json!({})).await, 200);
    slug
}

#[tokio::test]
async fn what_the_public_is_shown_is_counted_also_when_it_is_given_again() {
    let service = Service::start().await;
    let page = service.get(GIRILOYO).await;
    let id = page.body["id"].as_str().unwrap();
    // Given again, and known already: seen again. HEAD brings nothing to look at.
    is(&service.get(GIRILOYO).await, 200);
    let known = service.request(GIRILOYO).header("if-none-match", page.header("etag"));
    is(&service.send(known).await, 304);
    is(&service.send(service.method("HEAD", GIRILOYO)).await, 200);
    for _ in 0..5 {
        let list = service.get("/v1/producers?q=giriloyo&limit=50").await;
        assert!(list.each("id").contains(&id), "{}", list.text);
    }
    is(&service.get(&format!("{GIRILOYO}?lang=xx")).await, 400);
    assert_eq!(
        counted(&service, id).await,
        [count("opened", "2026-11-24", 3), count("shown", "2026-11-24", 5)]
    );
    // The next day is another, and begins at midnight in Bantul; what was written is written.
    service.clock.set(at("2026-11-25T00:00:00+07:00"));
    is(&service.get(GIRILOYO).await, 200);
    assert_eq!(
        counted(&service, id).await,
        [
            count("opened", "2026-11-24", 3),
            count("opened", "2026-11-25", 1),
            count("shown", "2026-11-24", 5)
        ]
    );
}

#[tokio::test]
async fn who_keeps_or_answers_for_listings_is_not_counted() {
    let service = Service::start().await;
    let officer = service.person(Role::Editor, &[KUKMP]).await;
    let page = service.read(&officer, GIRILOYO).await;
    is(&page, 200);
    is(&service.read(&officer, "/v1/discover?q=batik").await, 200);
    assert_eq!(counted(&service, page.body["id"].as_str().unwrap()).await, []);
}

#[tokio::test]
async fn what_many_look_for_is_suggested_and_what_one_looks_for_is_not() {
    let service = Service::start().await;
    let searches = async |query: &'static str| {
        let reply = service.get(&format!("/v1/suggest?q={query}&limit=20")).await;
        is(&reply, 200);
        let each = reply.body["items"].as_array().unwrap().clone();
        let is_search = |one: &&Value| one["type"] == "query";
        each.iter()
            .filter(is_search)
            .map(|one| one["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let officer = service.person(Role::Editor, &[KUKMP]).await;
    for day in ["2026-11-24", "2026-11-25", "2026-11-26"] {
        service.clock.set(at(&format!("{day}T12:00:00+07:00")));
        for number in 0..4 {
            // Found, and asked in other ways of one meaning; the next page is no other search.
            let page =
                service.get(&format!("/v1/discover?q=Batik+TULIS&limit={}", 1 + number)).await;
            let cursor = page.body["cursor"].as_str().unwrap();
            let next = format!("/v1/discover?q=Batik+TULIS&limit={}&cursor={cursor}", 1 + number);
            is(&service.get(&next).await, 200);
            // A word that is published nowhere, a number, somebody's address.
            for other in ["batik+zwxqy", "batik+081234567890", "batik+sri@contoh.example"] {
                is(
                    &service.get(&format!("/v1/discover?q={other}&limit={}", 1 + number)).await,
                    200,
                );
            }
            // Who answers for listings is not counted.
            is(&service.read(&officer, "/v1/discover?q=batik+wukirsari").await, 200);
        }
        if day == "2026-11-24" {
            for limit in 1..=30 {
                // Often, on one day.
                is(&service.get(&format!("/v1/discover?q=batik+imogiri&limit={limit}")).await, 200);
            }
        }
        service.app.write_counts().await;
        if day != "2026-11-26" {
            assert_eq!(searches("bat").await, [""; 0], "{day}");
        }
    }
    service.clock.set(at("2026-11-26T14:00:00+07:00"));
    service.app.write_counts().await;
    assert_eq!(searches("bati").await, ["batik tulis"]);
    // Nobody is offered what they have typed.
    assert_eq!(searches("batik+tulis").await, [""; 0]);
    let rows = daily_query::entity::Entity::find().all(&service.app.store.reader).await.unwrap();
    let mut kept: Vec<(String, i64)> = rows.into_iter().map(|row| (row.text, row.count)).collect();
    kept.sort();
    let often = ("batik tulis".to_owned(), 4);
    assert_eq!(kept, [("batik imogiri".to_owned(), 30), often.clone(), often.clone(), often]);
    // After four weeks it is nobody's search any more.
    service.clock.set(at("2027-01-02T12:00:00+07:00"));
    service.app.forget().await.unwrap();
    service.app.write_counts().await;
    assert_eq!(searches("batik").await, [""; 0]);
    let rows = daily_query::entity::Entity::find().all(&service.app.store.reader).await.unwrap();
    assert!(rows.is_empty(), "{rows:?}");
}

#[tokio::test]
async fn two_nodes_add_up() {
    let one = Service::start().await;
    let two = Service::over(one.place.shared(), &[]).await;
    let id = one.get(GIRILOYO).await.body["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        is(&two.get(GIRILOYO).await, 200);
    }
    tokio::join!(one.app.write_counts(), two.app.write_counts());
    assert_eq!(counted(&one, &id).await, [count("opened", "2026-11-24", 3)]);
}

#[tokio::test]
async fn a_tap_leads_to_the_contact_and_is_counted_without_a_trace() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = published(&service, &sri, &officer).await;
    let page = service.get(&format!("/v1/producers/{slug}")).await;
    let contacts = page.body["contacts"].as_array().unwrap();
    assert_eq!(contacts.len(), 3);
    for contact in contacts {
        let reply = service.get(contact["tap"].as_str().unwrap()).await;
        is(&reply, 303);
        assert_eq!(reply.header("location"), contact["link"]);
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    let tap = |n: &str| format!("/v1/listings/{slug}/contact/{n}");
    assert_eq!(service.get(&tap("1")).await.header("location"), "https://wa.me/6281200000001");
    is(&service.read(&sri, &tap("1")).await, 303);
    for n in ["0", "4", "x", "-1"] {
        is(&service.get(&tap(n)).await, 404);
    }
    is(&service.get("/v1/listings/nowhere/contact/1").await, 404);
    is(&service.get(&format!("{}?who=me", tap("1"))).await, 400);
    let id = page.body["id"].as_str().unwrap();
    assert!(counted(&service, id).await.contains(&count("contacted", "2026-11-24", 4)));
    // Out of sight it leads nowhere.
    let suspend = format!("/v1/listings/{slug}/suspend");
    is(&service.say(&officer, "POST", &suspend, &json!({"reason": "Diperiksa"})).await, 200);
    is(&service.get(&tap("1")).await, 404);
}

#[tokio::test]
async fn keepers_and_officers_see_the_days_of_a_listing() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = published(&service, &sri, &officer).await;
    let page = format!("/v1/producers/{slug}");
    is(&service.get(&page).await, 200);
    is(&service.get(&format!("/v1/listings/{slug}/contact/1")).await, 303);
    is(&service.get("/v1/producers?q=anyaman+bu+sri").await, 200);
    service.app.write_counts().await;
    service.clock.set(at("2026-11-26T09:00:00+07:00"));
    is(&service.get(&page).await, 200);
    service.app.write_counts().await;
    let statistics = format!("/v1/listings/{slug}/statistics");
    let some = format!("{statistics}?from=2026-11-24&to=2026-11-26");
    for who in [&sri, &officer] {
        let reply = service.read(who, &some).await;
        is(&reply, 200);
        assert_eq!(
            reply.body["items"],
            json!([
                {"date": "2026-11-24", "shown": 1, "opened": 1, "contacted": 1},
                {"date": "2026-11-25", "shown": 0, "opened": 0, "contacted": 0},
                {"date": "2026-11-26", "shown": 0, "opened": 1, "contacted": 0},
            ])
        );
        assert_eq!(reply.body["sum"], json!({"shown": 1, "opened": 2, "contacted": 1}));
    }
    let usual = service.read(&sri, &statistics).await;
    let days = usual.body["items"].as_array().unwrap();
    assert_eq!((days.len(), &days[29]["date"]), (30, &json!("2026-11-26")));
    let year = format!("{statistics}?from=2025-11-26&to=2026-11-26");
    assert_eq!(service.read(&sri, &year).await.body["items"].as_array().unwrap().len(), 366);
    is(&service.read(&sri, &format!("{statistics}?from=2025-11-25&to=2026-11-26")).await, 400);
    is(&service.read(&sri, &format!("{statistics}?from=2026-11-26&to=2026-11-25")).await, 400);
    let other = service.person(Role::Producer, &[]).await;
    let stranger = service.person(Role::Editor, &["dinas-pariwisata"]).await;
    is(&service.read(&other, &statistics).await, 403);
    is(&service.read(&stranger, &statistics).await, 403);
    is(&service.get(&statistics).await, 401);
}

#[tokio::test]
async fn who_keeps_listings_sees_all_of_them_with_what_waits_and_what_was_decided() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = published(&service, &sri, &officer).await;
    let draft = json!({"name": {"id": "Angkringan Bu Sri"}, "category": "food"});
    is(&service.say(&sri, "POST", "/v1/places", &draft).await, 201);
    let page = format!("/v1/producers/{slug}");
    is(&service.get(&page).await, 200);
    service.app.write_counts().await;
    let propose = async |hours: &str| {
        let reply = service.change(&sri, &page, &json!({"hours": hours})).await;
        assert_eq!(reply.body["revision"]["status"], "pending", "{}", reply.text);
        reply.body["revision"]["id"].as_str().unwrap().to_owned()
    };
    let first = propose("Mo-Fr 09:00-15:00").await;
    service.clock.set(at("2026-11-24T12:01:00+07:00"));
    let second = propose("24/7").await;
    let refuse = format!("/v1/listings/{slug}/revisions/{second}/refuse");
    let reason = json!({"reason": "Malam hari tutup"});
    is(&service.say(&officer, "POST", &refuse, &reason).await, 200);
    // Their own change of a draft is no proposal, and what they do themselves no decision.
    is(&service.change(&sri, "/v1/places/angkringan-bu-sri", &json!({"hours": "24/7"})).await, 200);

    let mine = service.read(&sri, "/v1/me/listings").await;
    is(&mine, 200);
    assert_eq!(mine.names(), ["Angkringan Bu Sri", "Anyaman Bu Sri"]);
    let [draft, kept] = &mine.body["items"].as_array().unwrap()[..] else { panic!() };
    assert_eq!(draft["missing"], json!(["location"]));
    assert_eq!((&draft["status"], &draft["pending"]), (&json!("draft"), &json!([])));
    assert_eq!(draft["decision"], Value::Null);
    assert_eq!((&kept["status"], &kept["pending"]), (&json!("published"), &json!([first])));
    assert_eq!(kept["decision"]["action"], "refuse");
    assert_eq!(kept["decision"]["reason"], "Malam hari tutup");
    assert_eq!(kept["met"]["opened"], 1);
    assert_eq!(service.read(&officer, "/v1/me/listings").await.body["items"], json!([]));
    is(&service.get("/v1/me/listings").await, 401);

    let proposed = service.read(&sri, "/v1/me/revisions?limit=1").await;
    is(&proposed, 200);
    assert_eq!(proposed.each("id"), [&second]);
    assert_eq!(proposed.body["items"][0]["status"], "refused");
    assert_eq!(proposed.body["items"][0]["reason"], "Malam hari tutup");
    let cursor = proposed.body["cursor"].as_str().unwrap();
    let rest = service.read(&sri, &format!("/v1/me/revisions?limit=1&cursor={cursor}")).await;
    assert_eq!((rest.each("id"), &rest.body["cursor"]), (vec![first.as_str()], &Value::Null));
    is(&service.read(&sri, "/v1/me/revisions?cursor=x").await, 400);
}

#[tokio::test]
async fn what_was_decided_about_another_s_claim_is_not_told_to_who_keeps_the_listing() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = published(&service, &sri, &officer).await;
    let budi = service.person(Role::Producer, &[]).await;
    let claims = format!("/v1/listings/{slug}/claims");
    let claim = service.say(&budi, "POST", &claims, &json!({"evidence": "Milik saya"})).await;
    let refuse = format!("{}/refuse", claim.header("location"));
    is(&service.say(&officer, "POST", &refuse, &json!({"reason": "Bukan Budi"})).await, 200);
    let mine = service.read(&sri, "/v1/me/listings").await;
    assert_eq!(mine.body["items"][0]["decision"]["action"], "publish", "{}", mine.text);
}

#[tokio::test]
async fn what_many_seek_in_vain_is_told_to_staff_by_area_and_never_by_whom() {
    let service = Service::start().await;
    let officer = service.person(Role::Editor, &[KUKMP]).await;
    let seek = async |path: &str| {
        let reply = service.get(path).await;
        assert_eq!(reply.body["total"], 0, "{}", reply.text);
    };
    for _ in 0..4 {
        seek("/v1/discover?q=Zzzqx&area=34.02.10").await;
    }
    for lon in ["110.390", "110.391", "110.392"] {
        seek(&format!("/v1/producers?q=zzzqx&lat=-7.92&lon={lon}")).await;
    }
    for _ in 0..3 {
        seek("/v1/places?q=xqqzz").await;
        seek("/v1/discover?q=wwxqzz%40example.id").await;
        seek("/v1/discover?q=qxvvz+081200000001").await;
    }
    for _ in 0..2 {
        seek("/v1/places?q=qqxzw").await;
    }
    service.app.write_counts().await;
    let demand = service.read(&officer, "/v1/demand?lang=en").await;
    is(&demand, 200);
    assert_eq!(
        demand.body["items"],
        json!([
            {"word": "zzzqx", "area": {"code": "34.02.10", "name": "Imogiri"}, "count": 7},
            {"word": "xqqzz", "count": 3},
        ])
    );
    let some = service.read(&officer, "/v1/demand?area=34.02&limit=1").await;
    assert_eq!(some.each("word"), ["zzzqx"]);
    let some = service.read(&officer, "/v1/demand?area=34.02.03").await;
    assert_eq!(some.body["items"], json!([]));
    let before = service.read(&officer, "/v1/demand?from=2026-11-01&to=2026-11-23").await;
    assert_eq!(before.body["items"], json!([]));
    is(&service.read(&officer, "/v1/demand?area=99.99").await, 400);
    let sri = service.person(Role::Producer, &[]).await;
    is(&service.read(&sri, "/v1/demand").await, 403);
    is(&service.get("/v1/demand").await, 401);
}

#[tokio::test]
async fn counts_are_forgotten_after_twenty_five_months() {
    let service = Service::start().await;
    let id = service.get(GIRILOYO).await.body["id"].as_str().unwrap().to_owned();
    service.clock.set(at("2028-12-24T09:00:00+07:00"));
    // The day of what was shown is that of its writing.
    assert_eq!(counted(&service, &id).await, [count("opened", "2028-12-24", 1)]);
    service.clock.set(at("2031-01-24T09:00:00+07:00"));
    service.app.forget().await.unwrap();
    assert_eq!(counted(&service, &id).await, [count("opened", "2028-12-24", 1)]);
    service.clock.set(at("2031-01-25T09:00:00+07:00"));
    service.app.forget().await.unwrap();
    assert_eq!(counted(&service, &id).await, []);
}
