//! The folder of an export.
//!
//! ```text
//! manifest.json                   what is here, with a digest of everything; the last thing written
//! 20261128T053224123456Z/         the tables of one export: listing.ndjson, a row a line …
//! 20261128T053224123456Z/pictures.ndjson    the files of pictures, each with its digest
//! pictures/ID/WIDTH.webp          the files themselves, which never change
//! ```
//!
//! An export writes beside what is there and then replaces the manifest, in one step. Whoever breaks it
//! off leaves the old manifest, and everything that it names.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use super::Failure;

mod lines;
mod manifest;

pub use lines::{Lines, Seal, Sealing};
pub use manifest::{Manifest, PictureFile, Pictures, TableFile};

/// Held by whoever works with the folder; says that it is one of ours.
const LOCK: &str = ".griya-export";
const MANIFEST: &str = "manifest.json";
/// The files of pictures, and with an ending the list of them.
pub const PICTURES: &str = "pictures";

/// The folder, held: nobody writes to it while it is read, nobody reads it while it is written.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// The folder `path`, to be written to, for our eyes only; made if it is not there.
    ///
    /// # Errors
    /// When it holds what is none of ours, or somebody else works with it.
    pub fn to_write(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| cannot("write to", path, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let lock = path.join(LOCK);
        if !lock.exists() && !is_empty(path).map_err(failed)? {
            return Err(Failure(format!(
                "{} holds other things: name a new or an empty folder, or one of an earlier export",
                path.display()
            )));
        }
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
        let lock = private().open(lock).map_err(failed)?;
        hold(path, lock.try_lock())?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder `path` with what its manifest says, to be read.
    ///
    /// # Errors
    /// When there is no whole export, or one is being written.
    pub fn to_read(path: &Path) -> Result<(Self, Manifest), Failure> {
        let lock = File::open(path.join(LOCK));
        let lock = lock.map_err(|_| Failure(format!("{} holds no export", path.display())))?;
        hold(path, lock.try_lock_shared())?;
        let manifest = Manifest::read(&path.join(MANIFEST))?;
        Ok((Self { path: path.to_owned(), _lock: lock }, manifest))
    }

    /// A new place for the tables of an export made at `now`, by name.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn begin(&self, now: DateTime<Utc>) -> Result<String, Failure> {
        let name = now.format("%Y%m%dT%H%M%S%6fZ").to_string();
        let made = DirBuilder::new().mode(0o700).create(self.path.join(&name));
        made.map_err(|error| cannot("write to", &self.path, &error))?;
        Ok(name)
    }

    /// Puts everything of the export `manifest` in the place of what was there before; then removes
    /// what nobody names any more.
    ///
    /// # Errors
    /// When the disk fails. Until the new manifest is in place, all is as it was.
    pub fn publish(&self, manifest: &Manifest) -> Result<(), Failure> {
        let replace = || {
            sync(&self.path.join(&manifest.folder))?;
            sync(&self.path)?;
            let part = self.path.join("manifest.json.part");
            let mut file = private().truncate(true).open(&part)?;
            file.write_all(manifest.text().as_bytes())?;
            file.sync_all()?;
            fs::rename(part, self.path.join(MANIFEST))?;
            sync(&self.path)
        };
        replace().map_err(|error: io::Error| cannot("write to", &self.path, &error))
    }

    /// Where the tables of an export lie, those that were broken off too.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn all(&self) -> Result<Vec<String>, Failure> {
        let list = || {
            let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name()));
            let names: Vec<_> = names.collect::<io::Result<_>>()?;
            Ok(names.into_iter().filter_map(|name| name.into_string().ok()))
        };
        let names = list().map_err(|error: io::Error| cannot("read", &self.path, &error))?;
        Ok(names.filter(|name| is_place(name)).collect())
    }

    /// Removes the tables of all exports but `manifest`'s, and the pictures that `is_named` does not
    /// know. What is left of that is no fault: the next one removes it.
    pub fn tidy(&self, manifest: &Manifest, is_named: impl Fn(&str) -> bool) {
        for old in self.all().unwrap_or_default() {
            if old != manifest.folder {
                forget(&self.path.join(old));
            }
        }
        for picture in fs::read_dir(self.path.join(PICTURES)).into_iter().flatten().flatten() {
            let name = picture.file_name();
            if name.to_str().is_some_and(|id| api::media::is_digest(id) && !is_named(id)) {
                forget(&picture.path());
            }
        }
    }

    /// The path of `name` within it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn forget(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path) {
        tracing::warn!(path = %path.display(), %error, "an older export could not be removed");
    }
}

fn hold(path: &Path, held: Result<(), TryLockError>) -> Result<(), Failure> {
    held.map_err(|error| match error {
        TryLockError::WouldBlock => {
            Failure(format!("{}: another export or import works with it", path.display()))
        }
        TryLockError::Error(error) => cannot("hold", path, &error),
    })
}

/// Whether there is nothing in a folder but what a disk has of its own.
fn is_empty(path: &Path) -> io::Result<bool> {
    let mut names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
    names.try_fold(true, |empty, name: io::Result<_>| Ok(empty && name? == "lost+found"))
}

/// Whether `name` is that of a place for tables: 8 digits, `T`, 12 digits, `Z`.
pub fn is_place(name: &str) -> bool {
    let digits =
        |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    let parts = name.strip_suffix('Z').and_then(|name| name.split_once('T'));
    parts.is_some_and(|(day, time)| digits(day, 8) && digits(time, 12))
}

/// How files that nobody else may read are opened to be written.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// What a folder names is on disk, too.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// That something cannot be done with `path`.
pub fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(&format!("cannot {what} {}", path.display()), error)
}
