//! Town: where the listings of the benchmark lie.
//!
//! Thirty real centres of Yogyakarta and its surroundings. Most listings stand along streets of a
//! centre, some around it, a few anywhere in the country.

use crate::random::{Random, Weights};

/// Degrees WGS 84.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub lon: f64,
    pub lat: f64,
}

impl Point {
    const fn new(lon: f64, lat: f64) -> Self {
        Self { lon, lat }
    }

    /// The point so many metres east and north, good enough for a few kilometres at 8° south: a
    /// degree of latitude is 111,194.9 m on the mean sphere.
    fn moved(self, east_m: f64, north_m: f64) -> Self {
        const DEGREE_M: f64 = 111_194.9;
        let degree_east_m = DEGREE_M * 7.7956_f64.to_radians().cos();
        Self { lon: self.lon + east_m / degree_east_m, lat: self.lat + north_m / DEGREE_M }
    }

    fn scattered(self, sigma_m: f64, random: &mut Random) -> Self {
        let east_m = random.normal(sigma_m);
        self.moved(east_m, random.normal(sigma_m))
    }
}

/// A centre: its name, point, spread in metres, and weight.
struct Centre(&'static str, Point, f64, f64);

/// Approximate true points.
#[rustfmt::skip]
static CENTRES: [Centre; 30] = [
    Centre("Malioboro", Point::new(110.3658, -7.7926), 450.0, 10.0),
    Centre("Keraton", Point::new(110.3642, -7.8053), 500.0, 6.0),
    Centre("Taman Sari", Point::new(110.3592, -7.8100), 350.0, 3.0),
    Centre("Prawirotaman", Point::new(110.3722, -7.8195), 450.0, 5.0),
    Centre("Kotagede", Point::new(110.4010, -7.8290), 600.0, 6.0),
    Centre("Kasongan", Point::new(110.3400, -7.8450), 700.0, 4.0),
    Centre("Manding", Point::new(110.3450, -7.8960), 600.0, 2.0),
    Centre("Imogiri", Point::new(110.3860, -7.9230), 900.0, 2.5),
    Centre("Giriloyo", Point::new(110.4000, -7.9180), 500.0, 1.5),
    Centre("Krebet", Point::new(110.2950, -7.8720), 500.0, 1.0),
    Centre("Wukirsari", Point::new(110.4060, -7.9100), 700.0, 1.2),
    Centre("Tembi", Point::new(110.3540, -7.8730), 600.0, 1.2),
    Centre("Gamplong", Point::new(110.2420, -7.8030), 600.0, 0.8),
    Centre("Sleman", Point::new(110.3550, -7.7160), 1500.0, 3.0),
    Centre("Kaliurang", Point::new(110.4290, -7.5960), 1500.0, 2.5),
    Centre("Prambanan", Point::new(110.4910, -7.7520), 1200.0, 4.0),
    Centre("Borobudur", Point::new(110.2040, -7.6080), 1500.0, 4.0),
    Centre("Wonosari", Point::new(110.5990, -7.9650), 1800.0, 2.0),
    Centre("Parangtritis", Point::new(110.3290, -8.0240), 1500.0, 2.0),
    Centre("Baron", Point::new(110.5480, -8.1290), 2500.0, 1.5),
    Centre("Wates", Point::new(110.1590, -7.8590), 1500.0, 1.2),
    Centre("Kalibiru", Point::new(110.1280, -7.8060), 1800.0, 0.8),
    Centre("Seturan", Point::new(110.4070, -7.7690), 1200.0, 5.0),
    Centre("Bulaksumur", Point::new(110.3780, -7.7710), 900.0, 5.0),
    Centre("Jalan Solo", Point::new(110.4020, -7.7830), 900.0, 4.0),
    Centre("Gamping", Point::new(110.3270, -7.7960), 1200.0, 2.0),
    Centre("Bantul", Point::new(110.3290, -7.8880), 1500.0, 2.5),
    Centre("Klaten", Point::new(110.6060, -7.7050), 2000.0, 2.0),
    Centre("Magelang", Point::new(110.2170, -7.4800), 1800.0, 2.0),
    Centre("Laweyan", Point::new(110.7960, -7.5700), 1500.0, 2.0),
];

/// A street: its middle, its direction (east and north of one metre), half its length in metres.
#[derive(Debug)]
struct Street {
    middle: Point,
    direction: (f64, f64),
    half_m: f64,
}

/// The streets of all centres.
#[derive(Debug)]
pub struct Town {
    streets: Vec<Street>,
    by_street: Weights,
    by_centre: Weights,
}

/// Of a hundred listings, how many stand along a street, and how many of the rest near a centre.
const ON_A_STREET: f64 = 0.70;
const NEAR_A_CENTRE: f64 = 0.73;

impl Town {
    /// The streets under `seed`.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, u64::MAX);
        let (mut streets, mut weights) = (Vec::new(), Vec::new());
        for Centre(_, point, sigma_m, weight) in &CENTRES {
            // Six streets for each unit of weight, at least four.
            let mut left = (weight * 6.0).max(4.0);
            while left >= 1.0 {
                let angle = random.between(0.0, std::f64::consts::PI);
                streets.push(Street {
                    middle: point.scattered(*sigma_m, &mut random),
                    direction: (angle.cos(), angle.sin()),
                    half_m: random.between(80.0, 700.0),
                });
                weights.push(*weight);
                left -= 1.0;
            }
        }
        let by_centre = Weights::new(CENTRES.iter().map(|Centre(.., weight)| *weight));
        Self { streets, by_street: Weights::new(weights), by_centre }
    }

    /// Where a listing lies.
    pub fn listing(&self, random: &mut Random) -> Point {
        if random.chance(ON_A_STREET) {
            let street = &self.streets[self.by_street.draw(random)];
            let along_m = random.between(-street.half_m, street.half_m);
            let (east, north) = street.direction;
            return street.middle.moved(along_m * east, along_m * north).scattered(12.0, random);
        }
        if random.chance(NEAR_A_CENTRE) {
            return self.centre(2.5, random);
        }
        Point::new(random.between(110.00, 110.90), random.between(-8.20, -7.40))
    }

    fn centre(&self, spread: f64, random: &mut Random) -> Point {
        let Centre(_, point, sigma_m, _) = &CENTRES[self.by_centre.draw(random)];
        point.scattered(sigma_m * spread, random)
    }

    /// Where somebody asks, in turn: in the densest centre, anywhere, and twice in some centre.
    pub fn asker(&self, number: u64, random: &mut Random) -> Point {
        match number % 4 {
            0 => Self::dense(random),
            1 => Point::new(random.between(110.05, 110.85), random.between(-8.15, -7.45)),
            _ => self.centre(1.0, random),
        }
    }

    /// Where somebody asks in the densest centre.
    pub fn dense(random: &mut Random) -> Point {
        CENTRES[0].1.scattered(440.0, random)
    }

    /// The names of the centres.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CENTRES.iter().map(|Centre(name, ..)| *name)
    }
}
