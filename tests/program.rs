//! The program: what somebody at a terminal sees.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tests::{client, code_in, letters, program};

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
        let reply = client().get(format!("{url}/v1/discover")).send().await.unwrap();
        reply.json::<serde_json::Value>().await.unwrap()["total"].as_u64().unwrap()
    });
    assert!(total > 100);
    assert!(folder.path().join("new/griya.db").exists());
    let pid = service.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(service.wait().unwrap().success(), "it ends well when told to stop");
}

/// A running service over `folder`, at the address that it said, with what it logs.
fn serving(folder: &std::path::Path) -> (std::process::Child, String) {
    let mut service = Command::new(program())
        .args(["--seed", "none", "--log", "info,api=debug,domain=debug"])
        .env("GRIYA_DATA_DIR", folder)
        .env("GRIYA_LISTEN", "127.0.0.1:0")
        .env_remove("GRIYA_DATABASE_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("Griya is at ").expect("the address").to_owned();
    (service, url)
}

/// Ends a service; what it logged.
fn ended(service: std::process::Child) -> String {
    let pid = service.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    said(&service.wait_with_output().unwrap()).1
}

#[test]
fn an_administrator_is_made_at_the_terminal_while_the_service_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (service, url) = serving(folder.path());
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let output = griya(&["admin", "create", "Kepala@Dinas.example"], folder.path());
        let (out, err) = said(&output);
        assert!(output.status.success(), "{err}");
        let token = out.strip_suffix('\n').unwrap().to_owned();
        assert!(token.starts_with("gry_") && token.len() == 68, "only the token: {out}");
        assert!(!err.contains(&token), "{err}");
        tokens.push(token);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for token in &tokens {
            let request = client().get(format!("{url}/v1/accounts"));
            let reply = request.bearer_auth(token).send().await.unwrap();
            assert_eq!(reply.status(), 200);
            let body: Value = reply.json().await.unwrap();
            assert_eq!(
                body["items"].as_array().unwrap().len(),
                1,
                "the second time it is the same"
            );
            assert_eq!(body["items"][0]["email"], "kepala@dinas.example");
        }
    });
    ended(service);
    let output = griya(&["admin", "create", "nobody"], folder.path());
    assert!(!output.status.success() && output.stdout.is_empty());
}

#[test]
fn the_log_holds_no_code_no_token_and_no_address() {
    let folder = tempfile::tempdir().unwrap();
    let (service, url) = serving(folder.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (code, token) = runtime.block_on(async {
        let client = client();
        let say = async |path: &str, body: Value| {
            client.post(format!("{url}{path}")).json(&body).send().await.unwrap()
        };
        let to = "sri@contoh.example";
        assert_eq!(say("/v1/auth/code", json!({"to": to})).await.status(), 202);
        let code = loop {
            if let [letter] = &letters(folder.path(), to)[..] {
                break code_in(letter).to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        let reply = say("/v1/auth/token", json!({"to": to, "code": code})).await;
        let token =
            reply.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
        (code, token)
    });
    let log = ended(service);
    assert!(log.contains("/v1/auth/token"), "{log}");
    assert!(log.split(|c: char| !c.is_alphanumeric()).all(|word| word != code), "{log}");
    assert!(!log.contains(&token) && !log.contains("contoh.example"), "{log}");
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
        "admin",
        "export",
        "import",
        "backup",
        "restore",
        "GRIYA_SMTP_URL",
        "GRIYA_LISTEN",
        "GRIYA_DATABASE_URL",
        "GRIYA_DATA_DIR",
        "GRIYA_SEED",
        "GRIYA_RATE",
    ] {
        assert!(help.contains(word), "{word}");
    }
}
