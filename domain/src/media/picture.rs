//! Picture: bytes that somebody sent become what a page can show.
//!
//! JPEG, PNG and WebP are told by their content. Size and shape are looked at in the header, before
//! anything is unpacked. The picture is shrunk to at most 1,920 pixels of width, turned upright,
//! brought into sRGB, and encoded anew in every width as WebP and JPEG: nothing of what came is
//! carried over, so no position, name or comment is. Of an animation the first frame stays.
//!
//! What is hostile is unpacked by Rust alone: the C of libwebp sees only pixels that were made
//! here. All of it is work for the processor and pure: whoever calls it sees to the threads.

use std::io::Cursor;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fast_image_resize::{ResizeOptions, Resizer};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage, RgbaImage,
    codecs::jpeg::JpegEncoder, metadata::Orientation,
};

use crate::Fault;

mod colour;
mod whole;

/// The most bytes of a picture as it comes.
pub const MAX_BYTES: u64 = 15_000_000;
/// The most pixels of it.
pub const MAX_PIXELS: u64 = 60_000_000;
/// How many times longer than the other a side may be. A file of 1,920 pixels of width stays within
/// the 16,383 that a side of a WebP has (RFC 9649 §2.5) with this.
pub const MAX_RATIO: u32 = 8;
/// The longest side that both leave room for: the root of 60,000,000 × 8.
const MAX_SIDE: u32 = 21_908;
/// The widths of the files, pixels; a narrower picture has its own as the last.
pub const WIDTHS: [u32; 4] = [320, 640, 1280, 1920];
/// The most memory that the buffers of a decoder may take, bytes: 60,000,000 pixels of four times 16
/// bits. docs/decisions/0011-pictures.md reckons what all of it takes.
const MAX_MEMORY: u64 = 500_000_000;
/// Of 100; a usual one, see docs/decisions/0011-pictures.md.
const WEBP_QUALITY: f32 = 78.0;
/// The same.
const JPEG_QUALITY: u8 = 80;
/// The longest side of what a likeness is made of, pixels.
const LIKENESS: u32 = 100;

/// What a file of a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// WebP with loss, transparent where the picture is.
    Webp,
    /// JPEG; over white where the picture is transparent.
    Jpeg,
}

impl Encoding {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Webp, Self::Jpeg];

    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Webp => "webp",
            Self::Jpeg => "jpg",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// A picture, made.
#[derive(Debug)]
pub struct Picture {
    /// Of the largest file, upright, pixels.
    pub width: u32,
    /// The same.
    pub height: u32,
    /// The widths of the files, ascending, pixels.
    pub widths: Vec<u32>,
    /// A likeness of some 25 bytes (thumbhash), base64.
    pub thumbhash: String,
    /// One a width and encoding.
    pub files: Vec<File>,
}

/// One file of a picture.
#[derive(Debug)]
pub struct File {
    /// Pixels.
    pub width: u32,
    /// What it is.
    pub encoding: Encoding,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// How many pixels the header of `bytes` promises.
///
/// # Errors
/// When they are no picture of ours, or one that is too large or too long.
pub fn pixels(bytes: &[u8]) -> Result<u64, Fault> {
    let (width, height) = decoder(bytes)?.dimensions();
    Ok(u64::from(width) * u64::from(height))
}

/// The picture that `bytes` hold.
///
/// # Errors
/// As [`pixels`], and when they cannot be unpacked to the end.
pub fn make(bytes: &[u8]) -> Result<Picture, Fault> {
    let mut decoder = decoder(bytes)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let raw = DynamicImage::from_decoder(decoder).map_err(|error| fault_of(&error))?;
    let pixels = Pixels::of(fitted(raw, orientation)?, profile.as_deref());
    let widths = widths(pixels.width());
    let mut files = Vec::with_capacity(widths.len() * Encoding::ALL.len());
    for &width in &widths {
        let pixels = pixels.at(width)?;
        for encoding in Encoding::ALL {
            files.push(File { width, encoding, bytes: pixels.encoded(encoding)? });
        }
    }
    let (width, height) = (pixels.width(), pixels.height());
    Ok(Picture { width, height, thumbhash: pixels.likeness()?, widths, files })
}

/// What reads `bytes`, after a look at the header.
fn decoder(bytes: &[u8]) -> Result<impl ImageDecoder, Fault> {
    let format = match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) if !whole::jpeg(bytes) => return Err(broken()),
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => format,
        _ => {
            let (id, en) = ("harus JPEG, PNG, atau WebP", "must be a JPEG, PNG or WebP");
            return Err(Fault::new("bad_format", id, en));
        }
    };
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| fault_of(&error))?;
    let (width, height) = decoder.dimensions();
    let (short, long) = (width.min(height), width.max(height));
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(too_large());
    }
    if short == 0 || long > short.saturating_mul(MAX_RATIO) {
        return Err(Fault::new(
            "out_of_range",
            format!("satu sisi paling panjang {MAX_RATIO} kali sisi lainnya"),
            format!("a side is at most {MAX_RATIO} times as long as the other"),
        ));
    }
    Ok(decoder)
}

fn fault_of(error: &ImageError) -> Fault {
    if matches!(error, ImageError::Limits(_)) { too_large() } else { broken() }
}

fn too_large() -> Fault {
    Fault::new("out_of_range", "paling banyak 60 megapiksel", "at most 60 megapixels")
}

fn broken() -> Fault {
    Fault::new("bad_format", "gambar rusak atau terpotong", "the picture is broken or cut off")
}

/// The widths of the files of a picture of `width`.
fn widths(width: u32) -> Vec<u32> {
    let mut widths: Vec<u32> = WIDTHS.into_iter().filter(|one| *one < width).collect();
    widths.push(width);
    widths
}

/// `raw` upright and at most as wide as the widest file. It is shrunk first: to turn sixty million
/// pixels would take their memory twice.
fn fitted(raw: DynamicImage, orientation: Orientation) -> Result<DynamicImage, Fault> {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    let lies = matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH);
    let (width, height) = (raw.width(), raw.height());
    let upright = if lies { height } else { width };
    let [.., widest] = WIDTHS;
    let mut image = if upright <= widest {
        raw
    } else if lies {
        shrunk(&raw, scaled(width, widest, height), widest)?
    } else {
        shrunk(&raw, widest, scaled(height, widest, width))?
    };
    image.apply_orientation(orientation);
    Ok(image)
}

/// `side` × `to` ÷ `from`, rounded, and something at least.
fn scaled(side: u32, to: u32, from: u32) -> u32 {
    let (side, to, from) = (u64::from(side), u64::from(to), u64::from(from));
    let scaled = (side * to + from / 2) / from;
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

fn shrunk(image: &DynamicImage, width: u32, height: u32) -> Result<DynamicImage, Fault> {
    let mut small = DynamicImage::new(width, height, image.color());
    let done = Resizer::new().resize(image, &mut small, &ResizeOptions::new());
    done.map_err(|_| broken())?;
    Ok(small)
}

/// A picture of eight bits a channel, in sRGB.
enum Pixels {
    Opaque(RgbImage),
    Transparent(RgbaImage),
}

impl Pixels {
    fn of(image: DynamicImage, profile: Option<&[u8]>) -> Self {
        let is_rgb = image.color().has_color();
        let image = if image.color().has_alpha() {
            let image = image.into_rgba8();
            if image.pixels().all(|pixel| pixel.0[3] == u8::MAX) {
                Self::Opaque(DynamicImage::ImageRgba8(image).into_rgb8())
            } else {
                Self::Transparent(image)
            }
        } else {
            Self::Opaque(image.into_rgb8())
        };
        match profile.filter(|_| is_rgb) {
            Some(profile) => colour::into_srgb(image, profile),
            None => image,
        }
    }

    fn width(&self) -> u32 {
        match self {
            Self::Opaque(image) => image.width(),
            Self::Transparent(image) => image.width(),
        }
    }

    fn height(&self) -> u32 {
        match self {
            Self::Opaque(image) => image.height(),
            Self::Transparent(image) => image.height(),
        }
    }

    /// The same, `width` pixels wide.
    fn at(&self, width: u32) -> Result<Self, Fault> {
        self.to(width, scaled(self.height(), width, self.width()))
    }

    fn to(&self, width: u32, height: u32) -> Result<Self, Fault> {
        Ok(match self {
            Self::Opaque(image) if image.dimensions() == (width, height) => {
                Self::Opaque(image.clone())
            }
            Self::Opaque(image) => {
                Self::Opaque(shrunk(&image.clone().into(), width, height)?.into_rgb8())
            }
            Self::Transparent(image) => {
                Self::Transparent(shrunk(&image.clone().into(), width, height)?.into_rgba8())
            }
        })
    }

    fn encoded(&self, encoding: Encoding) -> Result<Vec<u8>, Fault> {
        let (width, height) = (self.width(), self.height());
        match encoding {
            Encoding::Webp => {
                let encoder = match self {
                    Self::Opaque(image) => webp::Encoder::from_rgb(image, width, height),
                    Self::Transparent(image) => webp::Encoder::from_rgba(image, width, height),
                };
                let bytes = encoder.encode_simple(false, WEBP_QUALITY).map_err(|_| broken())?;
                Ok(bytes.to_vec())
            }
            Encoding::Jpeg => {
                let mut bytes = Vec::new();
                let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
                let done = match self {
                    Self::Opaque(image) => encoder.encode_image(image),
                    Self::Transparent(image) => encoder.encode_image(&over_white(image)),
                };
                done.map_err(|_| broken())?;
                Ok(bytes)
            }
        }
    }

    fn likeness(&self) -> Result<String, Fault> {
        let (width, height) = (self.width(), self.height());
        let long = width.max(height);
        let side = |side| if long > LIKENESS { scaled(side, LIKENESS, long) } else { side };
        let small = match self.to(side(width), side(height))? {
            Self::Opaque(image) => DynamicImage::ImageRgb8(image).into_rgba8(),
            Self::Transparent(image) => image,
        };
        let (width, height) = (small.width() as usize, small.height() as usize);
        Ok(STANDARD.encode(thumbhash::rgba_to_thumb_hash(width, height, &small)))
    }
}

/// What a transparent picture is on a white page.
fn over_white(image: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u32::from);
        let over = |colour: u32| {
            let mixed = (colour * alpha + 255 * (255 - alpha) + 127) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        image::Rgb([over(red), over(green), over(blue)])
    })
}

#[cfg(test)]
mod tests;
