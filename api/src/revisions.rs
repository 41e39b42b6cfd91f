//! Revisions: changes that somebody proposed or made, and what officers decide about them.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    act::{self, Told},
    edit,
    permission::Operation,
    review, revision,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body::Body,
    listings::{self, MAX_REASON, ManagedListing, Reason},
    managed::{self, Beside, RevisionView},
    person::Person,
    problem::{Kind, Problem},
    target::{Target, text_of},
    writing::{Stored, WriteParams, Writing},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_revisions))
        .routes(routes!(approve_revision))
        .routes(routes!(refuse_revision))
        .routes(routes!(withdraw_revision))
}

/// The revisions of a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevisionPage)]
pub struct RevisionPage {
    #[schema(max_items = 10_000)]
    items: Vec<RevisionView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// List the revisions of a listing, the newest first.
///
/// Each with what it changes, member by member, and where that clashes with what others did since.
#[utoipa::path(
    get, path = "/v1/listings/{id}/revisions", tag = "listings", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), LangParams),
    responses((status = OK, description = "The revisions", body = RevisionPage))
)]
async fn list_revisions(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let target = Target::load(&app, &person, &key, None).await?;
    target.may(Operation::See)?;
    let state = edit::state(&target.record);
    let rows = revision::of(&app.store.reader, target.record.listing.id).await?;
    let items = rows.iter().map(|one| RevisionView::of(one, Some(&state))).collect();
    Answer::of(&RevisionPage { items, cursor: None }, media::JSON, asked.lang)
}

/// The listing and the revision that a path names, which waits, and to which they may do
/// `operation`.
async fn revision_of(
    app: &App,
    writing: &Writing,
    (key, id): &(String, String),
    operation: Operation,
) -> Result<(Target, revision::Model), Problem> {
    let mut target = Target::load(app, &writing.person, key, None).await?;
    let none = || Problem::new(Kind::NotFound);
    let id: Uuid = id.parse().map_err(|_| none())?;
    let found = revision::get(&app.store.reader, id).await?;
    let found = found.filter(|one| one.listing == target.record.listing.id).ok_or_else(none)?;
    target.made_by(found.author, &writing.person);
    target.may(operation)?;
    if found.status != revision::Status::Pending {
        let status = found.status.name();
        return Err(Problem::new(Kind::Conflict)
            .saying(format!("usulan ini sudah: {status}"), format!("this revision is: {status}")));
    }
    Ok((target, found))
}

/// Approve a revision: it is made.
///
/// Refused (409) where somebody changed the same members otherwise since; `errors` names them.
#[utoipa::path(
    post, path = "/v1/listings/{id}/revisions/{rev}/approve", tag = "listings",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), ("rev" = Uuid, Path, description = "Id of the revision"), WriteParams),
    request_body(content = Reason, content_type = "application/json"),
    responses((status = OK, description = "The stored state", body = ManagedListing))
)]
async fn approve_revision(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    let reason = text_of(&body, "reason", MAX_REASON, false)?;
    writing
        .run(&body, async || {
            let (target, revision) = revision_of(&app, &writing, &path, Operation::Decide).await?;
            let before = &target.record;
            writing.check_version(before.listing.version, false)?;
            let wanted = act::with_revision(before, &revision)
                .map_err(|faults| Problem::invalid(faults).becoming(Kind::Conflict))?;
            let after = target.edit(&writing).revise(before, wanted);
            let after = after.map_err(Problem::invalid)?;
            listings::check(&app, before, &after).await?;
            let open = review::open_about(&app.store.reader, revision.id).await?;
            let by = writing.by(target.acting(), reason.as_deref());
            let (mut unit, decided) = by.approve(&revision, before, &after, open);
            tell_author(&app, &mut unit, &by, &target, &revision, Told::Approved).await?;
            let beside = Beside { revision: Some(&decided), pending: None };
            let body = managed::listing(&after, target.reference(), writing.lang, &beside);
            Ok((unit, Stored::state(&body, after.listing.version)))
        })
        .await
}

async fn tell_author(
    app: &App,
    unit: &mut domain::writer::Unit,
    by: &act::By<'_>,
    target: &Target,
    revision: &revision::Model,
    told: Told,
) -> Result<(), Problem> {
    if let Some(author) = revision.author
        && let Some(author) = domain::account::get(&app.store.reader, author).await?
    {
        unit.writes.extend(by.tell(&author, told, target.name(author.lang)));
    }
    Ok(())
}

async fn dismiss(
    app: &App,
    path: &(String, String),
    writing: &Writing,
    body: &Map<String, Value>,
    status: revision::Status,
) -> Result<Response, Problem> {
    let refused = status == revision::Status::Refused;
    let reason = text_of(body, "reason", MAX_REASON, refused)?;
    writing
        .run(body, async || {
            let operation = if refused { Operation::Decide } else { Operation::TakeBack };
            let (target, revision) = revision_of(app, writing, path, operation).await?;
            let open = review::open_about(&app.store.reader, revision.id).await?;
            let acting = target.acting().filter(|_| refused);
            let by = writing.by(acting, reason.as_deref());
            let (mut unit, decided) = by.dismiss(&revision, status, open);
            if refused {
                tell_author(app, &mut unit, &by, &target, &revision, Told::Refused).await?;
            }
            let beside = Beside { revision: Some(&decided), pending: None };
            let body = managed::listing(&target.record, target.reference(), writing.lang, &beside);
            Ok((unit, Stored::state(&body, target.record.listing.version)))
        })
        .await
}

/// Refuse a revision, with a reason that its author can read.
#[utoipa::path(
    post, path = "/v1/listings/{id}/revisions/{rev}/refuse", tag = "listings",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), ("rev" = Uuid, Path, description = "Id of the revision"), WriteParams),
    request_body(content = Reason, content_type = "application/json"),
    responses((status = OK, description = "The stored state", body = ManagedListing))
)]
async fn refuse_revision(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    dismiss(&app, &path, &writing, &body, revision::Status::Refused).await
}

/// Take back a revision of one's own.
#[utoipa::path(
    post, path = "/v1/listings/{id}/revisions/{rev}/withdraw", tag = "listings",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), ("rev" = Uuid, Path, description = "Id of the revision"), WriteParams),
    request_body(content = Reason, content_type = "application/json"),
    responses((status = OK, description = "The stored state", body = ManagedListing))
)]
async fn withdraw_revision(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    dismiss(&app, &path, &writing, &body, revision::Status::Withdrawn).await
}
