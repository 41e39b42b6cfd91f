#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod auth;
mod bundles;
mod calendars;
mod changes;
mod contract;
mod crowd;
mod cursors;
mod deprecations;
mod discover;
mod events;
mod exports;
mod external;
mod fixtures;
mod geometry;
mod guides;
mod jsonld;
mod keeping;
mod keys;
mod leaving;
mod line;
mod log;
mod media;
mod metrics;
mod nodes;
mod oidc;
mod oracle;
mod parameters;
mod permissions;
mod phone;
mod private;
mod problems;
mod program;
mod record;
mod released;
mod relevance;
mod representations;
mod restart;
mod schema;
mod secrets;
mod shares;
mod signposts;
mod story;
mod supply;
mod tls;
mod traces;
mod walks;
mod webhooks;
mod week;

/// A file that is not named above is compiled by nobody: one such was thought to pass for a week.
#[test]
fn every_file_here_is_run() {
    let named = include_str!("main.rs");
    let files = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap().flatten();
    for file in
        files.map(|file| file.path()).filter(|file| file.extension().is_some_and(|e| e == "rs"))
    {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let is_run =
            ["main", "harness"].contains(&name) || named.contains(&format!("mod {name};\n"));
        assert!(is_run, "{name}.rs is not in main.rs");
    }
}
