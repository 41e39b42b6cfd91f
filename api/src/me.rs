//! Me: one's own account: what it says, what is held about it, and its end.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use domain::{
    Fault,
    account::{
        self, Address,
        held::{self, Erasure},
    },
    audit::Entry,
    maintainer,
    record::{self, Record},
    text::{Lang, line_fault},
    writer::{Unit, Write},
};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    accounts::{AccountView, example},
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, LangParams},
    attempts::Attempt,
    auth::{self, TokenDraft},
    body::{Body, Patch},
    person::{self, Person},
    problem::{Kind, Problem},
    rate::Household,
    writing::{Stored, WriteParams, Writing},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_me, update_me, delete_me))
        .routes(routes!(create_my_address))
        .routes(routes!(get_my_export))
}

/// What a change to one's account says; null takes the name away.
#[derive(Debug, ToSchema)]
#[schema(as = MePatch)]
#[expect(dead_code, reason = "describes what `patched` reads member by member")]
pub struct MePatch {
    /// What one wants to be called.
    #[schema(max_length = 120)]
    name: Option<String>,
    /// The language of messages.
    #[schema(value_type = Option<String>, example = "jv")]
    lang: Option<Lang>,
}

/// Everything that is held about an account.
#[derive(Debug, ToSchema)]
#[schema(as = Export)]
#[expect(dead_code, reason = "describes what `held::export` writes")]
pub struct ExportView {
    account: Value,
    #[schema(max_items = 100_000)]
    sessions: Vec<Value>,
    #[schema(max_items = 100_000)]
    maintainers: Vec<Value>,
    #[schema(max_items = 100_000)]
    claims: Vec<Value>,
    #[schema(max_items = 100_000)]
    revisions: Vec<Value>,
    #[schema(max_items = 100_000)]
    comments: Vec<Value>,
    #[schema(max_items = 100_000)]
    messages: Vec<Value>,
    #[schema(max_items = 100_000)]
    media: Vec<Value>,
    #[schema(max_items = 100_000)]
    uploads: Vec<Value>,
    /// What the record says they did, with its values.
    #[schema(max_items = 100_000)]
    audit: Vec<Value>,
}

/// Get one's account.
#[utoipa::path(
    get, path = "/v1/me", tag = "people", security(("bearer" = [])), params(LangParams),
    responses((status = OK, description = "The account that asks", body = AccountView, example = json!(example())))
)]
async fn get_me(person: Person, mut asked: Asked) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let version = person.account.version;
    let answer = Answer::of(&AccountView::from(person.account), media::JSON, asked.lang)?;
    Ok(answer.version(version))
}

/// Change one's name or language.
///
/// A merge patch (RFC 7396). `If-Match` with the tag that was read is required. Addresses are added
/// at `/v1/me/addresses`; a role is given by an administrator.
#[utoipa::path(
    patch, path = "/v1/me", tag = "people", security(("bearer" = [])), params(WriteParams),
    request_body(content = MePatch, content_type = "application/merge-patch+json"),
    responses((status = OK, description = "The account as it is now", body = AccountView, example = json!(example())))
)]
async fn update_me(
    State(app): State<App>,
    writing: Writing,
    Patch(patch): Patch,
) -> Result<Response, Problem> {
    let act = async || {
        let account = again(&app, &writing).await?;
        writing.check_version(account.version, true)?;
        let account = patched(account, &patch)?.changed();
        let unit = Unit::new(vec![account.clone().into()], account.id.to_string(), writing.now);
        Ok((unit, stored(account)))
    };
    writing.run(&patch, act).await
}

/// One's account as it is now: it may have changed since the request came in.
async fn again(app: &App, writing: &Writing) -> Result<account::Model, Problem> {
    let account = account::get(&app.store.reader, writing.person.account.id).await?;
    account.filter(|account| account.erased_at.is_none()).ok_or_else(person::unauthorized)
}

/// An account as the answer to a write.
fn stored(account: account::Model) -> Stored {
    let version = account.version;
    Stored::state(&json!(AccountView::from(account)), version)
}

fn patched(
    mut account: account::Model,
    patch: &Map<String, Value>,
) -> Result<account::Model, Problem> {
    let mut faults = Vec::new();
    for (member, value) in patch {
        let read = match (member.as_str(), value) {
            ("name", Value::Null) => {
                account.name = None;
                Ok(())
            }
            ("name", Value::String(name)) => match line_fault(name, account::NAME_MAX) {
                None => {
                    account.name = Some(name.trim().to_owned());
                    Ok(())
                }
                Some(fault) => Err(fault),
            },
            ("lang", Value::String(lang)) => lang.parse().map(|lang| account.lang = lang),
            ("name" | "lang", _) => {
                Err(Fault::new("bad_format", "harus sebuah teks", "must be a text"))
            }
            _ => Err(Fault::new("unknown_member", "tidak dapat diubah", "cannot be changed here")),
        };
        let member: String = member.chars().take(80).collect();
        faults.extend(read.err().map(|fault: Fault| fault.below(member)));
    }
    if faults.is_empty() { Ok(account) } else { Err(Problem::invalid(faults)) }
}

/// Add an address.
///
/// With a code that `POST /v1/auth/code` sent there. It takes the place of another of its kind: an
/// account has one e-mail address and one phone number at most. Both let one in.
#[utoipa::path(
    post, path = "/v1/me/addresses", tag = "people", security(("bearer" = [])), params(LangParams),
    request_body(content = TokenDraft, content_type = "application/json"),
    responses(
        (status = OK, description = "The account as it is now", body = AccountView, example = json!(example())),
        (status = CONFLICT, description = "Somebody else is known at that address")
    )
)]
async fn create_my_address(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
    household: Household,
    body: Body,
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    auth::count(&app, Attempt::Guess, household)?;
    let draft: TokenDraft = body.into()?;
    let to = auth::address(&draft.to)?;
    let proof = auth::prove(&app, to, &draft.code).await?.ok_or_else(wrong)?;
    let add = |known: Option<account::Model>, to: Address| {
        if known.is_some_and(|known| known.id != person.account.id) {
            return Err(Problem::new(Kind::Conflict)
                .saying("alamat itu milik akun lain", "that address belongs to another account"));
        }
        let account = person.account.clone().reached_at(to).changed();
        let unit = Unit::new(vec![account.clone().into()], account.id.to_string(), asked.now);
        Ok((unit, account))
    };
    let account = proof.spend(&app, add).await?.ok_or_else(wrong)?;
    Ok(stored(account).response(None).into_response())
}

/// The token is good, so this is no 401.
fn wrong() -> Problem {
    let fault = Fault::new(
        "wrong_code",
        "kode salah atau tidak berlaku lagi",
        "is wrong, or no longer valid",
    );
    Problem::invalid(vec![fault.below("code")])
}

/// Export everything that is held about one.
///
/// All that the service knows of the account, in one document (Law 27/2022, article 7).
#[utoipa::path(
    get, path = "/v1/me/export", tag = "people", security(("bearer" = [])), params(LangParams),
    responses((status = OK, description = "All of it", body = ExportView, example = json!({
        "account": example(), "sessions": [], "maintainers": [], "claims": [], "revisions": [],
        "comments": [], "messages": [], "media": [], "uploads": [], "audit": []
    })))
)]
async fn get_my_export(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let held = held::export(&app.store.reader, &person.account).await?;
    Answer::of(&held, media::JSON, asked.lang)
}

/// Be forgotten.
///
/// Addresses, name, sessions and messages are gone, and with them what the record says of who did
/// something. What was published stays, without what was private in it where nobody else keeps it.
/// There is no way back (Law 27/2022, article 8).
#[utoipa::path(
    delete, path = "/v1/me", tag = "people", security(("bearer" = [])), params(WriteParams),
    responses((status = NO_CONTENT, description = "Nobody is known there any more"))
)]
async fn delete_me(State(app): State<App>, writing: Writing) -> Result<Response, Problem> {
    let act = async || {
        let account = again(&app, &writing).await?;
        let id = account.id;
        let mut unit = Unit::new(Vec::new(), id.to_string(), writing.now);
        for mut record in kept_alone(&app, &account).await? {
            record.listing.contacts.0.retain(|contact| contact.public);
            record.listing.version += 1;
            record.listing.updated_at = writing.now;
            unit.entries.push(Entry::new("erase", record.listing.id, record.listing.version));
            unit.writes.push(Write::Listing { record: Box::new(record), former_slug: None });
        }
        unit.entries.push(Entry::new("erase", id, account.version + 1));
        unit.erase = Some(Erasure(account));
        Ok((unit, Stored::nothing()))
    };
    writing.run(&Map::new(), act).await
}

/// The listings that only they keep and that hold a contact which is not public.
async fn kept_alone(app: &App, account: &account::Model) -> Result<Vec<Record>, Problem> {
    let reader = &app.store.reader;
    let mut alone = Vec::new();
    for kept in maintainer::listings_of(reader, account.id).await? {
        if maintainer::keepers_of(reader, kept.listing).await?.len() == 1 {
            alone.push(kept.listing);
        }
    }
    let mut records = record::load(reader, &alone).await?;
    let private = |record: &Record| record.listing.contacts.iter().any(|contact| !contact.public);
    records.retain(private);
    Ok(records)
}
