//! Durable writes a second through the writer task, and what the disk alone allows.

use std::{
    io::{Seek as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use domain::{
    category,
    record::Record,
    store::Store,
    text::Texts,
    writer::{Unit, Write, Writer},
};
use migrations::{Migrator, MigratorTrait as _};
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use crate::made;

/// How long each rate is measured.
const TIME: Duration = Duration::from_secs(3);

pub async fn measure(folder: &Path) {
    println!("fsync of 4 KiB: {:.0}/s", syncs(&folder.join("raw")));
    let store = store(&folder.join("writes.sqlite")).await;
    println!("one row a commit, nothing else: {:.0}/s", bare_commits(&store).await);
    let writer = Writer::start(&store);
    for callers in [1, 8, 64, 256] {
        println!("{callers} callers: {:.0} writes/s", writes(&writer, callers).await);
    }
}

/// A migrated store that holds the category of the made records.
pub async fn store(file: &Path) -> Store {
    let store = Store::open(&format!("sqlite:{}?mode=rwc", file.display())).await.expect("open");
    Migrator::up(&store.writer, None).await.expect("migrate");
    let name: Texts = serde_json::from_value(json!({"id": "Pantai"})).expect("texts");
    let code = "nature.beach".parse().expect("a code");
    let words = category::Words::default();
    let row = category::Model { code, parent: None, name, words, osm: None, schema_org: None };
    let writer = Writer::start(&store);
    writer.write(unit(vec![Write::Category(Box::new(row))])).await.expect("written");
    store
}

pub fn unit(writes: Vec<Write>) -> Unit {
    Unit::new(writes, "measurement", made::now())
}

pub fn listing(record: &Record) -> Write {
    Write::Listing { record: Box::new(record.clone()), former_slug: None }
}

fn syncs(file: &Path) -> f64 {
    let mut file = std::fs::File::create(file).expect("a file");
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        file.rewind().and_then(|()| file.write_all(&[1; 4096])).expect("written");
        file.sync_data().expect("on disk");
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// What a commit costs whatever is in it.
async fn bare_commits(store: &Store) -> f64 {
    let db = &store.writer;
    db.execute_unprepared("CREATE TABLE bare (n INTEGER PRIMARY KEY)").await.expect("a table");
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        db.execute_unprepared("INSERT INTO bare DEFAULT VALUES").await.expect("a row");
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

async fn writes(writer: &Writer, callers: u32) -> f64 {
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (writer, mut record) = (writer.clone(), made::place(callers * 1000 + caller));
            tokio::spawn(async move {
                let mut count = 0;
                while start.elapsed() < TIME {
                    writer.write(unit(vec![listing(&record)])).await.expect("written");
                    record.listing.version += 1;
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut total = 0;
    for task in tasks {
        total += task.await.expect("a caller");
    }
    f64::from(total) / start.elapsed().as_secs_f64()
}
