//! The program: what somebody at a terminal sees.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Output, Stdio},
};

use tests::program;

fn griya(arguments: &[&str], folder: &std::path::Path) -> Output {
    Command::new(program())
        .args(arguments)
        .env("GRIYA_DATA_DIR", folder)
        .env_remove("GRIYA_DATABASE_URL")
        .output()
        .unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn one_command_from_nothing_to_a_service_that_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Command::new(program())
        .env("GRIYA_DATA_DIR", folder.path().join("new"))
        .env("GRIYA_LISTEN", "127.0.0.1:0")
        .env_remove("GRIYA_DATABASE_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url =
        line.trim().strip_prefix("Griya is at ").expect("one line with the address").to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let total = runtime.block_on(async {
        let reply = tests::client().get(format!("{url}/v1/discover")).send().await.unwrap();
        reply.json::<serde_json::Value>().await.unwrap()["total"].as_u64().unwrap()
    });
    assert!(total > 100);
    assert!(folder.path().join("new/griya.db").exists());
    let pid = service.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(service.wait().unwrap().success(), "it ends well when told to stop");
}

#[test]
fn seeding_twice_changes_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = said(&griya(&["seed"], folder.path()));
    assert!(first.contains(" written, 0 unchanged, 0 refused"), "{first}");
    let (second, _) = said(&griya(&["seed"], folder.path()));
    assert!(second.starts_with("0 written"), "{second}");
}

#[test]
fn a_bad_record_is_told_with_file_and_line_and_the_status_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("holidays.ndjson"), "\n{\"date\":\"2028-01-01\"}\n").unwrap();
    let output = griya(&["seed", files.to_str().unwrap()], folder.path());
    let (out, err) = said(&output);
    assert!(!output.status.success());
    assert!(out.contains("0 written, 0 unchanged, 1 refused"), "{out}");
    assert!(err.contains("holidays.ndjson:2: "), "{err}");
}

#[test]
fn check_says_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = griya(&["check"], folder.path());
    assert!(!output.status.success(), "there is no database yet");
    griya(&["migrate"], folder.path());
    let (out, _) = said(&griya(&["check"], folder.path()));
    assert_eq!(out, "settings and database are in order\n");
    let (out, _) = said(&griya(
        &["check", "--public-url", "griya.example", "--concurrency", "0"],
        folder.path(),
    ));
    assert!(out.contains("GRIYA_PUBLIC_URL") && out.contains("GRIYA_CONCURRENCY"), "{out}");
}

#[test]
fn the_contract_and_the_help_can_be_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (newest, _) = said(&griya(&["openapi"], folder.path()));
    assert!(newest.contains("\"openapi\": \"3.1.0\""));
    let (older, _) = said(&griya(&["openapi", "--spec", "3.0"], folder.path()));
    assert!(older.contains("\"openapi\": \"3.0.3\""));
    let (help, _) = said(&griya(&["--help"], folder.path()));
    for word in [
        "serve",
        "migrate",
        "seed",
        "openapi",
        "check",
        "GRIYA_LISTEN",
        "GRIYA_DATABASE_URL",
        "GRIYA_DATA_DIR",
        "GRIYA_SEED",
        "GRIYA_RATE",
    ] {
        assert!(help.contains(word), "{word}");
    }
}
