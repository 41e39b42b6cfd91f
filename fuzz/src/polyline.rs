//! An encoded polyline, the ring and the corridor that it draws.

use domain::position::Position;
use search::shape::{Corridor, Ring, polyline};

/// Reads `input`: what is read is written as what is read as the same, and what it draws tells of any
/// point whether it holds it, its own vertices included.
pub fn run(input: &[u8]) {
    let Ok(points) = std::str::from_utf8(input).map_err(drop).and_then(read) else { return };
    assert_eq!(read(&polyline::encode(&points)), Ok(points.clone()));
    let ring = Ring::new(&points).ok();
    let corridor = Corridor::new(&points, 100.0).ok();
    let here = Position::new(-8.02, 110.32).expect("a position");
    for at in points.iter().copied().chain([here]) {
        let in_corridor = corridor.as_ref().map(|corridor| corridor.contains(at));
        assert!(at == here || in_corridor != Some(false), "a vertex lies on its line: {at:?}");
        if let Some(ring) = &ring {
            assert!(at == here || ring.contains(at), "a vertex lies on its ring: {at:?}");
        }
    }
}

fn read(text: &str) -> Result<Vec<Position>, ()> {
    polyline::decode(text).map_err(drop)
}
