//! The shapes that a search may be confined to: inside of a ring, along a line, or both.
//!
//! A walk over the boxes of the index asks [`Outline::relate`] at each; what it answers narrows
//! from box to box, so that a box is compared with the edges near it only, however many the
//! shape has.

mod corridor;
pub mod polyline;
mod ring;

pub use corridor::{CORRIDOR_M, Corridor, MOST_LAT};
pub use ring::Ring;

use domain::position::Position;

/// What is wrong with a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// The text is no encoded polyline.
    Format,
    /// A coordinate, or the width of a corridor, is beyond its limits.
    Range,
    /// Fewer vertices than the shape needs, repeated ones not counted.
    TooFew,
    /// More than [`polyline::MOST_VERTICES`].
    TooMany,
}

/// A box between two parallels and two meridians, its lines included; degrees WGS 84.
/// It never crosses the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Rect {
    pub south: f64,
    pub west: f64,
    pub north: f64,
    pub east: f64,
}

impl Rect {
    /// Everywhere.
    pub const WORLD: Self = Self { south: -90.0, west: -180.0, north: 90.0, east: 180.0 };

    /// The latitude and longitude of its middle.
    fn middle(&self) -> (f64, f64) {
        (f64::midpoint(self.south, self.north), f64::midpoint(self.west, self.east))
    }

    /// The least box around both.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        Self {
            south: self.south.min(other.south),
            west: self.west.min(other.west),
            north: self.north.max(other.north),
            east: self.east.max(other.east),
        }
    }

    /// The part that both have, if any.
    #[must_use]
    pub fn common(self, other: Self) -> Option<Self> {
        let common = Self {
            south: self.south.max(other.south),
            west: self.west.max(other.west),
            north: self.north.min(other.north),
            east: self.east.min(other.east),
        };
        (common.south <= common.north && common.west <= common.east).then_some(common)
    }
}

/// How far a point lies in some direction: a sum of its degrees, each times a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    east: f64,
    north: f64,
    start: f64,
}

impl Axis {
    fn of(&self, lat: f64, lon: f64) -> f64 {
        lon * self.east + lat * self.north - self.start
    }

    /// That of the middle of a box, and how much more or less its points have at most.
    fn over(&self, rect: &Rect) -> (f64, f64) {
        let east = (rect.east - rect.west) / 2.0;
        let north = (rect.north - rect.south) / 2.0;
        let (lat, lon) = rect.middle();
        (self.of(lat, lon), east * self.east.abs() + north * self.north.abs())
    }
}

/// How a shape lies to a box.
#[derive(Debug, Clone, PartialEq)]
pub enum Relation<S> {
    /// No point of the box is in the shape.
    Outside,
    /// Every point of the box is in the shape.
    Inside,
    /// Not decided for the box as a whole; its parts and points are asked with this.
    Crosses(S),
}

/// A ring, a corridor, or the places that are in both.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// Confines to the inside of a ring.
    pub ring: Option<Ring>,
    /// Confines to the surroundings of a line.
    pub corridor: Option<Corridor>,
}

/// What an [`Outline`] still has to ask in some box. A part that holds all of the box is `None`.
#[derive(Debug, Clone)]
pub struct Scope {
    ring: Option<ring::Scope>,
    corridor: Option<corridor::Scope>,
}

impl Outline {
    /// The scope of the whole world, where a walk begins.
    pub fn everything(&self) -> Scope {
        Scope {
            ring: self.ring.as_ref().map(Ring::everything),
            corridor: self.corridor.as_ref().map(Corridor::everything),
        }
    }

    /// How it lies to `rect`, a box within that of `scope`. [`Relation::Outside`] and
    /// [`Relation::Inside`] are certain; a box may cross by its looks only.
    pub fn relate(&self, scope: &Scope, rect: &Rect) -> Relation<Scope> {
        let Some(ring) =
            narrow(self.ring.as_ref(), scope.ring.as_ref(), |ring, scope| ring.relate(scope, rect))
        else {
            return Relation::Outside;
        };
        let Some(corridor) =
            narrow(self.corridor.as_ref(), scope.corridor.as_ref(), |corridor, scope| {
                corridor.relate(scope, rect)
            })
        else {
            return Relation::Outside;
        };
        if ring.is_none() && corridor.is_none() {
            return Relation::Inside;
        }
        Relation::Crosses(Scope { ring, corridor })
    }

    /// Whether it holds `at`, a point in the box of `scope`. The answer is that of
    /// [`Outline::contains`], sooner.
    pub fn holds(&self, scope: &Scope, at: Position) -> bool {
        let ring = self.ring.as_ref().zip(scope.ring.as_ref());
        let corridor = self.corridor.as_ref().zip(scope.corridor.as_ref());
        ring.is_none_or(|(ring, scope)| ring.holds(scope, at))
            && corridor.is_none_or(|(corridor, scope)| corridor.holds(scope, at))
    }

    /// Whether it holds `at`, the lines included.
    pub fn contains(&self, at: Position) -> bool {
        self.ring.as_ref().is_none_or(|ring| ring.contains(at))
            && self.corridor.as_ref().is_none_or(|corridor| corridor.contains(at))
    }

    /// A box around everything that it holds; `None` when that is nothing. A shape across the
    /// antimeridian has one all around the earth.
    pub fn bounds(&self) -> Option<Rect> {
        let ring = self.ring.as_ref().map_or(Rect::WORLD, Ring::bounds);
        ring.common(self.corridor.as_ref().map_or(Rect::WORLD, Corridor::bounds))
    }
}

/// What is left to ask of one part: `None` when the box is outside of it, `Some(None)` when
/// nothing is left.
#[expect(clippy::option_option, reason = "outside, settled and open are three things")]
fn narrow<P, S>(
    part: Option<&P>,
    scope: Option<&S>,
    relate: impl Fn(&P, &S) -> Relation<S>,
) -> Option<Option<S>> {
    let Some((part, scope)) = part.zip(scope) else {
        return Some(None);
    };
    match relate(part, scope) {
        Relation::Outside => None,
        Relation::Inside => Some(None),
        Relation::Crosses(scope) => Some(Some(scope)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    /// A box with sides as an index keeps them: 32 bits, rounded outward.
    fn stored(rect: Rect) -> Rect {
        #[expect(clippy::cast_possible_truncation, reason = "as an index does")]
        let narrow = |side: f64| side as f32;
        Rect {
            south: narrow(rect.south).next_down().into(),
            west: narrow(rect.west).next_down().into(),
            north: narrow(rect.north).next_up().into(),
            east: narrow(rect.east).next_up().into(),
        }
    }

    /// Walks to `point` through ever smaller boxes, each nearer by its shares, and checks each
    /// answer on the way against that without any.
    fn walk(outline: &Outline, point: Position, steps: &[[f64; 4]]) -> Result<(), TestCaseError> {
        let truth = outline.contains(point);
        let mut rect = Rect::WORLD;
        let mut scope = outline.everything();
        prop_assert_eq!(outline.holds(&scope, point), truth, "in the world");
        for [south, west, north, east] in steps {
            rect = Rect {
                south: rect.south + (point.lat() - rect.south) * south,
                west: rect.west + (point.lon() - rect.west) * west,
                north: rect.north + (point.lat() - rect.north) * north,
                east: rect.east + (point.lon() - rect.east) * east,
            };
            scope = match outline.relate(&scope, &stored(rect)) {
                Relation::Outside => {
                    prop_assert!(!truth, "{rect:?} is not all outside");
                    return Ok(());
                }
                Relation::Inside => {
                    prop_assert!(truth, "{rect:?} is not all inside");
                    return Ok(());
                }
                Relation::Crosses(inner) => inner,
            };
            prop_assert_eq!(outline.holds(&scope, point), truth, "in {:?}", rect);
        }
        Ok(())
    }

    /// Shares of the way from the sides of a box to a point: none, all, or any.
    fn steps() -> impl Strategy<Value = Vec<[f64; 4]>> {
        let share = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0, 0.9..1.0];
        let step = prop_oneof![3 => prop::array::uniform4(share), 1 => Just([1.0; 4])];
        prop::collection::vec(step, 0..12)
    }

    /// Points of a coarse grid, so that many fall on edges and vertices, and others; `size` is
    /// that of the whole, degrees.
    fn place(middle: f64, size: f64) -> impl Strategy<Value = Position> {
        let coarse = (-4..=4, -4..=4).prop_map(|(y, x)| (f64::from(y) / 8.0, f64::from(x) / 8.0));
        let place = prop_oneof![coarse, (-0.5..0.5, -0.5..0.5)];
        place.prop_map(move |(lat, lon)| {
            let lon: f64 = middle + lon * size;
            at(lat * size - 7.9, (lon + 540.0).rem_euclid(360.0) - 180.0)
        })
    }

    fn anywhere() -> impl Strategy<Value = Position> {
        prop_oneof![
            (-85.0..85.0, -180.0..=180.0).prop_map(|(lat, lon)| at(lat, lon)),
            (-8..=8, -18..=18).prop_map(|(y, x)| at(f64::from(y * 10), f64::from(x * 10))),
        ]
    }

    fn lines() -> impl Strategy<Value = (Vec<Position>, Position)> {
        let near =
            |middle, size| (prop::collection::vec(place(middle, size), 3..12), place(middle, size));
        let far = (prop::collection::vec(anywhere(), 3..12), anywhere());
        prop_oneof![near(110.3, 0.08), near(180.0, 0.08), near(180.0, 8e-5), far]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn a_ring_answers_the_same_whatever_boxes_lead_to_a_point(
            (line, point) in lines(), steps in steps(),
        ) {
            if let Ok(ring) = Ring::new(&line) {
                walk(&Outline { ring: Some(ring), corridor: None }, point, &steps)?;
            }
        }

        #[test]
        fn a_corridor_answers_the_same_whatever_boxes_lead_to_a_point(
            (line, point) in lines(), metres in 10.0..5_000.0, steps in steps(),
        ) {
            if let Ok(corridor) = Corridor::new(&line, metres) {
                walk(&Outline { ring: None, corridor: Some(corridor) }, point, &steps)?;
            }
        }

        #[test]
        fn a_ring_and_a_corridor_hold_what_both_hold(
            (line, point) in lines(), metres in 1_000.0..5_000.0, steps in steps(),
        ) {
            if let (Ok(ring), Ok(corridor)) = (Ring::new(&line), Corridor::new(&line, metres)) {
                let both = ring.contains(point) && corridor.contains(point);
                let outline = Outline { ring: Some(ring), corridor: Some(corridor) };
                prop_assert_eq!(outline.contains(point), both);
                walk(&outline, point, &steps)?;
            }
        }

        #[test]
        fn the_edge_of_a_corridor_is_the_same_whatever_boxes_lead_to_it(
            (line, point) in lines(), share in 0.9999..1.0001_f64, steps in steps(),
        ) {
            // The reach at which the point is just in or just out.
            let holds = |metres: f64| {
                Corridor::new(&line, metres).is_ok_and(|corridor| corridor.contains(point))
            };
            let (mut low, mut high) = (10.0, 5_000.0_f64);
            for _ in 0..60 {
                let middle = f64::midpoint(low, high);
                if holds(middle) { high = middle } else { low = middle }
            }
            for metres in [low, high, f64::clamp(high * share, 10.0, 5_000.0)] {
                if let Ok(corridor) = Corridor::new(&line, metres) {
                    walk(&Outline { ring: None, corridor: Some(corridor) }, point, &steps)?;
                }
            }
        }
    }

    #[test]
    fn nothing_confines_to_nothing() {
        let outline = Outline::default();
        let scope = outline.everything();
        assert!(matches!(outline.relate(&scope, &Rect::WORLD), Relation::Inside));
        assert_eq!(outline.bounds(), Some(Rect::WORLD));
    }

    #[test]
    fn a_box_far_from_the_edge_is_settled_as_a_whole() {
        let ring = Ring::new(&[at(-8.2, 110.0), at(-8.2, 110.9), at(-7.4, 110.9), at(-7.4, 110.0)]);
        let outline = Outline { ring: ring.ok(), corridor: None };
        let scope = outline.everything();
        let town = Rect { south: -7.85, west: 110.3, north: -7.75, east: 110.4 };
        assert!(matches!(outline.relate(&scope, &town), Relation::Inside));
        let sea = Rect { south: -8.5, west: 110.3, north: -8.3, east: 110.4 };
        assert!(matches!(outline.relate(&scope, &sea), Relation::Outside));
        let road = Corridor::new(&[at(-7.8, 110.3), at(-7.8, 110.4)], 5_000.0);
        let outline = Outline { ring: None, corridor: road.ok() };
        let scope = outline.everything();
        let near = Rect { south: -7.82, west: 110.32, north: -7.78, east: 110.34 };
        assert!(matches!(outline.relate(&scope, &near), Relation::Inside));
        assert!(matches!(outline.relate(&scope, &sea), Relation::Outside));
    }
}
