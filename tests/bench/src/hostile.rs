//! Hostile: questions that nobody asks in good faith, and how long the slowest of them takes.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    time::{Duration, Instant},
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{client::Client, number::percentile, process::Server, random::Random, world::World};

/// No answer may take longer.
pub const MARK: Duration = Duration::from_millis(20);
/// Pages of one walk.
const PAGES: u64 = 50;
/// Corners of a ring.
const CORNERS: u32 = 500;

/// A way to be hostile.
struct Way {
    name: &'static str,
    make: fn(&World, &mut Random) -> String,
    /// Whether it goes on from page to page.
    walks: bool,
}

const fn way(name: &'static str, make: fn(&World, &mut Random) -> String) -> Way {
    Way { name, make, walks: false }
}

/// All ways. What the service does not know yet is 400, and that is an answer too.
static WAYS: &[Way] = &[
    way("one word of 200 letters", |_, random| format!("/v1/discover?q={}", letters(200, random))),
    way("40 words of 4 letters", |_, random| {
        let words: Vec<String> = (0..40).map(|_| letters(4, random)).collect();
        format!("/v1/discover?q={}", words.join("%20"))
    }),
    way("40 common words", |world, random| {
        let words = encoded(&world.vocabulary.sought(40, random).replace("%20", " "));
        format!("/v1/discover?q={}", words.get(..200).unwrap_or(&words))
    }),
    way("one letter", |_, random| format!("/v1/discover?q={}&limit=100", letters(1, random))),
    way("suggest one letter", |_, random| format!("/v1/suggest?q={}&limit=20", letters(1, random))),
    way("wildcards", |_, random| {
        let signs = ["%", "_", "*", "?", ".*", "[a-z]", "(", "\\", "'", "\"", "~9", "^a", "-a"];
        let text: String = (0..60).map(|_| *random.pick(&signs)).collect();
        format!("/v1/discover?q={}", encoded(&text))
    }),
    way("emoji and marks", |_, random| {
        let signs = ["🎭", "👩‍🎨", "🇮🇩", "e\u{301}", "ꦧ", "\u{200d}", "ﷺ", "ß"];
        let text: String = (0..60).map(|_| *random.pick(&signs)).collect();
        format!("/v1/discover?q={}", encoded(&text))
    }),
    way("the whole world", |_, random| {
        let seed = letters(8, random);
        format!("/v1/discover?bbox=-180,-90,180,90&limit=100&sort=fair&seed={seed}")
    }),
    way("by name, everywhere", |_, random| {
        format!("/v1/discover?sort=name&limit=100&lang={}", random.pick(&["id", "en", "jv"]))
    }),
    way("100 km, by distance", |world, random| {
        format!("{}&limit=100&sort=distance", far(world, random))
    }),
    way("100 km, words", |world, random| {
        format!("{}&limit=100&q={}", far(world, random), world.vocabulary.sought(2, random))
    }),
    way("100 km, open now", |world, random| {
        format!("{}&limit=100&open_at=now", far(world, random))
    }),
    way("100 km, ten years of events", |world, random| {
        format!("{}&limit=100&from=2026-01-01&to=2035-12-31", far(world, random))
    }),
    way("100 km, all facets", |world, random| {
        let names = search::Facet::NAMES.iter().map(|name| format!("&facets={name}"));
        format!("{}{}", far(world, random), names.collect::<String>())
    }),
    Way {
        name: "50 pages of 100, by distance",
        make: |world, random| format!("{}&limit=100", far(world, random)),
        walks: true,
    },
    Way {
        name: "50 pages of 100, by words",
        make: |world, random| {
            format!("/v1/discover?q={}&limit=100", world.vocabulary.sought(2, random))
        },
        walks: true,
    },
    way("a forged cursor", |_, random| format!("/v1/discover?cursor={}", letters(400, random))),
    way("100 ids", |_, random| {
        let ids: String = (0..100).fold(String::new(), |mut ids, _| {
            let bits = u128::from(random.next()) << 64 | u128::from(random.next());
            let _ = write!(ids, "&id={}", uuid::Uuid::from_u128(bits));
            ids
        });
        format!("/v1/discover?limit=100{ids}")
    }),
    way("filters again and again", |world, random| {
        let mut path = "/v1/discover?limit=100".to_owned();
        for _ in 0..100 {
            let _ = write!(path, "&category={}&tag=family", world.category(random));
            path.push_str("&facility=parking&payment=qris&material=clay");
        }
        path
    }),
    way("a ring of 500 corners", |_, random| format!("/v1/discover?within={}", ring(random))),
    way("a route of 500 points", |_, random| {
        format!("/v1/discover?route={}&corridor_m=5000", ring(random))
    }),
];

fn letters(count: usize, random: &mut Random) -> String {
    (0..count).map(|_| char::from(*random.pick(b"abcdefghijklmnopqrstuvwxyz"))).collect()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn far(world: &World, random: &mut Random) -> String {
    let number = random.next();
    let at = world.town.asker(number, random);
    format!("/v1/discover?lat={:.7}&lon={:.7}&radius_m=100000", at.lat, at.lon)
}

/// A star of many corners around Bantul as an encoded polyline.
fn ring(random: &mut Random) -> String {
    let corners: Vec<(f64, f64)> = (0..CORNERS)
        .map(|corner| {
            let angle = std::f64::consts::TAU * f64::from(corner) / f64::from(CORNERS);
            let radius = random.between(0.05, 0.4);
            (-7.9 + radius * angle.sin(), 110.35 + radius * angle.cos())
        })
        .collect();
    encoded(&polyline(&corners))
}

/// Latitudes and longitudes as an encoded polyline of five decimals: each number less the one
/// before it, zigzag, in groups of five bits from the lowest on.
fn polyline(points: &[(f64, f64)]) -> String {
    let mut text = String::new();
    let mut last = (0, 0);
    for (lat, lon) in points {
        let now = (hundred_thousandths(*lat), hundred_thousandths(*lon));
        for step in [now.0 - last.0, now.1 - last.1] {
            let mut rest = ((step << 1) ^ (step >> 31)).cast_unsigned();
            loop {
                let more = if rest >= 0x20 { 0x20 } else { 0 };
                let group = u8::try_from(rest & 0x1f).expect("it has five bits");
                text.push(char::from((group | more) + 63));
                rest >>= 5;
                if more == 0 {
                    break;
                }
            }
        }
        last = now;
    }
    text
}

#[expect(clippy::cast_possible_truncation, reason = "180 degrees are 18,000,000 of them")]
fn hundred_thousandths(degrees: f64) -> i32 {
    (degrees * 1e5).round() as i32
}

/// What came of one way.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was tried.
    pub name: &'static str,
    /// How long each answer took, the shortest first.
    pub latencies: Vec<Duration>,
    /// How often each status came.
    pub statuses: BTreeMap<u16, u64>,
    /// What took longest.
    pub slowest: String,
}

impl Outcome {
    /// The longest.
    pub fn longest(&self) -> Duration {
        self.latencies.last().copied().unwrap_or_default()
    }

    /// What 99 of 100 do not exceed.
    pub fn p99(&self) -> Duration {
        percentile(&self.latencies, 99)
    }

    /// Whether every answer was an answer: done, or said what was wrong with the question.
    pub fn is_well(&self) -> bool {
        self.statuses
            .keys()
            .all(|status| (200..300).contains(status) || (400..500).contains(status))
    }
}

/// Asks `count` hostile questions, every way in turn, over one connection; stops after `patience`.
///
/// # Errors
/// When the server does not answer.
pub async fn attack(
    griya: &Server,
    world: &World,
    count: u64,
    patience: Duration,
) -> io::Result<Vec<Outcome>> {
    let begun = Instant::now();
    let mut client = Client::new(griya.address);
    let mut outcomes: Vec<Outcome> =
        WAYS.iter().map(|way| Outcome { name: way.name, ..Outcome::default() }).collect();
    let mut cursors: Vec<Option<String>> = vec![None; WAYS.len()];
    for number in 0..count.div_ceil(WAYS.len() as u64) {
        for (at, way) in WAYS.iter().enumerate() {
            if begun.elapsed() > patience {
                break;
            }
            let path = way.path(world, at, number, cursors[at].as_deref());
            let (status, cursor) = outcomes[at].ask(&mut client, path, way.walks).await?;
            cursors[at] = cursor.filter(|_| status == 200);
        }
    }
    outcomes.iter_mut().for_each(|outcome| outcome.latencies.sort_unstable());
    Ok(outcomes)
}

impl Way {
    /// Its question of that number: a walk goes on at `cursor`.
    fn path(&self, world: &World, at: usize, number: u64, cursor: Option<&str>) -> String {
        let of = if self.walks { number / PAGES } else { number };
        let mut random = world.random((at as u64 + 100) << 40 | of);
        let path = (self.make)(world, &mut random);
        match cursor.filter(|_| !number.is_multiple_of(PAGES)) {
            Some(cursor) => format!("{path}&cursor={cursor}"),
            None => path,
        }
    }
}

impl Outcome {
    async fn ask(
        &mut self,
        client: &mut Client,
        path: String,
        walks: bool,
    ) -> io::Result<(u16, Option<String>)> {
        let asked = Instant::now();
        let reply = client.get(&path, None).await?;
        let took = asked.elapsed();
        let status = reply.status;
        let cursor = walks.then(|| serde_json::from_slice::<Value>(reply.body).ok()).flatten();
        let cursor = cursor.and_then(|body| Some(body["cursor"].as_str()?.to_owned()));
        if self.latencies.iter().all(|other| *other < took) {
            self.slowest = path;
        }
        self.latencies.push(took);
        *self.statuses.entry(status).or_default() += 1;
        Ok((status, cursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Vocabulary;

    #[test]
    fn the_documented_example_of_the_polyline_comes_out_as_documented() {
        let points = [(38.5, -120.2), (40.7, -120.95), (43.252, -126.453)];
        assert_eq!(polyline(&points), "_p~iF~ps|U_ulLnnqC_mqNvxq`@");
    }

    #[test]
    fn every_question_is_one_line_without_a_space() {
        let world = World::new(42, Vocabulary::built_in());
        for (at, way) in WAYS.iter().enumerate() {
            let path = way.path(&world, at, 7, Some("abc"));
            assert!(path.starts_with("/v1/"), "{path}");
            assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
        }
    }
}
