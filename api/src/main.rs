//! The program `griya`.

use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use griya::serve;

use api::{config::Settings, traces::Traces};

mod griya;

/// Most of what a request takes is small and gone with it; the usual allocator gives such memory back
/// and forth, and took an eighth of a question's time (docs/performance.md).
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Griya finds and keeps the places, home industries and events of Bantul.
///
/// Without a command it serves: on an embedded database with the Bantul fixtures, ready at
/// <http://127.0.0.1:8080>. Every option can be set by its variable as well.
#[derive(Parser)]
#[command(name = "griya", version)]
struct Line {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default): migrates the database, fills an empty one, listens.
    Serve,
    /// Bring the database to the newest schema.
    Migrate,
    /// Pour the fixtures, or a folder in their format, into the database.
    Seed {
        /// The folder; its files are named as those of the fixtures, any may be missing.
        folder: Option<PathBuf>,
    },
    /// Write everything, all tables and all pictures, into a folder of open files. The service may run;
    /// an earlier export there stays whole until the new one is.
    Export {
        /// The folder: a new one, an empty one, or that of an earlier export.
        folder: PathBuf,
    },
    /// Read what was exported into an empty database of either kind, all of it or nothing.
    Import {
        /// The folder.
        folder: PathBuf,
        /// Only see whether the folder is whole; no database is opened.
        #[arg(long)]
        check: bool,
    },
    /// Copy the SQLite database into a file. The service may run.
    Backup {
        /// The file; an earlier one stays whole until the new one is.
        file: PathBuf,
    },
    /// Put such a copy in the place of the SQLite database, which is kept beside it. The service must
    /// not run.
    Restore {
        /// The copy.
        file: PathBuf,
    },
    /// Print the OpenAPI document.
    Openapi {
        /// The version: 3.1 or 3.0.
        #[arg(long, default_value = "3.1", value_parser = ["3.1", "3.0"])]
        spec: String,
    },
    /// Appoint administrators.
    Admin {
        #[command(subcommand)]
        what: Admin,
    },
    /// Check settings and database; each problem with what to do about it.
    Check,
    /// Look after the record of who did what.
    Audit {
        #[command(subcommand)]
        what: Audit,
    },
}

#[derive(Subcommand)]
enum Audit {
    /// Walk the whole chain: name every entry that was changed, moved or removed, and what was
    /// erased.
    Verify {
        /// A head that was published once: it must be in the chain still.
        #[arg(long)]
        head: Option<String>,
    },
    /// Print the head of the chain: whoever keeps it can tell later whether the record was touched.
    Head,
}

#[derive(Subcommand)]
enum Admin {
    /// Make an administrator of whoever is reached at an address, and print a token for them: the
    /// only thing on standard output. The service may run meanwhile.
    Create {
        /// Their e-mail address.
        email: String,
    },
}

/// How long what goes on beside a command may hold up its end.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let line = Line::parse();
    let serves = matches!(line.command, None | Some(Command::Serve));
    let traces = if serves { Traces::of(&line.settings) } else { Ok(None) };
    let traces = match traces {
        Ok(traces) => traces,
        Err(fault) => return failed(&fault),
    };
    griya::log_to_stderr(&line.settings, traces.as_ref());
    let done = tokio::runtime::Runtime::new()
        .map_err(|error| griya::Failure::new("cannot start", &error))
        .and_then(|runtime| {
            let done = runtime.block_on(run(line));
            // What a node prepares for later questions is of no use to anybody now.
            runtime.shutdown_timeout(PATIENCE);
            done
        });
    if let Some(traces) = traces {
        traces.end();
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn failed(why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("griya: {why}");
    ExitCode::FAILURE
}

async fn run(line: Line) -> Result<(), griya::Failure> {
    let bars = std::io::stderr().is_terminal();
    match line.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(line.settings).await,
        Command::Migrate => griya::migrate(&line.settings).await,
        Command::Seed { folder } => griya::seed(&line.settings, folder.as_deref(), bars).await,
        Command::Export { folder } => griya::export::run(&line.settings, &folder, bars).await,
        Command::Import { folder, check: true } => griya::import::check(&folder, bars).await,
        Command::Import { folder, check: false } => {
            griya::import::run(&line.settings, &folder, bars).await
        }
        Command::Backup { file } => griya::backup::copy(&line.settings, &file, bars).await,
        Command::Restore { file } => griya::backup::restore(&line.settings, &file, bars).await,
        Command::Openapi { spec } => griya::openapi(&spec),
        Command::Admin { what: Admin::Create { email } } => {
            griya::admin::create(&line.settings, &email).await
        }
        Command::Check => griya::check(&line.settings).await,
        Command::Audit { what: Audit::Verify { head } } => {
            griya::audit_verify(&line.settings, head.as_deref()).await
        }
        Command::Audit { what: Audit::Head } => griya::audit_head(&line.settings).await,
    }
}
