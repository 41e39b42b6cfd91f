//! A record packed and unpacked.

use std::{hint::black_box, time::Instant};

use crate::made;

const ROUNDS: u32 = 200_000;

pub fn measure() {
    let record = made::place(1);
    let packed = record.pack();
    println!("a packed place: {} bytes", packed.len());
    each("pack", || drop(black_box(black_box(&record).pack())));
    each("unpack", || drop(black_box(black_box(&packed).unpack())));
}

fn each(what: &str, mut work: impl FnMut()) {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    println!("{what}: {} ns", start.elapsed().as_nanos() / u128::from(ROUNDS));
}
