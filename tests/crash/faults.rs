//! What is away, full or wrong: clear answers while it is so, and nobody's hands to go on after it.

use std::time::Duration;

use reqwest::{Client, Response};
use sea_orm::{ConnectionTrait as _, Database, Statement};
use serde_json::{Value, json};
use tests::{NOON, Place, Service, at, client, number};

use crate::{node::Node, seed, server::Server, town::Load, verdict};

/// What a node answers to somebody who writes.
async fn draft(client: &Client, url: &str, token: &str) -> Response {
    let draft = json!({"name": {"id": "Coba"}, "category": "nature.beach",
                       "location": {"lat": -7.92, "lon": 110.39}});
    let request = client.post(format!("{url}/v1/places")).bearer_auth(token);
    request.json(&draft).send().await.unwrap()
}

/// A refusal that says: not now.
async fn says_later(response: Response) {
    let status = response.status();
    let retry = response.headers().get("retry-after").cloned();
    let said: Value = response.json().await.unwrap();
    assert_eq!((status.as_u16(), &said["type"]), (503, &"/problems/unavailable".into()), "{said}");
    assert!(retry.is_some(), "{said}");
}

async fn reads_go_on(client: &Client, url: &str) {
    for path in ["/v1/discover?q=batik", "/v1/places/pantai-parangtritis", "/health/live"] {
        let status = client.get(format!("{url}{path}")).send().await.unwrap().status();
        assert_eq!(status, 200, "{path}");
    }
}

/// Waits until a write is taken again.
async fn is_taken(client: &Client, url: &str, token: &str) {
    let waiting = async {
        while draft(client, url, token).await.status() != 201 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), waiting).await.expect("it never took one again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_reads_go_on_and_writers_are_told_to_come_back() {
    let Some(server) = Server::start() else { return };
    let load = Load::start(server.place("griya").await, 1, 20, seed()).await;
    let (client, url, admin) = (client(), load.town.url().unwrap(), load.town.admin.clone());
    load.work(10).await;
    server.stop("fast");
    reads_go_on(&client, &url).await;
    says_later(draft(&client, &url, &admin).await).await;
    says_later(client.get(format!("{url}/health/ready")).send().await.unwrap()).await;
    tokio::time::sleep(Duration::from_secs(number("OUTAGE_S", 0) as u64)).await;
    reads_go_on(&client, &url).await;
    server.go_on();
    is_taken(&client, &url, &admin).await;
    load.work(10).await;
    verdict("a database that was away", &load.end(false).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_may_only_be_read_is_no_failure_of_the_writer() {
    let Some(server) = Server::start() else { return };
    let place = server.place("griya").await;
    let load = Load::start(place, 1, 20, seed()).await;
    let (client, url, admin) = (client(), load.town.url().unwrap(), load.town.admin.clone());
    load.work(10).await;
    // As a server that only stands by since the failover.
    let operator =
        Database::connect(load.nodes[0].1.url.replace("/griya", "/postgres")).await.unwrap();
    let read_only = async |state: &str| {
        let set = format!("ALTER SYSTEM SET default_transaction_read_only = {state}");
        operator.execute_unprepared(&set).await.unwrap();
        operator.execute_unprepared("SELECT pg_reload_conf()").await.unwrap();
    };
    read_only("on").await;
    let refused = async {
        loop {
            let response = draft(&client, &url, &admin).await;
            if response.status() != 201 {
                return response;
            }
        }
    };
    says_later(tokio::time::timeout(Duration::from_mins(1), refused).await.unwrap()).await;
    reads_go_on(&client, &url).await;
    read_only("off").await;
    is_taken(&client, &url, &admin).await;
    verdict("a database that was read only", &load.end(false).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_reads_go_on_and_writers_are_told_to_come_back() {
    if tests::server().is_some() {
        return;
    }
    let place = Place::with_fixtures().await;
    let mut node = Node::spawn_on_small_disk(&place, &[]);
    let (client, url) = (client(), node.address().await.unwrap());
    let (_, admin) = node.command(&["--log=error", "admin", "create", "kepala@contoh.example"]);
    let admin = admin.trim();
    assert_eq!(draft(&client, &url, admin).await.status(), 201);
    for _ in 0..3 {
        node.fill(true);
        for _ in 0..5 {
            says_later(draft(&client, &url, admin).await).await;
        }
        reads_go_on(&client, &url).await;
        node.fill(false);
        assert_eq!(draft(&client, &url, admin).await.status(), 201, "{}", node.log());
    }
    let (whole, said) = node.command(&["audit", "verify"]);
    assert!(whole, "{said}");
    let store = place.open().await;
    let made = "SELECT 1 FROM listing WHERE slug LIKE 'coba%'";
    let made = Statement::from_string(store.backend(), made);
    let made = store.reader.query_all_raw(made).await.unwrap();
    assert_eq!(made.len(), 4, "as many as were acknowledged");
}

/// Fills a database with the fixtures, as a first start does.
async fn seeded(place: &Place) {
    let mut node = Node::spawn(place, &[]);
    node.address().await.unwrap_or_else(|| panic!("{}", node.log()));
    node.kill();
}

#[tokio::test]
async fn a_clock_that_jumps_breaks_nothing_that_is_written() {
    let server = Server::start();
    let place = match &server {
        Some(server) => server.place("griya").await,
        None => Place::bare().await,
    };
    seeded(&place).await;
    let service = Service::over(place, &[]).await;
    let sri = service.come_in("sri@contoh.example").await;
    let draft = json!({"name": {"id": "Coba"}, "category": "nature.beach",
                       "location": {"lat": -7.92, "lon": 110.39}});
    let mut made = 0;
    // Back by a day, forward by a week, back before everything, and right again.
    for days in [0, -1, 6, -400, 0] {
        service.clock.set(at(NOON) + chrono::TimeDelta::days(days));
        let reply = service.say(&sri, "POST", "/v1/places", &draft).await;
        assert_eq!(reply.status, 201, "{days}: {}", reply.text);
        made += 1;
        let path = reply.header("location").to_owned();
        let patched = service.change(&sri, &path, &json!({"tags": ["jam"]})).await;
        assert_eq!((patched.status.as_u16(), &patched.body["version"]), (200, &json!(2)), "{days}");
        assert_eq!(service.get("/health/ready").await.status, 200);
    }
    let mine = service.read(&sri, "/v1/me/listings").await;
    assert_eq!(mine.body["items"].as_array().unwrap().len(), made);
    let verdict = domain::audit::verify(&service.app.store.reader, None).await.unwrap();
    assert_eq!(verdict.findings, []);
    // Who jumps beyond a session has to come in again, and can.
    service.clock.set(at(NOON) + chrono::TimeDelta::days(4000));
    assert_eq!(service.say(&sri, "POST", "/v1/places", &draft).await.status, 401);
    assert_eq!(service.get("/v1/places/pantai-parangtritis").await.status, 200);
    service.clock.set(at(NOON));
    assert_eq!(service.say(&sri, "POST", "/v1/places", &draft).await.status, 201);
}
