//! Records made up to be measured with.

use chrono::{DateTime, Utc};
use domain::{
    listing::{self, Kind, Stamp, Status},
    place,
    position::Position,
    record::{Detail, Record},
};
use serde_json::json;
use uuid::Uuid;

/// The instant at which everything is made.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_000_000_123_456).expect("in range")
}

/// The `n`th place: name and summary in two languages, a point, and what every listing must have.
pub fn place(n: u32) -> Record {
    let draft: listing::Draft = serde_json::from_value(json!({
        "name": {"id": format!("Pantai Parangtritis {n}"), "en": format!("Parangtritis Beach {n}")},
        "summary": {
            "id": "Pantai pasir hitam yang lebar dan landai di ujung timur pesisir Bantul.",
            "en": "A broad, flat beach of dark sand at the eastern end of the Bantul coast.",
        },
        "category": "nature.beach",
        "source": {"name": "measured"},
        "licence": "CC-BY-4.0",
    }))
    .expect("a draft");
    // In the order of time, as version 7 is.
    let id = Uuid::from_u64_pair(0x019a_0000_0000_7000 + u64::from(n), 0x8000_0000_0000_0000);
    let stamp = Stamp {
        id,
        version: 1,
        created_at: now(),
        now: now(),
        published_at: Some(now()),
        merged_into: None,
    };
    let slug = format!("pantai-parangtritis-{n}").parse().expect("a slug");
    let mut listing = draft.into_row(Kind::Place, Status::Published, slug, None, &stamp);
    let share = f64::from(n % 1000) / 1000.0;
    let position = Position::new(-8.0247 + share * 0.2, 110.3296 - share * 0.1).expect("a point");
    (listing.latitude, listing.longitude) = (Some(position.lat()), Some(position.lon()));
    let detail = Detail::Place(place::Draft::default().into_row(id));
    Record { listing, detail, products: Vec::new(), former_slugs: Vec::new() }
}
