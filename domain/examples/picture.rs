//! Makes a picture of a file and says what came of it: `cargo run -p domain --example picture --
//! FILE [FOLDER]`. With `/usr/bin/time -v` in front it says what memory that took.

use std::{env, error::Error, fs, path::Path, time::Instant};

use domain::media::picture;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let file = arguments.next().ok_or("name a file")?;
    let folder = arguments.next();
    let bytes = fs::read(&file)?;
    let begun = Instant::now();
    let made = picture::make(&bytes)?;
    let millis = begun.elapsed().as_millis();
    println!("{file}: {} bytes, {} pixels, {millis} ms", bytes.len(), picture::pixels(&bytes)?);
    for file in &made.files {
        println!("{}.{} {}", file.width, file.encoding.extension(), file.bytes.len());
        if let Some(folder) = &folder {
            let name = format!("{}.{}", file.width, file.encoding.extension());
            fs::write(Path::new(folder).join(name), &file.bytes)?;
        }
    }
    Ok(())
}
