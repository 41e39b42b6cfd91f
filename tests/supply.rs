//! What we depend on: from where, and under which licences. `tests/supply` asks cargo-deny for more.

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::Value;

/// What `cargo metadata` tells of everything in `Cargo.lock`, for this machine.
fn packages() -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--locked", "--format-version=1", "--filter-platform"]);
    let told = metadata.arg("x86_64-unknown-linux-gnu").current_dir(root).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    told["packages"].as_array().unwrap().clone()
}

/// The licences that `deny.toml` allows of anything, and those of one crate as `crate licence`.
fn allowed() -> BTreeSet<String> {
    let rules =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml")).unwrap();
    let licences = rules.split("[licenses]").nth(1).unwrap().split("\n[bans]").next().unwrap();
    let mut allowed = BTreeSet::new();
    for line in licences.lines() {
        let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        match quoted[..] {
            [licence] if line.starts_with("  \"") => allowed.insert(licence.to_owned()),
            [name, licence, ..] => allowed.insert(format!("{name} {licence}")),
            _ => false,
        };
    }
    allowed
}

/// Whether an SPDX expression holds where `has` says which licences there are: `AND` binds more than
/// `OR`, a slash is an old `OR`.
fn holds(expression: &str, has: &dyn Fn(&str) -> bool) -> bool {
    if let Some((before, rest)) = expression.split_once('(') {
        let (within, after) = rest.split_once(')').unwrap();
        let within = if holds(within, has) { "+" } else { "-" };
        return holds(&format!("{before}{within}{after}"), has);
    }
    expression.replace('/', " OR ").split(" OR ").any(|all| {
        all.split(" AND ").map(str::trim).all(|one| one == "+" || one != "-" && has(one))
    })
}

#[test]
fn an_expression_of_licences_is_read_as_spdx_has_it() {
    let has = |one: &str| ["MIT", "ISC"].contains(&one);
    for held in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "(MIT OR GPL-3.0) AND ISC",
        "MIT AND ISC OR GPL-3.0",
    ] {
        assert!(holds(held, &has), "{held}");
    }
    for not in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "(GPL-3.0)"] {
        assert!(!holds(not, &has), "{not}");
    }
}

#[test]
fn everything_comes_from_crates_io_or_from_here() {
    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
    for package in packages() {
        let source = package["source"].as_str();
        let is_ours = source.is_none() && package["publish"].as_array().is_some_and(Vec::is_empty);
        assert!(is_ours || source == Some(CRATES_IO), "{} is from {source:?}", package["id"]);
    }
}

#[test]
fn every_licence_is_one_that_we_may_hand_on() {
    let allowed = allowed();
    assert!(allowed.contains("MIT") && allowed.len() > 8, "{allowed:?}");
    for package in packages() {
        let (name, licence) = (package["name"].as_str().unwrap(), &package["license"]);
        let licence = licence.as_str().unwrap_or_else(|| panic!("{name} names no licence"));
        let has = |one: &str| {
            let one = one.trim_end_matches('+');
            allowed.contains(one) || allowed.contains(&format!("{name} {one}"))
        };
        assert!(holds(licence, &has), "{name} is under {licence}, see deny.toml");
    }
}
