//! The guides for client developers: every line in them runs.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use tests::{Place, program};

/// The `sh` blocks of a guide as one script.
fn script(guide: &str) -> String {
    let mut script = String::from("set -euo pipefail\n");
    let mut inside = false;
    for line in guide.lines() {
        match (inside, line) {
            (false, "```sh") => inside = true,
            (true, "```") => inside = false,
            (true, line) => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

/// Runs `guide` against a service of its own with the fixtures.
fn run(guide: &str, place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let griya = program();
    let mut service = Command::new(&griya)
        .args(["--listen", "127.0.0.1:0", "--rate", "off", "--database-url", &place.url])
        .args(["--data-dir", folder.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("Griya is at ").unwrap();
    let path = format!(
        "{}:{}",
        griya.parent().unwrap().display(),
        std::env::split_paths(&path_of_programs())
            .map(|p| p.display().to_string())
            .collect::<Vec<_>>()
            .join(":")
    );
    let output = Command::new("bash")
        .args(["-c", &script(guide)])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("GRIYA", url)
        .env("GRIYA_DATA_DIR", folder.path())
        .env("GRIYA_DATABASE_URL", &place.url)
        .output()
        .unwrap();
    service.kill().unwrap();
    service.wait().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{shown}");
}

#[tokio::test]
async fn a_makers_app_can_be_built_from_its_guide() {
    let guide = include_str!("../openapi/guides/producer-app.md");
    run(guide, &Place::empty().await);
}

#[tokio::test]
async fn a_partner_stays_in_step_by_the_guide() {
    let guide = include_str!("../openapi/guides/partner.md");
    run(guide, &Place::empty().await);
}

#[tokio::test]
async fn a_phone_begins_with_a_bundle_by_the_guide() {
    let guide = include_str!("../openapi/guides/phone-app.md");
    run(guide, &Place::with_fixtures().await);
}

fn path_of_programs() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}
