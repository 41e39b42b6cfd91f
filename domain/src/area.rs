//! Area: province, regency, kapanewon, kalurahan, and which of them holds a point.

use geo::{BoundingRect as _, Intersects as _, LineString, MultiPolygon, Point, Rect};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::Fault,
    geometry,
    key::AreaCode,
    position::Position,
    text::{Texts, line_fault},
};

pub mod entity;

pub use entity::Model;

/// How far outside its line an area still answers for a point, metres: beaches lie 10 to 50 m
/// seaward of the official line of Bantul, piers further.
pub const OFFSHORE_M: f64 = 500.0;

/// Metres of one degree of latitude, less than the least (110,574 at the equator, WGS 84), so that
/// the box it makes is never too small. Cuts candidates only.
const DEGREE_M: f64 = 110_500.0;

/// The step of the hierarchy.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(sea_orm::sea_query::StringLen::N(16))",
    rename_all = "snake_case"
)]
#[serde(rename_all = "snake_case")]
#[schema(as = AreaLevel)]
pub enum Level {
    /// Provinsi; here Daerah Istimewa Yogyakarta.
    Province,
    /// Kabupaten.
    Regency,
    /// Kecamatan, called kapanewon in Yogyakarta.
    Kapanewon,
    /// Desa, called kalurahan in Yogyakarta.
    Kalurahan,
}

impl Level {
    /// All of them, largest first.
    pub const ALL: [Self; 4] = [Self::Province, Self::Regency, Self::Kapanewon, Self::Kalurahan];

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Province => "province",
            Self::Regency => "regency",
            Self::Kapanewon => "kapanewon",
            Self::Kalurahan => "kalurahan",
        }
    }

    /// The level that a code of this shape is of.
    pub fn of(code: &AreaCode) -> Self {
        match code.as_str().len() {
            2 => Self::Province,
            5 => Self::Regency,
            8 => Self::Kapanewon,
            _ => Self::Kalurahan,
        }
    }
}

/// What a file says of an area: the properties of a GeoJSON feature.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Draft {
    pub code: AreaCode,
    pub edition: String,
    pub level: Level,
    pub name: Texts,
    #[serde(default)]
    pub parent: Option<AreaCode>,
    pub source: String,
    pub licence: String,
}

impl Draft {
    /// The row, with `polygon` (RFC 7946 Polygon or `MultiPolygon`) as its shape.
    ///
    /// # Errors
    /// Everything that breaks a rule, all at once.
    pub fn into_row(self, polygon: Option<geojson::Geometry>) -> Result<Model, Vec<Fault>> {
        let mut faults: Vec<_> =
            self.name.check(120).into_iter().map(|f| f.below("name")).collect();
        faults.extend(line_fault(&self.source, 500).map(|f| f.below("source")));
        faults.extend(line_fault(&self.edition, 80).map(|f| f.below("edition")));
        faults.extend(line_fault(&self.licence, 40).map(|f| f.below("licence")));
        if self.parent.is_none() && self.level > Level::Regency {
            let fault = Fault::new("missing", "perlu induk", "needs the area around it");
            faults.push(fault.below("parent"));
        }
        if Level::of(&self.code) != self.level {
            let fault =
                Fault::new("contradiction", "tidak sesuai kodenya", "does not fit its code");
            faults.push(fault.below("level"));
        }
        if self.parent.as_ref().is_some_and(|parent| {
            self.code.as_str().rsplit_once('.').map(|(outer, _)| outer) != Some(parent.as_str())
        }) {
            let fault =
                Fault::new("contradiction", "bukan induk kode itu", "is not the code's parent");
            faults.push(fault.below("parent"));
        }
        if polygon.as_ref().is_some_and(|shape| shape_of(shape).is_none()) {
            let fault =
                Fault::new("bad_format", "bukan poligon RFC 7946", "is no RFC 7946 polygon");
            faults.push(fault.below("geometry"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Model {
            code: self.code,
            edition: self.edition,
            level: self.level,
            name: self.name,
            parent: self.parent,
            polygon: polygon.and_then(|shape| serde_json::to_value(shape).ok()),
            source: self.source,
            licence: self.licence,
        })
    }
}

fn shape_of(geometry: &geojson::Geometry) -> Option<MultiPolygon> {
    match geometry::drawn(geometry)? {
        geo::Geometry::Polygon(polygon) => Some(MultiPolygon(vec![polygon])),
        geo::Geometry::MultiPolygon(polygons) => Some(polygons),
        _ => None,
    }
}

/// An area with its shape made ready for questions.
#[derive(Debug, Clone)]
pub struct Area {
    /// Its row.
    pub row: Model,
    shape: Option<(Rect, MultiPolygon)>,
}

impl Area {
    /// The area of a row. A polygon that cannot be read counts as none: a row is checked when made.
    pub fn new(row: Model) -> Self {
        let shape = row
            .polygon
            .clone()
            .and_then(|json| serde_json::from_value::<geojson::Geometry>(json).ok())
            .and_then(|geometry| shape_of(&geometry))
            .and_then(|shape| Some((shape.bounding_rect()?, shape)));
        Self { row, shape }
    }

    /// `[west, south, east, north]` in degrees, if its shape is known.
    pub fn bbox(&self) -> Option<[f64; 4]> {
        let (rect, _) = self.shape.as_ref()?;
        Some([rect.min().x, rect.min().y, rect.max().x, rect.max().y])
    }

    /// Whether `at` lies in it or on its line.
    pub fn holds(&self, at: Position) -> bool {
        self.shape.as_ref().is_some_and(|(rect, shape)| {
            rect.intersects(&at.point()) && shape.intersects(&at.point())
        })
    }

    /// Metres from `at` to its line when that is no more than [`OFFSHORE_M`] away.
    fn metres_offshore(&self, at: Position) -> Option<f64> {
        let (rect, shape) = self.shape.as_ref()?;
        let reach = OFFSHORE_M / DEGREE_M;
        let wide = reach / at.lat().to_radians().cos().max(0.01);
        let near = Rect::new(
            (rect.min().x - wide, rect.min().y - reach),
            (rect.max().x + wide, rect.max().y + reach),
        );
        if !near.intersects(&at.point()) {
            return None;
        }
        shape
            .0
            .iter()
            .map(|polygon| metres_to_line(at, polygon.exterior()))
            .filter(|metres| *metres <= OFFSHORE_M)
            .min_by(f64::total_cmp)
    }
}

/// Metres from `at` to the nearest point of `line`.
///
/// The nearest point is found on the plane that touches the ellipsoid at `at` (within 500 m that
/// is off by some millimetres), the distance to it is the geodesic's.
fn metres_to_line(at: Position, line: &LineString) -> f64 {
    let squeeze = at.lat().to_radians().cos();
    let plane = |x: f64, y: f64| ((x - at.lon()) * squeeze, y - at.lat());
    let mut best = (f64::INFINITY, at.point());
    for side in line.lines() {
        let (ax, ay) = plane(side.start.x, side.start.y);
        let (bx, by) = plane(side.end.x, side.end.y);
        let (dx, dy) = (bx - ax, by - ay);
        let length = dx.mul_add(dx, dy * dy);
        let share =
            if length > 0.0 { (-(ax * dx + ay * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
        let (x, y) = (ax + share * dx, ay + share * dy);
        let away = x.mul_add(x, y * y);
        if away < best.0 {
            best = (away, Point::new(at.lon() + x / squeeze, at.lat() + y));
        }
    }
    Position::new(best.1.y(), best.1.x()).map_or(f64::INFINITY, |nearest| at.metres_to(nearest))
}

/// The smallest area that answers for a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its code.
    pub code: AreaCode,
    /// The point is in no area; this is the nearest within [`OFFSHORE_M`].
    pub inferred: bool,
}

/// The smallest of `areas` that holds `at`, else the nearest within [`OFFSHORE_M`].
///
/// A point on a shared line belongs to the lower code, so that the answer is one.
pub fn locate<'a>(areas: impl Iterator<Item = &'a Area> + Clone, at: Position) -> Option<Found> {
    let holding = areas
        .clone()
        .filter(|area| area.holds(at))
        .max_by(|a, b| a.row.level.cmp(&b.row.level).then_with(|| b.row.code.cmp(&a.row.code)));
    if let Some(area) = holding {
        return Some(Found { code: area.row.code.clone(), inferred: false });
    }
    areas
        .filter_map(|area| Some((area.metres_offshore(at)?, area)))
        .min_by(|(a, x), (b, y)| {
            // Levels share the coast line: at one distance the smaller area answers.
            let by_level = y.row.level.cmp(&x.row.level);
            a.total_cmp(b).then(by_level).then_with(|| x.row.code.cmp(&y.row.code))
        })
        .map(|(_, area)| Found { code: area.row.code.clone(), inferred: true })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn square(code: &str, west: f64, south: f64) -> Area {
        let ring = vec![
            (west, south),
            (west + 0.1, south),
            (west + 0.1, south + 0.1),
            (west, south + 0.1),
            (west, south),
        ];
        let polygon = geo::Polygon::new(ring.into(), vec![]);
        let draft = Draft {
            code: code.parse().unwrap(),
            edition: "test".into(),
            level: Level::of(&code.parse().unwrap()),
            name: serde_json::from_value(serde_json::json!({"id": code})).unwrap(),
            parent: code.rsplit_once('.').map(|(outer, _)| outer.parse().unwrap()),
            source: "test".into(),
            licence: "CC0-1.0".into(),
        };
        Area::new(draft.into_row(Some(geojson::Geometry::from(&polygon))).unwrap())
    }

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    #[test]
    fn the_smallest_area_answers() {
        let areas = [square("34.02", 110.0, -8.0), square("34.02.10", 110.0, -8.0)];
        let found = locate(areas.iter(), at(-7.95, 110.05)).unwrap();
        assert_eq!(found, Found { code: "34.02.10".parse().unwrap(), inferred: false });
    }

    #[test]
    fn a_beach_beyond_the_line_belongs_to_the_nearest_area_and_says_so() {
        let areas = [square("34.02.03", 110.0, -8.0)];
        let found = locate(areas.iter(), at(-8.0004, 110.05)).unwrap();
        assert!(found.inferred);
        assert_eq!(locate(areas.iter(), at(-8.0046, 110.05)), None, "509 m out at sea");
    }

    #[test]
    fn a_point_on_a_shared_line_belongs_to_the_lower_code() {
        let areas = [square("34.02.02", 110.1, -8.0), square("34.02.01", 110.0, -8.0)];
        assert_eq!(locate(areas.iter(), at(-7.95, 110.1)).unwrap().code.as_str(), "34.02.01");
    }

    proptest! {
        #[test]
        fn the_distance_to_a_line_is_that_to_its_nearest_of_many_points(
            lat in -8.004..-8.0, lon in 109.996..110.104,
        ) {
            let area = square("34.02.03", 110.0, -8.0);
            let here = at(lat, lon);
            let brute = (0..=10_000)
                .flat_map(|step| {
                    let share = f64::from(step) / 100_000.0;
                    [at(-8.0, 110.0 + share), at(-8.0 + share, 110.0), at(-8.0 + share, 110.1)]
                })
                .map(|point| here.metres_to(point))
                .min_by(f64::total_cmp)
                .unwrap();
            if let Some(metres) = area.metres_offshore(here) {
                // The brute force has a point every 1.1 m.
                prop_assert!((metres - brute).abs() < 0.7, "{metres} against {brute}");
            } else {
                prop_assert!(brute > OFFSHORE_M - 0.7);
            }
        }
    }
}
