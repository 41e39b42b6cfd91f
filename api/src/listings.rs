//! Listings: what those do who keep them or answer for them.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, FixedOffset};
use domain::{
    Fault,
    act::{self, Told},
    audit, claim,
    edit::{self, Edit},
    key::Slug,
    listing::{Kind as ListingKind, Status},
    maintainer,
    permission::{Operation, Verdict},
    record::{self, Record},
    review,
    revision::{self, Members},
    text::Lang,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::media,
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body::{Body, Patch},
    ids,
    managed::{self, Beside, RevisionView, local},
    params::{Spec, between},
    person::Person,
    problem::{Kind, Problem},
    target::{Target, is_trusted, keepers, text_of},
    writing::{Stored, WriteParams, Writing},
};

/// The longest reason, characters.
pub const MAX_REASON: usize = 500;
/// The longest evidence of a claim, characters.
const MAX_EVIDENCE: usize = 2000;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    kinds().merge(steps()).merge(beside())
}

/// Drafts and changes, by kind.
fn kinds() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_place))
        .routes(routes!(update_place))
        .routes(routes!(create_producer))
        .routes(routes!(update_producer))
        .routes(routes!(create_event))
        .routes(routes!(update_event))
}

/// From status to status.
fn steps() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_listing))
        .routes(routes!(submit_listing))
        .routes(routes!(withdraw_listing))
        .routes(routes!(publish_listing))
        .routes(routes!(refuse_listing))
        .routes(routes!(suspend_listing))
        .routes(routes!(archive_listing))
        .routes(routes!(restore_listing))
        .routes(routes!(merge_listing))
}

/// Claims, revisions, history.
fn beside() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(claim_listing))
        .routes(routes!(list_revisions))
        .routes(routes!(approve_revision))
        .routes(routes!(refuse_revision))
        .routes(routes!(withdraw_revision))
        .routes(routes!(list_history))
}

/// Makes the two routes of a kind: a draft, and a change.
macro_rules! kind_routes {
    ($kind:ident, $path:tt, $path_id:tt, $tag:tt, $create:ident, $update:ident, $schema:ident, $patch:ident) => {
        /// Draft a listing.
        ///
        /// It is seen by who made it and by staff until it is published. Texts are maps by
        /// language, relations are ids, `slug` is made from the name where none is given.
        #[utoipa::path(
            post, path = $path, tag = $tag, security(("bearer" = [])),
            params(WriteParams),
            request_body(content = $schema, content_type = "application/json"),
            responses((status = CREATED, description = "The stored draft", body = ManagedListing))
        )]
        async fn $create(
            State(app): State<App>,
            writing: Writing,
            Body(said): Body,
        ) -> Result<Response, Problem> {
            create(&app, &writing, ListingKind::$kind, said).await
        }

        /// Change a listing.
        ///
        /// A merge patch (RFC 7396). `If-Match` with the tag that was read is required. A change to
        /// a published listing by somebody who may not publish becomes a pending revision: the old
        /// state stays public, and the answer carries `revision`.
        #[utoipa::path(
            patch, path = $path_id, tag = $tag, security(("bearer" = [])),
            params(("id" = String, Path, description = "Id or slug"), WriteParams),
            request_body(content = $patch, content_type = "application/merge-patch+json"),
            responses((status = OK, description = "The stored state", body = ManagedListing))
        )]
        async fn $update(
            State(app): State<App>,
            Key(key): Key,
            writing: Writing,
            Patch(patch): Patch,
        ) -> Result<Response, Problem> {
            update(&app, &writing, ListingKind::$kind, &key, patch).await
        }
    };
}

kind_routes!(
    Place,
    "/v1/places",
    "/v1/places/{id}",
    "places",
    create_place,
    update_place,
    PlaceWrite,
    PlacePatch
);
kind_routes!(
    Producer,
    "/v1/producers",
    "/v1/producers/{id}",
    "producers",
    create_producer,
    update_producer,
    ProducerWrite,
    ProducerPatch
);
kind_routes!(
    Event,
    "/v1/events",
    "/v1/events/{id}",
    "events",
    create_event,
    update_event,
    EventWrite,
    EventPatch
);

pub use crate::openapi::writes::{
    EventPatch, EventWrite, ManagedListing, PlacePatch, PlaceWrite, ProducerPatch, ProducerWrite,
};

async fn create(
    app: &App,
    writing: &Writing,
    kind: ListingKind,
    said: Map<String, Value>,
) -> Result<Response, Problem> {
    writing
        .run(&said, async || {
            let snapshot = app.index.snapshot();
            let staff = writing.person.account.is_staff();
            let edit = Edit { reference: snapshot.reference(), now: writing.now, vouches: staff };
            let id = ids::new(writing.now);
            let slug = slug_of_new(app, &said).await?;
            let (slug, clash) = match slug {
                Ok(slug) => (slug, Vec::new()),
                Err(fault) => (fallback_slug(id), vec![fault]),
            };
            let made = edit.create(kind, id, slug, said.clone());
            let record = made.map_err(|mut faults| {
                faults.extend(clash.clone());
                Problem::invalid(faults)
            })?;
            let mut faults = clash;
            faults.extend(edit::link_faults(&app.store.reader, &record).await?);
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
            let unit = writing.by(None, None).create(&record);
            let body = managed::listing(&record, edit.reference, writing.lang, &Beside::default());
            let path = format!("/v1/{}/{}", kind.plural(), record.listing.slug);
            Ok((unit, Stored::new(&body, 1, path)))
        })
        .await
}

/// The slug that a new listing gets: the one it names, else a free one from its name.
async fn slug_of_new(app: &App, said: &Map<String, Value>) -> Result<Result<Slug, Fault>, Problem> {
    if let Some(slug) = said.get("slug").and_then(Value::as_str) {
        let Ok(slug) = slug.parse::<Slug>() else {
            // What is wrong with it is said where the draft is read.
            return Ok(Ok(fallback_slug(Uuid::nil())));
        };
        let taken = holder(app, &slug).await?.is_some();
        return Ok(if taken { Err(edit::slug_taken()) } else { Ok(slug) });
    }
    let name = said.get("name").cloned().unwrap_or_default();
    let mut known: Vec<Slug> = Vec::new();
    loop {
        let Some(slug) = edit::free_slug(&name, |slug| known.contains(slug)) else {
            return Ok(Ok(fallback_slug(ids::new(app.clock.now()))));
        };
        if holder(app, &slug).await?.is_none() {
            return Ok(Ok(slug));
        }
        known.push(slug);
    }
}

/// A slug for what has no name that makes one.
fn fallback_slug(id: Uuid) -> Slug {
    format!("l-{}", id.simple()).parse().expect("letters, digits and a hyphen")
}

/// Whose a slug is or was.
async fn holder(app: &App, slug: &Slug) -> Result<Option<Uuid>, Problem> {
    let slugs = [slug.clone()];
    let current = record::ids_of(&app.store.reader, &slugs).await?.into_values().next();
    if current.is_some() {
        return Ok(current);
    }
    Ok(record::former_ids_of(&app.store.reader, &slugs).await?.into_values().next())
}

async fn update(
    app: &App,
    writing: &Writing,
    kind: ListingKind,
    key: &str,
    patch: Map<String, Value>,
) -> Result<Response, Problem> {
    writing
        .run(&patch, async || {
            let target = Target::load(app, &writing.person, key, Some(kind)).await?;
            let verdict = target.may(Operation::Edit)?;
            writing.check_version(target.record.listing.version, true)?;
            let mut wanted = Value::Object(edit::state(&target.record));
            revision::merge(&mut wanted, &Value::Object(patch.clone()));
            let Value::Object(wanted) = wanted else { return Err(Problem::new(Kind::Invalid)) };
            let faults = product_faults(&patch);
            let after = target.edit(writing).revise(&target.record, wanted);
            let after = match after {
                Ok(after) if faults.is_empty() => after,
                Ok(_) => return Err(Problem::invalid(faults)),
                Err(found) => {
                    return Err(Problem::invalid(faults.into_iter().chain(found).collect()));
                }
            };
            let (unit, stored, revision) = change(app, writing, &target, after, verdict).await?;
            let beside = Beside { revision: revision.as_ref(), pending: None };
            let body = managed::listing(&stored, target.reference(), writing.lang, &beside);
            Ok((unit, Stored::state(&body, stored.listing.version)))
        })
        .await
}

/// Products are a resource of their own.
fn product_faults(patch: &Map<String, Value>) -> Vec<Fault> {
    let fault = |name: &String| {
        let name: String = name.chars().take(80).collect();
        Fault::new("unknown_member", "bukan anggota entri ini", "is no member of such a listing")
            .below(name)
    };
    patch.keys().filter(|name| name.starts_with("products/")).map(fault).collect()
}

/// What a change to `after` makes: the unit, what is stored then, and the revision.
pub async fn change(
    app: &App,
    writing: &Writing,
    target: &Target,
    after: Record,
    verdict: Verdict,
) -> Result<(domain::writer::Unit, Record, Option<revision::Model>), Problem> {
    let before = &target.record;
    let mut faults = edit::link_faults(&app.store.reader, &after).await?;
    if after.listing.slug != before.listing.slug
        && holder(app, &after.listing.slug).await?.is_some_and(|id| id != before.listing.id)
    {
        faults.push(edit::slug_taken());
    }
    if before.listing.is_public() {
        // It is held to the gaps it opens, not to those it found.
        let known = edit::missing(before);
        let opened: Vec<_> =
            edit::missing(&after).into_iter().filter(|gap| !known.contains(gap)).collect();
        faults.extend(edit::gap_faults(&opened));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let by = writing.by(target.acting(), None);
    let changed = Members::between(&edit::state(before), &edit::state(&after));
    if changed.0.is_empty() {
        return Ok((by.unit(), before.clone(), None));
    }
    let at_once = match verdict {
        Verdict::Yes => true,
        Verdict::WithinTrust => is_trusted(app, target.agency.as_ref(), changed.0.keys()).await?,
        Verdict::AsProposal | Verdict::No => false,
    };
    if at_once {
        let (unit, revision) = by.edit(before, &after);
        return Ok((unit, after, Some(revision)));
    }
    let (unit, revision) = by.propose(before, &after, target.reference());
    Ok((unit, before.clone(), Some(revision)))
}

/// Get a listing as those see it who keep it or answer for it.
///
/// Everything that a write may say, with `status`, what is `missing` before it can be published,
/// and the revisions that are `pending`. Others get the public page of the listing at its kind's
/// path.
#[utoipa::path(
    get, path = "/v1/listings/{id}", tag = "listings", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), LangParams),
    responses((status = OK, description = "The listing", body = ManagedListing))
)]
async fn get_listing(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    managed_page(&app, &person, &key, None, asked.lang).await
}

/// A listing as `person` sees it who keeps it or answers for it.
///
/// # Errors
/// As [`Target::load`]; 403 where they do neither.
pub async fn managed_page(
    app: &App,
    person: &Person,
    key: &str,
    kind: Option<ListingKind>,
    lang: Lang,
) -> Result<Response, Problem> {
    let target = Target::load(app, person, key, kind).await?;
    target.may(Operation::See)?;
    let pending = revision::pending(&app.store.reader, target.record.listing.id).await?;
    let beside = Beside { revision: None, pending: Some(&pending) };
    let body = managed::listing(&target.record, target.reference(), lang, &beside);
    Ok(Stored::state(&body, target.record.listing.version).response(None))
}

/// What a step says of itself.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Reason {
    /// Why; those whom it concerns can read it.
    #[schema(max_length = 500, nullable = false, required = false)]
    reason: Option<String>,
}

/// The listing that stays.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Into_ {
    /// Id or slug of the listing that stays.
    #[schema(max_length = 80)]
    into: String,
}

/// Why somebody may keep a listing.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Evidence {
    /// What shows that it is theirs to keep.
    #[schema(max_length = 2000)]
    evidence: String,
}

/// One step of a listing from status to status.
struct Step {
    operation: Operation,
    /// Where it leads.
    to: Status,
    /// Whether there must be a reason.
    reason: bool,
    /// What keepers are told.
    told: Option<Told>,
}

async fn step(
    app: &App,
    writing: &Writing,
    key: &str,
    body: &Map<String, Value>,
    step: Step,
) -> Result<Response, Problem> {
    let reason = text_of(body, "reason", MAX_REASON, step.reason)?;
    writing
        .run(body, async || {
            let target = Target::load(app, &writing.person, key, None).await?;
            target.may(step.operation)?;
            let before = &target.record;
            writing.check_version(before.listing.version, false)?;
            if matches!(step.operation, Operation::Submit | Operation::Publish) {
                let gaps = edit::missing(before);
                if !gaps.is_empty() {
                    return Err(Problem::invalid(edit::gap_faults(&gaps)));
                }
            }
            let to = match (step.operation, before.listing.status) {
                (Operation::Restore, Status::Archived) => Status::Draft,
                _ => step.to,
            };
            let by = writing.by(target.acting(), reason.as_deref());
            let open = review::open_about(&app.store.reader, before.listing.id).await?;
            let (mut unit, after) = if step.operation == Operation::Submit {
                by.submit(before, target.reference())
            } else {
                by.turn(step.operation.name(), before, to, open)
            };
            if let Some(told) = step.told {
                for keeper in keepers(app, &before.listing).await? {
                    unit.writes.extend(by.tell(&keeper, told, target.name(keeper.lang)));
                }
            }
            let body =
                managed::listing(&after, target.reference(), writing.lang, &Beside::default());
            Ok((unit, Stored::state(&body, after.listing.version)))
        })
        .await
}

/// Makes the route of a step.
macro_rules! step_route {
    ($(#[$doc:meta])* $name:ident, $path:tt, $operation:ident, $to:ident, $reason:literal, $told:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "listings", security(("bearer" = [])),
            params(("id" = String, Path, description = "Id or slug"), WriteParams),
            request_body(content = Reason, content_type = "application/json"),
            responses((status = OK, description = "The stored state", body = ManagedListing))
        )]
        async fn $name(
            State(app): State<App>,
            Key(key): Key,
            writing: Writing,
            Body(body): Body,
        ) -> Result<Response, Problem> {
            let (operation, to) = (Operation::$operation, Status::$to);
            let made = Step { operation, to, reason: $reason, told: $told };
            step(&app, &writing, &key, &body, made).await
        }
    };
}

step_route! {
    /// Hand in a draft.
    ///
    /// It waits for an officer of the agency that answers for it. 422 names everything that is
    /// missing at once.
    submit_listing, "/v1/listings/{id}/submit", Submit, InReview, false, None
}
step_route! {
    /// Take back what was handed in.
    withdraw_listing, "/v1/listings/{id}/withdraw", Withdraw, Draft, false, None
}
step_route! {
    /// Make a listing public.
    publish_listing, "/v1/listings/{id}/publish", Publish, Published, false, Some(Told::Published)
}
step_route! {
    /// Send back what was handed in, with a reason.
    refuse_listing, "/v1/listings/{id}/refuse", Refuse, Draft, true, Some(Told::SentBack)
}
step_route! {
    /// Take a listing out of sight for a time.
    ///
    /// To the public it is not there (404).
    suspend_listing, "/v1/listings/{id}/suspend", Suspend, Suspended, true, Some(Told::Suspended)
}
step_route! {
    /// End a listing.
    ///
    /// To the public it is gone (410).
    archive_listing, "/v1/listings/{id}/archive", Archive, Archived, false, Some(Told::Archived)
}
step_route! {
    /// Bring a listing back.
    ///
    /// A suspended one is public again, an archived one becomes a draft.
    restore_listing, "/v1/listings/{id}/restore", Restore, Published, false, Some(Told::Restored)
}

/// Make a listing one with another that stays.
///
/// This one ends and leads to the other (410 with `merged_into`), which gets its products and its
/// keepers.
#[utoipa::path(
    post, path = "/v1/listings/{id}/merge", tag = "listings", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), WriteParams),
    request_body(content = Into_, content_type = "application/json"),
    responses((status = OK, description = "The stored state of the one that ends", body = ManagedListing))
)]
async fn merge_listing(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    let into = text_of(&body, "into", Slug::MAX, true)?.unwrap_or_default();
    writing
        .run(&body, async || {
            let target = Target::load(&app, &writing.person, &key, None).await?;
            target.may(Operation::Merge)?;
            let before = &target.record;
            writing.check_version(before.listing.version, false)?;
            let nothing = || Problem::invalid(vec![domain::listing::names_nothing().below("into")]);
            let kind = Some(before.listing.kind);
            let stays = Target::load(&app, &writing.person, &into, kind).await;
            let stays = stays.map_err(|_| nothing())?;
            if stays.record.listing.id == before.listing.id {
                return Err(nothing());
            }
            stays.may(Operation::Merge)?;
            let db = &app.store.reader;
            let leaving = maintainer::keepers_of(db, before.listing.id).await?;
            let already = maintainer::keepers_of(db, stays.record.listing.id).await?;
            let by = writing.by(target.acting(), None);
            let (mut unit, after) = by.merge(before, &stays.record, &leaving, &already);
            let open = review::open_about(db, before.listing.id).await?;
            unit.writes.extend(open.map(|review| review.closed(writing.now).into()));
            for keeper in keepers(&app, &before.listing).await? {
                unit.writes.extend(by.tell(&keeper, Told::Merged, target.name(keeper.lang)));
            }
            let body =
                managed::listing(&after, target.reference(), writing.lang, &Beside::default());
            Ok((unit, Stored::state(&body, after.listing.version)))
        })
        .await
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

/// Ask to keep a listing.
#[utoipa::path(
    post, path = "/v1/listings/{id}/claims", tag = "listings", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), WriteParams),
    request_body(content = Evidence, content_type = "application/json"),
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
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    let target = Target::load(&app, &person, &key, None).await?;
    target.may(Operation::See)?;
    let state = edit::state(&target.record);
    let rows = revision::of(&app.store.reader, target.record.listing.id).await?;
    let items = rows.iter().map(|one| RevisionView::of(one, Some(&state))).collect();
    Ok(axum::Json(RevisionPage { items, cursor: None }).into_response())
}

/// The listing and the revision that a path names.
async fn revision_of(
    app: &App,
    writing: &Writing,
    (key, id): &(String, String),
) -> Result<(Target, revision::Model), Problem> {
    let target = Target::load(app, &writing.person, key, None).await?;
    let none = || Problem::new(Kind::NotFound);
    let id: Uuid = id.parse().map_err(|_| none())?;
    let found = revision::get(&app.store.reader, id).await?;
    let found = found.filter(|one| one.listing == target.record.listing.id).ok_or_else(none)?;
    if found.author != Some(writing.person.account.id) {
        target.may(Operation::Decide)?;
    }
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
            let (target, revision) = revision_of(&app, &writing, &path).await?;
            target.may(Operation::Decide)?;
            let before = &target.record;
            writing.check_version(before.listing.version, false)?;
            let wanted = act::with_revision(before, &revision)
                .map_err(|faults| Problem::invalid(faults).becoming(Kind::Conflict))?;
            let after = target.edit(&writing).revise(before, wanted);
            let after = after.map_err(Problem::invalid)?;
            let faults = edit::link_faults(&app.store.reader, &after).await?;
            if !faults.is_empty() {
                return Err(Problem::invalid(faults));
            }
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
            let (target, revision) = revision_of(app, writing, path).await?;
            if refused {
                target.may(Operation::Decide)?;
            } else if revision.author != Some(writing.person.account.id) {
                return Err(Problem::new(Kind::Forbidden));
            }
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

/// One entry of a listing's record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
pub struct HistoryView {
    /// Its place in the chain of the whole record.
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    seq: i64,
    at: DateTime<FixedOffset>,
    /// `create`, `edit`, `publish` …
    #[schema(max_length = 32)]
    action: String,
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    version: i64,
    /// Who: an account's id; staff only, and absent once they were forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    actor: Option<String>,
    /// For which agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    agency: Option<String>,
    /// Why; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// The members that changed, as they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// The members that changed, as they became.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    /// What it hashes to; the next entry builds on it. Staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    hash: Option<String>,
}

/// A listing's record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryPage)]
pub struct HistoryPage {
    #[schema(max_items = 100)]
    items: Vec<HistoryView>,
    /// Where the next page starts; `null` at the end.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// What the history takes.
static HISTORY: [Spec; 2] = [
    Spec {
        name: "limit",
        many: false,
        about: "How many entries.",
        schema: || json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20}),
        example: || json!(20),
    },
    Spec {
        name: "cursor",
        many: false,
        about: "From the last answer.",
        schema: || json!({"type": "string", "pattern": "^[0-9]{1,18}$", "maxLength": 18}),
        example: || Value::Null,
    },
];

/// The parameters of the history.
pub struct HistoryParams;

impl utoipa::IntoParams for HistoryParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        [&COMMON[..], &HISTORY[..]].into_iter().flatten().map(Spec::document).collect()
    }
}

/// List what was done to a listing, the newest first.
///
/// The public sees what changed in what is public, since it was published first; staff see all of
/// it: who, for which agency, why.
#[utoipa::path(
    get, path = "/v1/listings/{id}/history", tag = "listings", security((), ("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), HistoryParams),
    responses((status = OK, description = "The record", body = HistoryPage))
)]
async fn list_history(
    State(app): State<App>,
    Key(key): Key,
    person: Option<Person>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let limit = asked.params.one_with("limit", limit_of).unwrap_or(20);
    let before = asked.params.one_with("cursor", |raw| {
        let digits = raw.len() <= 18 && raw.bytes().all(|b| b.is_ascii_digit());
        let bad = || Fault::new("bad_format", "bukan kursor", "is no cursor");
        if digits { raw.parse::<i64>().map_err(|_| bad()) } else { Err(bad()) }
    });
    asked.params.finish(&[&COMMON, &HISTORY])?;
    let (record, all) = if let Some(person) = &person {
        let target = Target::load(&app, person, &key, None).await?;
        let all = target.verdict(Operation::SeeRecord) == Verdict::Yes;
        (target.record, all)
    } else {
        (public(&app, &key).await?, false)
    };
    let subject = record.listing.id.to_string();
    let entries = audit::about(&app.store.reader, &subject, before, limit + 1).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = entries.len() > size;
    let shown = entries.iter().take(size);
    let last = shown.clone().next_back().map(|(entry, _)| entry.seq);
    let items = shown
        .filter(|(entry, _)| all || entry.public)
        .map(|(entry, values)| history(entry, values, all))
        .collect();
    let cursor = last.filter(|_| more).map(|seq| seq.to_string());
    Ok(axum::Json(HistoryPage { items, cursor }).into_response())
}

/// The listing that `key` names, where it is everybody's to see.
async fn public(app: &App, key: &str) -> Result<Record, Problem> {
    let found = record::named(&app.store.reader, key).await?;
    let found = found.ok_or_else(|| Problem::new(Kind::NotFound))?;
    if found.listing.is_gone() {
        return Err(Problem::gone(found.listing.merged_into));
    }
    if found.listing.is_public() { Ok(found) } else { Err(Problem::new(Kind::NotFound)) }
}

fn limit_of(raw: &str) -> Result<u64, Fault> {
    raw.parse().ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| between(1, 100))
}

fn history(entry: &audit::Model, values: &[audit::value::Model], all: bool) -> HistoryView {
    let value = |name: &str| values.iter().find(|value| value.name == name).map(|v| v.json());
    let text = |name: &str| value(name).and_then(|value| value.as_str().map(str::to_owned));
    let members = |name: &str, private: &str| {
        let parts = [value(name), value(private).filter(|_| all)];
        let parts = parts.into_iter().flatten().filter_map(|part| match part {
            Value::Object(members) => Some(members),
            _ => None,
        });
        let members: Map<String, Value> = parts.flatten().collect();
        (!members.is_empty()).then_some(Value::Object(members))
    };
    HistoryView {
        seq: entry.seq,
        at: local(entry.at),
        action: entry.action.clone(),
        version: entry.version,
        actor: text("actor").filter(|_| all),
        agency: text("agency"),
        reason: text("reason").filter(|_| all),
        before: members("before", "before_private"),
        after: members("after", "after_private"),
        hash: all.then(|| entry.hash.clone()),
    }
}
