//! Tailer: the one task that reads the change log and feeds the index.
//!
//! Writers of this node poke it after they commit; it also looks by itself, so that it sees what
//! another process or node wrote. Nobody else moves the index.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{Error, change, record, reference::Reference, store::Store};
use search::{Changes, Index};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// How often it looks without being poked: how late another process's write may show.
const LOOK: Duration = Duration::from_millis(200);
/// How long it waits after the database failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Changes read at once.
const BATCH: u64 = 2000;

/// What a writer needs of the tailer: to poke it, and to wait for it.
#[derive(Debug, Clone)]
pub struct Feed {
    poke: Arc<Notify>,
    /// How far the index has come.
    pub position: watch::Receiver<i64>,
}

impl Feed {
    /// Waits until the index shows change `seq`.
    pub async fn shown(&self, seq: i64) {
        self.poke.notify_one();
        // The sender lives as long as the process; an error here means that it is ending.
        let _ = self.position.clone().wait_for(|position| *position >= seq).await;
    }
}

/// Starts following the log from where `index` stands.
pub fn follow(store: Store, index: Arc<Index>) -> Feed {
    let (tell, position) = watch::channel(index.snapshot().seq);
    let poke = Arc::new(Notify::new());
    let feed = Feed { poke: Arc::clone(&poke), position };
    tokio::spawn(async move {
        loop {
            match step(&store, &index).await {
                Ok(true) => {
                    // Only after the snapshot is in place.
                    tell.send_replace(index.snapshot().seq);
                }
                Ok(false) => {
                    tokio::select! {
                        () = poke.notified() => {}
                        () = tokio::time::sleep(LOOK) => {}
                    }
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot follow the log"
                    );
                    tokio::time::sleep(PAUSE).await;
                }
            }
            if tell.is_closed() {
                return;
            }
        }
    });
    feed
}

/// Applies what the log has brought; whether that was anything.
async fn step(store: &Store, index: &Index) -> Result<bool, Error> {
    let snapshot = index.snapshot();
    let changes = change::after(&store.reader, snapshot.seq, BATCH).await?;
    let Some(last) = changes.last() else {
        // A database restored to an earlier day: its log ends before our place in it.
        if change::head(&store.reader).await? < snapshot.seq {
            tracing::warn!("the log went back: reading everything anew");
            index.publish(crate::app::everything(store).await?);
            return Ok(true);
        }
        return Ok(false);
    };
    let seq = last.seq;
    let ids: BTreeSet<Uuid> = changes
        .iter()
        .filter(|change| change.kind.is_listing())
        .filter_map(|change| change.subject.parse().ok())
        .collect();
    let reference = if changes.iter().any(|change| !change.kind.is_listing()) {
        Some(Reference::load(&store.reader).await?)
    } else {
        None
    };
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut records = record::load(&store.reader, &ids).await?;
    let records = ids
        .into_iter()
        .map(|id| {
            let at = records.iter().position(|record| record.listing.id == id);
            (id, at.map(|at| records.swap_remove(at)))
        })
        .collect();
    index.publish(snapshot.with(Changes { records, reference, seq }));
    Ok(true)
}
