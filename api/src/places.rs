//! Places: where to go.

use axum::{extract::State, response::Response};
use chrono::NaiveDate;
use domain::record::Record;
use domain::{
    listing::Kind,
    money::{Admission, Price},
    place::Award,
};
use search::Document;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    asked::{Asked, Key},
    geojson_view::GeometryView,
    jsonld::LinkedData,
    listing_detail::{DetailParams, detail},
    listing_view::{ListingView, Seen},
    person::Person,
    problem::Problem,
    words::Words,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_place))
}

/// A place as a whole.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Place)]
pub struct PlaceView {
    #[serde(flatten)]
    listing: ListingView,
    #[serde(skip_serializing_if = "Option::is_none")]
    admission: Option<AdmissionView>,
    #[schema(max_items = 40)]
    awards: Vec<Award>,
    /// How long a visit takes, minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_080, format = "int32")]
    duration_min: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_time: Option<Words>,
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_basis: Option<LegalBasisView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 120)]
    managed_by: Option<String>,
    is_tourism_village: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    heritage_register: Option<String>,
}

/// The decree that makes it what it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegalBasis)]
pub struct LegalBasisView {
    #[schema(max_length = 160)]
    number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<NaiveDate>,
}

/// What it costs to enter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Admission)]
pub struct AdmissionView {
    free: bool,
    #[schema(max_items = 40)]
    prices: Vec<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Words>,
}

impl Seen<'_> {
    /// What it costs.
    pub fn admission(&self, admission: &Admission) -> AdmissionView {
        let Admission { free, prices, note } = admission;
        AdmissionView {
            free: *free,
            prices: prices.clone(),
            note: self.tongue.maybe(note.as_ref()),
        }
    }

    /// A place, if it is one.
    pub fn place(&self, document: &Document, record: &Record) -> Option<PlaceView> {
        let domain::place::Model {
            id: _,
            admission,
            awards,
            duration_min,
            best_time,
            legal_basis,
            managed_by,
            is_tourism_village,
            heritage_register,
        } = record.place()?;
        Some(PlaceView {
            listing: self.listing(document, record),
            admission: admission.as_ref().map(|admission| self.admission(admission)),
            awards: awards.0.clone(),
            duration_min: *duration_min,
            best_time: self.tongue.maybe(best_time.as_ref()),
            legal_basis: legal_basis
                .as_ref()
                .map(|basis| LegalBasisView { number: basis.number.clone(), date: basis.date }),
            managed_by: managed_by.clone(),
            is_tourism_village: *is_tourism_village,
            heritage_register: heritage_register.clone(),
        })
    }
}

/// A place as a Feature; its properties are the place without `location`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlaceFeature)]
pub struct PlaceFeature {
    #[serde(rename = "type")]
    kind: crate::geojson_view::FeatureType,
    id: uuid::Uuid,
    geometry: Option<GeometryView>,
    properties: PlaceView,
}

/// Get a place by its id or slug.
#[utoipa::path(
    get, path = "/v1/places/{id}", tag = "places",
    params(("id" = String, Path, description = "Id or slug"), DetailParams),
    responses((status = OK, description = "The place", content(
        (PlaceView = "application/json"), (PlaceFeature = "application/geo+json"),
        (LinkedData = "application/ld+json"))))
)]
async fn get_place(
    State(app): State<App>,
    Key(id): Key,
    person: Option<Person>,
    asked: Asked,
) -> Result<Response, Problem> {
    detail(&app, asked, person, Kind::Place, &id, |seen, document, record| {
        seen.place(document, record)
    })
    .await
}
