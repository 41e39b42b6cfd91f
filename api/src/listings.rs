//! Listings: what those do who keep them or answer for them.

use axum::{extract::State, response::Response};
use domain::{
    Fault, account,
    act::{By, Told},
    edit::{self, Edit},
    key::{CategoryCode, Slug},
    listing::{Kind as ListingKind, Status},
    maintainer,
    permission::{self, Operation, Verdict},
    record::{self, Record},
    reference::Reference,
    review,
    revision::{self, Members},
    text::Lang,
};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::media,
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body::{Body, Patch},
    ids,
    managed::{self, Beside},
    person::Person,
    problem::{Kind, Problem},
    target::{Target, is_trusted, keepers, text_of},
    writing::{Stored, WriteParams, Writing},
};

/// Slugs that are looked up together.
const SLUGS: usize = 50;
/// The longest reason, characters.
pub const MAX_REASON: usize = 500;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    let kinds = OpenApiRouter::new()
        .routes(routes!(create_place))
        .routes(routes!(update_place))
        .routes(routes!(create_producer))
        .routes(routes!(update_producer))
        .routes(routes!(create_event))
        .routes(routes!(update_event));
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
        .merge(kinds)
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
            let record = draft(app, writing, snapshot.reference(), kind, said.clone()).await?;
            let unit = writing.by(None, None).create(&record);
            let lang = writing.lang;
            let body = managed::listing(&record, snapshot.reference(), lang, &Beside::default());
            let path = format!("/v1/{}/{}", kind.plural(), record.listing.slug);
            Ok((unit, Stored::new(&body, 1, path)))
        })
        .await
}

/// A new listing that says `said`, as a draft.
///
/// # Errors
/// 422 with every rule that it breaks.
pub async fn draft(
    app: &App,
    writing: &Writing,
    reference: &Reference,
    kind: ListingKind,
    said: Map<String, Value>,
) -> Result<Record, Problem> {
    // Whom the listing says answers for it is one of the things to be vouched for.
    let category = said.get("category").and_then(Value::as_str);
    let category = category.and_then(|code| code.parse::<CategoryCode>().ok());
    let agency = category.and_then(|code| review::answering(kind, &code, reference));
    let vouches = permission::acts_for(&writing.person.account, agency.as_ref());
    let edit = Edit { reference, now: writing.now, vouches };
    let id = ids::new(writing.now);
    let (slug, mut faults) = match slug_of_new(app, &said).await? {
        Ok(slug) => (slug, Vec::new()),
        Err(fault) => (fallback_slug(id), vec![fault]),
    };
    let record = match edit.create(kind, id, slug, said) {
        Ok(record) => record,
        Err(found) => return Err(Problem::invalid(found.into_iter().chain(faults).collect())),
    };
    faults.extend(edit::link_faults(&app.store.reader, &record).await?);
    if faults.is_empty() { Ok(record) } else { Err(Problem::invalid(faults)) }
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
    let mut suggested = edit::slugs_of(said.get("name").unwrap_or(&Value::Null));
    loop {
        let some: Vec<Slug> = suggested.by_ref().take(SLUGS).collect();
        if some.is_empty() {
            return Ok(Ok(fallback_slug(ids::new(app.clock.now()))));
        }
        let taken = record::holders_of(&app.store.reader, &some).await?;
        if let Some(free) = some.into_iter().find(|slug| !taken.contains_key(slug)) {
            return Ok(Ok(free));
        }
    }
}

/// A slug for what has no name that makes one.
fn fallback_slug(id: Uuid) -> Slug {
    format!("l-{}", id.simple()).parse().expect("letters, digits and a hyphen")
}

/// Whose a slug is or was.
async fn holder(app: &App, slug: &Slug) -> Result<Option<Uuid>, Problem> {
    let holders = record::holders_of(&app.store.reader, std::slice::from_ref(slug)).await?;
    Ok(holders.into_values().next())
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

/// Whether what is stored as `before` may become `after`, as far as other rows have a say in it.
///
/// # Errors
/// 422 with links that lead nowhere, a slug that is another's, and gaps that a public listing has
/// not had before.
pub async fn check(app: &App, before: &Record, after: &Record) -> Result<(), Problem> {
    let mut faults = edit::link_faults(&app.store.reader, after).await?;
    if after.listing.slug != before.listing.slug
        && holder(app, &after.listing.slug).await?.is_some_and(|id| id != before.listing.id)
    {
        faults.push(edit::slug_taken());
    }
    if before.listing.is_public() {
        // It is held to the gaps it opens, not to those it found.
        let known = edit::missing(before);
        let opened: Vec<_> =
            edit::missing(after).into_iter().filter(|gap| !known.contains(gap)).collect();
        faults.extend(edit::gap_faults(&opened));
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
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
    check(app, before, &after).await?;
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
#[schema(as = MergeWrite)]
pub struct MergeDraft {
    /// Id or slug of the listing that stays.
    #[schema(max_length = 80)]
    into: String,
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
            let db = &app.store.reader;
            let (mut unit, after) = match step.operation {
                Operation::Submit => by.submit(before, target.reference()),
                Operation::Archive => {
                    let (mut unit, after) = by.turn("archive", before, to, None);
                    settle(app, &by, &mut unit, &target).await?;
                    (unit, after)
                }
                other => {
                    let open = review::open_about(db, before.listing.id).await?;
                    by.turn(other.name(), before, to, open)
                }
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

/// Ends what waits about a listing that ends, and tells those who claimed it.
///
/// # Errors
/// When the database fails.
pub async fn settle(
    app: &App,
    by: &By<'_>,
    unit: &mut domain::writer::Unit,
    target: &Target,
) -> Result<(), Problem> {
    let open = review::all_about(&app.store.reader, target.record.listing.id).await?;
    for claim in &open.claims {
        if let Some(who) = account::get(&app.store.reader, claim.account).await? {
            unit.writes.extend(by.tell(&who, Told::ClaimRefused, target.name(who.lang)));
        }
    }
    by.settle(unit, open);
    Ok(())
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
    request_body(content = MergeDraft, content_type = "application/json"),
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
            settle(&app, &by, &mut unit, &target).await?;
            for keeper in keepers(&app, &before.listing).await? {
                unit.writes.extend(by.tell(&keeper, Told::Merged, target.name(keeper.lang)));
            }
            let body =
                managed::listing(&after, target.reference(), writing.lang, &Beside::default());
            Ok((unit, Stored::state(&body, after.listing.version)))
        })
        .await
}
