//! `griya serve`.

use std::{error::Error, sync::Arc};

use api::{
    App,
    clock::Clock,
    config::{Seed, Settings},
    line::{self, Patience, tls::Tls},
    seed,
};
use domain::{store::Store, writer::Writer};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{Failure, migrate_it, open, pour};

/// Migrates, fills an empty database, listens, and on SIGTERM or Ctrl-C ends what was begun.
pub async fn run(mut settings: Settings) -> Result<(), Failure> {
    if let [first, ..] = &settings.faults()[..] {
        return Err(Failure(first.clone()));
    }
    settings.connections = connections(settings.connections);
    let store = open(&settings).await?;
    store.alone(async || prepare(&store, settings.seed).await).await?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| Failure::new(&format!("cannot listen at {}", settings.listen), &error))?;
    let address = listener.local_addr().map_err(|error| Failure::new("cannot listen", &error))?;
    let app = App::start(store, settings, Clock::system())
        .await
        .map_err(|error| Failure::new("cannot read what is published", &error))?;
    // Before anybody knows where it is: who is told may stop it at once.
    let stop = Stop::listen().map_err(|error| Failure::new("cannot hear signals", &error))?;
    if let Some(tls) = &app.tls {
        tls.follow();
        reload_when_told(tls).map_err(|error| Failure::new("cannot hear signals", &error))?;
    }
    let scheme = if app.tls.is_some() { "https" } else { "http" };
    println!("Griya is at {scheme}://{address}");
    line::serve(listener, &app, api::service(app.clone()), Patience::USUAL, stop.told()).await;
    app.end().await;
    Ok(())
}

/// Migrates the database, and fills an empty one, when it is one's turn.
async fn prepare(store: &Store, with: Seed) -> Result<(), Failure> {
    migrate_it(store).await?;
    if with == Seed::None || !is_ours_to_fill(store).await? {
        return Ok(());
    }
    let writer = Writer::start(store);
    let tally = pour(store, &writer, seed::From::Fixtures, seed::FIRST_START, false).await?;
    if tally.written > 0 {
        tracing::info!(records = tally.written, "filled the database with the fixtures");
    }
    Ok(())
}

/// Files that are no connections: the database, pictures, and those who are told to come back.
const OTHER_FILES: u64 = 512;

/// As many connections as are wanted and there are files for, of which the process takes all that it may have.
fn connections(wanted: usize) -> usize {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, files) {
        tracing::warn!(error = &error as &dyn Error, "the process gets no more files");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let fit = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(1);
    if fit < wanted {
        tracing::warn!(
            wanted,
            fit,
            files,
            "fewer connections: the process may not open more files"
        );
    }
    wanted.min(fit)
}

/// Has the certificate read again on SIGHUP, from now on.
fn reload_when_told(tls: &Arc<Tls>) -> std::io::Result<()> {
    let (mut told, tls) = (signal(SignalKind::hangup())?, Arc::clone(tls));
    tokio::spawn(async move {
        while told.recv().await.is_some() {
            tls.reload();
        }
    });
    Ok(())
}

/// Whether nobody but the first start ever put anything in: then the fixtures are poured, which
/// also finishes a first start that was cut off, and changes nothing that is there.
async fn is_ours_to_fill(store: &Store) -> Result<bool, Failure> {
    let others = domain::change::any_not_by(&store.reader, seed::FIRST_START).await;
    others.map(|others| !others).map_err(|error| Failure::new("cannot read the database", &error))
}

/// The signals that end the program.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// From now on they are heard, and no longer end the program by themselves.
    fn listen() -> std::io::Result<Self> {
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
    }

    /// Waits for one of them.
    async fn told(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        tracing::info!("stopping: open requests are answered first");
    }
}
