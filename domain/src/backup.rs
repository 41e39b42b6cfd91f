//! Backup: a SQLite file copied through SQLite's own interface while others write to it, and put back.
//!
//! A copy is of one moment. It is whole and on disk before it gets its name, so who breaks off leaves
//! what was there before. PostgreSQL has programs of its own for this.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    backup::{Backup, StepResult},
};

/// Pages copied between two looks at how far it is: some 8 MiB.
const STEP: i32 = 2048;
/// How long somebody else may hold the file.
const BUSY: Duration = Duration::from_secs(10);

/// Why a file was not copied or not put back: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk failed.
    #[error("{0}: {1}")]
    Disk(PathBuf, #[source] io::Error),
    /// SQLite failed.
    #[error("{0}: {1}")]
    Sqlite(PathBuf, #[source] rusqlite::Error),
    /// What was copied is damaged.
    #[error("{0} is damaged: {1}")]
    Damaged(PathBuf, String),
    /// It is some other database.
    #[error("{0} is no database of Griya")]
    Foreign(PathBuf),
    /// It is of a later program.
    #[error(
        "{0} was written by a later Griya: it has seen the migration `{1}`; update the program first"
    )]
    Later(PathBuf, String),
    /// Somebody works with the file that is to be replaced.
    #[error("{0} is in use: stop the service first")]
    InUse(PathBuf),
}

/// Copies the database `from` to the file `to`, which is replaced in one step; `tell` hears how many
/// of how many pages are copied. Others may write to `from` meanwhile.
///
/// The copy is one file that needs no other, mode 0600.
///
/// # Errors
/// When there is no such database, it is damaged, or the disk fails. `to` is as it was then.
pub fn copy(from: &Path, to: &Path, tell: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
    let part = beside(to, ".part");
    write(from, &part, tell)?;
    fs::rename(&part, to).and_then(|()| sync_folder_of(to)).map_err(at(to))
}

/// Puts the copy `from` back as the database `to`; where there was one, says under which name it was
/// kept. `known` are the migrations that the program knows.
///
/// # Errors
/// When `from` is no sound database of ours, or somebody works with `to`. `to` is as it was then.
pub fn restore(
    from: &Path,
    to: &Path,
    known: &[String],
    tell: &mut dyn FnMut(u64, u64),
) -> Result<Option<PathBuf>, Error> {
    let part = beside(to, ".part");
    write(from, &part, tell)?;
    let put = is_ours(from, &part, known).and_then(|()| put(&part, to));
    if put.is_err() {
        // Nothing is lost with it; what could not be removed is overwritten the next time.
        let _ = fs::remove_file(&part);
    }
    put
}

/// A whole copy under the name `part`, checked and on disk.
fn write(from: &Path, part: &Path, tell: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
    for ending in ["-journal", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(part, ending));
    }
    let mut new = OpenOptions::new();
    let new = new.write(true).create(true).truncate(true).mode(0o600);
    new.open(part).map_err(at(part))?;
    let source = open(from).map_err(of(from))?;
    let mut target = open(part).map_err(of(part))?;
    pages(&source, &mut target, tell).map_err(|error| damaged_or(from, error))?;
    // As one file; it comes into use with a log beside it again.
    let whole = target.pragma_update(None, "journal_mode", "DELETE");
    whole.map_err(|error| damaged_or(from, error))?;
    let found: String = target
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged_or(from, error))?;
    if found != "ok" {
        return Err(Error::Damaged(from.to_owned(), found.replace('\n', " ")));
    }
    target.close().map_err(|(_, error)| of(part)(error))?;
    File::open(part).and_then(|file| file.sync_all()).map_err(at(part))
}

fn pages(
    source: &Connection,
    target: &mut Connection,
    tell: &mut dyn FnMut(u64, u64),
) -> rusqlite::Result<()> {
    // On disk at the end, all at once.
    target.pragma_update(None, "synchronous", "OFF")?;
    // As long as the source reads, it sees one moment: a copy that went on from what others wrote
    // would begin anew with each write of theirs.
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))?;
    let backup = Backup::new(source, target)?;
    loop {
        let step = backup.step(STEP)?;
        let progress = backup.progress();
        let all = progress.pagecount.max(0).unsigned_abs();
        tell(u64::from(all - progress.remaining.max(0).unsigned_abs().min(all)), u64::from(all));
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Whether the copy `part` of `from` is a database that the program knows.
fn is_ours(from: &Path, part: &Path, known: &[String]) -> Result<(), Error> {
    let copy = open(part).map_err(of(part))?;
    let mut seen = copy
        .prepare("SELECT version FROM seaql_migrations ORDER BY version")
        .map_err(|_| Error::Foreign(from.to_owned()))?;
    let seen = seen.query_map([], |row| row.get::<_, String>(0));
    let seen: Vec<String> = seen.and_then(Iterator::collect).map_err(of(from))?;
    match seen.into_iter().find(|version| !known.contains(version)) {
        None => Ok(()),
        Some(later) => Err(Error::Later(from.to_owned(), later)),
    }
}

/// Gives `part` the name `to`; what had it keeps another.
fn put(part: &Path, to: &Path) -> Result<Option<PathBuf>, Error> {
    if !to.exists() {
        // What is left of a database that is gone would be taken for this one's.
        for ending in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(beside(to, ending));
        }
        fs::rename(part, to).and_then(|()| sync_folder_of(to)).map_err(at(to))?;
        return Ok(None);
    }
    let held = hold(to)?;
    let kept = (1..).map(|number| beside(to, &format!(".before-{number}")));
    let kept = kept.into_iter().find(|kept| !kept.exists()).expect("numbers do not end");
    keep(to, &kept).map_err(at(&kept))?;
    fs::rename(part, to).and_then(|()| sync_folder_of(to)).map_err(at(to))?;
    drop(held);
    Ok(Some(kept))
}

/// The database `to` with everything in its one file and nobody else in it; `None` where it is too
/// damaged to be held.
fn hold(to: &Path) -> Result<Option<Connection>, Error> {
    let hold = || {
        let old = open(to)?;
        old.busy_timeout(Duration::ZERO)?;
        // Only the last one that has it open can give up the log beside it.
        old.pragma_update(None, "journal_mode", "DELETE")?;
        old.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(old)
    };
    match hold() {
        Ok(old) => Ok(Some(old)),
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Err(Error::InUse(to.to_owned()))
            }
            _ => Err(of(to)(error)),
        },
    }
}

/// Gives the database `to` the name `kept`, too. Its own name it loses only to the next.
fn keep(to: &Path, kept: &Path) -> io::Result<()> {
    if fs::hard_link(to, kept).is_err() {
        fs::copy(to, kept)?;
    }
    for ending in ["-wal", "-shm", "-journal"] {
        match fs::rename(beside(to, ending), beside(kept, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_folder_of(kept)
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn damaged_or(file: &Path, error: rusqlite::Error) -> Error {
    if is_damage(&error) {
        Error::Damaged(file.to_owned(), error.to_string())
    } else {
        of(file)(error)
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    |error| Error::Disk(path.to_owned(), error)
}

fn of(path: &Path) -> impl FnOnce(rusqlite::Error) -> Error {
    |error| Error::Sqlite(path.to_owned(), error)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
