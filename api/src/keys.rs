//! Keys: what partners' programs are known by, made by whoever has signed in with an e-mail address.

use axum::{extract::State, response::Response};
use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};
use domain::{
    Fault, account,
    api_key::{self, Scope, Scopes},
    daily_count, external,
    key::System,
    listing::{names_nothing, too_many},
    permission::{self, Duty},
    text::line_fault,
    writer::Write,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body::Body,
    ids,
    listing_query::specs,
    managed::local,
    params::Spec,
    person::Person,
    problem::{Kind, Problem},
    writing::{Stored, WriteParams, Writing},
};

pub mod known;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_keys, create_key))
        .routes(routes!(get_key, delete_key))
        .routes(routes!(rotate_key))
        .routes(routes!(list_usage))
}

/// Days of use that are told where no number is named.
const DAYS: usize = 30;
/// The most days of use that are told.
const MAX_DAYS: usize = 400;

/// A key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct KeyView {
    id: Uuid,
    /// Whose.
    account: Uuid,
    #[schema(max_length = 80, example = "Peta wisata")]
    name: String,
    /// What it may.
    #[schema(value_type = Vec<String>, max_items = 8, example = json!(["read"]))]
    scopes: Scopes,
    /// Below the name of which system it writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 40, example = "portal_wisata")]
    system: Option<System>,
    /// How it begins.
    #[schema(max_length = 16, example = "gpk_4f9c21")]
    start: String,
    /// The key itself, to be sent as `X-Api-Key`; said this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    key: Option<String>,
    /// Until when the key before holds as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_key_until: Option<DateTime<FixedOffset>>,
    created_at: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<FixedOffset>>,
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    version: i64,
}

impl KeyView {
    fn of(key: api_key::Model) -> Self {
        let api_key::Model {
            id,
            account,
            name,
            scopes,
            system,
            start,
            hash: _,
            old_hash: _,
            old_until,
            created_at,
            expires_at,
            revoked_at: _,
            version,
        } = key;
        Self {
            id,
            account,
            name,
            scopes,
            system,
            start,
            key: None,
            old_key_until: old_until.map(local),
            created_at: local(created_at),
            expires_at: expires_at.map(local),
            version,
        }
    }

    fn stored(key: &api_key::Model, secret: String) -> Value {
        json!(Self { key: Some(secret), ..Self::of(key.clone()) })
    }
}

/// The keys of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKeyPage)]
pub struct KeyPage {
    /// Those that were not revoked, the oldest first.
    #[schema(max_items = 1000)]
    items: Vec<KeyView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// What a key is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApiKeyWrite)]
pub struct KeyDraft {
    #[schema(max_length = 80, example = "Peta wisata")]
    name: String,
    /// What it may; `read` where nothing is named. A key that may only read begins with `gpk_` and
    /// may stand in an app that everybody has; any other begins with `gsk_` and is a secret.
    /// `publish` is given by administrators only.
    #[schema(value_type = Option<Vec<String>>, max_items = 8, example = json!(["read"]))]
    scopes: Option<Vec<Scope>>,
    /// Below the name of which system it writes; needed with `listings`, and with nothing else. It
    /// belongs to the account that names it first.
    #[schema(value_type = Option<String>, max_length = 40, pattern = "^[a-z0-9]+(_[a-z0-9]+)*$")]
    system: Option<System>,
    /// When it ends by itself.
    expires_at: Option<DateTime<FixedOffset>>,
    /// For whom; administrators only.
    account: Option<Uuid>,
}

/// How a key is changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RotateWrite)]
pub struct RotateDraft {
    /// For how long the key before holds as well; 24 where nothing is said, 0: it ends at once.
    #[schema(minimum = 0, maximum = 720, format = "int64", example = 24)]
    overlap_hours: Option<i64>,
}

/// How often keys were used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsagePage)]
pub struct UsagePage {
    /// By day, the oldest first; days without any use are left out.
    #[schema(max_items = 10_000)]
    items: Vec<UsageView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// How often a key was used on a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageView {
    key: Uuid,
    /// As Bantul's calendar has it.
    day: NaiveDate,
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    requests: i64,
}

/// A new key with these scopes, and how it begins.
fn secret(scopes: &[Scope]) -> (String, String) {
    let kind = if scopes == [Scope::Read] { "gpk" } else { "gsk" };
    let secret = format!("{kind}_{}", ids::secret());
    let start = secret.chars().take(10).collect();
    (secret, start)
}

/// The key that a path names, where they may know of it: their own, and an administrator any.
async fn its(app: &App, person: &Person, key: &str) -> Result<api_key::Model, Problem> {
    let none = || Problem::new(Kind::NotFound);
    let key = api_key::get(&app.store.reader, key.parse().map_err(|_| none())?).await?;
    let staff = permission::has(&person.account, Duty::Appoint);
    let theirs = |key: &api_key::Model| {
        key.revoked_at.is_none() && (staff || key.account == person.account.id)
    };
    key.filter(theirs).ok_or_else(none)
}

/// What the record says of a key.
fn members(key: &api_key::Model) -> Map<String, Value> {
    let owner = ("account".to_owned(), json!(key.account));
    let system = key.system.as_ref().map(|system| ("system".to_owned(), json!(system)));
    [owner, ("scopes".to_owned(), json!(key.scopes))].into_iter().chain(system).collect()
}

/// What is wrong with what a key is to be allowed.
fn scope_faults(me: &account::Model, scopes: &[Scope], system: Option<&System>) -> Vec<Fault> {
    let not_given = scopes.iter().any(|scope| !permission::gives(me, *scope));
    let refused = not_given.then(|| {
        Fault::new("not_allowed", "hanya oleh administrator", "only an administrator gives this")
            .below("scopes")
    });
    let writes = scopes.contains(&Scope::Listings);
    let publishes = scopes.contains(&Scope::Publish) && !writes;
    let alone = publishes.then(|| {
        Fault::new("contradiction", "perlu `listings`", "needs `listings`").below("scopes")
    });
    let system = match (writes, system) {
        (true, None) => Some(Fault::new("missing", "perlu nama sistem", "must name a system")),
        (false, Some(_)) => Some(Fault::new(
            "contradiction",
            "hanya bersama `listings`",
            "only together with `listings`",
        )),
        _ => None,
    };
    let system = system.map(|fault| fault.below("system"));
    [refused, alone, system].into_iter().flatten().collect()
}

/// What must be written so that `owner` holds `system`: nothing where they do already.
async fn name_system(
    app: &App,
    me: &account::Model,
    owner: &account::Model,
    system: &System,
    now: DateTime<Utc>,
) -> Result<Option<external::system::Model>, Problem> {
    let db = &app.store.reader;
    let bad = |fault: Fault| Problem::invalid(vec![fault.below("system")]);
    let held = external::system(db, system).await?;
    if !permission::names(me, owner, system, held.as_ref()) {
        let (id, en) = ("sudah dipakai", "is taken by somebody else");
        return Err(bad(Fault::new("taken", id, en)));
    }
    if held.is_some() {
        return Ok(None);
    }
    if external::systems_of(db, owner.id).await?.len() >= external::MOST_SYSTEMS {
        return Err(bad(too_many(external::MOST_SYSTEMS)));
    }
    let (system, account) = (system.clone(), owner.id);
    Ok(Some(external::system::Model { system, account, created_at: now, version: 1 }))
}

/// List one's keys.
#[utoipa::path(
    get, path = "/v1/keys", tag = "keys", security(("bearer" = [])), params(LangParams),
    responses((status = OK, description = "The keys", body = KeyPage))
)]
async fn list_keys(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let all = api_key::of(&app.store.reader, person.account.id).await?;
    let items = all.into_iter().map(KeyView::of).collect();
    Answer::of(&KeyPage { items, cursor: None }, media::JSON, asked.lang)
}

/// Make a key.
///
/// For whoever has an e-mail address here that they have signed in with. The key is said this once.
/// At most 20 for one account.
#[utoipa::path(
    post, path = "/v1/keys", tag = "keys", security(("bearer" = [])), params(WriteParams),
    request_body(content = KeyDraft, content_type = "application/json"),
    responses(
        (status = CREATED, description = "The key", body = KeyView),
        (status = CONFLICT, description = "There are as many as there may be, or no e-mail address is known"))
)]
async fn create_key(
    State(app): State<App>,
    writing: Writing,
    Body(said): Body,
) -> Result<Response, Problem> {
    let draft: KeyDraft = Body(said.clone()).into()?;
    let mut scopes = draft.scopes.unwrap_or_else(|| vec![Scope::Read]);
    scopes.sort_unstable_by_key(|scope| scope.name());
    scopes.dedup();
    let (name, expires_at) = (draft.name.trim().to_owned(), draft.expires_at);
    let mut faults: Vec<Fault> =
        line_fault(&name, api_key::NAME_MAX).map(|fault| fault.below("name")).into_iter().collect();
    if scopes.is_empty() {
        let fault = Fault::new("missing", "harus ada satu", "must name one at least");
        faults.push(fault.below("scopes"));
    }
    if expires_at.is_some_and(|end| end <= writing.now) {
        let fault = Fault::new("out_of_range", "sudah lewat", "is over already");
        faults.push(fault.below("expires_at"));
    }
    let me = &writing.person.account;
    faults.extend(scope_faults(me, &scopes, draft.system.as_ref()));
    let owner = match draft.account.filter(|account| *account != me.id) {
        None => Some(me.clone()),
        Some(_) if !permission::has(me, Duty::Appoint) => {
            return Err(Problem::new(Kind::Forbidden));
        }
        Some(other) => account::get(&app.store.reader, other).await?,
    };
    let owner = owner.filter(|owner| owner.erased_at.is_none());
    if owner.is_none() {
        faults.push(names_nothing().below("account"));
    }
    let Some(owner) = owner.filter(|_| faults.is_empty()) else {
        return Err(Problem::invalid(faults));
    };
    let act = async || {
        let known = api_key::of(&app.store.reader, owner.id).await?;
        if owner.email.is_none() || known.len() >= api_key::MOST {
            let most = api_key::MOST;
            return Err(Problem::new(Kind::Conflict).saying(
                format!("perlu alamat surel yang sudah dipastikan, dan paling banyak {most} kunci"),
                format!("needs an e-mail address that was confirmed, and at most {most} keys"),
            ));
        }
        let named = match &draft.system {
            Some(system) => Some(name_system(&app, me, &owner, system, writing.now).await?),
            None => None,
        };
        let (now, (secret, start)) = (writing.now, secret(&scopes));
        let key = api_key::Model {
            id: ids::new(now),
            account: owner.id,
            name: name.clone(),
            scopes: Scopes(scopes.clone()),
            system: draft.system.clone(),
            start,
            hash: domain::audit::digest(&secret),
            old_hash: None,
            old_until: None,
            created_at: now,
            expires_at: expires_at.map(|end| end.to_utc()),
            revoked_at: None,
            version: 1,
        };
        let by = writing.by(None, None);
        let mut unit = by.unit();
        unit.entries.push(by.entry("key_create", key.id, 1, (Map::new(), members(&key))));
        unit.writes.extend(named.flatten().map(Write::from));
        unit.writes.push(key.clone().into());
        let path = format!("/v1/keys/{}", key.id);
        let stored = Stored::new(&KeyView::stored(&key, secret), 1, path);
        Ok((unit, stored.once(&json!(KeyView::of(key)))))
    };
    writing.run(&said, act).await
}

/// Get a key: one's own, or as an administrator any.
#[utoipa::path(
    get, path = "/v1/keys/{id}", tag = "keys", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), LangParams),
    responses((status = OK, description = "The key, without what it opens with", body = KeyView))
)]
async fn get_key(
    State(app): State<App>,
    Key(id): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let key = its(&app, &person, &id).await?;
    let version = key.version;
    Ok(Answer::of(&KeyView::of(key), media::JSON, asked.lang)?.version(version))
}

/// Revoke a key.
///
/// It opens nothing from then on; on other nodes within five seconds.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "keys", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), WriteParams),
    responses((status = NO_CONTENT, description = "It is revoked"))
)]
async fn delete_key(
    State(app): State<App>,
    Key(id): Key,
    writing: Writing,
) -> Result<Response, Problem> {
    let act = async || {
        let key = its(&app, &writing.person, &id).await?;
        writing.check_version(key.version, false)?;
        let by = writing.by(None, None);
        let mut unit = by.unit();
        let entry = by.entry("key_revoke", key.id, key.version + 1, (members(&key), Map::new()));
        unit.entries.push(entry);
        unit.writes.push(key.revoked(writing.now).into());
        Ok((unit, Stored::nothing()))
    };
    let answer = writing.run(&Map::new(), act).await;
    app.keys.forget();
    answer
}

/// Change a key without a gap.
///
/// The new one is said this once; the one before holds for a day, or as long as is said.
#[utoipa::path(
    post, path = "/v1/keys/{id}/rotate", tag = "keys", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), WriteParams),
    request_body(content = RotateDraft, content_type = "application/json"),
    responses((status = OK, description = "The key with its new secret", body = KeyView))
)]
async fn rotate_key(
    State(app): State<App>,
    Key(id): Key,
    writing: Writing,
    Body(said): Body,
) -> Result<Response, Problem> {
    let draft: RotateDraft = Body(said.clone()).into()?;
    let longest = api_key::LONGEST_OVERLAP.num_hours();
    let overlap = match draft.overlap_hours {
        None => api_key::OVERLAP,
        Some(hours) if (0..=longest).contains(&hours) => TimeDelta::hours(hours),
        Some(_) => {
            let fault = crate::params::between(0, longest).below("overlap_hours");
            return Err(Problem::invalid(vec![fault]));
        }
    };
    let act = async || {
        let key = its(&app, &writing.person, &id).await?;
        writing.check_version(key.version, false)?;
        let (secret, start) = secret(&key.scopes);
        let key = key.rotated(&secret, start, overlap, writing.now);
        let by = writing.by(None, None);
        let mut unit = by.unit();
        unit.entries.push(by.entry("key_rotate", key.id, key.version, (Map::new(), Map::new())));
        unit.writes.push(key.clone().into());
        let stored = Stored::state(&KeyView::stored(&key, secret), key.version);
        Ok((unit, stored.once(&json!(KeyView::of(key)))))
    };
    let answer = writing.run(&said, act).await;
    app.keys.forget();
    answer
}

specs! {
    /// What use takes.
    USAGE:
    "days" one, json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_DAYS, "default": DAYS}), 30,
        "How many days back, today included.";
}

/// The parameters of use.
pub struct UsageParams;

impl utoipa::IntoParams for UsageParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        COMMON.iter().chain(USAGE).map(Spec::document).collect()
    }
}

/// List how often one's keys were used, by day.
///
/// Written every minute; kept for 25 months.
#[utoipa::path(
    get, path = "/v1/usage", tag = "keys", security(("bearer" = [])), params(UsageParams),
    responses((status = OK, description = "Requests by key and day", body = UsagePage))
)]
async fn list_usage(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let days = asked.params.integer("days", 1, MAX_DAYS).unwrap_or(DAYS);
    asked.params.finish(&[&COMMON, USAGE])?;
    let db = &app.store.reader;
    let keys = api_key::of(db, person.account.id).await?;
    let from = daily_count::day(asked.now) - chrono::Days::new(days as u64 - 1);
    let used = api_key::used(db, keys.iter().map(|key| key.id), from).await?;
    let view =
        |row: api_key::day::Model| UsageView { key: row.key, day: row.day, requests: row.count };
    let items = used.into_iter().map(view).collect();
    Answer::of(&UsagePage { items, cursor: None }, media::JSON, asked.lang)
}
