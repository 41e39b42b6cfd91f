//! Run: the whole benchmark, from an empty folder to a table.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    SEED, hostile,
    load::{Load, Rounds},
    number::ratio,
    on_one_thread, process,
    process::{Memory, Server},
    questions::Kind,
    report::{self, Report},
    seconds,
    vocabulary::Vocabulary,
    world::{EDITION, World},
    writes,
};

/// How long a server may take to write its checkpoint.
const CHECKPOINT: Duration = Duration::from_mins(5);

/// What to measure, and with what.
#[derive(clap::Args)]
pub struct Options {
    /// How many listings.
    listings: u64,
    /// The program to measure.
    #[arg(long)]
    griya: PathBuf,
    /// Where data and databases are kept between runs.
    #[arg(long)]
    folder: PathBuf,
    /// A CSV file of village names; without it, fewer names that are built in.
    #[arg(long)]
    villages: Option<PathBuf>,
    /// The document to put the table into.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Rounds of each server for each kind of question.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long a round lasts, seconds.
    #[arg(long, default_value = "1", value_parser = seconds)]
    lasts: Duration,
    /// Hostile questions.
    #[arg(long, default_value_t = 10_000)]
    hostile: u64,
    /// The longest to spend on them, seconds.
    #[arg(long, default_value = "60", value_parser = seconds)]
    patience: Duration,
}

/// Measures, prints, and writes where that was asked for.
///
/// # Errors
/// When a server does not come up or answer, or a file cannot be written.
pub fn run(options: &Options) -> io::Result<()> {
    let vocabulary = match &options.villages {
        Some(file) => Vocabulary::with_villages(file)?,
        None => Vocabulary::built_in(),
    };
    let villages = vocabulary.villages();
    let world = Arc::new(World::new(SEED, vocabulary));
    let full = Poured::new(options, &world, options.listings)?;
    let empty = Poured::new(options, &world, 0)?;
    say("writing in this process");
    let many =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let copy = full.folder.join("writes.db");
    let writes = many.block_on(writes::measure(&full.database(), &copy))?;
    drop(many);
    let pinned = process::has_taskset();
    if pinned {
        process::move_to_the_other_core()?;
    } else {
        say("no `taskset` or one core alone: servers and client share what there is");
    }
    let mut report = on_one_thread(ask(options, &world, &full, &empty, writes))?;
    report.notes = vec![
        format!("{villages} names of villages among the words; town of seed {SEED}"),
        if pinned { "servers on one core, client on another" } else { "nothing pinned" }.to_owned(),
        format!("{} rounds of {:?} for each server and kind", options.rounds, options.lasts),
    ];
    let text = report.markdown();
    println!("{text}");
    if let Some((path, time)) = report.slowest() {
        let path: String = path.chars().take(240).collect();
        println!("the slowest hostile question took {time:?}: {path}");
    }
    options.write.iter().try_for_each(|document| report::put_into(document, &text))
}

async fn ask(
    options: &Options,
    world: &Arc<World>,
    full: &Poured,
    empty: &Poured,
    writes: writes::Writes,
) -> io::Result<Report> {
    let memory_empty = empty.memory(options).await?;
    say("starting Griya without a checkpoint");
    full.forget_checkpoint()?;
    let first = full.serve(options).await?;
    full.checkpoint().await?;
    let read_in = first.started_in;
    drop(first);
    say("starting Griya");
    let griya = full.serve(options).await?;
    griya.settled().await?;
    let memory = griya.memory()?;
    let rounds = Rounds { count: options.rounds, lasts: options.lasts };
    let load = Arc::new(Load { world: Arc::clone(world), listings: options.listings, rounds });
    let this = std::env::current_exe()?;
    let mut costs = Vec::new();
    for kind in Kind::ALL {
        say(&format!("asking: {}", kind.name()));
        costs.push(load.measure(kind, &griya, &this).await?);
    }
    say("asking hostile questions");
    let outcomes = hostile::attack(&griya, world, options.hostile, options.patience).await?;
    Ok(Report {
        listings: options.listings,
        notes: Vec::new(),
        poured_a_second: ratio(options.listings, 1) / full.took.as_secs_f64(),
        started_in: griya.started_in,
        read_in,
        memory,
        memory_empty,
        costs,
        outcomes,
        writes,
    })
}

/// A folder with a database that holds the listings of a world.
struct Poured {
    folder: PathBuf,
    /// How long the pouring took, when it was done.
    took: Duration,
}

impl Poured {
    /// The database with `listings` of `world`: the one there is, if it holds just these.
    fn new(options: &Options, world: &World, listings: u64) -> io::Result<Self> {
        let folder = options.folder.join(listings.to_string());
        let note = folder.join("poured");
        let villages = world.vocabulary.villages();
        let what = format!("edition {EDITION}, seed {SEED}, {villages} villages");
        let known = fs::read_to_string(&note).unwrap_or_default();
        let micros = known.lines().nth(1).and_then(|micros| micros.parse().ok());
        if let (true, Some(micros)) = (known.lines().next() == Some(&*what), micros) {
            return Ok(Self { folder, took: Duration::from_micros(micros) });
        }
        say(&format!("making and pouring {listings} listings"));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let data = folder.join("data");
        world.write(listings, &data)?;
        let begun = Instant::now();
        let status = Command::new(&options.griya)
            .arg("seed")
            .arg(&data)
            .args(arguments(&folder))
            .stdout(std::process::Stdio::null())
            .status()?;
        if !status.success() {
            return Err(io::Error::other("the listings were not poured"));
        }
        let took = begun.elapsed();
        fs::write(note, format!("{what}\n{}\n", took.as_micros()))?;
        Ok(Self { folder, took })
    }

    fn database(&self) -> PathBuf {
        self.folder.join("griya.db")
    }

    /// Takes away what a start would go on from.
    fn forget_checkpoint(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.folder.join("index")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits until a server has written its checkpoint.
    async fn checkpoint(&self) -> io::Result<()> {
        let begun = Instant::now();
        while !self.folder.join("index/checkpoint").exists() {
            if begun.elapsed() > CHECKPOINT {
                return Err(io::ErrorKind::TimedOut.into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn serve(&self, options: &Options) -> io::Result<Server> {
        let mut arguments = arguments(&self.folder);
        arguments.extend(["--seed=none", "--rate=off", "--listen=127.0.0.1:0"].map(str::to_owned));
        Server::start(&options.griya, &arguments, "/health/ready").await
    }

    async fn memory(&self, options: &Options) -> io::Result<Memory> {
        self.serve(options).await?.memory()
    }
}

/// What every command of Griya is told here. No line of the log for each request: it is written,
/// in service, by another thread of another program.
fn arguments(folder: &Path) -> Vec<String> {
    vec![format!("--data-dir={}", folder.display()), "--log=warn".to_owned()]
}

fn say(what: &str) {
    eprintln!("== {what}");
}
