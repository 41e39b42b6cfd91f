//! Pouring: files of the seed format into a small database, which is as it was before each.

use std::{
    cell::RefCell,
    io::Cursor,
    path::{Path, PathBuf},
};

use domain::{
    import::{Import, Progress, Refusal, Tally},
    store::Store,
    writer::Writer,
};
use migrations::{Migrator, MigratorTrait as _};
use tests::{NOON, Place, at};
use tokio::runtime::{Builder, Runtime};

/// How much of each file of the fixtures is there before: what is named is there, and an import reads it
/// all at its start.
const LINES: usize = 6;

thread_local! {
    static POURING: RefCell<Pouring> = RefCell::new(Pouring::start());
}

struct Pouring {
    runtime: Runtime,
    place: Place,
    /// The database before an input.
    before: PathBuf,
    open: Option<(Store, Writer)>,
}

/// Pours `text` as the file `name`. Where that writes one record, or listings, the same again writes
/// nothing and refuses the same.
pub fn twice(name: &'static str, text: &[u8]) {
    POURING.with_borrow_mut(|pouring| {
        let (tally, refused) = pouring.pour(name, text);
        assert_eq!(tally.refused, refused.len());
        assert!(refused.iter().all(|refusal| !refusal.faults.is_empty() && refusal.line > 0));
        if tally.written == 0 {
            return;
        }
        // Of other records one text may say two things, the second of which holds.
        if tally.written == 1
            || ["places", "producers", "events"].iter().any(|of| name.starts_with(of))
        {
            let again = pouring.pour(name, text);
            let unchanged =
                Tally { written: 0, unchanged: tally.written + tally.unchanged, ..tally };
            assert_eq!(again, (unchanged, refused));
        }
        pouring.forget();
    });
}

impl Pouring {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let place = Place::sqlite();
        runtime.block_on(async {
            Migrator::up(&place.open().await.writer, None).await.expect("migrate");
        });
        let before = place.folder().join("before.db");
        let mut pouring = Self { runtime, place, before, open: None };
        for (name, text) in fixtures::FILES {
            let some: Vec<&str> = text.lines().take(LINES).collect();
            let end = if name == "areas.geojson" { "{\"type\":\"Feature\"}]}" } else { "" };
            pouring.pour(name, format!("{}\n{end}", some.join("\n")).as_bytes());
        }
        pouring.close();
        std::fs::copy(pouring.file(), &pouring.before).expect("a copy");
        pouring
    }

    fn file(&self) -> PathBuf {
        self.place.folder().join("griya.db")
    }

    fn pour(&mut self, name: &str, text: &[u8]) -> (Tally, Vec<Refusal>) {
        let url = self.place.url.clone();
        let open = &mut self.open;
        self.runtime.block_on(async {
            if open.is_none() {
                let store = Store::open(&url).await.expect("open");
                let writer = Writer::start(&store);
                *open = Some((store, writer));
            }
            let (store, writer) = open.as_ref().expect("it is open");
            let mint = || api::ids::new(at(NOON));
            let import = Import::new(store, writer, "fuzz", at(NOON), &mint).await;
            let mut import = import.expect("an import");
            let mut refused = Vec::new();
            let mut tell = |progress| {
                if let Progress::Refused(refusal) = progress {
                    refused.push(refusal);
                }
            };
            import.file(name, &mut Cursor::new(text), &mut tell).await.expect("no failure of ours");
            (import.tally, refused)
        })
    }

    fn close(&mut self) {
        let Some((store, writer)) = self.open.take() else { return };
        drop(writer);
        self.runtime.block_on(async {
            for connection in [store.reader, store.writer] {
                connection.close().await.expect("close");
            }
        });
    }

    /// Puts the database back.
    fn forget(&mut self) {
        self.close();
        let file = self.file();
        for beside in ["-wal", "-shm"] {
            let beside = format!("{}{beside}", file.display());
            if Path::new(&beside).exists() {
                std::fs::remove_file(beside).expect("it goes");
            }
        }
        std::fs::copy(&self.before, file).expect("a copy");
    }
}
