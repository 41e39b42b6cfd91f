//! Incoming: bytes on their way from a line to a file.

use std::{error::Error, path::PathBuf, pin::pin};

use axum::body::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::{fs::File, io::AsyncWriteExt as _};

use crate::{
    app::App,
    body,
    problem::{Kind, Problem},
};

/// The folder for what is on its way, made if it is not there.
///
/// # Errors
/// When it cannot be made.
pub async fn folder(app: &App) -> Result<PathBuf, Problem> {
    let folder = app.settings.data_dir.join("uploads");
    let made = tokio::fs::create_dir_all(&folder).await;
    made.map(|()| folder).map_err(|error| Problem::internal(&error))
}

/// A file without a name: whatever happens to us, nothing of it stays.
///
/// # Errors
/// When it cannot be made.
pub async fn nameless(app: &App) -> Result<File, Problem> {
    let file = tempfile::tempfile_in(folder(app).await?);
    file.map(File::from_std).map_err(|error| Problem::internal(&error))
}

/// Writes what comes to `file`, as long as it is at most `most` bytes: how many came. On an error
/// the file holds what came before.
///
/// # Errors
/// 400 when the line is cut, 408 when it is silent; 413 when more comes; 500 when the disk fails.
pub async fn pour<E: Error + 'static>(
    from: impl Stream<Item = Result<Bytes, E>>,
    file: &mut File,
    most: u64,
) -> Result<u64, Problem> {
    let mut from = pin!(from);
    let mut came = 0;
    let ended = loop {
        let bytes = match from.next().await {
            Some(Ok(bytes)) => bytes,
            None => break Ok(came),
            Some(Err(error)) => break Err(body::broken(&error)),
        };
        let room = usize::try_from(most - came).unwrap_or(usize::MAX);
        let fits = &bytes[..bytes.len().min(room)];
        if let Err(error) = file.write_all(fits).await {
            break Err(Problem::internal(&error));
        }
        came += fits.len() as u64;
        if fits.len() < bytes.len() {
            break Err(Problem::new(Kind::TooLarge));
        }
    };
    // Whatever ended it: what came is to be found where the next part asks how much there is.
    file.flush().await.map_err(|error| Problem::internal(&error))?;
    ended
}
