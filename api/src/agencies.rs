//! The offices that answer for listings.

use domain::{
    key::{AgencyId, CategoryCode},
    listing::Kind,
};
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
    OpenApiRouter::new().routes(routes!(list_agencies))
}

/// An office of the regency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agency)]
pub struct AgencyView {
    #[schema(value_type = String, max_length = 64, example = "dinas-pariwisata")]
    id: AgencyId,
    #[schema(max_length = 120)]
    name: String,
    answers_for: AnswersForView,
}

/// What an office moderates: listings of one of these kinds, or of one of these categories.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnswersFor)]
pub struct AnswersForView {
    #[schema(max_items = 3)]
    kinds: Vec<Kind>,
    /// With all below them.
    #[schema(value_type = Vec<String>, max_items = 100)]
    categories: Vec<CategoryCode>,
}

/// The offices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencyPage)]
pub struct AgencyPage {
    /// By id.
    #[schema(max_items = 1000)]
    items: Vec<AgencyView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// List the agencies and what each answers for.
#[utoipa::path(
    get, path = "/v1/agencies", tag = "helpers", params(LangParams),
    responses((status = OK, description = "The agencies", body = AgencyPage))
)]
async fn list_agencies(mut asked: Asked) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let items = asked
        .snapshot
        .reference()
        .agencies()
        .map(|agency| AgencyView {
            id: agency.id.clone(),
            name: agency.name.get(asked.lang).1.to_owned(),
            answers_for: AnswersForView {
                kinds: agency.kinds.0.clone(),
                categories: agency.categories.0.clone(),
            },
        })
        .collect();
    Answer::of(&AgencyPage { items, cursor: None }, media::JSON, asked.lang)
}
