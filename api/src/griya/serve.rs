//! `griya serve`.

use api::{
    App,
    clock::Clock,
    config::{Seed, Settings},
    seed,
};
use domain::{store::Store, writer::Writer};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::{Failure, open_migrated, pour};

/// Migrates, fills an empty database, listens, and on SIGTERM or Ctrl-C ends what was begun.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    if let [first, ..] = &settings.faults()[..] {
        return Err(Failure(first.clone()));
    }
    let store = open_migrated(&settings).await?;
    if settings.seed == Seed::Bantul && is_ours_to_fill(&store).await? {
        let tally =
            pour(&store, &Writer::start(&store), seed::From::Fixtures, seed::FIRST_START, false)
                .await?;
        if tally.written > 0 {
            tracing::info!(records = tally.written, "filled the database with the fixtures");
        }
    }
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| Failure::new(&format!("cannot listen at {}", settings.listen), &error))?;
    let address = listener.local_addr().map_err(|error| Failure::new("cannot listen", &error))?;
    let app = App::start(store, settings, Clock::system())
        .await
        .map_err(|error| Failure::new("cannot read what is published", &error))?;
    println!("Griya is at http://{address}");
    let service = api::service(app).into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(told_to_stop())
        .await
        .map_err(|error| Failure::new("stopped serving", &error))
}

/// Whether nobody but the first start ever put anything in: then the fixtures are poured, which
/// also finishes a first start that was cut off, and changes nothing that is there.
async fn is_ours_to_fill(store: &Store) -> Result<bool, Failure> {
    let others = domain::change::any_not_by(&store.reader, seed::FIRST_START).await;
    others.map(|others| !others).map_err(|error| Failure::new("cannot read the database", &error))
}

async fn told_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = interrupted => {}
        _ = terminated.recv() => {}
    }
    tracing::info!("stopping: open requests are answered first");
}
