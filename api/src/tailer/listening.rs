//! Listening: has the tailer look as soon as any node has committed something, where the database
//! tells such news. Where it does not, or not now, the tailer looks more often.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{change::news::News, store::Store};
use tokio::{sync::Notify, task::JoinSet};

/// How often to look where no news are told: how late another process's write may show.
const UNTOLD: Duration = Duration::from_millis(200);
/// How often to look where news are told: how late a write may show whose news were lost.
const TOLD: Duration = Duration::from_secs(2);
/// The least and the most time between two attempts to listen.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(10)];

/// The task that listens; it ends with this.
#[derive(Debug)]
pub struct Listening {
    hears: Arc<AtomicBool>,
    _task: JoinSet<()>,
}

impl Listening {
    /// Starts it: each piece of news is a `poke`.
    pub fn start(store: Store, poke: Arc<Notify>) -> Self {
        let hears = Arc::new(AtomicBool::new(false));
        let mut task = JoinSet::new();
        task.spawn(listen(store, poke, Arc::clone(&hears)));
        Self { hears, _task: task }
    }

    /// How long nobody need look who has not been poked.
    pub fn nap(&self) -> Duration {
        if self.hears.load(Ordering::Relaxed) { TOLD } else { UNTOLD }
    }
}

async fn listen(store: Store, poke: Arc<Notify>, hears: Arc<AtomicBool>) {
    let [least, most] = PAUSES;
    let mut pause = least;
    loop {
        let error = match News::of(&store).await {
            Ok(None) => return,
            Ok(Some(mut news)) => {
                pause = least;
                hears.store(true, Ordering::Relaxed);
                let error = loop {
                    // The first time for what was told before anybody listened.
                    poke.notify_one();
                    if let Err(error) = news.next().await {
                        break error;
                    }
                };
                hears.store(false, Ordering::Relaxed);
                poke.notify_one();
                error
            }
            Err(error) => error,
        };
        tracing::warn!(%error, "no news of other nodes for now: the log is looked at more often");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(most);
    }
}
