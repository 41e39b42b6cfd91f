//! `griya import`.
//!
//! Everything in the folder is looked at before anything is written. Then the pictures are put, for a
//! row is written after its files, and then tables and rows in one transaction.

use std::{io, path::Path};

use api::{config::Settings, media::shelf::Shelf};
use domain::{
    audit::digest,
    dump::{self, Filling, Table, catalog, filling, line, snapshot},
    store::Store,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::ProgressBar;
use migrations::{IntoSchemaManagerConnection, Migrator, MigratorTrait as _};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr};

use super::{
    Failure,
    bars::Bars,
    folder::{Folder, Lines, Manifest, PICTURES, PictureFile, TableFile, cannot},
    open,
};

/// Files of pictures on their way at once.
const AT_ONCE: usize = 8;
/// Bytes of rows that go into the database at once, but for the last of them.
const SOME: u64 = 4 << 20;
/// The largest file of a picture that is read: many times what we make.
const LARGEST: u64 = 64 << 20;

/// `griya import --check DIR`: whether the export in `path` is whole.
pub async fn check(path: &Path, show: bool) -> Result<(), Failure> {
    let (_, manifest) = checked(path, Bars { show }).await?;
    println!("{}: whole", summary(&manifest));
    Ok(())
}

/// `griya import DIR`.
pub async fn run(settings: &Settings, path: &Path, show: bool) -> Result<(), Failure> {
    let bars = Bars { show };
    let shelf = Shelf::open(settings).map_err(Failure)?;
    let (folder, manifest) = checked(path, bars).await?;
    let store = open(settings).await?;
    // Before pictures are put for nothing.
    filling::is_free(&store.writer).await.map_err(|error| refused(&error))?;
    pictures(&shelf, &folder, &manifest, bars).await?;
    // A service that starts at the same moment migrates before it or after it.
    store.alone(async || all(&store, &folder, &manifest, bars).await).await?;
    println!("{}", summary(&manifest));
    Ok(())
}

/// Puts everything into the database, and brings it to the newest schema.
async fn all(
    store: &Store,
    folder: &Folder,
    manifest: &Manifest,
    bars: Bars,
) -> Result<(), Failure> {
    fill(store, folder, manifest, bars).await?;
    let newest = migrations::bring_up(&store.writer).await;
    newest.map_err(|error| {
        Failure::new("everything is in, but the database cannot be migrated", &error)
    })
}

fn summary(manifest: &Manifest) -> String {
    let rows: u64 = manifest.tables.iter().map(|table| table.rows).sum();
    format!(
        "{rows} rows of {} tables and {} files of pictures, up to change {}, head {}",
        manifest.tables.len(),
        manifest.pictures.files,
        manifest.change,
        manifest.audit
    )
}

/// The folder `path`, with everything in it looked at.
async fn checked(path: &Path, bars: Bars) -> Result<(Folder, Manifest), Failure> {
    let (folder, manifest) = Folder::to_read(path)?;
    is_known(&manifest)?;
    let expected = schema(manifest.migrations.len()).await;
    let expected = expected.map_err(|error| Failure::new("cannot make the tables", &error))?;
    is_of(&manifest, &expected)?;
    let bytes = manifest.tables.iter().map(|table| table.bytes).sum();
    let bar = bars.bytes("looking", Some(bytes));
    for file in &manifest.tables {
        rows(&folder, &manifest, file, DbBackend::Sqlite, &bar, async |_| Ok(())).await?;
    }
    bar.finish();
    let bar = bars.count("looking at pictures", manifest.pictures.files);
    for file in listed(&folder, &manifest)? {
        bytes_of(&folder, &file?)?;
        bar.inc(1);
    }
    bar.finish();
    Ok((folder, manifest))
}

/// Whether the program goes through the schema that the export was made at.
fn is_known(manifest: &Manifest) -> Result<(), Failure> {
    let known: Vec<String> =
        Migrator::get_migration_files().iter().map(|file| file.name().to_owned()).collect();
    if let Some(later) = manifest.migrations.iter().find(|name| !known.contains(name)) {
        return Err(Failure(format!(
            "the export was made by a later Griya ({}): it has seen the migration `{later}`; \
             update the program first",
            manifest.program
        )));
    }
    let mut through = known;
    through.truncate(manifest.migrations.len());
    match through.iter().find(|name| !manifest.migrations.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Failure(format!(
            "the export has not seen the migration `{name}`, but later ones: this program cannot go \
             through such a schema"
        ))),
    }
}

/// The tables after the first `steps` migrations.
async fn schema(steps: usize) -> Result<Vec<Table>, dump::Error> {
    let memory = in_memory(steps).await?;
    let tables = catalog::tables(&memory).await;
    memory.close().await?;
    tables
}

/// A database in memory with these tables.
async fn in_memory(steps: usize) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let memory = Database::connect(options).await?;
    bring_to(&memory, steps).await?;
    Ok(memory)
}

/// Goes up or down to the schema after the first `steps` migrations.
async fn bring_to<'c, C>(db: &'c C, steps: usize) -> Result<(), DbErr>
where
    C: ConnectionTrait,
    &'c C: IntoSchemaManagerConnection<'c>,
{
    let seen = snapshot::migrations(db).await?.len();
    let count = |steps| Some(u32::try_from(steps).unwrap_or(u32::MAX));
    if seen < steps {
        Migrator::up(db, count(steps - seen)).await?;
    }
    if seen > steps {
        Migrator::down(db, count(seen - steps)).await?;
    }
    Ok(())
}

/// Whether the export holds the `expected` tables and no others.
fn is_of(manifest: &Manifest, expected: &[Table]) -> Result<(), Failure> {
    let mut found: Vec<Table> = manifest.tables.iter().map(TableFile::table).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    for table in &found {
        match expected.iter().find(|expected| expected.name == table.name) {
            None => {
                return Err(Failure(format!(
                    "the export holds `{}`, which is no table of ours",
                    table.name
                )));
            }
            Some(expected) if expected != table => {
                return Err(Failure(format!("the columns of `{}` are not ours", table.name)));
            }
            Some(_) => {}
        }
    }
    let missing = expected.iter().find(|table| !found.contains(table));
    if let Some(table) = missing {
        return Err(Failure(format!("the export does not hold the table `{}`", table.name)));
    }
    if found.len() > expected.len() {
        return Err(Failure("the export holds a table twice".to_owned()));
    }
    Ok(())
}

/// Hands the rows of a table to `f`, as many as go into a database at once; all of them are what the
/// manifest says.
async fn rows(
    folder: &Folder,
    manifest: &Manifest,
    file: &TableFile,
    backend: DbBackend,
    bar: &ProgressBar,
    mut f: impl AsyncFnMut(Vec<Vec<sea_orm::sea_query::Expr>>) -> Result<(), DbErr>,
) -> Result<(), Failure> {
    let table = file.table();
    let path = folder.path(&manifest.folder).join(format!("{}.ndjson", table.name));
    let mut lines = Lines::open(path)?;
    let at_once = Filling::at_once(&table);
    let mut more = true;
    while more {
        let (mut some, before) = (Vec::with_capacity(at_once), (lines.bytes(), lines.count()));
        while more && some.len() < at_once && lines.bytes() - before.0 < SOME {
            let line = lines.next()?.map(|line| line::read(&table, line, backend));
            more = line.is_some();
            some.extend(line.transpose().map_err(|why| lines.broken(&why))?);
        }
        f(some).await.map_err(|error| {
            let lines = format!("`{}`, lines {} to {}", table.name, before.1 + 1, lines.count());
            Failure::new(&format!("cannot import {lines}"), &error)
        })?;
        bar.inc(lines.bytes() - before.0);
    }
    lines.end(&file.seal())
}

/// That the database will not have it.
fn refused(error: &dump::Error) -> Failure {
    Failure::new("cannot import into this database", error)
}

/// Makes the tables as they were, and puts all rows in.
async fn fill(
    store: &Store,
    folder: &Folder,
    manifest: &Manifest,
    bars: Bars,
) -> Result<(), Failure> {
    let mut filling = Filling::begin(store).await.map_err(|error| refused(&error))?;
    let made = bring_to(filling.schema(), manifest.migrations.len()).await;
    made.map_err(|error| Failure::new("cannot make the tables", &error))?;
    filling.open().await.map_err(|error| refused(&error))?;
    for file in named_first(manifest).await.map_err(|error| refused(&error.into()))? {
        let (bar, table) = (bars.bytes(&file.name, Some(file.bytes)), file.table());
        let add = async |some| filling.add(&table, some).await;
        rows(folder, manifest, file, store.writer.get_database_backend(), &bar, add).await?;
        bar.finish();
    }
    filling.finish(&manifest.numbers).await.map_err(|error| refused(&error))
}

/// The tables, each after those that it names: for a row that comes after one that names it SQLite
/// looks through all that could, and a large import would not end.
async fn named_first(manifest: &Manifest) -> Result<Vec<&TableFile>, DbErr> {
    let memory = in_memory(manifest.migrations.len()).await?;
    let names = catalog::names(&memory).await?;
    memory.close().await?;
    let (mut left, mut order): (Vec<_>, Vec<&TableFile>) =
        (manifest.tables.iter().collect(), Vec::new());
    while !left.is_empty() {
        let waits = |file: &TableFile| {
            let named = names.iter().filter(|(table, _)| *table == file.name);
            named
                .into_iter()
                .any(|(table, named)| table != named && left.iter().any(|left| left.name == *named))
        };
        let (later, now): (Vec<_>, Vec<_>) = left.iter().copied().partition(|file| waits(file));
        // Tables that name each other in a ring come as they come.
        left = if now.is_empty() { Vec::new() } else { later.clone() };
        order.extend(if now.is_empty() { later } else { now });
    }
    Ok(order)
}

/// The files of pictures, as the list says that is what the manifest says.
fn listed<'a>(
    folder: &Folder,
    manifest: &'a Manifest,
) -> Result<impl Iterator<Item = Result<PictureFile, Failure>> + 'a, Failure> {
    let list = Lines::open(folder.path(&manifest.folder).join("pictures.ndjson"))?;
    let mut list = Some(list);
    let next = move || {
        let lines = list.as_mut()?;
        match lines.next() {
            Ok(Some(line)) => {
                let file: Result<PictureFile, _> = serde_json::from_str(line);
                let file = file.ok().filter(|file| file.key().is_some());
                Some(file.ok_or_else(|| lines.broken("names no file of a picture")))
            }
            Ok(None) => list.take()?.end(&manifest.pictures.seal()).err().map(Err),
            Err(error) => Some(Err(error)),
        }
    };
    Ok(std::iter::from_fn(next))
}

/// The bytes of a file of a picture, which are what the list says.
fn bytes_of(folder: &Folder, file: &PictureFile) -> Result<Vec<u8>, Failure> {
    let path = folder.path(PICTURES).join(&file.file);
    let read = || -> io::Result<Option<Vec<u8>>> {
        let found = path.symlink_metadata()?;
        let is_it = found.is_file() && found.len() == file.bytes && file.bytes <= LARGEST;
        is_it.then(|| std::fs::read(&path)).transpose()
    };
    let bytes = read().map_err(|error| cannot("read", &path, &error))?;
    bytes.filter(|bytes| digest(bytes) == file.sha256).ok_or_else(|| {
        Failure(format!("{} is not as it was written: its SHA-256 is another", path.display()))
    })
}

/// Puts the files of pictures where this service keeps them; what is there stays.
async fn pictures(
    shelf: &Shelf,
    folder: &Folder,
    manifest: &Manifest,
    bars: Bars,
) -> Result<(), Failure> {
    let bar = bars.count(PICTURES, manifest.pictures.files);
    let put = async |file: Result<PictureFile, Failure>| {
        let file = file?;
        let (id, name) = file.key().expect("the list names only such");
        let failed = |error| Failure::new(&format!("cannot put {}", file.file), &error);
        if shelf.size(id, name).await.map_err(failed)? != Some(file.bytes) {
            shelf.put(id, name, bytes_of(folder, &file)?).await.map_err(failed)?;
        }
        bar.inc(1);
        Ok::<_, Failure>(())
    };
    stream::iter(listed(folder, manifest)?).map(put).buffered(AT_ONCE).try_collect::<()>().await?;
    bar.finish();
    Ok(())
}
