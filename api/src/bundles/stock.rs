//! Stock: the bundles that are there, and for how long.
//!
//! A file is named by its content and never changes. One that was replaced stays for as long as
//! somebody may still be fetching it, within bounds. All of it may be deleted at any time: what is not
//! there is made anew.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::content::{Counts, Made};

/// How long one that was replaced stays, whoever wants it: who was told of it fetches it by then.
const GRACE: TimeDelta = TimeDelta::hours(1);
/// How long it stays after somebody asked for it: who fetches it over a bad line comes back by then.
const WANTED: TimeDelta = TimeDelta::hours(24);
/// The most that replaced ones take together, bytes, or so many times what the newest take.
const OLD_BYTES: u64 = 256 * 1024 * 1024;
const OLD_TIMES: u64 = 3;

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The kapanewon, or everything.
    pub code: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// How long the file is.
    pub bytes: u64,
    /// What is in it, without how far it has followed the log.
    pub essence: String,
    /// Where `/v1/changes` goes on.
    pub cursor: String,
    /// The last change in it.
    pub seq: i64,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// How much is in it.
    pub counts: Counts,
    /// Since when there is a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced_at: Option<DateTime<Utc>>,
}

/// How far the log was followed when all were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The last change.
    pub seq: i64,
    /// A cursor of everything there.
    pub cursor: String,
    /// The first day of their occurrences.
    pub month: NaiveDate,
    /// What made them.
    pub by: String,
}

/// What is written down of the folder.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Book {
    seen: Option<Seen>,
    newest: BTreeMap<String, Bundle>,
    replaced: Vec<Bundle>,
}

/// The bundles of a node.
#[derive(Debug)]
pub struct Stock {
    folder: PathBuf,
    book: Mutex<Book>,
    /// When somebody asked for a file, since the node came up.
    asked: Mutex<HashMap<String, DateTime<Utc>>>,
}

impl Stock {
    /// What an earlier run left in `bundles/` of the data folder.
    pub fn open(data: &Path) -> Self {
        let folder = data.join("bundles");
        let read = fs::read(folder.join("list.json"));
        let mut book: Book =
            read.ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let there = |bundle: &Bundle| {
            fs::metadata(path(&folder, &bundle.sha256)).is_ok_and(|meta| meta.len() == bundle.bytes)
        };
        let all = book.newest.len();
        book.newest.retain(|_, bundle| there(bundle));
        book.replaced.retain(there);
        if book.newest.len() < all {
            book.seen = None;
        }
        let stock = Self { folder, book: Mutex::new(book), asked: Mutex::default() };
        stock.sweep();
        stock
    }

    /// Deletes what nobody knows of: what a run that was cut off has left.
    fn sweep(&self) {
        let book = self.book();
        let known = |name: &str| {
            let mut all = book.newest.values().chain(&book.replaced);
            name == "list.json" || all.any(|bundle| name == file(&bundle.sha256))
        };
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_none_or(|name| !known(name)) {
                // What cannot be deleted is in nobody's way.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder, which is there from now on.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self) -> io::Result<&Path> {
        fs::create_dir_all(&self.folder)?;
        Ok(&self.folder)
    }

    /// How far the log was followed when all were made.
    pub fn seen(&self) -> Option<Seen> {
        self.book().seen.clone()
    }

    /// The newest of all, by code.
    pub fn all(&self) -> Vec<Bundle> {
        self.book().newest.values().cloned().collect()
    }

    /// The newest of `code`.
    pub fn newest(&self, code: &str) -> Option<Bundle> {
        self.book().newest.get(code).cloned()
    }

    /// The bundle of that SHA-256 and its file, new or replaced; at `now` somebody asks for it.
    pub fn find(&self, sha256: &str, now: DateTime<Utc>) -> Option<(Bundle, PathBuf)> {
        let book = self.book();
        let mut all = book.newest.values().chain(&book.replaced);
        let bundle = all.find(|bundle| bundle.sha256 == sha256)?.clone();
        drop(book);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(bundle.sha256.clone(), now);
        let path = path(&self.folder, sha256);
        Some((bundle, path))
    }

    /// Whether the file of a bundle is where it should be.
    pub fn has(&self, bundle: &Bundle) -> bool {
        path(&self.folder, &bundle.sha256).exists()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.book().newest.is_empty()
    }

    /// Forgets a bundle whose file is not there any more, or whose cursor leads nowhere: it is made
    /// anew.
    pub fn lost(&self, sha256: &str) {
        let mut book = self.book();
        book.newest.retain(|_, bundle| bundle.sha256 != sha256);
        book.replaced.retain(|bundle| bundle.sha256 != sha256);
        book.seen = None;
    }

    /// Forgets all of them: they are of another log.
    pub fn forget(&self) {
        let mut book = self.book();
        for bundle in book.newest.values().chain(&book.replaced) {
            let _ = fs::remove_file(path(&self.folder, &bundle.sha256));
        }
        *book = Book::default();
    }

    /// Puts what was made in the place of what there was.
    ///
    /// # Errors
    /// When it cannot be put there; what there was stays.
    pub fn put(&self, code: &str, made: Made, seq: i64, now: DateTime<Utc>) -> io::Result<()> {
        let Made { file, bytes, sha256, essence, cursor, counts } = made;
        file.persist(path(&self.folder, &sha256)).map_err(|error| error.error)?;
        let (code, cursor) = (code.to_owned(), cursor.to_string());
        let bundle = Bundle {
            code: code.clone(),
            sha256,
            bytes,
            essence,
            cursor,
            seq,
            made_at: now,
            counts,
            replaced_at: None,
        };
        let mut book = self.book();
        book.replaced.retain(|old| old.sha256 != bundle.sha256);
        let sha256 = bundle.sha256.clone();
        if let Some(old) = book.newest.insert(code, bundle).filter(|old| old.sha256 != sha256) {
            book.replaced.push(Bundle { replaced_at: Some(now), ..old });
        }
        Ok(())
    }

    /// Ends a making: only bundles of `codes` stay the newest, replaced ones as long as they may, and
    /// all is written down.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn settle(&self, codes: &[String], seen: Seen, now: DateTime<Utc>) -> io::Result<()> {
        let mut book = self.book();
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut book.newest)
            .into_iter()
            .partition(|(code, _)| codes.contains(code));
        book.newest = kept;
        let gone = gone.into_values().map(|old| Bundle { replaced_at: Some(now), ..old });
        book.replaced.extend(gone);
        book.seen = Some(seen);
        let text = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let dropped = book.let_go(&asked, now);
            for bundle in dropped {
                asked.remove(&bundle.sha256);
                // It is counted no more, and swept at the next start.
                let _ = fs::remove_file(path(&self.folder, &bundle.sha256));
            }
            serde_json::to_vec(&*book)?
        };
        drop(book);
        let mut list = tempfile::NamedTempFile::new_in(&self.folder)?;
        io::Write::write_all(&mut list, &text)?;
        list.as_file().sync_all()?;
        list.persist(self.folder.join("list.json")).map_err(|error| error.error)?;
        fs::File::open(&self.folder)?.sync_all()
    }
}

impl Book {
    /// Takes out the replaced ones that nobody wants, then those that were wanted longest ago, until
    /// the rest has room.
    fn let_go(
        &mut self,
        asked: &HashMap<String, DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Vec<Bundle> {
        let wanted = |bundle: &Bundle| asked.get(&bundle.sha256).copied().max(bundle.replaced_at);
        let stays = |bundle: &Bundle| {
            let asked = asked.get(&bundle.sha256);
            bundle.replaced_at.is_some_and(|replaced| now - replaced < GRACE)
                || asked.is_some_and(|asked| now - *asked < WANTED)
        };
        let newest: u64 = self.newest.values().map(|bundle| bundle.bytes).sum();
        let mut room = OLD_BYTES.max(OLD_TIMES * newest);
        let mut all = std::mem::take(&mut self.replaced);
        all.sort_by_key(|bundle| std::cmp::Reverse(wanted(bundle)));
        let (kept, gone) = all.into_iter().partition(|bundle| {
            let fits = stays(bundle) && bundle.bytes <= room;
            room = if fits { room - bundle.bytes } else { room };
            fits
        });
        self.replaced = kept;
        gone
    }
}

/// What the file of a bundle is called.
pub fn file(sha256: &str) -> String {
    format!("{sha256}.zip")
}

fn path(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(file(sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(name: &str, bytes: u64, replaced: Option<i64>) -> Bundle {
        Bundle {
            code: "all".to_owned(),
            sha256: name.to_owned(),
            bytes,
            essence: String::new(),
            cursor: String::new(),
            seq: 0,
            made_at: DateTime::UNIX_EPOCH,
            counts: Counts::default(),
            replaced_at: replaced.map(minute),
        }
    }

    fn minute(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn left(mut book: Book, asked: &[(&str, i64)], now: i64) -> Vec<String> {
        let asked = asked.iter().map(|(name, at)| ((*name).to_owned(), minute(*at))).collect();
        book.let_go(&asked, minute(now));
        let mut left: Vec<_> = book.replaced.into_iter().map(|bundle| bundle.sha256).collect();
        left.sort();
        left
    }

    #[test]
    fn a_replaced_bundle_stays_for_an_hour_and_for_a_day_after_somebody_asked_for_it() {
        let book = || Book {
            replaced: vec![bundle("a", 1, Some(0)), bundle("b", 1, Some(0))],
            ..Book::default()
        };
        assert_eq!(left(book(), &[], 59), ["a", "b"]);
        assert_eq!(left(book(), &[], 60), [""; 0]);
        assert_eq!(left(book(), &[("b", 50)], 60), ["b"]);
        assert_eq!(left(book(), &[("b", 50)], 50 + 24 * 60), [""; 0]);
    }

    #[test]
    fn replaced_bundles_take_no_more_than_their_room_and_the_one_wanted_last_stays() {
        let replaced =
            ["a", "b", "c", "d"].map(|name| bundle(name, OLD_BYTES / 3, Some(0))).to_vec();
        let book = Book { replaced, ..Book::default() };
        let asked = [("a", 5), ("c", 7), ("d", 6)];
        assert_eq!(left(book, &asked, 10), ["a", "c", "d"]);
    }
}
