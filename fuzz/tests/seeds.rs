//! Every target takes its seeds, and what comes of them by chance: the same every time.

use std::{fs, path::Path};

use fuzz::{Mutator, TARGETS, Target};
use tests::number;

fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let files = fs::read_dir(&folder).expect("a folder of seeds");
    let mut files: Vec<_> = files.map(|file| file.expect("a seed").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a seed")).collect()
}

/// Says which input broke a promise, and keeps it for `fuzz/run`.
struct Taking<'i> {
    target: &'i str,
    input: &'i [u8],
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let file =
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-broken", self.target));
            let kept = fs::write(&file, self.input).map(|()| file);
            eprintln!(
                "{} broke at {:?}, kept: {kept:?}",
                self.target,
                self.input.escape_ascii().to_string()
            );
        }
    }
}

fn take(target: &Target) {
    let seeds = seeds(target);
    assert!(seeds.len() > 2, "{} has seeds", target.name);
    let mut mutator = Mutator::new(seeds.clone());
    let mutated = (0..number("FUZZ_TRIES", target.tries)).map(|_| mutator.input());
    for input in seeds.into_iter().chain(mutated) {
        let taking = Taking { target: target.name, input: &input };
        (target.run)(&input);
        drop(taking);
    }
}

macro_rules! each {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            take(TARGETS.iter().find(|target| target.name == stringify!($name)).expect("a target"));
        })+

        #[test]
        fn each_target_is_taken_here() {
            assert_eq!(TARGETS.map(|target| target.name), [$(stringify!($name)),+]);
        }
    };
}
each! { bbox cursor dump geojson hours ndjson patch picture polyline query rrule schedule }
