//! Provider: the government's identity provider, as far as it is asked and believed.
//!
//! What it says is checked by `openidconnect`: signature, issuer, audience, nonce, end. How it is
//! asked is ours: in time, of a size, without being sent elsewhere. Nothing that it says reaches a
//! client or, beyond the kind of the failure, the log.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{account::Address, handshake, identity::ISSUER_MAX};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, TokenResponse as _,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
        CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata,
    },
    http,
};
use reqwest::{Url, redirect::Policy};
use tokio::sync::{Mutex, Semaphore};

use crate::{clock::Clock, config::Settings, tls};

/// How long it may take for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that one answer may hold, bytes: a hundred keys are 50 KB.
const LARGEST: usize = 256 * 1024;
/// How long what it says of itself is believed.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// How soon it is asked again for a key that it did not name before.
const SOON: TimeDelta = TimeDelta::minutes(1);
/// How long it is left alone after it did not answer.
const PAUSE: TimeDelta = TimeDelta::seconds(5);
/// Codes exchanged at once; more are told to come back.
const AT_ONCE: usize = 32;
/// The way back to us.
const CALLBACK: &str = "/v1/auth/oidc/callback";
/// The longest subject, bytes (OpenID Connect Core §2).
const SUBJECT_MAX: usize = 255;

/// Signatures that are believed: those of a key pair, for a secret shared with us proves as much of
/// us as of the provider.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
];

/// Why nobody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It does not answer, or nothing that can be used.
    Away,
    /// It answers for nobody, or its answer is not to be believed.
    Refused,
    /// It answers for somebody whose e-mail address it has not verified.
    Unverified,
}

/// Whom it answers for.
#[derive(Debug)]
pub struct Subject {
    /// Who they are there, for good.
    pub id: String,
    /// Where they are reached, in lower case.
    pub email: String,
}

/// Why it was not heard.
#[derive(Debug, thiserror::Error)]
enum Unheard {
    #[error("no answer: {0}")]
    Http(reqwest::Error),
    #[error("the answer is too large")]
    TooLarge,
    #[error("the answer cannot be read")]
    Unreadable(#[from] http::Error),
}

impl From<reqwest::Error> for Unheard {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

/// What is known of it.
#[derive(Default)]
struct Known {
    metadata: Option<(Arc<CoreProviderMetadata>, DateTime<Utc>)>,
    away_since: Option<DateTime<Utc>>,
}

/// The provider that the settings name.
pub struct Provider {
    http: reqwest::Client,
    issuer: IssuerUrl,
    id: ClientId,
    secret: ClientSecret,
    back: RedirectUrl,
    clock: Clock,
    known: Mutex<Known>,
    room: Semaphore,
}

/// The secret is nobody's to see.
impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Provider {
    /// The provider that `settings` name; none where they name none.
    ///
    /// # Errors
    /// What is wrong with them, with what to do about it.
    pub fn of(settings: &Settings, clock: Clock) -> Result<Option<Self>, String> {
        let given = (
            &settings.oidc_issuer,
            &settings.oidc_client_id,
            &settings.oidc_client_secret,
            &settings.public_url,
        );
        let (issuer, id, secret, public_url) = match given {
            (None, None, None, _) => return Ok(None),
            (Some(issuer), Some(id), Some(secret), Some(url)) => (issuer, id, secret, url),
            _ => {
                return Err("GRIYA_OIDC_ISSUER: needs GRIYA_OIDC_CLIENT_ID, \
                            GRIYA_OIDC_CLIENT_SECRET and GRIYA_PUBLIC_URL beside it: set all four"
                    .to_owned());
            }
        };
        let url: Url = issuer.parse().ok().filter(|url| is_safe(issuer, url)).ok_or(
            "GRIYA_OIDC_ISSUER: is no https://…: use the issuer as the provider itself writes it",
        )?;
        let back = RedirectUrl::new(format!("{public_url}{CALLBACK}"))
            .map_err(|_| "GRIYA_PUBLIC_URL: is no address to come back to: use https://HOST")?;
        tls::choose();
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            // A redirect would carry the secret and the code to somebody else.
            .redirect(Policy::none())
            .https_only(url.scheme() == "https")
            .build()
            .map_err(|_| "GRIYA_OIDC_ISSUER: TLS cannot be used here")?;
        Ok(Some(Self {
            http,
            // As it is written: with or without a slash at its end are two issuers.
            issuer: IssuerUrl::new(issuer.clone()).map_err(|error| error.to_string())?,
            id: ClientId::new(id.clone()),
            secret: ClientSecret::new(secret.reveal().to_owned()),
            back,
            clock,
            known: Mutex::default(),
            room: Semaphore::new(AT_ONCE),
        }))
    }

    /// How it calls itself.
    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// The address of its sign-in page, for the browser that keeps `secret`.
    ///
    /// # Errors
    /// [`Failure::Away`].
    pub async fn page(&self, secret: &str) -> Result<String, Failure> {
        let metadata = self.metadata(FRESH).await?;
        let verifier = PkceCodeVerifier::new(handshake::verifier(secret));
        let (state, nonce) = (handshake::state(secret), handshake::nonce(secret));
        let (url, _, _) = self
            .client(&metadata)
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url.into())
    }

    /// Whom it gave `code` for, to the browser that keeps `secret`.
    ///
    /// # Errors
    /// Every [`Failure`].
    pub async fn subject(&self, code: String, secret: &str) -> Result<Subject, Failure> {
        let _room = self.room.try_acquire().map_err(|_| Failure::Away)?;
        let metadata = self.metadata(FRESH).await?;
        let token = self.exchange(&metadata, code, secret).await?;
        let claims = match self.believed(&metadata, &token, secret) {
            // It has a key that it had not when it was asked last.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => self.believed(&*self.metadata(SOON).await?, &token, secret),
            believed => believed,
        };
        let claims = claims.map_err(|error| {
            tracing::warn!(%error, "an ID token was not believed");
            Failure::Refused
        })?;
        subject_of(&claims)
    }

    /// The ID token that it gives for `code`.
    async fn exchange(
        &self,
        metadata: &CoreProviderMetadata,
        code: String,
        secret: &str,
    ) -> Result<CoreIdToken, Failure> {
        let client = self.client(metadata);
        let http = |request| ask(self.http.clone(), request);
        let answered = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| away(&"it names no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(handshake::verifier(secret)))
            .request_async(&http)
            .await;
        match answered {
            Ok(answer) => answer.id_token().cloned().ok_or_else(|| away(&"it gives no ID token")),
            // A code that is not good is the browser's; all else it says is about us.
            Err(RequestTokenError::ServerResponse(error)) if is_of_the_code(error.error()) => {
                Err(Failure::Refused)
            }
            Err(RequestTokenError::ServerResponse(error)) => Err(away(error.error())),
            Err(RequestTokenError::Request(error)) => Err(away(&error)),
            Err(_) => Err(away(&"its answer cannot be read")),
        }
    }

    fn believed(
        &self,
        metadata: &CoreProviderMetadata,
        token: &CoreIdToken,
        secret: &str,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let client = self.client(metadata);
        let clock = self.clock.clone();
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || clock.now());
        token.claims(&verifier, &Nonce::new(handshake::nonce(secret))).cloned()
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Client {
        let (id, secret) = (self.id.clone(), self.secret.clone());
        let ways = metadata.token_endpoint_auth_methods_supported();
        let posts = ways.is_some_and(|ways| {
            ways.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !ways.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        CoreClient::from_provider_metadata(metadata.clone(), id, Some(secret))
            .set_redirect_uri(self.back.clone())
            .set_auth_type(if posts { AuthType::RequestBody } else { AuthType::BasicAuth })
    }

    /// What it says of itself with its keys, asked for anew where that was longer ago than `fresh`.
    /// Who asks meanwhile waits for the same answer.
    async fn metadata(&self, fresh: TimeDelta) -> Result<Arc<CoreProviderMetadata>, Failure> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some((metadata, since)) = &known.metadata
            && now - since < fresh
        {
            return Ok(Arc::clone(metadata));
        }
        if known.away_since.is_some_and(|since| now - since < PAUSE) {
            return Err(Failure::Away);
        }
        let http = |request| ask(self.http.clone(), request);
        match CoreProviderMetadata::discover_async(self.issuer.clone(), &http).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *known = Known { metadata: Some((Arc::clone(&metadata), now)), away_since: None };
                Ok(metadata)
            }
            Err(error) => {
                known.away_since = Some(now);
                Err(away(&error))
            }
        }
    }
}

/// Whether what is said to `url` is heard by nobody else: TLS, or it stays on this machine.
fn is_safe(issuer: &str, url: &Url) -> bool {
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let hidden = url.scheme() == "https" || url.scheme() == "http" && here;
    hidden && issuer.len() <= ISSUER_MAX && url.query().is_none() && url.fragment().is_none()
}

/// RFC 6749 §5.2: the code was used, is over, or is another's.
fn is_of_the_code(error: &openidconnect::core::CoreErrorResponseType) -> bool {
    matches!(error, openidconnect::core::CoreErrorResponseType::InvalidGrant)
}

fn away(why: &dyn fmt::Display) -> Failure {
    tracing::error!(%why, "the identity provider cannot be used");
    Failure::Away
}

fn subject_of(claims: &CoreIdTokenClaims) -> Result<Subject, Failure> {
    let id = claims.subject().as_str();
    if id.is_empty() || id.len() > SUBJECT_MAX {
        return Err(Failure::Refused);
    }
    let email = claims.email().filter(|_| claims.email_verified() == Some(true));
    match email.and_then(|email| email.as_str().parse().ok()) {
        Some(Address::Email(email)) => Ok(Subject { id: id.to_owned(), email }),
        _ => Err(Failure::Unverified),
    }
}

/// Asks, and hears no more than [`LARGEST`].
async fn ask(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Unheard> {
    let mut response = client.execute(request.try_into()?).await?;
    let mut answer = http::Response::builder().status(response.status());
    if let Some(media) = response.headers().get(http::header::CONTENT_TYPE) {
        answer = answer.header(http::header::CONTENT_TYPE, media);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST {
            return Err(Unheard::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(answer.body(body)?)
}
