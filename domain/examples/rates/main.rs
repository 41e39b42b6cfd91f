//! What the core of the domain costs on this machine, in numbers to compare with the last ones:
//! `cargo run --release -p domain --example rates`.

mod made;
mod pack;

fn main() {
    pack::measure();
}
