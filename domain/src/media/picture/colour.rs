//! Colour: from the space that a picture says it is in to the one that every page expects.
//!
//! Telephones photograph in Display P3. Without its profile such a picture is paler than it was.

use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};
use std::sync::Arc;

use super::Pixels;

/// The largest profile that is looked at, bytes: those of cameras and telephones have a few hundred,
/// those with tables some hundred thousand.
const MAX_PROFILE: usize = 1_000_000;

/// `pixels` in sRGB. A profile that is not understood, or is of no RGB, is as good as none.
pub fn into_srgb(pixels: Pixels, profile: &[u8]) -> Pixels {
    match pixels {
        Pixels::Opaque(mut image) => {
            if let Some(transform) = transform(profile, Layout::Rgb) {
                let row = 3 * image.width() as usize;
                by_rows(transform.as_ref(), &mut image, row);
            }
            Pixels::Opaque(image)
        }
        Pixels::Transparent(mut image) => {
            if let Some(transform) = transform(profile, Layout::Rgba) {
                let row = 4 * image.width() as usize;
                by_rows(transform.as_ref(), &mut image, row);
            }
            Pixels::Transparent(image)
        }
    }
}

fn transform(profile: &[u8], layout: Layout) -> Option<Arc<Transform8BitExecutor>> {
    if profile.len() > MAX_PROFILE {
        return None;
    }
    let from = ColorProfile::new_from_slice(profile).ok()?;
    if from.color_space != DataColorSpace::Rgb {
        return None;
    }
    let srgb = ColorProfile::new_srgb();
    from.create_transform_8bit(layout, &srgb, layout, TransformOptions::default()).ok()
}

/// A row that fails stays as it is; the profile was understood, so none does.
fn by_rows(transform: &Transform8BitExecutor, pixels: &mut [u8], row: usize) {
    let mut before = vec![0; row];
    for pixels in pixels.chunks_exact_mut(row) {
        before.copy_from_slice(pixels);
        if transform.transform(&before, pixels).is_err() {
            pixels.copy_from_slice(&before);
        }
    }
}
