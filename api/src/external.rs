//! External: a partner's own records, by the partner's own ids.
//!
//! A record is a listing like any other: the same rules, the same steps, the same permission. What is
//! brought is the whole of what its partner says of it; what an office vouches for stays. Bringing the
//! same again changes nothing, so whoever is not sure brings it again. What becomes of one record is in
//! [`bring`]; many at once are in [`bulk`].

use axum::{
    extract::{FromRequestParts, Path, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use domain::{
    act::Told,
    external,
    key::System,
    listing::Status,
    permission::{self, Operation, Verdict},
    record::{self, Record},
    revision,
};
use search::Lookup;
use serde_json::{Map, Value};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::media,
    app::App,
    asked::{Asked, COMMON, LangParams},
    body::Body,
    listings::settle,
    managed::{self, Beside},
    person::Person,
    problem::{At, Kind, Problem},
    target::{Target, keepers},
    writing::{Stored, WriteParams, Writing},
};

mod bring;
pub mod bulk;
mod lines;

pub use crate::openapi::writes::{ExternalListing, ExternalWrite};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_external, set_external, delete_external))
        .routes(routes!(bulk::set_externals))
}

pub use bulk::{MAX as MAX_BULK, STREAMS, is_bulk};

/// What the path names: a system, and an id below it.
pub struct Name {
    system: System,
    id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((system, id)) = path.map_err(|_| Problem::new(Kind::NotFound))?;
        let system = system.parse().map_err(|_| Problem::new(Kind::NotFound))?;
        if let Some(fault) = external::id_fault(&id) {
            let at = At::Parameter("external_id".to_owned());
            return Err(Problem::invalid_parameters(vec![(at, fault)]));
        }
        Ok(Self { system, id })
    }
}

/// Whether they write below `system`.
///
/// # Errors
/// 403 where it is not theirs, or nobody's.
async fn must_write(app: &App, person: &Person, system: &System) -> Result<(), Problem> {
    let held = external::system(&app.store.reader, system).await?;
    let may = |held: &external::system::Model| {
        permission::writes_below(&person.account, person.key.as_ref(), held)
    };
    if held.as_ref().is_some_and(may) {
        return Ok(());
    }
    let (id, en) =
        ("sistem ini bukan milik Anda atau kunci ini", "this system is not yours or this key's");
    Err(Problem::new(Kind::Forbidden).saying(id, en))
}

/// The record of that name and its listing.
///
/// # Errors
/// 404 where there is none.
async fn stored(app: &App, name: &Name) -> Result<(external::Model, Record), Problem> {
    let db = &app.store.reader;
    let none = || Problem::new(Kind::NotFound);
    let row = external::get(db, &name.system, &name.id).await?.ok_or_else(none)?;
    let record = record::load(db, &[row.listing]).await?.pop().ok_or_else(none)?;
    Ok((row, record))
}

/// Bring a record.
///
/// Makes the listing, or puts all that is said in the place of what was said before; what an office
/// vouches for, the slug and the products stay. The same again is 200 and no new version. A complete
/// record of somebody who may publish is public at once; any other is handed in, or stays a draft with
/// what is `missing`. A change to a public listing by somebody who may not publish becomes a pending
/// revision. `duplicates` are public listings that may be the same thing: nothing is made one in silence.
/// What was deleted with DELETE comes back as the same listing.
#[utoipa::path(
    put, path = "/v1/external/{system}/{external_id}", tag = "partners",
    security(("bearer" = []), ("api_key" = [])),
    params(("system" = String, Path, description = "The system that the key is for"),
           ("external_id" = String, Path, description = "What the partner calls it"), WriteParams),
    request_body(content = ExternalWrite, content_type = "application/json"),
    responses(
        (status = OK, description = "The stored state", body = ExternalListing),
        (status = CREATED, description = "The stored state of a new listing", body = ExternalListing),
        (status = CONFLICT, description = "It was ended by somebody else"))
)]
async fn set_external(
    State(app): State<App>,
    name: Name,
    writing: Writing,
    Body(said): Body,
) -> Result<Response, Problem> {
    must_write(&app, &writing.person, &name.system).await?;
    writing
        .run(&said, async || {
            let (unit, brought) = bring::bring(&app, &writing, &name, said.clone()).await?;
            let (body, version) = brought.body(&app, &writing);
            let path = || format!("/v1/external/{}/{}", name.system, percent(&name.id));
            let stored = if brought.is_new {
                Stored::new(&body, version, path())
            } else {
                Stored::state(&body, version)
            };
            Ok((unit, stored))
        })
        .await
}

/// An id as a step of a path.
fn percent(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Get a record.
///
/// Whoever holds the system, keeps the listing or answers for it gets all of it, as
/// `GET /v1/listings/{id}` does. Everybody else is led to the public page, where there is one.
#[utoipa::path(
    get, path = "/v1/external/{system}/{external_id}", tag = "partners",
    security(("bearer" = []), ("api_key" = []), ()),
    params(("system" = String, Path, description = "A partner's system"),
           ("external_id" = String, Path, description = "What the partner calls it"), LangParams),
    responses(
        (status = OK, description = "The stored state", body = ExternalListing),
        (status = SEE_OTHER, description = "To the public page"))
)]
async fn get_external(
    State(app): State<App>,
    name: Name,
    person: Option<Person>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let (row, record) = stored(&app, &name).await?;
    let person = person.filter(|p| permission::sees_below(p.key.as_ref(), &name.system));
    let Some(person) = person else { return elsewhere(&asked, row.listing) };
    let target = Target::of(&app, &person, record).await?;
    if target.verdict(Operation::See) == Verdict::No {
        return elsewhere(&asked, row.listing);
    }
    let pending = revision::pending(&app.store.reader, row.listing).await?;
    let beside = Beside { revision: None, pending: Some(&pending) };
    let body = managed::listing(&target.record, target.reference(), asked.lang, &beside);
    Ok(Stored::state(&body, target.record.listing.version).response(None))
}

/// To the public page of a listing.
fn elsewhere(asked: &Asked, listing: Uuid) -> Result<Response, Problem> {
    match asked.snapshot.lookup(&listing.to_string(), None) {
        Lookup::Here(document) | Lookup::Moved(document) => {
            let to = format!("/v1/{}/{}", document.kind.plural(), document.slug);
            let to = HeaderValue::try_from(to).map_err(|error| Problem::internal(&error))?;
            let no_store = HeaderValue::from_static("no-store");
            let headers = [(header::LOCATION, to), (header::CACHE_CONTROL, no_store)];
            Ok((StatusCode::SEE_OTHER, headers).into_response())
        }
        Lookup::Gone { merged_into } => Err(Problem::gone(merged_into)),
        Lookup::Nowhere => Err(Problem::new(Kind::NotFound)),
    }
}

/// Delete a record.
///
/// The listing is archived: to the public it is gone (410). Deleting again changes nothing; bringing it
/// again with PUT brings back the same listing.
#[utoipa::path(
    delete, path = "/v1/external/{system}/{external_id}", tag = "partners",
    security(("bearer" = []), ("api_key" = [])),
    params(("system" = String, Path, description = "The system that the key is for"),
           ("external_id" = String, Path, description = "What the partner calls it"), WriteParams),
    responses(
        (status = OK, description = "The stored state", body = ExternalListing),
        (status = CONFLICT, description = "Its state does not allow it"))
)]
async fn delete_external(
    State(app): State<App>,
    name: Name,
    writing: Writing,
) -> Result<Response, Problem> {
    must_write(&app, &writing.person, &name.system).await?;
    writing
        .run(&Map::new(), async || {
            let (row, record) = stored(&app, &name).await?;
            let target = Target::of(&app, &writing.person, record).await?;
            let before = &target.record;
            let by = writing.by(target.acting(), None);
            let body = |record: &Record| -> Value {
                managed::listing(record, target.reference(), writing.lang, &Beside::default())
            };
            writing.check_version(before.listing.version, false)?;
            if before.listing.status == Status::Archived {
                target.may(Operation::See)?;
                return Ok((by.unit(), Stored::state(&body(before), before.listing.version)));
            }
            // What waits for an officer is taken back first, in one go.
            if before.listing.status != Status::InReview
                || target.verdict(Operation::Withdraw) == Verdict::No
            {
                target.may(Operation::Archive)?;
            }
            let (mut unit, after) = by.turn("archive", before, Status::Archived, None);
            settle(&app, &by, &mut unit, &target).await?;
            for keeper in keepers(&app, &before.listing).await? {
                unit.writes.extend(by.tell(&keeper, Told::Archived, target.name(keeper.lang)));
            }
            unit.writes.push(row.deleted(Some(writing.now)).into());
            Ok((unit, Stored::state(&body(&after), after.listing.version)))
        })
        .await
}
