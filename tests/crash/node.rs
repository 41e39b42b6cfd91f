//! A node: the program `griya` as a process, to be killed.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tests::{Place, program};

pub struct Node {
    child: Child,
    /// What opens its database.
    url: String,
    folder: PathBuf,
}

impl Node {
    /// Starts it over `place`; it has said nothing yet.
    pub fn spawn(place: &Place, flags: &[&str]) -> Self {
        Self::run(Command::new(program()), &place.url, place.folder(), flags)
    }

    /// The same, on a disk that may be full: see [`Node::fill`].
    pub fn spawn_on_small_disk(place: &Place, flags: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        // The signal that comes with the limit is ignored, and that is handed on.
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program());
        Self::run(shell, &place.url, place.folder(), flags)
    }

    /// From now on no file of it takes anything beyond its first bytes, as on a full disk; or does again.
    pub fn fill(&self, full: bool) {
        let limit = if full { "--fsize=4096:unlimited" } else { "--fsize=unlimited:unlimited" };
        let pid = format!("--pid={}", self.child.id());
        assert!(Command::new("prlimit").args([&pid, limit]).status().unwrap().success());
    }

    fn run(mut command: Command, url: &str, folder: &Path, flags: &[&str]) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(folder.join("log"));
        let child = command
            .args(["--listen=127.0.0.1:0", "--rate=off", "--log=warn", "--webhook-private=allow"])
            .args(["--database-url", url])
            .args(flags)
            .env("GRIYA_DATA_DIR", folder)
            .stdout(Stdio::piped())
            .stderr(log.unwrap())
            // A signal to the tests is none to it.
            .process_group(0)
            .spawn()
            .unwrap();
        Self { child, url: url.to_owned(), folder: folder.to_owned() }
    }

    /// Waits until it serves; its address, or none if it ended before.
    pub async fn address(&mut self) -> Option<String> {
        let out = self.child.stdout.take().expect("asked once");
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(out).read_line(&mut line).map(|_| line)
        });
        let line = line.await.unwrap().unwrap();
        Some(line.trim().strip_prefix("Griya is at ")?.to_owned())
    }

    /// SIGKILL: it ends where it is.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// What it has logged since the first start in its folder.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// What a command of the program prints over the same database; whether it went well.
    pub fn command(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(program())
            .args(arguments)
            .args(["--database-url", &self.url])
            .env("GRIYA_DATA_DIR", &self.folder)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
