//! Accounts: who may do what, as administrators see and decide it.

use axum::{extract::State, response::Response};
use chrono::{DateTime, FixedOffset};
use domain::{
    Fault,
    account::{self, Address, Agencies, NAME_MAX, Role},
    key::AgencyId,
    message,
    permission::{self, Duty},
    text::{Lang, line_fault},
    writer::Unit,
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
    auth,
    body::{Body, Patch},
    ids,
    managed::local,
    params::{self, Spec},
    person::Person,
    problem::{Kind, Problem},
    writing::{Stored, WriteParams, Writing},
};

/// The longest words that accounts are sought by, characters.
const MAX_SOUGHT: usize = 100;
/// The most agencies that one officer acts for.
const MAX_AGENCIES: usize = 20;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_accounts, create_account))
        .routes(routes!(get_account, update_account))
}

/// A person who writes here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    id: Uuid,
    /// Lets them in; also where messages go.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 254, format = "email")]
    email: Option<String>,
    /// Lets them in; messages go there where there is no e-mail address. E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 16)]
    phone: Option<String>,
    /// What they want to be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 120)]
    name: Option<String>,
    /// The language of messages to them.
    #[schema(value_type = String, max_length = 2, example = "id")]
    lang: Lang,
    /// `producer` keeps what is theirs, `editor` moderates for agencies, `admin` does everything.
    #[schema(value_type = String, max_length = 16, example = "producer")]
    role: Role,
    /// The agencies that an editor acts for.
    #[schema(value_type = Vec<String>, max_items = 20)]
    agencies: Vec<AgencyId>,
    created_at: DateTime<FixedOffset>,
}

impl From<account::Model> for AccountView {
    fn from(account: account::Model) -> Self {
        let account::Model {
            id,
            email,
            phone,
            name,
            lang,
            role,
            agencies,
            created_at,
            erased_at: _,
            version: _,
        } = account;
        Self {
            id,
            email,
            phone,
            name,
            lang,
            role,
            agencies: agencies.0,
            created_at: local(created_at),
        }
    }
}

/// An account for the contract to show.
pub fn example() -> Value {
    json!({"id": "01a20ada-2c00-7000-8000-000000000001", "email": "sri@example.id", "lang": "id",
           "role": "producer", "agencies": [], "created_at": "2026-11-24T12:00:00+07:00"})
}

/// Accounts, by id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountPage)]
pub struct AccountPage {
    #[schema(max_items = 100)]
    items: Vec<AccountView>,
    /// Where the next page starts; `null` at the end.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// Who is appointed, and as what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountWrite)]
pub struct AccountDraft {
    /// An e-mail address or a phone number.
    #[schema(max_length = 254, example = "petugas@example.id")]
    to: String,
    /// `producer`, `editor` or `admin`.
    #[schema(value_type = String, max_length = 16, example = "editor")]
    role: Role,
    /// The agencies that an editor acts for.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 20)]
    agencies: Vec<AgencyId>,
    /// What they are called; one who has a name keeps it.
    #[schema(max_length = 120)]
    name: Option<String>,
}

/// What somebody may do from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountPatch)]
pub struct AccountPatch {
    /// `producer`, `editor` or `admin`.
    #[schema(value_type = Option<String>, max_length = 16, example = "editor")]
    role: Option<Role>,
    /// The agencies that an editor acts for.
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    agencies: Option<Vec<AgencyId>>,
}

/// The parameters of a list of accounts.
static LIST: [Spec; 3] = [
    Spec {
        name: "q",
        many: false,
        about: "A part of the address or of the name.",
        schema: || json!({"type": "string", "minLength": 1, "maxLength": MAX_SOUGHT}),
        example: || json!("sri"),
    },
    Spec {
        name: "limit",
        many: false,
        about: "Accounts on a page.",
        schema: || json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20}),
        example: || json!(20),
    },
    Spec {
        name: "cursor",
        many: false,
        about: "Where the page starts: `cursor` of the page before.",
        schema: || json!({"type": "string", "maxLength": 36}),
        example: || Value::Null,
    },
];

/// The parameters of a list of accounts, for the contract.
pub struct ListParams;

impl utoipa::IntoParams for ListParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        COMMON.iter().chain(&LIST).map(Spec::document).collect()
    }
}

/// Only administrators go on from here.
fn admin(person: &Person) -> Result<(), Problem> {
    let may = permission::has(&person.account, Duty::Appoint);
    if may { Ok(()) } else { Err(Problem::new(Kind::Forbidden)) }
}

/// List accounts.
///
/// For administrators: all accounts, or those with `q` in their address or name.
#[utoipa::path(
    get, path = "/v1/accounts", tag = "people", security(("bearer" = [])), params(ListParams),
    responses((status = OK, description = "A page of accounts, by id", body = AccountPage,
        example = json!({"items": [example()], "cursor": "AaIK2iwAcACAAAAAAAAAAQ"})))
)]
async fn list_accounts(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    admin(&person)?;
    asked.media(&[media::JSON])?;
    let sought = asked.params.one_with("q", |raw| params::text(raw, MAX_SOUGHT));
    let limit = asked.params.integer("limit", 1, 100).unwrap_or(20);
    let after = asked.params.one_with("cursor", |raw| raw.parse::<Uuid>().map_err(|_| no_cursor()));
    asked.params.finish(&[&COMMON, &LIST])?;
    let wanted = u64::try_from(limit + 1).unwrap_or(u64::MAX);
    let mut found = account::find(&app.store.reader, sought.as_deref(), after, wanted).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
    let items = found.into_iter().map(AccountView::from).collect();
    Answer::of(&AccountPage { items, cursor }, media::JSON, asked.lang)
}

fn no_cursor() -> Fault {
    Fault::new("bad_cursor", "bukan cursor dari daftar ini", "is no cursor of this list")
}

/// Get an account.
#[utoipa::path(
    get, path = "/v1/accounts/{id}", tag = "people", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the account"), LangParams),
    responses((status = OK, description = "The account", body = AccountView, example = json!(example())))
)]
async fn get_account(
    State(app): State<App>,
    person: Person,
    Key(id): Key,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    admin(&person)?;
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let account = known(&app, &id).await?;
    let version = account.version;
    Ok(Answer::of(&AccountView::from(account), media::JSON, asked.lang)?.version(version))
}

async fn known(app: &App, id: &str) -> Result<account::Model, Problem> {
    let nobody = || Problem::new(Kind::NotFound);
    let id = id.parse().map_err(|_| nobody())?;
    let account = account::get(&app.store.reader, id).await?;
    account.filter(|account| account.erased_at.is_none()).ok_or_else(nobody)
}

/// Appoint somebody.
///
/// For administrators. Whoever is known at the address gets the role; who is not gets an account,
/// and comes in with a code like everybody. They are told.
#[utoipa::path(
    post, path = "/v1/accounts", tag = "people", security(("bearer" = [])), params(WriteParams),
    request_body(content = AccountDraft, content_type = "application/json"),
    responses(
        (status = OK, description = "Somebody who was known, in the new role", body = AccountView, example = json!(example())),
        (status = CREATED, description = "Somebody new", body = AccountView, example = json!(example()))
    )
)]
async fn create_account(
    State(app): State<App>,
    writing: Writing,
    Body(said): Body,
) -> Result<Response, Problem> {
    admin(&writing.person)?;
    let draft: AccountDraft = Body(said.clone()).into()?;
    let to = auth::address(&draft.to);
    let mut faults = role_faults(&app, draft.role, &draft.agencies);
    let name = draft.name.as_deref();
    faults.extend(name.and_then(|name| line_fault(name, NAME_MAX)).map(|f| f.below("name")));
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let to = to?;
    let name = draft.name.map(|name| name.trim().to_owned());
    let act = async || {
        let known = account::at(&app.store.reader, &to).await?;
        let (before, mut after) = match known {
            Some(known) => (Some(known.clone()), known.changed()),
            None => (None, new(&writing, to.clone())),
        };
        after.role = draft.role;
        after.agencies = Agencies(draft.agencies.clone());
        after.name = after.name.or_else(|| name.clone());
        appoint(&writing, before.as_ref(), after)
    };
    writing.run(&said, act).await
}

fn new(writing: &Writing, to: Address) -> account::Model {
    account::Model::new(ids::new(writing.now), to, writing.lang, writing.now)
}

/// Change what somebody may do.
///
/// For administrators; a merge patch (RFC 7396). `If-Match` with the tag that was read is required.
/// Nobody changes their own role, so that one administrator always stays.
#[utoipa::path(
    patch, path = "/v1/accounts/{id}", tag = "people", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the account"), WriteParams),
    request_body(content = AccountPatch, content_type = "application/merge-patch+json"),
    responses((status = OK, description = "The account as it is now", body = AccountView, example = json!(example())))
)]
async fn update_account(
    State(app): State<App>,
    Key(id): Key,
    writing: Writing,
    Patch(said): Patch,
) -> Result<Response, Problem> {
    admin(&writing.person)?;
    let patch: AccountPatch = Body(said.clone()).into()?;
    let act = async || {
        let before = known(&app, &id).await?;
        writing.check_version(before.version, true)?;
        let mut after = before.clone().changed();
        after.role = patch.role.unwrap_or(before.role);
        after.agencies = patch.agencies.clone().map_or(after.agencies, Agencies);
        let faults = role_faults(&app, after.role, &after.agencies);
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        appoint(&writing, Some(&before), after)
    };
    writing.run(&said, act).await
}

/// What is wrong with a role and the agencies it is for.
fn role_faults(app: &App, role: Role, agencies: &[AgencyId]) -> Vec<Fault> {
    let snapshot = app.index.snapshot();
    let unknown = |(_, id): &(usize, &AgencyId)| snapshot.reference().agency(id).is_none();
    let mut faults: Vec<Fault> = agencies
        .iter()
        .enumerate()
        .filter(unknown)
        .map(|(at, _)| domain::listing::names_nothing().below(at).below("agencies"))
        .collect();
    if agencies.len() > MAX_AGENCIES {
        faults.push(domain::listing::too_many(MAX_AGENCIES).below("agencies"));
    }
    if role != Role::Editor && !agencies.is_empty() {
        let fault = Fault::new("not_allowed", "hanya untuk editor", "is for an editor only");
        faults.push(fault.below("agencies"));
    }
    faults
}

/// The unit that makes `after` of `before`, leaves it on record, and tells them.
fn appoint(
    writing: &Writing,
    before: Option<&account::Model>,
    after: account::Model,
) -> Result<(Unit, Stored), Problem> {
    if after.id == writing.person.account.id {
        return Err(Problem::new(Kind::Forbidden)
            .saying("peran sendiri tidak dapat diubah", "one's own role cannot be changed"));
    }
    let by = writing.by(None, None);
    let mut unit = by.unit();
    let members = (before.map(office).unwrap_or_default(), office(&after));
    unit.entries.push(by.entry("appoint", after.id, after.version, members));
    let (subject, text) = news(&after);
    let message = message::Model::new(
        ids::new(writing.now),
        after.id,
        after.lang,
        subject,
        text,
        writing.now,
    );
    unit.writes.extend([after.clone().into(), message.into()]);
    let (version, id) = (after.version, after.id);
    let body = json!(AccountView::from(after));
    let stored = match before {
        Some(_) => Stored::state(&body, version),
        None => Stored::new(&body, version, format!("/v1/accounts/{id}")),
    };
    Ok((unit, stored))
}

/// What an account may do, for the record.
fn office(account: &account::Model) -> Map<String, Value> {
    Map::from_iter([
        ("role".to_owned(), json!(account.role)),
        ("agencies".to_owned(), json!(account.agencies)),
    ])
}

/// What somebody is told who was appointed.
fn news(account: &account::Model) -> (String, String) {
    let agencies: Vec<&str> = account.agencies.iter().map(AgencyId::as_str).collect();
    let role = match agencies[..] {
        [] => account.role.name().to_owned(),
        _ => format!("{} ({})", account.role.name(), agencies.join(", ")),
    };
    let (subject, text) = match account.lang {
        Lang::Id => (
            "Peran Anda di Griya",
            format!(
                "Peran Anda di Griya sekarang: {role}. Masuk dengan alamat ini; kode akan dikirim ke sini."
            ),
        ),
        Lang::En => (
            "Your role at Griya",
            format!(
                "Your role at Griya is now: {role}. Sign in with this address; a code will be sent here."
            ),
        ),
        Lang::Jv => (
            "Kalenggahan panjenengan ing Griya",
            format!(
                "Kalenggahan panjenengan ing Griya sapunika: {role}. Mangga mlebet ngginakaken alamat punika; kode badhe dipunkintun mriki."
            ),
        ),
    };
    (subject.to_owned(), text)
}
