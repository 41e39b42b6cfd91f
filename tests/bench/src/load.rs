//! Load: sixteen connections ask two servers in turn, and the kernel says what it cost them.
//!
//! Processor time by request is what survives a noisy machine; the rounds of the two servers
//! alternate, so that what disturbs one disturbs the other.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    client::Client,
    number::{median, percentile, ratio},
    process::Server,
    questions::Kind,
    world::World,
};

/// Connections that ask at once.
const CONNECTIONS: u64 = 16;
/// Questions asked before anything is measured.
const WARM_UP: u64 = 48;

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// Rounds of each server.
    pub count: u32,
    /// How long one lasts.
    pub lasts: Duration,
}

/// Who is asked what.
pub struct Load {
    /// What there is to be asked.
    pub world: Arc<World>,
    /// How many listings the service has.
    pub listings: u64,
    /// How long to measure.
    pub rounds: Rounds,
}

/// What one kind of question costs.
#[derive(Debug, Clone)]
pub struct Cost {
    /// The kind.
    pub kind: Kind,
    /// Processor time of the bare server for a request, µs.
    pub bare_us: f64,
    /// Processor time of Griya for a request, µs.
    pub griya_us: f64,
    /// The median over the rounds of the first ÷ the second.
    pub ratio: f64,
    /// Until an answer of Griya was whole, half of the time, with all connections asking.
    pub p50: Duration,
    /// The same, 99 of 100 times.
    pub p99: Duration,
    /// The mean size of a body.
    pub bytes: u64,
    /// Questions that Griya answered.
    pub requests: u64,
    /// Those of them answered with another status than expected.
    pub odd: u64,
}

/// What came of one round.
#[derive(Debug, Default)]
struct Round {
    processor: Duration,
    latencies: Vec<Duration>,
    bytes: u64,
    odd: u64,
}

impl Round {
    fn requests(&self) -> u64 {
        self.latencies.len() as u64
    }

    fn us(&self) -> f64 {
        self.processor.as_secs_f64() * 1e6 / ratio(self.requests(), 1).max(1.0)
    }
}

/// The questions of one kind in the order they are asked.
struct Asking {
    load: Arc<Load>,
    kind: Kind,
    next: AtomicU64,
    /// Of the questions that come again; empty where no tag is sent.
    tags: Vec<String>,
}

impl Asking {
    fn next(&self) -> (String, Option<&str>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.kind.path(&self.load.world, self.load.listings, number);
        let tag = usize::try_from(number).ok().and_then(|at| self.tags.get(at % 16));
        (path, tag.map(String::as_str))
    }

    fn expected(&self) -> u16 {
        if self.tags.is_empty() { 200 } else { 304 }
    }
}

impl Load {
    /// What `kind` costs `griya`, beside a bare server that `program` is, too.
    ///
    /// # Errors
    /// When a server does not answer.
    pub async fn measure(
        self: &Arc<Self>,
        kind: Kind,
        griya: &Server,
        program: &Path,
    ) -> io::Result<Cost> {
        let tags = if kind == Kind::Unchanged { self.tags(griya).await? } else { Vec::new() };
        let asking =
            Arc::new(Asking { load: Arc::clone(self), kind, next: AtomicU64::new(0), tags });
        let first = ask(&asking, griya, Until::Asked(WARM_UP)).await?;
        let bytes = first.bytes / first.requests().max(1);
        let arguments = ["bare", &bytes.to_string(), "0"];
        let bare = Server::start(program, &arguments, "/").await?;
        ask(&asking, &bare, Until::Asked(WARM_UP)).await?;
        let (mut ratios, mut bares, mut all) = (Vec::new(), Vec::new(), Round::default());
        for _ in 0..self.rounds.count {
            let of_bare = ask(&asking, &bare, Until::Over(self.rounds.lasts)).await?;
            let of_griya = ask(&asking, griya, Until::Over(self.rounds.lasts)).await?;
            ratios.push(of_bare.us() / of_griya.us());
            bares.push(of_bare.us());
            all.processor += of_griya.processor;
            all.latencies.extend(of_griya.latencies);
            all.bytes += of_griya.bytes;
            all.odd += of_griya.odd;
        }
        all.latencies.sort_unstable();
        Ok(Cost {
            kind,
            bare_us: median(&mut bares),
            griya_us: all.us(),
            ratio: median(&mut ratios),
            p50: percentile(&all.latencies, 50),
            p99: percentile(&all.latencies, 99),
            bytes: all.bytes / all.requests().max(1),
            requests: all.requests(),
            odd: all.odd,
        })
    }

    async fn tags(&self, griya: &Server) -> io::Result<Vec<String>> {
        let mut client = Client::new(griya.address);
        let mut tags = Vec::new();
        for number in 0..16 {
            let path = Kind::Unchanged.path(&self.world, self.listings, number);
            let reply = client.get(&path, None).await?;
            tags.push(reply.etag.unwrap_or("\"none\"").to_owned());
        }
        Ok(tags)
    }
}

/// When to stop asking; what has been asked is waited for.
#[derive(Debug, Clone, Copy)]
enum Until {
    Asked(u64),
    Over(Duration),
}

async fn ask(asking: &Arc<Asking>, server: &Server, until: Until) -> io::Result<Round> {
    let before = server.processor_time()?;
    let begun = Instant::now();
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (asking, address) = (Arc::clone(asking), server.address);
        connections.spawn(async move {
            let mut client = Client::new(address);
            let mut mine = Round::default();
            while match until {
                Until::Asked(count) => mine.requests() < count / CONNECTIONS,
                Until::Over(lasts) => begun.elapsed() < lasts,
            } {
                let (path, tag) = asking.next();
                let asked = Instant::now();
                let reply = client.get(&path, tag).await?;
                mine.latencies.push(asked.elapsed());
                mine.bytes += reply.body.len() as u64;
                mine.odd += u64::from(reply.status != asking.expected());
            }
            io::Result::Ok(mine)
        });
    }
    let mut all = Round::default();
    while let Some(one) = connections.join_next().await {
        let one = one.map_err(io::Error::other)??;
        all.latencies.extend(one.latencies);
        all.bytes += one.bytes;
        all.odd += one.odd;
    }
    all.processor = server.processor_time()?.saturating_sub(before);
    Ok(all)
}
