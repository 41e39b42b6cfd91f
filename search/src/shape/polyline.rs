//! Encoded polylines: a line of points as short text, five decimals a coordinate.
//!
//! Google's "Encoded Polyline Algorithm Format": each coordinate as its difference from the last
//! one in units of 10⁻⁵ degree, zigzagged, in groups of five bits from the lowest, each group plus
//! 63 as one ASCII letter, the sixth bit saying that more follow. Latitude first.

use super::Bad;
use domain::position::Position;

/// The most vertices of a shape: what a walked day or a drawn area needs, and few enough that no
/// shape can make a search slow.
pub const MOST_VERTICES: usize = 500;

/// Units of a degree in the text.
const UNITS: f64 = 1e5;

/// The most letters of a number: six times five bits hold every difference of two coordinates
/// (2 · 360 · 10⁵ < 2³⁰).
const MOST_LETTERS: usize = 6;

/// The points of `text`.
///
/// # Errors
/// [`Bad::Format`] when it is no polyline or ends early, [`Bad::Range`] when a point lies beyond
/// ±90 / ±180 degrees (as when six decimals were encoded), [`Bad::TooMany`] from the 501st on.
pub fn decode(text: &str) -> Result<Vec<Position>, Bad> {
    let mut letters = text.as_bytes();
    let (mut lat, mut lon) = (0, 0);
    let mut points = Vec::new();
    while !letters.is_empty() {
        if points.len() == MOST_VERTICES {
            return Err(Bad::TooMany);
        }
        lat += number(&mut letters)?;
        lon += number(&mut letters)?;
        let point = Position::new(f64::from(lat) / UNITS, f64::from(lon) / UNITS);
        points.push(point.map_err(|_| Bad::Range)?);
    }
    Ok(points)
}

/// The next number, taken off `letters`. Its 30 bits leave room for adding it to a coordinate.
fn number(letters: &mut &[u8]) -> Result<i32, Bad> {
    let mut bits = 0;
    for place in 0..MOST_LETTERS {
        let (letter, rest) = letters.split_first().ok_or(Bad::Format)?;
        if !(63..127).contains(letter) {
            return Err(Bad::Format);
        }
        *letters = rest;
        let group = i32::from(letter - 63);
        bits |= (group & 31) << (5 * place);
        if group < 32 {
            return Ok((bits >> 1) ^ -(bits & 1));
        }
    }
    Err(Bad::Format)
}

/// The text of `points`, each to the nearest 10⁻⁵ degree; the one form among those that
/// [`decode`] reads as the same points.
pub fn encode(points: &[Position]) -> String {
    let mut text = String::new();
    let mut last = (0, 0);
    for point in points {
        let (lat, lon) = (units(point.lat()), units(point.lon()));
        write(&mut text, lat - last.0);
        write(&mut text, lon - last.1);
        last = (lat, lon);
    }
    text
}

#[expect(clippy::cast_possible_truncation, reason = "180 · 10⁵ fits")]
fn units(degrees: f64) -> i32 {
    (degrees * UNITS).round() as i32
}

fn write(text: &mut String, number: i32) {
    let mut bits = ((number << 1) ^ (number >> 31)).cast_unsigned();
    loop {
        let more = if bits >= 32 { 32 } else { 0 };
        let letter = (bits & 31) | more;
        text.push(char::from_u32(letter + 63).expect("63 to 126 are ASCII"));
        bits >>= 5;
        if more == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    #[test]
    fn the_example_of_the_format_reads_and_writes_the_same() {
        let points = [at(38.5, -120.2), at(40.7, -120.95), at(43.252, -126.453)];
        assert_eq!(decode("_p~iF~ps|U_ulLnnqC_mqNvxq`@").unwrap(), points);
        assert_eq!(encode(&points), "_p~iF~ps|U_ulLnnqC_mqNvxq`@");
    }

    #[test]
    fn nothing_is_no_points() {
        assert_eq!(decode(""), Ok(vec![]));
        assert_eq!(encode(&[]), "");
    }

    #[test]
    fn a_line_that_ends_early_is_no_polyline() {
        for early in ["_p~iF", "_p~iF~ps|", "_p~iF~ps|U_", "_"] {
            assert_eq!(decode(early), Err(Bad::Format), "{early}");
        }
    }

    #[test]
    fn a_letter_outside_of_the_alphabet_is_no_polyline() {
        for foreign in ["_p~iF ps|U", "??\u{7f}?", "é?", "-7.9,110.3", "\0"] {
            assert_eq!(decode(foreign), Err(Bad::Format), "{foreign}");
        }
    }

    #[test]
    fn a_number_without_end_overflows_nothing() {
        assert_eq!(decode("~~~~~~~~~~~~~~~~~~~~?"), Err(Bad::Format));
        assert_eq!(decode("~~~~~^~~~~~^"), Err(Bad::Range), "the largest number there is");
        assert_eq!(decode("}~~~~^}~~~~^"), Err(Bad::Range), "the least");
    }

    #[test]
    fn six_decimals_read_as_five_are_no_place_here() {
        let six = {
            let mut text = String::new();
            write(&mut text, -7_970_000);
            write(&mut text, 110_330_000);
            text
        };
        assert_eq!(decode(&six), Err(Bad::Range));
    }

    #[test]
    fn the_501st_vertex_is_too_many() {
        assert_eq!(decode(&"??".repeat(500)).map(|points| points.len()), Ok(500));
        assert_eq!(decode(&"??".repeat(501)), Err(Bad::TooMany));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(
            units in prop::collection::vec(
                (-9_000_000..=9_000_000_i32, -18_000_000..=18_000_000_i32), 0..20,
            ),
        ) {
            let points: Vec<_> =
                units.iter().map(|&(lat, lon)| at(f64::from(lat) / 1e5, f64::from(lon) / 1e5)).collect();
            prop_assert_eq!(decode(&encode(&points)).unwrap(), points);
        }

        #[test]
        fn any_text_is_read_or_refused_and_has_one_form(text in "[?-~]{0,40}") {
            if let Ok(points) = decode(&text) {
                prop_assert_eq!(decode(&encode(&points)).unwrap(), points);
            }
        }

        #[test]
        fn no_text_makes_it_fall(text in ".{0,40}") {
            let _ = decode(&text);
        }
    }
}
