//! Maintainers: who keeps a listing, and how far they are trusted.

use axum::{
    extract::{Path, State},
    response::Response,
};
use chrono::{DateTime, FixedOffset};
use domain::{Fault, maintainer, permission::Operation};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body::{Body, unknown_members},
    managed::local,
    person::Person,
    problem::{Kind, Problem},
    target::Target,
    writing::{Stored, WriteParams, Writing},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_maintainers)).routes(routes!(trust_maintainer))
}

/// Somebody who keeps a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Maintainer)]
pub struct MaintainerView {
    account: Uuid,
    listing: Uuid,
    /// Whether changes within what their agency allows need no officer.
    trusted: bool,
    since: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<FixedOffset>>,
}

impl From<&maintainer::Model> for MaintainerView {
    fn from(row: &maintainer::Model) -> Self {
        let maintainer::Model { account, listing, trusted, since, ended_at, version: _ } = row;
        Self {
            account: *account,
            listing: *listing,
            trusted: *trusted,
            since: local(*since),
            ended_at: ended_at.map(local),
        }
    }
}

/// Those who keep a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MaintainerPage)]
pub struct MaintainerPage {
    #[schema(max_items = 1000)]
    items: Vec<MaintainerView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// List who keeps a listing.
#[utoipa::path(
    get, path = "/v1/listings/{id}/maintainers", tag = "listings", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), LangParams),
    responses((status = OK, description = "Who keeps it", body = MaintainerPage))
)]
async fn list_maintainers(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let target = Target::load(&app, &person, &key, None).await?;
    target.may(Operation::SeeRecord)?;
    let rows = maintainer::keepers_of(&app.store.reader, target.record.listing.id).await?;
    let items = rows.iter().map(MaintainerView::from).collect();
    Answer::of(&MaintainerPage { items, cursor: None }, media::JSON, asked.lang)
}

/// How far somebody is trusted with a listing.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[schema(as = MaintainerWrite)]
pub struct MaintainerDraft {
    /// Whether their changes within what the agency allows need no officer.
    trusted: bool,
    /// `true`: they no longer keep it.
    #[schema(required = false)]
    ended: Option<bool>,
}

/// Trust somebody with a listing they keep, or no longer; or end it.
#[utoipa::path(
    post, path = "/v1/listings/{id}/maintainers/{account}", tag = "listings",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), ("account" = Uuid, Path, description = "The account"), WriteParams),
    request_body(content = MaintainerDraft, content_type = "application/json"),
    responses((status = OK, description = "The stored state", body = MaintainerView))
)]
async fn trust_maintainer(
    State(app): State<App>,
    Path((key, who)): Path<(String, String)>,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (trusted, ended) = flags(&body)?;
    writing
        .run(&body, async || {
            let target = Target::load(&app, &writing.person, &key, None).await?;
            target.may(Operation::Entrust)?;
            let none = || Problem::new(Kind::NotFound);
            let who: Uuid = who.parse().map_err(|_| none())?;
            let listing = target.record.listing.id;
            let row = maintainer::of(&app.store.reader, who, listing).await?.ok_or_else(none)?;
            let row = maintainer::Model {
                trusted,
                ended_at: ended.then_some(writing.now),
                version: row.version + 1,
                ..row
            };
            let by = writing.by(target.acting(), None);
            let mut unit = by.unit();
            let after = Map::from_iter([(
                "maintainer".to_owned(),
                json!({"account": who, "trusted": trusted, "ended": ended}),
            )]);
            unit.entries.push(by.entry("entrust", listing, 0, (Map::new(), after)));
            unit.writes.push(row.clone().into());
            Ok((unit, Stored::state(&json!(MaintainerView::from(&row)), row.version)))
        })
        .await
}

fn flags(body: &Map<String, Value>) -> Result<(bool, bool), Problem> {
    let mut faults = Vec::new();
    let flag = |name: &str, faults: &mut Vec<Fault>| match body.get(name) {
        None => None,
        Some(Value::Bool(flag)) => Some(*flag),
        Some(_) => {
            let fault = Fault::new("bad_format", "harus true atau false", "must be true or false");
            faults.push(fault.below(name));
            None
        }
    };
    let (trusted, ended) = (flag("trusted", &mut faults), flag("ended", &mut faults));
    if trusted.is_none() && faults.is_empty() {
        faults.push(Fault::new("missing", "harus ada", "must be there").below("trusted"));
    }
    faults.extend(unknown_members(body, &["trusted", "ended"]));
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    Ok((trusted.unwrap_or(false), ended.unwrap_or(false)))
}
