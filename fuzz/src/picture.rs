//! A picture as it comes.

use domain::media::picture::{MAX_PIXELS, WIDTHS, make, pixels};

/// The most pixels that are unpacked here: larger ones take long and tell nothing new.
const MOST: u64 = 64 * 64;

/// Reads the header of `input`, and makes what is small: every file that is made is a picture of the
/// size that is told.
pub fn run(input: &[u8]) {
    let Ok(promised) = pixels(input) else { return };
    assert!((1..=MAX_PIXELS).contains(&promised));
    if promised > MOST {
        return;
    }
    let Ok(made) = make(input) else { return };
    assert!(u64::from(made.width) * u64::from(made.height) <= promised);
    assert!(made.width <= WIDTHS[WIDTHS.len() - 1]);
    assert_eq!(made.widths.last(), Some(&made.width));
    assert_eq!(made.files.len(), 2 * made.widths.len());
    for file in &made.files {
        let shown = image::load_from_memory(&file.bytes).expect("what we made is a picture");
        assert_eq!(shown.width(), file.width);
    }
}
