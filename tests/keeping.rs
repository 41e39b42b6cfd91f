//! Those who keep listings: drafts, changes, what waits for an officer and what becomes of it.

use domain::account::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Reply, Service, Who};

const KUKMP: &str = "dinas-kukmp";

fn maker() -> Value {
    json!({
        "name": {"id": "Batik Sri Lestari", "en": "Batik Sri Lestari"},
        "summary": {"id": "Batik tulis pewarna alam dari Giriloyo."},
        "category": "craft.batik",
        "location": {"lat": -7.92, "lon": 110.39},
        "form": "maker", "craft": "batik", "visit": "appointment",
        "techniques": ["tulis"],
        "hours": "Mo-Sa 08:00-16:00",
        "contacts": [
            {"type": "whatsapp", "value": "+6281200000001", "public": true},
            {"type": "phone", "value": "+6281200000002"}
        ],
    })
}

fn picture() -> Value {
    json!([{"src": "https://contoh.example/kain.jpg", "width": 800, "height": 600,
            "alt": {"id": "Kain batik"}, "credit": "Sri", "licence": "CC-BY-4.0"}])
}

fn codes(reply: &Reply) -> Vec<(String, String)> {
    let errors = reply.body["errors"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
}

fn is(reply: &Reply, status: u16) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
}

/// A draft of `who`, and its slug.
async fn draft(service: &Service, who: &Who) -> String {
    let reply = service.say(who, "POST", "/v1/producers", &maker()).await;
    is(&reply, 201);
    reply.body["slug"].as_str().unwrap().to_owned()
}

/// A published producer that `who` keeps.
async fn published(service: &Service, who: &Who, officer: &Who) -> String {
    let slug = draft(service, who).await;
    is(
        &service.change(who, &format!("/v1/producers/{slug}"), &json!({"media": picture()})).await,
        200,
    );
    let publish = format!("/v1/listings/{slug}/publish");
    is(&service.say(officer, "POST", &publish, &json!({})).await, 200);
    slug
}

#[tokio::test]
async fn a_maker_drafts_is_told_all_that_is_missing_hands_in_and_is_found() {
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    let officer = service.person(Role::Editor, &[KUKMP]).await;

    let mut bare = maker();
    bare.as_object_mut().unwrap().retain(|name, _| name != "contacts" && name != "location");
    let reply = service.say(&sri, "POST", "/v1/producers", &bare).await;
    is(&reply, 201);
    assert_eq!(reply.header("location"), "/v1/producers/batik-sri-lestari");
    assert!(reply.header("etag").starts_with("\"1-"), "{:?}", reply.headers);
    assert_eq!(reply.body["status"], "draft");
    assert_eq!(reply.body["missing"], json!(["contacts", "media"]));
    assert_eq!(reply.header("cache-control"), "private, no-store");

    let own = service.read(&sri, "/v1/producers/batik-sri-lestari").await;
    is(&own, 200);
    assert_eq!(own.body["status"], "draft");
    // Nobody else knows of it.
    is(&service.get("/v1/producers/batik-sri-lestari").await, 404);
    let other = service.person(Role::Producer, &[]).await;
    is(&service.read(&other, "/v1/listings/batik-sri-lestari").await, 404);
    is(
        &service.say(&other, "POST", "/v1/listings/batik-sri-lestari/submit", &json!({})).await,
        404,
    );

    let submit = "/v1/listings/batik-sri-lestari/submit";
    let reply = service.say(&sri, "POST", submit, &json!({})).await;
    is(&reply, 422);
    let gap = |name: &str| (format!("/{name}"), "missing".to_owned());
    assert_eq!(codes(&reply), [gap("contacts"), gap("media")]);

    let all = json!({"contacts": maker()["contacts"], "location": maker()["location"],
                     "media": picture()});
    let reply = service.change(&sri, "/v1/producers/batik-sri-lestari", &all).await;
    is(&reply, 200);
    assert_eq!(reply.body["missing"], json!([]));
    assert_eq!(reply.body["area"]["name"], "Wukirsari, Imogiri");
    // Consent is dated, and only where it was given.
    assert!(reply.body["contacts"][0]["consent_at"].is_string());
    assert!(reply.body["contacts"][1].get("consent_at").is_none_or(Value::is_null));

    let reply = service.say(&sri, "POST", submit, &json!({})).await;
    is(&reply, 200);
    assert_eq!(reply.body["status"], "in_review");

    let queue = service.read(&officer, "/v1/moderation/queue").await;
    is(&queue, 200);
    assert_eq!(queue.body["items"][0]["listing"]["slug"], "batik-sri-lestari");
    assert_eq!(queue.body["counts"]["submission"], 1);
    is(&service.read(&sri, "/v1/moderation/queue").await, 403);

    // Sent back with a reason, put right, handed in again, published: found at once.
    let refuse = "/v1/listings/batik-sri-lestari/refuse";
    is(&service.say(&officer, "POST", refuse, &json!({})).await, 422);
    let reason = json!({"reason": "Foto kurang jelas"});
    is(&service.say(&officer, "POST", refuse, &reason).await, 200);
    is(&service.say(&sri, "POST", submit, &json!({})).await, 200);
    let publish = "/v1/listings/batik-sri-lestari/publish";
    is(&service.say(&sri, "POST", publish, &json!({})).await, 403);
    let reply = service.say(&officer, "POST", publish, &json!({})).await;
    is(&reply, 200);
    assert!(reply.header("change-seq").parse::<i64>().is_ok());
    let found = service.get("/v1/discover?q=sri%20lestari").await;
    assert_eq!(found.body["items"][0]["slug"], "batik-sri-lestari");
    let page = service.get("/v1/producers/batik-sri-lestari").await;
    assert!(page.text.contains("+6281200000001") && !page.text.contains("+6281200000002"));
    assert_eq!(
        service.read(&officer, "/v1/moderation/queue").await.body["counts"]["submission"],
        0
    );
}

#[tokio::test]
async fn every_fault_of_a_draft_comes_at_once_with_its_place() {
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    let bad = json!({
        "name": {"xx": "?"}, "category": "craft.magic", "location": {"lat": 91, "lon": 0},
        "form": "factory", "craft": "batik", "founded": "long ago", "colour": "red",
        "status": "published", "verified_at": "2026-01-01T00:00:00Z",
        "contacts": [{"type": "phone", "value": "12"}],
    });
    let reply = service.say(&sri, "POST", "/v1/producers", &bad).await;
    is(&reply, 422);
    let pointers: Vec<String> = codes(&reply).into_iter().map(|(pointer, _)| pointer).collect();
    for place in ["/colour", "/form", "/founded", "/location", "/status", "/verified_at", "/visit"]
    {
        assert!(pointers.iter().any(|pointer| pointer.starts_with(place)), "{place}: {pointers:?}");
    }
    let code = |at: &str| codes(&reply).into_iter().find(|(p, _)| p == at).map(|(_, code)| code);
    assert_eq!(code("/status").as_deref(), Some("read_only"));
    assert_eq!(code("/colour").as_deref(), Some("unknown_member"));
    assert_eq!(code("/visit").as_deref(), Some("missing"));
    assert_eq!(code("/verified_at").as_deref(), Some("not_allowed"));
}

#[tokio::test]
async fn a_body_must_be_what_it_says() {
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    let post = |media: &str, body: &str| {
        let request = service.method("POST", "/v1/places").bearer_auth(&sri.token);
        request.header("content-type", media).body(body.to_owned())
    };
    let reply = service.send(post("text/plain", "{}")).await;
    is(&reply, 415);
    assert_eq!(reply.header("accept"), "application/json");
    is(&service.send(post("application/json", "{\"name\": ")).await, 400);
    is(&service.send(post("application/json", "[]")).await, 422);
    is(&service.send(post("application/json", &"x".repeat(300_000))).await, 413);
    let patch = service.method("PATCH", "/v1/places/pantai-depok").bearer_auth(&sri.token);
    let reply = service.send(patch.json(&json!({}))).await;
    is(&reply, 415);
    assert_eq!(reply.header("accept-patch"), "application/merge-patch+json");
    is(&service.send(service.method("POST", "/v1/places").json(&json!({}))).await, 401);
}

#[tokio::test]
async fn nobody_overwrites_anybody() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = draft(&service, &sri).await;
    let path = format!("/v1/producers/{slug}");
    let patch = json!({"hours": "Mo-Fr 09:00-15:00"});
    is(&service.say(&sri, "PATCH", &path, &patch).await, 428);
    let first = service.saying(&sri, "PATCH", &path, &patch).header("if-match", "\"1\"");
    is(&service.send(first).await, 200);
    let late = service.saying(&officer, "PATCH", &path, &json!({"tags": ["batik"]}));
    let reply = service.send(late.header("if-match", "\"1-abc\"")).await;
    is(&reply, 412);
    assert!(reply.header("etag").starts_with("\"2"), "{:?}", reply.headers);
    // What changes nothing makes no version.
    let same = service.saying(&sri, "PATCH", &path, &patch).header("if-match", "\"2\"");
    let reply = service.send(same).await;
    is(&reply, 200);
    assert_eq!(reply.body["version"], 2);
}

#[tokio::test]
async fn a_tag_read_in_any_language_or_format_serves_a_write() {
    let service = Service::start().await;
    let admin = service.person(Role::Admin, &[]).await;
    for read in ["?lang=en", "?lang=jv", "?texts=all", "?format=geojson"] {
        let tag = service.get(&format!("/v1/places/pantai-depok{read}")).await;
        let tag = tag.header("etag").to_owned();
        let patch = json!({"tags": [read.trim_start_matches('?').replace('=', "-")]});
        let patch = service.saying(&admin, "PATCH", "/v1/places/pantai-depok", &patch);
        is(&service.send(patch.header("if-match", tag)).await, 200);
    }
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_stores_nothing() {
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    let reply = service.say(&sri, "POST", "/v1/producers?dry_run=true", &maker()).await;
    is(&reply, 201);
    assert_eq!(reply.body["slug"], "batik-sri-lestari");
    is(&service.read(&sri, "/v1/listings/batik-sri-lestari").await, 404);
    let bad = json!({"name": {}});
    is(&service.say(&sri, "POST", "/v1/producers?dry_run=true", &bad).await, 422);
    is(&service.say(&sri, "POST", "/v1/producers?dry_run=maybe", &bad).await, 400);
    is(&service.say(&sri, "POST", "/v1/producers?try=true", &bad).await, 400);
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_makes_one_listing() {
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    let post = |body: &Value| {
        service.saying(&sri, "POST", "/v1/producers", body).header("idempotency-key", "a-1")
    };
    let (body, other) = (maker(), json!({"name": {"id": "Lain"}}));
    let all = (0..8).map(|_| service.send(post(&body)));
    let replies: Vec<Reply> = futures_util::future::join_all(all).await;
    for reply in &replies {
        is(reply, 201);
        assert_eq!(reply.text, replies[0].text);
        assert_eq!(reply.header("etag"), replies[0].header("etag"));
        assert_eq!(reply.header("location"), replies[0].header("location"));
    }
    is(&service.send(post(&other)).await, 422);
    // Somebody else's key of that name is another key.
    let budi = service.person(Role::Producer, &[]).await;
    let theirs = service.saying(&budi, "POST", "/v1/producers", &maker());
    let reply = service.send(theirs.header("idempotency-key", "a-1")).await;
    is(&reply, 201);
    assert_eq!(reply.body["slug"], "batik-sri-lestari-2");
}

#[tokio::test]
async fn a_change_to_what_is_public_waits_and_the_old_state_stays() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = published(&service, &sri, &officer).await;
    let path = format!("/v1/producers/{slug}");
    let reply = service.change(&sri, &path, &json!({"summary": {"id": "Ringkasan baru."}})).await;
    is(&reply, 200);
    assert_eq!(reply.body["revision"]["status"], "pending");
    assert_eq!(reply.body["summary"]["id"], "Batik tulis pewarna alam dari Giriloyo.");
    let change = &reply.body["revision"]["changes"][0];
    assert_eq!(change["member"], "summary");
    assert_eq!(change["after"]["id"], "Ringkasan baru.");
    let (listing, id) = (format!("/v1/listings/{slug}"), reply.body["revision"]["id"].clone());
    let id = id.as_str().unwrap();
    assert_eq!(service.get(&path).await.body["summary"], "Batik tulis pewarna alam dari Giriloyo.");

    // The officer changes another member: the proposal still applies. The same: it clashes.
    is(&service.change(&officer, &path, &json!({"tags": ["batik"]})).await, 200);
    let approve = format!("{listing}/revisions/{id}/approve");
    is(&service.say(&sri, "POST", &approve, &json!({})).await, 403);
    let second = service.change(&sri, &path, &json!({"hours": "Mo-Fr 09:00-15:00"})).await;
    is(&service.change(&officer, &path, &json!({"hours": "Mo-Fr 10:00-12:00"})).await, 200);
    is(&service.say(&officer, "POST", &approve, &json!({})).await, 200);
    assert_eq!(service.get(&path).await.body["summary"], "Ringkasan baru.");
    assert_eq!(service.get(&path).await.body["tags"], json!(["batik"]));
    let other = second.body["revision"]["id"].as_str().unwrap();
    let shown = service.read(&sri, &format!("{listing}/revisions")).await;
    let pending = &shown.body["items"].as_array().unwrap().iter().find(|one| one["id"] == other);
    assert_eq!(pending.unwrap()["changes"][0]["clash"], true);
    let approve = format!("{listing}/revisions/{other}/approve");
    let reply = service.say(&officer, "POST", &approve, &json!({})).await;
    is(&reply, 409);
    assert_eq!(codes(&reply), [("/hours".to_owned(), "clash".to_owned())]);
    let refuse = format!("{listing}/revisions/{other}/refuse");
    is(&service.say(&officer, "POST", &refuse, &json!({"reason": "Sudah diubah"})).await, 200);
    is(&service.say(&officer, "POST", &refuse, &json!({"reason": "Lagi"})).await, 409);
    // An edit is held to the gaps that it opens.
    let reply = service.change(&sri, &path, &json!({"media": null})).await;
    is(&reply, 422);
    assert_eq!(codes(&reply), [("/media".to_owned(), "missing".to_owned())]);
}

#[tokio::test]
async fn whom_an_agency_trusts_publishes_what_it_allows_and_proposes_the_rest() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = published(&service, &sri, &officer).await;
    let path = format!("/v1/producers/{slug}");
    let trust = format!("/v1/agencies/{KUKMP}/trust");
    is(&service.say(&officer, "PUT", &trust, &json!({"members": ["hours", "notices"]})).await, 200);
    is(&service.say(&officer, "PUT", &trust, &json!({"members": ["source"]})).await, 422);
    is(&service.say(&sri, "PUT", &trust, &json!({"members": []})).await, 403);
    let keeper = format!("/v1/listings/{slug}/maintainers/{}", sri.id);
    is(&service.say(&officer, "POST", &keeper, &json!({"trusted": true})).await, 200);
    let reply = service.change(&sri, &path, &json!({"hours": "Mo-Su 08:00-20:00"})).await;
    assert_eq!(reply.body["revision"]["status"], "applied", "{}", reply.text);
    assert_eq!(reply.body["hours"], "Mo-Su 08:00-20:00");
    let both = json!({"hours": "24/7", "name": {"id": "Nama Lain"}});
    let reply = service.change(&sri, &path, &both).await;
    assert_eq!(reply.body["revision"]["status"], "pending");
    // A danger is an office's to tell.
    let danger = json!({"notices": [{"kind": "danger", "text": {"id": "Awas"}, "source": "saya"}]});
    is(&service.change(&sri, &path, &danger).await, 422);
}

#[tokio::test]
async fn a_listing_is_claimed_decided_and_kept() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let stranger = service.person(Role::Editor, &["dinas-pariwisata"]).await;
    let listing = "/v1/listings/sentra-batik-tulis-giriloyo";
    let claims = format!("{listing}/claims");
    is(&service.say(&sri, "POST", &claims, &json!({})).await, 422);
    let evidence = json!({"evidence": "Saya ketua kelompok; surat dari kalurahan ada."});
    let reply = service.say(&sri, "POST", &claims, &evidence).await;
    is(&reply, 201);
    is(&service.say(&sri, "POST", &claims, &evidence).await, 409);
    let claim = reply.header("location").to_owned();
    is(&service.read(&service.person(Role::Producer, &[]).await, &claim).await, 404);
    is(&service.read(&stranger, &claim).await, 404);
    is(&service.say(&sri, "POST", &format!("{claim}/approve"), &json!({})).await, 403);
    let queue = service.read(&officer, "/v1/moderation/queue?what=claim").await;
    let id = queue.body["items"][0]["id"].as_str().unwrap().to_owned();
    let item = format!("/v1/moderation/queue/{id}");
    let me = json!({"assignee": officer.id});
    is(&service.say(&officer, "POST", &format!("{item}/assign"), &me).await, 200);
    is(&service.say(&stranger, "POST", &format!("{item}/assign"), &me).await, 404);
    let said = json!({"text": "Sudah ditelepon."});
    is(&service.say(&officer, "POST", &format!("{item}/comments"), &said).await, 201);
    let shown = service.read(&officer, &item).await;
    assert_eq!(shown.body["comments"][0]["text"], "Sudah ditelepon.");
    assert_eq!(
        service.read(&officer, "/v1/moderation/queue?assigned=none").await.body["items"],
        json!([])
    );
    is(&service.say(&officer, "POST", &format!("{claim}/approve"), &json!({})).await, 200);
    is(&service.read(&sri, listing).await, 200);
    let shown = service.read(&sri, listing).await;
    assert_eq!(shown.body["missing"], json!(["media"]));
}

#[tokio::test]
async fn every_fault_of_a_draft_comes_at_once_in_the_language_of_who_wrote_it() {
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    let body = json!({"name": {"id": "Batik Sri"}, "category": "craft.batk", "form": "maker",
                      "craft": "batik", "visit": "rumah", "hours": "Senin-Sabtu", "tags": ["Kain Batik"],
                      "contacts": [{"type": "whatsapp", "value": "+6281200000001", "public": true}]});
    let mut pointers = Vec::new();
    for (lang, foreign) in [("id", "must"), ("en", "harus")] {
        let path = format!("/v1/producers?lang={lang}");
        let reply = service.say(&sri, "POST", &path, &body).await;
        is(&reply, 422);
        let mut found: Vec<String> = codes(&reply).into_iter().map(|(at, _)| at).collect();
        found.sort();
        pointers.push(found);
        for fault in reply.body["errors"].as_array().unwrap() {
            let detail = fault["detail"].as_str().unwrap();
            assert!(!detail.contains(foreign) && !detail.contains('\u{1}'), "{lang}: {detail}");
        }
    }
    assert_eq!(pointers[0], ["/category", "/hours", "/tags/0", "/visit"]);
    assert_eq!(pointers[0], pointers[1]);
}

#[tokio::test]
async fn an_officer_vouches_for_what_their_agency_answers_for_and_for_nothing_else() {
    let service = Service::start().await;
    let stranger = service.person(Role::Editor, &["dinas-pariwisata"]).await;
    // Who could name their own agency as responsible could publish anything.
    let mut body = maker();
    body["responsible_agency"] = json!("dinas-pariwisata");
    let reply = service.say(&stranger, "POST", "/v1/producers", &body).await;
    is(&reply, 422);
    assert_eq!(codes(&reply), [("/responsible_agency".to_owned(), "not_allowed".to_owned())]);
    let slug = draft(&service, &stranger).await;
    is(
        &service.say(&stranger, "POST", &format!("/v1/listings/{slug}/publish"), &json!({})).await,
        403,
    );
    let beach = json!({"name": {"id": "Pantai Baru"}, "category": "nature.beach",
                       "location": {"lat": -8.0, "lon": 110.3}, "verified_at": "2026-11-01T00:00:00Z"});
    is(&service.say(&stranger, "POST", "/v1/places", &beach).await, 201);
}

#[tokio::test]
async fn consent_is_its_holders_and_an_office_says_when_it_was_given() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = draft(&service, &sri).await;
    let path = format!("/v1/producers/{slug}");
    let shown = |consent: Value| {
        let mut contact = json!({"type": "phone", "value": "+6281200000002", "public": true});
        if !consent.is_null() {
            contact["consent_at"] = consent;
        }
        json!({"contacts": [maker()["contacts"][0], contact]})
    };
    let place = "/contacts/1/consent_at".to_owned();
    let reply = service.change(&officer, &path, &shown(Value::Null)).await;
    is(&reply, 422);
    assert_eq!(codes(&reply), [(place.clone(), "missing".to_owned())]);
    let reply = service.change(&officer, &path, &shown(json!("2027-01-01T00:00:00Z"))).await;
    assert_eq!(codes(&reply), [(place, "out_of_range".to_owned())]);
    is(&service.change(&officer, &path, &shown(json!("2026-11-20T00:00:00Z"))).await, 200);
    // She says so herself: now, and not another day.
    let reply = service
        .change(
            &sri,
            &path,
            &json!({"contacts": [
        {"type": "phone", "value": "+6281200000003", "public": true,
         "consent_at": "2020-01-01T00:00:00Z"}]}),
        )
        .await;
    assert_eq!(reply.body["contacts"][0]["consent_at"], "2026-11-24T05:00:00Z");
}

#[tokio::test]
async fn when_a_listing_ends_nothing_about_it_waits_any_more() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = published(&service, &sri, &officer).await;
    let listing = format!("/v1/listings/{slug}");
    let path = format!("/v1/producers/{slug}");
    let proposed = service.change(&sri, &path, &json!({"tags": ["baru"]})).await;
    let revision = proposed.body["revision"]["id"].as_str().unwrap().to_owned();
    let other = service.person(Role::Producer, &[]).await;
    let evidence = json!({"evidence": "Milik saya"});
    let claim = service.say(&other, "POST", &format!("{listing}/claims"), &evidence).await;
    let claim = claim.header("location").to_owned();
    assert_eq!(
        service.read(&officer, "/v1/moderation/queue").await.body["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    is(
        &service
            .say(&officer, "POST", &format!("{listing}/archive"), &json!({"reason": "Tutup"}))
            .await,
        200,
    );
    assert_eq!(service.read(&officer, "/v1/moderation/queue").await.body["items"], json!([]));
    let revisions = service.read(&sri, &format!("{listing}/revisions")).await;
    let decided = revisions.body["items"].as_array().unwrap();
    let decided = decided.iter().find(|one| one["id"] == *revision).unwrap();
    assert_eq!((&decided["status"], &decided["reason"]), (&json!("refused"), &json!("Tutup")));
    assert_eq!(service.read(&other, &claim).await.body["status"], "refused");
}

#[tokio::test]
async fn what_a_proposal_asks_for_is_asked_again_when_it_is_approved() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = published(&service, &sri, &officer).await;
    let path = format!("/v1/producers/{slug}");
    let proposed = service.change(&sri, &path, &json!({"slug": "batik-indah"})).await;
    let id = proposed.body["revision"]["id"].as_str().unwrap().to_owned();
    let mut body = maker();
    body["slug"] = json!("batik-indah");
    is(&service.say(&officer, "POST", "/v1/producers", &body).await, 422);
    body["contacts"] = json!([]);
    is(&service.say(&officer, "POST", "/v1/producers", &body).await, 201);
    let approve = format!("/v1/listings/{slug}/revisions/{id}/approve");
    let reply = service.say(&officer, "POST", &approve, &json!({})).await;
    is(&reply, 422);
    assert_eq!(codes(&reply), [("/slug".to_owned(), "taken".to_owned())]);
    // A stranger is told neither what waits nor what became of it.
    let other = service.person(Role::Producer, &[]).await;
    is(&service.say(&other, "POST", &approve, &json!({})).await, 403);
    let withdraw = format!("/v1/listings/{slug}/revisions/{id}/withdraw");
    is(&service.say(&officer, "POST", &withdraw, &json!({})).await, 403);
    is(&service.say(&sri, "POST", &withdraw, &json!({})).await, 200);
    is(&service.say(&sri, "POST", &withdraw, &json!({})).await, 409);
}

#[tokio::test]
async fn of_many_with_one_name_each_gets_a_slug_of_its_own() {
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    for n in 1..=60 {
        let slug = draft(&service, &sri).await;
        let number = if n == 1 { String::new() } else { format!("-{n}") };
        assert_eq!(slug, format!("batik-sri-lestari{number}"));
    }
}

#[tokio::test]
async fn a_kept_answer_is_forgotten_after_a_day() {
    use sea_orm::EntityTrait as _;
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    let post = service.saying(&sri, "POST", "/v1/producers", &maker());
    is(&service.send(post.header("idempotency-key", "a-1")).await, 201);
    let kept = async || {
        let all = domain::kept_answer::entity::Entity::find().all(&service.app.store.reader);
        all.await.unwrap().len()
    };
    service.app.forget().await.unwrap();
    assert_eq!(kept().await, 1);
    service.clock.set(tests::at("2026-11-25T12:00:00+07:00"));
    service.app.forget().await.unwrap();
    assert_eq!(kept().await, 0);
}

#[tokio::test]
async fn a_listing_goes_out_of_sight_ends_comes_back_and_becomes_another() {
    let service = Service::start().await;
    let admin = service.person(Role::Admin, &[]).await;
    let step = async |name: &str, step: &str, body: Value| {
        service.say(&admin, "POST", &format!("/v1/listings/{name}/{step}"), &body).await
    };
    let reason = || json!({"reason": "Sedang diperbaiki"});
    is(&step("pantai-depok", "suspend", json!({})).await, 422);
    is(&step("pantai-depok", "suspend", reason()).await, 200);
    is(&service.get("/v1/places/pantai-depok").await, 404);
    let reply = step("pantai-depok", "suspend", reason()).await;
    is(&reply, 409);
    assert!(reply.body["detail"].as_str().unwrap().contains("suspended"));
    is(&step("pantai-depok", "restore", json!({})).await, 200);
    is(&service.get("/v1/places/pantai-depok").await, 200);
    is(&step("pantai-depok", "archive", json!({})).await, 200);
    is(&service.get("/v1/places/pantai-depok").await, 410);
    let reply = step("pantai-depok", "restore", json!({})).await;
    assert_eq!(reply.body["status"], "draft");
    is(&step("pantai-depok", "publish", json!({})).await, 200);
    is(&step("pantai-depok", "merge", json!({"into": "batik-nowhere"})).await, 422);
    is(&step("pantai-depok", "merge", json!({"into": "pantai-depok"})).await, 422);
    is(&step("pantai-depok", "merge", json!({"into": "pantai-parangtritis"})).await, 200);
    let gone = service.get("/v1/places/pantai-depok").await;
    is(&gone, 410);
    assert_eq!(
        gone.body["merged_into"],
        service.get("/v1/places/pantai-parangtritis").await.body["id"]
    );
}

#[tokio::test]
async fn products_are_kept_like_their_producer() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = draft(&service, &sri).await;
    let products = format!("/v1/producers/{slug}/products");
    let scarf = json!({"name": {"id": "Selendang"}, "status": "active",
                       "price": {"amount": 250_000, "currency": "IDR"}});
    let reply = service.say(&sri, "POST", &products, &scarf).await;
    is(&reply, 201);
    assert_eq!(reply.body["slug"], "selendang");
    let bad =
        json!({"name": {"id": "x"}, "status": "lent", "price": {"amount": -1, "currency": "IDR"}});
    let reply = service.say(&sri, "POST", &products, &bad).await;
    is(&reply, 422);
    let pointers: Vec<String> = codes(&reply).into_iter().map(|(pointer, _)| pointer).collect();
    assert!(pointers.contains(&"/status".to_owned()), "{pointers:?}");
    is(
        &service.change(&sri, &format!("/v1/producers/{slug}"), &json!({"media": picture()})).await,
        200,
    );
    is(
        &service.say(&officer, "POST", &format!("/v1/listings/{slug}/publish"), &json!({})).await,
        200,
    );
    assert_eq!(service.get(&products).await.body["items"][0]["name"], "Selendang");
    // Now it is public: a price waits for the officer as any change does.
    let path = format!("{products}/selendang");
    let price = json!({"price": {"amount": 300_000}});
    is(&service.say(&sri, "PATCH", &path, &price).await, 428);
    let patch = service.saying(&sri, "PATCH", &path, &price).header("if-match", "\"1\"");
    let reply = service.send(patch).await;
    is(&reply, 200);
    assert_eq!(reply.body["revision"]["status"], "pending");
    assert_eq!(reply.body["price"]["amount"], 250_000);
    let id = reply.body["revision"]["id"].as_str().unwrap();
    let approve = format!("/v1/listings/{slug}/revisions/{id}/approve");
    is(&service.say(&officer, "POST", &approve, &json!({})).await, 200);
    assert_eq!(service.get(&products).await.body["items"][0]["price"]["amount"], 300_000);
    is(&service.say(&officer, "DELETE", &path, &json!({})).await, 200);
    assert_eq!(service.get(&products).await.body["items"], json!([]));
}

#[tokio::test]
async fn what_was_done_is_on_record_for_the_public_and_all_of_it_for_staff() {
    let service = Service::start().await;
    let (sri, officer) =
        (service.person(Role::Producer, &[]).await, service.person(Role::Editor, &[KUKMP]).await);
    let slug = published(&service, &sri, &officer).await;
    let path = format!("/v1/producers/{slug}");
    let change = json!({"contacts": [{"type": "phone", "value": "+6281200000009"}], "tags": ["a"]});
    is(&service.change(&officer, &path, &change).await, 200);
    let history = format!("/v1/listings/{slug}/history");
    let all = service.read(&officer, &history).await;
    let actions: Vec<&str> = all.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["edit", "publish", "edit", "create"]);
    assert_eq!(all.body["items"][0]["agency"], KUKMP);
    assert_eq!(all.body["items"][0]["actor"], officer.id.to_string());
    assert_eq!(all.body["items"][0]["after"]["contacts"][0]["value"], "+6281200000009");
    assert_eq!(all.body["items"][1]["after"]["status"], "published");
    let public = service.get(&history).await;
    assert_eq!(public.status, StatusCode::OK);
    assert!(!public.header("etag").is_empty() && public.header("cache-control").contains("public"));
    assert!(!public.text.contains("+62812") && !public.text.contains(&officer.id.to_string()));
    let actions: Vec<&str> = public.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["edit", "publish"]);
    assert_eq!(public.body["items"][0]["after"]["tags"], json!(["a"]));
    let verdict = domain::audit::verify(&service.app.store.reader, None).await.unwrap();
    assert!(verdict.findings.is_empty() && verdict.erased.is_empty(), "{verdict:?}");
}
