//! OpenID Connect: how staff come in through their government's identity provider.
//!
//! Whoever begins keeps a secret in a cookie, of which all else follows
//! ([`domain::handshake`]); whoever comes back without it began nothing here. What is asked of the
//! provider, and how its answer is believed, is in [`mod@provider`].

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    account::{self, Address, Role},
    audit::digest,
    handshake, identity, session,
    writer::Unit,
};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    asked::{Asked, COMMON, LangParams},
    attempts::Attempt,
    auth::{self, RACES, TokenView},
    ids,
    listing_query::specs,
    params::Spec,
    person,
    problem::{Kind, Problem},
    rate::Household,
};

pub mod provider;

use provider::{Failure, Provider, Subject};

/// Who writes what happens before anybody is known.
const ACTOR: &str = "sign-in";

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_oidc_provider)).routes(routes!(get_oidc_token))
}

specs! {
    /// What the provider sends somebody back with (RFC 6749 §4.1.2, RFC 9207).
    RETURNED:
    "code" one, json!({"type": "string", "minLength": 1, "maxLength": 4000}), "SplxlOBeZQQYbYS6WxSbIA",
        "What the provider tells who it is for.";
    "state" one, json!({"type": "string", "minLength": 1, "maxLength": 200}), "af0ifjsldkj",
        "What it was given to hand back.";
    "iss" one, json!({"type": "string", "maxLength": 500}), "https://sso.example/realms/pemda",
        "Which provider it is.";
    "error" one, json!({"type": "string", "maxLength": 200}), (),
        "Why it lets nobody in.";
}

/// The parameters of the way back.
pub struct ReturnParams;

impl utoipa::IntoParams for ReturnParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        RETURNED.iter().chain(&COMMON).map(Spec::document).collect()
    }
}

fn provider(app: &App) -> Result<&Provider, Problem> {
    app.provider.as_deref().ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Go to the identity provider.
///
/// Staff sign in there with their office's account, and come back to `/v1/auth/oidc/callback` in the
/// same browser within 10 minutes: a cookie says that it is the same. 404 where the service has no
/// such provider. A network address may begin 30 times an hour.
#[utoipa::path(
    get, path = "/v1/auth/oidc", tag = "people", security(()), params(LangParams),
    responses((status = SEE_OTHER, description = "To the sign-in page of the provider"))
)]
async fn get_oidc_provider(
    State(app): State<App>,
    mut asked: Asked,
    household: Household,
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    let provider = provider(&app)?;
    auth::count(&app, Attempt::Ask, household)?;
    let secret = ids::secret();
    let page = provider.page(&secret).await.map_err(problem_of)?;
    let page = HeaderValue::try_from(page).map_err(|error| Problem::internal(&error))?;
    let begun = handshake::Model::begun(&secret, asked.now);
    app.writer.write(Unit::new(vec![begun.into()], ACTOR, asked.now)).await?;
    let headers = [
        (header::LOCATION, page),
        (header::SET_COOKIE, Cookie::of(&app).holding(&secret)),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Come back from the identity provider.
///
/// The browser is sent here by the provider; no program calls it by itself. Who it says has signed in
/// gets a token, like that of a code, if they are an editor or an administrator here: one is found by
/// the e-mail address that the provider has verified the first time, and by the provider's own id
/// for them ever after. 401 where it was not begun in this browser, or is over; 403 where nobody is
/// appointed; 503 where the provider does not answer. Parameters that are not known are not looked
/// at. A network address may try 60 times an hour.
#[utoipa::path(
    get, path = "/v1/auth/oidc/callback", tag = "people", security(()), params(ReturnParams),
    responses((status = OK, description = "The token, and whose it is", body = TokenView,
        example = json!(auth::example())))
)]
async fn get_oidc_token(
    State(app): State<App>,
    mut asked: Asked,
    household: Household,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let provider = provider(&app)?;
    let (code, state, issuer, refusal) = (
        asked.params.one("code"),
        asked.params.one("state"),
        asked.params.one::<Text>("iss"),
        asked.params.one::<Text>("error"),
    );
    // A provider may say more than anybody knows of (RFC 6749 §4.1.2).
    asked.params.finish_open()?;
    auth::count(&app, Attempt::Guess, household)?;
    let cookie = Cookie::of(&app);
    let secret = cookie.found_in(&headers).ok_or_else(over)?;
    let Text(state) = state.ok_or_else(over)?;
    // By digest: how long it takes says nothing of what would be right.
    if digest(state) != digest(handshake::state(&secret)) {
        return Err(over());
    }
    let code: Option<Text> = code.filter(|_| refusal.is_none());
    let code = code.filter(|_| issuer.is_none_or(|Text(issuer)| issuer == provider.issuer()));
    let came = async {
        use_up(&app, &secret, &asked).await?;
        let Text(code) = code.ok_or_else(refused)?;
        let subject = provider.subject(code, &secret).await.map_err(problem_of)?;
        come_in(&app, provider, &subject, &headers).await
    };
    let mut response = came.await.into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie.gone());
    Ok(response)
}

/// A value as it was sent.
struct Text(String);

impl std::str::FromStr for Text {
    type Err = domain::Fault;

    fn from_str(raw: &str) -> Result<Self, domain::Fault> {
        Ok(Self(raw.to_owned()))
    }
}

/// Uses the sign-in up that was begun with `secret`, before anything is asked with it: of those who
/// come back with one, one is the first.
async fn use_up(app: &App, secret: &str, asked: &Asked) -> Result<(), Problem> {
    let begun = handshake::of(&app.store.reader, secret).await?;
    let begun = begun.filter(|begun| begun.is_open(asked.now)).ok_or_else(over)?;
    match app.writer.write(Unit::new(vec![begun.used().into()], ACTOR, asked.now)).await {
        Ok(_) => Ok(()),
        Err(Error::Stale(_)) => Err(over()),
        Err(error) => Err(error.into()),
    }
}

/// Opens a session for whom the provider knows as `subject`.
async fn come_in(
    app: &App,
    provider: &Provider,
    subject: &Subject,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    for _ in 0..RACES {
        let now = app.clock.now();
        let (account, bound) = appointed(app, provider, subject).await?;
        let token = ids::token();
        let session =
            session::Model::new(ids::new(now), account.id, &token, auth::agent(headers), now);
        let expires_at = session.expires_at;
        let mut unit = Unit::new(vec![session.into()], account.id.to_string(), now);
        if !bound {
            let issuer = provider.issuer();
            let identity = identity::Model::new(issuer, &subject.id, account.id, now);
            unit.writes.push(identity.into());
        }
        match app.write(unit).await {
            Ok(_) => return Ok(auth::told(token, expires_at, account)),
            // Somebody came in for the first time at the same moment.
            Err(Error::Stale(_) | Error::Invalid(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(auth::too_much_at_once())
}

/// The officer or administrator who `subject` is, and whether that was known before.
async fn appointed(
    app: &App,
    provider: &Provider,
    subject: &Subject,
) -> Result<(account::Model, bool), Problem> {
    let (db, issuer) = (&app.store.reader, provider.issuer());
    let known = identity::named(db, issuer, &subject.id).await?;
    let bound = known.is_some();
    let account = if let Some(known) = known {
        account::get(db, known.account).await?
    } else {
        let account = account::at(db, &Address::Email(subject.email.clone())).await?;
        match account {
            // Whoever got the address of somebody else at the provider is not them.
            Some(account) if is_another(app, issuer, &account).await? => None,
            account => account,
        }
    };
    let staff =
        |account: &account::Model| account.role != Role::Producer && account.erased_at.is_none();
    Ok((account.filter(staff).ok_or_else(nobody)?, bound))
}

/// Whether `issuer` knows `account` as somebody already.
async fn is_another(app: &App, issuer: &str, account: &account::Model) -> Result<bool, Problem> {
    let known = identity::of(&app.store.reader, account.id).await?;
    Ok(known.iter().any(|identity| identity.issuer == issuer))
}

/// The cookie that a browser keeps the secret in.
struct Cookie {
    secure: bool,
}

impl Cookie {
    fn of(app: &App) -> Self {
        let url = app.settings.public_url.as_deref().unwrap_or_default();
        Self { secure: url.starts_with("https://") }
    }

    /// One that begins like this was set by this host over TLS: not by a neighbour below the same
    /// domain, who could plant a sign-in of their own (RFC 6265bis §4.1.3.2).
    fn name(&self) -> &'static str {
        if self.secure { "__Host-griya-oidc" } else { "griya-oidc" }
    }

    fn set(&self, value: &str, seconds: i64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.name();
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(cookie).expect("digits and letters are a header's value")
    }

    fn holding(&self, secret: &str) -> HeaderValue {
        self.set(secret, handshake::LASTS.num_seconds())
    }

    fn gone(&self) -> HeaderValue {
        self.set("", 0)
    }

    /// The secret that the browser kept. Of two that it was told to keep, neither is ours for sure.
    fn found_in(&self, headers: &HeaderMap) -> Option<String> {
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
        let ours = pairs.filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == self.name()).then_some(value)
        });
        let mut ours = ours.fuse();
        let one = ours.next().filter(|_| ours.next().is_none())?;
        let whole = one.len() == 64 && one.bytes().all(|b| b.is_ascii_hexdigit());
        whole.then(|| one.to_owned())
    }
}

/// Which it was is nobody's to know.
fn over() -> Problem {
    person::unauthorized().saying(
        "masuk ini tidak dimulai di peramban ini, sudah dipakai, atau sudah lewat: mulai lagi dari /v1/auth/oidc",
        "this sign-in was not begun in this browser, was used, or is over: begin again at /v1/auth/oidc",
    )
}

fn refused() -> Problem {
    person::unauthorized().saying(
        "penyedia identitas tidak mengizinkan masuk: mulai lagi dari /v1/auth/oidc",
        "the identity provider does not let you in: begin again at /v1/auth/oidc",
    )
}

fn nobody() -> Problem {
    Problem::new(Kind::Forbidden).saying(
        "tidak ada petugas atau admin yang ditunjuk untuk akun itu: minta admin menunjuknya",
        "no officer or administrator is appointed for that account: ask an administrator for it",
    )
}

fn problem_of(failure: Failure) -> Problem {
    match failure {
        Failure::Away => Problem::retry_after(Kind::Unavailable, 10).saying(
            "penyedia identitas tidak menjawab: coba lagi sebentar lagi, atau masuk dengan kode",
            "the identity provider does not answer: try again soon, or come in with a code",
        ),
        Failure::Refused => refused(),
        Failure::Unverified => Problem::new(Kind::Forbidden).saying(
            "penyedia identitas tidak menyebut alamat e-mail yang terverifikasi",
            "the identity provider names no e-mail address that it has verified",
        ),
    }
}
