//! Seeding: the fixtures, or a folder in their format, poured into the store.

use std::{
    fs::File,
    io::{BufRead, BufReader, Cursor},
    path::Path,
};

use chrono::{DateTime, Utc};
use domain::{
    import::{FILES, Import, Pour, Progress, Tally},
    store::Store,
    writer::Writer,
};

/// Who pours the fixtures at the first start of a node, in the log.
pub const FIRST_START: &str = "first start";

/// What to pour.
#[derive(Debug, Clone, Copy)]
pub enum From<'a> {
    /// The fixtures that came with the program.
    Fixtures,
    /// A folder with files of the same names, any of which may be missing.
    Folder(&'a Path),
}

/// Pours everything, file by file, in the name of `actor`; `tell` hears of each file's progress and of each bad record.
///
/// # Errors
/// When the database fails or a file cannot be read; bad records are no error.
pub async fn pour(
    store: &Store,
    writer: &Writer,
    from: From<'_>,
    actor: &str,
    now: DateTime<Utc>,
    tell: &mut (dyn FnMut(&str, Option<u64>, Progress) + Send),
) -> Result<Tally, Pour> {
    let mint = move || crate::ids::new(now);
    let mut import = Import::new(store, writer, actor, now, &mint).await?;
    for name in FILES {
        let Some((mut read, size)) = open(from, name).map_err(Pour::Read)? else { continue };
        let mut tell = |progress: Progress| tell(name, size, progress);
        import.file(name, &mut *read, &mut tell).await?;
    }
    Ok(import.tally)
}

type Opened = (Box<dyn BufRead + Send>, Option<u64>);

fn open(from: From<'_>, name: &str) -> std::io::Result<Option<Opened>> {
    match from {
        From::Fixtures => Ok(fixtures::file(name).map(|text| {
            let read: Box<dyn BufRead + Send> = Box::new(Cursor::new(text));
            (read, Some(text.len() as u64))
        })),
        From::Folder(folder) => match File::open(folder.join(name)) {
            Ok(file) => {
                let size = file.metadata().ok().map(|data| data.len());
                Ok(Some((Box::new(BufReader::new(file)), size)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        },
    }
}
