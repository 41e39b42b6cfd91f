//! What the core of the domain costs on this machine, in numbers to compare with the last ones:
//! `cargo run --release -p domain --example rates -- FOLDER`, FOLDER being an empty one on the disk
//! to be measured.

mod made;
mod pack;
mod read;
mod write;

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).expect("a folder to write in");
    pack::measure();
    write::measure(folder.as_ref()).await;
    read::measure(folder.as_ref()).await;
}
