//! The record of who did what: it shows whether anybody touched it, and what was erased.

use domain::{account::Role, audit};
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tests::{Service, program};

/// A service on whose record a few things stand.
async fn with_a_record() -> Service {
    let service = Service::start().await;
    let admin = service.person(Role::Admin, &[]).await;
    for n in 0..5 {
        let patch = json!({"tags": [format!("tag-{n}")]});
        let reply = service.change(&admin, "/v1/places/pantai-depok", &patch).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    service
}

async fn verdict(service: &Service) -> Vec<String> {
    let verdict = audit::verify(&service.app.store.reader, None).await.unwrap();
    verdict.findings.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn an_untouched_record_holds_and_goes_on_from_its_head() {
    let service = with_a_record().await;
    assert_eq!(verdict(&service).await, [""; 0]);
    let (seq, head) = audit::head(&service.app.store.reader).await.unwrap();
    let admin = service.person(Role::Admin, &[]).await;
    service.change(&admin, "/v1/places/pantai-depok", &json!({"tags": ["lagi"]})).await;
    let verdict = audit::verify(&service.app.store.reader, Some(&head)).await.unwrap();
    assert_eq!((verdict.entries, verdict.findings.len()), (seq + 1, 0));
    let lost = audit::verify(&service.app.store.reader, Some("abc")).await.unwrap();
    assert_eq!(lost.findings, [audit::Finding::HeadMissing("abc".into())]);
}

#[tokio::test]
async fn whatever_is_changed_moved_or_removed_is_named() {
    let service = with_a_record().await;
    let db = &service.app.store.writer;
    let (last, _) = audit::head(db).await.unwrap();
    let (a, b, c) = (last - 3, last - 2, last - 1);
    for (doing, undoing, found) in [
        (
            format!("UPDATE audit SET action = 'look' WHERE seq = {a}"),
            format!("UPDATE audit SET action = 'edit' WHERE seq = {a}"),
            vec![format!("entry {a} was changed or moved")],
        ),
        (
            format!(
                "UPDATE audit_value SET value = '\"nobody\"' WHERE seq = {b} AND name = 'actor'"
            ),
            String::new(),
            vec![format!("entry {b}: `actor` was changed")],
        ),
    ] {
        db.execute_unprepared(&doing).await.unwrap();
        assert_eq!(verdict(&service).await, found, "{doing}");
        if !undoing.is_empty() {
            db.execute_unprepared(&undoing).await.unwrap();
        }
    }
    let erase = format!("DELETE FROM audit_value WHERE seq = {b} AND name = 'actor'");
    db.execute_unprepared(&erase).await.unwrap();
    let after = audit::verify(db, None).await.unwrap();
    assert_eq!((after.findings.len(), after.erased), (0, vec![(b, "actor".to_owned())]));

    let swap = [
        format!("DELETE FROM audit_value WHERE seq IN ({b}, {c})"),
        format!("UPDATE audit SET seq = -1 WHERE seq = {b}"),
        format!("UPDATE audit SET seq = {b} WHERE seq = {c}"),
        format!("UPDATE audit SET seq = {c} WHERE seq = -1"),
    ];
    for sql in &swap {
        db.execute_unprepared(sql).await.unwrap();
    }
    let found = verdict(&service).await;
    assert_eq!(
        found,
        [b, c, last].map(|seq| format!("entry {seq} was changed or moved")),
        "two entries that changed places"
    );
    for sql in &swap[1..] {
        db.execute_unprepared(sql).await.unwrap();
    }
    assert_eq!(verdict(&service).await, [""; 0]);
    db.execute_unprepared(&format!("DELETE FROM audit WHERE seq = {b}")).await.unwrap();
    assert_eq!(verdict(&service).await, [format!("entry {b} was removed")]);
}

#[tokio::test]
async fn a_record_whose_end_was_cut_off_and_a_listing_written_past_it_are_named() {
    let service = with_a_record().await;
    let db = &service.app.store.writer;
    let (last, _) = audit::head(db).await.unwrap();
    for table in ["audit_value", "audit"] {
        db.execute_unprepared(&format!("DELETE FROM {table} WHERE seq = {last}")).await.unwrap();
    }
    let id = service.get("/v1/places/pantai-depok").await.body["id"].clone();
    let id = id.as_str().unwrap();
    let said = format!("listing {id}: no entry is about its version 6");
    assert_eq!(verdict(&service).await, [said]);
}

#[tokio::test]
async fn the_program_walks_the_record_and_prints_its_head() {
    let service = with_a_record().await;
    let run = |args: &[&str]| {
        std::process::Command::new(program())
            .args(args)
            .args(["--database-url", &service.place.url])
            .output()
            .unwrap()
    };
    let head = run(&["audit", "head"]);
    assert!(head.status.success());
    let head = String::from_utf8(head.stdout).unwrap();
    let verified = run(&["audit", "verify", "--head", head.trim()]);
    assert!(verified.status.success(), "{verified:?}");
    let db = &service.app.store.writer;
    db.execute_unprepared("UPDATE audit SET version = 99 WHERE seq = 2").await.unwrap();
    let verified = run(&["audit", "verify"]);
    assert!(!verified.status.success());
    let said = String::from_utf8(verified.stdout).unwrap();
    assert!(said.contains("entry 2 was changed or moved"), "{said}");
}
