//! Several nodes over one database: each ends with the same index, whatever became of the connection,
//! the database or the node.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use domain::{
    change::{self, news::News},
    record::{self, Record},
    store::Store,
    writer::{Unit, Writer},
};
use sea_orm::{ConnectionTrait as _, Database, Statement};
use serde_json::Value;
use tests::{Place, Service, program, server};

use crate::log::{next, unit};

async fn beach(store: &Store) -> Record {
    record::named(&store.reader, "pantai-parangtritis").await.unwrap().unwrap()
}

/// Writes at `service`; what it shows then.
async fn write(service: &Service) -> i64 {
    let changed = next(&beach(&service.app.store).await);
    service.app.write(unit(changed.clone())).await.unwrap();
    changed.listing.version
}

/// Until `look` finds something; for two minutes at most.
pub async fn until<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), waiting).await.expect("it never came")
}

async fn shows(service: &Service, version: i64) {
    until(async || {
        let reply = service.get("/v1/places/pantai-parangtritis").await;
        (reply.body["version"] == version).then_some(())
    })
    .await;
}

/// Everything that a node tells whoever asks it for all, without what its cursor says.
pub async fn everything(get: impl AsyncFn(String) -> Value) -> BTreeSet<String> {
    let (mut all, mut since) = (BTreeSet::new(), String::new());
    loop {
        let page = get(format!("/v1/changes?limit=500{since}")).await;
        all.extend(page["items"].as_array().expect("items").iter().map(Value::to_string));
        since = format!("&since={}", page["cursor"].as_str().expect("a cursor"));
        if page["has_more"] == false {
            return all;
        }
    }
}

async fn all_of(service: &Service) -> BTreeSet<String> {
    everything(async |path| service.get(&path).await.body).await
}

async fn two_nodes() -> [Service; 2] {
    let place = Place::with_fixtures().await;
    let other = place.shared();
    [Service::over(place, &[]).await, Service::over(other, &[]).await]
}

/// Has PostgreSQL refuse to change a listing with `code`, for the first `times`.
async fn refuse(store: &Store, code: &str, times: u32) {
    let sql = format!(
        "CREATE SEQUENCE tried;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
           IF nextval('tried') <= {times} THEN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END IF;
           RETURN NEW;
         END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON listing FOR EACH ROW EXECUTE FUNCTION refuse();"
    );
    store.writer.execute_unprepared(&sql).await.unwrap();
}

#[tokio::test]
async fn a_write_that_only_met_something_passing_is_tried_again() {
    if server().is_none() {
        return;
    }
    // Serialization, deadlock, a lock's time-out, a program that stood still within a transaction.
    for code in ["40001", "40P01", "55P03", "25P03"] {
        let service = Service::start().await;
        refuse(&service.app.store, code, 2).await;
        let version = write(&service).await;
        shows(&service, version).await;
    }
}

#[tokio::test]
async fn what_does_not_pass_is_no_fault_of_ours_or_theirs() {
    if server().is_none() {
        return;
    }
    for code in ["25P03", "57014"] {
        let service = Service::start().await;
        refuse(&service.app.store, code, u32::MAX).await;
        let changed = next(&beach(&service.app.store).await);
        let refused = service.app.write(unit(changed)).await;
        assert!(matches!(refused, Err(domain::Error::Unanswered)), "{code}: {refused:?}");
    }
}

#[tokio::test]
async fn what_one_node_writes_the_other_shows_too() {
    let [one, other] = two_nodes().await;
    for _ in 0..5 {
        shows(&other, write(&one).await).await;
        shows(&one, write(&other).await).await;
    }
    assert_eq!(all_of(&one).await, all_of(&other).await);
}

#[tokio::test]
async fn news_come_with_the_commit_and_none_with_what_was_refused() {
    let place = Place::with_fixtures().await;
    let store = place.open().await;
    let Some(mut news) = News::of(&store).await.unwrap() else {
        assert!(server().is_none(), "only PostgreSQL tells news");
        return;
    };
    let (writer, mut record) = (Writer::start(&store), beach(&store).await);
    for _ in 0..10 {
        let mut refused = record.clone();
        refused.listing.version += 7;
        assert!(writer.write(unit(refused)).await.is_err());
        record = next(&record);
        let seq = writer.write(unit(record.clone())).await.unwrap();
        news.next().await.unwrap();
        assert!(change::head(&store.reader).await.unwrap() >= seq);
    }
    // Ten were told; an eleventh would be of what was refused.
    let more = tokio::time::timeout(Duration::from_millis(200), news.next()).await;
    assert!(more.is_err(), "{more:?}");
}

/// Ends the connections of the database that listen; how many there were.
async fn cut_listeners(store: &Store) -> usize {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let cut = Statement::from_string(store.backend(), sql);
    store.writer.query_all_raw(cut).await.unwrap().len()
}

#[tokio::test]
async fn whose_connection_is_cut_sees_everything_all_the_same_and_listens_again() {
    let [one, other] = two_nodes().await;
    if server().is_none() {
        return;
    }
    let store = one.place.open().await;
    for _ in 0..3 {
        until(async || (cut_listeners(&store).await == 2).then_some(())).await;
        shows(&other, write(&one).await).await;
    }
    assert_eq!(all_of(&one).await, all_of(&other).await);
}

/// A program over `place` with a folder of its own, once it says where it is.
fn serve(place: &Place, flags: &[&str]) -> (Child, String) {
    let mut child = Command::new(program())
        .args(["--listen=127.0.0.1:0", "--rate=off", "--database-url", &place.url])
        .args(flags)
        .env("GRIYA_DATA_DIR", place.folder())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let Some(url) = line.trim().strip_prefix("Griya is at ") else {
        let output = child.wait_with_output().unwrap();
        return (Command::new("true").spawn().unwrap(), text(&output.stderr));
    };
    (child, url.to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn get(url: &str, path: &str) -> Value {
    reqwest::get(format!("{url}{path}")).await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_nodes_that_start_at_once_over_nothing_fill_it_once() {
    let place = Place::bare().await;
    if server().is_none() {
        return;
    }
    let starting = (0..3).map(|_| {
        let place = place.shared();
        tokio::task::spawn_blocking(move || (serve(&place, &[]), place))
    });
    let mut nodes = Vec::new();
    for started in futures_util::future::join_all(starting).await {
        let ((child, url), place) = started.unwrap();
        assert!(url.starts_with("http"), "{url}");
        nodes.push((child, url, place));
    }
    let [a, b, c] = &nodes[..] else { panic!("three") };
    let of = async |url: &str| everything(async |path| get(url, &path).await).await;
    let all = of(&a.1).await;
    assert_eq!(all, of(&b.1).await);
    assert_eq!(all, of(&c.1).await);
    // One node alone makes as many changes.
    let filled = Place::with_fixtures().await;
    let changes = async |place: &Place| change::head(&place.open().await.reader).await.unwrap();
    let places = change::after(&place.open().await.reader, 0, 10_000).await.unwrap();
    let alone = change::after(&filled.open().await.reader, 0, 10_000).await.unwrap();
    assert_eq!(places.len(), alone.len(), "{}", changes(&place).await);
    for (mut child, ..) in nodes {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_runs_on_a_database_that_a_newer_one_has_brought_further() {
    let place = Place::with_fixtures().await;
    let db = place.open().await.writer;
    let newer =
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99991231_000001_later', 1)";
    db.execute_unprepared(newer).await.unwrap();
    let (mut child, url) = serve(&place, &[]);
    assert_eq!(get(&url, "/health/ready").await["status"], "ok", "{url}");
    child.kill().unwrap();
    child.wait().unwrap();
    // What it needs itself must be there.
    db.execute_unprepared("DELETE FROM seaql_migrations WHERE version LIKE '%_api_keys'")
        .await
        .unwrap();
    let (_, said) = serve(&place, &[]);
    assert!(said.contains("cannot migrate the database") && said.contains("_later"), "{said}");
}

#[tokio::test]
async fn a_node_that_cannot_keep_up_says_so_and_how_far_it_is() {
    let service = Service::over(Place::with_fixtures().await, &["--max-lag-s=1"]).await;
    let ready = async || service.get("/health/ready?lang=en").await;
    let reply = ready().await;
    assert_eq!((reply.status.as_u16(), &reply.body["behind_s"]), (200, &0.0.into()));
    let shown = reply.body["shown_seq"].as_i64().unwrap();
    assert_eq!(reply.body["log_seq"], shown);
    // A change that it can hear of, and rows that it cannot get at.
    let db = service.place.open().await.writer;
    let run = async |sql: &str| db.execute_unprepared(sql).await.unwrap();
    run("ALTER TABLE listing RENAME TO listing_away").await;
    run("INSERT INTO change (kind, subject, what, version, actor, at) \
         SELECT kind, subject, 'updated', version, actor, at FROM change WHERE kind = 'place' LIMIT 1")
    .await;
    let red = until(async || Some(ready().await).filter(|reply| reply.status == 503)).await;
    let detail = red.body["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("it shows {shown} of {}", shown + 1)), "{detail}");
    assert_eq!(red.header("retry-after"), "5");
    assert_eq!(service.get("/v1/places/pantai-parangtritis").await.status, 200);
    run("ALTER TABLE listing_away RENAME TO listing").await;
    let green = until(async || Some(ready().await).filter(|reply| reply.status == 200)).await;
    assert!(green.body["shown_seq"].as_i64().unwrap() >= shown);
    service.app.catch_up().await.unwrap();
    assert_eq!(ready().await.body["shown_seq"], shown + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_over_a_database_that_is_restored_to_an_earlier_day_show_that_day() {
    let Some(server) = server() else { return };
    let place = Place::with_fixtures().await;
    let name = place.url.rsplit('/').next().unwrap().to_owned();
    let admin = Database::connect(format!("{server}/postgres")).await.unwrap();
    let run = async |sql: String| admin.execute_unprepared(&sql).await.map(|_| ());
    let copy = format!("{name}_backup");
    until(async || run(format!("CREATE DATABASE {copy} TEMPLATE {name}")).await.ok()).await;
    let before = beach(&place.open().await).await.listing.version;
    let others = [place.shared(), place.shared()];
    let one = Service::over(place, &[]).await;
    let [other, late] = others;
    let other = Service::over(other, &[]).await;
    let mut last = 0;
    for _ in 0..5 {
        last = write(&one).await;
    }
    shows(&other, last).await;
    let cursor = one.get("/v1/changes?limit=500").await.body["cursor"].as_str().unwrap().to_owned();
    // The restore, while the nodes run.
    run(format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    assert_eq!(one.get("/v1/places/pantai-parangtritis").await.body["version"], last);
    run(format!("CREATE DATABASE {name} TEMPLATE {copy}")).await.unwrap();
    shows(&one, before).await;
    shows(&other, before).await;
    // As many changes again, and others.
    for _ in 0..5 {
        let mut changed = next(&beach(&other.app.store).await);
        changed.listing.accuracy_m = Some(77);
        last = changed.listing.version;
        other.app.write(Unit { actor: "somebody else".to_owned(), ..unit(changed) }).await.unwrap();
    }
    shows(&one, last).await;
    let late = Service::over(late, &[]).await;
    let all = all_of(&late).await;
    assert_eq!(all_of(&one).await, all);
    assert_eq!(all_of(&other).await, all);
    let stale = one.get(&format!("/v1/changes?since={cursor}")).await;
    assert_eq!(
        (stale.status.as_u16(), &stale.body["type"]),
        (410, &"/problems/cursor-expired".into())
    );
    drop([one, other, late]);
    let _ = run(format!("DROP DATABASE {copy}")).await;
}
