use image::{
    ExtendedColorType, ImageEncoder as _, Rgb, Rgba,
    codecs::{png::PngEncoder, webp::WebPEncoder},
};
use moxcms::ColorProfile;
use proptest::prelude::*;

use super::*;

const RED: [u8; 3] = [220, 30, 30];
const GREEN: [u8; 3] = [30, 200, 30];
const BLUE: [u8; 3] = [30, 30, 220];
const WHITE: [u8; 3] = [240, 240, 240];

/// Four fields: red and green above, blue and white below.
fn fields(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 95).encode_image(image).unwrap();
    bytes
}

fn png(image: &DynamicImage, profile: Option<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).unwrap();
    }
    let (width, height, colour) = (image.width(), image.height(), image.color());
    encoder.write_image(image.as_bytes(), width, height, colour.into()).unwrap();
    bytes
}

fn webp(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut bytes);
    encoder.encode(image, image.width(), image.height(), ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// `jpeg` with an EXIF segment that says how it lies, and where and by whom it was made.
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()]
            .concat()
    };
    let artist = b"Ibu Sri Hartini\0";
    // Header 8, three entries 2 + 36 + 4: the artist at 50, the position at 66.
    let tiff = [
        &b"II*\0\x08\0\0\0\x03\0"[..],
        &entry(0x0112, 3, 1, orientation.into()),
        &entry(0x013B, 2, 16, 50),
        &entry(0x8825, 4, 1, 66),
        &[0; 4],
        artist,
        &[1, 0],
        &entry(1, 2, 2, u32::from(b'S')),
        &[0; 4],
    ]
    .concat();
    let length = u16::try_from(2 + 6 + tiff.len()).unwrap();
    let comment = b"\xFF\xFE\0\x0Ckata rahsia"; // 2 + 10 of 11: the last letter is a stray byte
    let segment = [&b"\xFF\xE1"[..], &length.to_be_bytes(), b"Exif\0\0", &tiff].concat();
    [&jpeg[..2], &segment, &comment[..14], &jpeg[2..]].concat()
}

/// Whether the middle of each quarter of a file has about the colour it should have, row by row.
fn shows(file: &File, expected: [[u8; 3]; 4]) -> bool {
    let image = image::load_from_memory(&file.bytes).unwrap().into_rgb8();
    let (width, height) = image.dimensions();
    let corners = [(1, 1), (3, 1), (1, 3), (3, 3)];
    corners.into_iter().zip(expected).all(|((x, y), expected)| {
        let found = image.get_pixel(width * x / 4, height * y / 4).0;
        found.into_iter().zip(expected).all(|(found, wanted)| found.abs_diff(wanted) < 24)
    })
}

fn sizes(picture: &Picture) -> Vec<u32> {
    picture.widths.clone()
}

#[test]
fn a_picture_lies_upright_however_the_camera_was_held() {
    // EXIF 2.32 §4.6.4: what the first row and column of the data are in the picture.
    let upright = [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ];
    let raw = jpeg(&fields(480, 200));
    for (orientation, expected) in upright {
        let picture = make(&with_exif(&raw, orientation)).unwrap();
        let lies = orientation > 4;
        let shape = if lies { (200, 480) } else { (480, 200) };
        assert_eq!((picture.width, picture.height), shape, "{orientation}");
        assert_eq!(picture.files.len(), 2 * picture.widths.len());
        assert!(picture.files.iter().all(|file| shows(file, expected)), "{orientation}");
    }
}

#[test]
fn one_that_lies_on_its_side_is_as_wide_as_it_will_stand() {
    let picture = make(&with_exif(&jpeg(&fields(1000, 2400)), 6)).unwrap();
    assert_eq!((picture.width, picture.height), (1920, 800));
    assert!(shows(&picture.files[0], [BLUE, RED, WHITE, GREEN]));
}

#[test]
fn nothing_that_a_file_says_beside_its_pixels_is_carried_over() {
    let sent = with_exif(&jpeg(&fields(400, 300)), 6);
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    let told = [&b"Exif"[..], b"Ibu Sri Hartini", b"kata rahsi", b"II*\0"];
    assert!(told.iter().all(|text| holds(&sent, text)));
    for file in make(&sent).unwrap().files {
        for text in told.iter().chain(&[&b"ICC"[..], b"xmp", b"EXIF"]) {
            assert!(!holds(&file.bytes, text), "{:?} {}", file.encoding, file.width);
        }
    }
}

#[test]
fn a_picture_is_never_made_wider_than_it_was() {
    let widths = |width, height| sizes(&make(&jpeg(&fields(width, height))).unwrap());
    assert_eq!(widths(2400, 1600), WIDTHS);
    assert_eq!(widths(1920, 1080), WIDTHS);
    assert_eq!(widths(800, 600), [320, 640, 800]);
    assert_eq!(widths(320, 200), [320]);
    assert_eq!(widths(1, 1), [1]);
}

#[test]
fn all_three_formats_come_in_and_both_go_out() {
    let image = fields(700, 500);
    let sent = [jpeg(&image), png(&image.clone().into(), None), webp(&image)];
    for sent in sent {
        let picture = make(&sent).unwrap();
        assert!(picture.files.iter().all(|file| shows(file, [RED, GREEN, BLUE, WHITE])));
        for file in &picture.files {
            let format = match file.encoding {
                Encoding::Webp => ImageFormat::WebP,
                Encoding::Jpeg => ImageFormat::Jpeg,
            };
            assert_eq!(image::guess_format(&file.bytes).unwrap(), format);
        }
        assert!((20..=40).contains(&picture.thumbhash.len()), "{}", picture.thumbhash);
    }
}

#[test]
fn grey_and_deep_pictures_come_in_too() {
    let deep = DynamicImage::ImageRgb8(fields(400, 300)).into_rgba16();
    let picture = make(&png(&deep.into(), None)).unwrap();
    assert!(picture.files.iter().all(|file| shows(file, [RED, GREEN, BLUE, WHITE])));
    let grey = DynamicImage::ImageRgb8(fields(400, 300)).into_luma8();
    make(&png(&grey.into(), None)).unwrap();
}

#[test]
fn what_is_transparent_stays_so_in_webp_and_lies_over_white_in_jpeg() {
    let glass =
        RgbaImage::from_fn(600, 400, |x, _| Rgba([200, 0, 0, if x < 300 { 0 } else { 255 }]));
    let picture = make(&png(&glass.into(), None)).unwrap();
    for file in &picture.files {
        let shown = image::load_from_memory(&file.bytes).unwrap().into_rgba8();
        let [red, green, blue, alpha] = shown.get_pixel(shown.width() / 4, 20).0;
        match file.encoding {
            Encoding::Webp => assert_eq!(alpha, 0),
            Encoding::Jpeg => assert!(red > 250 && green > 250 && blue > 250),
        }
    }
}

#[test]
fn a_picture_in_another_space_has_the_colours_it_had() {
    let red = DynamicImage::ImageRgb8(RgbImage::from_pixel(64, 64, Rgb([200, 100, 100])));
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let shown = |profile| {
        let picture = make(&png(&red, profile)).unwrap();
        image::load_from_memory(&picture.files[0].bytes).unwrap().into_rgb8().get_pixel(32, 32).0
    };
    let ([plain, ..], [converted, ..]) = (shown(None), shown(Some(p3)));
    assert!(plain.abs_diff(200) < 4, "{plain}");
    assert!(converted > 206, "a red of P3 is a stronger red of sRGB: {converted}");
    let [broken, ..] = shown(Some(b"no profile".to_vec()));
    assert!(broken.abs_diff(200) < 4, "{broken}");
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    let image = fields(300, 200);
    for whole in [jpeg(&image), png(&image.clone().into(), None), webp(&image)] {
        for share in [1, 3, 8, 15] {
            assert!(make(&whole[..whole.len() * share / 16]).is_err(), "{share}");
        }
    }
}

#[test]
fn what_is_no_picture_of_ours_is_refused_by_its_content() {
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF!";
    for bytes in [&b""[..], b"\xFF\xD8", b"\x89PNG\r\n\x1a\n", gif, b"<svg/>", b"RIFF\0\0\0\0WEBP"]
    {
        assert_eq!(make(bytes).unwrap_err().code, "bad_format");
    }
}

#[test]
fn what_a_file_has_behind_its_picture_stays_behind() {
    let both = [&jpeg(&fields(200, 200))[..], b"PK\x03\x04<script>evil()</script>"].concat();
    let picture = make(&both).unwrap();
    let holds = |file: &File| file.bytes.windows(6).any(|part| part == b"<scrip");
    assert!(!picture.files.iter().any(holds));
}

/// A PNG whose header says another size than its content has.
fn boasting(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut png = png.to_vec();
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&sum);
    png
}

/// CRC-32 as in PNG (RFC 2083 §15).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { 0xEDB8_8320 ^ (sum >> 1) } else { sum >> 1 }
        })
    })
}

#[test]
fn a_header_that_promises_too_much_is_refused_before_anything_is_unpacked() {
    let small = png(&fields(64, 64).into(), None);
    for (width, height) in [(60_000, 60_000), (u32::MAX >> 1, 1), (8_000, 7_501), (900, 100)] {
        let fault = pixels(&boasting(&small, width, height)).unwrap_err();
        assert_eq!(fault.code, "out_of_range", "{width} × {height}");
    }
    assert_eq!(pixels(&boasting(&small, 8_000, 7_500)), Ok(60_000_000));
}

#[test]
fn a_bomb_unpacks_to_no_more_than_its_header_says() {
    // 58 MB of black, packed a hundred times.
    let black = png(&DynamicImage::new_luma8(7_600, 7_600), None);
    assert!(black.len() < 600_000, "{}", black.len());
    assert!(make(&boasting(&black, 64, 64)).is_ok_and(|picture| picture.width == 64));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_makes_it_panic(
        format in 0..3_usize, hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)
    ) {
        let image = fields(48, 40);
        let mut bytes = match format {
            0 => with_exif(&jpeg(&image), 6),
            1 => png(&image.into(), Some(ColorProfile::new_display_p3().encode().unwrap())),
            _ => webp(&image),
        };
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(picture) = make(&bytes) {
            prop_assert!(!picture.files.is_empty());
        }
    }

    #[test]
    fn noise_is_no_picture(bytes in prop::collection::vec(any::<u8>(), 0..400), format in 0..4_usize) {
        let head = [&b""[..], b"\xFF\xD8\xFF\xE0", b"\x89PNG\r\n\x1a\n", b"RIFF\xFF\0\0\0WEBPVP8 "][format];
        prop_assert!(make(&[head, &bytes].concat()).is_err());
    }
}
