//! Checkpoint: where the index is kept between two runs of a node, and how often.
//!
//! The database stays the one truth. A checkpoint is a shortcut to what it says: the index as it was
//! after one change, from which the tailer goes on through the log. It is used only where the log
//! still holds that change as it was; whatever is wrong with it, everything is read as if there were
//! none. So it may be deleted at any time, and a disk that is full costs a start, nothing else.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::change;
use search::Snapshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::background;

/// Changes after which it is worth writing anew: a start takes a second or two to read so many again.
const ENOUGH: i64 = 10_000;
/// Changes that a start reads again in no time: a node that ends with fewer writes nothing.
const FEW: i64 = 1000;
/// How long disk and processor have peace at least between two, whatever is poured.
const APART: Duration = Duration::from_mins(10);
/// How long fewer changes than that wait.
const AT_LAST: Duration = Duration::from_hours(6);

/// A checkpoint that was found.
pub type Found = search::Checkpoint<File>;

/// Keeps the checkpoint of one node.
#[derive(Debug)]
pub struct Keeper {
    file: PathBuf,
    /// The change that the checkpoint in the file includes last, if it is of the log that is
    /// followed.
    kept: Option<i64>,
    /// When it was last written, or that was tried.
    since: Option<Instant>,
    writing: Option<JoinHandle<io::Result<Option<i64>>>>,
}

impl Keeper {
    /// Keeps it in the data folder.
    pub fn new(data: &Path) -> Self {
        Self { file: data.join("index/checkpoint"), kept: None, since: None, writing: None }
    }

    /// The checkpoint there is; that there is none is no surprise.
    pub async fn find(&self) -> Option<Found> {
        let file = self.file.clone();
        let open = move || {
            let file = File::open(file)?;
            let bytes = file.metadata()?.len();
            Found::open(file, bytes)
        };
        match spawn_blocking(open).await.map_err(io::Error::from).flatten() {
            Ok(found) => Some(found),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                self.ignored(&error.to_string());
                None
            }
        }
    }

    /// Says that what was found is not used.
    pub fn ignored(&self, why: &str) {
        let file = self.file.display();
        tracing::warn!(%file, why, "the checkpoint is not used: everything is read");
    }

    /// Notes that the file holds the index as it was after change `seq`.
    pub fn holds(&mut self, seq: i64) {
        (self.kept, self.since) = (Some(seq), Some(Instant::now()));
    }

    /// Notes that another log is followed from now on.
    pub fn forget(&mut self) {
        (self.kept, self.writing) = (None, None);
    }

    /// Whether it is time to write one that has seen change `seq`.
    pub fn is_due(&self, seq: i64) -> bool {
        let peace = self.since.map_or(Duration::MAX, |since| since.elapsed());
        let changes = self.changes(seq);
        let is_time = peace > APART && (changes >= ENOUGH || changes > 0 && peace > AT_LAST);
        is_time && self.writing.is_none()
    }

    /// Whether it is worth writing one at the end.
    pub fn is_worth_it(&self, seq: i64) -> bool {
        self.changes(seq) >= FEW
    }

    /// How many changes up to `seq` are not in it.
    fn changes(&self, seq: i64) -> i64 {
        self.kept.map_or(i64::MAX, |kept| seq - kept)
    }

    /// Writes `snapshot` on a thread of its own.
    pub fn write(&mut self, snapshot: Arc<Snapshot>, note: String) {
        self.since = Some(Instant::now());
        let file = self.file.clone();
        self.writing = Some(background::spawn(move || {
            let done = write(&file, &snapshot, &note);
            let file = file.display();
            match done {
                Ok(()) => tracing::debug!(%file, seq = snapshot.seq, "wrote the checkpoint"),
                Err(ref error) => {
                    tracing::warn!(%file, %error, "the checkpoint is not written: a start takes longer");
                }
            }
            done.is_ok().then_some(snapshot.seq)
        }));
    }

    /// Hears of what has been written meanwhile.
    pub async fn look(&mut self) {
        if self.writing.as_ref().is_some_and(JoinHandle::is_finished) {
            self.rest().await;
        }
    }

    /// Waits until nothing is being written.
    pub async fn rest(&mut self) {
        let Some(writing) = self.writing.take() else { return };
        if let Ok(Ok(Some(seq))) = writing.await {
            self.holds(seq);
        }
    }
}

/// What a checkpoint after the change `last` is known by: who wrote it, over which tables.
pub fn note(schema: &str, last: &change::Model) -> String {
    format!("griya {}, {schema}, {last:?}", env!("CARGO_PKG_VERSION"))
}

/// Writes beside the file and puts it in place when it is whole and on disk.
fn write(file: &Path, snapshot: &Snapshot, note: &str) -> io::Result<()> {
    let folder = file.parent().expect("it is in a folder");
    fs::create_dir_all(folder)?;
    let new = file.with_extension("new");
    let to = File::options().write(true).create(true).truncate(false).open(&new)?;
    // Another node over the same folder writes the same.
    to.try_lock()?;
    let done = to
        .set_len(0)
        .and_then(|()| snapshot.write(note.as_bytes(), &to))
        .and_then(|()| to.sync_all())
        .and_then(|()| fs::rename(&new, file));
    if done.is_err() {
        // A full disk has better use for it; what is in the way of that is told already.
        let _ = fs::remove_file(&new);
    }
    done?;
    File::open(folder)?.sync_all()
}
