//! The inside of a ring.
//!
//! Edges are straight in longitude and latitude, as in GeoJSON (RFC 7946 §3.1.1), and run the
//! short way round the earth. Inside is what lies behind an odd number of edges (the even–odd
//! rule), so where a ring crosses itself a second loop over the first is a hole. The edges
//! themselves belong to it. A ring once around the earth holds the pole on the side of the mean
//! of its latitudes.
//!
//! All is reckoned in whole numbers on a grid of 10⁻⁷ degree (11 mm, the precision of
//! OpenStreetMap), so that no answer hangs on rounding.

use std::cmp::Ordering;

use super::{Axis, Bad, Rect, Relation, polyline::MOST_VERTICES};
use domain::position::Position;

/// Steps of the grid in a degree.
const STEPS: f64 = 1e7;
/// Steps around the earth.
const AROUND: i64 = 3_600_000_000;

/// Steps from a line below which a point's own step on the grid (0.7 at most) or rounding (10⁻⁵)
/// may take it to the other side.
const DOUBT: f64 = 1.0;

/// A closed line and what it encloses.
#[derive(Debug, Clone)]
pub struct Ring {
    /// Wherever an edge touches the world from 180° W to 180° E it is here, if need be twice.
    edges: Vec<Edge>,
    holds_south_pole: bool,
}

/// What is known of a box: a point of it is inside when `known`, its being left of each edge that
/// goes through, and each edge that ends here lying between it and `from` make an odd number.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Edges that come near the box but end outside of it, where one is no different from its
    /// line.
    through: Vec<Line>,
    /// Edges with an end in the box.
    ending: Vec<u16>,
    from: Spot,
    known: bool,
}

impl Ring {
    /// The ring through `vertices`; the last may or may not repeat the first.
    ///
    /// # Errors
    /// [`Bad::TooFew`] when fewer than three of them differ, [`Bad::TooMany`] beyond
    /// [`MOST_VERTICES`].
    pub fn new(vertices: &[Position]) -> Result<Self, Bad> {
        if vertices.len() > MOST_VERTICES {
            return Err(Bad::TooMany);
        }
        let spots: Vec<_> = vertices.iter().map(|&vertex| Spot::of(vertex)).collect();
        let mut distinct: Vec<_> =
            spots.iter().map(|spot| (spot.x.rem_euclid(AROUND), spot.y)).collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 3 {
            return Err(Bad::TooFew);
        }
        let once: Vec<_> = spots
            .iter()
            .zip(spots.iter().cycle().skip(1))
            .map(|(&a, &b)| Edge::short_way(a, b))
            .filter(|edge| edge.a != edge.b)
            .collect();
        let around = once.iter().map(|edge| edge.b.x - edge.a.x).sum::<i64>() / AROUND;
        let lats: i64 = spots.iter().map(|spot| spot.y).sum();
        Ok(Self {
            edges: once.into_iter().flat_map(Edge::on_the_map).collect(),
            holds_south_pole: around % 2 != 0 && lats < 0,
        })
    }

    /// The scope of the whole world.
    pub(super) fn everything(&self) -> Scope {
        Scope {
            through: Vec::new(),
            ending: (0..).take(self.edges.len()).collect(),
            from: Spot::BEYOND_SOUTH,
            known: self.holds_south_pole,
        }
    }

    /// How it lies to `rect`, a box within that of `scope`; always certain.
    ///
    /// The way from `from` to the corner of `rect` stays within the box of `scope`, so the edges
    /// known there are all that it can cross.
    pub(super) fn relate(&self, scope: &Scope, rect: &Rect) -> Relation<Scope> {
        let Some(rect) = rect.common(Rect::WORLD) else {
            return Relation::Outside;
        };
        let low = Spot::below(rect.west, rect.south);
        let high = Spot::above(rect.east, rect.north);
        let mut inner =
            Scope { through: Vec::new(), ending: Vec::new(), from: low, known: scope.known };
        for line in &scope.through {
            let (middle, more) = line.left.over(&rect);
            if middle.abs() <= more + DOUBT {
                inner.through.push(*line);
            } else {
                inner.known ^= middle > 0.0;
            }
        }
        for &index in &scope.ending {
            let edge = self.edge(index);
            inner.known ^= edge.is_crossed(scope.from, low);
            if edge.ends_in(low, high) {
                inner.ending.push(index);
            } else if edge.spans(low, high) && edge.parts(low, high) {
                inner.known ^= edge.has_left(low);
                inner.through.push(Line::of(edge, index));
            }
        }
        match (inner.through.is_empty() && inner.ending.is_empty(), inner.known) {
            (true, true) => Relation::Inside,
            (true, false) => Relation::Outside,
            (false, _) => Relation::Crosses(inner),
        }
    }

    /// Whether it holds `at`, a point in the box of `scope`.
    pub(super) fn holds(&self, scope: &Scope, at: Position) -> bool {
        let mut inside = scope.known;
        for line in &scope.through {
            let left = line.left.of(at.lat(), at.lon());
            if left.abs() > DOUBT {
                inside ^= left > 0.0;
                continue;
            }
            match self.edge(line.index).turn(Spot::of(at)).cmp(&0) {
                Ordering::Equal => return true,
                side => inside ^= side == Ordering::Greater,
            }
        }
        if scope.ending.is_empty() {
            return inside;
        }
        let at = Spot::of(at);
        for &index in &scope.ending {
            let edge = self.edge(index);
            if edge.holds(at) {
                return true;
            }
            inside ^= edge.is_crossed(scope.from, at);
        }
        inside
    }

    /// Whether it holds `at`.
    pub fn contains(&self, at: Position) -> bool {
        self.holds(&self.everything(), at)
    }

    fn edge(&self, index: u16) -> &Edge {
        &self.edges[usize::from(index)]
    }

    /// A box around it; all around the earth when it crosses the antimeridian or holds a pole.
    pub fn bounds(&self) -> Rect {
        let ends = || self.edges.iter().flat_map(|edge| [edge.a, edge.b]);
        let degrees = |steps: Option<i64>| steps.map_or(0.0, in_degrees);
        let enclosed = Rect {
            south: degrees(ends().map(|end| end.y).min()) - 1.0 / STEPS,
            west: degrees(ends().map(|end| end.x).min()) - 1.0 / STEPS,
            north: degrees(ends().map(|end| end.y).max()) + 1.0 / STEPS,
            east: degrees(ends().map(|end| end.x).max()) + 1.0 / STEPS,
        };
        let south = if self.inside_at(-90.0) { -90.0 } else { enclosed.south };
        let north = if self.inside_at(90.0) { 90.0 } else { enclosed.north };
        Rect { south, north, ..enclosed }.common(Rect::WORLD).expect("edges are on the map")
    }

    /// Whether it holds the pole at this latitude (where every meridian ends).
    fn inside_at(&self, pole: f64) -> bool {
        Position::new(pole, -180.0).is_ok_and(|pole| self.contains(pole))
    }
}

/// A point of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spot {
    x: i64,
    y: i64,
}

#[expect(clippy::cast_possible_truncation, reason = "coordinates are at most 180 · 10⁷")]
impl Spot {
    /// South of everything: a point whose side is known without counting.
    const BEYOND_SOUTH: Self = Self { x: -AROUND / 2, y: -AROUND / 2 };

    fn of(at: Position) -> Self {
        let nearest = |degrees: f64| (degrees * STEPS + 0.5_f64.copysign(degrees)) as i64;
        Self { x: nearest(at.lon()), y: nearest(at.lat()) }
    }

    /// Not north or east of any spot of a point in a box with this corner.
    fn below(lon: f64, lat: f64) -> Self {
        Self { x: (lon * STEPS) as i64 - 1, y: (lat * STEPS) as i64 - 1 }
    }

    /// Not south or west of any spot of a point in a box with this corner.
    fn above(lon: f64, lat: f64) -> Self {
        Self { x: (lon * STEPS) as i64 + 1, y: (lat * STEPS) as i64 + 1 }
    }
}

#[expect(clippy::cast_precision_loss, reason = "below 2⁵³")]
fn in_degrees(steps: i64) -> f64 {
    steps as f64 / STEPS
}

/// A straight piece of the ring, longer than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edge {
    a: Spot,
    b: Spot,
}

impl Edge {
    /// From `a` to `b` or the point a whole turn from it, whichever is nearer; half a turn goes
    /// over Greenwich.
    fn short_way(a: Spot, b: Spot) -> Self {
        let x = match b.x - a.x {
            east if east > AROUND / 2 => b.x - AROUND,
            west if west < -AROUND / 2 => b.x + AROUND,
            _ => b.x,
        };
        Self { a, b: Spot { x, y: b.y } }
    }

    /// It, and the same a turn further where that too touches the map from 180° W to 180° E.
    fn on_the_map(self) -> impl Iterator<Item = Self> {
        let east = self.a.x.max(self.b.x) >= AROUND / 2;
        let west = self.a.x.min(self.b.x) <= -AROUND / 2;
        let turned = |by| Self {
            a: Spot { x: self.a.x + by, ..self.a },
            b: Spot { x: self.b.x + by, ..self.b },
        };
        [Some(self), east.then(|| turned(-AROUND)), west.then(|| turned(AROUND))]
            .into_iter()
            .flatten()
    }

    /// Positive when `at` lies left of the line from `a` to `b`, zero on it.
    fn turn(&self, at: Spot) -> i128 {
        let product = |p: i64, q: i64| i128::from(p) * i128::from(q);
        product(self.b.x - self.a.x, at.y - self.a.y)
            - product(self.b.y - self.a.y, at.x - self.a.x)
    }

    /// Whether `at` lies left of the line, once moved off it: north by a hair, and east by less
    /// than a hair (Edelsbrunner and Mücke 1990, "Simulation of simplicity"). Moved alike, no
    /// point of the grid is on a line or level with a vertex.
    fn has_left(&self, at: Spot) -> bool {
        match self.turn(at).cmp(&0) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => match self.b.x.cmp(&self.a.x) {
                Ordering::Greater => true,
                Ordering::Less => false,
                Ordering::Equal => self.b.y < self.a.y,
            },
        }
    }

    /// Whether the way from `from` along its parallel, then along the meridian to `to`, both
    /// moved off by a hair, crosses it once.
    fn is_crossed(&self, from: Spot, to: Spot) -> bool {
        let corner = Spot { x: to.x, y: from.y };
        let along = (self.a.y <= from.y) != (self.b.y <= from.y)
            && self.has_left(from) != self.has_left(corner);
        let up =
            (self.a.x <= to.x) != (self.b.x <= to.x) && self.has_left(corner) != self.has_left(to);
        along != up
    }

    /// Whether `at` is on it.
    fn holds(&self, at: Spot) -> bool {
        self.spans(at, at) && self.turn(at) == 0
    }

    /// Whether the box around it has a point in the box between `low` and `high`.
    fn spans(&self, low: Spot, high: Spot) -> bool {
        self.a.x.min(self.b.x) <= high.x
            && self.a.x.max(self.b.x) >= low.x
            && self.a.y.min(self.b.y) <= high.y
            && self.a.y.max(self.b.y) >= low.y
    }

    /// Whether it ends in the box between `low` and `high`.
    fn ends_in(&self, low: Spot, high: Spot) -> bool {
        let holds =
            |end: Spot| (low.x..=high.x).contains(&end.x) && (low.y..=high.y).contains(&end.y);
        holds(self.a) || holds(self.b)
    }

    /// Whether its line has a point in the box between `low` and `high`: the two corners furthest
    /// from it are not on one side.
    fn parts(&self, low: Spot, high: Spot) -> bool {
        let rises = (self.b.x > self.a.x) == (self.b.y > self.a.y);
        let (one, other) = if rises {
            (Spot { x: low.x, y: high.y }, Spot { x: high.x, y: low.y })
        } else {
            (low, high)
        };
        self.turn(one).signum() * self.turn(other).signum() <= 0
    }
}

/// The line of an edge.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    /// Steps to the left of it.
    left: Axis,
    /// Of the edge in the ring.
    index: u16,
}

impl Line {
    fn of(edge: &Edge, index: u16) -> Self {
        let (east, north) = (in_degrees(edge.b.x - edge.a.x), in_degrees(edge.b.y - edge.a.y));
        let scale = STEPS / east.hypot(north);
        let left = Axis { east: -north * scale, north: east * scale, start: 0.0 };
        let start = left.of(in_degrees(edge.a.y), in_degrees(edge.a.x));
        Self { left: Axis { start, ..left }, index }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    fn ring(vertices: &[(f64, f64)]) -> Ring {
        let vertices: Vec<_> = vertices.iter().map(|&(lat, lon)| at(lat, lon)).collect();
        Ring::new(&vertices).unwrap()
    }

    /// Even–odd by the book, on small whole numbers: a point on an edge is in; else the edges
    /// that its parallel meets east of it are counted, each with its lower end.
    fn by_the_book(ring: &[(i32, i32)], (y, x): (i32, i32)) -> bool {
        let mut inside = false;
        for (&(ay, ax), &(by, bx)) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            let turn = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
            let spans = |a: i32, b: i32, p: i32| a.min(b) <= p && p <= a.max(b);
            if turn == 0 && spans(ax, bx, x) && spans(ay, by, y) {
                return true;
            }
            let east_of_it = if by > ay { turn > 0 } else { turn < 0 };
            inside ^= (ay <= y) != (by <= y) && east_of_it;
        }
        inside
    }

    #[test]
    fn a_ring_needs_three_places() {
        let (a, b) = (at(-7.9, 110.3), at(-7.8, 110.3));
        for few in [vec![], vec![a], vec![a; 500], vec![a, b], vec![a, b, a, b, a]] {
            assert_eq!(Ring::new(&few).unwrap_err(), Bad::TooFew);
        }
        let twice = [at(0.0, 180.0), at(0.0, -180.0), at(1.0, 180.0)];
        assert_eq!(Ring::new(&twice).unwrap_err(), Bad::TooFew, "180° E is 180° W");
        assert_eq!(Ring::new(&vec![a; 501]).unwrap_err(), Bad::TooMany);
    }

    #[test]
    fn a_ring_may_close_itself_or_not() {
        let open = [(-8.0, 110.3), (-8.0, 110.4), (-7.9, 110.4)];
        let closed = [open[0], open[1], open[2], open[0]];
        for point in [at(-7.96, 110.36), at(-7.94, 110.33), at(-7.95, 110.35)] {
            assert_eq!(ring(&open).contains(point), ring(&closed).contains(point));
        }
    }

    #[test]
    fn the_edge_belongs_to_it() {
        let triangle = ring(&[(-8.0, 110.3), (-8.0, 110.4), (-7.9, 110.4)]);
        assert!(triangle.contains(at(-8.0, 110.3)), "a vertex");
        assert!(triangle.contains(at(-8.0, 110.37)), "on a parallel");
        assert!(triangle.contains(at(-7.93, 110.4)), "on a meridian");
        assert!(triangle.contains(at(-7.97, 110.33)), "aslant");
        assert!(!triangle.contains(at(-7.97, 110.329_999_9)), "a step beside it");
    }

    #[test]
    fn a_loop_over_a_loop_is_a_hole() {
        let star = ring(&[(1.0, 0.0), (-0.8, 0.6), (0.3, -0.95), (0.3, 0.95), (-0.8, -0.6)]);
        assert!(!star.contains(at(0.0, 0.0)), "the middle lies behind two edges");
        assert!(star.contains(at(0.8, 0.0)), "a point of the star");
    }

    #[test]
    fn a_flat_ring_is_its_line() {
        let flat = ring(&[(-8.0, 110.0), (-8.0, 110.2), (-8.0, 110.1)]);
        assert!(flat.contains(at(-8.0, 110.15)));
        assert!(!flat.contains(at(-8.000_01, 110.15)));
    }

    #[test]
    fn a_ring_around_the_earth_holds_the_pole_on_its_side() {
        let north = ring(&[(60.0, -120.0), (70.0, 0.0), (60.0, 120.0)]);
        assert!(north.contains(at(90.0, 12.0)) && north.contains(at(61.0, 180.0)));
        assert!(!north.contains(at(-90.0, 12.0)) && !north.contains(at(59.0, -180.0)));
        assert_eq!(north.bounds().north.to_bits(), 90.0_f64.to_bits());
        let south = ring(&[(-60.0, 120.0), (-70.0, 0.0), (-60.0, -120.0)]);
        assert!(south.contains(at(-90.0, 12.0)) && south.contains(at(-61.0, -180.0)));
        assert!(!south.contains(at(90.0, 12.0)) && !south.contains(at(-59.0, 180.0)));
        assert_eq!(south.bounds().south.to_bits(), (-90.0_f64).to_bits());
    }

    proptest! {
        #[test]
        fn which_way_one_goes_makes_no_difference(
            small in prop::collection::vec((-4..=4_i64, -4..=4_i64), 3..12),
            stops in [(-5..=5_i64, -5..=5_i64), (-5..=5_i64, -5..=5_i64), (-5..=5_i64, -5..=5_i64)],
        ) {
            let spots: Vec<_> = small.into_iter().map(|(x, y)| Spot { x, y }).collect();
            let [from, stop, to] = stops.map(|(x, y)| Spot { x, y });
            let crossed = |from, to| {
                let ends = spots.iter().zip(spots.iter().cycle().skip(1));
                let edges = ends.map(|(&a, &b)| Edge { a, b }).filter(|edge| edge.a != edge.b);
                edges.filter(|edge| edge.is_crossed(from, to)).count() % 2
            };
            prop_assert_eq!((crossed(from, stop) + crossed(stop, to)) % 2, crossed(from, to));
        }

        #[test]
        fn inside_is_as_by_the_book_wherever_on_earth(
            small in prop::collection::vec((-4..=4, -4..=4), 3..12),
            point in (-4..=4, -5..=5), middle in prop::sample::select(vec![110, 180, -180, 0]),
        ) {
            let earth = |(lat, lon): (i32, i32)| {
                at(f64::from(lat), f64::from((middle + lon + 540).rem_euclid(360) - 180))
            };
            let vertices: Vec<_> = small.iter().copied().map(earth).collect();
            if let Ok(ring) = Ring::new(&vertices) {
                let at = earth(point);
                prop_assert_eq!(ring.contains(at), by_the_book(&small, point));
                let other_side = Position::new(at.lat(), if at.lon().abs() < 180.0 {
                    at.lon()
                } else {
                    -at.lon()
                });
                prop_assert_eq!(ring.contains(other_side.unwrap()), by_the_book(&small, point));
                if ring.contains(at) {
                    let bounds = ring.bounds();
                    prop_assert!((bounds.south..=bounds.north).contains(&at.lat()));
                    prop_assert!((bounds.west..=bounds.east).contains(&at.lon()));
                }
            }
        }
    }
}
