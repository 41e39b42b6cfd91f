//! Points on the ground and the distances between them.
//!
//! Degrees WGS 84 (EPSG:4326), metres along its ellipsoid. In our own JSON a point is
//! `{"lat": …, "lon": …}`; GeoJSON's order (lon, lat) stays inside [`Position::point`].

use geo::{Distance as _, Geodesic, Point};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{draft::Carried, error::Fault};

/// A point on the ground.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Raw")]
#[schema(as = Location, example = json!({"lat": -8.0247, "lon": 110.3296}))]
pub struct Position {
    /// Degrees north of the equator, WGS 84.
    #[schema(minimum = -90, maximum = 90, format = "double")]
    lat: f64,
    /// Degrees east of Greenwich, WGS 84.
    #[schema(minimum = -180, maximum = 180, format = "double")]
    lon: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    lat: f64,
    lon: f64,
}

impl TryFrom<Raw> for Position {
    type Error = Carried;

    fn try_from(raw: Raw) -> Result<Self, Carried> {
        Ok(Self::new(raw.lat, raw.lon)?)
    }
}

impl Position {
    /// The point at `lat` degrees north and `lon` degrees east.
    ///
    /// # Errors
    /// `out_of_range` when a coordinate is no number or beyond ±90 / ±180 degrees.
    pub fn new(lat: f64, lon: f64) -> Result<Self, Fault> {
        if !(-90.0..=90.0).contains(&lat) {
            return Err(out_of_range(90).below("lat"));
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err(out_of_range(180).below("lon"));
        }
        Ok(Self { lat, lon })
    }

    /// Degrees north.
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east.
    pub fn lon(self) -> f64 {
        self.lon
    }

    /// Metres to `other` along the WGS 84 ellipsoid (Karney 2013, "Algorithms for geodesics";
    /// exact to nanometres, which is what lets one metric serve order, edge and display).
    pub fn metres_to(self, other: Self) -> f64 {
        Geodesic.distance(self.point(), other.point())
    }

    /// The point in the axis order of `geo` and GeoJSON: x is longitude.
    pub fn point(self) -> Point {
        Point::new(self.lon, self.lat)
    }
}

fn out_of_range(limit: u8) -> Fault {
    Fault::new(
        "out_of_range",
        format!("harus antara -{limit} dan {limit} derajat"),
        format!("must be between -{limit} and {limit} degrees"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_degree_of_latitude_at_bantul_is_110_597_metres() {
        let metres =
            Position::new(-8.0, 110.33).unwrap().metres_to(Position::new(-7.0, 110.33).unwrap());
        assert!((metres - 110_597.0).abs() < 5.0, "{metres}");
    }

    #[test]
    fn the_two_sides_of_the_antimeridian_are_neighbours() {
        let metres =
            Position::new(0.0, 179.999).unwrap().metres_to(Position::new(0.0, -179.999).unwrap());
        assert!((metres - 222.6).abs() < 0.1, "{metres}");
    }

    #[test]
    fn no_number_is_no_place() {
        assert!(Position::new(f64::NAN, 0.0).is_err());
        assert!(Position::new(0.0, f64::INFINITY).is_err());
        assert!(Position::new(-90.1, 0.0).is_err());
    }
}
