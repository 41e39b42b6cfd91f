//! Producers: who makes what, and their products.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, FixedOffset};
use domain::record::Record;
use domain::{
    key::Term,
    listing::Kind,
    money::Money,
    producer::{Certificate, Craft, Form, Visit, Workshop},
    product,
};
use search::{Document, shown_products};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    geojson_view::{FeatureType, GeometryView},
    jsonld::LinkedData,
    listing_detail::{DetailParams, Found, detail, find},
    listing_view::{ImageView, LinkView, ListingView, Seen, local},
    person::Person,
    problem::Problem,
    words::{Tongue, Words},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_producer)).routes(routes!(list_producer_products))
}

/// A producer as a whole; its products are a resource of their own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Producer)]
pub struct ProducerView {
    #[serde(flatten)]
    listing: ListingView,
    form: Form,
    craft: Craft,
    #[schema(value_type = Vec<String>, max_items = 16)]
    materials: Vec<Term>,
    /// For batik `tulis`, `cap`, `combination` or `print`: they are not the same thing.
    #[schema(value_type = Vec<String>, max_items = 16)]
    techniques: Vec<Term>,
    #[schema(max_items = 16)]
    certificates: Vec<Certificate>,
    /// Gregorian year.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1500, maximum = 2200, format = "int32")]
    founded: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100_000, format = "int32")]
    workers: Option<i32>,
    /// The centre it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    centre: Option<LinkView>,
    visit: Visit,
    #[schema(max_items = 16)]
    workshops: Vec<WorkshopView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_to_order: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 730, format = "int32")]
    lead_time_days: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export_ready: Option<bool>,
    /// How many products are shown.
    #[schema(minimum = 0, maximum = 1_000_000, format = "int32")]
    product_count: usize,
}

/// A class or demonstration.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workshop)]
pub struct WorkshopView {
    title: Words,
    #[schema(minimum = 10, maximum = 10_080, format = "int32")]
    minutes: i32,
    /// A person's price.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
    /// The most people at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000, format = "int32")]
    group_size: Option<i32>,
    /// ISO 639.
    #[schema(max_items = 12)]
    languages: Vec<String>,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub struct ProductView {
    id: Uuid,
    #[schema(max_length = 80)]
    slug: String,
    status: product::Status,
    name: Words,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Words>,
    /// The price, or the lowest.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
    /// The highest, when it depends.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_to: Option<Money>,
    #[schema(value_type = Vec<String>, max_items = 16)]
    materials: Vec<Term>,
    #[schema(value_type = Vec<String>, max_items = 16)]
    techniques: Vec<Term>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 120)]
    dimensions: Option<String>,
    #[schema(max_items = 24)]
    media: Vec<ImageView>,
    #[schema(max_items = 16)]
    order_links: Vec<String>,
    /// Invented for demonstration.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    sample: bool,
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    version: i64,
    updated_at: DateTime<FixedOffset>,
}

impl Seen<'_> {
    /// A producer, if it is one.
    pub fn producer(&self, document: &Document, record: &Record) -> Option<ProducerView> {
        let domain::producer::Model {
            id: _,
            form,
            craft,
            materials,
            techniques,
            certificates,
            founded,
            workers,
            centre,
            visit,
            workshops,
            made_to_order,
            lead_time_days,
            export_ready,
        } = record.producer()?;
        Some(ProducerView {
            listing: self.listing(document, record),
            form: *form,
            craft: *craft,
            materials: materials.0.clone(),
            techniques: techniques.0.clone(),
            certificates: certificates.0.clone(),
            founded: *founded,
            workers: *workers,
            centre: centre.and_then(|id| self.link(id)),
            visit: *visit,
            workshops: workshops.iter().map(|workshop| self.workshop(workshop)).collect(),
            made_to_order: *made_to_order,
            lead_time_days: *lead_time_days,
            export_ready: *export_ready,
            product_count: shown_products(record).count(),
        })
    }

    fn workshop(&self, workshop: &Workshop) -> WorkshopView {
        let Workshop { title, minutes, price, group_size, languages } = workshop;
        WorkshopView {
            title: self.tongue.show(title),
            minutes: *minutes,
            price: *price,
            group_size: *group_size,
            languages: languages.iter().map(|language| language.as_str().to_owned()).collect(),
        }
    }

    /// The products of a producer that are shown.
    pub fn products(&self, document: &Document, record: &Record) -> Vec<ProductView> {
        shown_products(record).map(|product| self.product(product, document)).collect()
    }

    fn product(&self, product: &product::Model, document: &Document) -> ProductView {
        let product::Model {
            id,
            producer: _,
            slug,
            status,
            name,
            summary,
            price,
            price_to,
            materials,
            techniques,
            dimensions,
            media,
            order_links,
            sample,
            version,
            created_at: _,
            updated_at,
        } = product;
        ProductView {
            id: *id,
            slug: slug.to_string(),
            status: *status,
            name: self.tongue.show(name),
            summary: self.tongue.maybe(summary.as_ref()),
            price: *price,
            price_to: *price_to,
            materials: materials.0.clone(),
            techniques: techniques.0.clone(),
            dimensions: dimensions.clone(),
            media: media.iter().map(|image| self.image(image)).collect(),
            order_links: order_links.0.clone(),
            sample: *sample,
            version: *version,
            updated_at: local(*updated_at, document),
        }
    }
}

/// A producer as a Feature; its properties are the producer without `location`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProducerFeature)]
pub struct ProducerFeature {
    #[serde(rename = "type")]
    kind: FeatureType,
    id: Uuid,
    geometry: Option<GeometryView>,
    properties: ProducerView,
}

/// The products of a producer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductPage)]
pub struct ProductPage {
    #[schema(max_items = 1000)]
    items: Vec<ProductView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// Get a producer by its id or slug.
#[utoipa::path(
    get, path = "/v1/producers/{id}", tag = "producers",
    params(("id" = String, Path, description = "Id or slug"), DetailParams),
    responses((status = OK, description = "The producer", content(
        (ProducerView = "application/json"), (ProducerFeature = "application/geo+json"),
        (LinkedData = "application/ld+json"))))
)]
async fn get_producer(
    State(app): State<App>,
    Key(id): Key,
    person: Option<Person>,
    asked: Asked,
) -> Result<Response, Problem> {
    detail(&app, asked, person, Kind::Producer, &id, |seen, document, record| {
        seen.producer(document, record)
    })
    .await
}

/// List the products of a producer.
///
/// Those that can be had or are sold out; what is no longer made is not shown.
#[utoipa::path(
    get, path = "/v1/producers/{id}/products", tag = "producers",
    params(("id" = String, Path, description = "Id or slug of the producer"), LangParams),
    responses((status = OK, description = "The products", body = ProductPage))
)]
async fn list_producer_products(
    State(app): State<App>,
    Key(id): Key,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let found = find(&app, &asked.snapshot, Kind::Producer, &id, ("/products", &asked.query))?;
    let document = match found {
        Found::Here(document) => document,
        Found::Moved(response) => return Ok(response),
    };
    let tongue = Tongue::One(asked.lang);
    let seen = Seen { snapshot: &asked.snapshot, lang: asked.lang, tongue, now: asked.now };
    let record = document.record();
    let page = ProductPage { items: seen.products(&document, &record), cursor: None };
    Ok(Answer::of(&page, media::JSON, asked.lang)?.into_response())
}
