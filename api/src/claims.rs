//! Claims: somebody asks to keep a listing, and an officer decides.

use axum::{extract::State, response::Response};
use chrono::{DateTime, FixedOffset};
use domain::{
    account,
    act::{By, Told},
    claim, maintainer,
    permission::{Operation, Verdict},
    record, review,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body::Body,
    listings::{MAX_REASON, Reason},
    managed::local,
    person::Person,
    problem::{Kind, Problem},
    target::{Target, text_of},
    writing::{Stored, WriteParams, Writing},
};

/// The longest evidence, characters.
const MAX_EVIDENCE: usize = 2000;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(claim_listing))
        .routes(routes!(get_claim))
        .routes(routes!(approve_claim))
        .routes(routes!(refuse_claim))
        .routes(routes!(withdraw_claim))
}

/// A claim.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Claim)]
pub struct ClaimView {
    id: Uuid,
    listing: Uuid,
    #[schema(value_type = String, example = "pending")]
    status: claim::Status,
    #[schema(max_length = 2000)]
    evidence: String,
    /// Why it was decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    reason: Option<String>,
    created_at: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<DateTime<FixedOffset>>,
}

impl From<&claim::Model> for ClaimView {
    fn from(claim: &claim::Model) -> Self {
        Self {
            id: claim.id,
            listing: claim.listing,
            status: claim.status,
            evidence: claim.evidence.clone(),
            reason: claim.reason.clone(),
            created_at: local(claim.created_at),
            decided_at: claim.decided_at.map(local),
        }
    }
}

/// Why somebody may keep a listing.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[schema(as = ClaimWrite)]
pub struct ClaimDraft {
    /// What shows that it is theirs to keep.
    #[schema(max_length = 2000)]
    evidence: String,
}

/// Ask to keep a listing.
#[utoipa::path(
    post, path = "/v1/listings/{id}/claims", tag = "listings", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), WriteParams),
    request_body(content = ClaimDraft, content_type = "application/json"),
    responses((status = CREATED, description = "The claim; an officer decides", body = ClaimView))
)]
async fn claim_listing(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    let evidence = text_of(&body, "evidence", MAX_EVIDENCE, true)?.unwrap_or_default();
    writing
        .run(&body, async || {
            let target = Target::load(&app, &writing.person, &key, None).await?;
            target.may(Operation::Claim)?;
            let (db, who) = (&app.store.reader, writing.person.account.id);
            let listing = target.record.listing.id;
            let waits = claim::by(db, who)
                .await?
                .into_iter()
                .any(|claim| claim.listing == listing && claim.status == claim::Status::Pending);
            if waits || maintainer::of(db, who, listing).await?.is_some() {
                return Err(Problem::new(Kind::Conflict).saying(
                    "sudah Anda kelola, atau permintaan Anda sudah menunggu",
                    "you keep it already, or your claim is waiting",
                ));
            }
            let by = writing.by(None, None);
            let (unit, claim) = by.claim(&target.record, evidence.clone(), target.reference());
            let path = format!("/v1/claims/{}", claim.id);
            Ok((unit, Stored::new(&json!(ClaimView::from(&claim)), 1, path)))
        })
        .await
}

/// The claim that a path names, which they may see, and its listing.
async fn claimed(app: &App, person: &Person, key: &str) -> Result<(claim::Model, Target), Problem> {
    let none = || Problem::new(Kind::NotFound);
    let id: Uuid = key.parse().map_err(|_| none())?;
    let claim = claim::get(&app.store.reader, id).await?.ok_or_else(none)?;
    let record = record::named(&app.store.reader, &claim.listing.to_string()).await?;
    // Whoever made it may read it whatever became of the listing.
    let mut target = Target::of(app, person, record.ok_or_else(none)?).await?;
    target.made_by(Some(claim.account), person);
    if target.verdict(Operation::SeeClaim) == Verdict::No {
        return Err(none());
    }
    Ok((claim, target))
}

/// Get a claim: one's own, or as an officer.
#[utoipa::path(
    get, path = "/v1/claims/{id}", tag = "listings", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), LangParams),
    responses((status = OK, description = "The claim", body = ClaimView))
)]
async fn get_claim(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    let (claim, _) = claimed(&app, &person, &key).await?;
    Ok(Stored::state(&json!(ClaimView::from(&claim)), claim.version).response(None))
}

async fn decide(
    app: &App,
    writing: &Writing,
    key: &str,
    body: &Map<String, Value>,
    status: claim::Status,
) -> Result<Response, Problem> {
    let refused = status == claim::Status::Refused;
    let reason = text_of(body, "reason", MAX_REASON, refused)?;
    writing
        .run(body, async || {
            let (claim, target) = claimed(app, &writing.person, key).await?;
            let withdrawn = status == claim::Status::Withdrawn;
            target.may(if withdrawn { Operation::TakeBack } else { Operation::Entrust })?;
            if claim.status != claim::Status::Pending {
                let status = claim.status.name();
                return Err(Problem::new(Kind::Conflict).saying(
                    format!("klaim ini sudah: {status}"),
                    format!("this claim is: {status}"),
                ));
            }
            let db = &app.store.reader;
            let ever = maintainer::ever(db, claim.account, claim.listing).await?;
            let open = review::open_about(db, claim.id).await?;
            let acting = target.acting().filter(|_| !withdrawn);
            let by = writing.by(acting, reason.as_deref());
            let (mut unit, decided) = by.decide_claim(&claim, status, ever, open);
            let told = if refused { Told::ClaimRefused } else { Told::Entrusted };
            tell(app, &mut unit, &by, &claim, &target, told).await?;
            Ok((unit, Stored::state(&json!(ClaimView::from(&decided)), decided.version)))
        })
        .await
}

async fn tell(
    app: &App,
    unit: &mut domain::writer::Unit,
    by: &By<'_>,
    claim: &claim::Model,
    target: &Target,
    told: Told,
) -> Result<(), Problem> {
    if let Some(who) = account::get(&app.store.reader, claim.account).await? {
        unit.writes.extend(by.tell(&who, told, target.name(who.lang)));
    }
    Ok(())
}

/// Entrust a listing to who claims it.
#[utoipa::path(
    post, path = "/v1/claims/{id}/approve", tag = "listings", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), WriteParams),
    request_body(content = Reason, content_type = "application/json"),
    responses((status = OK, description = "The claim", body = ClaimView))
)]
async fn approve_claim(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    decide(&app, &writing, &key, &body, claim::Status::Approved).await
}

/// Refuse a claim, with a reason that who made it can read.
#[utoipa::path(
    post, path = "/v1/claims/{id}/refuse", tag = "listings", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), WriteParams),
    request_body(content = Reason, content_type = "application/json"),
    responses((status = OK, description = "The claim", body = ClaimView))
)]
async fn refuse_claim(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    decide(&app, &writing, &key, &body, claim::Status::Refused).await
}

/// Take back a claim of one's own.
#[utoipa::path(
    post, path = "/v1/claims/{id}/withdraw", tag = "listings", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), WriteParams),
    request_body(content = Reason, content_type = "application/json"),
    responses((status = OK, description = "The claim", body = ClaimView))
)]
async fn withdraw_claim(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    decide(&app, &writing, &key, &body, claim::Status::Withdrawn).await
}
