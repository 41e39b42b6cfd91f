//! Now: what a node is at the moment, looked up when somebody asks.

use std::{fs, time::Duration};

use domain::{delivery, message};
use search::Snapshot;
use tokio::time::timeout;

use super::page::{
    Kind::{Counter, Gauge},
    Page,
};
use crate::{app::App, tailer::Lag};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes all of it.
pub async fn write(app: &App, page: &mut Page) {
    page.about("griya_build_info", Gauge, "The version that runs.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    index(&app.index.snapshot(), page);
    // What the database does not say in time is left out, and that is said.
    let asked = timeout(PATIENCE, from_database(app)).await;
    let said = asked.ok().and_then(Result::ok);
    let help = "Whether the database answered just now.";
    page.one("griya_database_up", Gauge, help, u8::from(said.is_some()));
    if let Some(said) = said {
        database(&said, page);
    }
    pools(app, page);
    work(app, page);
    connections(app, page);
    process(page);
}

fn index(snapshot: &Snapshot, page: &mut Page) {
    page.one("griya_index_listings", Gauge, "Published listings in memory.", snapshot.len());
}

/// What only the database knows.
struct Said {
    lag: Lag,
    messages: u64,
    deliveries: u64,
}

async fn from_database(app: &App) -> Result<Said, domain::Error> {
    Ok(Said {
        lag: app.lag(Duration::ZERO).await?,
        messages: message::waiting(&app.store.reader).await?,
        deliveries: delivery::waiting(&app.store.reader).await?,
    })
}

fn database(said: &Said, page: &mut Page) {
    let Lag { log, shown, behind } = said.lag;
    let help = "The number of the newest change in the log.";
    page.one("griya_change_log_head", Gauge, help, log);
    let help = "The number of the last change that the index shows.";
    page.one("griya_index_change", Gauge, help, shown);
    let help = "Everything that was written so long ago is shown.";
    page.one("griya_index_lag_seconds", Gauge, help, behind.as_secs_f64());
    page.one("griya_messages_waiting", Gauge, "Messages not sent yet.", said.messages);
    let help = "Deliveries to webhooks that were not taken yet.";
    page.one("griya_deliveries_waiting", Gauge, help, said.deliveries);
}

fn pools(app: &App, page: &mut Page) {
    let pools = app.store.pools();
    page.about("griya_database_connections", Gauge, "Connections to the database.");
    for (name, pool) in pools {
        page.sample(&[("pool", name), ("state", "idle")], pool.idle);
        page.sample(&[("pool", name), ("state", "used")], pool.open.saturating_sub(pool.idle));
    }
    page.about("griya_database_connections_max", Gauge, "How many there may be.");
    for (name, pool) in pools {
        page.sample(&[("pool", name)], pool.most);
    }
}

fn work(app: &App, page: &mut Page) {
    let (waiting, most) = app.writer.queue();
    page.one("griya_writes_waiting", Gauge, "Writes that wait for the writer.", waiting);
    page.one("griya_writes_waiting_max", Gauge, "How many may wait.", most);
    let taken = app.settings.concurrency.saturating_sub(app.room.available_permits());
    page.one("griya_requests_in_work", Gauge, "Requests worked on just now.", taken);
    let help = "How long the last read that costs something waited for its turn.";
    page.one("griya_queueing_seconds", Gauge, help, app.queueing.late().as_secs_f64());
}

fn connections(app: &App, page: &mut Page) {
    let line = &app.line;
    page.one("griya_connections", Gauge, "Connections open just now.", line.open());
    page.one("griya_connections_max", Gauge, "How many there may be.", line.most());
    let help = "Connections that found no room.";
    page.one("griya_connections_refused_total", Counter, help, line.turned_away());
    page.about("griya_connections_cut_total", Counter, "Connections given up, and why.");
    for (why, count) in line.cuts() {
        page.sample(&[("why", why)], count);
    }
}

/// What the kernel says of us; nothing where it is none of those that do.
fn process(page: &mut Page) {
    if let Some(bytes) = resident() {
        let help = "Resident memory size in bytes.";
        page.one("process_resident_memory_bytes", Gauge, help, bytes);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        let help = "Number of open file descriptors.";
        page.one("process_open_fds", Gauge, help, files.count());
    }
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
