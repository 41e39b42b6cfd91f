//! Overload: what is answered when more is asked than can be, and while hundreds are slow on purpose.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    client::Client,
    number::{percentile, ratio},
    process::{self, Server},
    random::Random,
};

/// Connections that find out how much can be answered.
const FEW: u64 = 32;
/// How many more are needed so that twice as much can be asked although each waits for its answer.
const MANY: u64 = 2000;
/// What comes later is of no use to who asked.
const USEFUL: Duration = Duration::from_secs(1);
/// Slow connections of each kind.
const SLOW: usize = 300;
/// Questions of somebody who is not slow.
const NORMAL: u64 = 2000;

/// What to measure.
#[derive(clap::Args)]
pub struct Options {
    /// The program.
    #[arg(long)]
    griya: PathBuf,
    /// How long each part lasts, seconds.
    #[arg(long, default_value = "10", value_parser = crate::seconds)]
    lasts: Duration,
}

/// What came of asking for a while.
#[derive(Debug, Default)]
struct Tally {
    statuses: BTreeMap<u16, u64>,
    /// Of the answers with 200.
    latencies: Vec<Duration>,
    broken: u64,
}

impl Tally {
    fn note(&mut self, status: io::Result<u16>, took: Duration) {
        match status {
            Ok(status) => *self.statuses.entry(status).or_default() += 1,
            Err(_) => self.broken += 1,
        }
        if status.is_ok_and(|status| status == 200) {
            self.latencies.push(took);
        }
    }

    fn add(mut self, other: Self) -> Self {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.latencies.extend(other.latencies);
        self.broken += other.broken;
        self
    }

    fn useful(&self) -> u64 {
        self.latencies.iter().filter(|took| **took <= USEFUL).count() as u64
    }

    fn tell(&mut self, what: &str) {
        self.latencies.sort_unstable();
        let [half, most] = [50, 99].map(|percent| percentile(&self.latencies, percent));
        let (statuses, broken) = (&self.statuses, self.broken);
        println!(
            "{what}: statuses {statuses:?}, broken {broken}, 200 in p50 {half:.1?} p99 {most:.1?}"
        );
    }
}

/// Measures and prints.
///
/// # Errors
/// When the service does not come up or answer.
pub async fn run(options: &Options) -> io::Result<()> {
    let folder = std::env::temp_dir().join(format!("griya-overload-{}", std::process::id()));
    let data = folder.display().to_string();
    let arguments = ["--rate=off", "--listen=127.0.0.1:0", "--log=warn", "--data-dir", &data]
        .map(str::to_owned);
    let server = Server::start(&options.griya, &arguments, "/v1/discover").await?;
    server.settled().await?;
    if process::has_taskset() {
        process::move_to_the_other_core()?;
    }
    println!("load of the machine: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    let done = measure(server.address, options.lasts).await;
    drop(server);
    std::fs::remove_dir_all(folder)?;
    done
}

async fn measure(address: SocketAddr, lasts: Duration) -> io::Result<()> {
    slow(address).await?;
    let mut tally = ask(address, FEW, None, lasts).await;
    let capacity = ratio(tally.useful(), 1) / lasts.as_secs_f64();
    tally.tell(&format!("capacity {capacity:.0}/s with {FEW} connections"));
    let watch = tokio::spawn(async move {
        [look(address, "/health/live", lasts).await, look(address, "/v1/categories", lasts).await]
    });
    let mut tally = ask(address, MANY, Some(2.0 * capacity), lasts).await;
    let good = ratio(tally.useful(), 1) / lasts.as_secs_f64();
    tally.tell(&format!(
        "goodput {good:.0}/s at {:.0}/s, {:.0} % of capacity",
        2.0 * capacity,
        100.0 * good / capacity
    ));
    for (mut tally, what) in watch.await?.into_iter().zip(["/health/live", "kept answers"]) {
        tally.tell(&format!("meanwhile {what}"));
    }
    Ok(())
}

/// What comes of `connections` that ask for a while, together so often a second, or as fast as they can.
async fn ask(address: SocketAddr, connections: u64, rate: Option<f64>, lasts: Duration) -> Tally {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let begun = Instant::now();
    let pause = rate.map(|rate| Duration::from_secs_f64(ratio(connections, 1) / rate));
    let mut asking = JoinSet::new();
    for connection in 0..connections {
        asking.spawn(async move {
            let (mut client, mut tally) = (Client::new(address), Tally::default());
            let mut due = begun + pause.unwrap_or_default().mul_f64(ratio(connection, connections));
            while due.max(Instant::now()) < begun + lasts {
                sleep_until(due).await;
                let path = question(ASKED.fetch_add(1, Ordering::Relaxed));
                let asked = Instant::now();
                let status = client.get(&path, None).await.map(|reply| reply.status);
                tally.note(status, asked.elapsed());
                due += pause.unwrap_or_default();
            }
            tally
        });
    }
    asking.join_all().await.into_iter().fold(Tally::default(), Tally::add)
}

/// A question that was never asked: no kept answer helps. It costs more than asking it does, or who asks
/// would be what is overloaded.
fn question(number: u64) -> String {
    let mut random = Random::new(7, number);
    let (lat, lon) = (random.between(-8.0, -7.8), random.between(110.2, 110.5));
    format!(
        "/v1/discover?lat={lat:.6}&lon={lon:.6}&radius_m=20000&q=batik%20kerajinan&highlight=true&facets=category&limit=100"
    )
}

/// What somebody sees who asks for the same now and then.
async fn look(address: SocketAddr, path: &str, lasts: Duration) -> Tally {
    let (mut client, mut tally) = (Client::new(address), Tally::default());
    let end = Instant::now() + lasts / 2;
    while Instant::now() < end {
        let asked = Instant::now();
        let status = client.get(path, None).await.map(|reply| reply.status);
        tally.note(status, asked.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    tally
}

/// Three kinds of slow connections, and what somebody sees meanwhile who is not slow.
async fn slow(address: SocketAddr) -> io::Result<()> {
    let mut alone = normal(address).await;
    alone.tell("a normal client, alone");
    let body = "POST /v1/auth/code HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    let large = "GET /v1/discover?limit=100&texts=all HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    let kinds = [("GET /v1/discover HTTP/1.1\r\nX-Slow: ", "x"), (body, " "), (&large, "")];
    let opened = Arc::new(AtomicU64::new(0));
    let mut held = JoinSet::new();
    for (first, then) in kinds.map(|(first, then)| (first.to_owned(), then)) {
        for _ in 0..SLOW {
            let (first, opened) = (first.clone(), Arc::clone(&opened));
            held.spawn(async move {
                loop {
                    // Who is cut off comes back.
                    if let Ok(mut stream) = TcpStream::connect(address).await {
                        opened.fetch_add(1, Ordering::Relaxed);
                        drip(&mut stream, &first, then).await;
                    }
                    sleep(Duration::from_millis(100)).await;
                }
            });
        }
    }
    while opened.load(Ordering::Relaxed) < 3 * SLOW as u64 {
        sleep(Duration::from_millis(10)).await;
    }
    let mut beside = normal(address).await;
    beside.tell(&format!("a normal client beside {SLOW} slow heads, bodies and readers each"));
    held.shutdown().await;
    Ok(())
}

/// Says something, and then very little, until the other end has enough of it.
async fn drip(stream: &mut TcpStream, first: &str, then: &str) {
    if stream.write_all(first.as_bytes()).await.is_err() {
        return;
    }
    loop {
        sleep(Duration::from_secs(1)).await;
        // Who reads nothing does not see either that the other end has closed, except by writing.
        let is_over = stream.write_all(then.as_bytes()).await.is_err();
        if is_over || stream.peer_addr().is_err() {
            return;
        }
    }
}

async fn normal(address: SocketAddr) -> Tally {
    let (mut client, mut tally) = (Client::new(address), Tally::default());
    for number in 0..NORMAL {
        let asked = Instant::now();
        let status = client.get(&question(u64::MAX - number), None).await;
        tally.note(status.map(|reply| reply.status), asked.elapsed());
        sleep(Duration::from_millis(2)).await;
    }
    tally
}
