//! A whole service at a port of its own, over a database of its own, and a short way to talk to it.
//!
//! SQLite by default; with `TEST_POSTGRES_URL` (a server, without a database's name) PostgreSQL.
//! The fixtures are poured once a process into a template, of which every test gets a copy.

use std::{
    future::pending,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use api::{
    App, Edge,
    clock::Clock,
    config::Settings,
    line::{self, Patience},
    seed, tls,
};
use chrono::{DateTime, Utc};
use domain::{
    account::{self, Agencies, Role},
    import::Progress,
    session,
    store::Store,
    text::Lang,
    writer::{Unit, Writer},
};
use migrations::{Migrator, MigratorTrait as _};
use reqwest::{Client, RequestBuilder, StatusCode, header::HeaderMap};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::OnceCell};
use uuid::Uuid;

/// The moment at which every service stands until a test moves it: a Tuesday noon in Bantul.
pub const NOON: &str = "2026-11-24T12:00:00+07:00";

/// An instant of the tests.
pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("an RFC 3339 time").to_utc()
}

/// A running service.
pub struct Service {
    /// What its handlers reach.
    pub app: App,
    /// Its clock, to be moved.
    pub clock: Clock,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    client: Client,
    /// Keeps the database's folder for as long as the service.
    pub place: Place,
}

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct Who {
    /// Their account.
    pub id: Uuid,
    /// What opens it.
    pub token: String,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its text.
    pub text: String,
    /// Its text as JSON; null where it is none.
    pub body: Value,
}

impl Reply {
    /// A header as text; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `name`s of the items.
    pub fn names(&self) -> Vec<&str> {
        self.each("name")
    }

    /// One text member of every item.
    pub fn each(&self, member: &str) -> Vec<&str> {
        let items = self.body["items"].as_array().expect("a list has items");
        items.iter().map(|item| item[member].as_str().unwrap_or_default()).collect()
    }
}

impl Service {
    /// A service over the fixtures, at [`NOON`].
    pub async fn start() -> Self {
        Self::over(Place::with_fixtures().await, &[]).await
    }

    /// A service over an empty, migrated database.
    pub async fn empty() -> Self {
        Self::over(Place::empty().await, &[]).await
    }

    /// A service over `place`, with settings given as on the command line.
    pub async fn over(place: Place, flags: &[&str]) -> Self {
        Self::dressed(place, flags, api::service).await
    }

    /// A service whose routes `make` chooses.
    pub async fn dressed(place: Place, flags: &[&str], make: fn(App) -> Edge) -> Self {
        Self::patient(place, flags, make, Patience::USUAL).await
    }

    /// A service whose routes `make` chooses, with another patience.
    pub async fn patient(
        place: Place,
        flags: &[&str],
        make: fn(App) -> Edge,
        patience: Patience,
    ) -> Self {
        let clock = Clock::standing(at(NOON));
        let store = place.open().await;
        let mut settings = settings(flags);
        settings.data_dir = place.folder().to_owned();
        let app = App::start(store, settings, clock.clone()).await.expect("start");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let (edge, node) = (make(app.clone()), app.clone());
        let served = async move { line::serve(listener, &node, edge, patience, pending()).await };
        tokio::spawn(served);
        Self { app, clock, url, client: client(), place }
    }

    /// Ends it as a program ends that is told to, and leaves what it kept.
    pub async fn stop(self) -> Place {
        self.app.end().await;
        self.place
    }

    /// The answer to a GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(path)).await
    }

    /// A GET to be given headers.
    pub fn request(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// A request of another method.
    pub fn method(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Somebody of a role, who acts for `agencies` if for any.
    pub async fn person(&self, role: Role, agencies: &[&str]) -> Who {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (id, token) =
            (Uuid::from_u128(0xacc0_0000 + u128::from(number)), format!("t-{number}"));
        let agencies = agencies.iter().map(|agency| agency.parse().expect("an agency")).collect();
        let account = account::Model {
            id,
            email: Some(format!("orang{number}@contoh.example")),
            phone: None,
            name: None,
            lang: Lang::Id,
            role,
            agencies: Agencies(agencies),
            created_at: at(NOON),
            erased_at: None,
            version: 1,
        };
        let session = session::Model::new(id, id, &token, None, at(NOON));
        let unit = Unit::new(vec![account.into(), session.into()], "test", at(NOON));
        self.app.write(unit).await.expect("an account");
        Who { id, token }
    }

    /// The messages to `to` in the folder, the oldest first, once there are `count`.
    pub async fn letters(&self, to: &str, count: usize) -> Vec<String> {
        loop {
            let letters = letters(self.place.folder(), to);
            if letters.len() >= count {
                return letters;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The code in the newest of `count` messages to `to`, which it waits for.
    pub async fn code(&self, to: &str, count: usize) -> String {
        let letters = self.letters(to, count).await;
        code_in(letters.last().expect("a message")).to_owned()
    }

    /// Whoever is reached at `to`, as people write it, having come in with a code; the first one that
    /// is sent there.
    pub async fn come_in(&self, to: &str) -> Who {
        let asked = self.post("/v1/auth/code", &json!({"to": to})).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let address: domain::account::Address = to.parse().expect("an address");
        let code = self.code(address.as_str(), 1).await;
        let came = self.post("/v1/auth/token", &json!({"to": to, "code": code})).await;
        assert_eq!(came.status, 200, "{}", came.text);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let id = text(&came.body["account"]["id"]).parse().expect("an id");
        Who { id, token: text(&came.body["access_token"]) }
    }

    /// The answer to anybody who posts `body`.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        let request = self.method("POST", path).header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    /// The answer to `who` who sends `body` by `method`; a PATCH is a merge patch.
    pub async fn say(&self, who: &Who, method: &str, path: &str, body: &Value) -> Reply {
        self.send(self.saying(who, method, path, body)).await
    }

    /// The same, to be given headers.
    pub fn saying(&self, who: &Who, method: &str, path: &str, body: &Value) -> RequestBuilder {
        let media =
            if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let request = self.method(method, path).bearer_auth(&who.token);
        request.header("content-type", media).body(body.to_string())
    }

    /// What `who` reads at `path`.
    pub async fn read(&self, who: &Who, path: &str) -> Reply {
        self.send(self.request(path).bearer_auth(&who.token)).await
    }

    /// A change by `who` of what they have just read.
    pub async fn change(&self, who: &Who, path: &str, patch: &Value) -> Reply {
        let key = path.rsplit('/').next().unwrap_or_default();
        let tag = self.read(who, &format!("/v1/listings/{key}")).await.header("etag").to_owned();
        let tag = if tag.is_empty() { self.get(path).await.header("etag").to_owned() } else { tag };
        self.send(self.saying(who, "PATCH", path, patch).header("if-match", tag)).await
    }

    /// The answer to a request.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("text");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status, headers, text, body }
    }
}

/// The messages to `to` in `messages/` of a data folder, the oldest first.
pub fn letters(folder: &Path, to: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("messages")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "txt"));
    files.sort();
    let letters = files.iter().map(|file| std::fs::read_to_string(file).expect("a message"));
    letters.filter(|letter| letter.lines().next() == Some(&format!("To: {to}"))).collect()
}

/// The code in a message.
pub fn code_in(letter: &str) -> &str {
    let code = letter.lines().find_map(|line| line.strip_prefix("Code: "));
    code.expect("a line with the code")
}

/// A client that follows nobody elsewhere.
pub fn client() -> Client {
    tls::choose();
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// Settings as on the command line; limits are off unless a test is about them.
pub fn settings(flags: &[&str]) -> Settings {
    use clap::Parser as _;
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }
    let rate: &[&str] =
        if flags.iter().any(|flag| flag.starts_with("--rate")) { &[] } else { &["--rate=off"] };
    Line::parse_from([&["tests"], rate, flags].concat()).settings
}

/// Where a database is.
pub struct Place {
    /// What opens it.
    pub url: String,
    /// Where a service over it keeps its files.
    pub folder: TempDir,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Place {
    /// An empty database at the newest schema.
    pub async fn empty() -> Self {
        let place = Self::bare().await;
        Migrator::up(&place.open().await.writer, None).await.expect("migrate");
        place
    }

    /// A database without any table.
    pub async fn bare() -> Self {
        match server() {
            None => Self::file(|_| ()),
            Some(server) => Self::create(&server, "").await,
        }
    }

    /// A SQLite file without any table, whatever the tests run on.
    pub fn sqlite() -> Self {
        Self::file(|_| ())
    }

    /// A database that holds the fixtures: a copy of the template.
    pub async fn with_fixtures() -> Self {
        static TEMPLATE: OnceCell<Place> = OnceCell::const_new();
        let template = TEMPLATE.get_or_init(Self::template).await;
        match server() {
            None => {
                let original = template.file_path();
                Self::file(|copy| {
                    std::fs::copy(original, copy).expect("copy the template");
                })
            }
            Some(server) => {
                let name = template.url.rsplit('/').next().expect("a name");
                Self::create(&server, &format!(" TEMPLATE {name}")).await
            }
        }
    }

    async fn template() -> Self {
        let place = Self::empty().await;
        let store = place.open().await;
        pour(&store, seed::From::Fixtures).await;
        // A file is copied, a database is a template, only when nobody holds it.
        for connection in [store.reader, store.writer] {
            connection.close().await.expect("close");
        }
        place
    }

    fn file(fill: impl FnOnce(&Path)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("griya.db");
        fill(&file);
        Self { url: format!("sqlite:{}?mode=rwc", file.display()), folder }
    }

    fn file_path(&self) -> PathBuf {
        self.folder().join("griya.db")
    }

    /// The folder for what is kept in files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn create(server: &str, like: &str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("it_{}_{number}", std::process::id());
        let admin = Database::connect(format!("{server}/postgres")).await.expect("the server");
        let create = format!("CREATE DATABASE {name}{like}");
        admin.execute_unprepared(&create).await.expect("create the database");
        admin.close().await.expect("close");
        let folder = TempDir::new().expect("a folder");
        Self { url: format!("{server}/{name}"), folder }
    }

    /// The same database, for another node with a folder of its own; this one keeps it.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self { url: self.url.clone(), folder: TempDir::new().expect("a folder") }
    }

    /// The database, opened.
    pub async fn open(&self) -> Store {
        Store::open(&self.url).await.expect("open")
    }
}

/// Pours, and hears of no bad record.
pub async fn pour(store: &Store, from: seed::From<'_>) {
    let mut tell = |_: &str, _: Option<u64>, progress: Progress| {
        if let Progress::Refused(refusal) = progress {
            panic!("refused: {refusal:?}");
        }
    };
    seed::pour(
        store,
        &Writer::start(store),
        from,
        "test",
        at("2026-11-24T08:00:00+07:00"),
        &mut tell,
    )
    .await
    .expect("pour");
}

/// The PostgreSQL server to test on, if one is named.
pub fn server() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "tests choose their database by environment")]
    let server = std::env::var("TEST_POSTGRES_URL");
    server.ok().filter(|server| !server.is_empty())
}

/// How much of something a test tries: what the environment says under `name`, else what is `usual`.
pub fn number(name: &str, usual: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "a long run is asked for by environment")]
    let asked = std::env::var(name);
    asked.ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The program `griya`. Built on the first call: a test binary of another crate does not bring it.
pub fn program() -> PathBuf {
    static PROGRAM: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    PROGRAM
        .get_or_init(|| {
            let mut build = std::process::Command::new(env!("CARGO"));
            // What cargo tells tests about their own package would have half the dependencies built
            // anew: build scripts that ask for it see that it changed.
            let about_tests = |name: &str| {
                ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start))
            };
            for (name, _) in std::env::vars_os() {
                if name.to_str().is_some_and(about_tests) {
                    build.env_remove(name);
                }
            }
            let built = build
                .args(["build", "--quiet", "--workspace", "--bin", "griya"])
                .status()
                .expect("cargo runs");
            assert!(built.success(), "the program does not build");
            // The test binary is target/PROFILE/deps/it-…; the program is target/PROFILE/griya.
            let test = std::env::current_exe().expect("a path");
            test.ancestors().nth(2).expect("target/PROFILE").join("griya")
        })
        .clone()
}
