//! A town: nodes over one database, people who write, a partner who is told, and the book of what was
//! acknowledged.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{audit, record, store::Store};
use reqwest::{Client, Method};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tests::{Place, client, code_in, letters};
use tokio::sync::{Mutex as Turn, RwLock};

use crate::{
    node::Node,
    receiver::Receiver,
    worker::{Held, Worker},
};

/// Numbers that look random and follow from the first (`SplitMix64`).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

/// What came of a request.
pub enum Said {
    Done(Value),
    /// No, and why.
    Refused(u16, String),
    /// Nobody knows: there was no answer, or one that says as much.
    Nothing,
}

/// How many write at once.
const WORKERS: usize = 16;

pub struct Town {
    pub seed: u64,
    /// Whether there is one node: when it is dead, nothing is under way.
    pub is_alone: bool,
    pub admin: String,
    client: Client,
    urls: std::sync::RwLock<Vec<Option<String>>>,
    /// Held by each write; who takes it whole meets nobody writing.
    gate: RwLock<()>,
    ended: AtomicBool,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// Listing and version of each acknowledged write.
    acknowledged: Vec<(String, i64)>,
    faults: Vec<String>,
    turn: usize,
}

/// A town with its load.
pub struct Load {
    pub town: Arc<Town>,
    pub nodes: Vec<(Node, Place)>,
    pub random: Random,
    workers: Vec<Arc<Turn<Worker>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    receiver: Receiver,
    began: Instant,
}

/// What a run ends with.
pub struct Tally {
    pub acknowledged: usize,
    pub lost: i64,
    pub faults: Vec<String>,
}

impl Town {
    /// What a node says, each request to another one of those that are up.
    pub async fn say(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, String)],
        body: &Value,
    ) -> Said {
        let Some(url) = self.url() else { return Said::Nothing };
        let media = if method == Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let mut request = self.client.request(method, format!("{url}{path}"));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if !body.is_null() {
            request = request.header("content-type", media).body(body.to_string());
        }
        let Ok(response) = request.send().await else { return Said::Nothing };
        let status = response.status();
        let Ok(text) = response.text().await else { return Said::Nothing };
        match status.as_u16() {
            200..=299 => Said::Done(serde_json::from_str(&text).unwrap_or_default()),
            503 => Said::Nothing,
            status => Said::Refused(status, text),
        }
    }

    /// The address of some node that is up.
    pub fn url(&self) -> Option<String> {
        let urls = self.urls.read().unwrap();
        let up: Vec<&String> = urls.iter().flatten().collect();
        let mut book = self.book.lock().unwrap();
        book.turn += 1;
        up.get(book.turn % up.len().max(1)).map(|url| (*url).clone())
    }

    /// Waits until some node can be asked again.
    pub async fn is_up(&self) {
        let waiting = async {
            while !matches!(
                self.say(Method::GET, "/health/ready", "", &[], &Value::Null).await,
                Said::Done(_)
            ) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(3), waiting).await.expect("nobody is up again");
    }

    pub fn acknowledged(&self, version: i64, said: &Value) {
        // A product says whose it is.
        let id = said["producer"].as_str().or(said["id"].as_str()).unwrap_or_default();
        self.book.lock().unwrap().acknowledged.push((id.to_owned(), version));
    }

    pub fn fault(&self, what: String) {
        eprintln!("fault: {what}");
        self.book.lock().unwrap().faults.push(what);
    }

    pub fn count(&self) -> usize {
        self.book.lock().unwrap().acknowledged.len()
    }

    /// Somebody comes in; the letter is in the folder of whichever node sent it.
    async fn come_in(&self, nodes: &[(Node, Place)], to: &str) -> String {
        self.post("/v1/auth/code", "", &json!({"to": to})).await;
        let letter = async || {
            let found = nodes.iter().find_map(|(_, place)| letters(place.folder(), to).pop());
            found.map(|letter| code_in(&letter).to_owned())
        };
        let code = loop {
            if let Some(code) = letter().await {
                break code;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let came = self.post("/v1/auth/token", "", &json!({"to": to, "code": code})).await;
        came["access_token"].as_str().expect("a token").to_owned()
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        match self.say(Method::POST, path, token, &[], body).await {
            Said::Done(said) => said,
            Said::Refused(status, text) => panic!("{path}: {status} {text}"),
            Said::Nothing => panic!("{path}: nothing"),
        }
    }

    /// Everything that the node at `url` tells, once it shows all there is.
    async fn everything(&self, url: &str) -> BTreeSet<String> {
        let get = async |path: &str| -> Value {
            let reply = self.client.get(format!("{url}{path}")).send().await.expect("an answer");
            reply.json().await.expect("JSON")
        };
        let waiting = async {
            loop {
                let ready = get("/health/ready").await;
                if ready["status"] == "ok" && ready["log_seq"] == ready["shown_seq"] {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(2), waiting).await.expect("it never caught up");
        let (mut all, mut since) = (BTreeSet::new(), String::new());
        loop {
            let page = get(&format!("/v1/changes?limit=500{since}")).await;
            all.extend(page["items"].as_array().expect("items").iter().map(Value::to_string));
            since = format!("&since={}", page["cursor"].as_str().expect("a cursor"));
            if page["has_more"] == false {
                return all;
            }
        }
    }
}

impl Load {
    /// `nodes` over `place`, and people who write `rate` times a second.
    pub async fn start(place: Place, nodes: usize, rate: usize, seed: u64) -> Self {
        // Chooses who does TLS.
        drop(client());
        let (receiver, hook) = Receiver::start().await;
        let places = (1..nodes).map(|_| place.shared()).collect::<Vec<_>>();
        let mut running = Vec::new();
        let mut urls = Vec::new();
        for place in std::iter::once(place).chain(places) {
            let mut node = Node::spawn(&place, &[]);
            let Some(url) = node.address().await else {
                panic!("it does not start: {}", node.log())
            };
            urls.push(Some(url));
            running.push((node, place));
        }
        let (made, admin) =
            running[0].0.command(&["--log=error", "admin", "create", "kepala@contoh.example"]);
        assert!(made, "{admin}");
        let client = Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        let town = Arc::new(Town {
            seed,
            is_alone: nodes == 1,
            admin: admin.trim().to_owned(),
            client,
            urls: std::sync::RwLock::new(urls),
            gate: RwLock::default(),
            ended: AtomicBool::new(false),
            book: Mutex::default(),
        });
        let mut load = Self {
            town,
            nodes: running,
            random: Random(seed),
            workers: Vec::new(),
            tasks: Vec::new(),
            receiver,
            began: Instant::now(),
        };
        load.people(&hook, rate).await;
        load
    }

    async fn people(&mut self, hook: &str, rate: usize) {
        let town = &self.town;
        let partner = town.come_in(&self.nodes, "mitra@contoh.example").await;
        town.post("/v1/webhooks", &partner, &json!({"url": hook})).await;
        for name in 0..WORKERS {
            let to = format!("orang{name}@contoh.example");
            let maker = town.come_in(&self.nodes, &to).await;
            let worker = Worker::new(Arc::clone(town), name, maker);
            self.workers.push(Arc::new(Turn::new(worker)));
        }
        let period =
            Duration::from_secs(1) * u32::try_from(WORKERS).unwrap() / u32::try_from(rate).unwrap();
        for worker in &self.workers {
            let (town, worker) = (Arc::clone(town), Arc::clone(worker));
            self.tasks.push(tokio::spawn(async move {
                let mut ticks = tokio::time::interval(period);
                // A dead node is no reason to write more afterwards.
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                while !town.ended.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    let _open = town.gate.read().await;
                    worker.lock().await.write().await;
                }
            }));
        }
        self.began = Instant::now();
    }

    /// Lets them write until so many more writes are acknowledged.
    pub async fn work(&self, writes: usize) {
        let until = self.town.count() + writes;
        while self.town.count() < until {
            let first = self.town.book.lock().unwrap().faults.first().cloned();
            assert_eq!(first, None, "the first fault; the nodes say {}", self.logs());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The last lines that each node has logged.
    fn logs(&self) -> String {
        let last = |log: String| log.lines().rev().take(8).collect::<Vec<_>>().join("\n");
        self.nodes.iter().map(|(node, _)| last(node.log()) + "\n").collect()
    }

    /// Kills a node where it is, in the middle of whatever it does.
    pub fn kill(&mut self, at: usize) {
        self.nodes[at].0.kill();
        self.town.urls.write().unwrap()[at] = None;
    }

    /// Lets a node sleep while the others work, and wakes it: it knows nothing of the time between.
    pub async fn sleep(&self, at: usize, writes: usize) {
        let url = self.town.urls.write().unwrap()[at].take();
        // What it has begun it ends first, so that nobody waits for it.
        drop(self.town.gate.write().await);
        self.nodes[at].0.signal("STOP");
        self.work(writes).await;
        self.nodes[at].0.signal("CONT");
        self.town.urls.write().unwrap()[at] = url;
    }

    /// Starts a node again; now and then it is killed on its way up, and started once more.
    pub async fn start_again(&mut self, at: usize) {
        let place = &self.nodes[at].1;
        if self.random.below(8) == 0 {
            let mut node = Node::spawn(place, &[]);
            let pause = u64::try_from(self.random.below(800)).unwrap();
            tokio::time::sleep(Duration::from_millis(pause)).await;
            node.kill();
        }
        let mut node = Node::spawn(place, &[]);
        let Some(url) = node.address().await else { panic!("it does not start: {}", node.log()) };
        self.nodes[at].0 = node;
        self.town.urls.write().unwrap()[at] = Some(url);
    }

    /// Looks while nobody writes: what was touched, or everything; what was lost.
    pub async fn check(&self, everything: bool) -> i64 {
        let _alone = self.town.gate.write().await;
        let mut lost = 0;
        for worker in &self.workers {
            lost += worker.lock().await.lost(everything).await;
        }
        let store = self.nodes[0].1.open().await;
        if everything {
            self.check_chain(&store).await;
        }
        self.check_indexes(&store).await;
        close(store).await;
        lost
    }

    async fn check_chain(&self, store: &Store) {
        let verdict = audit::verify(&store.reader, None).await.unwrap();
        for finding in verdict.findings {
            self.town.fault(format!("the record: {finding}"));
        }
    }

    /// Every index is what the database is, and so all are equal.
    async fn check_indexes(&self, store: &Store) {
        let urls: Vec<String> = self.town.urls.read().unwrap().iter().flatten().cloned().collect();
        let mut first: Option<BTreeSet<String>> = None;
        for url in &urls {
            let all = self.town.everything(url).await;
            let first = first.get_or_insert_with(|| all.clone());
            if all != *first {
                let odd = all.symmetric_difference(first).next();
                self.town.fault(format!("two nodes differ: {odd:?}"));
            }
        }
        let shown: BTreeMap<String, i64> = first
            .iter()
            .flatten()
            .filter_map(|item| {
                let listing = serde_json::from_str::<Value>(item).ok()?["listing"].take();
                Some((listing["id"].as_str()?.to_owned(), listing["version"].as_i64()?))
            })
            .collect();
        let stored = record::load_public(&store.reader).await.unwrap();
        let stored: BTreeMap<String, i64> = stored
            .iter()
            .map(|record| &record.listing)
            .filter(|listing| listing.is_public())
            .map(|listing| (listing.id.to_string(), listing.version))
            .collect();
        if shown != stored {
            let odd = stored.iter().find(|(id, version)| shown.get(*id) != Some(version));
            self.town.fault(format!("the index differs from the database: {odd:?}"));
        }
    }

    /// Ends the work, looks at everything a last time, and says what came of it.
    pub async fn end(mut self, wait_for_all: bool) -> Tally {
        self.town.ended.store(true, Ordering::Relaxed);
        for task in self.tasks.drain(..) {
            if task.await.is_err() {
                self.town.fault("a worker gave up".to_owned());
            }
        }
        let seconds = self.began.elapsed().as_secs();
        let mut lost = self.check(true).await;
        let store = self.nodes[0].1.open().await;
        lost += self.unrecorded(&store).await;
        lost += self.untold(&store, wait_for_all).await;
        close(store).await;
        let book = std::mem::take(&mut *self.town.book.lock().unwrap());
        eprintln!("{} acknowledged in {seconds} s, outages included", book.acknowledged.len());
        Tally { acknowledged: book.acknowledged.len(), lost, faults: book.faults }
    }

    /// How many acknowledged writes the record knows nothing of.
    async fn unrecorded(&self, store: &Store) -> i64 {
        let sql = "SELECT subject, version FROM audit";
        let rows =
            store.reader.query_all_raw(Statement::from_string(store.backend(), sql)).await.unwrap();
        let known: BTreeSet<(String, i64)> = rows
            .iter()
            .map(|row| (row.try_get("", "subject").unwrap(), row.try_get("", "version").unwrap()))
            .collect();
        let acknowledged = self.town.book.lock().unwrap().acknowledged.clone();
        let unknown: Vec<_> = acknowledged.iter().filter(|write| !known.contains(*write)).collect();
        if let Some(first) = unknown.first() {
            self.town.fault(format!("not on record: {} writes, such as {first:?}", unknown.len()));
        }
        i64::try_from(unknown.len()).unwrap()
    }

    /// How many listings the partner was not told the newest state of. What waits to be told once more
    /// after a crash is in the database meanwhile: whoever does not wait for it looks there.
    async fn untold(&self, store: &Store, wait: bool) -> i64 {
        let mut public = Vec::new();
        for worker in &self.workers {
            let worker = worker.lock().await;
            public.extend(worker.held.iter().filter(|held| held.public).cloned());
        }
        // A call that fails is made again after 3 seconds, then 30, then 5 minutes; who does not wait for
        // that waits until what is to be told is a delivery at least.
        let patience = Duration::from_secs(if wait { 400 } else { 60 });
        let began = Instant::now();
        let mut untold: Vec<&Held>;
        loop {
            untold =
                public.iter().filter(|held| self.receiver.told(&held.id) < held.version).collect();
            if !wait {
                let undone = undone(store).await;
                let is_due = |held: &Held| undone.get(&held.id) >= Some(&held.version);
                untold.retain(|held| !is_due(held));
            }
            if untold.is_empty() || began.elapsed() > patience {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if let Some(first) = untold.first() {
            self.town.fault(format!("untold: {} listings, such as {first:?}", untold.len()));
        }
        self.check_numbers(store).await;
        i64::try_from(untold.len()).unwrap()
    }

    /// Deliveries are numbered without a gap: none was lost on the way, none made twice.
    async fn check_numbers(&self, store: &Store) {
        let sql = "SELECT count(*) AS rows, count(DISTINCT number) AS numbers, max(number) AS last FROM delivery";
        let row = store
            .reader
            .query_one_raw(Statement::from_string(store.backend(), sql))
            .await
            .unwrap()
            .unwrap();
        let of = |name: &str| row.try_get::<i64>("", name).unwrap();
        if of("rows") != of("numbers") || of("rows") != of("last") {
            self.town.fault(format!(
                "deliveries: {} rows, {} numbers, last {}",
                of("rows"),
                of("numbers"),
                of("last")
            ));
        }
    }
}

/// The newest version of each listing that a delivery holds which is not done.
async fn undone(store: &Store) -> BTreeMap<String, i64> {
    let sql = "SELECT body FROM delivery WHERE done_at IS NULL ORDER BY number";
    let rows =
        store.reader.query_all_raw(Statement::from_string(store.backend(), sql)).await.unwrap();
    let bodies = rows.iter().map(|row| row.try_get::<String>("", "body").unwrap());
    bodies
        .filter_map(|body| {
            let data = serde_json::from_str::<Value>(&body).ok()?["data"].take();
            Some((data["id"].as_str()?.to_owned(), data["version"].as_i64()?))
        })
        .collect()
}

async fn close(store: Store) {
    for connection in [store.reader, store.writer] {
        connection.close().await.expect("close");
    }
}
