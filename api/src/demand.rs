//! Demand: what people look for and do not find.

use axum::extract::State;
use domain::{
    daily_count,
    key::AreaCode,
    permission::{self, Duty},
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON},
    listing_query::{known, pattern, specs},
    listing_view::{NamedArea, Seen},
    params::Spec,
    person::Person,
    problem::{Kind, Problem},
    week::{DAYS, days},
    words::Tongue,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_demand))
}

specs! {
    /// What demand takes besides days.
    DEMAND:
    "area" one, pattern(AreaCode::PATTERN, AreaCode::MAX), "34.02.10",
        "Only what was sought there; inner areas included.";
    "limit" one, json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20}), 20,
        "The most words.";
}

/// The parameters of demand.
pub struct DemandParams;

impl utoipa::IntoParams for DemandParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        DAYS.iter().chain(DEMAND).chain(&COMMON).map(Spec::document).collect()
    }
}

/// A word that was sought in vain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Demand)]
pub struct DemandView {
    /// Folded: lower case, without marks.
    #[schema(max_length = 40, example = "batik")]
    word: String,
    /// The area asked for, else the kapanewon of the centre; absent where nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<NamedArea>,
    /// In how many searches.
    #[schema(minimum = 3, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    count: i64,
}

/// What was sought in vain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DemandPage)]
pub struct DemandPage {
    /// The most sought first.
    #[schema(max_items = 100)]
    items: Vec<DemandView>,
    /// Always `null`: what is sought less is further down than anybody reads.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// List what people looked for and did not find; for staff.
///
/// Words of searches that found nothing at all, by area. A word that was sought there fewer than
/// three times on these days is not told, and nothing says who looked.
#[utoipa::path(
    get, path = "/v1/demand", tag = "moderation", security(("bearer" = [])),
    params(DemandParams),
    responses((status = OK, description = "What was sought in vain", body = DemandPage))
)]
async fn list_demand(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let days = days(&mut asked.params, asked.now);
    let reference = asked.snapshot.reference();
    let area = asked.params.one_with("area", |raw| {
        raw.parse().and_then(|code| known(reference.area(&code).is_some(), code))
    });
    let limit = asked.params.integer("limit", 1, 100).unwrap_or(20);
    asked.params.finish(&[DAYS, DEMAND, &COMMON])?;
    if !permission::has(&person.account, Duty::SeeDemand) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let sought = daily_count::demand(&app.store.reader, &days, area.as_ref(), limit as u64).await?;
    let seen = Seen {
        snapshot: &asked.snapshot,
        lang: asked.lang,
        tongue: Tongue::One(asked.lang),
        now: asked.now,
    };
    let view = |daily_count::Demand { word, area, count }| DemandView {
        word,
        area: area.map(|code| seen.named_area(code, false)),
        count,
    };
    let items = sought.into_iter().map(view).collect();
    Answer::of(&DemandPage { items, cursor: None }, media::JSON, asked.lang)
}
