//! `griya export`.

use std::{collections::BTreeMap, io, path::Path};

use api::{clock::Clock, config::Settings, media::shelf::Shelf};
use domain::{
    dump::{Snapshot, Table},
    store::Store,
};

use super::{
    Failure,
    bars::Bars,
    folder::{Folder, Manifest, Sealing, TableFile, cannot},
    open_existing,
};

mod pictures;

/// Writes everything into the folder `path`.
pub async fn run(settings: &Settings, path: &Path, show: bool) -> Result<(), Failure> {
    let bars = Bars { show };
    let shelf = Shelf::open(settings).map_err(Failure)?;
    let store = open_existing(settings).await;
    let store = store.map_err(|error| Failure::new("cannot open the database", &error))?;
    let folder = Folder::to_write(path)?;
    let mut manifest = tables(&store, &folder, bars).await?;
    let copied = pictures::copy(&shelf, &folder, &manifest, bars).await?;
    manifest.pictures = copied.list;
    folder.publish(&manifest)?;
    folder.tidy(&manifest, |id| copied.ids.binary_search(&pictures::short(id)).is_ok());
    let rows: u64 = manifest.tables.iter().map(|table| table.rows).sum();
    println!(
        "{rows} rows of {} tables and {} files of pictures, up to change {}, head {}",
        manifest.tables.len(),
        manifest.pictures.files,
        manifest.change,
        manifest.audit
    );
    match copied.missing {
        0 => Ok(()),
        missing => Err(Failure(format!(
            "{missing} files of pictures are not where they should be; all else is exported"
        ))),
    }
}

/// All tables as they are at this moment, in a new place of `folder`. The pictures are still to come.
async fn tables(store: &Store, folder: &Folder, bars: Bars) -> Result<Manifest, Failure> {
    let failed = |error: domain::dump::Error| Failure::new("cannot export the database", &error);
    let snapshot = Snapshot::take(store).await.map_err(failed)?;
    // Before a file is made: what cannot be read must not cost a place.
    let tables = snapshot.tables().await.map_err(failed)?;
    let made_at = Clock::system().now();
    let place = folder.begin(made_at)?;
    let mut files = Vec::with_capacity(tables.len());
    for table in tables {
        files.push(one(&snapshot, table, &folder.path(&place), bars).await?);
    }
    let failed = |error| failed(domain::dump::Error::Database(error));
    let (change, audit) = snapshot.heads().await.map_err(failed)?;
    let numbers = snapshot.numbered().await.map_err(failed)?.into_iter();
    let numbers: BTreeMap<String, i64> =
        numbers.filter(|of| of.last > 0).map(|of| (of.table, of.last)).collect();
    Ok(Manifest {
        format: Manifest::FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at,
        database: if store.is_postgres() { "postgresql" } else { "sqlite" }.to_owned(),
        folder: place,
        change,
        audit,
        migrations: snapshot.migrations().await.map_err(failed)?,
        numbers,
        tables: files,
        pictures: pictures::none(),
    })
}

async fn one(
    snapshot: &Snapshot,
    table: Table,
    place: &Path,
    bars: Bars,
) -> Result<TableFile, Failure> {
    let path = place.join(format!("{}.ndjson", table.name));
    let failed = |error: io::Error| cannot("write", &path, &error);
    let rows = snapshot.count(&table).await;
    let rows = rows.map_err(|error| Failure::new("cannot export the database", &error))?;
    let bar = bars.count(&table.name, rows);
    let mut file = Sealing::create(&path).map_err(failed)?;
    let read = snapshot.rows(&table, |line| {
        bar.inc(1);
        file.add(line)
    });
    read.await.map_err(|error| Failure::new(&format!("cannot export `{}`", table.name), &error))?;
    bar.finish();
    Ok(TableFile::new(table, file.seal().map_err(failed)?))
}
