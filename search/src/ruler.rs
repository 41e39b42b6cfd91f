//! Ruler: distances from one point, quick ones with a known error and exact ones.
//!
//! The contract's distance is the WGS 84 geodesic ([`Position::metres_to`], some 400 ns). Near its
//! centre a ruler measures in a few nanoseconds instead and says how wrong that may be; whoever
//! decides by it asks the geodesic where the error could matter, so that no answer differs from
//! one that was measured exactly throughout.

use domain::position::Position;

use crate::shape::Rect;

/// Degrees as they are kept in the tree: units of 1e-7, at most 5.6 mm of rounding either way.
pub(crate) const UNITS: f64 = 1e7;

/// A coordinate in units of the tree.
pub(crate) fn units(degrees: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "±180e7 is within i32")]
    let units = (degrees * UNITS).round() as i32;
    units
}

/// A box in units of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) south: i32,
    pub(crate) west: i32,
    pub(crate) north: i32,
    pub(crate) east: i32,
}

impl Cell {
    /// It in degrees.
    pub(crate) fn rect(&self) -> Rect {
        let degrees = |units: i32| f64::from(units) / UNITS;
        Rect {
            south: degrees(self.south),
            west: degrees(self.west),
            north: degrees(self.north),
            east: degrees(self.east),
        }
    }
}

/// WGS 84: semi-major axis in metres and first eccentricity squared (NIMA TR8350.2).
const AXIS_M: f64 = 6_378_137.0;
const ECC2: f64 = 6.694_379_990_141_316_5e-3;
/// A sphere on which no two points are farther apart than on the ellipsoid: its radius is the least
/// radius of curvature (of the meridian at the equator, 6,335,439 m), metres.
const SPHERE_M: f64 = 6_335_439.0;

/// How far from the centre, in degrees either way, the quick measure is used.
const REACH: f64 = 1.4;
/// The same in units of the tree.
const REACH_UNITS: u32 = 14_000_000;
/// How far from the equator, degrees: beyond it meridians converge too fast for its error bound.
const NORTHMOST: f64 = 60.0;

/// The error of [`Ruler::quick`] is below `MILLI + CUBIC * d³` metres. The formula's own grows with
/// the cube of the distance (0.13 mm at 5 km near the equator); the factor leaves room up to 60
/// degrees of latitude and is held against the geodesic by a test.
const MILLI: f64 = 1e-3;
const CUBIC: f64 = 1.5e-14;

/// Measures from one point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ruler {
    centre: Position,
    /// Whether the quick measure may be used at all.
    near: bool,
    /// Metres of a degree of longitude and of latitude at the mean latitude of two points, as
    /// polynomials of half the difference of latitude in degrees.
    east: [f64; 4],
    north: [f64; 3],
    units: (i32, i32),
    /// The same for units of the tree, in single precision.
    east_unit: [f32; 2],
    north_unit: f32,
}

/// A distance: at least, at most.
pub(crate) type Span = (f64, f64);

impl Ruler {
    pub(crate) fn new(centre: Position) -> Self {
        let lat = centre.lat().to_radians();
        let near = centre.lat().abs() + REACH <= NORTHMOST && centre.lon().abs() + REACH <= 180.0;
        let east_at = |lat: f64| {
            AXIS_M * lat.cos() / (1.0 - ECC2 * lat.sin().powi(2)).sqrt() * 1_f64.to_radians()
        };
        let north_at = |lat: f64| {
            AXIS_M * (1.0 - ECC2) / (1.0 - ECC2 * lat.sin().powi(2)).powf(1.5) * 1_f64.to_radians()
        };
        let east = taylor(east_at, lat);
        let [n0, n1, n2, _] = taylor(north_at, lat);
        #[expect(clippy::cast_possible_truncation, reason = "single precision is what it is for")]
        let (east_unit, north_unit) =
            ([(east[0] / UNITS) as f32, (east[1] / UNITS / UNITS) as f32], (n0 / UNITS) as f32);
        let units = (units(centre.lat()), units(centre.lon()));
        Self { centre, near, east, north: [n0, n1, n2], units, east_unit, north_unit }
    }

    /// The geodesic, metres.
    pub(crate) fn exact(&self, to: Position) -> f64 {
        self.centre.metres_to(to)
    }

    /// A distance and how wrong it may be, metres: Gauss's mid-latitude formula. Far from the
    /// centre it is the geodesic, and the error nothing.
    pub(crate) fn quick(&self, to: Position) -> (f64, f64) {
        let (north, east) = (to.lat() - self.centre.lat(), to.lon() - self.centre.lon());
        if !self.near || north.abs() > REACH || east.abs() > REACH {
            return (self.exact(to), 0.0);
        }
        let half = north / 2.0;
        let [e0, e1, e2, e3] = self.east;
        let [n0, n1, n2] = self.north;
        let x = east * (((e3 * half + e2) * half + e1) * half + e0);
        let y = north * ((n2 * half + n1) * half + n0);
        let metres = length(x, y);
        (metres, MILLI + CUBIC * metres * metres * metres)
    }

    /// The single-precision measure of leaves, if `radius` metres is within its reach.
    pub(crate) fn coarse(&self, radius: f64) -> Option<Coarse> {
        (self.near && radius <= 110_000.0 * REACH * 0.99).then_some(Coarse {
            units: self.units,
            east: self.east_unit,
            north: self.north_unit,
            error: 0.1 + radius * 4e-6 + 1.2e-14 * radius.powi(3),
        })
    }

    /// How near and how far a point of `cell` can be, metres.
    pub(crate) fn span(&self, cell: &Cell) -> Span {
        let (lat, lon) = self.units;
        // What is too far for a number is too far for the quick measure, too.
        let [south, north] = [cell.south, cell.north].map(|edge| edge.saturating_sub(lat));
        let [west, east] = [cell.west, cell.east].map(|edge| edge.saturating_sub(lon));
        let is_within = |edge: i32| edge.unsigned_abs() <= REACH_UNITS;
        if !(self.near && [south, north, west, east].into_iter().all(is_within)) {
            return (self.far(cell), f64::INFINITY);
        }
        #[expect(clippy::cast_precision_loss, reason = "counted in the margin")]
        let [south, north, west, east] = [south, north, west, east].map(|edge| edge as f32);
        let (y_near, y_far) = gap(south, north);
        let (x_near, x_far) = gap(west, east);
        let [e0, e1] = self.east_unit;
        // Half the way to either edge; what the quadratic term adds is in the margin.
        let (a, b) = (e0 + e1 * (south * 0.5), e0 + e1 * (north * 0.5));
        let length = |x: f32, y: f32| f64::from((x * x + y * y).sqrt());
        let least = length(x_near * a.min(b), y_near * self.north_unit);
        let most = length(x_far * a.max(b), y_far * self.north_unit);
        (least * (1.0 - 4e-4) - 0.1, most * (1.0 + 4e-4) + 0.1)
    }

    /// A lower bound on a sphere that is nowhere larger than the ellipsoid.
    fn far(&self, cell: &Cell) -> f64 {
        let Rect { south, west, north, east } = cell.rect();
        let (lat, lon) = (self.centre.lat(), self.centre.lon());
        let north_gap = (south - lat).max(lat - north).max(0.0);
        let around = |a: f64| (a - lon + 540.0).rem_euclid(360.0) - 180.0;
        let inside = west <= lon && lon <= east;
        let east_gap = if inside { 0.0 } else { around(west).abs().min(around(east).abs()) };
        // To a meridian: along the great circle that meets it at a right angle, if there is one.
        let meridian = if east_gap >= 90.0 {
            (90.0 - lat.abs()).to_radians()
        } else {
            (east_gap.to_radians().sin() * lat.to_radians().cos()).asin()
        };
        SPHERE_M * north_gap.to_radians().max(meridian) * 0.99
    }
}

/// The length of a vector. `hypot` guards against overflow that degrees cannot bring about, and
/// takes ten times as long.
fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

/// Value and the next derivatives, over factorials, of `f` at `lat` radians by degrees.
fn taylor(f: impl Fn(f64) -> f64, lat: f64) -> [f64; 4] {
    // Central differences over 0.2 degrees: the functions are smooth over thousands of times that.
    let step = 0.2_f64;
    let at = |degrees: f64| f(lat + degrees.to_radians());
    let [before, little, here, more, behind] = [-2.0, -1.0, 0.0, 1.0, 2.0].map(|n| at(n * step));
    let first = (before - 8.0 * little + 8.0 * more - behind) / (12.0 * step);
    let second =
        (-before + 16.0 * little - 30.0 * here + 16.0 * more - behind) / (12.0 * step * step);
    let third = (-before + 2.0 * little - 2.0 * more + behind) / (2.0 * step.powi(3));
    [here, first, second / 2.0, third / 6.0]
}

/// How far what lies from `low` to `high` is from zero, at least and at most.
fn gap(low: f32, high: f32) -> (f32, f32) {
    (low.max(-high).max(0.0), high.max(-low))
}

/// Measures the 64 points of a leaf at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coarse {
    units: (i32, i32),
    east: [f32; 2],
    north: f32,
    /// How wrong it may be within the radius it was made for, metres.
    pub(crate) error: f64,
}

impl Coarse {
    /// The squares of the distances of points at `lat` and `lon`, metres².
    pub(crate) fn squares(&self, lat: &[i32; 64], lon: &[i32; 64]) -> [f32; 64] {
        let mut squares = [0.0; 64];
        #[expect(clippy::cast_precision_loss, reason = "counted in the error")]
        for ((square, lat), lon) in squares.iter_mut().zip(lat).zip(lon) {
            let (north, east) =
                (lat.wrapping_sub(self.units.0) as f32, lon.wrapping_sub(self.units.1) as f32);
            let x = east * (self.east[0] + self.east[1] * (north * 0.5));
            let y = north * self.north;
            *square = x * x + y * y;
        }
        squares
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    fn point() -> impl Strategy<Value = Position> {
        (-58.0..58.0, -178.0..178.0).prop_map(|(lat, lon)| at(lat, lon))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_quick_measure_is_as_wrong_as_it_says_at_most(
            centre in point(), north in -1.4..1.4, east in -1.4..1.4, scale in 0.0..1.0,
        ) {
            let to = at(centre.lat() + north * scale, centre.lon() + east * scale);
            let (metres, error) = Ruler::new(centre).quick(to);
            let exact = centre.metres_to(to);
            prop_assert!((metres - exact).abs() <= error, "{metres} for {exact}, said {error}");
        }

        #[test]
        fn the_coarse_measure_is_as_wrong_as_it_says_at_most(
            centre in point(), north in -1.0..1.0, east in -1.0..1.0, radius in 1.0..150_000.0,
        ) {
            let step = radius / 160_000.0;
            let to = at(centre.lat() + north * step, centre.lon() + east * step);
            let exact = centre.metres_to(to);
            prop_assume!(exact <= radius * 1.01);
            let coarse = Ruler::new(centre).coarse(radius).unwrap();
            let squares = coarse.squares(&[units(to.lat()); 64], &[units(to.lon()); 64]);
            let metres = f64::from(squares[17]).sqrt();
            prop_assert!((metres - exact).abs() <= coarse.error, "{metres} {exact} {}", coarse.error);
        }

        #[test]
        fn a_cell_is_nowhere_nearer_or_farther_than_its_span(
            centre in (-89.0..89.0, -180.0..180.0), south in -89.0..89.0, west in -180.0..179.0,
            height in 0.0..1.0, width in 0.0..1.0, size in 0.0..60.0, u in 0.0..1.0, v in 0.0..1.0,
        ) {
            let north = f64::min(south + height * size, 90.0);
            let east = f64::min(west + width * size, 180.0);
            let cell = Cell {
                south: units(south), west: units(west), north: units(north), east: units(east),
            };
            let centre = at(centre.0, centre.1);
            let to = at(south + (north - south) * u, west + (east - west) * v);
            let (least, most) = Ruler::new(centre).span(&cell);
            let exact = centre.metres_to(to);
            prop_assert!(least <= exact && exact <= most, "{least} {exact} {most}");
        }

        #[test]
        fn a_near_cell_too(
            centre in point(), north in -0.5..0.5, east in -0.5..0.5,
            height in 0.0..0.5, width in 0.0..0.5, u in 0.0..1.0, v in 0.0..1.0,
        ) {
            let (south, west) = (centre.lat() + north, centre.lon() + east);
            let cell = Cell {
                south: units(south), west: units(west),
                north: units(south + height), east: units(west + width),
            };
            let (least, most) = Ruler::new(centre).span(&cell);
            let exact = centre.metres_to(at(south + height * u, west + width * v));
            prop_assert!(least <= exact && exact <= most, "{least} {exact} {most}");
        }
    }
}
