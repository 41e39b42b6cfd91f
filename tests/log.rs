//! The change log: nothing that is committed is missed, and the index is what the database is.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{
    change, record,
    record::Record,
    store::Store,
    writer::{Unit, Write, Writer},
};
use tests::{Place, Service, at};
use uuid::Uuid;

pub fn unit(record: Record) -> Unit {
    let write = Write::Listing { record: Box::new(record), former_slug: None };
    Unit::new(vec![write], "test", at("2026-11-24T12:00:00+07:00"))
}

/// The next state of `record`, with one thing changed.
pub fn next(record: &Record) -> Record {
    let mut record = record.clone();
    record.listing.version += 1;
    record.listing.accuracy_m = Some(i32::try_from(record.listing.version).unwrap());
    record
}

async fn some_records(store: &Store, count: usize) -> Vec<Record> {
    let mut records = record::load_public(&store.reader).await.unwrap();
    records.retain(|record| record.listing.latitude.is_some());
    records.truncate(count);
    records
}

/// A reader that follows the log while others write; every change it saw, in order.
fn follow(store: Store, from: i64, done: Arc<AtomicBool>) -> tokio::task::JoinHandle<Vec<i64>> {
    tokio::spawn(async move {
        let (mut seen, mut last) = (Vec::new(), from);
        loop {
            // Asked before the look: after `done`, one more look sees everything.
            let was_done = done.load(Ordering::SeqCst);
            let changes = change::after(&store.reader, last, 1000).await.unwrap();
            if let Some(change) = changes.last() {
                last = change.seq;
                seen.extend(changes.iter().map(|change| change.seq));
            } else if was_done {
                return seen;
            }
            tokio::task::yield_now().await;
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_at_once_and_whoever_follows_the_log_misses_nothing() {
    let place = Place::with_fixtures().await;
    let store = place.open().await;
    let start = change::head(&store.reader).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let follower = follow(place.open().await, start, Arc::clone(&done));
    let mut writers = Vec::new();
    // Eight writer tasks with connections of their own: eight nodes as far as the database knows.
    for records in some_records(&store, 80).await.chunks(10).map(<[Record]>::to_vec) {
        let mine = place.open().await;
        writers.push(tokio::spawn(async move {
            let writer = Writer::start(&mine);
            for round in 0..10 {
                let handed = records.iter().map(|record| {
                    let mut record = record.clone();
                    record.listing.version += round;
                    writer.write(unit(next(&record)))
                });
                for result in futures_util::future::join_all(handed).await {
                    result.unwrap();
                }
            }
        }));
    }
    assert_eq!(writers.len(), 8);
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let seen = follower.await.unwrap();
    let all = change::after(&store.reader, start, 10_000).await.unwrap();
    assert_eq!(all.len(), 800);
    assert_eq!(
        seen,
        all.iter().map(|change| change.seq).collect::<Vec<_>>(),
        "in order, none missed"
    );
}

#[tokio::test]
async fn another_process_that_writes_is_seen_by_this_one() {
    let service = Service::empty().await;
    assert_eq!(service.get("/v1/discover").await.body["total"], 0);
    let output = Command::new(tests::program())
        .args(["seed", "--database-url", &service.place.url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    service.app.catch_up().await.unwrap();
    let reply = service.get("/v1/places/pantai-parangtritis").await;
    assert_eq!(reply.status, 200);
    same_as_database(&service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_database_write_at_once_and_nothing_is_missed() {
    let service = Service::start().await;
    let place_url = service.place.url.clone();
    // The other process pours a folder of new places while this one keeps changing old ones.
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..300)
        .map(|n| {
            format!(
                "{{\"slug\":\"baru-{n}\",\"name\":{{\"id\":\"Baru {n}\"}},\"category\":\"nature.beach\",\
                 \"source\":{{\"name\":\"test\"}},\"licence\":\"CC0-1.0\"}}\n"
            )
        })
        .collect();
    std::fs::write(folder.path().join("places.ndjson"), lines).unwrap();
    let other = {
        let folder = folder.path().to_owned();
        tokio::task::spawn_blocking(move || {
            Command::new(tests::program())
                .args(["seed", "--database-url", &place_url])
                .arg(folder)
                .output()
                .unwrap()
        })
    };
    let mut records = some_records(&service.app.store, 5).await;
    let mut rounds = 0;
    while !other.is_finished() || rounds < 5 {
        for record in &mut records {
            *record = next(record);
            service.app.write(unit(record.clone())).await.unwrap();
        }
        rounds += 1;
    }
    let output = other.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    service.app.catch_up().await.unwrap();
    let reply = service.get("/v1/discover?q=baru&limit=1").await;
    assert!(reply.body["total"].as_u64().unwrap() >= 300);
    same_as_database(&service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_hangs_up_leaves_index_and_database_equal() {
    let service = Service::start().await;
    let mut records: BTreeMap<Uuid, Record> = some_records(&service.app.store, 40)
        .await
        .into_iter()
        .map(|record| (record.listing.id, record))
        .collect();
    for round in 0..6_u64 {
        for record in records.values_mut() {
            let stored =
                record::load(&service.app.store.reader, &[record.listing.id]).await.unwrap();
            *record = next(&stored[0]);
            let app = service.app.clone();
            let unit = unit(record.clone());
            let caller = tokio::spawn(async move { app.write(unit).await });
            // Hang up after a different number of steps each time: before, within and after.
            for _ in 0..(round * 7 + u64::from(record.listing.id.as_bytes()[15]) % 23) {
                tokio::task::yield_now().await;
            }
            caller.abort();
            let _ = caller.await;
        }
    }
    // One more write through the same task: what was handed over before it is done when it is.
    let last = records.values().next().unwrap().listing.id;
    let stored = record::load(&service.app.store.reader, &[last]).await.unwrap();
    let _ = service.app.write(unit(next(&stored[0]))).await;
    service.app.catch_up().await.unwrap();
    same_as_database(&service).await;
}

#[tokio::test]
async fn the_second_of_two_savers_is_told_so_and_nothing_of_it_is_written() {
    let service = Service::start().await;
    let record = some_records(&service.app.store, 1).await.remove(0);
    let first = next(&record);
    let mut second = next(&record);
    second.listing.accuracy_m = Some(7777);
    service.app.write(unit(first.clone())).await.unwrap();
    let refused = service.app.write(unit(second)).await;
    assert!(matches!(refused, Err(domain::Error::Stale(_))), "{refused:?}");
    let stored = record::load(&service.app.store.reader, &[record.listing.id]).await.unwrap();
    assert_eq!(stored[0].listing.accuracy_m, first.listing.accuracy_m);
    same_as_database(&service).await;
}

#[tokio::test]
async fn one_bad_unit_of_a_batch_hurts_no_other() {
    let service = Service::start().await;
    let records = some_records(&service.app.store, 30).await;
    let handed = records.iter().enumerate().map(|(at, record)| {
        let mut record = next(record);
        if at == 7 {
            record.listing.category = "nature.volcano".parse().unwrap();
        }
        service.app.write(unit(record))
    });
    let results = futures_util::future::join_all(handed).await;
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), at != 7, "{at}: {result:?}");
    }
    same_as_database(&service).await;
}

#[tokio::test]
async fn who_wrote_reads_what_they_wrote() {
    let service = Service::start().await;
    let mut record = some_records(&service.app.store, 1).await.remove(0);
    for _ in 0..20 {
        record = next(&record);
        service.app.write(unit(record.clone())).await.unwrap();
        let path = format!("/v1/{}/{}", record.listing.kind.plural(), record.listing.id);
        let reply = service.get(&path).await;
        assert_eq!(reply.body["version"], record.listing.version);
    }
}

#[tokio::test]
async fn a_listing_that_ends_is_gone_and_one_taken_from_sight_is_not_there() {
    use domain::listing::Status;
    let service = Service::start().await;
    let records = some_records(&service.app.store, 3).await;
    let mut ended = next(&records[0]);
    ended.listing.status = Status::Archived;
    ended.listing.merged_into = Some(records[2].listing.id);
    let mut hidden = next(&records[1]);
    hidden.listing.status = Status::Suspended;
    for record in [&ended, &hidden] {
        service.app.write(unit(record.clone())).await.unwrap();
    }
    let path =
        |record: &Record| format!("/v1/{}/{}", record.listing.kind.plural(), record.listing.slug);
    let gone = service.get(&path(&ended)).await;
    assert_eq!((gone.status.as_u16(), &gone.body["type"]), (410, &"/problems/gone".into()));
    assert_eq!(gone.body["merged_into"], records[2].listing.id.to_string());
    assert_eq!(service.get(&path(&hidden)).await.status, 404);
    same_as_database(&service).await;
}

#[tokio::test]
async fn a_slug_that_was_given_up_leads_to_the_new_one() {
    let service = Service::start().await;
    let record = &some_records(&service.app.store, 1).await[0];
    let mut renamed = next(record);
    renamed.listing.slug = "nama-baru".parse().unwrap();
    let write = Write::Listing {
        record: Box::new(renamed),
        former_slug: Some(record.listing.slug.clone()),
    };
    let unit = Unit::new(vec![write], "test", at(tests::NOON));
    service.app.write(unit).await.unwrap();
    let kind = record.listing.kind.plural();
    let reply = service.get(&format!("/v1/{kind}/{}?lang=en", record.listing.slug)).await;
    assert_eq!(reply.status, 308);
    assert_eq!(reply.header("location"), format!("/v1/{kind}/nama-baru?lang=en"));
    assert_eq!(service.get(&format!("/v1/{kind}/nama-baru")).await.status, 200);
}

/// The index holds exactly the published listings of the database, each in its stored state.
async fn same_as_database(service: &Service) {
    let stored = record::load_public(&service.app.store.reader).await.unwrap();
    let stored: BTreeSet<(Uuid, i64)> = stored
        .iter()
        .filter(|record| record.listing.is_public())
        .map(|record| (record.listing.id, record.listing.version))
        .collect();
    let snapshot = service.app.index.snapshot();
    let shown: BTreeSet<(Uuid, i64)> =
        snapshot.documents().map(|document| (document.id, document.version)).collect();
    assert_eq!(stored, shown);
}

#[tokio::test]
async fn a_database_restored_to_an_earlier_day_and_written_since_is_read_anew() {
    use sea_orm::ConnectionTrait as _;
    let service = Service::start().await;
    let record = some_records(&service.app.store, 1).await.remove(0);
    let changed = next(&record);
    service.app.write(unit(changed.clone())).await.unwrap();
    // The last change is undone and another one stands at its number, as after a restore.
    let id = record.listing.id;
    let seq = change::head(&service.app.store.reader).await.unwrap();
    let db = service.place.open().await;
    for sql in [
        format!("UPDATE change SET subject = '{id}', actor = 'somebody else' WHERE seq = {seq}"),
        format!(
            "UPDATE listing SET version = 1, accuracy_m = 42 WHERE slug = '{}'",
            record.listing.slug
        ),
    ] {
        db.writer.execute_unprepared(&sql).await.unwrap();
    }
    let path = format!("/v1/{}/{id}", record.listing.kind.plural());
    loop {
        let reply = service.get(&path).await;
        if reply.body["accuracy_m"] == 42 {
            break;
        }
        assert_eq!(reply.body["version"], changed.listing.version);
        tokio::task::yield_now().await;
    }
    same_as_database(&service).await;
}
