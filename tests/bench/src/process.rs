//! Process: the servers that are measured, and what the kernel says of them.
//!
//! `/proc` is read, so this is for Linux. A server ends with its [`Server`].

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs,
    io::{self, BufRead as _, BufReader, ErrorKind},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::client::Client;

/// The core of the servers; whoever asks them has another.
const SERVER_CORE: &str = "0";
/// The core of whoever asks.
const CLIENT_CORE: &str = "1";
/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_mins(10);

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start until it answered.
    pub started_in: Duration,
    /// What each of its threads had used when it was last looked at.
    threads: Mutex<HashMap<OsString, Duration>>,
}

/// Bytes in memory.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Resident: `VmRSS`.
    pub rss: u64,
    /// The same, with what is shared divided among those who share it: `Pss`.
    pub pss: u64,
}

impl Server {
    /// Starts `program` on the core of servers, and waits until `path` is answered with 200. It
    /// must print the `http://` address it listens at.
    ///
    /// # Errors
    /// When it does not start, or does not come up.
    pub async fn start(
        program: &Path,
        arguments: &[impl AsRef<OsStr>],
        path: &str,
    ) -> io::Result<Self> {
        let begun = Instant::now();
        let mut command = if has_taskset() {
            // It becomes the program: the process is the same.
            let mut command = Command::new("taskset");
            command.args(["-c", SERVER_CORE]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let mut child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let said = child.stdout.take().expect("it is piped");
        let address = address(said);
        let mut server = Self {
            child,
            address: ([127, 0, 0, 1], 0).into(),
            started_in: Duration::ZERO,
            threads: Mutex::default(),
        };
        server.address = address?;
        let mut client = Client::new(server.address);
        while begun.elapsed() < PATIENCE {
            if client.get(path, None).await.is_ok_and(|reply| reply.status == 200) {
                server.started_in = begun.elapsed();
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(ErrorKind::TimedOut.into())
    }

    /// Processor time of all its threads so far, those that have ended included as they were last
    /// seen: a thread that ends takes what it used with it.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn processor_time(&self) -> io::Result<Duration> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.extend(by_thread(&self.file("task"))?);
        Ok(threads.values().sum())
    }

    /// Waits until it has nothing to do: what it prepares after a start is not what a question costs.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub async fn settled(&self) -> io::Result<()> {
        settled(|| self.processor_time()).await
    }

    /// What it holds in memory.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn memory(&self) -> io::Result<Memory> {
        let status = fs::read_to_string(self.file("status"))?;
        let rollup = fs::read_to_string(self.file("smaps_rollup"))?;
        Ok(Memory { rss: kibibytes(&status, "VmRSS:"), pss: kibibytes(&rollup, "Pss:") })
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        format!("/proc/{}/{name}", self.child.id()).into()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It only reads: nothing is lost.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until this process has nothing else to do.
///
/// # Errors
/// When the kernel does not say.
pub async fn settled_here() -> io::Result<()> {
    settled(|| Ok(by_thread(Path::new("/proc/self/task"))?.map(|(_, time)| time).sum())).await
}

/// Waits until `used`, an amount of processor time, stands still.
async fn settled(used: impl Fn() -> io::Result<Duration>) -> io::Result<()> {
    let mut before = used()?;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = used()?;
        if now.abs_diff(before) < Duration::from_millis(10) {
            return Ok(());
        }
        before = now;
    }
}

/// What each thread in `folder` has used.
fn by_thread(folder: &Path) -> io::Result<impl Iterator<Item = (OsString, Duration)>> {
    Ok(fs::read_dir(folder)?.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanoseconds = text.split(' ').next()?.parse().ok()?;
        Some((thread.file_name(), Duration::from_nanos(nanoseconds)))
    }))
}

/// Reads on until the address, and leaves the rest to a thread: a full pipe would stop the server.
fn address(said: impl io::Read + Send + 'static) -> io::Result<SocketAddr> {
    let mut lines = BufReader::new(said).lines();
    for line in lines.by_ref() {
        let line = line?;
        let address = line.split_once("http://").map(|(_, address)| address.trim().parse());
        if let Some(Ok(address)) = address {
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(address);
        }
    }
    Err(io::Error::new(ErrorKind::UnexpectedEof, "the server ended before it listened"))
}

fn kibibytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or_default() * 1024
}

/// Whether processes can be put on cores.
pub fn has_taskset() -> bool {
    let run = Command::new("taskset").arg("--version").stdout(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
        && std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

/// Puts this process on the core of whoever asks.
///
/// # Errors
/// When `taskset` does not run.
pub fn move_to_the_other_core() -> io::Result<()> {
    let me = std::process::id().to_string();
    let arguments = ["-a", "-c", "-p", CLIENT_CORE, &me];
    Command::new("taskset").args(arguments).stdout(Stdio::null()).status().map(drop)
}
