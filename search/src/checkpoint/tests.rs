use std::sync::OnceLock;

use chrono::DateTime;
use domain::{
    category, event,
    key::CategoryCode,
    listing::{self, Kind, Stamp, Status},
    place, producer, product,
    record::{Detail, Record},
};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::{Changes, Lookup, Query, Sort};

/// The format, and what the small world is in it.
///
/// When this test fails, what is kept has changed, or how a record is packed: files that older
/// programs wrote cannot be read any more. Raise [`FORMAT`] by one and write the new sum here.
#[test]
fn another_form_is_another_format() {
    assert_eq!((FORMAT, xxh3_64(small_file())), GOLDEN);
}

const GOLDEN: (u32, u64) = (2, 0xc31b_4c41_a7bb_7353);

fn stamp(id: u128, version: i64) -> Stamp {
    let now = DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap();
    Stamp {
        id: Uuid::from_u128(id),
        version,
        created_at: now,
        now,
        published_at: Some(now),
        merged_into: None,
    }
}

/// A listing with every member.
fn record(id: u128, kind: Kind, version: i64, detail: Detail) -> Record {
    let stamp = stamp(id, version);
    let (now, texts) =
        (stamp.now, json!({"id": "Batik Tulis", "en": "a “word” 海", "jv": "tembung"}));
    let draft: listing::Draft = serde_json::from_value(json!({
        "name": texts, "summary": texts, "description": texts,
        "location": {"lat": -8.0 + f64::from(u32::try_from(id).unwrap()) / 64.0, "lon": 110.3},
        "accuracy_m": 150, "geometry": {"type": "Point", "coordinates": [110.3, -8.0]},
        "address": {"street": "Jl. Parangtritis", "dusun": "Mancingan", "directions": texts},
        "category": "nature.beach", "categories": ["culture"], "tags": ["tebing"],
        "accessibility": {"hearing": false, "visual": true}, "facilities": ["parking"],
        "payments": ["qris"], "languages_spoken": ["id", "jav"],
        "contacts": [{"type": "phone", "value": "+62274", "public": true, "consent_at": now}],
        "media": [{"src": "/media/a.jpg", "width": 3, "height": 2, "alt": texts,
            "credit": "somebody", "licence": "CC0-1.0", "focal_point": [0.1, 0.7]}],
        "hours": if id.is_multiple_of(2) { "Mo-Fr 08:00-16:00" } else { "sunrise-sunset" },
        "zone": "Asia/Jakarta",
        "notices": [{"kind": "closure", "from": now, "text": texts, "source": "a sign"}],
        "sample": true, "sample_fields": ["hours"],
        "source": {"name": "a map", "url": "https://example.org/"},
        "licence": "CC-BY-4.0", "external_ids": {"osm": "way/1"}, "verified_at": now,
        "responsible_agency": "dinas-pariwisata", "see_also": [Uuid::from_u128(9)],
    }))
    .unwrap();
    let slug = format!("tempat-{id}").parse().unwrap();
    let mut listing = draft.into_row(kind, Status::Published, slug, None, &stamp);
    listing.area = Some("34.02.10.2003".parse().unwrap());
    Record { listing, detail, products: Vec::new(), former_slugs: Vec::new() }
}

fn place(id: u128, version: i64) -> Record {
    let draft: place::Draft = serde_json::from_value(json!({
        "admission": {"free": false, "prices": [{"group": "adult", "days": "any",
            "price": {"amount": 15000, "currency": "IDR"}}]},
        "awards": [{"name": "ADWI", "year": 2023}], "duration_min": 90,
        "legal_basis": {"number": "1/2020", "date": "2020-02-29"}, "managed_by": "Pokdarwis",
        "is_tourism_village": true, "heritage_register": "RNCB",
    }))
    .unwrap();
    record(id, Kind::Place, version, Detail::Place(draft.into_row(Uuid::from_u128(id))))
}

fn producer(id: u128) -> Record {
    let draft: producer::Draft = serde_json::from_value(json!({
        "form": "maker", "craft": "batik", "materials": ["silk"], "techniques": ["tulis"],
        "certificates": [{"type": "halal", "valid_until": "2027-01-01"}], "founded": 1950,
        "visit": "none", "workshops": [{"title": {"id": "Mbatik"}, "minutes": 120}],
        "made_to_order": false, "lead_time_days": 30, "export_ready": true,
    }))
    .unwrap();
    let product: product::Draft = serde_json::from_value(json!({
        "name": {"id": "Kain"}, "price": {"amount": 1, "currency": "IDR"}, "status": "sold_out",
        "order_links": ["https://example.org/"], "dimensions": "240 × 105 cm",
    }))
    .unwrap();
    let own = Uuid::from_u128(id);
    let mut record = record(id, Kind::Producer, 1, Detail::Producer(draft.into_row(own)));
    record.products.push(product.into_row(own, "kain".parse().unwrap(), &stamp(70, 1)));
    record.former_slugs.push("batik-lama".parse().unwrap());
    record
}

/// An event at the listing `venue`, without a point of its own.
fn event(id: u128, venue: u128) -> Record {
    let draft: event::Draft = serde_json::from_value(json!({
        "schedule": {"type": "dates", "sessions": [{"start": "2026-12-01", "end": "2026-12-02"}]},
        "event_status": "rescheduled", "status_reason": {"id": "hujan"},
        "venue": Uuid::from_u128(venue), "organiser": {"agency": "dinas-pariwisata"},
        "registration": {"required": true}, "capacity": 500, "series": "labuhan",
    }))
    .unwrap();
    let detail = Detail::Event(draft.into_row(Uuid::from_u128(id)));
    let mut record = record(id, Kind::Event, 1, detail);
    (record.listing.latitude, record.listing.longitude) = (None, None);
    record
}

fn reference() -> Reference {
    let mut reference = Reference::default();
    let code: CategoryCode = "nature.beach".parse().unwrap();
    reference.add_category(category::Model {
        code,
        parent: None,
        name: serde_json::from_value(json!({"id": "Pantai", "en": "Beach"})).unwrap(),
        words: category::Words::default(),
        osm: None,
        schema_org: None,
    });
    reference
}

/// Listings of each kind, in two segments of which the first has dead ones; a tombstone, a name that
/// was given up. One change after the other: those of one come in no order.
fn small_world() -> &'static Snapshot {
    static WORLD: OnceLock<Snapshot> = OnceLock::new();
    WORLD.get_or_init(|| {
        let mut reading = Snapshot::reading(reference());
        (1..80).for_each(|id| reading.add(place(id, 1)));
        [producer(90), event(91, 2), event(92, 500)].into_iter().for_each(|one| reading.add(one));
        let mut ended = place(5, 2);
        ended.listing.status = Status::Archived;
        ended.listing.merged_into = Some(Uuid::from_u128(6));
        let changes = [(5, Some(ended)), (7, None), (8, Some(place(8, 2)))];
        changes.into_iter().fold(reading.finish(1), |before, (id, record)| {
            let records = vec![(Uuid::from_u128(id), record)];
            before.with(Changes { records, reference: None, seq: before.seq + 1 })
        })
    })
}

fn kept(snapshot: &Snapshot) -> Vec<u8> {
    let mut bytes = Vec::new();
    snapshot.write(b"a note", &mut bytes).unwrap();
    bytes
}

fn read(bytes: &[u8]) -> io::Result<Snapshot> {
    Checkpoint::open(bytes, bytes.len() as u64)?.read(reference())
}

fn small_file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| kept(small_world()))
}

#[test]
fn what_was_kept_is_what_is_read() {
    let (written, read) = (small_world(), read(small_file()).unwrap());
    assert_eq!(kept(&read), small_file());
    assert_eq!((read.seq, read.len(), read.segments().len()), (4, written.len(), 2));
    for (a, b) in written.documents().zip(read.documents()) {
        assert_eq!(a.record(), b.record());
        assert_eq!((a.id, a.position, &a.area, a.zone), (b.id, b.position, &b.area, b.zone));
        let now = stamp(0, 0).now;
        assert_eq!(a.openness(now), b.openness(now));
        assert_eq!(a.next_occurrence(now), b.next_occurrence(now));
    }
    let tombstone = read.lookup("tempat-5", None);
    assert!(matches!(tombstone, Lookup::Gone { merged_into: Some(id) } if id.as_u128() == 6));
    assert!(matches!(read.lookup("batik-lama", None), Lookup::Moved(_)));
    assert!(matches!(read.lookup("tempat-7", None), Lookup::Nowhere));
}

#[test]
fn an_event_moves_with_its_venue_after_a_start_too() {
    let mut moved = place(2, 3);
    moved.listing.latitude = Some(-7.5);
    let records = vec![(moved.listing.id, Some(moved))];
    let snapshot = read(small_file()).unwrap().with(Changes { records, reference: None, seq: 5 });
    let event = snapshot.get(Uuid::from_u128(91)).unwrap();
    assert_eq!(event.position.map(|at| at.lat()), Some(-7.5));
}

#[test]
fn an_empty_snapshot_is_kept_too() {
    let read = read(&kept(&Snapshot::default())).unwrap();
    assert_eq!(read.len(), 0);
    assert_eq!(read.find(&Query::all(Sort::Distance), stamp(0, 0).now).unwrap().total, 0);
}

#[test]
fn what_goes_on_too_long_or_is_of_another_format_is_refused() {
    let longer = [small_file(), b"!"].concat();
    assert!(read(&longer).is_err());
    let mut other = small_file().to_vec();
    other[MAGIC.len()] += 1;
    assert!(read(&other).is_err());
    assert!(read(b"").is_err() && read(b"SQLite format 3\0").is_err());
}

/// The file with a value of its insides changed, and all checksums right: what somebody would write
/// who means harm.
fn forged(at: usize, value: &[u8]) -> Vec<u8> {
    let (beginning, block) = small_file().split_at(MAGIC.len() + 4);
    let length = u32::get(&block[..4]) as usize;
    let mut block = block[HEAD..][..length].to_vec();
    let at = at % (block.len() - value.len());
    block[at..at + value.len()].copy_from_slice(value);
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.raw(&block).unwrap();
    writer.flush().unwrap();
    let mut file = std::mem::take(&mut writer.to);
    Writer { to: &mut file, block: Vec::new(), before: writer.before }.end().unwrap();
    assert!(file.starts_with(beginning));
    file
}

proptest! {
    #[test]
    fn a_flipped_bit_anywhere_is_noticed(at in 0..usize::MAX, bit in 0..8_u8) {
        let mut bytes = small_file().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn a_torn_file_is_noticed_wherever_it_ends(at in 0..usize::MAX) {
        let file = small_file();
        prop_assert!(read(&file[..at % file.len()]).is_err());
    }

    #[test]
    fn a_hole_of_zeros_is_noticed(from in 0..usize::MAX, length in 1..5000_usize) {
        let mut bytes = small_file().to_vec();
        let from = from % bytes.len();
        let to = (from + length).min(bytes.len());
        bytes[from..to].fill(0);
        prop_assume!(bytes != small_file());
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn a_forged_length_takes_no_memory_and_breaks_nothing(
        at in 0..usize::MAX,
        value in prop::sample::select(vec![u64::MAX, u64::MAX / 8, 1 << 40, 1 << 31, 0, 1]),
    ) {
        // Refused, or read as something: never more memory than the file could fill.
        let _ = read(&forged(at, &value.to_le_bytes()));
    }
}
