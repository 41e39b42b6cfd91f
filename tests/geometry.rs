//! Geometry against brute force: circles, boxes and areas.

use std::collections::BTreeMap;

use chrono::Utc;
use domain::{position::Position, reference::Reference};
use geo::{Distance as _, Geodesic, Point};
use proptest::prelude::*;
use search::{Bbox, Centre, Query, Snapshot, Sort};
use serde_json::Value;
use tests::{Service, at};

fn everything() -> Query {
    Query { limit: 1000, ..Query::all(Sort::Distance) }
}

fn snapshot() -> std::sync::Arc<Snapshot> {
    static SNAPSHOT: std::sync::OnceLock<std::sync::Arc<Snapshot>> = std::sync::OnceLock::new();
    let make = || {
        // A thread of its own: a runtime cannot be started inside another.
        let make = || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async { Service::start().await.app.index.snapshot() })
        };
        std::thread::spawn(make).join().unwrap()
    };
    SNAPSHOT.get_or_init(make).clone()
}

fn now() -> chrono::DateTime<Utc> {
    at(tests::NOON)
}

proptest! {
    #[test]
    fn a_circle_holds_what_is_within_its_radius_nearest_first(
        lat in -8.1..-7.7, lon in 110.15..110.6, radius in 1.0..40_000.0,
    ) {
        let snapshot = snapshot();
        let at = Position::new(lat, lon).unwrap();
        let query = Query { centre: Some(Centre { at, radius_m: Some(radius) }), ..everything() };
        let found = snapshot.find(&query, now()).unwrap();
        let mut brute: Vec<(f64, _)> = snapshot
            .documents()
            .filter_map(|document| {
                let point = document.position?;
                let metres = Geodesic.distance(Point::new(lon, lat), Point::new(point.lon(), point.lat()));
                (metres <= radius).then_some((metres, document.id))
            })
            .collect();
        brute.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let ids: Vec<_> = found.hits.iter().map(|hit| hit.document.id).collect();
        prop_assert_eq!(ids, brute.iter().map(|(_, id)| *id).collect::<Vec<_>>());
        prop_assert_eq!(found.total, brute.len());
        for (hit, (metres, _)) in found.hits.iter().zip(&brute) {
            // To a decimetre.
            prop_assert!((hit.distance_m.unwrap() - (metres * 10.0).round() / 10.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_box_holds_what_lies_between_its_sides(
        south in -8.1..-7.7, height in 0.0..0.3, west in 110.1..110.6, width in 0.0..0.4,
    ) {
        let snapshot = snapshot();
        let bbox = Bbox { west, south, east: west + width, north: south + height };
        let found = snapshot.find(&Query { bbox: Some(bbox), sort: Sort::Name, ..everything() }, now()).unwrap();
        let brute = snapshot.documents().filter(|document| document.position.is_some_and(|at| {
            (south..=south + height).contains(&at.lat()) && (west..=west + width).contains(&at.lon())
        }));
        prop_assert_eq!(found.total, brute.count());
    }

    #[test]
    fn the_area_of_a_point_is_the_kalurahan_whose_ring_winds_around_it(
        lat in -8.05..-7.75, lon in 110.2..110.53,
    ) {
        let snapshot = snapshot();
        let reference: &Reference = snapshot.reference();
        let holding: Vec<&str> = reference
            .areas()
            .filter(|area| area.row.code.as_str().len() == 13)
            .filter(|area| winds_around(area.row.polygon.as_ref().unwrap(), lon, lat))
            .map(|area| area.row.code.as_str())
            .collect();
        let found = reference.locate(Position::new(lat, lon).unwrap());
        match (&holding[..], found) {
            ([code, ..], Some(found)) => {
                prop_assert_eq!(found.code.as_str(), *code);
                prop_assert!(!found.inferred);
            }
            ([], Some(found)) => prop_assert!(found.inferred),
            ([], None) => {}
            (holding, None) => prop_assert!(false, "{holding:?} hold it and none was found"),
        }
    }
}

/// Whether a point lies inside a Polygon: the even-odd rule over all rings.
fn winds_around(polygon: &Value, x: f64, y: f64) -> bool {
    let mut inside = false;
    for ring in polygon["coordinates"].as_array().unwrap() {
        let points: Vec<(f64, f64)> = ring
            .as_array()
            .unwrap()
            .iter()
            .map(|point| (point[0].as_f64().unwrap(), point[1].as_f64().unwrap()))
            .collect();
        for side in points.windows(2) {
            let ((ax, ay), (bx, by)) = (side[0], side[1]);
            if (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
                inside = !inside;
            }
        }
    }
    inside
}

#[tokio::test]
async fn the_polygons_are_light_enough_for_a_phone_and_tile_the_regency() {
    let service = Service::start().await;
    let mut bytes = 0;
    let mut squares: BTreeMap<&str, f64> = BTreeMap::new();
    for level in ["regency", "kapanewon", "kalurahan"] {
        let reply = service.get(&format!("/v1/areas?level={level}&format=geojson")).await;
        bytes += if level == "regency" { 0 } else { reply.text.len() };
        for feature in reply.body["features"].as_array().unwrap() {
            let shape: geojson::Geometry =
                serde_json::from_value(feature["geometry"].clone()).unwrap();
            let shape = geo::Geometry::<f64>::try_from(shape).unwrap();
            *squares.entry(level).or_default() += geo::GeodesicArea::geodesic_area_unsigned(&shape);
        }
    }
    assert!(bytes <= 300_000, "{bytes} bytes");
    // 511.7 km² by the code list; the parts are exactly the whole.
    let regency = squares["regency"];
    assert!((regency - 511.7e6).abs() < 2e6, "{regency}");
    for level in ["kapanewon", "kalurahan"] {
        assert!((squares[level] - regency).abs() < 1000.0, "{level} {}", squares[level] - regency);
    }
}
