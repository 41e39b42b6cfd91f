//! Starts from a checkpoint: a node shows what one shows that reads everything, or reads everything.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use domain::{
    listing::Status,
    record::{self, Record},
    store::Store,
    writer::{Unit, Write, Writer},
};
use sea_orm::ConnectionTrait as _;
use serde_json::Value;
use tests::{Place, Service, at, program};

use crate::log::{next, unit};

fn checkpoint(data: &Path) -> PathBuf {
    data.join("index/checkpoint")
}

/// Where a service ran over the fixtures and has ended.
async fn left_by_a_service() -> Place {
    let place = Service::start().await.stop().await;
    assert!(checkpoint(place.folder()).exists());
    place
}

/// Changes a listing past the log, as nobody should: only who reads everything sees it.
async fn change_unheard(place: &Place) {
    let sql = "UPDATE listing SET accuracy_m = 4242 WHERE slug = 'pantai-parangtritis'";
    place.open().await.writer.execute_unprepared(sql).await.unwrap();
}

async fn reads_everything(place: Place) -> bool {
    let service = Service::over(place, &[]).await;
    service.get("/v1/places/pantai-parangtritis").await.body["accuracy_m"] == 4242
}

#[tokio::test]
async fn a_start_takes_the_index_from_the_checkpoint_and_reads_everything_without_it() {
    let place = left_by_a_service().await;
    change_unheard(&place).await;
    let service = Service::over(place, &[]).await;
    let beach = service.get("/v1/places/pantai-parangtritis").await;
    assert!(beach.status == 200 && beach.body["accuracy_m"] != 4242);
    let place = service.stop().await;
    std::fs::remove_file(checkpoint(place.folder())).unwrap();
    assert!(reads_everything(place).await);
}

#[tokio::test]
async fn what_is_wrong_with_the_file_is_no_reason_not_to_start() {
    let other = Place::with_fixtures().await;
    let store = other.open().await;
    let beach = record_of(&store, "pantai-parangtritis").await;
    Writer::start(&store).write(unit(next(&beach))).await.unwrap();
    let other = Service::over(other, &[]).await.stop().await;
    let foreign = std::fs::read(checkpoint(other.folder())).unwrap();
    for damage in 0..5 {
        let place = left_by_a_service().await;
        let file = checkpoint(place.folder());
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        match damage {
            0 => bytes.truncate(middle),
            1 => bytes[middle] ^= 1,
            2 => bytes.clear(),
            3 => bytes = b"SQLite format 3\0".repeat(100),
            _ => bytes.clone_from(&foreign),
        }
        std::fs::write(&file, bytes).unwrap();
        change_unheard(&place).await;
        assert!(reads_everything(place).await, "{damage}");
    }
}

#[tokio::test]
async fn another_log_or_tables_that_were_changed_are_read_anew() {
    for sql in [
        "UPDATE change SET actor = 'somebody else' WHERE seq = (SELECT max(seq) FROM change)",
        "DELETE FROM change WHERE seq = (SELECT max(seq) FROM change)",
        "DELETE FROM change",
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_later', 0)",
    ] {
        let place = left_by_a_service().await;
        place.open().await.writer.execute_unprepared(sql).await.unwrap();
        change_unheard(&place).await;
        assert!(reads_everything(place).await, "{sql}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_costs_nothing_but_the_next_start() {
    let place = Place::with_fixtures().await;
    std::fs::write(place.folder().join("index"), "no folder").unwrap();
    let place = Service::over(place, &[]).await.stop().await;
    change_unheard(&place).await;
    assert!(reads_everything(place).await);
}

async fn record_of(store: &Store, slug: &str) -> Record {
    let slug = slug.parse().unwrap();
    let id = record::ids_of(&store.reader, std::slice::from_ref(&slug)).await.unwrap()[&slug];
    record::load(&store.reader, &[id]).await.unwrap().remove(0)
}

/// Everything that can happen to listings and to what they refer to, by somebody else.
async fn changes(store: &Store) -> Vec<Write> {
    let mut records = record::load_public(&store.reader).await.unwrap();
    records.retain(|record| record.event().is_none() && record.listing.latitude.is_some());
    let hosts: Vec<_> = record::load_public(&store.reader).await.unwrap();
    let hosts: Vec<_> = hosts.iter().filter_map(|record| record.event()?.venue).collect();
    let (mut venues, mut others): (Vec<_>, Vec<_>) =
        records.into_iter().partition(|record| hosts.contains(&record.listing.id));
    let mut moved = next(&venues.pop().unwrap());
    moved.listing.latitude = moved.listing.latitude.map(|lat| lat - 0.05);
    let mut ended = next(&others.pop().unwrap());
    ended.listing.status = Status::Archived;
    ended.listing.merged_into = Some(others[0].listing.id);
    let mut hidden = next(&others.pop().unwrap());
    hidden.listing.status = Status::Suspended;
    let mut renamed = next(&others.pop().unwrap());
    let former = renamed.listing.slug.clone();
    renamed.listing.slug = "nama-baru".parse().unwrap();
    renamed.listing.name = serde_json::from_str(r#"{"id": "Nama Baru", "en": "Fresh"}"#).unwrap();
    let reference = domain::reference::Reference::load(&store.reader).await.unwrap();
    let mut beaches = reference.category(&"nature.beach".parse().unwrap()).unwrap().clone();
    beaches.name = serde_json::from_str(r#"{"id": "Pasir", "en": "Sands"}"#).unwrap();
    let mut day = reference.holidays_on(at(tests::NOON).date_naive()).next().cloned();
    day.iter_mut().for_each(|day| day.name = beaches.name.clone());
    let mut writes: Vec<Write> = [moved, ended, hidden]
        .into_iter()
        .map(|record| Write::Listing { record: Box::new(record), former_slug: None })
        .collect();
    writes.push(Write::Listing { record: Box::new(renamed), former_slug: Some(former) });
    writes.push(Write::Category(Box::new(beaches)));
    writes.extend(day.map(|day| Write::Holiday(Box::new(day))));
    writes
}

/// What a visitor can see: cursors aside, and of what is not there only where it leads to.
async fn seen(service: &Service, paths: &[String]) -> Vec<(String, u16, String, Vec<Value>)> {
    let mut seen = Vec::new();
    for path in paths {
        let reply = service.get(path).await;
        let location = reply.header("location").to_owned();
        let mut body = reply.body;
        let parts = ["items", "total", "facets", "did_you_mean", "merged_into"];
        let parts = parts.map(|part| body.get_mut(part).map(Value::take).unwrap_or_default());
        let is_detail = reply.status == 200 && parts[0].is_null();
        let parts = if is_detail { vec![body] } else { parts.to_vec() };
        seen.push((path.clone(), reply.status.as_u16(), location, parts));
    }
    seen
}

#[tokio::test]
async fn what_others_wrote_while_it_was_away_is_shown_as_by_a_node_that_read_everything() {
    let place = left_by_a_service().await;
    let store = place.open().await;
    let before = record::load_public(&store.reader).await.unwrap();
    for write in changes(&store).await {
        let unit = Unit::new(vec![write], "another", at(tests::NOON));
        Writer::start(&store).write(unit).await.unwrap();
    }
    let mut paths: Vec<String> = [
        "discover?limit=100&sort=name",
        "discover?limit=100&sort=updated&lang=jv",
        "discover?lat=-7.95&lon=110.33&limit=100&facets=category&facets=area&facets=tag",
        "discover?q=batik+tulis&limit=100",
        "discover?q=pasir&limit=100&highlight=true",
        "discover?q=nama+baru&limit=100",
        "discover?open_at=now&limit=100&sort=name",
        "events?from=2026-11-01&to=2027-12-31&limit=100&sort=start",
        "suggest?q=pa",
        "categories",
        "places/nama-baru",
    ]
    .map(|path| format!("/v1/{path}"))
    .to_vec();
    for listing in before.iter().map(|record| &record.listing) {
        for key in [listing.id.to_string(), listing.slug.to_string()] {
            paths.push(format!("/v1/{}/{key}?texts=all", listing.kind.plural()));
        }
    }
    // The same database, and a folder in which nothing is kept.
    let beside = Place { url: place.url.clone(), folder: tempfile::tempdir().unwrap() };
    let [resumed, whole] = [Service::over(place, &[]).await, Service::over(beside, &[]).await];
    let [resumed, whole] = [seen(&resumed, &paths).await, seen(&whole, &paths).await];
    for (resumed, whole) in resumed.iter().zip(&whole) {
        assert_eq!(resumed, whole);
    }
    for (status, what) in [(200, "here"), (308, "moved"), (404, "hidden"), (410, "gone")] {
        assert!(whole.iter().any(|(_, found, ..)| *found == status), "nothing is {what}");
    }
    assert!(whole.iter().all(|(_, status, ..)| *status != 400));
}

/// Starts the program over `folder` and stops it; how many listings it showed, and what it said.
fn run_once(folder: &Path) -> (u64, String) {
    let mut service = Command::new(program())
        .args(["--listen=127.0.0.1:0", "--log=warn"])
        .env("GRIYA_DATA_DIR", folder)
        .env_remove("GRIYA_DATABASE_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("Griya is at ").unwrap().to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let total = runtime.block_on(async {
        let reply = reqwest::get(format!("{url}/v1/discover")).await.unwrap();
        reply.json::<Value>().await.unwrap()["total"].as_u64().unwrap()
    });
    let pid = service.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let mut said = String::new();
    service.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(service.wait().unwrap().success());
    (total, said)
}

#[test]
fn the_program_keeps_its_index_and_says_in_one_line_when_that_is_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let (first, said) = run_once(folder.path());
    assert_eq!(said, "");
    assert_eq!(run_once(folder.path()), (first, String::new()));
    let file = checkpoint(folder.path());
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let (total, said) = run_once(folder.path());
    assert_eq!(total, first);
    assert!(said.lines().count() == 1 && said.contains("the checkpoint is not used"), "{said}");
    assert_eq!(run_once(folder.path()), (first, String::new()), "it was written anew");
}
