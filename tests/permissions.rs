//! Who may do what, over HTTP: every role, own or another's, in every status, every operation, held
//! to the agreement that `domain` has as text. Nothing is changed: all of it is a dry run.

use std::collections::BTreeMap;

use domain::{account::Role, listing::Status, maintainer, record, writer::Unit};
use serde_json::{Value, json};
use tests::{NOON, Reply, Service, Who, at};

const AGREED: &str = include_str!("../domain/src/permission/agreed.txt");
const STATUSES: [Status; 5] = Status::ALL;

/// The same maker in every status, and whether `who` keeps it.
async fn listings(service: &Service, keeper: &Who) -> BTreeMap<(bool, &'static str), String> {
    let mut made = BTreeMap::new();
    let admin = service.person(Role::Admin, &[]).await;
    for own in [false, true] {
        for (name, status) in
            ["Draft", "InReview", "Published", "Suspended", "Archived"].into_iter().zip(STATUSES)
        {
            let body = json!({
                "name": {"id": format!("Gerabah {own} {name}")}, "category": "craft.pottery",
                "location": {"lat": -7.83, "lon": 110.34}, "form": "maker", "craft": "pottery",
                "visit": "open", "media": [{"src": "https://contoh.example/a.jpg", "width": 1,
                "height": 1, "alt": {"id": "x"}, "credit": "x", "licence": "CC0-1.0"}],
            });
            let reply = service.say(&admin, "POST", "/v1/producers", &body).await;
            let id = reply.body["id"].as_str().unwrap().to_owned();
            let mut stored = record::named(&service.app.store.reader, &id).await.unwrap().unwrap();
            stored.listing.version += 1;
            stored.listing.status = status;
            stored.listing.published_at =
                (!matches!(status, Status::Draft | Status::InReview)).then(|| at(NOON));
            let row =
                own.then(|| maintainer::Model::new(keeper.id, stored.listing.id, at(NOON)).into());
            let write =
                domain::writer::Write::Listing { record: Box::new(stored), former_slug: None };
            let writes = std::iter::once(write).chain(row).collect();
            service.app.write(Unit::new(writes, "test", at(NOON))).await.unwrap();
            made.insert((own, name), id);
        }
    }
    made
}

/// One try of an operation, as a dry run.
async fn attempt(
    service: &Service,
    who: &Who,
    id: &str,
    into: &str,
    operation: &str,
) -> Option<Reply> {
    let listing = format!("/v1/listings/{id}");
    let step = |name: &str, body: Value| {
        let path = format!("{listing}/{name}?dry_run=true");
        service.saying(who, "POST", &path, &body)
    };
    let patch = |body: Value| {
        let path = format!("/v1/producers/{id}?dry_run=true");
        service.saying(who, "PATCH", &path, &body).header("if-match", "*")
    };
    let request = match operation {
        "see" => service.request(&listing).bearer_auth(&who.token),
        "see_record" => service.request(&format!("{listing}/maintainers")).bearer_auth(&who.token),
        "edit" => patch(json!({"tags": ["baru"]})),
        "vouch" => patch(json!({"verified_at": "2026-11-01T00:00:00Z"})),
        "submit" | "withdraw" | "publish" | "suspend" | "archive" | "restore" | "refuse" => {
            step(operation, json!({"reason": "Alasan"}))
        }
        "merge" => step(operation, json!({"into": into})),
        "claim" => step("claims", json!({"evidence": "Milik saya"})),
        // Their subjects are not made here: a proposal and a maintainer.
        _ => return None,
    };
    Some(service.send(request).await)
}

#[tokio::test]
async fn every_role_may_do_over_http_what_was_agreed_and_nothing_else() {
    let service = Service::start().await;
    let mut tried = 0;
    for (name, role, agencies) in [
        ("producer", Role::Producer, &[][..]),
        ("editor", Role::Editor, &["dinas-kukmp"]),
        ("other editor", Role::Editor, &["dinas-pariwisata"]),
        ("admin", Role::Admin, &[]),
    ] {
        let who = service.person(role, agencies).await;
        let made = listings(&service, &who).await;
        let into = service.get("/v1/producers/sentra-batik-tulis-giriloyo").await;
        let into = into.body["id"].as_str().unwrap().to_owned();
        for ((own, status), id) in &made {
            let whose = if *own { "own" } else { "another's" };
            let head = format!("{name}, {whose}, {status}:");
            let line = AGREED.lines().find(|line| line.starts_with(&head)).unwrap();
            let allowed: Vec<&str> = line[head.len()..].split(' ').collect();
            let sees = allowed.contains(&"see");
            for operation in [
                "see",
                "see_record",
                "edit",
                "vouch",
                "submit",
                "withdraw",
                "publish",
                "refuse",
                "suspend",
                "archive",
                "restore",
                "merge",
                "claim",
            ] {
                let Some(reply) = attempt(&service, &who, id, &into, operation).await else {
                    continue;
                };
                tried += 1;
                let may = allowed.contains(&operation);
                let code = reply.status.as_u16();
                let right = match (operation, may) {
                    // Who keeps it already has nothing to claim.
                    ("claim", true) => code == if *own { 409 } else { 201 },
                    (_, true) => code == 200,
                    // What nobody may know of is not there; what is gone is gone.
                    (_, false) if !sees && *status == "Archived" => code == 410,
                    (_, false) if !sees && *status != "Published" => code == 404,
                    // Vouching is a member that this one may not set, where it may edit at all.
                    ("vouch", false) => matches!(code, 403 | 409 | 422),
                    (_, false) => matches!(code, 403 | 409),
                };
                assert!(right, "{head} {operation}: {code} {}", reply.text);
            }
        }
    }
    assert_eq!(tried, 4 * 2 * 5 * 13);
}
