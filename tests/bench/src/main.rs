//! The benchmark: a made-up town of any size, questions to the service in it, and what they cost.
//!
//! `tests/bench/run` is the way to start it; `docs/performance.md` says what the numbers mean. What
//! lives here: the town ([`world`]), the questions ([`questions`], [`hostile`]), the two servers
//! ([`process`], [`bare`]) and whoever asks them ([`load`], [`client`]); [`writes`] in this process;
//! and the count of instructions that guards against getting slower ([`work`]).

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

mod bare;
mod client;
mod hostile;
mod load;
mod number;
mod process;
mod questions;
mod random;
mod report;
mod run;
mod town;
mod vocabulary;
mod work;
mod world;
mod writes;

use vocabulary::Vocabulary;
use world::World;

/// The seed of all worlds, unless another is asked for.
const SEED: u64 = 42;

/// Measures Griya.
#[derive(Parser)]
#[command(name = "bench")]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write listings for `griya seed`.
    Data {
        /// How many.
        listings: u64,
        /// Where to.
        folder: PathBuf,
        /// A CSV file of village names; without it, fewer names that are built in.
        #[arg(long)]
        villages: Option<PathBuf>,
        /// Another seed makes another town.
        #[arg(long, default_value_t = SEED)]
        seed: u64,
    },
    /// Serve a ready body: the least that a server can do.
    Bare {
        /// Its size.
        bytes: usize,
        /// Where to listen; 0 takes a free port.
        port: u16,
    },
    /// Measure everything.
    Run(run::Options),
    /// Do the work whose instructions are counted: an index, and questions to it.
    Work {
        /// How many questions.
        questions: u64,
    },
    /// Time questions to the index alone, kind by kind.
    Micro {
        /// How many listings.
        listings: u64,
        /// How many questions of each kind.
        #[arg(default_value_t = 1000)]
        questions: u64,
    },
}

fn main() -> ExitCode {
    let done = match Line::parse().command {
        Command::Data { listings, folder, villages, seed } => {
            let vocabulary = match villages {
                Some(file) => Vocabulary::with_villages(&file),
                None => Ok(Vocabulary::built_in()),
            };
            vocabulary.and_then(|vocabulary| World::new(seed, vocabulary).write(listings, &folder))
        }
        Command::Bare { bytes, port } => on_one_thread(bare::serve(bytes, port)),
        Command::Run(options) => run::run(&options),
        Command::Work { questions } => {
            println!("{} hits", work::work(questions));
            Ok(())
        }
        Command::Micro { listings, questions } => {
            work::micro(listings, questions);
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `task` on this thread until it is done or somebody stops it; then everything it started
/// has ended.
fn on_one_thread<T>(task: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            done = task => done,
            _ = terminated.recv() => Err(std::io::Error::other("stopped")),
            _ = tokio::signal::ctrl_c() => Err(std::io::Error::other("stopped")),
        }
    })
}

/// Seconds as a person types them.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "is no number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
