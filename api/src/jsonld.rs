//! JSON-LD: listings in the words of schema.org, for search engines and whoever speaks them.
//!
//! Types and properties are those of schema.org alone; `tests/schema_org.tsv` lists them, and a test
//! holds each to the types that it goes with. What is invented is left out (see `honest`). What an
//! event adds is in `event`, what a maker adds in `maker`.

use domain::{
    hours::Hours,
    listing::{ContactKind, Image, Kind},
    money::{Admission, Currency, Money},
    text::Texts,
};
use search::{Document, Hit};
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    honest::Honest,
    listing_view::{Seen, link_of, local, may_come, public_contacts},
};

mod event;
mod maker;

/// Where the words are from.
const CONTEXT: &str = "https://schema.org";
/// The days of a week, Monday first.
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A listing, or a list of some, as JSON-LD with the words of schema.org.
pub struct LinkedData;

impl PartialSchema for LinkedData {
    fn schema() -> RefOr<Schema> {
        let word = json!({"type": "string", "maxLength": 80});
        let schema = json!({
            "type": "object",
            "description": "A node with the types and properties of schema.org; of a list an `ItemList`. Nothing that is a sample.",
            "required": ["@context", "@type"],
            "properties": {
                "@context": {"type": "string", "enum": [CONTEXT]},
                "@type": {"oneOf": [word, {"type": "array", "maxItems": 4, "items": word}]},
                "@id": {"type": "string", "maxLength": 60},
                "name": {"type": "string", "maxLength": 120},
                "url": {"type": "string", "format": "uri-reference", "maxLength": 400}
            },
            "additionalProperties": true
        });
        serde_json::from_value(schema).expect("a schema of the contract is well formed")
    }
}

impl ToSchema for LinkedData {
    fn name() -> std::borrow::Cow<'static, str> {
        "LinkedData".into()
    }
}

/// A node that is being written.
#[derive(Debug, Default)]
pub struct Node(Map<String, Value>);

impl Node {
    /// A node of that type.
    fn new(kind: &str) -> Self {
        Self::default().with("@type", kind)
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A list; nothing where it is empty.
    fn list(self, name: &str, values: Vec<Value>) -> Self {
        if values.is_empty() { self } else { self.with(name, values) }
    }
}

impl From<Node> for Value {
    fn from(node: Node) -> Self {
        Self::Object(node.0)
    }
}

/// Who tells of a listing, in what language and under which address.
#[derive(Debug, Clone, Copy)]
pub struct Teller<'a> {
    /// For whom and when.
    pub seen: &'a Seen<'a>,
    /// What addresses begin with; empty where nobody says.
    pub base: &'a str,
}

impl Teller<'_> {
    /// A listing by itself.
    pub fn whole(&self, document: &Document, honest: &Honest) -> Value {
        let Value::Object(members) = self.listing(document, honest) else { return Value::Null };
        let mut whole = Node::default().with("@context", CONTEXT);
        whole.0.extend(members);
        whole.into()
    }

    /// A page of a list, without what is invented.
    pub fn page(&self, hits: &[Hit]) -> Value {
        let items = hits.iter().filter_map(|hit| {
            let honest = Honest::of(self.seen.snapshot, hit.document)?;
            Some(self.listing(hit.document, &honest))
        });
        let items: Vec<Value> = (1_u64..)
            .zip(items)
            .map(|(at, item)| Node::new("ListItem").with("position", at).with("item", item).into())
            .collect();
        Node::default()
            .with("@context", CONTEXT)
            .with("@type", "ItemList")
            .with("numberOfItems", items.len())
            .with("itemListElement", items)
            .into()
    }

    fn listing(&self, document: &Document, honest: &Honest) -> Value {
        let node = match document.kind {
            Kind::Place => self.place(document, honest),
            Kind::Producer => self.producer(document, honest),
            Kind::Event => self.event(document, honest),
        };
        node.into()
    }

    fn place(&self, document: &Document, honest: &Honest) -> Node {
        const USUAL: &str = "TouristAttraction";
        let listing = &honest.record.listing;
        let own = self.schema_type(listing).filter(|own| own != USUAL);
        let kinds = own.map_or(json!(USUAL), |own| json!([USUAL, own]));
        let admission = honest.record.place().and_then(|place| place.admission.as_ref());
        self.spot(self.common(kinds, document, honest), document, honest)
            .maybe("isAccessibleForFree", admission.map(|admission| admission.free))
            .list("availableLanguage", languages(listing))
    }

    /// What all of them have.
    fn common(&self, kinds: Value, document: &Document, honest: &Honest) -> Node {
        let listing = &honest.record.listing;
        let lang = self.seen.lang;
        let text = |texts: &Texts| texts.get(lang).1.to_owned();
        let about = listing.description.as_ref().or(listing.summary.as_ref());
        let tags: Vec<&str> = listing.tags.iter().map(|tag| tag.as_str()).collect();
        let source = Node::new("CreativeWork")
            .with("license", licence(&listing.licence))
            .with("creditText", listing.source.name.as_str())
            .maybe("isBasedOn", listing.source.url.as_deref())
            .with("inLanguage", listing.name.get(lang).0.code())
            .with("dateModified", json!(local(listing.updated_at, document)));
        Node::default()
            .with("@type", kinds)
            .with("@id", format!("urn:uuid:{}", listing.id))
            .with("url", self.url(listing))
            .with("name", text(&listing.name))
            .maybe("description", about.map(text))
            .list("image", listing.media.iter().map(|image| self.image(image)).collect())
            .maybe("keywords", (!tags.is_empty()).then(|| tags.join(", ")))
            .list("sameAs", same_as(listing))
            .with("subjectOf", source)
    }

    /// What somewhere has that one can go to.
    fn spot(&self, node: Node, document: &Document, honest: &Honest) -> Node {
        let listing = &honest.record.listing;
        let hours = listing.hours.as_deref().and_then(|hours| hours.parse::<Hours>().ok());
        let mut phones = public_contacts(listing)
            .filter(|way| matches!(way.kind, ContactKind::Phone | ContactKind::Whatsapp));
        node.maybe("geo", geo(document, honest))
            .maybe("address", self.address(document, honest))
            .list("openingHoursSpecification", hours.as_ref().map(opening).unwrap_or_default())
            .list("amenityFeature", amenities(listing))
            .maybe("telephone", phones.next().map(|way| way.value.as_str()))
    }

    fn url(&self, listing: &domain::listing::Model) -> String {
        format!("{}/v1/{}/{}", self.base, listing.kind.plural(), listing.slug)
    }

    /// The type of its category, or of the nearest one above that has one.
    fn schema_type(&self, listing: &domain::listing::Model) -> Option<String> {
        let reference = self.seen.snapshot.reference();
        let found = listing
            .category
            .lineage()
            .find_map(|code| reference.category(&code.parse().ok()?)?.schema_org.clone());
        found.map(|url| url.trim_start_matches("https://schema.org/").to_owned())
    }

    /// An address as far as it may be shown: no door where nobody may come.
    fn address(&self, document: &Document, honest: &Honest) -> Option<Node> {
        let reference = self.seen.snapshot.reference();
        let lang = self.seen.lang;
        let own = honest.record.listing.address.as_ref();
        let area = document.area.as_ref().filter(|_| honest.is_somewhere());
        if own.is_none() && area.is_none() {
            return None;
        }
        let door = may_come(&honest.record);
        let line = |text: &Option<String>| text.clone();
        let street = own.map(|own| {
            let street = line(&own.street).filter(|_| door);
            let lines = street.into_iter().chain(line(&own.dusun));
            lines.collect::<Vec<_>>().join(", ")
        });
        let province = area.and_then(|area| area.lineage().last()?.parse().ok());
        let region = province.map(|code| match reference.area(&code) {
            Some(_) => reference.area_name(&code, lang),
            None => "Daerah Istimewa Yogyakarta".to_owned(),
        });
        Some(
            Node::new("PostalAddress")
                .maybe("streetAddress", street.filter(|street| !street.is_empty()))
                .maybe("addressLocality", area.map(|area| reference.area_name(area, lang)))
                .maybe("addressRegion", region)
                .maybe("postalCode", own.and_then(|own| own.postal_code.clone()))
                .with("addressCountry", "ID"),
        )
    }

    fn image(&self, image: &Image) -> Value {
        let src = match image.src.strip_prefix('/') {
            Some(_) => format!("{}{}", self.base, image.src),
            None => image.src.clone(),
        };
        Node::new("ImageObject")
            .with("url", src.clone())
            .with("contentUrl", src)
            .with("caption", image.alt.get(self.seen.lang).1)
            .with("creditText", image.credit.as_str())
            .with("license", licence(&image.licence))
            .into()
    }
}

/// The page of a licence by its SPDX id.
fn licence(id: &str) -> String {
    format!("https://spdx.org/licenses/{id}")
}

fn geo(document: &Document, honest: &Honest) -> Option<Node> {
    let at = document.position.filter(|_| honest.is_somewhere())?;
    Some(Node::new("GeoCoordinates").with("latitude", at.lat()).with("longitude", at.lon()))
}

fn languages(listing: &domain::listing::Model) -> Vec<Value> {
    listing.languages_spoken.iter().map(|language| json!(language.as_str())).collect()
}

fn amenities(listing: &domain::listing::Model) -> Vec<Value> {
    let feature = |name: &str, value: bool| {
        Node::new("LocationFeatureSpecification").with("name", name).with("value", value).into()
    };
    let facilities = listing.facilities.iter().map(|facility| feature(facility.name(), true));
    let access = listing.accessibility.0.iter().map(|(access, is)| feature(access.name(), *is));
    facilities.chain(access).collect()
}

/// Its pages elsewhere.
fn same_as(listing: &domain::listing::Model) -> Vec<Value> {
    let known = listing.external_ids.0.iter().filter_map(|(system, id)| {
        Some(match system.as_str() {
            "wikidata" => format!("https://www.wikidata.org/wiki/{id}"),
            "osm" => format!("https://www.openstreetmap.org/{id}"),
            "geonames" => format!("https://www.geonames.org/{id}"),
            "wikipedia" | "wikivoyage" => {
                let (lang, title) = id.split_once(':')?;
                format!("https://{lang}.{}.org/wiki/{}", system.as_str(), title.replace(' ', "_"))
            }
            _ => return None,
        })
    });
    let pages = public_contacts(listing)
        .filter(|contact| matches!(contact.kind, ContactKind::Website | ContactKind::Instagram))
        .map(link_of);
    known.chain(pages).map(Value::from).collect()
}

/// The hours, where every week is like every other; days that are alike together.
fn opening(hours: &Hours) -> Vec<Value> {
    let mut alike: Vec<((u16, u16), Vec<String>)> = Vec::new();
    for stretch in hours.weekly().unwrap_or_default() {
        let times = (stretch.opens, stretch.closes);
        let day = format!("https://schema.org/{}", DAYS[usize::from(stretch.weekday)]);
        match alike.iter_mut().find(|(same, _)| *same == times) {
            Some((_, days)) => days.push(day),
            None => alike.push((times, vec![day])),
        }
    }
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let specification = |((opens, closes), days): ((u16, u16), Vec<String>)| {
        // All of a day ends a minute before the next begins, as search engines want it.
        let closes = if (opens, closes) == (0, 1440) { 1439 } else { closes };
        Node::new("OpeningHoursSpecification")
            .with("dayOfWeek", days)
            .with("opens", time(opens))
            .with("closes", time(closes))
            .into()
    };
    alike.into_iter().map(specification).collect()
}

/// A price, as an offer has it.
fn priced(node: Node, price: Money) -> Node {
    let Money { amount, currency: Currency::Idr } = price;
    node.with("price", amount).with("priceCurrency", "IDR")
}

/// What it costs to come in.
fn tickets(admission: &Admission, url: &str) -> Vec<Value> {
    let offer = || Node::new("Offer").with("url", url);
    if admission.free {
        let nothing = Money { amount: 0, currency: Currency::Idr };
        return vec![priced(offer(), nothing).into()];
    }
    let named = |price: &domain::money::Price| {
        let group = serde_json::to_value(price.group).unwrap_or_default();
        priced(offer().with("name", group), price.price).into()
    };
    admission.prices.iter().map(named).collect()
}
