//! Leaving and coming back: everything goes into a folder, and out of it into a database of the other
//! kind, and the world cannot tell the difference. Whoever is killed on the way has lost nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{account::Role, audit, dump::catalog, store::Store};
use migrations::{Migrator, MigratorTrait as _};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tests::{Place, Reply, Service, Who, number, program, server};

use crate::nodes::until;

/// The program over `place`, about to do what `arguments` say.
fn griya(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .env("GRIYA_DATA_DIR", place.folder())
        .env("GRIYA_DATABASE_URL", place.url.trim_end_matches("?mode=rwc"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// What it prints where it does what it should, which says nothing else.
fn done(place: &Place, arguments: &[&str]) -> String {
    let output = griya(place, arguments).output().unwrap();
    let (out, err) = said(&output);
    assert!(output.status.success(), "{arguments:?}: {err}");
    assert_eq!(err, "", "bars are for terminals");
    out
}

/// The one sentence that it fails with.
fn refused(place: &Place, arguments: &[&str]) -> String {
    let output = griya(place, arguments).output().unwrap();
    let (out, err) = said(&output);
    assert!(!output.status.success() && out.is_empty(), "{arguments:?}: {out}");
    assert_eq!(err.lines().count(), 1, "{arguments:?}: {err}");
    err.strip_prefix("griya: ").unwrap().trim_end().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn manifest(folder: &Path) -> Value {
    let read = fs::read_to_string(folder.join("manifest.json")).unwrap();
    serde_json::from_str::<Value>(&read).unwrap()["manifest"].take()
}

/// What the tables and pictures of an export are, without what tells when it was made and where.
fn content(folder: &Path) -> Value {
    let mut manifest = manifest(folder);
    for member in ["made_at", "database", "folder"] {
        manifest.as_object_mut().unwrap().remove(member).unwrap();
    }
    manifest
}

/// A database of the other kind where there are two, without any table.
async fn of_the_other_kind() -> Place {
    if server().is_some() { Place::sqlite() } else { Place::bare().await }
}

fn ok(reply: Reply) -> Reply {
    assert!(reply.status.is_success(), "{}", reply.text);
    reply
}

fn photograph() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(700, 500, |x, y| {
        image::Rgb([x, y, x + y].map(|shade| u8::try_from(shade % 256).unwrap()))
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

async fn bring_a_picture(service: &Service, who: &Who) -> Value {
    let picture = photograph();
    let wanted = json!({"size": picture.len()});
    let ticket = ok(service.say(who, "POST", "/v1/media/uploads", &wanted).await);
    let whole = service
        .method("PATCH", ticket.header("location"))
        .header("upload-offset", 0)
        .header("content-type", "application/offset+octet-stream")
        .body(picture);
    ok(service.send(whole).await).body
}

fn maker(name: &str) -> Value {
    json!({
        "name": {"id": name}, "summary": {"id": "Batik \u{2028} \"tulis\"\n dari Giriloyo 🎨"},
        "category": "craft.batik", "location": {"lat": -7.920_000_1, "lon": 110.39},
        "form": "maker", "craft": "batik", "visit": "appointment", "techniques": ["tulis"],
        "contacts": [{"type": "whatsapp", "value": "+6281200000001", "public": true},
                     {"type": "phone", "value": "+6281200000002"}],
    })
}

/// A bit of everything that people leave behind them.
async fn live_in(service: &Service) -> Who {
    let (sri, officer) = (service.come_in("sri@contoh.example").await, "dinas-kukmp");
    let officer = service.person(Role::Editor, &[officer]).await;
    let admin = service.person(Role::Admin, &[]).await;
    let picture = bring_a_picture(service, &sri).await;
    let image = json!([{"src": picture["src"], "srcset": picture["srcset"],
        "width": picture["width"], "height": picture["height"], "thumbhash": picture["thumbhash"],
        "alt": {"id": "Kain"}, "credit": "Sri", "licence": "CC-BY-4.0"}]);
    for name in ["Batik Sri Lestari", "Batik yang Ditunggu"] {
        ok(service.say(&sri, "POST", "/v1/producers", &maker(name)).await);
    }
    let hers = "/v1/producers/batik-sri-lestari";
    ok(service.change(&sri, hers, &json!({"media": image})).await);
    let publish = "/v1/listings/batik-sri-lestari/publish";
    ok(service.say(&officer, "POST", publish, &json!({})).await);
    let product = json!({"name": {"id": "Kain panjang"}, "status": "active",
        "price": {"amount": 450_000, "currency": "IDR"}});
    ok(service.say(&sri, "POST", &format!("{hers}/products"), &product).await);
    // One proposal waits, one was refused with a reason.
    let proposed = ok(service.change(&sri, hers, &json!({"hours": "Mo-Su 08:00-17:00"})).await);
    let proposed = proposed.body["revision"]["id"].as_str().unwrap().to_owned();
    let refuse = format!("/v1/listings/batik-sri-lestari/revisions/{proposed}/refuse");
    ok(service.say(&officer, "POST", &refuse, &json!({"reason": "Minggu\ntutup."})).await);
    ok(service.change(&sri, hers, &json!({"hours": "Mo-Sa 08:00-17:00"})).await);
    let beach = "/v1/places/pantai-parangtritis";
    ok(service.change(&admin, beach, &json!({"slug": "parangtritis"})).await);
    let archive = "/v1/listings/pantai-depok/archive";
    ok(service.say(&admin, "POST", archive, &json!({"reason": "Ditutup."})).await);
    leave_more(service, &sri).await;
    plant_rows(service).await;
    sri
}

/// Keys, a record of a partner's own, a webhook; somebody asks to keep a listing; somebody was here and
/// is forgotten.
async fn leave_more(service: &Service, sri: &Who) {
    let key = json!({"name": "Peta", "scopes": ["read", "webhooks"]});
    ok(service.say(sri, "POST", "/v1/keys", &key).await);
    let key = json!({"name": "Portal", "scopes": ["listings"], "system": "portal"});
    let key = ok(service.say(sri, "POST", "/v1/keys", &key).await);
    let brought = json!({"kind": "place", "name": {"id": "Pantai dari Portal"},
        "category": "nature.beach", "location": {"lat": -8.01, "lon": 110.27}});
    let bring = service.method("PUT", "/v1/external/portal/A-17").body(brought.to_string());
    let bring = bring.header("x-api-key", key.body["key"].as_str().unwrap());
    ok(service.send(bring.header("content-type", "application/json")).await);
    let hook = json!({"url": "https://penerima.invalid/griya", "kinds": ["place"]});
    ok(service.say(sri, "POST", "/v1/webhooks", &hook).await);
    let joko = service.come_in("+6281234567890").await;
    let claim = json!({"evidence": "Saya ketuanya."});
    let claims = "/v1/listings/sentra-batik-tulis-giriloyo/claims";
    ok(service.say(&joko, "POST", claims, &claim).await);
    let gone = service.come_in("pergi@contoh.example").await;
    ok(service.say(&gone, "POST", "/v1/producers", &maker("Batik Pergi")).await);
    ok(service.send(service.method("DELETE", "/v1/me").bearer_auth(&gone.token)).await);
}

/// Rows that nobody comes by easily, with values that databases like to write otherwise.
async fn plant_rows(service: &Service) {
    for sql in [
        "INSERT INTO kept_answer (key, request, status, headers, body, at, version) VALUES \
         ('k', 'r', 201, '{ \"b\": 1e2, \"a\":12345678901234567890.10,  \"é\\u00e9\": null}', '{}', \
         '2026-11-24T05:00:00.123456+00:00', 9223372036854775807)",
        "INSERT INTO daily_query (day, text, count) VALUES ('2026-11-24', 'z', 1), \
         ('2026-11-24', 'Z', 2), ('2026-11-24', 'ä', 3), ('2026-11-24', '', 4)",
        "INSERT INTO kept_answer (key, request, status, headers, body, at, version) VALUES \
         ('l', 'r', 201, 'null', '', '2026-11-24T05:00:00+00:00', 0)",
        "UPDATE listing SET longitude = 110.30000000000001 WHERE slug = 'batik-yang-ditunggu'",
        "INSERT INTO agency_trust (agency, members, version) SELECT id, '[]', 1 FROM agency",
        "INSERT INTO comment (id, review, author, text, created_at) \
         SELECT r.id, r.id, a.id, 'Sudah ditelepon.', r.opened_at \
         FROM review r, account a WHERE a.role = 'admin'",
        "INSERT INTO delivery (id, webhook, number, kind, body, tries, created_at, due_at, done_at, \
         answer, version) SELECT id, id, 1, 'place', '{}', 2, created_at, created_at, created_at, \
         '\u{1}', 1 FROM webhook",
        "INSERT INTO handshake (hash, used, expires_at, version) \
         VALUES ('h', true, '2026-11-24T05:00:00+00:00', 1)",
        "INSERT INTO identity (hash, account, issuer, since, version) \
         SELECT 'i', id, 'https://masuk.contoh.example', created_at, 1 FROM account \
         WHERE role = 'admin'",
    ] {
        service.app.store.writer.execute_unprepared(sql).await.unwrap();
    }
}

/// Path, status, what the headers say of it, and its bytes.
type Answer = (String, u16, [String; 2], Vec<u8>);

/// All that the public can ask.
async fn answers(service: &Service) -> Vec<Answer> {
    let mut paths: Vec<String> = [
        "discover?limit=100&sort=name",
        "discover?q=batik&limit=100&facets=category&facets=area&highlight=true",
        "discover?lat=-7.95&lon=110.33&radius_m=5000&limit=100",
        "events?from=2026-11-01&to=2027-12-31&limit=100",
        "changes?limit=100",
        "places?format=ndjson",
        "producers?format=csv",
        "events?format=ics",
        "suggest?q=pa",
        "categories",
        "areas",
        "agencies",
        "calendar?from=2026-01-01&to=2026-12-31",
        "places/pantai-parangtritis",
        "places/parangtritis",
        "places/pantai-depok",
        "listings/pantai-depok/history",
    ]
    .map(|path| format!("/v1/{path}"))
    .to_vec();
    let mut answers = Vec::new();
    let mut known: BTreeSet<String> = paths.iter().cloned().collect();
    while let Some(path) = paths.pop() {
        // A problem names its request.
        let request = service.request(&path).header("x-request-id", "pulang-pergi");
        let reply = request.send().await.unwrap();
        let status = reply.status().as_u16();
        let header =
            |name| reply.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let headers = ["etag", "location"].map(|name| header(name).unwrap_or_default());
        let bytes = reply.bytes().await.unwrap().to_vec();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        paths.extend(leads_to(&path, &body).into_iter().filter(|to| known.insert(to.clone())));
        answers.push((path, status, headers, bytes));
    }
    answers.sort_unstable();
    answers
}

/// The next page, and what is said of each listing of this one.
fn leads_to(path: &str, body: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    let bare = path.split("&cursor").next().unwrap().split("&since").next().unwrap();
    let more = body["has_more"] != json!(false);
    if let (Some(next), true) = (body["cursor"].as_str(), more) {
        let name = if path.starts_with("/v1/changes") { "since" } else { "cursor" };
        paths.push(format!("{bare}&{name}={next}"));
    }
    for item in body["items"].as_array().into_iter().flatten() {
        let listing = if item["listing"].is_object() { &item["listing"] } else { item };
        if let (Some(slug), Some(kind)) = (listing["slug"].as_str(), listing["kind"].as_str()) {
            paths.push(format!("/v1/{kind}s/{slug}?texts=all"));
            if kind == "producer" {
                paths.push(format!("/v1/listings/{slug}/history?limit=100"));
                paths.push(format!("/v1/producers/{slug}/products?limit=100"));
            }
        }
        if let Some(file) = item["image"]["src"].as_str().filter(|src| src.starts_with("/media")) {
            paths.push(file.to_owned());
        }
    }
    paths
}

/// The tables that an export holds no row of.
fn empty_tables(exported: &Value) -> Vec<&str> {
    let tables = exported["tables"].as_array().unwrap().iter();
    tables.filter(|table| table["rows"] == 0).map(|table| table["name"].as_str().unwrap()).collect()
}

/// Where the answers of two services differ.
fn assert_same(a: &[Answer], b: &[Answer]) {
    for ((path, status, headers, bytes), there) in a.iter().zip(b) {
        let [bytes, others] = [bytes, &there.3].map(|bytes| String::from_utf8_lossy(bytes));
        assert_eq!((path, *status, headers, bytes), (&there.0, there.1, &there.2, others));
    }
    assert_eq!(a.len(), b.len());
}

/// Somebody who goes on writing until told to stop; how often they did.
async fn go_on_writing(service: &Service, who: &Who, stop: &AtomicBool) -> usize {
    let mut written = 0;
    while !stop.load(Ordering::SeqCst) {
        let name = format!("Batik nomor {written}");
        ok(service.say(who, "POST", "/v1/producers", &maker(&name)).await);
        written += 1;
    }
    written
}

/// Does `work` on a thread of its own while `who` goes on writing.
async fn while_writing<T: Send + 'static>(
    service: &Service,
    who: &Who,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    // Built before anybody waits for it.
    program();
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let work = tokio::task::spawn_blocking(move || {
        let done = work();
        told.store(true, Ordering::SeqCst);
        done
    });
    let written = go_on_writing(service, who, &stop).await;
    assert!(written > 0);
    work.await.unwrap()
}

async fn heads(place: &Place) -> (i64, String) {
    let store = place.open().await;
    let verdict = audit::verify(&store.reader, None).await.unwrap();
    assert_eq!(verdict.findings, []);
    let change = domain::change::head(&store.reader).await.unwrap();
    assert_eq!(done(place, &["audit", "head"]).trim_end(), verdict.head);
    (change, verdict.head)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_one_kind_of_database_to_the_other_and_back_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let [moving, first, second, third] = ["0", "1", "2", "3"].map(|n| folder.path().join(n));
    let service = embedded().await;
    let sri = live_in(&service).await;

    // An export while somebody writes is of one moment.
    let meanwhile = {
        let (here, to) = (service.place.url.clone(), moving.clone());
        let data = service.place.folder().to_owned();
        let export = move || {
            let mut command = Command::new(program());
            command.args(["export", text(&to)]).env("GRIYA_DATA_DIR", data);
            command.env("GRIYA_DATABASE_URL", here.trim_end_matches("?mode=rwc"));
            command.output().unwrap()
        };
        while_writing(&service, &sri, export).await
    };
    assert!(meanwhile.status.success(), "{}", said(&meanwhile).1);
    let there = Place::bare().await;
    done(&there, &["import", text(&moving)]);
    let moved = manifest(&moving);
    let (change, head) = heads(&there).await;
    assert_eq!((json!(change), json!(head)), (moved["change"].clone(), moved["audit"].clone()));

    let before = answers(&service).await;
    assert!(before.len() > 250, "{}", before.len());
    let cursor = service.get("/v1/changes?since=now").await.body["cursor"].clone();
    let place = service.stop().await;
    let summary = done(&place, &["export", text(&first)]);
    assert!(summary.contains(" files of pictures, up to change "), "{summary}");
    let exported = content(&first);
    assert!(exported["pictures"]["files"].as_u64().unwrap() >= 4);
    assert_eq!(empty_tables(&exported), [""; 0], "let `live_in` leave something there");

    let there = Place::bare().await;
    assert_eq!(done(&there, &["import", text(&first)]), summary);
    done(&there, &["export", text(&second)]);
    assert_eq!(content(&second), exported);
    let back = Place::sqlite();
    done(&back, &["import", text(&second)]);
    done(&back, &["export", text(&third)]);
    assert_eq!(content(&third), exported);
    assert_eq!(heads(&place).await, heads(&there).await);
    assert_eq!(heads(&place).await, heads(&back).await);

    for place in [there, back] {
        let last = exported["change"].as_i64().unwrap();
        let service = Service::over(place, &[]).await;
        assert_same(&before, &answers(&service).await);
        // Who has come in is in; who follows goes on; numbers go on.
        let new = service.say(&sri, "POST", "/v1/producers", &maker("Batik Baru")).await;
        assert_eq!(ok(new).body["status"], "draft");
        let admin = service.person(Role::Admin, &[]).await;
        let cave = "/v1/places/goa-cerme";
        let changed = service.change(&admin, cave, &json!({"tags": ["sesudah-pindah"]})).await;
        let seq: i64 = ok(changed).header("change-seq").parse().unwrap();
        assert!(seq > last, "{seq} {last}");
        if let Some(cursor) = cursor.as_str() {
            let news = service.get(&format!("/v1/changes?since={cursor}")).await;
            assert_eq!((news.status.as_u16(), news.each("id").len()), (200, 1), "{}", news.text);
        }
        assert_eq!(heads(&service.place).await.0, seq);
    }
}

#[tokio::test]
async fn who_followed_further_than_the_export_goes_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start().await;
    done(&service.place, &["export", text(folder.path())]);
    let admin = service.person(Role::Admin, &[]).await;
    let cave = "/v1/places/goa-cerme";
    ok(service.change(&admin, cave, &json!({"tags": ["sesudah-ekspor"]})).await);
    let page = service.get("/v1/changes?limit=100").await;
    let mut cursor = page.body["cursor"].as_str().unwrap().to_owned();
    while let page = service.get(&format!("/v1/changes?since={cursor}")).await
        && page.body["has_more"] == true
    {
        cursor = page.body["cursor"].as_str().unwrap().to_owned();
    }
    let there = of_the_other_kind().await;
    done(&there, &["import", text(folder.path())]);
    let there = Service::over(there, &[]).await;
    let admin = there.person(Role::Admin, &[]).await;
    ok(there.change(&admin, cave, &json!({"tags": ["lain"]})).await);
    assert_eq!(there.get(&format!("/v1/changes?since={cursor}")).await.status, 410);
}

#[tokio::test]
async fn every_table_is_in_an_export_and_nobody_else_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("a/b");
    let place = Place::empty().await;
    let db = place.open().await.writer;
    // One that came with somebody's next change.
    let types = if server().is_some() { ["bytea", "float8"] } else { ["blob", "double"] };
    let [bytes, real] = types;
    let sql = format!("CREATE TABLE later (id varchar(9) PRIMARY KEY, b {bytes}, r {real})");
    db.execute_unprepared(&sql).await.unwrap();
    db.execute_unprepared("INSERT INTO later VALUES ('x', 'ab', 0.1)").await.unwrap();
    let mut tables = domain_tables(&db).await;
    tables.retain(|table| table != "seaql_migrations" && table != "node");
    tables.sort_unstable();
    done(&place, &["export", text(&to)]);
    let manifest = manifest(&to);
    let exported: Vec<&str> = manifest["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    assert_eq!(exported, tables);
    let at = to.join(manifest["folder"].as_str().unwrap());
    let later = fs::read_to_string(at.join("later.ndjson")).unwrap();
    assert_eq!(later, "{\"id\":\"x\",\"b\":\"YWI=\",\"r\":0.1}\n");
    for path in every_path(&to) {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}", path.display());
    }
}

async fn domain_tables(db: &sea_orm::DatabaseConnection) -> Vec<String> {
    let sql = if server().is_some() {
        "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    };
    let sql = sea_orm::Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(sql).await.unwrap();
    rows.iter().map(|row| row.try_get("", "name").unwrap()).collect()
}

/// All folders and files of an export, itself too.
fn every_path(folder: &Path) -> Vec<PathBuf> {
    let mut paths = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { paths.extend(every_path(&path)) } else { paths.push(path) }
    }
    paths
}

/// The moments at which something that takes `whole` is killed.
fn moments(whole: Duration) -> impl Iterator<Item = Duration> {
    let kills = u32::try_from(number("LEAVING_KILLS", 6)).unwrap();
    (1..=kills).map(move |kill| whole * kill / (kills + 1))
}

/// Runs a command for a moment and kills it.
fn kill_after(mut command: Command, moment: Duration) {
    let mut child = command.spawn().unwrap();
    std::thread::sleep(moment);
    // It may have ended.
    let _ = child.kill();
    child.wait().unwrap();
}

#[tokio::test]
async fn an_export_that_is_killed_leaves_the_old_one_whole_and_the_next_one_clears_up() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("export");
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    bring_a_picture(&service, &sri).await;
    let place = service.stop().await;
    let began = Instant::now();
    done(&place, &["export", text(&to)]);
    let whole = began.elapsed();
    let old = content(&to);
    for moment in moments(whole) {
        kill_after(griya(&place, &["export", text(&to)]), moment);
        done(&place, &["import", "--check", text(&to)]);
        assert_eq!(content(&to), old);
    }
    done(&place, &["export", text(&to)]);
    let mut names: Vec<_> =
        fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| name.to_str().unwrap().ends_with('Z'));
    assert_eq!(names, [manifest(&to)["folder"].as_str().unwrap()]);
    // A first one that was broken off is none, and is no hindrance.
    let first = folder.path().join("first");
    for moment in moments(whole) {
        kill_after(griya(&place, &["export", text(&first)]), moment);
        if !first.join("manifest.json").exists() {
            let said = refused(&place, &["import", "--check", text(&first)]);
            assert!(said.contains("holds no export") || said.contains("export again"), "{said}");
        }
    }
    done(&place, &["export", text(&first)]);
    assert_eq!(content(&first), old);
}

#[tokio::test]
async fn an_import_that_is_killed_has_done_nothing_or_everything() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
    let place = Place::with_fixtures().await;
    done(&place, &["export", text(&from)]);
    let first = of_the_other_kind().await;
    let began = Instant::now();
    done(&first, &["import", text(&from)]);
    let whole = began.elapsed();
    let there = of_the_other_kind().await;
    let mut is_in = false;
    for moment in moments(whole) {
        kill_after(griya(&there, &["import", text(&from)]), moment);
        let store = there.open().await;
        let tables = catalog::tables(&store.writer).await.unwrap();
        is_in = catalog::first_filled(&store.writer, &tables).await.unwrap().is_some();
        close(store).await;
        if is_in {
            break;
        }
    }
    if !is_in {
        done(&there, &["import", text(&from)]);
    }
    let said = refused(&there, &["import", text(&from)]);
    assert!(said.contains("it is not empty: table `"), "{said}");
    done(&there, &["migrate"]);
    done(&there, &["export", text(&to)]);
    assert_eq!(content(&to), content(&from));
}

fn copy_all(from: &Path, to: &Path) {
    let made = Command::new("cp").args(["-a", text(from), text(to)]).status().unwrap();
    assert!(made.success());
}

/// Changes what a manifest says, so that it is one again.
fn say(folder: &Path, change: impl FnOnce(&mut Value)) {
    let mut said = manifest(folder);
    change(&mut said);
    let (said, sha256) = (said.to_string(), audit::digest(said.to_string()));
    let signed = format!("{{\"sha256\":\"{sha256}\",\"manifest\":{said}}}");
    fs::write(folder.join("manifest.json"), signed).unwrap();
}

/// Changes the file of a table, and what the manifest says of it.
fn forge(folder: &Path, table: &str, change: impl FnOnce(String) -> String) {
    let place = manifest(folder)["folder"].as_str().unwrap().to_owned();
    let path = folder.join(place).join(format!("{table}.ndjson"));
    let text = change(fs::read_to_string(&path).unwrap());
    fs::write(&path, &text).unwrap();
    say(folder, |said| {
        let tables = said["tables"].as_array_mut().unwrap().iter_mut();
        let said = tables.into_iter().find(|said| said["name"] == table).unwrap();
        said["rows"] = json!(text.lines().count());
        said["bytes"] = json!(text.len());
        said["sha256"] = json!(audit::digest(&text));
    });
}

type Damage = (&'static str, &'static str, fn(&Path, &Path));

/// What is done to an export, and what is said of it: to the whole folder, and to its tables.
const DAMAGES: [Damage; 22] = [
    ("no manifest", "export again", |all, _| fs::remove_file(all.join("manifest.json")).unwrap()),
    ("none of ours", "holds no export", |all, _| {
        fs::remove_file(all.join(".griya-export")).unwrap();
    }),
    ("no JSON", "is no manifest", |all, _| fs::write(all.join("manifest.json"), "{").unwrap()),
    ("a byte of the manifest", "manifest.json: is not as it was written", |all, _| {
        let path = all.join("manifest.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("\"change\": ", "\"change\": 1")).unwrap();
    }),
    ("a later form", "it is of form 7; Griya ", |all, _| {
        say(all, |said| said["format"] = json!(7));
    }),
    ("a member that we do not know", "unknown field `more`", |all, _| {
        say(all, |said| said["more"] = json!(1));
    }),
    ("a later program", "made by a later Griya", |all, _| {
        say(all, |said| {
            said["migrations"].as_array_mut().unwrap().push(json!("m29991231_000001_later"));
        });
    }),
    ("a schema that never was", "has not seen the migration", |all, _| {
        say(all, |said| {
            said["migrations"].as_array_mut().unwrap().remove(1);
        });
    }),
    ("a way out of the folder", "is no place for tables", |all, _| {
        say(all, |said| said["folder"] = json!("../../etc"));
    }),
    ("a way out by a table", "is no name of a table", |all, _| {
        say(all, |said| said["tables"][0]["name"] = json!("../account"));
    }),
    ("a way out by a picture", "names no file of a picture", |all, tables| {
        let line = "{\"file\":\"../../secret\",\"bytes\":1,\"sha256\":\"x\"}\n";
        fs::write(tables.join("pictures.ndjson"), line).unwrap();
        let said = json!({"files": 1, "bytes": line.len(), "sha256": audit::digest(line)});
        say(all, |manifest| manifest["pictures"] = said);
    }),
    ("an unknown table", "`secrets`, which is no table of ours", |all, _| {
        say(all, |said| {
            let mut table = said["tables"][0].clone();
            table["name"] = json!("secrets");
            said["tables"].as_array_mut().unwrap().push(table);
        });
    }),
    ("a table less", "does not hold the table `account`", |all, _| {
        say(all, |said| {
            said["tables"].as_array_mut().unwrap().retain(|table| table["name"] != "account");
        });
    }),
    ("a table twice", "a table twice", |all, _| {
        say(all, |said| {
            let table = said["tables"][0].clone();
            said["tables"].as_array_mut().unwrap().push(table);
        });
    }),
    ("other columns", "the columns of `listing` are not ours", |all, _| {
        say(all, |said| {
            let tables = said["tables"].as_array_mut().unwrap();
            let listing = tables.iter_mut().find(|table| table["name"] == "listing").unwrap();
            listing["columns"].as_array_mut().unwrap().pop();
        });
    }),
    ("a file less", "listing.ndjson", |_, tables| {
        fs::remove_file(tables.join("listing.ndjson")).unwrap();
    }),
    ("a changed byte", "listing.ndjson is not as it was written", |_, tables| {
        let path = tables.join("listing.ndjson");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replacen("Pantai", "Pantay", 1)).unwrap();
    }),
    ("a line cut off", "ends within", |_, tables| {
        let file = fs::OpenOptions::new().write(true).open(tables.join("listing.ndjson")).unwrap();
        file.set_len(file.metadata().unwrap().len() - 9).unwrap();
    }),
    ("lines cut off", "the manifest says", |_, tables| {
        let path = tables.join("listing.ndjson");
        let text = fs::read_to_string(&path).unwrap();
        let half: String = text.lines().take(9).map(|line| format!("{line}\n")).collect();
        fs::write(path, half).unwrap();
    }),
    ("a pipe", "is no file", |_, tables| {
        let path = tables.join("listing.ndjson");
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    }),
    ("a value of another type", "area.ndjson:5: `code`", |all, _| {
        forge(all, "area", |text| text.replacen("{\"code\":\"34.02.01.2002\"", "{\"code\":7", 1));
    }),
    ("a member too much", "area.ndjson:1: `x` is no column of `area`", |all, _| {
        forge(all, "area", |text| text.replacen('{', "{\"x\":1,", 1));
    }),
];

#[tokio::test]
async fn what_is_wrong_with_a_folder_is_said_in_one_sentence_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    done(&Place::with_fixtures().await, &["export", text(&whole)]);
    let tables = manifest(&whole)["folder"].as_str().unwrap().to_owned();
    let there = of_the_other_kind().await;
    for (number, (what, expected, damage)) in DAMAGES.into_iter().enumerate() {
        let hurt = folder.path().join(number.to_string());
        copy_all(&whole, &hurt);
        damage(&hurt, &hurt.join(&tables));
        let said = refused(&there, &["import", text(&hurt)]);
        assert!(said.contains(expected), "{what}: {said}");
    }
    // Only the database can tell that a row names one that is not there.
    let hurt = folder.path().join("dangling");
    copy_all(&whole, &hurt);
    forge(&hurt, "place", |text| text.replacen("\"id\":\"01a2", "\"id\":\"01a3", 1));
    let said = refused(&there, &["import", text(&hurt)]);
    assert!(
        said.contains("`place` names one of `listing`") || said.contains("place_listing"),
        "{said}"
    );
    let store = there.open().await;
    let found = catalog::tables(&store.writer).await.unwrap();
    assert_eq!(catalog::first_filled(&store.writer, &found).await.unwrap(), None);
    done(&there, &["import", text(&whole)]);
}

#[tokio::test]
async fn a_folder_that_holds_other_things_is_left_alone_and_so_is_a_database_that_does() {
    let folder = tempfile::tempdir().unwrap();
    let (home, export) = (folder.path().join("home"), folder.path().join("export"));
    fs::create_dir(&home).unwrap();
    fs::write(home.join("letter"), "Dear").unwrap();
    let place = Place::with_fixtures().await;
    let said = refused(&place, &["export", text(&home)]);
    assert!(said.contains("holds other things"), "{said}");
    assert_eq!(every_path(&home).len(), 2);
    let said = refused(&Place::bare().await, &["export", text(&export)]);
    assert!(said.contains("holds no Griya") || said.contains("cannot open"), "{said}");
    done(&place, &["export", text(&export)]);
    let foreign = Place::bare().await;
    let db = foreign.open().await.writer;
    db.execute_unprepared("CREATE TABLE ours (id integer PRIMARY KEY)").await.unwrap();
    let said = refused(&foreign, &["import", text(&export)]);
    assert!(said.contains("it holds other things, such as the table `ours`"), "{said}");
    let said = refused(&place, &["import", text(&export)]);
    assert!(said.contains("it is not empty: table `agency` holds"), "{said}");
    // Two at once do not meet.
    let lock = fs::File::open(export.join(".griya-export")).unwrap();
    lock.lock().unwrap();
    for command in ["export", "import"] {
        let said = refused(&place, &[command, text(&export)]);
        assert!(said.contains("another export or import works with it"), "{said}");
    }
}

#[tokio::test]
async fn an_export_of_an_earlier_schema_comes_into_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::bare().await;
    let db = place.open().await.writer;
    let sql = "INSERT INTO agency VALUES ('dinas', '{\"id\": \"Dinas\"}', '[]', '[]')";
    Migrator::up(&db, Some(5)).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    done(&place, &["export", text(folder.path())]);
    assert_eq!(manifest(folder.path())["migrations"].as_array().unwrap().len(), 5);
    // One without tables, and one that is at the newest already.
    let newest = Place::empty().await;
    for there in [of_the_other_kind().await, newest] {
        done(&there, &["import", text(folder.path())]);
        let db = there.open().await.writer;
        assert!(Migrator::get_pending_migrations(&db).await.unwrap().is_empty());
        assert_eq!(catalog::count(&db, "agency").await.unwrap(), 1);
    }
}

#[tokio::test]
async fn an_import_waits_for_its_turn_among_programs_that_start() {
    let folder = tempfile::tempdir().unwrap();
    done(&Place::with_fixtures().await, &["export", text(folder.path())]);
    if server().is_none() {
        return;
    }
    let there = Place::bare().await;
    let (starting, looking) = (there.open().await, there.open().await.reader);
    let sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
               AND query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()";
    let waiting = sea_orm::Statement::from_string(starting.backend(), sql);
    let import = starting.alone(async || {
        let import = griya(&there, &["import", text(folder.path())]).spawn().unwrap();
        // One is ours.
        until(async || {
            let row = looking.query_one_raw(waiting.clone()).await.unwrap().unwrap();
            (row.try_get::<i64>("", "n").unwrap() > 1).then_some(())
        })
        .await;
        assert!(catalog::tables(&looking).await.unwrap().is_empty());
        Ok::<_, sea_orm::DbErr>(import)
    });
    let output = import.await.unwrap().wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output).1);
}

#[tokio::test]
async fn a_service_that_runs_over_nothing_yet_shows_what_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    done(&Place::with_fixtures().await, &["export", text(folder.path())]);
    let service = Service::empty().await;
    assert_eq!(service.get("/v1/places/goa-cerme").await.status, 404);
    done(&service.place, &["import", text(folder.path())]);
    service.app.catch_up().await.unwrap();
    assert_eq!(service.get("/v1/places/goa-cerme").await.status, 200);
    let whole = Service::start().await;
    let [shown, all] = [&service, &whole].map(async |service| {
        let all = service.get("/v1/discover?limit=100&sort=name&facets=category&facets=area").await;
        (all.header("etag").to_owned(), all.text)
    });
    assert_eq!(shown.await, all.await);
}

/// A service over a SQLite file, whatever the tests run on.
async fn embedded() -> Service {
    if server().is_none() {
        return Service::start().await;
    }
    let place = Place::sqlite();
    done(&place, &["seed"]);
    Service::over(place, &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_busy_file_is_whole_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("griya.backup");
    let service = embedded().await;
    let sri = service.person(Role::Producer, &[]).await;
    let (data, to) = (service.place.folder().to_owned(), file.clone());
    let output = while_writing(&service, &sri, move || {
        let mut command = Command::new(program());
        command.args(["backup", text(&to)]).env("GRIYA_DATA_DIR", data);
        command.env_remove("GRIYA_DATABASE_URL").output().unwrap()
    })
    .await;
    assert!(output.status.success(), "{}", said(&output).1);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "it is one file");
    let said = refused(&service.place, &["restore", text(&file)]);
    assert!(said.ends_with("is in use: stop the service first"), "{said}");
    let store = service.app.store.clone();
    let place = service.stop().await;
    close(store).await;
    let later = heads_of_file(&place).await;

    let restored = done(&place, &["restore", text(&file)]);
    let kept = restored.trim_end().rsplit(' ').next().unwrap().to_owned();
    assert!(kept.ends_with(".before-1"), "{restored}");
    let earlier = heads_of_file(&place).await;
    assert!(earlier < later, "{earlier:?} {later:?}");
    let kept = Place { url: format!("sqlite:{kept}"), folder: tempfile::tempdir().unwrap() };
    assert_eq!(heads_of_file(&kept).await, later);
    let new = Place::sqlite();
    done(&new, &["restore", text(&file)]);
    assert_eq!(heads_of_file(&new).await, earlier);
    let service = Service::over(new, &[]).await;
    let new = service.say(&sri, "POST", "/v1/producers", &maker("Sesudah")).await;
    assert_eq!(new.status, 201, "{}", new.text);
}

/// Where record and log of a SQLite file end, which are both whole.
async fn heads_of_file(place: &Place) -> (i64, i64) {
    let store = place.open().await;
    let verdict = audit::verify(&store.reader, None).await.unwrap();
    assert_eq!(verdict.findings, []);
    let change = domain::change::head(&store.reader).await.unwrap();
    close(store).await;
    (verdict.entries, change)
}

/// Nobody is in the database any more.
async fn close(store: Store) {
    store.reader.close().await.unwrap();
    store.writer.close().await.unwrap();
}

#[tokio::test]
async fn what_is_no_sound_backup_of_ours_is_not_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let place = Place::sqlite();
    done(&place, &["seed"]);
    let before = heads_of_file(&place).await;
    done(&place, &["backup", text(&path("good"))]);
    let good = fs::read(path("good")).unwrap();
    let mut torn = good.clone();
    torn[8192..40960].fill(0x5a);
    fs::write(path("torn"), torn).unwrap();
    fs::write(path("short"), &good[..good.len() / 2]).unwrap();
    fs::write(path("text"), "Dear Griya, ".repeat(1000)).unwrap();
    let other = Place { url: format!("sqlite:{}?mode=rwc", path("other").display()), folder };
    let db = other.open().await.writer;
    db.execute_unprepared("CREATE TABLE ours (id integer PRIMARY KEY)").await.unwrap();
    let path = |name: &str| other.folder().join(name);
    fs::copy(path("good"), path("later")).unwrap();
    let later = Place {
        url: format!("sqlite:{}", path("later").display()),
        folder: tempfile::tempdir().unwrap(),
    };
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_later', 0)";
    later.open().await.writer.execute_unprepared(sql).await.unwrap();
    for (name, expected) in [
        ("torn", "is damaged"),
        ("short", "is damaged"),
        ("text", "is damaged"),
        ("other", "is no database of Griya"),
        ("later", "written by a later Griya"),
        ("nowhere", "unable to open"),
    ] {
        let said = refused(&place, &["restore", text(&path(name))]);
        assert!(said.contains(expected), "{name}: {said}");
        assert_eq!(heads_of_file(&place).await, before);
    }
    // A database that is damaged is replaced all the same, and kept.
    let file = place.folder().join("griya.db");
    fs::write(&file, "torn to pieces ".repeat(1000)).unwrap();
    done(&place, &["restore", text(&path("good"))]);
    assert_eq!(heads_of_file(&place).await, before);
    assert!(fs::read(file.with_extension("db.before-1")).unwrap().starts_with(b"torn to"));
}

/// A program of PostgreSQL, from beside the server or of this machine.
fn of_postgres(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests/run says where they are")]
    let told = std::env::var("TEST_POSTGRES_PROGRAMS").ok().map(PathBuf::from);
    let found = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = found.map(|version| version.path().join("bin")).collect();
    found.sort_unstable();
    found.extend(told);
    found.into_iter().rev().map(|folder| folder.join(name)).find(|program| program.exists())
}

/// As docs/operations.md says it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_backed_up_and_restored_by_its_own_programs() {
    let Some((dump, restore)) = server().and(of_postgres("pg_dump").zip(of_postgres("pg_restore")))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("griya.dump");
    let service = Service::start().await;
    let sri = live_in(&service).await;
    let said = refused(&service.place, &["backup", text(&folder.path().join("x"))]);
    assert!(said.contains("copied with pg_dump"), "{said}");
    let (url, to) = (service.place.url.clone(), file.clone());
    let dumped = while_writing(&service, &sri, move || {
        let format = ["--format=custom", "--no-owner", "--no-privileges"];
        Command::new(dump).args(format).arg("--file").arg(to).arg(url).output().unwrap()
    });
    let dumped = dumped.await;
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    let there = Place::bare().await;
    let how = ["--no-owner", "--exit-on-error", "--single-transaction", "--dbname"];
    let restored = Command::new(restore).args(how).arg(&there.url).arg(&file).output().unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let (last, _) = heads(&there).await;
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    let copy = of_the_other_kind().await;
    // The pictures lie beside the database.
    copy_all(&service.place.folder().join("media"), &there.folder().join("media"));
    done(&there, &["export", text(&a)]);
    done(&copy, &["import", text(&a)]);
    done(&copy, &["export", text(&b)]);
    assert_eq!(content(&a), content(&b));
    let service = Service::over(there, &[]).await;
    let admin = service.person(Role::Admin, &[]).await;
    let cave = "/v1/places/goa-cerme";
    let changed = service.change(&admin, cave, &json!({"tags": ["sesudah-pulih"]})).await;
    assert!(ok(changed).header("change-seq").parse::<i64>().unwrap() > last);
}

#[tokio::test]
async fn a_picture_that_is_lost_keeps_nobody_from_leaving() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start().await;
    let sri = service.person(Role::Producer, &[]).await;
    let picture = bring_a_picture(&service, &sri).await;
    let place = service.stop().await;
    let lost = place.folder().join("media").join(picture["id"].as_str().unwrap()).join("320.jpg");
    fs::remove_file(lost).unwrap();
    let output = griya(&place, &["export", text(folder.path())]).output().unwrap();
    let (out, err) = said(&output);
    assert!(!output.status.success());
    assert!(out.contains(" rows of ") && err.contains("`320.jpg` is not there"), "{out}{err}");
    let there = of_the_other_kind().await;
    done(&there, &["import", text(folder.path())]);
    let files: BTreeMap<String, u64> = every_path(&there.folder().join("media"))
        .into_iter()
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), 1))
        .collect();
    assert!(files.contains_key("320.webp") && !files.contains_key("320.jpg"), "{files:?}");
}
