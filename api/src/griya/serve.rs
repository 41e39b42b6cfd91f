//! `griya serve`.

use std::{error::Error, pin::pin, time::Duration};

use api::{
    App, Edge,
    clock::Clock,
    config::{Seed, Settings},
    seed,
};
use axum::{body::Body, extract::Request, serve::Listener};
use domain::{store::Store, writer::Writer};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

use tower::Service as _;

use super::{Failure, migrate_it, open, pour};

/// How long the headers of a request may take, and how long a connection may be idle: longer than
/// the 60 seconds for which proxies keep theirs, so that none is closed as it is used again.
const HEADER_PATIENCE: Duration = Duration::from_secs(75);
/// The most that is read ahead of a connection, bytes: headers longer than that are refused.
const HEAD: usize = 64 * 1024;
/// Migrates, fills an empty database, listens, and on SIGTERM or Ctrl-C ends what was begun.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    if let [first, ..] = &settings.faults()[..] {
        return Err(Failure(first.clone()));
    }
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
    println!("Griya is at http://{address}");
    listen(listener, &app, stop).await;
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

/// Serves HTTP/1.1 until told to stop; then takes no more connections and ends the open ones after
/// the answer that is under way.
///
/// A loop of its own because the framework's has no time limit for whoever sends headers slowly.
async fn listen(mut listener: TcpListener, app: &App, stop: Stop) {
    let edge: Edge = api::service(app.clone());
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(HEAD)
        .pipeline_flush(true);
    let open = GracefulShutdown::new();
    let mut stop = pin!(stop.told());
    loop {
        let (stream, peer) = tokio::select! {
            // The framework's, which waits and tries again where the system gives no connection.
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        // An answer goes out at once; where that cannot be set, it goes out later.
        let _ = stream.set_nodelay(true);
        let edge = edge.facing(peer.ip());
        let service =
            service_fn(move |request: Request<Incoming>| edge.clone().call(request.map(Body::new)));
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn Error, "a connection broke");
            }
        });
    }
    drop(listener);
    app.let_go();
    open.shutdown().await;
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
