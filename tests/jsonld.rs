//! JSON-LD: words of schema.org alone, used where they belong, and enough for who shows events.

use std::collections::BTreeMap;

use domain::{
    record,
    writer::{Unit, Write},
};
use serde_json::{Value, json};
use tests::{NOON, Place, Service, at};

/// The words of schema.org that are used, as `schema_org.tsv` has them.
#[derive(Default)]
struct Words {
    /// The types above each.
    types: BTreeMap<&'static str, Vec<&'static str>>,
    /// The types that each property goes with.
    properties: BTreeMap<&'static str, Vec<&'static str>>,
    values: Vec<&'static str>,
}

impl Words {
    fn read() -> Self {
        let mut words = Self::default();
        let lines = include_str!("schema_org.tsv").lines();
        for line in lines.filter(|line| !line.starts_with('#')) {
            let [what, name, of] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let of = of.split(',').filter(|of| !of.is_empty()).collect();
            match what {
                "type" => drop(words.types.insert(name, of)),
                "property" => drop(words.properties.insert(name, of)),
                _ => words.values.push(name),
            }
        }
        words
    }

    fn is(&self, kind: &str, wanted: &str) -> bool {
        let above = self.types.get(kind).unwrap_or_else(|| panic!("{kind} is no type"));
        kind == wanted || above.iter().any(|above| self.is(above, wanted))
    }

    /// Holds a node, and all within it, to the words.
    fn hold(&self, node: &Value) {
        match node {
            Value::Array(nodes) => nodes.iter().for_each(|node| self.hold(node)),
            Value::Object(members) => {
                let kinds: Vec<&str> = match &members["@type"] {
                    Value::String(kind) => vec![kind],
                    kinds => kinds.as_array().unwrap().iter().filter_map(Value::as_str).collect(),
                };
                for (name, value) in members.iter().filter(|(name, _)| !name.starts_with('@')) {
                    let of = self.properties.get(name.as_str());
                    let of = of.unwrap_or_else(|| panic!("{name} is no property"));
                    let fits = of.iter().any(|of| kinds.iter().any(|kind| self.is(kind, of)));
                    assert!(fits, "{name} does not go with {kinds:?}");
                    self.hold(value);
                }
            }
            Value::String(text) => {
                if let Some(word) = text.strip_prefix("https://schema.org/") {
                    let known = self.values.contains(&word) || self.types.contains_key(word);
                    assert!(known, "{word} is no word");
                }
            }
            _ => {}
        }
    }
}

const BASE: &str = "https://griya.example";

async fn start() -> Service {
    Service::over(Place::with_fixtures().await, &["--public-url=https://griya.example"]).await
}

#[tokio::test]
async fn every_word_is_of_schema_org_and_goes_where_it_stands() {
    let service = start().await;
    let words = Words::read();
    let mut told = 0;
    for kind in ["places", "producers", "events"] {
        let all = service.get(&format!("/v1/{kind}?limit=100&lang=en")).await;
        for item in all.body["items"].as_array().unwrap() {
            let path =
                format!("/v1/{kind}/{}?lang=en&format=jsonld", item["slug"].as_str().unwrap());
            let reply = service.get(&path).await;
            if item["sample"] == true {
                assert_eq!(reply.status, 406, "{path}");
                continue;
            }
            assert_eq!(reply.status, 200, "{path}: {}", reply.text);
            assert_eq!(reply.header("content-type"), "application/ld+json");
            assert_eq!(reply.body["@context"], "https://schema.org");
            words.hold(&reply.body);
            assert_eq!(reply.body["name"], item["name"]);
            let hidden = item["sample_fields"].as_array().cloned().unwrap_or_default();
            for (member, property) in [
                ("hours", "openingHoursSpecification"),
                ("admission", "offers"),
                ("admission", "isAccessibleForFree"),
                ("schedule", "startDate"),
                ("payments", "paymentAccepted"),
                ("languages_spoken", "availableLanguage"),
            ] {
                let shown = !reply.body[property].is_null();
                assert!(!(shown && hidden.contains(&json!(member))), "{path} says {property}");
            }
            assert!(!reply.text.contains("contoh-"), "{path} names what is invented");
            told += 1;
        }
    }
    assert!(told > 100);
}

#[tokio::test]
async fn an_event_has_what_search_engines_ask_for() {
    let service = start().await;
    let event = service.get("/v1/events/labuhan-parangkusumo?lang=en&format=jsonld").await.body;
    assert_eq!(event["@type"], "Event");
    assert_eq!(event["startDate"], "2027-01-09");
    assert_eq!(event["endDate"], "2027-01-09", "the last day, not the one after it");
    assert_eq!(event["eventStatus"], "https://schema.org/EventScheduled");
    assert_eq!(event["location"]["name"], "Parangkusumo Beach");
    assert_eq!(event["location"]["address"]["addressCountry"], "ID");
    assert_eq!(event["location"]["address"]["addressLocality"], "Parangtritis, Kretek");
    assert_eq!(event["organizer"]["name"], "Keraton Ngayogyakarta Hadiningrat");
    assert_eq!(event["url"], format!("{BASE}/v1/events/labuhan-parangkusumo"));
    assert_eq!(event["inLanguage"], "en");
    assert_eq!(event["subjectOf"]["license"], "https://spdx.org/licenses/CC-BY-4.0");
    let all = service.get("/v1/events?limit=100&format=jsonld").await;
    for item in all.body["itemListElement"].as_array().unwrap() {
        let event = &item["item"];
        assert!(event["name"].is_string() && event["location"]["address"].is_object(), "{event}");
    }
}

#[tokio::test]
async fn a_page_is_a_list_of_items_and_leads_to_the_next() {
    let service = start().await;
    let words = Words::read();
    for path in ["/v1/discover", "/v1/places", "/v1/producers", "/v1/events"] {
        let page = service.get(&format!("{path}?limit=20&sort=name&format=jsonld")).await;
        assert_eq!(page.body["@type"], "ItemList");
        words.hold(&page.body);
        assert!(!page.text.contains("contoh-"), "{path}");
        let items = page.body["itemListElement"].as_array().unwrap();
        assert_eq!(page.body["numberOfItems"], items.len());
        assert_eq!(items[0]["position"], 1);
        assert!(page.header("link").contains("rel=\"next\""), "{path}");
        let reply = service.get(&format!("{path}?format=jsonld&fields=name")).await;
        assert_eq!(reply.body["errors"][0]["code"], "not_here");
    }
}

#[tokio::test]
async fn a_listing_names_its_other_representations() {
    let service = start().await;
    let event = service.get("/v1/events/labuhan-parangkusumo").await;
    let link = event.header("link").to_owned();
    for format in ["geojson", "jsonld", "ics"] {
        let path = format!("/v1/events/labuhan-parangkusumo?format={format}");
        assert!(link.contains(&format!("<{BASE}{path}>; rel=\"alternate\"")), "{link}");
        assert_eq!(service.get(&path).await.status, 200);
    }
}

#[tokio::test]
async fn hours_prices_and_products_are_told_where_they_are_true() {
    let service = start().await;
    let words = Words::read();
    let load =
        async |slug: &str| record::named(&service.app.store.reader, slug).await.unwrap().unwrap();
    let mut place = load("museum-soeharto-kemusuk").await;
    place.listing.version += 1;
    place.listing.sample_fields.0.clear();
    place.listing.hours = Some("Tu-Su 08:00-16:00; Fr 08:00-11:00; Mo off".to_owned());
    let mut maker = load("contoh-batik-wijaya-giriloyo").await;
    maker.listing.version += 1;
    maker.listing.sample = false;
    let products = maker.products.iter().cloned().map(|mut product| {
        product.version += 1;
        product.sample = false;
        Write::from(product)
    });
    let products: Vec<Write> = products.collect();
    let count = products.len();
    let listing = |record| Write::Listing { record: Box::new(record), former_slug: None };
    let writes = [listing(place), listing(maker)].into_iter().chain(products).collect();
    service.app.write(Unit::new(writes, "test", at(NOON))).await.unwrap();

    let place = service.get("/v1/places/museum-soeharto-kemusuk?format=jsonld").await.body;
    words.hold(&place);
    let hours = place["openingHoursSpecification"].as_array().unwrap();
    assert_eq!(hours.len(), 2);
    let day = |day: &str| format!("https://schema.org/{day}");
    assert_eq!(
        hours[0]["dayOfWeek"],
        json!(["Tuesday", "Wednesday", "Thursday", "Saturday", "Sunday"].map(day))
    );
    assert_eq!((&hours[0]["opens"], &hours[0]["closes"]), (&json!("08:00"), &json!("16:00")));
    assert_eq!((&hours[1]["opens"], &hours[1]["closes"]), (&json!("08:00"), &json!("11:00")));
    let maker = service.get("/v1/producers/contoh-batik-wijaya-giriloyo?format=jsonld").await.body;
    words.hold(&maker);
    assert_eq!(maker["@type"], "Store");
    let offers = maker["makesOffer"].as_array().unwrap();
    assert!(count > 0 && offers.len() == count);
    for offer in offers {
        assert_eq!(offer["itemOffered"]["@type"], "Product");
        let price = if offer["price"].is_null() { &offer["priceSpecification"] } else { offer };
        assert_eq!(price["priceCurrency"], "IDR", "{offer}");
    }
}
