//! Making: a file that came becomes a picture on the shelf, and a row that promises it.
//!
//! Unpacking and encoding is work for the processor, on threads of its own; as much at once as there
//! are cores, and of large pictures one, so that the memory it takes has a bound.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    num::NonZero,
    sync::Arc,
    thread::available_parallelism,
};

use chrono::TimeDelta;
use domain::{
    Error, Fault,
    audit::digest,
    media::{
        self,
        picture::{self, Picture},
    },
    writer::Unit,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};
use uuid::Uuid;

use super::shelf::{Fallen, Shelf};
use crate::{
    app::App,
    problem::{Kind, Problem},
};

/// From how many pixels on a picture is large: more than most telephones make.
const LARGE: u64 = 16_000_000;

/// What makes pictures, and where they lie. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pictures {
    /// Where they lie.
    pub shelf: Shelf,
    room: Arc<Semaphore>,
    room_for_large: Arc<Semaphore>,
}

/// A picture that is here now.
#[derive(Debug)]
pub struct Made {
    /// Its row.
    pub row: media::Model,
    /// Whether it was not here before.
    pub new: bool,
}

impl Pictures {
    /// Room on every core.
    pub fn new(shelf: Shelf) -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self {
            shelf,
            room: Arc::new(Semaphore::new(cores)),
            room_for_large: Arc::new(Semaphore::new(1)),
        }
    }
}

/// Makes the picture that `file` holds, for `account`; one that is known is not made again.
///
/// # Errors
/// 422 when it is no picture of ours, or is not the one with the digest `expected`; 429 when the
/// account has brought too many of late; 500 or 503 when storage or database fail. No row is
/// written then.
pub async fn make(
    app: &App,
    account: Uuid,
    file: File,
    expected: Option<&str>,
) -> Result<Made, Problem> {
    let room = permit(&app.pictures.room).await?;
    let (bytes, id) =
        blocking(move || read(file)).await?.map_err(|error| Problem::internal(&error))?;
    if expected.is_some_and(|expected| expected != id) {
        return Err(refused(Fault::new(
            "bad_digest",
            "bita yang tiba bukan yang dijanjikan `sha256`",
            "the bytes that came are not those that `sha256` promised",
        )));
    }
    if let Some(row) = media::get(&app.store.reader, &id).await? {
        return Ok(Made { row, new: false });
    }
    let now = app.clock.now();
    let since = now - TimeDelta::hours(24);
    if media::brought(&app.store.reader, account, since).await? >= media::MOST_A_DAY {
        return Err(too_many(
            format!("paling banyak {} gambar sehari", media::MOST_A_DAY),
            format!("at most {} pictures a day", media::MOST_A_DAY),
        ));
    }
    let picture = paint(app, bytes, room).await?;
    put_all(&app.pictures.shelf, &id, &picture).await?;
    let row = media::Model::new(id.clone(), account, &picture, now);
    let unit = Unit::new(vec![row.clone().into()], account.to_string(), now);
    match app.writer.write(unit).await {
        Ok(_) => Ok(Made { row, new: true }),
        // Somebody brought the same one in the meantime.
        Err(Error::Stale(_)) => match media::get(&app.store.reader, &id).await? {
            Some(row) => Ok(Made { row, new: false }),
            None => Err(Problem::retry_after(Kind::Unavailable, 1)),
        },
        Err(error) => Err(error.into()),
    }
}

/// All of `file`, and its SHA-256.
fn read(mut file: File) -> std::io::Result<(Vec<u8>, String)> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(picture::MAX_BYTES).read_to_end(&mut bytes)?;
    let id = digest(&bytes);
    Ok((bytes, id))
}

/// The picture that `bytes` hold. The room is given back when the work is done: it goes on when
/// nobody waits for it any more.
async fn paint(app: &App, bytes: Vec<u8>, room: OwnedSemaphorePermit) -> Result<Picture, Problem> {
    let (bytes, pixels) = blocking(move || {
        let pixels = picture::pixels(&bytes);
        (bytes, pixels)
    })
    .await?;
    let large = if pixels.map_err(refused)? > LARGE {
        Some(permit(&app.pictures.room_for_large).await?)
    } else {
        None
    };
    let made = blocking(move || {
        let _held = (room, large);
        picture::make(&bytes)
    });
    made.await?.map_err(refused)
}

async fn put_all(shelf: &Shelf, id: &str, picture: &Picture) -> Result<(), Problem> {
    for file in &picture.files {
        let name = format!("{}.{}", file.width, file.encoding.extension());
        shelf.put(id, &name, file.bytes.clone()).await.map_err(|error| fallen(&error))?;
    }
    Ok(())
}

/// The problem of a storage that failed.
pub fn fallen(error: &Fallen) -> Problem {
    match error {
        Fallen::TooLong => {
            tracing::error!("the storage of pictures did not answer in time");
            Problem::retry_after(Kind::Unavailable, 5)
        }
        Fallen::Failed(_) => Problem::internal(error),
    }
}

async fn permit(room: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    let permit = Arc::clone(room).acquire_owned().await;
    permit.map_err(|error| Problem::internal(&error))
}

/// Does `work` on a thread where it may take its time. A decoder that panics has met a picture that
/// nobody can read.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    spawn_blocking(work).await.map_err(|error| {
        if !error.is_panic() {
            return Problem::internal(&error);
        }
        tracing::error!(error = &error as &dyn std::error::Error, "a picture made a decoder panic");
        refused(Fault::new("bad_format", "gambar tidak terbaca", "the picture cannot be read"))
    })
}

/// The problem of a file that is not what it should be.
pub fn refused(fault: Fault) -> Problem {
    Problem::invalid(vec![fault.below("file")])
}

/// The problem of somebody who brings more than the house can hold.
pub fn too_many(id: String, en: String) -> Problem {
    Problem::retry_after(Kind::TooManyRequests, 3600).saying(id, en)
}
