//! The surroundings of a line.
//!
//! Legs are straight in longitude and latitude, as the edges of a ring are, and run the short way
//! round the earth. Metres are those of the WGS 84 ellipsoid, to within 1 mm at our latitude and
//! 0.1 m at [`MOST_LAT`], whatever the length of the leg.
//!
//! Most is decided on a plane for the box in question: no stretch of ground there is longer than
//! on the plane, and none shorter by more than a known factor. What the two leave open is reckoned
//! with the radii of the ellipsoid halfway between the point and the leg.

use std::ops::RangeInclusive;

use super::{Axis, Bad, Rect, Relation, polyline::MOST_VERTICES};
use domain::position::Position;

/// How far from its line a corridor may reach, metres.
pub const CORRIDOR_M: RangeInclusive<f64> = 10.0..=5_000.0;

/// How far from the equator a line may run, degrees: where the maps of the web end (the square of
/// EPSG:3857). Closer to a pole "straight in longitude" means little.
pub const MOST_LAT: f64 = 85.06;

/// Semi-major axis of WGS 84, metres.
const EQUATOR_RADIUS: f64 = 6_378_137.0;
/// First eccentricity of WGS 84, squared.
const ECCENTRICITY_2: f64 = 0.006_694_379_990_14;
/// Less than the metres of any degree of latitude (110,574.3 at the equator).
const LEAST_DEGREE_M: f64 = 110_574.0;
/// A plane is larger, and its margin wider, by this share than reckoned: more than the rounding
/// of a leg halfway round the earth (10⁻⁸ m) on the narrowest corridor.
const ROUNDING: f64 = 1e-8;

/// A plane whose margin is at most this many times the reach serves the parts of its box too: the
/// points that it leaves open are few.
const FINE: f64 = 1.001;

/// A line and how far around it.
#[derive(Debug, Clone)]
pub struct Corridor {
    /// Wherever a leg is within reach of the world from 180° W to 180° E it is here, if need be
    /// twice.
    legs: Vec<Leg>,
    reach: f64,
    bounds: Rect,
}

/// The legs within reach of a box, on the plane for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    legs: Vec<Flat>,
    plane: Plane,
    /// Metres on the plane beyond which nothing is within reach on the ground.
    far: f64,
}

impl Corridor {
    /// All within `metres` of the line through `vertices`; repeated ones count once.
    ///
    /// # Errors
    /// [`Bad::TooFew`] when less than two are left, [`Bad::TooMany`] beyond [`MOST_VERTICES`],
    /// [`Bad::Range`] for metres outside of [`CORRIDOR_M`] and vertices beyond [`MOST_LAT`].
    pub fn new(vertices: &[Position], metres: f64) -> Result<Self, Bad> {
        if vertices.len() > MOST_VERTICES {
            return Err(Bad::TooMany);
        }
        let most_lat = vertices.iter().map(|vertex| vertex.lat().abs()).fold(0.0, f64::max);
        if most_lat > MOST_LAT || !CORRIDOR_M.contains(&metres) {
            return Err(Bad::Range);
        }
        let north = metres / LEAST_DEGREE_M;
        let east = metres / Plane::at(most_lat + north).east * (1.0 + ROUNDING);
        let legs: Vec<_> = vertices
            .windows(2)
            .map(|ends| Leg::short_way(ends[0], ends[1]))
            .filter(|leg| leg.north != 0.0 || leg.east != 0.0)
            .flat_map(|leg| leg.on_the_map(east))
            .collect();
        if legs.is_empty() {
            return Err(Bad::TooFew);
        }
        let bounds = legs.iter().map(|leg| leg.bounds(north, east)).reduce(Rect::around);
        let bounds = bounds.and_then(|bounds| bounds.common(Rect::WORLD));
        Ok(Self { legs, reach: metres, bounds: bounds.expect("a leg is on the map") })
    }

    /// The scope of the whole world.
    pub(super) fn everything(&self) -> Scope {
        let (plane, far) = self.plane(self.bounds);
        let legs = (0..).take(self.legs.len()).map(|index| self.flat(plane, index)).collect();
        Scope { legs, plane, far }
    }

    /// A box around it; all around the earth when it crosses the antimeridian.
    pub fn bounds(&self) -> Rect {
        self.bounds
    }

    /// How it lies to `rect`, a box within that of `scope`. [`Relation::Inside`] needs one leg
    /// that has all of the box in reach.
    pub(super) fn relate(&self, scope: &Scope, rect: &Rect) -> Relation<Scope> {
        let Some(common) = rect.common(self.bounds) else {
            return Relation::Outside;
        };
        let fits = scope.far <= self.reach * FINE;
        let (plane, far) = if fits { (scope.plane, scope.far) } else { self.plane(common) };
        let radius = plane.radius(&common);
        // A box beyond the bounds has a point on their sides, which no leg reaches.
        let may_hold_all = radius <= self.reach;
        let (lat, lon) = common.middle();
        let mut legs = Vec::new();
        for known in &scope.legs {
            let leg = if fits { *known } else { self.flat(plane, known.index) };
            let away_2 = leg.away_2(lat, lon);
            if may_hold_all && away_2 <= (self.reach - radius).powi(2) {
                return Relation::Inside;
            }
            if away_2 <= (radius + far).powi(2) && leg.line_may_reach(&common, far) {
                legs.push(leg);
            }
        }
        if legs.is_empty() {
            Relation::Outside
        } else {
            Relation::Crosses(Scope { legs, plane, far })
        }
    }

    /// Whether it holds `at`, a point in the box of `scope`.
    pub(super) fn holds(&self, scope: &Scope, at: Position) -> bool {
        let (near_2, far_2) = (self.reach * self.reach, scope.far * scope.far);
        let mut open = false;
        for leg in &scope.legs {
            let away_2 = leg.away_2(at.lat(), at.lon());
            if away_2 <= near_2 {
                return true;
            }
            open |= away_2 <= far_2;
        }
        open && scope.legs.iter().any(|leg| {
            leg.away_2(at.lat(), at.lon()) <= far_2
                && self.reaches(&self.legs[usize::from(leg.index)], at)
        })
    }

    /// Whether it holds `at`.
    pub fn contains(&self, at: Position) -> bool {
        self.legs.iter().any(|leg| self.reaches(leg, at))
    }

    /// Whether `at` is within reach of `leg` on the ground.
    ///
    /// By the mean latitude of the point and the nearest of the leg (Gauss; for 5 km to within
    /// 1 mm, 20 mm at [`MOST_LAT`]), which is found in two steps from the point's own.
    fn reaches(&self, leg: &Leg, at: Position) -> bool {
        let most = self.reach / LEAST_DEGREE_M;
        let mut plane = Plane::at(at.lat());
        for _ in 0..2 {
            let (_, north) = leg.nearest(plane, at);
            plane = Plane::at(at.lat() + (north / plane.north).clamp(-most, most) / 2.0);
        }
        let (east, north) = leg.nearest(plane, at);
        east * east + north * north <= self.reach * self.reach
    }

    fn flat(&self, plane: Plane, index: u16) -> Flat {
        self.legs[usize::from(index)].on(plane, index)
    }

    /// The plane for the points of `rect` and all in reach of them, and the metres on it beyond
    /// which nothing is in reach on the ground.
    ///
    /// A degree of longitude shrinks from the equator to the pole, one of latitude grows.
    fn plane(&self, rect: Rect) -> (Plane, f64) {
        let reach = self.reach / LEAST_DEGREE_M;
        let (south, north) = (rect.south - reach, rect.north + reach);
        let low = Plane::at(0.0_f64.clamp(south, north));
        let high = Plane::at(south.abs().max(north.abs()));
        let shrink = (high.east / low.east).min(low.north / high.north);
        let larger = 1.0 + ROUNDING;
        let plane = Plane { east: low.east * larger, north: high.north * larger };
        (plane, self.reach / shrink * larger * larger)
    }
}

/// The metres of a degree.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plane {
    east: f64,
    north: f64,
}

impl Plane {
    /// The plane that touches the ellipsoid at this latitude, by its radii of curvature in the
    /// prime vertical and in the meridian.
    fn at(lat: f64) -> Self {
        let (sin, cos) = lat.to_radians().sin_cos();
        let w_2 = 1.0 - ECCENTRICITY_2 * sin * sin;
        let prime = EQUATOR_RADIUS / w_2.sqrt();
        let meridian = prime * (1.0 - ECCENTRICITY_2) / w_2;
        Self { east: (prime * cos).to_radians(), north: meridian.to_radians() }
    }

    /// Metres on it from the middle of `rect` to a corner.
    fn radius(self, rect: &Rect) -> f64 {
        let (east, north) = (rect.east - rect.west, rect.north - rect.south);
        (east * self.east).hypot(north * self.north) / 2.0
    }
}

/// A straight piece of the line, longer than nothing: where it starts and how it runs, degrees.
#[derive(Debug, Clone, Copy)]
struct Leg {
    lat: f64,
    lon: f64,
    north: f64,
    east: f64,
}

impl Leg {
    /// Half a turn goes over Greenwich.
    fn short_way(a: Position, b: Position) -> Self {
        let east = match b.lon() - a.lon() {
            east if east > 180.0 => east - 360.0,
            west if west < -180.0 => west + 360.0,
            short => short,
        };
        Self { lat: a.lat(), lon: a.lon(), north: b.lat() - a.lat(), east }
    }

    /// It, and the same a turn further where that too is within `reach` degrees of the map.
    fn on_the_map(self, reach: f64) -> impl Iterator<Item = Self> {
        let east = self.lon + self.east.max(0.0) + reach >= 180.0;
        let west = self.lon + self.east.min(0.0) - reach <= -180.0;
        let turned = |by| Self { lon: self.lon + by, ..self };
        [Some(self), east.then(|| turned(-360.0)), west.then(|| turned(360.0))]
            .into_iter()
            .flatten()
    }

    /// A box around it, wider by these degrees.
    fn bounds(&self, north: f64, east: f64) -> Rect {
        Rect {
            south: self.lat + self.north.min(0.0) - north,
            west: self.lon + self.east.min(0.0) - east,
            north: self.lat + self.north.max(0.0) + north,
            east: self.lon + self.east.max(0.0) + east,
        }
    }

    /// The way on a plane from `at` to its nearest point, metres east and north.
    fn nearest(&self, plane: Plane, at: Position) -> (f64, f64) {
        let (x, y) = ((self.lon - at.lon()) * plane.east, (self.lat - at.lat()) * plane.north);
        let (dx, dy) = (self.east * plane.east, self.north * plane.north);
        let share = (-(x * dx + y * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
        (x + share * dx, y + share * dy)
    }

    /// It on a plane.
    fn on(&self, plane: Plane, index: u16) -> Flat {
        let (dx, dy) = (self.east * plane.east, self.north * plane.north);
        let length = (dx * dx + dy * dy).sqrt();
        let middle = (self.lat + self.north / 2.0, self.lon + self.east / 2.0);
        let axis = |x: f64, y: f64| {
            let axis = Axis { east: x * plane.east, north: y * plane.north, start: 0.0 };
            Axis { start: axis.of(middle.0, middle.1), ..axis }
        };
        Flat {
            along: axis(dx / length, dy / length),
            across: axis(-dy / length, dx / length),
            half: length / 2.0,
            index,
        }
    }
}

/// A leg on a plane, by the metres from its middle along it and across.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Flat {
    along: Axis,
    across: Axis,
    /// Half its length, metres.
    half: f64,
    /// Of the leg in the corridor.
    index: u16,
}

impl Flat {
    /// Square metres from it to a point.
    fn away_2(&self, lat: f64, lon: f64) -> f64 {
        let across = self.across.of(lat, lon);
        let past = (self.along.of(lat, lon).abs() - self.half).max(0.0);
        across * across + past * past
    }

    /// Whether its line comes within `far` metres of `rect`.
    fn line_may_reach(&self, rect: &Rect, far: f64) -> bool {
        let (middle, more) = self.across.over(rect);
        middle.abs() <= more + far
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    /// Metres from `at` to the line straight in longitude and latitude, by trying many points of
    /// it: some hundreds all along, then around the best of these, and again.
    fn metres_by_trying(at: Position, ends: [Position; 2]) -> f64 {
        let leg = Leg::short_way(ends[0], ends[1]);
        let metres = |share: f64| {
            let lon = leg.lon + share * leg.east;
            let lon = (lon + 540.0).rem_euclid(360.0) - 180.0;
            at.metres_to(Position::new(leg.lat + share * leg.north, lon).unwrap())
        };
        let (mut low, mut high) = (0.0, 1.0);
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let step = (high - low) / 200.0;
            let tries = (0..=200).map(|i| (low + f64::from(i) * step).clamp(0.0, 1.0));
            let (least, share) = tries
                .map(|share| (metres(share), share))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .unwrap();
            best = least;
            (low, high) = ((share - step).max(0.0), (share + step).min(1.0));
        }
        best
    }

    /// Checks that the edge of a corridor lies where the ellipsoid has it, give or take `error`.
    fn check_edge(ends: [Position; 2], point: Position, error: f64) -> Result<(), TestCaseError> {
        let metres = metres_by_trying(point, ends);
        if CORRIDOR_M.contains(&(metres - error)) && CORRIDOR_M.contains(&(metres + error)) {
            let holds = |reach| Corridor::new(&ends, reach).unwrap().contains(point);
            prop_assert!(holds(metres + error), "{metres} m is out of reach");
            prop_assert!(!holds(metres - error), "{metres} m is in reach");
        }
        Ok(())
    }

    #[test]
    fn a_line_needs_two_places() {
        let here = at(-7.97, 110.33);
        for few in [vec![], vec![here], vec![here; 500]] {
            assert_eq!(Corridor::new(&few, 100.0).unwrap_err(), Bad::TooFew);
        }
        let antimeridian = [at(0.0, 180.0), at(0.0, -180.0)];
        assert_eq!(Corridor::new(&antimeridian, 100.0).unwrap_err(), Bad::TooFew, "one place");
        assert_eq!(Corridor::new(&vec![here; 501], 100.0).unwrap_err(), Bad::TooMany);
    }

    #[test]
    fn a_corridor_is_10_to_5_000_metres_and_away_from_the_poles() {
        let line = [at(-7.97, 110.33), at(-7.98, 110.33)];
        for metres in [9.9, 5_000.1, f64::NAN, f64::INFINITY, -10.0] {
            assert_eq!(Corridor::new(&line, metres).unwrap_err(), Bad::Range, "{metres}");
        }
        let polar = [at(85.0, 0.0), at(86.0, 0.0)];
        assert_eq!(Corridor::new(&polar, 100.0).unwrap_err(), Bad::Range);
    }

    #[test]
    fn a_line_across_the_antimeridian_has_both_sides_near() {
        let corridor = Corridor::new(&[at(-1.0, 179.99), at(-1.0, -179.98)], 500.0).unwrap();
        for near in [179.9856, 180.0, -180.0, -179.9756] {
            assert!(corridor.contains(at(-1.0, near)), "{near}");
        }
        assert!(!corridor.contains(at(-1.0, 179.98)), "1.1 km before its start");
        assert!(!corridor.contains(at(-1.0, 0.0)), "the long way round");
        let beside = Corridor::new(&[at(-1.0, 179.9), at(-1.0, 179.999)], 500.0).unwrap();
        assert!(beside.contains(at(-1.0, -179.9999)));
    }

    proptest! {
        #[test]
        fn the_edge_of_a_short_leg_is_that_of_the_ellipsoid(
            lat in -8.3..-7.3, lon in 109.9..111.0, up in -0.3..0.3, over in -0.3..0.3,
            share in 0.0..1.0, off in (-0.05..0.05, -0.05..0.05),
        ) {
            let ends = [at(lat, lon), at(lat + up, lon + over)];
            let point = at(lat + share * up + off.0, lon + share * over + off.1);
            check_edge(ends, point, 0.002)?;
        }

        #[test]
        fn the_edge_of_any_leg_is_that_of_the_ellipsoid(
            ends in [(-85.0..85.0, -180.0..180.0), (-85.0..85.0, -180.0..180.0)],
            share in 0.0..1.0, off in (-0.05..0.05, -0.05..0.05),
        ) {
            let ends = ends.map(|(lat, lon)| at(lat, lon));
            let leg = Leg::short_way(ends[0], ends[1]);
            let lat: f64 = leg.lat + share * leg.north;
            let lon: f64 = leg.lon + share * leg.east + off.1 / lat.to_radians().cos();
            let point = at(lat + off.0, (lon + 540.0).rem_euclid(360.0) - 180.0);
            check_edge(ends, point, 0.1)?;
        }

        #[test]
        fn the_edge_of_a_short_leg_in_the_far_north_is_that_of_the_ellipsoid(
            lat in 80.0..85.0, up in -0.05..0.05, over in -2.0..2.0,
            share in 0.0..1.0, off in (-0.05..0.05, -0.5..0.5),
        ) {
            let ends = [at(lat, 20.0), at(lat + up, 20.0 + over)];
            let point = at(lat + share * up + off.0, 20.0 + share * over + off.1);
            check_edge(ends, point, 0.1)?;
        }

        #[test]
        fn the_box_around_a_corridor_holds_all_of_it(
            line in prop::collection::vec((-85.0..85.0, -180.0..180.0), 2..4),
            metres in 10.0..5_000.0_f64, off in (-0.05..0.05_f64, -0.6..0.6_f64),
        ) {
            let line: Vec<_> = line.into_iter().map(|(lat, lon)| at(lat, lon)).collect();
            let corridor = Corridor::new(&line, metres).unwrap();
            let lon = (line[0].lon() + off.1 + 540.0_f64).rem_euclid(360.0) - 180.0;
            let point = at(line[0].lat() + off.0, lon);
            let (lat, lon) = (point.lat(), point.lon());
            let inside = corridor
                .bounds()
                .common(Rect { south: lat, north: lat, west: lon, east: lon })
                .is_some();
            prop_assert!(inside || !corridor.contains(point));
        }
    }
}
