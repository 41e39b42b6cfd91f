//! Areas: province, regency, kapanewon, kalurahan, with their polygons.

use domain::{
    Fault,
    area::{Area, Level},
    key::AreaCode,
    listing::{names_nothing, unknown_word},
    position::Position,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema, openapi::path::Parameter};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, FORMAT, Key},
    geojson_view::{CollectionType, FeatureType, GeometryView},
    listing_query::{pattern, point, specs},
    params::Spec,
    problem::{self, Problem},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_areas))
        .routes(routes!(list_areas_at))
        .routes(routes!(get_area))
}

const LEVELS: [&str; 4] = ["province", "regency", "kapanewon", "kalurahan"];

specs! {
    /// What the list of areas takes.
    AREAS:
    "level" one, json!({"type": "string", "enum": LEVELS}), "kapanewon", "Only areas of this level.";
    "parent" one, pattern(AreaCode::PATTERN, AreaCode::MAX), "34.02", "Only areas directly inside this one.";
}
specs! {
    /// What the areas at a point take.
    AT:
    "lat" one, json!({"type": "number", "format": "double", "minimum": -90, "maximum": 90}), -8.0247, "Degrees north, WGS 84.";
    "lon" one, json!({"type": "number", "format": "double", "minimum": -180, "maximum": 180}), 110.3296, "Degrees east, WGS 84.";
}

/// The parameters of the list of areas.
pub struct AreaListParams;
/// The parameters of one area.
pub struct AreaParams;
/// The parameters of the areas at a point.
pub struct AtParams;

impl IntoParams for AreaListParams {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<Parameter> {
        [AREAS, &COMMON, &FORMAT].into_iter().flatten().map(Spec::document).collect()
    }
}

impl IntoParams for AreaParams {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<Parameter> {
        COMMON.iter().chain(&FORMAT).map(Spec::document).collect()
    }
}

impl IntoParams for AtParams {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<Parameter> {
        let mut all: Vec<_> = AT.iter().chain(&COMMON).map(Spec::document).collect();
        for parameter in &mut all[..2] {
            parameter.required = utoipa::openapi::Required::True;
        }
        all
    }
}

/// An administrative area.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Area)]
pub struct AreaView {
    /// Kemendagri code.
    #[schema(value_type = String, max_length = 13, example = "34.02.03.2002")]
    code: AreaCode,
    level: Level,
    #[schema(max_length = 250, example = "Parangtritis")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 13, example = "34.02.03")]
    parent: Option<AreaCode>,
    /// West, south, east, north in degrees; absent where the shape is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<f64>>, min_items = 4, max_items = 4)]
    bbox: Option<[f64; 4]>,
    /// Published listings in it.
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    count: usize,
    /// Only of `areas/at`: the point lies in none; this is the nearest within 500 m.
    #[serde(skip_serializing_if = "Option::is_none")]
    inferred: Option<bool>,
}

/// Areas.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AreaPage)]
pub struct AreaPage {
    /// The outer before the inner.
    #[schema(max_items = 100_000)]
    items: Vec<AreaView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// An area with its polygon.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AreaFeature)]
pub struct AreaFeature {
    #[serde(rename = "type")]
    kind: FeatureType,
    #[schema(value_type = String, max_length = 13)]
    id: AreaCode,
    geometry: Option<GeometryView>,
    properties: AreaView,
}

/// Areas with their polygons.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AreaFeatureCollection)]
pub struct AreaCollection {
    #[serde(rename = "type")]
    kind: CollectionType,
    #[schema(max_items = 100_000)]
    features: Vec<AreaFeature>,
}

fn view(asked: &Asked, area: &Area, count: usize, inferred: Option<bool>) -> AreaView {
    AreaView {
        code: area.row.code.clone(),
        level: area.row.level,
        name: area.row.name.get(asked.lang).1.to_owned(),
        parent: area.row.parent.clone(),
        bbox: area.bbox(),
        count,
        inferred,
    }
}

fn feature(area: &Area, view: &AreaView) -> Value {
    json!({
        "type": "Feature", "id": view.code, "geometry": area.row.polygon, "properties": view,
    })
}

/// List the areas, or with GeoJSON their polygons.
#[utoipa::path(
    get, path = "/v1/areas", tag = "helpers", params(AreaListParams),
    responses((status = OK, description = "Areas", content(
        (AreaPage = "application/json"), (AreaCollection = "application/geo+json"))))
)]
async fn list_areas(mut asked: Asked) -> Result<Answer, Problem> {
    let media = asked.media(&[media::JSON, media::GEOJSON])?;
    let level = asked.params.one_with("level", |raw| {
        Level::ALL
            .into_iter()
            .find(|level| level.name() == raw)
            .ok_or_else(|| unknown_word(&LEVELS))
    });
    let snapshot = asked.snapshot.clone();
    let reference = snapshot.reference();
    let parent = asked.params.one_with("parent", |raw| {
        let code: AreaCode = raw.parse()?;
        if reference.area(&code).is_some() { Ok(code) } else { Err(names_nothing()) }
    });
    asked.params.finish(&[AREAS, &COMMON, &FORMAT])?;
    let counts = snapshot.area_counts();
    let areas = reference.areas().filter(|area| {
        level.is_none_or(|level| area.row.level == level)
            && parent.as_ref().is_none_or(|parent| area.row.parent.as_ref() == Some(parent))
    });
    let views = areas.map(|area| {
        let count = counts.get(&area.row.code).copied().unwrap_or(0);
        (area, view(&asked, area, count, None))
    });
    if media == media::GEOJSON {
        let features: Vec<Value> = views.map(|(area, view)| feature(area, &view)).collect();
        let body = json!({"type": "FeatureCollection", "features": features});
        return Answer::of(&body, media, asked.lang);
    }
    let items = views.map(|(_, view)| view).collect();
    Answer::of(&AreaPage { items, cursor: None }, media, asked.lang)
}

/// Get an area by its code, or with GeoJSON its polygon.
#[utoipa::path(
    get, path = "/v1/areas/{code}", tag = "helpers",
    params(("code" = String, Path, description = "Kemendagri code"), AreaParams),
    responses((status = OK, description = "The area", content(
        (AreaView = "application/json"), (AreaFeature = "application/geo+json"))))
)]
async fn get_area(Key(code): Key, mut asked: Asked) -> Result<Answer, Problem> {
    let media = asked.media(&[media::JSON, media::GEOJSON])?;
    let snapshot = asked.snapshot.clone();
    asked.params.finish(&[&COMMON, &FORMAT])?;
    let area = code.parse().ok().and_then(|code| snapshot.reference().area(&code));
    let area = area.ok_or_else(|| Problem::new(problem::Kind::NotFound))?;
    let count = snapshot.area_counts().get(&area.row.code).copied().unwrap_or(0);
    let view = view(&asked, area, count, None);
    if media == media::GEOJSON {
        return Answer::of(&feature(area, &view), media, asked.lang);
    }
    Answer::of(&view, media, asked.lang)
}

/// List the areas that hold a point, largest first.
///
/// A point up to 500 m outside every line, such as a beach, gets the nearest; `inferred` says so.
#[utoipa::path(
    get, path = "/v1/areas/at", tag = "helpers", params(AtParams),
    responses((status = OK, description = "The areas, largest first; none far outside", body = AreaPage))
)]
async fn list_areas_at(mut asked: Asked) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let at = point(&mut asked.params);
    for name in ["lat", "lon"] {
        if !asked.params.has("lat") && !asked.params.has("lon") {
            asked.params.fault(name, Fault::new("missing", "wajib ada", "is required"));
        }
    }
    asked.params.finish(&[AT, &COMMON])?;
    let items = at.map(|at| areas_at(&asked, at)).unwrap_or_default();
    Answer::of(&AreaPage { items, cursor: None }, media::JSON, asked.lang)
}

fn areas_at(asked: &Asked, at: Position) -> Vec<AreaView> {
    let reference = asked.snapshot.reference();
    let Some(found) = reference.locate(at) else { return Vec::new() };
    let counts = asked.snapshot.area_counts();
    let mut views: Vec<AreaView> = found
        .code
        .lineage()
        .filter_map(|code| reference.area(&code.parse().ok()?))
        .map(|area| {
            let count = counts.get(&area.row.code).copied().unwrap_or(0);
            view(asked, area, count, Some(found.inferred))
        })
        .collect();
    views.reverse();
    views
}
