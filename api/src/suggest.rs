//! Suggestions while somebody types.

use axum::extract::State;
use chrono::TimeDelta;
use domain::{Fault, listing::Kind};
use search::{Suggested, Suggestion};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON},
    listing_query::{MAX_WORDS, point, specs},
    listing_view::{NamedArea, Seen},
    params::{Spec, text},
    problem::Problem,
    words::Tongue,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_suggestions))
}

/// Suggestions where no limit is named.
const LIMIT: usize = 10;
/// The most suggestions.
const MAX_LIMIT: usize = 20;

specs! {
    /// What suggestions take.
    SUGGEST:
    "q" one, json!({"type": "string", "minLength": 1, "maxLength": MAX_WORDS}), "parang",
        "What has been typed so far; the last word may be unfinished.";
    "lat" one, json!({"type": "number", "format": "double", "minimum": -90, "maximum": 90}), -8.02,
        "Degrees north, with `lon`: what is nearer comes first among like matches.";
    "lon" one, json!({"type": "number", "format": "double", "minimum": -180, "maximum": 180}), 110.32,
        "Degrees east, with `lat`.";
    "limit" one, json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT}), 10,
        "The most suggestions.";
}

/// The parameters of suggestions.
pub struct SuggestParams;

impl utoipa::IntoParams for SuggestParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        let mut all: Vec<_> = SUGGEST.iter().chain(&COMMON).map(Spec::document).collect();
        all[0].required = utoipa::openapi::Required::True;
        all
    }
}

/// Something that somebody may mean.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestion, example = json!({"type": "listing", "text": "Pantai Parangtritis", "kind": "place", "id": "019abc00-0000-7000-8000-000000000000", "slug": "pantai-parangtritis", "area": {"code": "34.02.03.2002", "name": "Parangtritis, Kretek"}}))]
pub struct SuggestionView {
    #[serde(rename = "type")]
    kind_of: SuggestionType,
    #[schema(max_length = 250)]
    text: String,
    /// Of a listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    /// Of a listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// Of a listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    slug: Option<String>,
    /// Of a category or an area.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    code: Option<String>,
    /// Where a listing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<NamedArea>,
}

/// What a suggestion stands for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionType {
    Listing,
    Category,
    Area,
    /// Something that many have looked for of late, and found.
    Query,
}

/// What somebody may mean.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuggestionPage)]
pub struct SuggestionPage {
    /// Best first.
    #[schema(max_items = 20)]
    items: Vec<SuggestionView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// Suggest listings, categories, areas and popular searches as somebody types.
///
/// A search is popular that found something on three days of the last four weeks at least, and ten
/// times in all; all of its words are published. Nothing says who made it.
#[utoipa::path(
    get, path = "/v1/suggest", tag = "discovery", params(SuggestParams),
    responses((status = OK, description = "Suggestions", body = SuggestionPage))
)]
async fn list_suggestions(State(app): State<App>, mut asked: Asked) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let typed = asked.params.one_with("q", |raw| text(raw, MAX_WORDS));
    if !asked.params.has("q") {
        asked.params.fault("q", Fault::new("missing", "wajib ada", "is required"));
    }
    let around = point(&mut asked.params);
    let limit = asked.params.integer("limit", 1, MAX_LIMIT).unwrap_or(LIMIT);
    asked.params.finish(&[SUGGEST, &COMMON])?;
    let seen = Seen {
        snapshot: &asked.snapshot,
        lang: asked.lang,
        tongue: Tongue::One(asked.lang),
        now: asked.now,
    };
    let popular = app.counts.popular();
    let typed = typed.unwrap_or_default();
    let found = asked.snapshot.suggest(&typed, asked.lang, around, &popular.searches, limit);
    let items = found.into_iter().map(|one| seen.suggestion(one)).collect();
    // What is popular is read again every hour.
    let until = Some(asked.now + TimeDelta::hours(1));
    let page = SuggestionPage { items, cursor: None };
    Ok(Answer::of(&page, media::JSON, asked.lang)?.until(until, asked.now))
}

impl Seen<'_> {
    fn suggestion(&self, Suggestion { text, of }: Suggestion) -> SuggestionView {
        let coded = |kind_of, text, code: String| SuggestionView {
            kind_of,
            text,
            kind: None,
            id: None,
            slug: None,
            code: Some(code),
            area: None,
        };
        match of {
            Suggested::Search => SuggestionView {
                kind_of: SuggestionType::Query,
                text,
                kind: None,
                id: None,
                slug: None,
                code: None,
                area: None,
            },
            Suggested::Category(code) => coded(SuggestionType::Category, text, code.to_string()),
            Suggested::Area(code) => coded(SuggestionType::Area, text, code.to_string()),
            Suggested::Listing(document) => SuggestionView {
                kind_of: SuggestionType::Listing,
                text,
                kind: Some(document.kind),
                id: Some(document.id),
                slug: Some(document.slug.to_string()),
                code: None,
                area: self.area(&document),
            },
        }
    }
}
