//! A PostgreSQL server of one's own, to be stopped and started as one likes. It keeps what it says it
//! keeps: `fsync` is on.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;
use tests::Place;

pub struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    /// PostgreSQL refuses to run as root: then it runs as the user its package made.
    is_root: bool,
}

impl Server {
    /// A new one with nothing in it; none where the tests are not to use PostgreSQL.
    pub fn start() -> Option<Self> {
        tests::server()?;
        let folder = TempDir::new().unwrap();
        let found = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        // Where there is none, those on the path.
        let programs = found.map(|version| version.path().join("bin")).max().unwrap_or_default();
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let id = Command::new("id").arg("-u").output().unwrap();
        let is_root = id.stdout.starts_with(b"0\n");
        if is_root {
            let mine = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(mine.unwrap().success());
        }
        let server = Self { folder, programs, port, is_root };
        let data = server.data();
        server.run(
            "initdb",
            &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"],
        );
        server.go_on();
        Some(server)
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if self.is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "{arguments:?}");
    }

    /// Starts it where it was stopped, and waits until it answers.
    pub fn go_on(&self) {
        let folder = self.folder.path().display();
        let options = format!("-p {} -h 127.0.0.1 -k {folder} -c max_connections=200", self.port);
        let log = format!("{folder}/log");
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-l", &log, "-o", &options, "start"]);
    }

    /// Stops it: `fast` as an operator does, `immediate` as a crash does.
    pub fn stop(&self, mode: &str) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-m", mode, "stop"]);
    }

    /// A new, empty database in it.
    pub async fn place(&self, name: &str) -> Place {
        let server = format!("postgres://postgres@127.0.0.1:{}", self.port);
        let admin = Database::connect(format!("{server}/postgres")).await.unwrap();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        admin.close().await.unwrap();
        Place { url: format!("{server}/{name}"), folder: TempDir::new().unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be stopped already.
        let stop = std::panic::AssertUnwindSafe(|| self.stop("immediate"));
        let _ = std::panic::catch_unwind(stop);
    }
}
