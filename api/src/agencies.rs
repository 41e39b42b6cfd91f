//! The offices that answer for listings.

use axum::{extract::State, response::Response};
use domain::{
    Fault, agency,
    key::{AgencyId, CategoryCode},
    listing::{Kind as ListingKind, SampleFields},
    permission::{self, Duty},
};
use sea_orm::EntityTrait as _;
use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body::Body,
    problem::{Kind, Problem},
    writing::{Stored, WriteParams, Writing},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_agencies)).routes(routes!(set_trust))
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
    kinds: Vec<ListingKind>,
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

/// The members that an agency trusts keepers with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencyTrust)]
pub struct TrustView {
    /// Names of members, such as `hours`; `products` is all of a producer's products.
    #[schema(max_items = 60)]
    members: Vec<String>,
}

/// Say which members those may change without an officer whom the agency trusts.
#[utoipa::path(
    put, path = "/v1/agencies/{id}/trust", tag = "moderation", security(("bearer" = [])),
    params(("id" = String, Path, description = "The agency"), WriteParams),
    request_body(content = TrustView, content_type = "application/json"),
    responses((status = OK, description = "The stored state", body = TrustView))
)]
async fn set_trust(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    let none = || Problem::new(Kind::NotFound);
    let agency: AgencyId = key.parse().map_err(|_| none())?;
    app.index.snapshot().reference().agency(&agency).ok_or_else(none)?;
    permission::within(&writing.person.account, Duty::Trust, vec![agency.clone()])
        .ok_or_else(|| Problem::new(Kind::Forbidden))?;
    let bad = |fault: Fault| Problem::invalid(vec![fault.below("members")]);
    let members = body.get("members").cloned().unwrap_or_default();
    let members: SampleFields = serde_json::from_value(members).map_err(|_| {
        bad(Fault::new("bad_format", "harus daftar nama", "must be a list of names"))
    })?;
    if let Some(name) = members.iter().find(|name| !domain::edit::may_be_trusted(name)) {
        let at = members.iter().position(|one| one == name).unwrap_or_default();
        return Err(Problem::invalid(vec![
            domain::listing::names_nothing().below(at).below("members"),
        ]));
    }
    writing
        .run(&body, async || {
            let known = agency::trust::Entity::find_by_id(agency.clone()).one(&app.store.reader);
            let version = known.await?.map_or(1, |row| row.version + 1);
            let row =
                agency::trust::Model { agency: agency.clone(), members: members.clone(), version };
            let by = writing.by(Some(&agency), None);
            let mut unit = by.unit();
            unit.writes.push(row.into());
            let after = Map::from_iter([("trust".to_owned(), json!(members))]);
            let mut entry = by.entry("trust", Uuid::nil(), version, (Map::new(), after));
            entry.subject = agency.to_string();
            unit.entries.push(entry);
            let view = TrustView { members: members.0.clone() };
            Ok((unit, Stored::state(&json!(view), version)))
        })
        .await
}
