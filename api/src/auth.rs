//! Auth: how a person comes in and goes: a one-time code to their address, a token for it, the
//! sessions that are open.
//!
//! Nobody learns here who has an account. Asking for a code never looks at accounts; trying one
//! looks only once the code was right, and reckons the same slow digest whether or not there is a
//! code to compare.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, FixedOffset, Utc};
use domain::{
    Error, Fault,
    account::{self, Address},
    session, sign_in,
    text::Lang,
    writer::Unit,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    accounts::{self, AccountView},
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    attempts::Attempt,
    body::Body,
    ids,
    managed::local,
    messages::Letter,
    person::{self, Person},
    problem::{Kind, Problem},
    rate::Household,
};

/// Who writes what happens before anybody is known.
const ACTOR: &str = "sign-in";
/// How often a write is tried anew because somebody else was faster.
pub const RACES: usize = 32;
/// The longest name that a program may give itself, characters.
const AGENT_MAX: usize = 120;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_code))
        .routes(routes!(create_session))
        .routes(routes!(list_sessions))
        .routes(routes!(delete_session))
}

/// Where a code is to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CodeWrite)]
pub struct CodeDraft {
    /// An e-mail address, or a phone number: E.164, or as it is written in Indonesia (`08…`).
    #[schema(max_length = 254, example = "sri@example.id")]
    to: String,
    /// The language of the message; without it that of the request.
    #[schema(value_type = Option<String>, max_length = 2, pattern = "^(id|en|jv)$", example = "id")]
    lang: Option<Lang>,
}

/// An address, and the code that came there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenWrite)]
pub struct TokenDraft {
    /// The address that the code was sent to.
    #[schema(max_length = 254, example = "sri@example.id")]
    pub to: String,
    /// Six digits.
    #[schema(max_length = 16, example = "123456")]
    pub code: String,
}

/// What opens everything that a person may do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    /// To be sent as `Authorization: Bearer …`. It is said this once.
    #[schema(max_length = 80, example = "gry_4f9c…")]
    access_token: String,
    /// Always `Bearer`.
    #[schema(max_length = 6, example = "Bearer")]
    token_type: &'static str,
    /// When it ends by itself.
    expires_at: DateTime<FixedOffset>,
    account: AccountView,
}

/// An open session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenSession)]
pub struct SessionView {
    id: Uuid,
    /// What it was opened with, as that called itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 120)]
    agent: Option<String>,
    created_at: DateTime<FixedOffset>,
    expires_at: DateTime<FixedOffset>,
    /// Whether it is the one that asks.
    current: bool,
}

/// The open sessions of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionPage)]
pub struct SessionPage {
    /// The newest first.
    #[schema(max_items = 10_000)]
    items: Vec<SessionView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// A token for the contract to show.
pub fn example() -> Value {
    json!({"access_token": "gry_c0ffee", "token_type": "Bearer",
           "expires_at": "2027-02-22T12:00:00+07:00", "account": accounts::example()})
}

/// The address that `to` names.
pub fn address(to: &str) -> Result<Address, Problem> {
    to.parse().map_err(|fault: Fault| Problem::invalid(vec![fault.below("to")]))
}

/// Counts an attempt of `household`, where attempts are counted.
pub fn count(app: &App, attempt: Attempt, household: Household) -> Result<(), Problem> {
    let (Some(attempts), Some(address)) = (&app.attempts, household.0) else { return Ok(()) };
    attempts.count(attempt, address, app.clock.now())
}

/// Does what takes tens of milliseconds of a processor, where it keeps nobody else waiting.
async fn slowly<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let _room = app.slow.acquire().await.map_err(|error| Problem::internal(&error))?;
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))
}

pub fn too_much_at_once() -> Problem {
    Problem::retry_after(Kind::Unavailable, 1)
}

/// Send a code.
///
/// Six digits go to the address; they are good for 10 minutes, 5 tries and one use, and end the
/// code before. The answer is the same whoever is or is not known there, and also where nothing is
/// sent because 5 codes went there within the hour. A network address may ask 30 times an hour.
#[utoipa::path(
    post, path = "/v1/auth/code", tag = "people", security(()), params(LangParams),
    request_body(content = CodeDraft, content_type = "application/json"),
    responses((status = ACCEPTED, description = "Where somebody reads messages there, they will find the code"))
)]
async fn create_code(
    State(app): State<App>,
    mut asked: Asked,
    household: Household,
    body: Body,
) -> Result<StatusCode, Problem> {
    asked.params.finish(&[&COMMON])?;
    count(&app, Attempt::Ask, household)?;
    let draft: CodeDraft = body.into()?;
    let to = address(&draft.to)?;
    let code = ids::code();
    let sealed = {
        let (code, salt) = (code.clone(), ids::salt());
        slowly(&app, move || sign_in::seal(&code, salt)).await?
    };
    for _ in 0..RACES {
        let before = sign_in::at(&app.store.reader, &to).await?;
        let row = sign_in::Model::sent(before.as_ref(), &to, sealed.clone(), asked.now);
        let Some(row) = row else { return Ok(StatusCode::ACCEPTED) };
        match app.writer.write(Unit::new(vec![row.into()], ACTOR, asked.now)).await {
            Ok(_) => {
                let letter = Letter::with_code(code, draft.lang.unwrap_or(asked.lang));
                app.messenger.send_soon(to, letter)?;
                return Ok(StatusCode::ACCEPTED);
            }
            // Somebody asked or tried in between.
            Err(Error::Stale(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(too_much_at_once())
}

/// The proof that whoever asks reads what is sent to an address: the digest of the code that they
/// knew. It is good until that code was used, or another was sent.
pub struct Proof {
    to: Address,
    sealed: Option<String>,
}

/// Tries `code`; none where it is wrong, used up, used or too old, without saying which.
pub async fn prove(app: &App, to: Address, code: &str) -> Result<Option<Proof>, Problem> {
    let now = app.clock.now();
    let mut sealed = None;
    for race in 0.. {
        let Some(row) = sign_in::at(&app.store.reader, &to).await? else { break };
        if !row.is_open(now) {
            break;
        }
        sealed.clone_from(&row.hash);
        match app.writer.write(Unit::new(vec![row.tried().into()], ACTOR, now)).await {
            Ok(_) => break,
            // Another try was counted first: this one is counted anew, on what is left.
            Err(Error::Stale(_)) if race < RACES => sealed = None,
            Err(Error::Stale(_)) => return Err(too_much_at_once()),
            Err(error) => return Err(error.into()),
        }
    }
    let code: String = code.chars().filter(|c| !c.is_whitespace()).take(16).collect();
    let compared = sealed.clone();
    let right = slowly(app, move || sign_in::opens(compared.as_deref(), &code)).await?;
    Ok(right.then_some(Proof { to, sealed }))
}

impl Proof {
    /// Uses the code up together with what `act` does for it, once: whoever is known at the address
    /// is handed to it. None where the code was used meanwhile.
    pub async fn spend<T>(
        self,
        app: &App,
        act: impl Fn(Option<account::Model>, Address) -> Result<(Unit, T), Problem>,
    ) -> Result<Option<T>, Problem> {
        for _ in 0..RACES {
            let row = sign_in::at(&app.store.reader, &self.to).await?;
            let Some(row) = row.filter(|row| row.hash == self.sealed) else { return Ok(None) };
            let known = account::at(&app.store.reader, &self.to).await?;
            let (mut unit, told) = act(known, self.to.clone())?;
            unit.writes.push(row.used().into());
            match app.write(unit).await {
                Ok(_) => return Ok(Some(told)),
                // Another code was tried, or the account came to be in another way.
                Err(Error::Stale(_) | Error::Invalid(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(too_much_at_once())
    }
}

/// Come in with a code.
///
/// The first right code for an address that nobody is known at makes an account of role
/// `producer`. The token is good for 90 days, or until its session is ended. A network address may
/// try 60 times an hour.
#[utoipa::path(
    post, path = "/v1/auth/token", tag = "people", security(()), params(LangParams),
    request_body(content = TokenDraft, content_type = "application/json"),
    responses((status = OK, description = "The token, and whose it is", body = TokenView,
        example = json!(example())))
)]
async fn create_session(
    State(app): State<App>,
    mut asked: Asked,
    household: Household,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    count(&app, Attempt::Guess, household)?;
    let draft: TokenDraft = body.into()?;
    let proof = prove(&app, address(&draft.to)?, &draft.code).await?.ok_or_else(wrong)?;
    let (now, token) = (asked.now, ids::token());
    let agent = agent(&headers);
    let come_in = |known: Option<account::Model>, to| {
        let is_new = known.is_none();
        let account =
            known.unwrap_or_else(|| account::Model::new(ids::new(now), to, asked.lang, now));
        let session = session::Model::new(ids::new(now), account.id, &token, agent.clone(), now);
        let expires_at = session.expires_at;
        let mut unit = Unit::new(vec![session.into()], account.id.to_string(), now);
        if is_new {
            unit.writes.push(account.clone().into());
        }
        Ok((unit, (account, expires_at)))
    };
    let (account, expires_at) = proof.spend(&app, come_in).await?.ok_or_else(wrong)?;
    Ok(told(token, expires_at, account))
}

/// Tells somebody, this once, the `token` of their session.
pub fn told(token: String, expires_at: DateTime<Utc>, account: account::Model) -> Response {
    let view = TokenView {
        access_token: token,
        token_type: "Bearer",
        expires_at: local(expires_at),
        account: account.into(),
    };
    // RFC 6749 §5.1 has it so for what opens a door.
    ([(header::CACHE_CONTROL, "private, no-store")], Json(view)).into_response()
}

/// Which it was is nobody's to know.
fn wrong() -> Problem {
    person::unauthorized()
        .saying("kode salah atau tidak berlaku lagi", "the code is wrong, or no longer valid")
}

/// What a program calls itself, as far as it is fit to be shown.
pub fn agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?.trim();
    (!agent.is_empty()).then(|| agent.chars().take(AGENT_MAX).collect())
}

/// List one's open sessions.
#[utoipa::path(
    get, path = "/v1/auth/sessions", tag = "people", security(("bearer" = [])), params(LangParams),
    responses((status = OK, description = "The open sessions, the newest first", body = SessionPage,
        example = json!({"items": [{
            "id": "01a20ada-2c00-7000-8000-000000000002", "agent": "Mozilla/5.0",
            "created_at": "2026-11-24T12:00:00+07:00", "expires_at": "2027-02-22T12:00:00+07:00",
            "current": true}]})))
)]
async fn list_sessions(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let open = session::of(&app.store.reader, person.account.id, asked.now).await?;
    let view = |session: session::Model| SessionView {
        id: session.id,
        agent: session.agent,
        created_at: local(session.created_at),
        expires_at: local(session.expires_at),
        current: person.session.as_ref().is_some_and(|own| own.id == session.id),
    };
    let items = open.into_iter().map(view).collect();
    Answer::of(&SessionPage { items, cursor: None }, media::JSON, asked.lang)
}

/// End a session.
///
/// Its token opens nothing from then on. One may end the session that asks, too: that is how one
/// signs out.
#[utoipa::path(
    delete, path = "/v1/auth/sessions/{id}", tag = "people", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id of the session"), LangParams),
    responses((status = NO_CONTENT, description = "It is ended"))
)]
async fn delete_session(
    State(app): State<App>,
    person: Person,
    Key(id): Key,
    mut asked: Asked,
) -> Result<StatusCode, Problem> {
    asked.params.finish(&[&COMMON])?;
    let nothing = || Problem::new(Kind::NotFound);
    let id: Uuid = id.parse().map_err(|_| nothing())?;
    let session = session::get(&app.store.reader, id).await?;
    let mine = session.filter(|s| s.account == person.account.id && s.is_open(asked.now));
    let session = mine.ok_or_else(nothing)?;
    let actor = person.account.id.to_string();
    let unit = Unit::new(vec![session.revoked(asked.now).into()], actor, asked.now);
    match app.writer.write(unit).await {
        // Whoever was faster has ended it as well: nothing else is ever written to a session.
        Ok(_) | Err(Error::Stale(_)) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err(error.into()),
    }
}
