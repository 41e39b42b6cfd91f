//! How people come in and go, and what is kept of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use api::App;
use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
use chrono::TimeDelta;
use domain::{
    account::{self, Address, Role},
    audit, maintainer, message, record,
    revision::{self, Members},
    sign_in,
    writer::{Unit, Write},
};
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, EntityTrait as _, Statement};
use serde_json::{Value, json};
use tests::{NOON, Place, Reply, Service, Who, at};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    sync::mpsc,
};
use uuid::Uuid;

const SRI: &str = "sri@contoh.example";
const PHONE: &str = "+6281234567890";

async fn ask(service: &Service, to: &str) -> Reply {
    service.post("/v1/auth/code", &json!({"to": to})).await
}

async fn attempt(service: &Service, to: &str, code: &str) -> Reply {
    service.post("/v1/auth/token", &json!({"to": to, "code": code})).await
}

/// A code that is not `code`.
fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

#[tokio::test]
async fn whoever_reads_what_is_sent_to_an_address_comes_in_once() {
    let service = Service::empty().await;
    let asked = ask(&service, " Sri@Contoh.example").await;
    assert_eq!((asked.status.as_u16(), asked.text.as_str()), (202, ""));
    let code = service.code(SRI, 1).await;
    let came = attempt(&service, SRI, &code).await;
    assert_eq!(came.status, 200, "{}", came.text);
    assert_eq!(came.header("cache-control"), "private, no-store");
    assert_eq!(came.body["token_type"], "Bearer");
    assert_eq!(came.body["expires_at"], "2027-02-22T12:00:00+07:00");
    assert_eq!(came.body["account"]["email"], SRI);
    assert_eq!(came.body["account"]["role"], "producer");
    let token = came.body["access_token"].as_str().unwrap();
    assert!(token.starts_with("gry_") && token.len() == 68, "{token}");
    let me = service.send(service.request("/v1/me").bearer_auth(token)).await;
    assert_eq!(me.body, came.body["account"]);
    assert_eq!(me.header("cache-control"), "private, no-store");
    assert_eq!(attempt(&service, SRI, &code).await.status, 401);
}

#[tokio::test]
async fn the_same_person_comes_back_to_the_same_account() {
    let service = Service::empty().await;
    let first = service.come_in(SRI).await;
    ask(&service, SRI).await;
    let code = service.code(SRI, 2).await;
    let again = attempt(&service, SRI, &code).await;
    assert_eq!(again.body["account"]["id"], first.id.to_string());
}

#[tokio::test]
async fn a_message_is_a_file_for_its_owner_in_the_language_asked_for() {
    use std::os::unix::fs::PermissionsExt as _;
    let service = Service::empty().await;
    service.post("/v1/auth/code?lang=en", &json!({"to": SRI})).await;
    let letter = service.letters(SRI, 1).await.remove(0);
    let lines: Vec<&str> = letter.lines().collect();
    assert_eq!(lines[..2], [format!("To: {SRI}"), "Subject: Your Griya sign-in code".to_owned()]);
    let code = lines[2].strip_prefix("Code: ").unwrap();
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
    assert_eq!(lines[3], "");
    assert!(lines[4].contains(code), "{letter}");
    for (lang, subject) in [("id", "Kode masuk"), ("jv", "Kode mlebet")] {
        let to = format!("{lang}@contoh.example");
        service.post("/v1/auth/code?lang=en", &json!({"to": to, "lang": lang})).await;
        assert!(service.letters(&to, 1).await[0].contains(subject));
    }
    let folder = service.place.folder().join("messages");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn what_is_no_address_is_told_and_nothing_else_is() {
    let service = Service::empty().await;
    for to in ["sri", "a@b", "12", "", "a@b.id\r\nBcc: x@y.id"] {
        for (path, body) in [
            ("/v1/auth/code", json!({"to": to})),
            ("/v1/auth/token", json!({"to": to, "code": "123456"})),
        ] {
            let reply = service.post(path, &body).await;
            assert_eq!(reply.status, 422, "{to}: {}", reply.text);
            assert_eq!(reply.body["errors"][0]["pointer"], "/to");
        }
    }
    let odd = service.post("/v1/auth/code", &json!({"to": SRI, "role": "admin"})).await;
    assert_eq!(odd.body["errors"][0]["code"], "unknown_member");
    assert_eq!(service.post("/v1/auth/code?x=1", &json!({"to": SRI})).await.status, 400);
    let form =
        service.method("POST", "/v1/auth/code").body("to=sri").header("content-type", "text/plain");
    assert_eq!(service.send(form).await.status, 415);
}

/// All that an answer says, but for what is new in every request.
fn but_for_ids(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let id = reply.header("x-request-id").to_owned();
    let headers =
        reply.headers.iter().filter(|(name, _)| *name != "x-request-id" && *name != "date");
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    (reply.status.as_u16(), headers.collect(), reply.text.replace(&id, ""))
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let service = Service::empty().await;
    let who = service.come_in(SRI).await;
    let nobody = "tanpa@contoh.example";
    let (known, unknown) = (ask(&service, SRI).await, ask(&service, nobody).await);
    assert_eq!(but_for_ids(&known), but_for_ids(&unknown));
    let code = service.code(SRI, 2).await;
    let known = attempt(&service, SRI, other_than(&code)).await;
    let code = service.code(nobody, 1).await;
    let unknown = attempt(&service, nobody, other_than(&code)).await;
    let never_asked = attempt(&service, "lain@contoh.example", "123456").await;
    assert_eq!(known.status, 401);
    assert_eq!(but_for_ids(&known), but_for_ids(&unknown));
    assert_eq!(but_for_ids(&known), but_for_ids(&never_asked));
    let all = account::find(&service.app.store.reader, None, None, 10).await.unwrap();
    assert_eq!(all.iter().map(|account| account.id).collect::<Vec<_>>(), [who.id]);
}

#[tokio::test]
async fn wrong_used_up_used_and_late_codes_are_refused_alike() {
    let service = Service::empty().await;
    ask(&service, SRI).await;
    let code = service.code(SRI, 1).await;
    let wrong = attempt(&service, SRI, other_than(&code)).await;
    assert_eq!(wrong.body["type"], "/problems/unauthorized");
    assert_eq!(attempt(&service, SRI, &code).await.status, 200);
    let used = attempt(&service, SRI, &code).await;
    ask(&service, SRI).await;
    let code = service.code(SRI, 2).await;
    for _ in 0..5 {
        assert_eq!(attempt(&service, SRI, other_than(&code)).await.status, 401);
    }
    let used_up = attempt(&service, SRI, &code).await;
    ask(&service, SRI).await;
    let code = service.code(SRI, 3).await;
    service.clock.set(at(NOON) + TimeDelta::minutes(10));
    let late = attempt(&service, SRI, &code).await;
    for reply in [used, used_up, late] {
        assert_eq!(but_for_ids(&reply), but_for_ids(&wrong));
    }
}

#[tokio::test]
async fn a_code_is_good_until_its_last_moment_and_its_fifth_try() {
    let service = Service::empty().await;
    ask(&service, SRI).await;
    let code = service.code(SRI, 1).await;
    for _ in 0..4 {
        attempt(&service, SRI, other_than(&code)).await;
    }
    service.clock.set(at(NOON) + TimeDelta::minutes(10) - TimeDelta::microseconds(1));
    assert_eq!(attempt(&service, SRI, &code).await.status, 200);
}

#[tokio::test]
async fn guesses_at_the_same_moment_are_no_more_guesses() {
    let service = Service::empty().await;
    ask(&service, SRI).await;
    let code = service.code(SRI, 1).await;
    let wrong = other_than(&code);
    let replies = join_all((0..24).map(|_| attempt(&service, SRI, wrong))).await;
    assert!(replies.iter().all(|reply| reply.status == 401));
    let row = sign_in::at(&service.app.store.reader, &address(SRI)).await.unwrap().unwrap();
    assert_eq!(row.tries, 5);
    assert_eq!(attempt(&service, SRI, &code).await.status, 401);
}

#[tokio::test]
async fn of_those_who_have_the_code_at_the_same_moment_one_comes_in() {
    let service = Service::empty().await;
    ask(&service, SRI).await;
    let code = service.code(SRI, 1).await;
    let replies = join_all((0..5).map(|_| attempt(&service, SRI, &code))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 4);
}

#[tokio::test]
async fn a_new_code_ends_the_one_before() {
    let service = Service::empty().await;
    ask(&service, SRI).await;
    let old = service.code(SRI, 1).await;
    let new = loop {
        ask(&service, SRI).await;
        let count = service.letters(SRI, 2).await.len();
        let new = service.code(SRI, count).await;
        // One in a million is the same.
        if new != old {
            break new;
        }
    };
    assert_eq!(attempt(&service, SRI, &old).await.status, 401);
    assert_eq!(attempt(&service, SRI, &new).await.status, 200);
}

#[tokio::test]
async fn nobody_is_sent_more_than_five_codes_an_hour_and_nobody_can_tell() {
    let service = Service::empty().await;
    let first = ask(&service, SRI).await;
    for _ in 0..7 {
        let reply = ask(&service, SRI).await;
        assert_eq!(but_for_ids(&reply), but_for_ids(&first));
    }
    ask(&service, "lain@contoh.example").await;
    service.letters("lain@contoh.example", 1).await;
    assert_eq!(service.letters(SRI, 5).await.len(), 5);
    let code = service.code(SRI, 5).await;
    assert_eq!(attempt(&service, SRI, &code).await.status, 200, "the fifth is still good");
    service.clock.set(at(NOON) + TimeDelta::hours(1));
    ask(&service, SRI).await;
    let code = service.code(SRI, 6).await;
    assert_eq!(attempt(&service, SRI, &code).await.status, 200);
}

#[tokio::test]
async fn one_network_address_asks_and_guesses_only_so_often_an_hour() {
    let service = Service::over(Place::empty().await, &["--rate=on"]).await;
    for number in 0..30 {
        assert_eq!(ask(&service, &format!("{number}@contoh.example")).await.status, 202);
    }
    let refused = ask(&service, SRI).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), "3601");
    for _ in 0..60 {
        assert_eq!(attempt(&service, SRI, "123456").await.status, 401);
    }
    assert_eq!(attempt(&service, SRI, "123456").await.status, 429);
    service.clock.set(at(NOON) + TimeDelta::hours(1));
    assert_eq!(ask(&service, SRI).await.status, 202);
    assert_eq!(attempt(&service, SRI, "123456").await.status, 401);
}

/// Every row of every table, as text.
pub async fn everything(db: &DatabaseConnection) -> String {
    let backend = db.get_database_backend();
    let lines = async |sql: &str| {
        let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        rows.iter().map(|row| row.try_get::<String>("", "line").unwrap()).collect::<Vec<_>>()
    };
    let mut all = String::new();
    if backend == DbBackend::Postgres {
        let tables = "SELECT table_name::text AS line FROM information_schema.tables \
                      WHERE table_schema = 'public'";
        for table in lines(tables).await {
            let rows = format!("SELECT row_to_json(t)::text AS line FROM \"{table}\" t");
            all += &lines(&rows).await.join("\n");
        }
        return all;
    }
    let tables = "SELECT name AS line FROM sqlite_master WHERE type = 'table'";
    for table in lines(tables).await {
        let columns = format!("SELECT name AS line FROM pragma_table_info('{table}')");
        let columns: Vec<_> =
            lines(&columns).await.iter().map(|c| format!("quote(\"{c}\")")).collect();
        let rows = format!("SELECT {} AS line FROM \"{table}\"", columns.join(" || ' ' || "));
        all += &lines(&rows).await.join("\n");
    }
    all
}

#[tokio::test]
async fn a_stolen_database_opens_nothing() {
    let service = Service::empty().await;
    let who = service.come_in(SRI).await;
    ask(&service, "belum@contoh.example").await;
    let code = service.code("belum@contoh.example", 1).await;
    let all = everything(&service.app.store.writer).await;
    assert!(all.contains(SRI) && all.contains("$argon2id$"), "the tables were read");
    assert!(!all.contains(&who.token) && !all.contains(&who.token[4..]));
    // As a word: among the digits of ids and digests any six may stand by chance.
    assert!(all.split(|c: char| !c.is_alphanumeric()).all(|word| word != code));
    assert!(!all.contains("belum@"), "who only asked leaves no address behind");
}

#[tokio::test]
async fn sessions_are_seen_and_ended_by_whose_they_are() {
    let service = Service::empty().await;
    ask(&service, SRI).await;
    let code = service.code(SRI, 1).await;
    let agent = format!("Peramban/{}", "9".repeat(200));
    let request = service.method("POST", "/v1/auth/token").header("user-agent", &agent);
    let body = json!({"to": SRI, "code": code}).to_string();
    let came = service.send(request.header("content-type", "application/json").body(body)).await;
    let here = Who {
        id: came.body["account"]["id"].as_str().unwrap().parse().unwrap(),
        token: came.body["access_token"].as_str().unwrap().to_owned(),
    };
    service.clock.set(at(NOON) + TimeDelta::hours(1));
    ask(&service, SRI).await;
    let code = service.code(SRI, 2).await;
    attempt(&service, SRI, &code).await;
    let list = service.read(&here, "/v1/auth/sessions").await;
    let items = list.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!((&items[0]["current"], &items[1]["current"]), (&json!(false), &json!(true)));
    assert_eq!(items[1]["agent"].as_str().unwrap(), &agent[..120]);
    assert!(!list.text.contains("hash"), "{}", list.text);

    let other = service.come_in("lain@contoh.example").await;
    let end = async |who: &Who, id: &Value| {
        let path = format!("/v1/auth/sessions/{}", id.as_str().unwrap());
        service.send(service.method("DELETE", &path).bearer_auth(&who.token)).await.status
    };
    assert_eq!(end(&other, &items[0]["id"]).await, 404);
    assert_eq!(end(&here, &json!("nothing")).await, 404);
    assert_eq!(end(&here, &items[0]["id"]).await, 204);
    assert_eq!(end(&here, &items[0]["id"]).await, 404);
    assert_eq!(end(&here, &items[1]["id"]).await, 204);
    assert_eq!(service.read(&here, "/v1/me").await.status, 401);
    assert_eq!(service.get("/v1/auth/sessions").await.status, 401);
}

#[tokio::test]
async fn a_token_ends_after_ninety_days() {
    let service = Service::empty().await;
    let who = service.come_in(SRI).await;
    service.clock.set(at(NOON) + TimeDelta::days(90) - TimeDelta::microseconds(1));
    assert_eq!(service.read(&who, "/v1/me").await.status, 200);
    service.clock.set(at(NOON) + TimeDelta::days(90));
    assert_eq!(service.read(&who, "/v1/me").await.status, 401);
}

#[tokio::test]
async fn one_says_what_one_is_called_and_in_which_language_one_is_written_to() {
    let service = Service::empty().await;
    let who = service.come_in(SRI).await;
    let tag = service.read(&who, "/v1/me").await.header("etag").to_owned();
    let patch = json!({"name": " Sri Wahyuni ", "lang": "jv"});
    let without = service.say(&who, "PATCH", "/v1/me", &patch).await;
    assert_eq!(without.status, 428);
    let change = async |tag: &str, patch: &Value| {
        service.send(service.saying(&who, "PATCH", "/v1/me", patch).header("if-match", tag)).await
    };
    let changed = change(&tag, &patch).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.body["name"], "Sri Wahyuni");
    assert_eq!(service.read(&who, "/v1/me").await.body, changed.body);
    let stale = change(&tag, &patch).await;
    assert_eq!(stale.status, 412);
    let taken = change(stale.header("etag"), &json!({"name": null})).await;
    assert!(taken.body["name"].is_null() && taken.body["lang"] == "jv", "{}", taken.text);
    for (patch, pointer) in [
        (json!({"role": "admin"}), "/role"),
        (json!({"email": "x@y.id"}), "/email"),
        (json!({"lang": "de"}), "/lang"),
        (json!({"lang": null}), "/lang"),
        (json!({"name": "x".repeat(121)}), "/name"),
    ] {
        let reply = change("*", &patch).await;
        assert_eq!(reply.status, 422, "{patch}");
        assert_eq!(reply.body["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn a_second_address_lets_one_into_the_same_account() {
    let service = Service::empty().await;
    let who = service.come_in(SRI).await;
    let add = async |who: &Who, to: &str, code: &str| {
        service.say(who, "POST", "/v1/me/addresses", &json!({"to": to, "code": code})).await
    };
    ask(&service, "0812-3456-7890").await;
    let code = service.code(PHONE, 1).await;
    let wrong = add(&who, PHONE, other_than(&code)).await;
    assert_eq!(wrong.status, 422, "the token is good all the same");
    assert_eq!(wrong.body["errors"][0]["pointer"], "/code");
    let added = add(&who, PHONE, &code).await;
    assert_eq!(added.status, 200, "{}", added.text);
    assert_eq!((&added.body["email"], &added.body["phone"]), (&json!(SRI), &json!(PHONE)));
    ask(&service, PHONE).await;
    let code = service.code(PHONE, 2).await;
    let came = attempt(&service, PHONE, &code).await;
    assert_eq!(came.body["account"]["id"], who.id.to_string());

    let other = service.come_in("lain@contoh.example").await;
    ask(&service, PHONE).await;
    let code = service.code(PHONE, 3).await;
    assert_eq!(add(&other, PHONE, &code).await.status, 409);
}

/// Somebody who keeps `slug`, alone, has changed it, and whom the record knows.
async fn keeper_of(service: &Service, slug: &str) -> (Who, Uuid) {
    let who = service.come_in(SRI).await;
    let reader = &service.app.store.reader;
    let slug = slug.parse().unwrap();
    let id = record::ids_of(reader, std::slice::from_ref(&slug)).await.unwrap()[&slug];
    let mut record = record::load(reader, &[id]).await.unwrap().remove(0);
    let contact = |value: &str, public| {
        serde_json::from_value(json!({"type": "phone", "value": value, "public": public})).unwrap()
    };
    record.listing.contacts.0 =
        vec![contact("+6281111111111", true), contact("+6282222222222", false)];
    record.listing.version += 1;
    let members = |value: Value| Members(value.as_object().unwrap().clone());
    let contacts = json!({"contacts": record.listing.contacts});
    let revision = revision::Model {
        id: Uuid::now_v7(),
        listing: id,
        author: Some(who.id),
        base_version: 1,
        result_version: Some(2),
        status: revision::Status::Applied,
        patch: members(contacts.clone()),
        before: members(json!({"contacts": []})),
        reason: None,
        decided_by: Some(who.id),
        decided_at: Some(at(NOON)),
        created_at: at(NOON),
        version: 1,
    };
    let entry = audit::Entry::new("edit", id, record.listing.version)
        .with("actor", who.id.to_string(), Uuid::now_v7())
        .with("after", json!({"hours": "24/7"}), Uuid::now_v7())
        .with("after_private", contacts, Uuid::now_v7());
    let writes = vec![
        Write::Listing { record: Box::new(record), former_slug: None },
        maintainer::Model::new(who.id, id, at(NOON)).into(),
        revision.into(),
        message::Model::new(
            Uuid::now_v7(),
            who.id,
            domain::text::Lang::Id,
            "Kabar",
            "Entri Anda tayang",
            at(NOON),
        )
        .into(),
    ];
    let mut unit = Unit::new(writes, who.id.to_string(), at(NOON));
    unit.entries.push(entry);
    service.app.write(unit).await.unwrap();
    (who, id)
}

const BATIK: &str = "contoh-batik-wijaya-giriloyo";

#[tokio::test]
async fn one_is_told_everything_that_is_held_about_one() {
    let service = Service::start().await;
    let (who, listing) = keeper_of(&service, BATIK).await;
    let export = service.read(&who, "/v1/me/export").await;
    assert_eq!(export.status, 200, "{}", export.text);
    let body = &export.body;
    assert_eq!(body["account"]["email"], SRI);
    assert_eq!(body["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(body["maintainers"][0]["listing"], listing.to_string());
    assert_eq!(body["revisions"][0]["patch"]["contacts"][1]["value"], "+6282222222222");
    assert_eq!(body["messages"][0]["subject"], "Kabar");
    assert_eq!(body["audit"][0]["values"]["after"]["hours"], "24/7");
    assert!(body["audit"][0]["values"]["after_private"].is_object());
    assert!(!export.text.contains("hash") && !export.text.contains("argon2"));
    let other = service.come_in("lain@contoh.example").await;
    let export = service.read(&other, "/v1/me/export").await;
    assert!(export.body["audit"].as_array().unwrap().is_empty(), "{}", export.text);
}

#[tokio::test]
async fn who_asks_to_be_forgotten_is_and_what_they_published_stays() {
    let service = Service::start().await;
    let (who, listing) = keeper_of(&service, BATIK).await;
    service.letters(SRI, 2).await;
    let before = service.get(&format!("/v1/producers/{BATIK}")).await.body;
    let delete = || service.method("DELETE", "/v1/me").bearer_auth(&who.token);
    let tried = service.method("DELETE", "/v1/me?dry_run=true").bearer_auth(&who.token);
    assert_eq!(service.send(tried).await.status, 204);
    assert_eq!(service.send(delete()).await.status, 204);
    assert_eq!(service.send(delete()).await.status, 401, "the token opens nothing");

    let reader = &service.app.store.reader;
    let account = account::get(reader, who.id).await.unwrap().unwrap();
    assert_eq!((account.email, account.phone, account.name), (None, None, None));
    assert_eq!(account.erased_at, Some(at(NOON)));
    assert!(maintainer::keepers_of(reader, listing).await.unwrap().is_empty());
    let revision = revision::of(reader, listing).await.unwrap().remove(0);
    assert_eq!(revision.author, None);
    let all = everything(&service.app.store.writer).await;
    for private in [SRI, "+6282222222222", "Entri Anda tayang"] {
        assert!(!all.contains(private), "{private} is left");
    }
    assert!(all.contains("+6281111111111"), "what is public stays");

    let verdict = audit::verify(reader, None).await.unwrap();
    assert_eq!(verdict.findings, [], "the chain holds");
    let erased: Vec<&str> = verdict.erased.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(erased, ["actor", "after_private"]);
    let about = audit::about(reader, &who.id.to_string(), None, 10).await.unwrap();
    assert_eq!(about[0].0.action, "erase");
    assert!(about[0].1.is_empty(), "the erasure itself says nothing of them");

    let after = service.get(&format!("/v1/producers/{BATIK}")).await;
    assert_eq!(after.status, 200);
    assert_eq!(
        (&after.body["name"], &after.body["contacts"]),
        (&before["name"], &before["contacts"])
    );
    ask(&service, SRI).await;
    let code = service.code(SRI, 3).await;
    let anew = attempt(&service, SRI, &code).await;
    assert_ne!(anew.body["account"]["id"], who.id.to_string(), "they begin anew");
}

#[tokio::test]
async fn administrators_appoint_officers_who_are_told_and_the_record_says_so() {
    let service = Service::start().await;
    let admin = service.person(Role::Admin, &[]).await;
    let office = json!({"to": "petugas@contoh.example", "role": "editor", "name": "Ibu Rini",
                        "agencies": ["dinas-pariwisata"]});
    let tried = service.say(&admin, "POST", "/v1/accounts?dry_run=true", &office).await;
    assert_eq!(tried.status, 201, "{}", tried.text);
    let made = service.say(&admin, "POST", "/v1/accounts", &office).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = made.header("location").to_owned();
    assert_eq!(made.body["agencies"], json!(["dinas-pariwisata"]));
    let told = service.letters("petugas@contoh.example", 1).await;
    assert!(
        told[0].contains("editor (dinas-pariwisata)") && !told[0].contains("Code:"),
        "{told:?}"
    );

    let found = service.read(&admin, &path).await;
    assert_eq!(found.body, made.body);
    let patch = json!({"role": "producer", "agencies": []});
    let without = service.say(&admin, "PATCH", &path, &patch).await;
    assert_eq!(without.status, 428);
    let request = service.saying(&admin, "PATCH", &path, &patch);
    let changed = service.send(request.header("if-match", found.header("etag"))).await;
    assert_eq!((changed.status.as_u16(), &changed.body["role"]), (200, &json!("producer")));
    let raised = service.say(&admin, "POST", "/v1/accounts", &office).await;
    assert_eq!((raised.status.as_u16(), &raised.body["id"]), (200, &made.body["id"]));

    let id = made.body["id"].as_str().unwrap();
    let record = audit::about(&service.app.store.reader, id, None, 10).await.unwrap();
    assert_eq!(record.iter().map(|(e, _)| e.action.as_str()).collect::<Vec<_>>(), ["appoint"; 3]);
    let actor = record[0].1.iter().find(|value| value.name == "actor").unwrap();
    assert_eq!(actor.json(), admin.id.to_string());
}

#[tokio::test]
async fn an_appointment_that_makes_no_sense_is_refused_and_so_is_who_may_not() {
    let service = Service::start().await;
    let admin = service.person(Role::Admin, &[]).await;
    for (body, pointer) in [
        (json!({"to": "a@b.id", "role": "king"}), "/role"),
        (json!({"to": "a@b.id", "role": "editor", "agencies": ["nobody"]}), "/agencies/0"),
        (json!({"to": "a@b.id", "role": "admin", "agencies": ["dinas-pariwisata"]}), "/agencies"),
        (json!({"to": "nowhere", "role": "admin"}), "/to"),
    ] {
        let reply = service.say(&admin, "POST", "/v1/accounts", &body).await;
        assert_eq!(reply.status, 422, "{body}: {}", reply.text);
        assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{body}");
    }
    let own = format!("/v1/accounts/{}", admin.id);
    let request = service.saying(&admin, "PATCH", &own, &json!({"role": "producer"}));
    assert_eq!(service.send(request.header("if-match", "*")).await.status, 403);
    for role in [Role::Producer, Role::Editor] {
        let other = service.person(role, &[]).await;
        let body = json!({"to": "a@b.id", "role": "admin"});
        for (method, path) in [
            ("GET", "/v1/accounts"),
            ("GET", own.as_str()),
            ("POST", "/v1/accounts"),
            ("PATCH", &own),
        ] {
            let reply = if method == "GET" {
                service.read(&other, path).await
            } else {
                service.say(&other, method, path, &body).await
            };
            assert_eq!(reply.status, 403, "{role:?} {method} {path}");
        }
    }
    assert_eq!(service.get("/v1/accounts").await.status, 401);
}

#[tokio::test]
async fn accounts_are_found_by_a_part_of_address_or_name_page_by_page() {
    let service = Service::empty().await;
    let admin = service.person(Role::Admin, &[]).await;
    for number in 0..5 {
        let body = json!({"to": format!("kelompok_{number}@contoh.example"), "role": "producer",
                          "name": format!("Kelompok 100% Batik {number}")});
        assert_eq!(service.say(&admin, "POST", "/v1/accounts", &body).await.status, 201);
    }
    for (q, count) in [("KELOMPOK_", 5), ("100%25+batik+3", 1), ("kelompok%251", 0), ("_3@", 1)] {
        let reply = service.read(&admin, &format!("/v1/accounts?q={q}")).await;
        assert_eq!(reply.body["items"].as_array().unwrap().len(), count, "{q}: {}", reply.text);
    }
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let page = service.read(&admin, &format!("/v1/accounts?q=kelompok&limit=2{cursor}")).await;
        seen.extend(page.each("id").into_iter().map(str::to_owned));
        match page.body["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (5, 5));
    for path in ["/v1/accounts?limit=101", "/v1/accounts?cursor=x", "/v1/accounts?x=1"] {
        assert_eq!(service.read(&admin, path).await.status, 400, "{path}");
    }
}

/// A mail server that takes everything in, and tells of each message whole.
async fn mail_server() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let (mut lines, mut all) = (BufReader::new(read).lines(), String::new());
                write.write_all(b"220 ready\r\n").await.unwrap();
                while let Ok(Some(line)) = lines.next_line().await {
                    all.extend([line.as_str(), "\n"]);
                    let answer = match line.split(' ').next().unwrap() {
                        "EHLO" => "250-here\r\n250 AUTH PLAIN\r\n",
                        "AUTH" => "235 welcome\r\n",
                        "DATA" => "354 go on\r\n",
                        "MAIL" | "RCPT" | "." => "250 yes\r\n",
                        "QUIT" => "221 bye\r\n",
                        _ => continue,
                    };
                    write.write_all(answer.as_bytes()).await.unwrap();
                    if line == "." {
                        tell.send(std::mem::take(&mut all)).unwrap();
                    }
                }
            });
        }
    });
    (address, told)
}

#[tokio::test]
async fn a_code_for_an_email_address_goes_by_mail_where_there_is_a_mail_server() {
    let (server, mut mail) = mail_server().await;
    let flags = [
        &format!("--smtp-url=smtp://griya:rahasia@{server}"),
        "--mail-from=Griya <kabar@griya.example>",
    ];
    let service = Service::over(Place::empty().await, &flags).await;
    assert_eq!(ask(&service, SRI).await.status, 202);
    let message = mail.recv().await.unwrap();
    assert!(message.contains(&format!("RCPT TO:<{SRI}>")), "{message}");
    assert!(message.contains("AUTH PLAIN"), "{message}");
    assert!(message.contains("From: Griya <kabar@griya.example>"), "{message}");
    let after = message.split("Kode masuk Anda: ").nth(1).unwrap();
    assert_eq!(attempt(&service, SRI, &after[..6]).await.status, 200, "{message}");
    ask(&service, PHONE).await;
    service.letters(PHONE, 1).await;
    assert!(tests::letters(service.place.folder(), SRI).is_empty(), "no copy is left in a file");
}

/// What its route has.
type Has = (Arc<AtomicUsize>, mpsc::UnboundedSender<(String, Value)>);

/// A gateway that refuses the first few messages, and tells of those it takes.
struct Gateway {
    url: String,
    refuses: Arc<AtomicUsize>,
    taken: mpsc::UnboundedReceiver<(String, Value)>,
}

impl Gateway {
    async fn start(refuses: usize) -> Self {
        let refuses = Arc::new(AtomicUsize::new(refuses));
        let (tell, taken) = mpsc::unbounded_channel();
        let take = async |State((refuses, tell)): State<Has>,
                          headers: HeaderMap,
                          Json(body): Json<Value>| {
            let left =
                refuses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            if left.is_ok() {
                return axum::http::StatusCode::BAD_GATEWAY;
            }
            let token = headers["authorization"].to_str().unwrap().to_owned();
            tell.send((token, body)).unwrap();
            axum::http::StatusCode::ACCEPTED
        };
        let routes =
            Router::new().route("/send", post(take)).with_state((Arc::clone(&refuses), tell));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/send", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, refuses, taken }
    }

    fn flags(&self) -> [String; 2] {
        [format!("--message-gateway-url={}", self.url), "--message-gateway-token=kunci".to_owned()]
    }
}

async fn with_gateway(gateway: &Gateway) -> Service {
    let [url, token] = gateway.flags();
    Service::over(Place::empty().await, &[&url, &token]).await
}

#[tokio::test]
async fn a_code_for_a_phone_goes_by_the_gateway_where_there_is_one() {
    // Refused once: somebody waits, so it is tried again.
    let mut gateway = Gateway::start(1).await;
    let service = with_gateway(&gateway).await;
    assert_eq!(ask(&service, PHONE).await.status, 202);
    let (token, body) = gateway.taken.recv().await.unwrap();
    assert_eq!(token, "Bearer kunci");
    assert_eq!((&body["to"], &body["channel"]), (&json!(PHONE), &json!("whatsapp")));
    let code = &body["text"].as_str().unwrap().split(": ").nth(1).unwrap()[..6];
    assert_eq!(attempt(&service, PHONE, code).await.status, 200);
    assert!(tests::letters(service.place.folder(), PHONE).is_empty());
}

/// The only message that was written, once `holds`.
async fn message_once(service: &Service, holds: fn(&message::Model) -> bool) -> message::Model {
    loop {
        let all = message::entity::Entity::find().all(&service.app.store.reader).await.unwrap();
        if let Some(message) = all.into_iter().find(holds) {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn appoint(service: &Service, to: &str) {
    let admin = service.person(Role::Admin, &[]).await;
    let body = json!({"to": to, "role": "producer"});
    assert_eq!(service.say(&admin, "POST", "/v1/accounts", &body).await.status, 201);
}

#[tokio::test]
async fn a_message_that_was_refused_waits_and_is_sent_later_once() {
    let mut gateway = Gateway::start(1).await;
    let service = with_gateway(&gateway).await;
    appoint(&service, PHONE).await;
    let waiting = message_once(&service, |message| message.tries == 1).await;
    assert_eq!(waiting.sent_at, None);
    while gateway.refuses.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    service.clock.set(at(NOON) + TimeDelta::seconds(30));
    service.app.outbox.poke();
    let sent = message_once(&service, |message| message.sent_at.is_some()).await;
    assert_eq!(sent.tries, 2);
    let (_, body) = gateway.taken.recv().await.unwrap();
    assert_eq!(body["text"], sent.text);
    assert!(gateway.taken.try_recv().is_err(), "it came once");
}

#[tokio::test]
async fn a_message_that_nobody_takes_is_given_up_in_the_end() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let gateway = format!("--message-gateway-url=http://127.0.0.1:{port}");
    let service = Service::over(Place::empty().await, &[&gateway]).await;
    assert_eq!(ask(&service, PHONE).await.status, 202, "whoever asks is not kept waiting");
    appoint(&service, "+6281999999999").await;
    let mut tries = 0;
    let last = loop {
        let message = message_once(&service, |_| true).await;
        if message.sent_at.is_some() {
            break message;
        }
        assert!(message.tries >= tries);
        tries = message.tries;
        service.clock.set(message.due_at());
        service.app.outbox.poke();
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(last.tries, message::TRIES);
}

#[tokio::test]
async fn of_two_nodes_one_sends_a_message() {
    let mut gateway = Gateway::start(0).await;
    let service = with_gateway(&gateway).await;
    let other = App::start(
        service.place.open().await,
        (*service.app.settings).clone(),
        service.clock.clone(),
    )
    .await
    .unwrap();
    let who = service.come_in(SRI).await;
    account::get(&service.app.store.reader, who.id).await.unwrap().unwrap();
    let phones: Vec<String> = (0..20).map(|n| format!("+62812000000{n:02}")).collect();
    let mut writes = Vec::new();
    for phone in &phones {
        let id = Uuid::now_v7();
        let lang = domain::text::Lang::Id;
        writes.push(account::Model::new(id, address(phone), lang, at(NOON)).into());
        let message =
            message::Model::new(Uuid::now_v7(), id, lang, "Kabar", phone.as_str(), at(NOON));
        writes.push(message.into());
    }
    service.app.writer.write(Unit::new(writes, "test", at(NOON))).await.unwrap();
    service.app.outbox.poke();
    other.outbox.poke();
    let mut came = Vec::new();
    for _ in &phones {
        came.push(gateway.taken.recv().await.unwrap().1["to"].as_str().unwrap().to_owned());
    }
    while !message::unsent(&service.app.store.reader, 1).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    came.sort();
    assert_eq!(came, phones);
    assert!(gateway.taken.try_recv().is_err(), "none came twice");
}
