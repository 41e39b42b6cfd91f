//! An honest phone: it keeps what it is told in a file, on a line that breaks, and is killed at any
//! moment. It begins with a bundle or with nothing, and at the end it holds exactly what is published.
//!
//! `PHONE_SEEDS` and `PHONE_WRITES` say how many towns are lived through and how much is written in
//! each, `PHONE_AT_ONCE` how many side by side; a run of the tests tries few, the long run is in
//! CONTRIBUTING.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use domain::{
    audit, category,
    listing::Status,
    record::{self, Record},
    writer::{Unit, Write, Writer},
};
use rusqlite::{Connection, OptionalExtension as _};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use tests::{Service, at, number};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::bundles::unpacked;

/// Chance: the same seed, the same life (`SplitMix64`, public domain, Vigna).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn now_and_then(&mut self, one_in: usize) -> bool {
        self.roll(one_in) == 0
    }
}

/// What it follows, and what it keeps.
struct Phone {
    query: &'static str,
    /// The bundle of what it follows, if there is one.
    code: Option<&'static str>,
    disk: Connection,
    /// Where it puts a bundle until that is whole.
    part: PathBuf,
}

impl Phone {
    fn open(folder: &Path, query: &'static str, code: Option<&'static str>) -> Self {
        let disk = Connection::open(folder.join("phone.db")).unwrap();
        disk.execute_batch(
            "CREATE TABLE IF NOT EXISTS listing (id TEXT PRIMARY KEY, state TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), text TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS fetching (href TEXT NOT NULL, sha256 TEXT NOT NULL);
             PRAGMA synchronous = OFF;",
        )
        .unwrap();
        Self { query, code, disk, part: folder.join("bundle.part") }
    }

    /// Does what is next: a bundle to begin with, and now and then to begin anew; else what is new.
    /// Whether there is more to do.
    async fn step(&mut self, service: &Service, dice: &mut Dice) -> bool {
        let bundle = self.code.filter(|_| self.is_fetching() || dice.now_and_then(50));
        match bundle {
            Some(code) => {
                self.fetch(service, dice, code).await;
                true
            }
            None => self.sync(service, dice, false).await,
        }
    }

    /// Whether it has nothing yet and wants a bundle, or has begun to fetch one.
    fn is_fetching(&self) -> bool {
        self.code.is_some() && (self.cursor().is_none() || self.fetching().is_some())
    }

    /// The bundle that it is fetching: its address and SHA-256.
    fn fetching(&self) -> Option<(String, String)> {
        let read = self.disk.query_row("SELECT href, sha256 FROM fetching", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        read.optional().unwrap()
    }

    fn forget_fetching(&self) {
        self.disk.execute("DELETE FROM fetching", []).unwrap();
        let _ = fs::remove_file(&self.part);
    }

    /// Decides which bundle to fetch, and remembers it: a newer one in the meantime is another file.
    async fn choose(&self, service: &Service, code: &str) {
        let listed = service.get("/v1/bundles").await;
        if listed.status == 503 {
            return;
        }
        let items = listed.body["items"].as_array().unwrap();
        let bundle = items.iter().find(|item| item["code"] == code).unwrap();
        let (href, sha256) = (bundle["href"].as_str().unwrap(), bundle["sha256"].as_str().unwrap());
        let sql = "INSERT INTO fetching VALUES (?1, ?2)";
        self.disk.execute(sql, [href, sha256]).unwrap();
    }

    /// Goes on fetching a bundle from where it was cut off, and takes it in when it is whole.
    async fn fetch(&mut self, service: &Service, dice: &mut Dice, code: &str) {
        let Some((href, sha256)) = self.fetching() else {
            return self.choose(service, code).await;
        };
        let mut part = fs::OpenOptions::new().append(true).create(true).open(&self.part).unwrap();
        let have = part.metadata().unwrap().len();
        let mut asking = service.request(&href);
        if have > 0 {
            let range = format!("bytes={have}-");
            asking = asking.header("range", range).header("if-range", format!("\"{sha256}\""));
        }
        let mut response = asking.send().await.unwrap();
        match response.status().as_u16() {
            // It stayed away for too long: there is a newer one.
            404 => {
                self.forget_fetching();
                return;
            }
            // It had all of it already.
            416 => {}
            status => assert_eq!(status, if have > 0 { 206 } else { 200 }),
        }
        let came = response.status().is_success();
        let mut patience = if dice.now_and_then(3) { usize::MAX } else { dice.roll(60_000) };
        while let Some(piece) = response.chunk().await.unwrap().filter(|_| came) {
            let some = &piece[..piece.len().min(patience)];
            part.write_all(some).unwrap();
            patience -= some.len();
            if some.len() < piece.len() {
                // The line broke, or somebody took out the battery.
                return;
            }
        }
        let bytes = fs::read(&self.part).unwrap();
        assert_eq!(audit::digest(&bytes), sha256, "{href}");
        if self.take_in(bytes, dice) {
            self.forget_fetching();
        }
    }

    /// Puts what a bundle holds in the place of everything; whether it came to that.
    fn take_in(&mut self, bundle: Vec<u8>, dice: &mut Dice) -> bool {
        let mut members = unpacked(bundle);
        let manifest: Value = serde_json::from_slice(&members["manifest.json"]).unwrap();
        let listings = String::from_utf8(members.remove("listings.ndjson").unwrap()).unwrap();
        let died = dice.now_and_then(4).then(|| dice.roll(listings.lines().count() + 1));
        let keeping = self.disk.transaction().unwrap();
        keeping.execute("DELETE FROM listing", []).unwrap();
        for (at, line) in listings.lines().enumerate() {
            if died == Some(at) {
                return false;
            }
            let listing: Value = serde_json::from_str(line).unwrap();
            let id = listing["id"].as_str().unwrap();
            keeping.execute("INSERT INTO listing VALUES (?1, ?2)", [id, line]).unwrap();
        }
        let cursor = manifest["cursor"].as_str().unwrap();
        let sql = "INSERT INTO cursor VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET text = ?1";
        keeping.execute(sql, [cursor]).unwrap();
        if died.is_none() {
            keeping.commit().unwrap();
        }
        died.is_none()
    }

    fn cursor(&self) -> Option<String> {
        let read = self.disk.query_row("SELECT text FROM cursor", [], |row| row.get(0));
        read.optional().unwrap()
    }

    fn held(&self) -> BTreeMap<String, Value> {
        let mut read = self.disk.prepare("SELECT id, state FROM listing").unwrap();
        let rows = read.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap();
        let rows = rows.map(Result::unwrap);
        rows.map(|(id, state)| (id, serde_json::from_str(&state).unwrap())).collect()
    }

    /// Asks for what is new and keeps it; whether there is more. On the way the line may break, or
    /// somebody takes out the battery.
    async fn sync(&mut self, service: &Service, dice: &mut Dice, calm: bool) -> bool {
        let since = self.cursor().map(|text| format!("&since={text}")).unwrap_or_default();
        let limit = [1, 2, 7, 50, 500][if calm { 4 } else { dice.roll(5) }];
        let path = format!("/v1/changes?{}&limit={limit}{since}", self.query);
        let request = service.request(&path).send();
        if !calm && dice.now_and_then(6) {
            // The answer never arrives, and the server does not know.
            drop(request.await);
            return true;
        }
        let response = match request.await {
            // On a machine that stands still the line breaks by itself, too.
            Err(_) if !calm => return true,
            response => response.unwrap(),
        };
        assert_eq!(response.status(), 200);
        let page: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        let items = page["items"].as_array().unwrap();
        let died = (!calm && dice.now_and_then(5)).then(|| dice.roll(items.len() + 1));
        let keeping = self.disk.transaction().unwrap();
        for (at, item) in items.iter().enumerate() {
            if died == Some(at) {
                return true;
            }
            let id = item["id"].as_str().unwrap();
            if item["deleted"] == true {
                keeping.execute("DELETE FROM listing WHERE id = ?1", [id]).unwrap();
            } else {
                let state = item["listing"].to_string();
                let sql =
                    "INSERT INTO listing VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET state = ?2";
                keeping.execute(sql, [id, &state]).unwrap();
            }
        }
        let cursor = page["cursor"].as_str().unwrap();
        let sql = "INSERT INTO cursor VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET text = ?1";
        keeping.execute(sql, [cursor]).unwrap();
        if died.is_none() {
            keeping.commit().unwrap();
        }
        page["has_more"] == true || died.is_some()
    }
}

/// The bundle that has what `query` follows.
fn bundle_of(query: &str) -> Option<&'static str> {
    match query {
        "texts=all" => Some("all"),
        "area=34.02.03&texts=all" => Some("34.02.03"),
        _ => None,
    }
}

/// How many listings somebody changes at once: a maker one, an officer two that belong together, a
/// partner some.
fn how_many(dice: &mut Dice) -> usize {
    match dice.roll(8) {
        0..4 => 1,
        4..6 => 2,
        _ => 3 + dice.roll(18),
    }
}

/// Changes `many` of `records` at once as chance has it, perhaps with what they refer to.
async fn write(
    service: &Service,
    writer: &Writer,
    records: &mut [Record],
    many: usize,
    dice: &mut Dice,
) {
    let mut writes = Vec::new();
    if dice.now_and_then(97) {
        let code: domain::key::CategoryCode = "nature.beach".parse().unwrap();
        let found = category::entity::Entity::find_by_id(code).one(&service.app.store.reader);
        let mut beach = found.await.unwrap().unwrap();
        beach.name =
            serde_json::from_value(json!({"id": format!("Pantai {}", dice.roll(9))})).unwrap();
        writes.push(Write::from(beach));
    }
    let all = records.len();
    let (first, step) = (dice.roll(all), 1 + dice.roll(all / many - 1));
    for at in (0..many).map(|n| (first + n * step) % all) {
        let other = records[dice.roll(all)].listing.id;
        change(&mut records[at], other, dice);
        writes.push(Write::Listing { record: Box::new(records[at].clone()), former_slug: None });
    }
    let unit = Unit::new(writes, "test", at(tests::NOON));
    if dice.now_and_then(3) {
        service.app.write(unit).await.unwrap();
    } else {
        writer.write(unit).await.unwrap();
    }
}

fn change(record: &mut Record, other: Uuid, dice: &mut Dice) {
    let listing = &mut record.listing;
    listing.version += 1;
    listing.updated_at += chrono::TimeDelta::seconds(1);
    match dice.roll(8) {
        0 => listing.status = Status::Suspended,
        1 => listing.status = Status::Archived,
        2 => listing.category = "nature.hill".parse().unwrap(),
        3 => listing.category = "nature.beach".parse().unwrap(),
        4 => listing.see_also.0 = vec![other],
        5 => {
            let name = json!({"id": format!("Nama {}", dice.roll(1000))});
            listing.name = serde_json::from_value(name).unwrap();
        }
        6 => listing.area = Some("34.02.03.2002".parse().unwrap()),
        _ => listing.status = Status::Published,
    }
    if dice.now_and_then(2) {
        listing.status = Status::Published;
    }
    listing.merged_into =
        (listing.status == Status::Archived && dice.now_and_then(2)).then_some(other);
}

/// A whole life of a phone with `seed`; how many times it asked while it was written.
async fn live(seed: u64, writes: usize) -> usize {
    let service = Service::start().await;
    let mut dice = Dice(seed);
    // Every other one may begin with a bundle.
    let queries = [
        "area=34.02.03&texts=all",
        "kind=place",
        "texts=all",
        "category=nature.beach&texts=all",
        "area=34.02.03&texts=all",
        "area=34.02.03",
        "texts=all",
        "kind=event&kind=producer",
    ];
    let query = queries[usize::try_from(seed).unwrap() % queries.len()];
    let folder = tempfile::tempdir().unwrap();
    let mut records = record::load_public(&service.app.store.reader).await.unwrap();
    let rest = records.split_off(records.len() / 2);
    // Another process beside the one that answers.
    let beside = Writer::start(&service.app.store);
    let written = Notify::new();
    let writing = [records, rest].into_iter().zip(1..).map(async |(mut records, n)| {
        let mut dice = Dice(seed ^ (n << 32));
        let mut left = writes / 2;
        while left > 0 {
            let many = how_many(&mut dice).min(left);
            write(&service, &beside, &mut records, many, &mut dice).await;
            left -= many;
            written.notify_one();
            // It happens by itself, too, but seldom.
            if bundle_of(query).is_some() && dice.now_and_then(1 + writes / 12) {
                service.app.make_bundles().await.unwrap();
            }
        }
    });
    let mut writing = std::pin::pin!(futures_util::future::join_all(writing));
    // One in five takes none although there is one.
    let code = bundle_of(query).filter(|_| !dice.now_and_then(5));
    let mut phone = Phone::open(folder.path(), query, code);
    let (mut asked, mut more) = (0, true);
    loop {
        tokio::select! {
            biased;
            _ = &mut writing => break,
            now = phone.step(&service, &mut dice), if more => (asked, more) = (asked + 1, now),
            // Who has all there is looks again when something happens.
            () = written.notified(), if !more => more = true,
        }
        if dice.now_and_then(9) {
            phone = Phone::open(folder.path(), query, code);
        }
    }
    assert!(service.app.catch_up().await.unwrap());
    // What it has begun it ends, and nobody writes any more.
    while phone.is_fetching() {
        phone.step(&service, &mut dice).await;
    }
    while phone.sync(&service, &mut dice, true).await {}
    is_equal(&phone, &service, &mut dice, seed).await;
    asked
}

/// Holds what a phone has against what one has that begins now, and against a search.
async fn is_equal(phone: &Phone, service: &Service, dice: &mut Dice, seed: u64) {
    let query = phone.query;
    let fresh_folder = tempfile::tempdir().unwrap();
    let mut fresh = Phone::open(fresh_folder.path(), query, None);
    while fresh.sync(service, dice, true).await {}
    let (held, published) = (phone.held(), fresh.held());
    let ids = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(&held), ids(&published), "seed {seed}, {query}");
    for (id, state) in &held {
        assert_eq!(state, &published[id], "seed {seed}, {query}, {id}");
    }
    assert_eq!(ids(&held), found(service, query).await, "seed {seed}, {query}");
}

/// The ids that a search finds.
async fn found(service: &Service, query: &str) -> Vec<String> {
    let query = query.replace("texts=all", "sort=name");
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/v1/discover?{query}&limit=100{cursor}")).await;
        all.extend(page.each("id").into_iter().map(str::to_owned));
        let Some(next) = page.body["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    all.sort();
    all
}

/// Lives through towns, one after the other, until there are no more seeds.
fn live_on(seeds: &AtomicU64, last: u64, writes: usize) {
    loop {
        let seed = seeds.fetch_add(1, Ordering::Relaxed);
        if seed > last {
            return;
        }
        let began = Instant::now();
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let town = threads.worker_threads(2).enable_all().build().unwrap();
        let asked = town.block_on(live(seed, writes));
        println!("seed {seed}: {writes} writes, asked {asked} times, {:.0?}", began.elapsed());
    }
}

#[test]
fn a_phone_that_is_killed_again_and_again_on_a_bad_line_ends_equal_to_the_server() {
    let [seeds, writes] =
        [("PHONE_SEEDS", 4), ("PHONE_WRITES", 120)].map(|(name, n)| number(name, n));
    let (next, last) = (AtomicU64::new(1), seeds as u64);
    std::thread::scope(|towns| {
        for _ in 0..number("PHONE_AT_ONCE", 2) {
            towns.spawn(|| live_on(&next, last, writes));
        }
    });
}
