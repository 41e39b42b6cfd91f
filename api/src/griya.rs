//! What the commands do.

use std::{fmt, io::Write as _, path::Path};

use api::{
    clock::Clock,
    config::{LogFormat, Settings},
    seed,
    traces::Traces,
};
use domain::{
    audit,
    import::{Progress, Tally},
    store::Store,
    writer::Writer,
};
use indicatif::ProgressBar;
use sea_orm::DbErr;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use bars::Bars;

pub mod admin;
pub mod backup;
mod bars;
pub mod export;
mod folder;
pub mod import;
pub mod serve;

/// Why a command did not do what it should: a sentence for the person who typed it.
pub struct Failure(String);

impl Failure {
    /// `doing` failed, with everything that `cause` and its causes say.
    pub fn new(doing: &str, cause: &dyn std::error::Error) -> Self {
        let mut said = format!("{doing}: {cause}");
        let mut next = cause.source();
        while let Some(cause) = next {
            said = format!("{said}: {cause}");
            next = cause.source();
        }
        Self(said)
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Self::new("the database failed", &error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Starts the log on standard error: standard output is for what a command prints. With it `traces`,
/// where there are any.
pub fn log_to_stderr(settings: &Settings, traces: Option<&Traces>) {
    // The libraries speak only when something is wrong, unless they are asked by name.
    let filter: EnvFilter = format!("sea_orm_migration=warn,sqlx=warn,{}", settings.log)
        .parse()
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // Where the log cannot be written, as on a full disk, nobody can be told so: trying to would
        // end the task that logged, and the writer with it.
        .log_internal_errors(false);
    let log = match settings.log_format {
        LogFormat::Text => log.with_filter(filter).boxed(),
        LogFormat::Json => log.json().with_filter(filter).boxed(),
    };
    tracing_subscriber::registry().with(log).with(traces.map(Traces::layer)).init();
}

/// The database, opened; its folder made if it is ours to make.
pub async fn open(settings: &Settings) -> Result<Store, Failure> {
    if settings.database_url.is_none() {
        std::fs::create_dir_all(&settings.data_dir)
            .map_err(|error| Failure::new("cannot make the data folder", &error))?;
    }
    Store::open(&settings.database())
        .await
        .map_err(|error| Failure::new("cannot open the database", &error))
}

/// The database, opened if it is there; looking makes nothing.
async fn open_existing(settings: &Settings) -> Result<Store, DbErr> {
    Store::open(&settings.database().replace("mode=rwc", "mode=rw")).await
}

/// The database, opened and at the newest schema.
pub async fn open_migrated(settings: &Settings) -> Result<Store, Failure> {
    let store = open(settings).await?;
    store.alone(async || migrate_it(&store).await).await?;
    Ok(store)
}

/// Brings the database to the newest schema, when it is one's turn.
async fn migrate_it(store: &Store) -> Result<(), Failure> {
    let done = migrations::bring_up(&store.writer).await;
    done.map_err(|error| Failure::new("cannot migrate the database", &error))
}

/// `griya migrate`.
pub async fn migrate(settings: &Settings) -> Result<(), Failure> {
    open_migrated(settings).await?;
    println!("the database has the newest schema");
    Ok(())
}

/// `griya seed [DIR]`.
pub async fn seed(settings: &Settings, folder: Option<&Path>, bar: bool) -> Result<(), Failure> {
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Failure(format!("{} is no folder", folder.display())));
    }
    let store = open_migrated(settings).await?;
    let from = folder.map_or(seed::From::Fixtures, seed::From::Folder);
    let tally = pour(&store, &Writer::start(&store), from, "seed", bar).await?;
    println!("{} written, {} unchanged, {} refused", tally.written, tally.unchanged, tally.refused);
    if tally.refused > 0 {
        return Err(Failure("some records were refused; the others are in".to_owned()));
    }
    Ok(())
}

/// Pours, with a bar a file on a terminal, and a line for each bad record.
pub async fn pour(
    store: &Store,
    writer: &Writer,
    from: seed::From<'_>,
    actor: &str,
    show: bool,
) -> Result<Tally, Failure> {
    let mut bar: Option<(String, ProgressBar)> = None;
    let mut tell = |file: &str, size: Option<u64>, progress: Progress| match progress {
        Progress::Bytes(bytes) => {
            if bar.as_ref().is_none_or(|(name, _)| name != file) {
                bar = Some((file.to_owned(), Bars { show }.bytes(file, size)));
            }
            if let Some((_, bar)) = &bar {
                bar.inc(bytes);
            }
        }
        Progress::Refused(refusal) => {
            for fault in &refusal.faults {
                eprintln!("{}:{}: {fault}", refusal.file, refusal.line);
            }
        }
    };
    let tally = seed::pour(store, writer, from, actor, Clock::system().now(), &mut tell).await;
    tally.map_err(|error| Failure::new("cannot pour", &error))
}

/// `griya openapi`.
pub fn openapi(spec: &str) -> Result<(), Failure> {
    let document = if spec == "3.0" { api::document_30() } else { api::document() };
    let text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::new("cannot print", &error))?;
    // A reader that has seen enough (`| head`) is no failure.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

/// `griya audit verify`.
pub async fn audit_verify(settings: &Settings, head: Option<&str>) -> Result<(), Failure> {
    let store = open(settings).await?;
    let verdict = audit::verify(&store.reader, head).await;
    let verdict = verdict.map_err(|error| Failure::new("cannot read the record", &error))?;
    for (seq, name) in &verdict.erased {
        println!("entry {seq}: `{name}` was erased");
    }
    for finding in &verdict.findings {
        println!("{finding}");
    }
    println!("{} entries, head {}", verdict.entries, verdict.head);
    if verdict.findings.is_empty() {
        return Ok(());
    }
    Err(Failure(format!("{} findings: the record was touched", verdict.findings.len())))
}

/// `griya audit head`.
pub async fn audit_head(settings: &Settings) -> Result<(), Failure> {
    let store = open(settings).await?;
    let head = audit::head(&store.reader).await;
    let (_, hash) = head.map_err(|error| Failure::new("cannot read the record", &error))?;
    println!("{hash}");
    Ok(())
}

/// `griya check`.
pub async fn check(settings: &Settings) -> Result<(), Failure> {
    let mut faults = settings.faults();
    if faults.is_empty() {
        faults.extend(database_faults(settings).await);
    }
    if faults.is_empty() {
        println!("settings and database are in order");
        return Ok(());
    }
    for fault in &faults {
        println!("{fault}");
    }
    Err(Failure(format!("{} to put right", faults.len())))
}

async fn database_faults(settings: &Settings) -> Vec<String> {
    // A database that is not there is to be told of.
    let store = match open_existing(settings).await {
        Ok(store) => store,
        Err(error) => {
            return vec![format!(
                "database: {error}: see that it runs and that GRIYA_DATABASE_URL or \
                 GRIYA_DATA_DIR name it; `griya serve` makes an embedded one"
            )];
        }
    };
    match migrations::due(&store.writer).await {
        Ok(0) => Vec::new(),
        Ok(due) => vec![format!("database: {due} migrations are due: run `griya migrate`")],
        Err(error) => vec![format!("database: {error}: see that its user may read it")],
    }
}
