//! Packed: a record as few bytes, for whoever holds very many of them.
//!
//! The form is postcard's: members in the order of the structs, without names. It lives in memory
//! only, written and read by the same program, so it carries no version and is never stored. What a
//! format without names cannot carry (members that are left out when empty, enums tagged inside,
//! free JSON) is a JSON text in it; see [`json`].

use uuid::Uuid;

use super::Record;
use crate::{
    key::Slug,
    listing::{Kind, Status},
    text::Texts,
};

/// A [`Record`] as one run of bytes instead of dozens of allocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed(Box<[u8]>);

impl Record {
    /// The record as few bytes; [`Packed::unpack`] gives the same record back.
    ///
    /// Times keep whole microseconds, as in both databases.
    pub fn pack(&self) -> Packed {
        let bytes = postcard::to_allocvec(self).expect("memory grows, and every list has a length");
        Packed(bytes.into_boxed_slice())
    }
}

impl Packed {
    /// The record as it was.
    pub fn unpack(&self) -> Record {
        postcard::from_bytes(&self.0).expect("only `pack` makes these bytes")
    }

    /// The name of the listing alone: a tenth of the work, for it stands near the beginning.
    pub fn name(&self) -> Texts {
        let read = postcard::take_from_bytes::<(Uuid, Slug, Kind, Status, Texts)>(&self.0);
        read.expect("only `pack` makes these bytes, in the order of the members").0.4
    }

    /// How many bytes it takes, without those of the `Box`.
    #[expect(clippy::len_without_is_empty, reason = "no record is empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Columns as JSON text inside a packed record.
pub(crate) mod json {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

    /// Writes `value` as a JSON text.
    pub fn serialize<T: Serialize, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&serde_json::to_string(value).map_err(serde::ser::Error::custom)?)
    }

    /// Reads what [`serialize`] wrote.
    pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: DeserializeOwned,
        D: Deserializer<'de>,
    {
        serde_json::from_str(<&str>::deserialize(from)?).map_err(serde::de::Error::custom)
    }

    /// The same for columns that mostly are empty: an empty one is an empty text, one byte.
    pub mod or_empty {
        use super::*;

        /// Writes `value` as a JSON text; its default as an empty text.
        pub fn serialize<T, S>(value: &T, to: S) -> Result<S::Ok, S::Error>
        where
            T: Serialize + Default + PartialEq,
            S: Serializer,
        {
            if *value == T::default() { to.serialize_str("") } else { super::serialize(value, to) }
        }

        /// Reads what [`serialize`] wrote.
        pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
        where
            T: DeserializeOwned + Default,
            D: Deserializer<'de>,
        {
            match <&str>::deserialize(from)? {
                "" => Ok(T::default()),
                text => serde_json::from_str(text).map_err(serde::de::Error::custom),
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{
        event,
        listing::{self, Kind, Stamp, Status},
        place, producer, product,
        record::Detail,
    };

    fn stamp(micros: i64) -> Stamp {
        let now = DateTime::from_timestamp_micros(micros).unwrap();
        Stamp {
            id: Uuid::from_u128(7),
            version: 3,
            created_at: now,
            now,
            published_at: Some(now),
            merged_into: Some(Uuid::from_u128(8)),
        }
    }

    fn record(kind: Kind, draft: serde_json::Value, detail: Detail, micros: i64) -> Record {
        let draft: listing::Draft = serde_json::from_value(draft).unwrap();
        let slug = "pantai-parangtritis".parse().unwrap();
        let listing = draft.into_row(kind, Status::Published, slug, None, &stamp(micros));
        Record { listing, detail, products: Vec::new(), former_slugs: Vec::new() }
    }

    /// The `n`th place of which little is known.
    pub(in crate::record) fn bare_place(n: u32) -> Record {
        let draft = json!({
            "name": {"id": format!("Pantai {n}"), "en": format!("Beach {n}")},
            "summary": {"id": "Pantai pasir hitam.", "en": "A beach of dark sand."},
            "category": "nature.beach", "source": {"name": "a map"}, "licence": "CC-BY-4.0",
        });
        let id = Uuid::from_u128(n.into());
        let detail = Detail::Place(place::Draft::default().into_row(id));
        let mut record = record(Kind::Place, draft, detail, 1_795_000_000_123_456);
        record.listing.id = id;
        record.listing.slug = format!("pantai-{n}").parse().unwrap();
        record.listing.version = 1;
        record.listing.merged_into = None;
        record
    }

    /// A listing with every member.
    fn full(micros: i64, geometry: &serde_json::Value) -> serde_json::Value {
        let texts = json!({"id": "kata \"kutip\" \\ \n", "en": "words 海", "jv": "tembung"});
        let time = DateTime::from_timestamp_micros(micros).unwrap();
        json!({
            "name": texts, "summary": texts, "description": texts,
            "location": {"lat": -0.0, "lon": 110.0 / 3.0}, "accuracy_m": 150,
            "geometry": geometry,
            "address": {"street": "Jl. Parangtritis", "rt": "01", "directions": texts},
            "category": "nature.beach", "categories": ["culture", "event.ritual"],
            "tags": ["tebing"], "accessibility": {"hearing": false, "visual": true},
            "facilities": ["parking", "meeting_room"], "payments": ["qris"],
            "languages_spoken": ["id", "jav"],
            "contacts": [{"type": "phone", "value": "+62274", "public": true, "consent_at": time}],
            "media": [{"src": "/media/a.jpg", "width": 3, "height": 2, "alt": texts,
                "credit": "somebody", "licence": "CC0-1.0", "focal_point": [0.1, 0.7]}],
            "hours": "Mo-Fr 08:00-16:00", "zone": "Asia/Jakarta",
            "notices": [{"kind": "closure", "from": time, "text": texts, "source": "a sign"}],
            "sample": true, "sample_fields": ["hours"],
            "source": {"name": "a map", "url": "https://example.org/"},
            "licence": "CC-BY-4.0", "external_ids": {"osm": "way/1"}, "verified_at": time,
            "responsible_agency": "dinas-pariwisata", "see_also": [Uuid::from_u128(9)],
        })
    }

    fn place_with_all(micros: i64, geometry: &serde_json::Value) -> Record {
        let draft: place::Draft = serde_json::from_value(json!({
            "admission": {"free": false, "prices": [{"group": "adult", "days": "any",
                "price": {"amount": 15000, "currency": "IDR"}}], "note": {"jv": "karcis"}},
            "awards": [{"name": "ADWI", "year": 2023}], "duration_min": 90,
            "best_time": {"en": "mornings"}, "legal_basis": {"number": "1/2020",
                "date": "2020-02-29"},
            "managed_by": "Pokdarwis", "is_tourism_village": true, "heritage_register": "RNCB",
        }))
        .unwrap();
        let detail = Detail::Place(draft.into_row(Uuid::from_u128(7)));
        record(Kind::Place, full(micros, geometry), detail, micros)
    }

    fn producer_with_products(micros: i64) -> Record {
        let draft: producer::Draft = serde_json::from_value(json!({
            "form": "maker", "craft": "batik", "materials": ["silk"], "techniques": ["tulis"],
            "certificates": [{"type": "halal", "valid_until": "2027-01-01"}], "founded": 1950,
            "workers": 3, "centre": Uuid::from_u128(10), "visit": "none",
            "workshops": [{"title": {"id": "Mbatik"}, "minutes": 120, "languages": ["en"]}],
            "made_to_order": false, "lead_time_days": 30, "export_ready": true,
        }))
        .unwrap();
        let product: product::Draft = serde_json::from_value(json!({
            "name": {"id": "Kain"}, "price": {"amount": 1, "currency": "IDR"},
            "order_links": ["https://example.org/"], "dimensions": "240 × 105 cm",
            "status": "sold_out", "materials": ["silk"], "sample": true,
        }))
        .unwrap();
        let detail = Detail::Producer(draft.into_row(Uuid::from_u128(7)));
        let mut record = record(Kind::Producer, full(micros, &json!(null)), detail, micros);
        let slug = "kain".parse().unwrap();
        record.products.push(product.into_row(Uuid::from_u128(7), slug, &stamp(micros)));
        record.former_slugs.push("batik-lama".parse().unwrap());
        record
    }

    fn event_with_schedule(micros: i64, schedule: &serde_json::Value) -> Record {
        let draft: event::Draft = serde_json::from_value(json!({
            "schedule": schedule, "event_status": "rescheduled", "status_reason": {"id": "hujan"},
            "previous_start": DateTime::from_timestamp_micros(micros).unwrap(),
            "venue": Uuid::from_u128(11), "organiser": {"agency": "dinas-pariwisata"},
            "admission": {"free": true}, "registration": {"required": true}, "capacity": 500,
            "series": "labuhan",
        }))
        .unwrap();
        let detail = Detail::Event(draft.into_row(Uuid::from_u128(7)));
        record(Kind::Event, full(micros, &json!(null)), detail, micros)
    }

    fn survives(record: &Record) {
        assert_eq!(record.pack().unpack(), *record);
        assert_eq!(record.pack().name(), record.listing.name);
    }

    #[test]
    fn a_record_with_every_member_comes_back_the_same() {
        let micros = 1_795_000_000_123_456;
        survives(&place_with_all(micros, &json!({"type": "Point", "coordinates": [110.3, -8.0]})));
        survives(&producer_with_products(micros));
        for schedule in [
            json!({"type": "javanese", "rule": {"month": "sapar", "weekday": "wednesday",
                "pick": "last"}}),
            json!({"type": "dates", "sessions": [{"start": "2026-12-01", "end": "2026-12-02"},
                {"start": "2026-12-01T08:00:00+07:00", "end": "2026-12-01T09:00:00+07:00"}]}),
        ] {
            survives(&event_with_schedule(micros, &schedule));
        }
    }

    #[test]
    fn a_record_with_little_takes_little_more_than_its_texts() {
        let record = bare_place(1);
        let texts = [Some(&record.listing.name), record.listing.summary.as_ref()];
        let texts: usize =
            texts.into_iter().flatten().flat_map(|t| t.all()).map(|(_, text)| text.len()).sum();
        assert!(record.pack().len() < 250 + texts, "{} with {texts}", record.pack().len());
        survives(&record);
    }

    proptest! {
        #[test]
        fn any_text_point_and_instant_come_back_the_same(
            name in "\\PC*[a-z]",
            lat in -90.0..=90.0_f64,
            lon in -180.0..=180.0_f64,
            micros in -4_000_000_000_000_000..9_000_000_000_000_000_i64,
        ) {
            let geometry = json!({"type": "LineString", "coordinates": [[lon, lat], [lat, lon]]});
            let mut record = place_with_all(micros, &geometry);
            record.listing.name = serde_json::from_value(json!({"en": name})).unwrap();
            (record.listing.latitude, record.listing.longitude) = (Some(lat), Some(lon));
            survives(&record);
        }
    }
}
