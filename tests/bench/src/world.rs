//! World: listings that nobody has ever seen, as the seed format has them.
//!
//! Each is made of the seed and its number alone: it can be made again by itself, and a larger
//! world begins with the smaller one.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
};

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::{
    random::{Random, Weights},
    town::Town,
    vocabulary::Vocabulary,
};

/// Changes whenever the same seed and size would make other bytes.
pub const EDITION: u32 = 1;

/// Of a hundred listings, how many are events.
const EVENTS: f64 = 0.06;
/// Events lie within two years of it. Fixed: the data of a run do not depend on its day.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 12, 1).expect("it is a day");
const DAYS_OF_EVENTS: usize = 730;

/// A category with its craft, if producers are of it, and its weight.
struct Category(&'static str, Option<&'static str>, f64);

#[rustfmt::skip]
static CATEGORIES: [Category; 36] = [
    Category("craft.batik", Some("batik"), 6.0), Category("craft.silver", Some("silver"), 4.0),
    Category("craft.pottery", Some("pottery"), 4.0), Category("craft.leather", Some("leather"), 3.0),
    Category("craft.wayang", Some("wayang"), 2.0), Category("craft.wood", Some("wood"), 3.0),
    Category("craft.bamboo", Some("bamboo"), 2.0), Category("craft.weaving", Some("weaving"), 2.0),
    Category("craft.stone", Some("stone"), 2.0), Category("craft.keris", Some("keris"), 2.0),
    Category("craft.herbal", Some("herbal"), 4.0), Category("craft.mixed", Some("mixed"), 6.0),
    Category("food.snack", Some("food"), 5.0), Category("food.drink", Some("food"), 3.0),
    Category("food.restaurant", None, 8.0), Category("food.noodle", None, 3.0),
    Category("food.cafe", None, 5.0), Category("village.tourism", None, 4.0),
    Category("village.culture", None, 3.0), Category("culture.mosque", None, 4.0),
    Category("culture.church", None, 2.0), Category("culture.pilgrimage", None, 3.0),
    Category("culture.temple", None, 1.0), Category("culture.museum", None, 1.5),
    Category("nature.beach", None, 1.0), Category("nature.cave", None, 0.5),
    Category("nature.waterfall", None, 0.5), Category("nature.lake", None, 2.0),
    Category("nature.river", None, 2.0), Category("nature.forest", None, 0.5),
    Category("nature.hill", None, 2.0), Category("recreation.viewpoint", None, 1.5),
    Category("recreation.park", None, 3.0), Category("recreation.market", None, 4.0),
    Category("recreation.agro", None, 2.0), Category("recreation.pool", None, 2.0),
];

const EVENT_CATEGORIES: [&str; 5] =
    ["event.performance", "event.market", "event.workshop", "event.exhibition", "event.festival"];
const DAYS: [&str; 4] = ["Mo-Su", "Mo-Sa", "Tu-Su", "Mo-Fr"];
const OPENS: [usize; 9] = [6, 7, 8, 8, 9, 9, 10, 11, 17];
const TAGS: [&str; 8] =
    ["sunset", "family", "handmade", "night", "morning", "quiet", "river", "heritage"];
const FACILITIES: [&str; 6] = ["parking", "toilet", "prayer_room", "food", "wifi", "souvenir"];
const PAYMENTS: [&str; 4] = ["cash", "qris", "card", "transfer"];
const MATERIALS: [&str; 8] =
    ["cotton", "silver", "clay", "leather", "teak", "bamboo", "silk", "brass"];
const TECHNIQUES: [&str; 5] = ["tulis", "cap", "carved", "woven", "hand_thrown"];

/// One listing.
#[derive(Debug)]
pub struct Listing {
    /// As paths and files have it: `places`, `producers`, `events`.
    pub kind: &'static str,
    /// What its path ends in.
    pub slug: String,
    /// The record of the seed format.
    pub record: Value,
}

/// All listings that there could be.
#[derive(Debug)]
pub struct World {
    /// Where they lie.
    pub town: Town,
    /// What is said of them.
    pub vocabulary: Vocabulary,
    seed: u64,
    by_category: Weights,
    by_days: Weights,
}

impl World {
    /// The world under `seed`.
    pub fn new(seed: u64, vocabulary: Vocabulary) -> Self {
        let by_category = Weights::new(CATEGORIES.iter().map(|Category(.., weight)| *weight));
        let by_days = Weights::new([6.0, 2.0, 2.0, 1.0]);
        Self { town: Town::new(seed), vocabulary, seed, by_category, by_days }
    }

    /// Chance for whoever asks this world: `stream` tells askers apart.
    pub fn random(&self, stream: u64) -> Random {
        Random::new(!self.seed, stream)
    }

    /// A category that listings have, as often as they have it.
    pub fn category(&self, random: &mut Random) -> &'static str {
        CATEGORIES[self.by_category.draw(random)].0
    }

    /// The listing of that number.
    pub fn listing(&self, number: u64) -> Listing {
        let mut random = Random::new(self.seed, number);
        let mut record = self.shared(number, &mut random);
        let kind = if random.chance(EVENTS) {
            record["category"] = json!(random.pick(&EVENT_CATEGORIES));
            record["schedule"] = schedule(&mut random);
            "events"
        } else {
            let Category(code, craft, _) = CATEGORIES[self.by_category.draw(&mut random)];
            record["category"] = json!(code);
            if random.chance(0.85) {
                record["hours"] = json!(self.hours(&mut random));
            }
            match craft {
                Some(craft) => producer(&mut record, craft, &mut random),
                None => place(&mut record, &mut random),
            }
        };
        let slug = record["slug"].as_str().unwrap_or_default().to_owned();
        Listing { kind, slug, record }
    }

    /// What every listing has.
    fn shared(&self, number: u64, random: &mut Random) -> Value {
        let name = self.vocabulary.name(random);
        let slug = format!("{}-{number}", name.to_ascii_lowercase().replace(' ', "-"));
        let english = name.split_once(' ').map(|(first, rest)| format!("{rest} {first}"));
        let [indonesian, in_english] = self.vocabulary.summaries(random);
        let at = self.town.listing(random);
        json!({
            "slug": slug,
            "name": {"id": name, "en": english.unwrap_or_default()},
            "summary": {"id": indonesian, "en": in_english},
            "location": {"lat": six_decimals(at.lat), "lon": six_decimals(at.lon)},
            "tags": some(&TAGS, 0.15, random),
            "facilities": some(&FACILITIES, 0.4, random),
            "payments": some(&PAYMENTS, 0.5, random),
            "sample": true,
            "source": {"name": "made up for the benchmark"},
            "licence": "CC0-1.0",
        })
    }

    fn hours(&self, random: &mut Random) -> String {
        if random.chance(0.03) {
            return "24/7".to_owned();
        }
        let opens = *random.pick(&OPENS);
        // Who opens in the evening closes after midnight.
        let closes = (opens + *random.pick(&[8, 9, 10, 12])) % 24;
        format!("{} {opens:02}:00-{closes:02}:30", DAYS[self.by_days.draw(random)])
    }

    /// Writes the listings before `count` into `folder` as `griya seed` takes them, and of the
    /// fixtures what they refer to.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, count: u64, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for (name, text) in fixtures::FILES {
            let kinds = ["places.ndjson", "producers.ndjson", "products.ndjson", "events.ndjson"];
            if !kinds.contains(&name) {
                std::fs::write(folder.join(name), text)?;
            }
        }
        let file = |kind: &str| -> io::Result<BufWriter<File>> {
            Ok(BufWriter::new(File::create(folder.join(format!("{kind}.ndjson")))?))
        };
        let mut files = [file("places")?, file("producers")?, file("events")?];
        for number in 0..count {
            let listing = self.listing(number);
            let at =
                ["places", "producers", "events"].iter().position(|kind| *kind == listing.kind);
            writeln!(files[at.expect("there are three kinds")], "{}", listing.record)?;
        }
        files.iter_mut().try_for_each(|file| file.flush())
    }
}

fn producer(record: &mut Value, craft: &str, random: &mut Random) -> &'static str {
    record["craft"] = json!(craft);
    record["form"] = json!(random.pick(&["maker", "maker", "maker", "group", "centre"]));
    record["visit"] = json!(random.pick(&["open", "open", "appointment", "none"]));
    record["materials"] = some(&MATERIALS, 0.2, random);
    record["techniques"] = some(&TECHNIQUES, 0.25, random);
    record["made_to_order"] = json!(random.chance(0.4));
    "producers"
}

fn place(record: &mut Value, random: &mut Random) -> &'static str {
    if random.chance(0.4) {
        record["admission"] = json!({"free": true});
    }
    "places"
}

/// One to four sessions of two to eight hours.
fn schedule(random: &mut Random) -> Value {
    let sessions: Vec<Value> = (0..=random.below(4))
        .map(|_| {
            let day = FIRST_DAY + Days::new(random.below(DAYS_OF_EVENTS) as u64);
            let (from, hours) = (8 + random.below(8), 2 + random.below(7));
            let to = from + hours;
            json!({"start": format!("{day}T{from:02}:00:00+07:00"),
                   "end": format!("{day}T{to:02}:00:00+07:00")})
        })
        .collect();
    json!({"type": "dates", "sessions": sessions})
}

/// Those of `all` that chance keeps, each so `often`.
fn some(all: &[&str], often: f64, random: &mut Random) -> Value {
    all.iter().filter(|_| random.chance(often)).copied().collect()
}

/// A decimetre: as exact as anybody notes a point.
fn six_decimals(degrees: f64) -> f64 {
    (degrees * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use ::tests::Place;
    use api::seed::From;
    use domain::record;

    use super::*;

    fn bytes(seed: u64, count: u64) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        World::new(seed, Vocabulary::built_in()).write(count, folder.path()).unwrap();
        let files = ["places.ndjson", "producers.ndjson", "events.ndjson"];
        files.iter().flat_map(|file| std::fs::read(folder.path().join(file)).unwrap()).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_bytes_and_another_seed_does_not() {
        assert_eq!(bytes(42, 300), bytes(42, 300));
        assert_ne!(bytes(42, 300), bytes(43, 300));
    }

    #[test]
    fn a_larger_world_begins_with_the_smaller_one() {
        let world = World::new(42, Vocabulary::built_in());
        let [small, large] = [20, 40].map(|count| {
            let folder = tempfile::tempdir().unwrap();
            world.write(count, folder.path()).unwrap();
            std::fs::read_to_string(folder.path().join("places.ndjson")).unwrap()
        });
        assert!(large.starts_with(&small) && large.len() > small.len());
    }

    #[tokio::test]
    async fn the_importer_takes_every_listing() {
        let folder = tempfile::tempdir().unwrap();
        World::new(42, Vocabulary::built_in()).write(500, folder.path()).unwrap();
        let place = Place::empty().await;
        let store = place.open().await;
        // It panics at the first refusal.
        ::tests::pour(&store, From::Folder(folder.path())).await;
        let records = record::load_public(&store.reader).await.unwrap();
        assert_eq!(records.len(), 500);
        assert!(records.iter().filter(|record| record.event().is_some()).count() > 10);
        assert!(records.iter().filter(|record| record.producer().is_some()).count() > 100);
    }
}
