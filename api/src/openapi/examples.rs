//! Examples of the contract: real answers of the fixtures at a set moment.
//!
//! `BLESS=1 cargo test` writes them anew; a test holds each against what the service answers.

use serde_json::Value;

/// One example.
pub struct Example {
    /// The operation it answers.
    pub operation: &'static str,
    /// Its representation.
    pub media: &'static str,
    /// The request that it answers.
    pub path: &'static str,
    /// Its file below `openapi/examples/`.
    pub file: &'static str,
    text: &'static str,
}

impl Example {
    /// Whether it is one JSON text: the others are shown as they are.
    pub fn is_json(&self) -> bool {
        self.media == "application/json" || self.media.ends_with("+json")
    }
}

macro_rules! examples {
    ($($operation:literal, $media:literal, $file:literal, $path:literal;)+) => {
        /// All of them.
        pub static ALL: &[Example] = &[$(Example {
            operation: $operation,
            media: $media,
            path: $path,
            file: $file,
            text: include_str!(concat!("../../../openapi/examples/", $file)),
        }),+];
    };
}

examples! {
    "discover_listings", "application/json", "discover_listings.json", "/v1/discover?lat=-8.02&lon=110.32&radius_m=3000&limit=3&facets=kind&lang=en";
    "discover_listings", "application/geo+json", "discover_listings.geo.json", "/v1/discover?lat=-8.02&lon=110.32&radius_m=3000&limit=2&lang=en&format=geojson";
    "list_places", "application/json", "list_places.json", "/v1/places?area=34.02.03&limit=2&sort=name&lang=en";
    "list_places", "application/geo+json", "list_places.geo.json", "/v1/places?area=34.02.03&limit=1&sort=name&lang=en&format=geojson";
    "list_producers", "application/json", "list_producers.json", "/v1/producers?q=batik+tulis&limit=2&lang=en";
    "list_producers", "application/geo+json", "list_producers.geo.json", "/v1/producers?q=batik+tulis&limit=1&lang=en&format=geojson";
    "list_events", "application/json", "list_events.json", "/v1/events?from=2027-01-01&to=2027-01-31&limit=2&lang=en";
    "list_events", "application/geo+json", "list_events.geo.json", "/v1/events?from=2027-01-01&to=2027-01-31&limit=1&lang=en&format=geojson";
    "get_place", "application/json", "get_place.json", "/v1/places/pantai-parangtritis?lang=en";
    "get_place", "application/geo+json", "get_place.geo.json", "/v1/places/pantai-parangtritis?lang=en&format=geojson";
    "get_producer", "application/json", "get_producer.json", "/v1/producers/sentra-batik-tulis-giriloyo?lang=en";
    "get_producer", "application/geo+json", "get_producer.geo.json", "/v1/producers/sentra-batik-tulis-giriloyo?lang=en&format=geojson";
    "get_event", "application/json", "get_event.json", "/v1/events/labuhan-parangkusumo?lang=en";
    "get_event", "application/geo+json", "get_event.geo.json", "/v1/events/labuhan-parangkusumo?lang=en&format=geojson";
    "discover_listings", "application/ld+json", "discover_listings.ld.json", "/v1/discover?id=01a20ada-2c00-73d5-908a-b638b48b86ad&lang=en&format=jsonld";
    "discover_listings", "text/csv", "discover_listings.csv", "/v1/discover?id=01a20ada-2c00-73d5-908a-b638b48b86ad&lang=en&format=csv";
    "discover_listings", "application/x-ndjson", "discover_listings.ndjson", "/v1/discover?id=01a20ada-2c00-73d5-908a-b638b48b86ad&lang=en&format=ndjson";
    "list_places", "application/ld+json", "list_places.ld.json", "/v1/places?id=01a20ada-2c00-73d5-908a-b638b48b86ad&lang=en&format=jsonld";
    "list_places", "text/csv", "list_places.csv", "/v1/places?id=01a20ada-2c00-73d5-908a-b638b48b86ad&lang=en&format=csv";
    "list_places", "application/x-ndjson", "list_places.ndjson", "/v1/places?id=01a20ada-2c00-73d5-908a-b638b48b86ad&lang=en&format=ndjson";
    "list_producers", "application/ld+json", "list_producers.ld.json", "/v1/producers?id=01a20ada-2c00-7f49-be1c-07309b812318&lang=en&format=jsonld";
    "list_producers", "text/csv", "list_producers.csv", "/v1/producers?id=01a20ada-2c00-7f49-be1c-07309b812318&lang=en&format=csv";
    "list_producers", "application/x-ndjson", "list_producers.ndjson", "/v1/producers?id=01a20ada-2c00-7f49-be1c-07309b812318&lang=en&format=ndjson";
    "list_events", "application/ld+json", "list_events.ld.json", "/v1/events?id=01a20ada-2c00-7d56-b25f-6436171ee669&lang=en&format=jsonld";
    "list_events", "text/csv", "list_events.csv", "/v1/events?id=01a20ada-2c00-7d56-b25f-6436171ee669&lang=en&format=csv";
    "list_events", "application/x-ndjson", "list_events.ndjson", "/v1/events?id=01a20ada-2c00-7d56-b25f-6436171ee669&lang=en&format=ndjson";
    "list_events", "text/calendar", "list_events.ics", "/v1/events?id=01a20ada-2c00-7d56-b25f-6436171ee669&lang=en&format=ics";
    "get_place", "application/ld+json", "get_place.ld.json", "/v1/places/pantai-parangtritis?lang=en&format=jsonld";
    "get_producer", "application/ld+json", "get_producer.ld.json", "/v1/producers/sentra-batik-tulis-giriloyo?lang=en&format=jsonld";
    "get_event", "application/ld+json", "get_event.ld.json", "/v1/events/labuhan-parangkusumo?lang=en&format=jsonld";
    "get_event", "text/calendar", "get_event.ics", "/v1/events/labuhan-parangkusumo?lang=en&format=ics";
    "list_producer_products", "application/json", "list_producer_products.json", "/v1/producers/contoh-batik-wijaya-giriloyo/products?lang=en";
    "list_event_occurrences", "application/json", "list_event_occurrences.json", "/v1/events/labuhan-parangkusumo/occurrences?from=2027-01-01&to=2027-12-31&lang=en";
    "list_suggestions", "application/json", "list_suggestions.json", "/v1/suggest?q=parang&limit=5&lang=en";
    "list_categories", "application/json", "list_categories.json", "/v1/categories?lang=en";
    "list_areas", "application/json", "list_areas.json", "/v1/areas?level=regency&lang=en";
    "list_areas", "application/geo+json", "list_areas.geo.json", "/v1/areas?parent=34.02.01&lang=en&format=geojson";
    "get_area", "application/json", "get_area.json", "/v1/areas/34.02.03?lang=en";
    "get_area", "application/geo+json", "get_area.geo.json", "/v1/areas/34.02.12.2004?lang=en&format=geojson";
    "list_areas_at", "application/json", "list_areas_at.json", "/v1/areas/at?lat=-8.0247&lon=110.3296&lang=en";
    "list_changelog", "application/json", "list_changelog.json", "/v1/changelog?lang=en";
    "list_agencies", "application/json", "list_agencies.json", "/v1/agencies?lang=en";
    "list_history", "application/json", "list_history.json", "/v1/listings/pantai-parangtritis/history?lang=en";
    "list_calendar_days", "application/json", "list_calendar_days.json", "/v1/calendar?from=2027-01-08&to=2027-01-09&lang=en";
    "get_liveness", "application/json", "get_liveness.json", "/health/live";
    "get_readiness", "application/json", "get_readiness.json", "/health/ready";
}

/// The example of an operation in a representation.
pub fn of(operation: &str, media: &str) -> Option<Value> {
    let example = ALL.iter().find(|e| e.operation == operation && e.media == media)?;
    if !example.is_json() {
        return Some(Value::String(example.text.to_owned()));
    }
    let mut answer = serde_json::from_str(example.text).ok()?;
    drop_nulls(&mut answer);
    Some(answer)
}

/// A `null` means as much as an absent member, and readers of documents stumble over the former.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// The value that the examples of a path have for its variable `name`.
pub fn variable(path: &str, name: &str) -> &'static str {
    match name {
        "code" | "area" => "34.02.03",
        "file" if path.starts_with("/bundles/") => {
            "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c.zip"
        }
        "file" => "640.webp",
        "system" => "portal",
        "picture" | "ticket" => "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
        _ => slug(path),
    }
}

/// The slug that the examples of a path use.
fn slug(path: &str) -> &'static str {
    if path.starts_with("/v1/auth") || path.starts_with("/v1/accounts") {
        "01a20ada-2c00-7000-8000-000000000001"
    } else if path.contains("/products") {
        "contoh-batik-wijaya-giriloyo"
    } else if path.starts_with("/v1/producers") {
        "sentra-batik-tulis-giriloyo"
    } else if path.starts_with("/v1/events") {
        "labuhan-parangkusumo"
    } else {
        "pantai-parangtritis"
    }
}
