//! A made-up world of listings that changes, in an index of many segments and as plain records.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    event,
    key::Slug,
    listing::{self, Kind, Stamp, Status},
    place, producer,
    record::{Detail, Record},
    reference::Reference,
};
use search::{Changes, Checkpoint, Index};
use serde_json::{Value, json};
use tests::{Service, at};
use uuid::Uuid;

/// Numbers that look random and are the same for the same seed (`SplitMix64`, Steele et al. 2014).
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        let share = f64::from(u32::try_from(self.next() >> 32).unwrap()) / f64::from(u32::MAX);
        low + (high - low) * share
    }

    pub fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// At most `most` of them, perhaps none and perhaps one twice.
    pub fn some<T: Clone>(&mut self, of: &[T], most: usize) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| self.one(of).clone()).collect()
    }
}

/// Words of names and summaries: no two, and no tag, are typing errors apart or begin so.
pub const WORDS: [&str; 24] = [
    "samudra",
    "lereng",
    "kembang",
    "gendhis",
    "purnama",
    "wijaya",
    "tirta",
    "bambu",
    "jagung",
    "merapi",
    "sekar",
    "pondok",
    "lestari",
    "angklung",
    "kencana",
    "bougenville",
    "dirgantara",
    "nusantara",
    "pelangi",
    "rembulan",
    "cendrawasih",
    "umbul",
    "yogyakarta",
    "halaman",
];
pub const TAGS: [&str; 6] = ["keluarga", "sunset", "murah", "foto", "warisan", "sepeda"];
pub const FACILITIES: [&str; 4] = ["parking", "toilet", "food", "guide"];
pub const PAYMENTS: [&str; 3] = ["cash", "qris", "card"];
pub const TONGUES: [&str; 3] = ["id", "en", "jv"];
pub const TERMS: [&str; 4] = ["tulis", "cap", "jati", "katun"];
pub const ZONES: [&str; 4] = ["Asia/Jakarta", "Asia/Tokyo", "America/New_York", "UTC"];
const HOURS: [&str; 10] = [
    "24/7",
    "08:00-17:00",
    "Mo-Fr 09:00-15:00",
    "Tu-Su 08:00-16:00; Mo off",
    "Fr,Sa 18:00-02:00",
    "Sa,Su,PH 06:00-15:00",
    "Mo-Sa 08:00-12:00,13:00-16:00",
    "PH off; 07:00-21:00",
    "unknown",
    "Su[1] 07:00-12:00",
];

/// What the listings refer to: that of the fixtures.
pub fn reference() -> &'static Reference {
    static REFERENCE: OnceLock<Reference> = OnceLock::new();
    let make = || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let snapshot = runtime.block_on(async { Service::start().await.app.index.snapshot() });
        Reference::clone(snapshot.reference())
    };
    // A thread of its own: a runtime cannot be started inside another.
    REFERENCE.get_or_init(|| std::thread::spawn(make).join().unwrap())
}

/// Listings as they are now, and an index that came to know them bit by bit.
pub struct World {
    pub index: Index,
    /// Those that are published.
    pub records: BTreeMap<Uuid, Record>,
    pub random: Random,
    seq: i64,
}

impl World {
    /// A world of about `size` listings: most came at once, the rest in short and long runs.
    pub fn new(seed: u64, size: usize) -> Self {
        let mut world = Self::empty(seed);
        let first = world.newcomers(size * 3 / 4);
        world.take(first);
        while world.records.len() < size {
            let run = 1 + world.random.below(size / 20 + 1);
            let newcomers = world.newcomers(run);
            world.take(newcomers);
            world.change(run / 2);
            if world.random.chance(20) {
                let now = world.moment();
                world.index.tidy(now);
            }
            if world.random.chance(20) {
                world.start_anew();
            }
        }
        world
    }

    /// The index as it is after a start from a checkpoint.
    fn start_anew(&mut self) {
        let mut file = Vec::new();
        self.index.snapshot().write(b"", &mut file).unwrap();
        let found = Checkpoint::open(&file[..], file.len() as u64).unwrap();
        self.index.publish(found.read(reference().clone()).unwrap());
    }

    /// A world of no listings.
    pub fn empty(seed: u64) -> Self {
        let index = Index::default();
        let reference = Some(reference().clone());
        index.apply(Changes { reference, ..Changes::default() });
        Self { index, records: BTreeMap::new(), random: Random(seed), seq: 0 }
    }

    /// Does something to so many listings at once; who is not what they were before.
    pub fn change(&mut self, deeds: usize) -> BTreeSet<Uuid> {
        let mut changes: BTreeMap<Uuid, Option<Record>> = BTreeMap::new();
        for _ in 0..deeds {
            let (id, record) = self.deed();
            changes.insert(id, record);
        }
        let touched = changes.keys().copied().collect();
        let touched = self.with_guests(touched);
        self.take(changes.into_iter().collect());
        touched
    }

    /// Something that is done to one listing.
    fn deed(&mut self) -> (Uuid, Option<Record>) {
        let known: Vec<Uuid> = self.records.keys().copied().collect();
        if known.is_empty() || self.random.chance(25) {
            let id = self.id();
            return (id, Some(self.record(id)));
        }
        let id = *self.random.one(&known);
        let mut record = self.records[&id].clone();
        match self.random.below(6) {
            0 => return (id, None),
            1 => record.listing.status = Status::Suspended,
            2 => record.listing.status = Status::Archived,
            3 => record = self.record(id),
            4 => record.listing.updated_at = self.moment(),
            _ => {
                record.listing.latitude = record.listing.latitude.map(|lat| lat + 0.01);
            }
        }
        record.listing.version += 1;
        (id, Some(record))
    }

    /// An event shows its venue's point and is found by its name: it changes with it.
    fn with_guests(&self, mut ids: BTreeSet<Uuid>) -> BTreeSet<Uuid> {
        let guests = self.records.values().filter(|record| {
            record.event().and_then(|event| event.venue).is_some_and(|venue| ids.contains(&venue))
        });
        let guests: Vec<Uuid> = guests.map(|record| record.listing.id).collect();
        ids.extend(guests);
        ids
    }

    /// Takes in new states of listings, all at once.
    pub fn take(&mut self, changes: Vec<(Uuid, Option<Record>)>) {
        for (id, record) in &changes {
            self.records.remove(id);
            if let Some(record) = record.as_ref().filter(|record| record.listing.is_public()) {
                self.records.insert(*id, record.clone());
            }
        }
        self.seq += 1;
        self.index.apply(Changes { records: changes, reference: None, seq: self.seq });
    }

    pub fn newcomers(&mut self, count: usize) -> Vec<(Uuid, Option<Record>)> {
        let one = |_| {
            let id = self.id();
            (id, Some(self.record(id)))
        };
        (0..count).map(one).collect()
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.random.next(), self.random.next())
    }

    /// Some minute of the five years before the tests' noon.
    fn moment(&mut self) -> DateTime<Utc> {
        let minutes = i64::try_from(self.random.below(5 * 365 * 1440)).unwrap();
        at(tests::NOON) - TimeDelta::minutes(minutes)
    }

    /// A made-up listing.
    pub fn record(&mut self, id: Uuid) -> Record {
        let kind = *self.random.one(&[
            Kind::Place,
            Kind::Place,
            Kind::Place,
            Kind::Producer,
            Kind::Producer,
            Kind::Event,
        ]);
        let now = self.moment();
        let stamp = Stamp {
            id,
            version: 1,
            created_at: now,
            now,
            published_at: Some(now),
            merged_into: None,
        };
        let slug = Slug::from_name(&format!("listing {}", id.simple())).unwrap();
        let draft: listing::Draft = serde_json::from_value(self.listing()).unwrap();
        let mut listing = draft.into_row(kind, Status::Published, slug, None, &stamp);
        let areas: Vec<_> = reference().areas().map(|area| area.row.code.clone()).collect();
        listing.area = self.random.chance(85).then(|| self.random.one(&areas).clone());
        let detail = match kind {
            Kind::Place => {
                let draft: place::Draft = serde_json::from_value(self.place()).unwrap();
                Detail::Place(draft.into_row(id))
            }
            Kind::Producer => {
                let draft: producer::Draft = serde_json::from_value(self.producer()).unwrap();
                Detail::Producer(draft.into_row(id))
            }
            Kind::Event => {
                let draft: event::Draft = serde_json::from_value(self.event()).unwrap();
                Detail::Event(draft.into_row(id))
            }
        };
        Record { listing, detail, products: Vec::new(), former_slugs: Vec::new() }
    }

    fn listing(&mut self) -> Value {
        let random = &mut self.random;
        let categories: Vec<_> = reference().categories().map(|c| c.code.to_string()).collect();
        let agencies: Vec<_> = reference().agencies().map(|a| a.id.to_string()).collect();
        let name = |random: &mut Random| {
            (0..=random.below(3)).map(|_| random.pick(&WORDS)).collect::<Vec<_>>().join(" ")
        };
        let mut draft = json!({
            "name": { "id": name(random) },
            "summary": { "id": name(random) },
            "category": random.one(&categories),
            "categories": random.some(&categories, 2),
            "tags": random.some(&TAGS, 3),
            "facilities": random.some(&FACILITIES, 3),
            "payments": random.some(&PAYMENTS, 2),
            "languages_spoken": random.some(&TONGUES, 2),
            "sample": random.chance(20),
            "zone": random.pick(&ZONES),
            "source": { "name": "made up" },
            "licence": "CC0-1.0",
        });
        if random.chance(40) {
            draft["name"]["en"] = name(random).into();
        }
        if random.chance(30) {
            draft["accessibility"] = json!({ "hearing": random.chance(70), "visual": true });
        }
        if random.chance(30) {
            draft["responsible_agency"] = json!(random.one(&agencies));
        }
        if random.chance(60) {
            draft["hours"] = random.pick(&HOURS).into();
        }
        if random.chance(12) {
            let from = random.pick(&["2026-11-20T00:00:00+07:00", "2026-11-24T12:00:00+07:00"]);
            let mut closure = json!({
                "kind": random.pick(&["closure", "info"]),
                "from": from,
                "text": { "id": "Libur" },
                "source": "made up",
            });
            if random.chance(70) {
                closure["to"] = "2026-12-02T00:00:00+07:00".into();
            }
            draft["notices"] = json!([closure]);
        }
        if random.chance(85) {
            draft["location"] = point(random);
        }
        draft
    }

    fn place(&mut self) -> Value {
        let random = &mut self.random;
        let mut draft = json!({});
        if random.chance(50) {
            draft["admission"] = json!({ "free": random.chance(50), "prices": [] });
        }
        if random.chance(20) {
            draft["awards"] = json!([{ "name": "Desa Wisata", "year": 2024 }]);
        }
        draft
    }

    fn producer(&mut self) -> Value {
        let random = &mut self.random;
        let mut draft = json!({
            "form": random.pick(&["maker", "group", "centre"]),
            "craft": "batik",
            "visit": "open",
            "materials": random.some(&TERMS, 2),
            "techniques": random.some(&TERMS, 2),
        });
        if random.chance(50) {
            draft["made_to_order"] = random.chance(50).into();
        }
        if random.chance(20) {
            draft["certificates"] = json!([{ "type": "halal" }]);
        }
        if random.chance(20) {
            draft["workshops"] = json!([{ "title": { "id": "Membatik" }, "minutes": 60 }]);
        }
        draft
    }

    fn event(&mut self) -> Value {
        let places: Vec<Uuid> =
            self.records.values().filter(|r| r.place().is_some()).map(|r| r.listing.id).collect();
        let random = &mut self.random;
        let status =
            random.pick(&["scheduled", "scheduled", "cancelled", "postponed", "moved_online"]);
        let mut draft = json!({ "schedule": schedule(random), "event_status": status });
        if !places.is_empty() && random.chance(60) {
            draft["venue"] = json!(random.one(&places));
        }
        draft
    }
}

/// One of a few dozen crowded corners, often the very corner; now and then far away.
fn point(random: &mut Random) -> Value {
    if random.chance(4) {
        return json!({ "lat": random.between(-80.0, 80.0), "lon": random.between(-180.0, 180.0) });
    }
    if random.chance(2) {
        return json!({ "lat": random.between(-9.0, -7.0), "lon": random.pick(&[&180.0, &-180.0]) });
    }
    let mut corner = || *random.one(&[0.0, 0.06, 0.12, 0.18, 0.24, 0.3]);
    let (lat, lon) = (-8.0 + corner(), 110.2 + corner());
    if random.chance(30) {
        return json!({ "lat": lat, "lon": lon });
    }
    let spread = *random.one(&[0.000_01, 0.001, 0.02]);
    json!({
        "lat": lat + random.between(-spread, spread),
        "lon": lon + random.between(-spread, spread),
    })
}

fn schedule(random: &mut Random) -> Value {
    let day = 1 + random.below(28);
    let month = 1 + random.below(12);
    let year = 2024 + random.below(5);
    match random.below(6) {
        0 => json!({ "type": "dates", "sessions": [
            { "start": format!("{year}-{month:02}-{day:02}"), "end": format!("{}-01-01", year + 1) },
        ] }),
        1 | 2 => {
            let hour = random.below(22);
            let session = |month: usize| {
                json!({
                    "start": format!("{year}-{month:02}-{day:02}T{hour:02}:00:00+07:00"),
                    "end": format!("{year}-{month:02}-{day:02}T{:02}:30:00+07:00", hour + 1),
                })
            };
            json!({ "type": "dates", "sessions": [session(month), session(13 - month)] })
        }
        3 => json!({
            "type": "rrule",
            "start": format!("202{}-01-0{}T06:00:00+07:00", random.below(9), 1 + random.below(9)),
            "duration_min": 30 + random.below(4) * 600,
            "rrule": random.pick(&["FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY", "FREQ=YEARLY"]),
        }),
        4 => json!({
            "type": "rrule",
            "start": "2026-01-05T19:00:00+07:00",
            "rrule": random.pick(&["FREQ=WEEKLY", "FREQ=DAILY;INTERVAL=9;COUNT=60"]),
        }),
        _ => json!({
            "type": "javanese",
            "rule": random.one(&[
                json!({ "weekday": "tuesday", "pasaran": "kliwon" }),
                json!({ "month": "sura", "day": 1 }),
            ]),
            "days": 1 + random.below(3),
        }),
    }
}
