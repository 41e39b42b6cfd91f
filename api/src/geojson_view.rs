//! GeoJSON (RFC 7946): the same answers for maps.

use std::collections::BTreeMap;

use domain::record::Record;
use search::Document;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{discover::CountView, listing_view::ItemView};

/// A document as a Feature whose properties are `view` without its location.
pub fn feature(document: &Document, record: &Record, mut view: Value) -> Value {
    let geometry = record.listing.geometry.clone().or_else(|| {
        document.position.map(|at| json!({"type": "Point", "coordinates": [at.lon(), at.lat()]}))
    });
    if let Some(members) = view.as_object_mut() {
        members.shift_remove("location");
    }
    json!({
        "type": "Feature", "id": document.id, "geometry": geometry,
        "properties": view,
    })
}

/// A page of listings as a map shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingFeatureCollection)]
pub struct Collection {
    #[serde(rename = "type")]
    kind: CollectionType,
    #[schema(max_items = 100)]
    features: Vec<FeatureView>,
    /// How many there are in all pages; exact.
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    total: usize,
    /// Where the next page starts; `null` at the end.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    seed: Option<String>,
    #[schema(required = false)]
    facets: BTreeMap<String, Vec<CountView>>,
}

/// Always `FeatureCollection`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeatureCollectionType)]
#[expect(dead_code, reason = "only its schema is used")]
pub enum CollectionType {
    FeatureCollection,
}

/// Always `Feature`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeatureType)]
#[expect(dead_code, reason = "only its schema is used")]
pub enum FeatureType {
    Feature,
}

/// A listing as a Feature; its properties are those of an item, without `location`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingFeature)]
pub struct FeatureView {
    #[serde(rename = "type")]
    kind: FeatureType,
    id: Uuid,
    geometry: Option<GeometryView>,
    properties: ItemView,
}

/// A geometry of RFC 7946; longitude before latitude.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Geometry, example = json!({"type": "Point", "coordinates": [110.3296, -8.0247]}))]
pub struct GeometryView {
    #[serde(rename = "type")]
    #[schema(inline)]
    kind: GeometryType,
    /// Numbers, or lists of them as deep as the type says.
    #[schema(max_items = 100_000)]
    coordinates: Vec<Value>,
}

/// The types of geometry that occur.
#[derive(Debug, Serialize, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub enum GeometryType {
    Point,
    MultiPoint,
    LineString,
    MultiLineString,
    Polygon,
    MultiPolygon,
}
