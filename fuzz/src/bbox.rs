//! The box of a search.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::town::TOWN;

/// Asks for all in the box that `input` says: as many are found as lie in it by plain comparison.
pub fn run(input: &[u8]) {
    let asked = format!("/v1/discover?limit=1&bbox={}", percent_encode(input, NON_ALPHANUMERIC));
    let Some(answer) = TOWN.get(&asked).filter(|answer| answer.status.is_success()) else { return };
    let text = std::str::from_utf8(input).expect("what is accepted is text");
    let edges: Vec<f64> = text.split(',').map(|edge| edge.parse().expect("a number")).collect();
    let [west, south, east, north] = edges[..] else { panic!("a box has four edges") };
    assert!((-90.0..=north).contains(&south) && north <= 90.0);
    assert!([west, east].iter().all(|edge| (-180.0..=180.0).contains(edge)));
    let snapshot = TOWN.app.index.snapshot();
    let places = snapshot.documents().filter_map(|document| document.position);
    let within = places.filter(|at| {
        let after_west = west <= at.lon();
        let before_east = at.lon() <= east;
        let across =
            if west <= east { after_west && before_east } else { after_west || before_east };
        across && (south..=north).contains(&at.lat())
    });
    assert_eq!(answer.json()["total"], within.count());
}
