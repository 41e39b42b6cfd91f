//! Geometry: shapes of RFC 7946, as they come.

use geojson::{GeometryValue, Position};

/// What `geometry` draws; `None` where it is no shape, or one of its positions is none (RFC 7946 §3.1.1:
/// two numbers at least), on which the crate that draws it would panic.
pub(crate) fn drawn(geometry: &geojson::Geometry) -> Option<geo::Geometry> {
    is_whole(&geometry.value).then(|| geo::Geometry::try_from(geometry.clone()).ok())?
}

fn is_whole(value: &GeometryValue) -> bool {
    let whole = |at: &Position| at.as_slice().len() >= 2;
    match value {
        GeometryValue::Point { coordinates } => whole(coordinates),
        GeometryValue::MultiPoint { coordinates } | GeometryValue::LineString { coordinates } => {
            coordinates.iter().all(whole)
        }
        GeometryValue::MultiLineString { coordinates } | GeometryValue::Polygon { coordinates } => {
            coordinates.iter().flatten().all(whole)
        }
        GeometryValue::MultiPolygon { coordinates } => {
            coordinates.iter().flatten().flatten().all(whole)
        }
        GeometryValue::GeometryCollection { geometries } => {
            geometries.iter().all(|one| is_whole(&one.value))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn is_drawn(kind: &str, coordinates: &Value) -> bool {
        let one = json!({"type": kind, "coordinates": coordinates});
        let within = json!({"type": "GeometryCollection", "geometries": [one]});
        let [one, within] = [one, within]
            .map(|value| serde_json::from_value(value).ok().as_ref().and_then(drawn).is_some());
        assert_eq!(one, within);
        one
    }

    #[test]
    fn a_position_of_less_than_two_numbers_is_none() {
        for (kind, depth) in [
            ("Point", 0),
            ("MultiPoint", 1),
            ("LineString", 1),
            ("MultiLineString", 2),
            ("Polygon", 2),
            ("MultiPolygon", 3),
        ] {
            let at_depth = |positions: Value| (1..depth).fold(positions, |inner, _| json!([inner]));
            let shape = |last: Value| match depth {
                0 => last,
                _ => at_depth(json!([[110, -8], [111, -8], [111, -7], last])),
            };
            assert!(is_drawn(kind, &shape(json!([110, -8]))), "{kind}");
            assert!(is_drawn(kind, &shape(json!([110, -8, 3.5]))), "{kind}");
            assert!(!is_drawn(kind, &shape(json!([110]))), "{kind}");
            assert!(!is_drawn(kind, &shape(json!([]))), "{kind}");
        }
    }
}
