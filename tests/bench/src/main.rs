//! The benchmark: a made-up town of any size, questions to the service in it, and what they cost.
//!
//! `tests/bench/run` is the way to start it; `docs/performance.md` says what the numbers mean. What
//! lives here: the town ([`mod@world`]), the questions ([`questions`], [`hostile`]), the two servers
//! ([`process`], [`bare`]) and whoever asks them ([`load`], [`client`]); [`writes`] in this process;
//! the index alone ([`micro`]),
//! and the count of instructions that guards against getting slower ([`work`]).

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

mod bare;
mod client;
mod hostile;
mod load;
mod micro;
mod number;
mod overload;
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
    /// Ask for twice of what can be answered, and hold hundreds of slow connections.
    Overload(overload::Options),
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
        /// A CSV file of village names; without it, fewer names that are built in.
        #[arg(long)]
        villages: Option<PathBuf>,
        /// An SQLite database that holds the listings already; without it they are made, in no area.
        #[arg(long)]
        database: Option<PathBuf>,
        /// Only the kinds whose name holds this.
        #[arg(long, default_value = "")]
        only: String,
    },
}

fn main() -> ExitCode {
    let done = match Line::parse().command {
        Command::Data { listings, folder, villages, seed } => {
            world(seed, villages).and_then(|world| world.write(listings, &folder))
        }
        Command::Bare { bytes, port } => on_one_thread(bare::serve(bytes, port)),
        Command::Run(options) => run::run(&options),
        Command::Overload(options) => on_one_thread(overload::run(&options)),
        Command::Work { questions } => {
            println!("{} hits", work::work(questions));
            Ok(())
        }
        Command::Micro { listings, questions, villages, database, only } => world(SEED, villages)
            .and_then(|world| {
                let snapshot = match database {
                    Some(file) => on_one_thread(micro::poured(&file))?,
                    None => work::snapshot(&world, listings),
                };
                micro::micro(&snapshot, &world, questions, &only)
            }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn world(seed: u64, villages: Option<PathBuf>) -> std::io::Result<World> {
    let vocabulary = villages
        .map_or_else(|| Ok(Vocabulary::built_in()), |file| Vocabulary::with_villages(&file));
    Ok(World::new(seed, vocabulary?))
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
