//! The taxonomy.

use domain::key::CategoryCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, LangParams},
    problem::Problem,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_categories))
}

/// A node of the taxonomy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Category)]
pub struct CategoryView {
    #[schema(value_type = String, max_length = 64, example = "nature.beach")]
    code: CategoryCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 64, example = "nature")]
    parent: Option<CategoryCode>,
    #[schema(max_length = 80, example = "Pantai")]
    name: String,
    /// OSM tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80, example = "natural=beach")]
    osm: Option<String>,
    /// schema.org type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80, example = "Beach")]
    schema_org: Option<String>,
    /// Published listings of it and of all below it.
    #[schema(minimum = 0, maximum = 1_000_000_000, format = "int64")]
    count: usize,
}

/// The taxonomy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryPage)]
pub struct CategoryPage {
    /// By code: the parent before its children.
    #[schema(max_items = 1000)]
    items: Vec<CategoryView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// List all categories with how many listings each has.
#[utoipa::path(
    get, path = "/v1/categories", tag = "helpers", params(LangParams),
    responses((status = OK, description = "The taxonomy", body = CategoryPage))
)]
async fn list_categories(mut asked: Asked) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let counts = asked.snapshot.category_counts();
    let items = asked
        .snapshot
        .reference()
        .categories()
        .map(|category| CategoryView {
            code: category.code.clone(),
            parent: category.parent.clone(),
            name: category.name.get(asked.lang).1.to_owned(),
            osm: category.osm.clone(),
            schema_org: category.schema_org.clone(),
            count: counts.get(&category.code).copied().unwrap_or(0),
        })
        .collect();
    Answer::of(&CategoryPage { items, cursor: None }, media::JSON, asked.lang)
}
