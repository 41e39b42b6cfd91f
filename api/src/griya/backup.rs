//! `griya backup` and `griya restore`: of an embedded database; PostgreSQL has programs of its own.

use std::path::{Path, PathBuf};

use api::config::Settings;
use domain::backup;
use migrations::{Migrator, MigratorTrait as _};

use super::{Failure, bars::Bars};

/// `griya backup FILE`.
pub async fn copy(settings: &Settings, file: &Path, show: bool) -> Result<(), Failure> {
    let (from, to) = (database(settings, "pg_dump")?, file.to_owned());
    blocking(show, "backup", move |tell| backup::copy(&from, &to, tell)).await?;
    println!("{} holds the database", file.display());
    Ok(())
}

/// `griya restore FILE`.
pub async fn restore(settings: &Settings, file: &Path, show: bool) -> Result<(), Failure> {
    let (from, to) = (file.to_owned(), database(settings, "pg_restore")?);
    if let Some(folder) = settings.database_url.is_none().then_some(&settings.data_dir) {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::new("cannot make the data folder", &error))?;
    }
    let known: Vec<String> =
        Migrator::get_migration_files().iter().map(|file| file.name().to_owned()).collect();
    let kept =
        blocking(show, "restore", move |tell| backup::restore(&from, &to, &known, tell)).await?;
    match kept {
        Some(kept) => println!("restored; what was there before is {}", kept.display()),
        None => println!("restored"),
    }
    Ok(())
}

/// The file of the database; on PostgreSQL it is the work of `program`.
fn database(settings: &Settings, program: &str) -> Result<PathBuf, Failure> {
    let url = settings.database();
    let path = url.strip_prefix("sqlite:").map(|path| path.trim_start_matches("//"));
    let path = path.and_then(|path| path.split('?').next());
    path.map(PathBuf::from).ok_or_else(|| {
        Failure(format!(
            "this copies SQLite files; a PostgreSQL database is copied with {program}, as \
             docs/operations.md says, or with `griya export`"
        ))
    })
}

async fn blocking<T: Send + 'static>(
    show: bool,
    what: &'static str,
    work: impl FnOnce(&mut dyn FnMut(u64, u64)) -> Result<T, backup::Error> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(move || {
        let bar = Bars { show }.count(what, 0);
        work(&mut |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })
    });
    let done = done.await.map_err(|error| Failure::new(what, &error))?;
    done.map_err(|error| Failure(error.to_string()))
}
