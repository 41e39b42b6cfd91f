//! The schemas of what a write may say of a listing, and of what it is answered.
//!
//! By hand, because `domain`'s drafts know nothing of HTTP. A test holds them to the drafts' own lists
//! of members; the limits are those of the drafts' checks.

use std::borrow::Cow;

use domain::{
    event::EventStatus,
    listing::{Access, ContactKind, Facility, NoticeKind, Payment},
    producer::CertificateKind,
};
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

fn text(max: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": max})
}

/// A text by language.
fn texts(max: usize) -> Value {
    json!({"type": "object", "minProperties": 1, "additionalProperties": false,
           "properties": {"id": text(max), "en": text(max), "jv": text(max)}})
}

fn list(item: &Value, max: usize) -> Value {
    json!({"type": "array", "items": item, "maxItems": max})
}

fn words(names: &[&str]) -> Value {
    json!({"type": "string", "enum": names})
}

fn object(required: &[&str], properties: &Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required,
           "properties": properties})
}

fn number(low: i64, high: i64) -> Value {
    json!({"type": "integer", "format": "int64", "minimum": low, "maximum": high})
}

fn key(max: usize) -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": max})
}

fn term() -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9]+(_[a-z0-9]+)*$", "maxLength": 40})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn id() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn url() -> Value {
    json!({"type": "string", "format": "uri", "maxLength": 1000})
}

fn category() -> Value {
    json!({"type": "string", "maxLength": 64, "example": "craft.batik",
           "pattern": "^[a-z]+(_[a-z]+)*(\\.[a-z]+(_[a-z]+)*)*$"})
}

fn money() -> Value {
    object(
        &["amount", "currency"],
        &json!({"amount": number(0, 1_000_000_000_000),
                "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}),
    )
}

fn images(max: usize) -> Value {
    let image = object(
        &["src", "width", "height", "alt", "credit", "licence"],
        &json!({
            "src": {"type": "string", "maxLength": 1000,
                    "description": "From the answer to an upload, or a URL."},
            "srcset": text(4000), "width": number(1, 100_000), "height": number(1, 100_000),
            "alt": texts(300), "credit": text(120), "licence": text(40), "holder": text(120),
            "focal_point": {"type": "array", "minItems": 2, "maxItems": 2,
                            "items": {"type": "number", "minimum": 0, "maximum": 1}},
            "thumbhash": text(80),
        }),
    );
    list(&image, max)
}

/// The members that all listings share.
pub fn shared() -> Map<String, Value> {
    let address = object(
        &[],
        &json!({"street": text(160), "dusun": text(120), "rt": text(5), "rw": text(5),
                "postal_code": {"type": "string", "pattern": "^[0-9]{5}$"},
                "directions": texts(500)}),
    );
    let contact = object(
        &["type", "value"],
        &json!({
            "type": words(ContactKind::NAMES),
            "value": {"type": "string", "maxLength": 300,
                      "description": "E.164 for phone and WhatsApp, an address, a URL or a name."},
            "public": {"type": "boolean", "default": false,
                       "description": "Whether its holder agreed to show it to everybody."},
            "consent_at": time(),
        }),
    );
    let notice = object(
        &["kind", "text", "source"],
        &json!({"kind": words(NoticeKind::NAMES), "from": time(), "to": time(),
                "text": texts(500), "source": text(300), "agency": key(64)}),
    );
    let access: Map<String, Value> =
        Access::NAMES.iter().map(|name| ((*name).to_owned(), json!({"type": "boolean"}))).collect();
    let external = json!({"type": "object", "maxProperties": 12,
                          "additionalProperties": text(120)});
    let members = json!({
        "slug": key(80),
        "name": texts(120),
        "summary": texts(280),
        "description": texts(8000),
        "location": object(&["lat", "lon"], &json!({
            "lat": {"type": "number", "format": "double", "minimum": -90, "maximum": 90},
            "lon": {"type": "number", "format": "double", "minimum": -180, "maximum": 180}})),
        "accuracy_m": number(0, 50_000),
        "geometry": {"type": "object", "description": "RFC 7946 geometry of a trail or an area."},
        "address": address,
        "category": category(),
        "categories": list(&category(), 8),
        "tags": list(&key(40), 12),
        "accessibility": {"type": "object", "additionalProperties": false, "properties": access},
        "facilities": list(&words(Facility::NAMES), 40),
        "payments": list(&words(Payment::NAMES), 10),
        "languages_spoken": list(&json!({"type": "string", "pattern": "^[a-z]{2,3}$"}), 12),
        "contacts": list(&contact, 12),
        "media": images(24),
        "hours": {"type": "string", "minLength": 1, "maxLength": 1000,
                  "description": "OSM `opening_hours`.", "example": "Mo-Sa 08:00-16:00"},
        "zone": {"type": "string", "maxLength": 40, "description": "IANA; Asia/Jakarta by default."},
        "notices": list(&notice, 24),
        "sample": {"type": "boolean", "description": "Staff only."},
        "sample_fields": list(&text(60), 60),
        "source": object(&["name"], &json!({"name": text(500), "url": url()})),
        "licence": text(40),
        "external_ids": external,
        "verified_at": time(),
        "responsible_agency": key(64),
        "see_also": list(&id(), 12),
    });
    members_of(members)
}

/// The members of a place alone.
pub fn place() -> Map<String, Value> {
    let award = object(
        &["name", "year"],
        &json!({"name": text(160), "year": number(1900, 2200), "category": text(160),
                "rank": text(80)}),
    );
    members_of(json!({
        "admission": admission(),
        "awards": list(&award, 40),
        "duration_min": number(1, 10_080),
        "best_time": texts(280),
        "legal_basis": {"type": "object", "description": "Decree: its number and date."},
        "managed_by": text(120),
        "is_tourism_village": {"type": "boolean"},
        "heritage_register": text(80),
    }))
}

/// The members of a producer alone.
pub fn producer() -> Map<String, Value> {
    let certificate = object(
        &["type"],
        &json!({"type": words(CertificateKind::NAMES), "number": text(80), "issuer": text(160),
                "valid_until": {"type": "string", "format": "date"},
                "verified": {"type": "boolean", "description": "Staff only."}}),
    );
    let workshop = object(
        &["title", "minutes"],
        &json!({"title": texts(120), "minutes": number(10, 10_080), "price": money(),
                "group_size": number(1, 1000),
                "languages": list(&json!({"type": "string", "pattern": "^[a-z]{2,3}$"}), 12)}),
    );
    members_of(json!({
        "form": words(&["maker", "group", "centre"]),
        "craft": words(&["batik", "pottery", "leather", "wood", "bamboo", "wayang", "keris",
            "stone", "weaving", "silver", "food", "herbal", "fibre", "toys", "music", "mixed"]),
        "materials": list(&term(), 16),
        "techniques": list(&term(), 16),
        "certificates": list(&certificate, 16),
        "founded": number(1500, 2200),
        "workers": number(1, 100_000),
        "centre": id(),
        "visit": words(&["open", "appointment", "none"]),
        "workshops": list(&workshop, 16),
        "made_to_order": {"type": "boolean"},
        "lead_time_days": number(0, 730),
        "export_ready": {"type": "boolean"},
    }))
}

/// The members of an event alone.
pub fn event() -> Map<String, Value> {
    members_of(json!({
        "schedule": {"$ref": "#/components/schemas/Schedule"},
        "event_status": words(&EventStatus::ALL.map(EventStatus::name)),
        "status_reason": texts(500),
        "previous_start": time(),
        "venue": id(),
        "organiser": {"type": "object", "minProperties": 1, "maxProperties": 1,
            "additionalProperties": false,
            "properties": {"listing": id(), "agency": key(64), "name": text(160)}},
        "admission": admission(),
        "registration": object(&["required"],
            &json!({"required": {"type": "boolean"}, "url": url()})),
        "capacity": number(1, 10_000_000),
        "series": text(80),
    }))
}

/// The members of a product.
pub fn product() -> Map<String, Value> {
    members_of(json!({
        "slug": key(80),
        "status": words(&["active", "inactive", "sold_out"]),
        "name": texts(120),
        "summary": texts(280),
        "price": money(),
        "price_to": money(),
        "materials": list(&term(), 16),
        "techniques": list(&term(), 16),
        "dimensions": text(120),
        "media": images(16),
        "order_links": list(&url(), 16),
        "sample": {"type": "boolean"},
    }))
}

fn admission() -> Value {
    json!({"type": "object", "description": "As the detail of a place shows it: free, or prices by visitor group and day."})
}

fn members_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn write(about: &str, required: &[&str], members: Map<String, Value>) -> Value {
    let mut schema = object(required, &Value::Object(members));
    schema["description"] = json!(about);
    schema
}

/// The same members, each of which may be null to be taken away, and none of which must be there.
fn patch(about: &str, members: Map<String, Value>) -> Value {
    let nullable = |schema: Value| {
        // A null among words is more than some readers of contracts can bear.
        if schema.get("$ref").is_some() || schema.get("enum").is_some() {
            json!({"oneOf": [schema, {"type": "null"}]})
        } else {
            let mut schema = schema;
            let kind = schema["type"].clone();
            schema["type"] = json!([kind, "null"]);
            schema
        }
    };
    let members = members.into_iter().map(|(name, schema)| (name, nullable(schema))).collect();
    write(about, &[], members)
}

fn both(own: Map<String, Value>) -> Map<String, Value> {
    let mut members = shared();
    members.extend(own);
    members
}

/// What a partner says of a record of `kind`.
fn external(kind: &str, required: &[&str], own: Map<String, Value>) -> Value {
    let mut members = both(own);
    members.insert("kind".to_owned(), words(&[kind]));
    let required = [&["kind", "name", "category"][..], required].concat();
    write(&format!("A partner's record of kind `{kind}`, whole."), &required, members)
}

/// A listing as those see it who keep it or answer for it.
fn managed() -> Value {
    let mut members = shared();
    members.extend(place());
    members.extend(producer());
    members.extend(event());
    let more = json!({
        "id": id(),
        "kind": words(&["place", "producer", "event"]),
        "status": words(&["draft", "in_review", "published", "suspended", "archived"]),
        "version": number(1, 9_000_000_000_000_000),
        "area": object(&["code", "name"], &json!({"code": text(13), "name": text(250),
            "inferred": {"type": "boolean"}})),
        "missing": list(&words(&["contacts", "media", "location"]), 8),
        "merged_into": id(),
        "created_at": time(), "updated_at": time(), "published_at": time(),
        "revision": {"$ref": "#/components/schemas/Revision"},
        "pending": list(&json!({"$ref": "#/components/schemas/Revision"}), 10_000),
    });
    members.extend(members_of(more));
    write(
        "A listing as those see it who keep it or answer for it: all that a write may say, texts \
         by language, and what follows from it.",
        &[
            "id",
            "kind",
            "status",
            "version",
            "slug",
            "name",
            "category",
            "missing",
            "created_at",
            "updated_at",
        ],
        members,
    )
}

macro_rules! schemas {
    ($($(#[$doc:meta])* $name:ident = $make:expr;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    serde_json::from_value($make).expect("a schema of the contract is well formed")
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )+
    };
}

schemas! {
    /// What a new place says.
    PlaceWrite = write("What a new place says.", &["name", "category"], both(place()));
    /// What a change to a place says.
    PlacePatch = patch("What a change to a place says; null takes a member away.", both(place()));
    /// What a new producer says.
    ProducerWrite = write(
        "What a new producer says.", &["name", "category", "form", "craft", "visit"], both(producer())
    );
    /// What a change to a producer says.
    ProducerPatch = patch(
        "What a change to a producer says; null takes a member away.", both(producer())
    );
    /// What a new event says.
    EventWrite = write(
        "What a new event says.", &["name", "category", "schedule"], both(event())
    );
    /// What a change to an event says.
    EventPatch = patch("What a change to an event says; null takes a member away.", both(event()));
    /// What a new product says.
    ProductWrite = write("What a new product says.", &["name", "status"], product());
    /// What a change to a product says.
    ProductPatch = patch("What a change to a product says; null takes a member away.", product());
    /// A listing as those see it who keep it.
    ManagedListing = managed();
    /// What a partner says of a record.
    ExternalWrite = {
        // Each by its name: a generator that meets them within makes some of their parts twice.
        let kinds = ["ExternalPlace", "ExternalProducer", "ExternalEvent"];
        let of = kinds.map(|name| json!({"$ref": format!("#/components/schemas/{name}")}));
        json!({
            "description": "A record as a whole: a place, producer or event with its `kind`.",
            "oneOf": of,
        })
    };
    /// What a partner says of a place.
    ExternalPlace = external("place", &[], place());
    /// What a partner says of a producer.
    ExternalProducer = external("producer", &["form", "craft", "visit"], producer());
    /// What a partner says of an event.
    ExternalEvent = external("event", &["schedule"], event());
    /// A record as it is stored.
    ExternalListing = {
        let mut schema = managed();
        schema["description"] = json!("A partner's record as it is stored.");
        schema["properties"]["duplicates"] = list(&object(&["id", "slug", "name", "distance_m"], &json!({
            "id": id(), "slug": key(80), "name": text(120),
            "distance_m": {"type": "number", "format": "double", "minimum": 0, "maximum": 300},
        })), 10);
        schema
    };
    /// A product as those see it who keep its producer.
    ManagedProduct = {
        let mut members = product();
        members.extend(members_of(json!({
            "id": id(), "producer": id(), "version": number(1, 9_000_000_000_000_000),
            "created_at": time(), "updated_at": time(),
            "revision": {"$ref": "#/components/schemas/Revision"},
        })));
        write(
            "A product as those see it who keep its producer.",
            &["id", "producer", "version", "slug", "name", "status"],
            members,
        )
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{
        event as event_, listing, place as place_, producer as producer_, product as product_,
    };

    use super::*;

    #[test]
    fn every_member_that_a_draft_has_is_described_and_no_other() {
        for (schema, members) in [
            (shared(), &listing::Draft::MEMBERS[..]),
            (place(), &place_::Draft::MEMBERS),
            (producer(), &producer_::Draft::MEMBERS),
            (event(), &event_::Draft::MEMBERS),
            (product(), &product_::Draft::MEMBERS),
        ] {
            let described: BTreeSet<&str> = schema.keys().map(String::as_str).collect();
            assert_eq!(described, members.iter().copied().collect());
        }
    }
}
