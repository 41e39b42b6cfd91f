//! A small OpenID provider (Core, Discovery): what a service asks of one, and the ways to be a bad
//! one. Whoever comes to its sign-in page is signed in already.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose};
use ring::{
    digest, hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use rsa::{RsaPrivateKey, pkcs1::EncodeRsaPrivateKey as _, traits::PublicKeyParts as _};
use serde_json::json;
use tests::{NOON, at};
use tokio::net::TcpListener;

/// What it knows the service by.
pub const CLIENT: &str = "griya";
/// What the service proves that with.
pub const SECRET: &str = "rahasia-penyedia";
/// The only address that it sends anybody back to.
pub const BACK: &str = "https://griya.example/v1/auth/oidc/callback";

/// How it is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trick {
    /// Not at all.
    None,
    /// The token answers another sign-in.
    WrongNonce,
    /// The token answers no sign-in.
    NoNonce,
    /// The token is for another service.
    WrongAudience,
    /// The token is of another provider.
    WrongIssuer,
    /// The token is over.
    Expired,
    /// The token is signed with a key of somebody else, under the name of its own.
    OtherKey,
    /// The token is not signed.
    Unsigned,
    /// The token is signed with what the service knows, too.
    Shared,
    /// There is no token.
    NoToken,
    /// Nothing of it works.
    Down,
    /// Only its token endpoint does not work.
    TokensDown,
    /// Its token endpoint sends elsewhere.
    Elsewhere,
    /// What it says of itself never ends.
    Huge,
    /// Its token is larger than any.
    HugeToken,
    /// What it says of itself is another's.
    Impostor,
}

/// Who has signed in there.
#[derive(Debug, Clone)]
pub struct Persona {
    pub subject: String,
    pub email: Option<String>,
    pub verified: Option<bool>,
}

/// One code that was given.
struct Grant {
    challenge: String,
    nonce: String,
    persona: Persona,
}

pub struct Inside {
    pub persona: Persona,
    pub trick: Trick,
    pub elliptic: bool,
    /// The name of its key; another one is another key.
    pub kid: String,
    /// How often it was asked about itself.
    pub asked: usize,
    elliptic_key: Vec<u8>,
    grants: HashMap<String, Grant>,
    url: String,
}

/// A running provider.
pub struct Provider {
    pub url: String,
    inside: Arc<Mutex<Inside>>,
}

type Shared = State<Arc<Mutex<Inside>>>;

/// Two keys, made once: to make one takes a second.
static KEYS: LazyLock<[RsaPrivateKey; 2]> = LazyLock::new(|| {
    let mut dice = rsa::rand_core::OsRng;
    [(); 2].map(|()| RsaPrivateKey::new(&mut dice, 2048).unwrap())
});

fn base64(bytes: impl AsRef<[u8]>) -> String {
    general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap()
}

impl Provider {
    /// One that has signed in whoever has `email`, at a port of its own.
    pub async fn start(subject: &str, email: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let inside = Arc::new(Mutex::new(Inside {
            persona: persona(subject, email),
            trick: Trick::None,
            elliptic: false,
            kid: "k1".to_owned(),
            asked: 0,
            elliptic_key: key.unwrap().as_ref().to_vec(),
            grants: HashMap::new(),
            url: url.clone(),
        }));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, inside }
    }

    /// Its inside, to be changed.
    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        lock(&self.inside)
    }
}

/// Somebody with an address that was verified.
pub fn persona(subject: &str, email: &str) -> Persona {
    Persona { subject: subject.to_owned(), email: Some(email.to_owned()), verified: Some(true) }
}

fn endless() -> Response {
    let chunks = std::iter::repeat_with(|| Ok::<_, std::io::Error>(" ".repeat(64 * 1024)));
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, Body::from_stream(futures_util::stream::iter(chunks))).into_response()
}

async fn discovery(State(inside): Shared) -> Response {
    let mut inside = lock(&inside);
    inside.asked += 1;
    let url = &inside.url;
    match inside.trick {
        Trick::Down => return StatusCode::BAD_GATEWAY.into_response(),
        Trick::Huge => return endless(),
        _ => {}
    }
    let issuer = if inside.trick == Trick::Impostor { "https://lain.example" } else { url };
    Json(json!({
        "issuer": issuer, "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
    }))
    .into_response()
}

async fn keys(State(inside): Shared) -> Response {
    let inside = lock(&inside);
    let key = rsa_key(&inside);
    let pair = elliptic_pair(&inside);
    let point = pair.public_key().as_ref();
    Json(json!({"keys": [
        {"kty": "RSA", "use": "sig", "kid": inside.kid, "alg": "RS256",
         "n": base64(key.n().to_bytes_be()), "e": base64(key.e().to_bytes_be())},
        {"kty": "EC", "use": "sig", "kid": format!("{}-ec", inside.kid), "alg": "ES256", "crv": "P-256",
         "x": base64(&point[1..33]), "y": base64(&point[33..])},
    ]}))
    .into_response()
}

async fn authorize(
    State(inside): Shared,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    assert_eq!(asked["client_id"], CLIENT);
    assert_eq!(asked["redirect_uri"], BACK);
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{}", asked["scope"]);
    let mut inside = lock(&inside);
    let code = format!("kode-{}", inside.grants.len());
    let grant = Grant {
        challenge: asked["code_challenge"].clone(),
        nonce: asked["nonce"].clone(),
        persona: inside.persona.clone(),
    };
    inside.grants.insert(code.clone(), grant);
    let state = &asked["state"];
    // What a provider adds is not ours to know.
    Redirect::to(&format!("{BACK}?code={code}&state={state}&session_state=x&iss={}", inside.url))
        .into_response()
}

async fn token(
    State(inside): Shared,
    headers: HeaderMap,
    Form(asked): Form<HashMap<String, String>>,
) -> Response {
    let mut inside = lock(&inside);
    match inside.trick {
        Trick::Down | Trick::TokensDown => return StatusCode::BAD_GATEWAY.into_response(),
        Trick::Elsewhere => return Redirect::temporary("http://127.0.0.1:9/token").into_response(),
        Trick::HugeToken => return endless(),
        _ => {}
    }
    let basic = general_purpose::STANDARD.encode(format!("{CLIENT}:{SECRET}"));
    assert_eq!(headers[header::AUTHORIZATION], format!("Basic {basic}"));
    assert_eq!(asked["grant_type"], "authorization_code");
    assert_eq!(asked["redirect_uri"], BACK);
    let refused =
        || (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    // Once, and only for whoever began (RFC 7636 §4.6).
    let Some(grant) = inside.grants.remove(&asked["code"]) else { return refused() };
    let challenge = base64(digest::digest(&digest::SHA256, asked["code_verifier"].as_bytes()));
    if challenge != grant.challenge {
        return refused();
    }
    let mut answer = json!({"access_token": "buka", "token_type": "Bearer", "expires_in": 300});
    if inside.trick != Trick::NoToken {
        answer["id_token"] = id_token(&inside, &grant).into();
    }
    Json(answer).into_response()
}

fn id_token(inside: &Inside, grant: &Grant) -> String {
    let now = at(NOON).timestamp();
    let mut claims = json!({
        "iss": inside.url, "aud": CLIENT, "sub": grant.persona.subject, "iat": now,
        "exp": now + 7200, "nonce": grant.nonce,
    });
    if let Some(email) = &grant.persona.email {
        claims["email"] = email.clone().into();
    }
    if let Some(verified) = grant.persona.verified {
        claims["email_verified"] = verified.into();
    }
    match inside.trick {
        Trick::WrongNonce => claims["nonce"] = "lain".into(),
        Trick::NoNonce => drop(claims.as_object_mut().unwrap().remove("nonce")),
        Trick::WrongAudience => claims["aud"] = "layanan-lain".into(),
        Trick::WrongIssuer => claims["iss"] = "https://lain.example".into(),
        Trick::Expired => claims["exp"] = (now - 1).into(),
        _ => {}
    }
    let (algorithm, kid) = match inside.trick {
        Trick::Unsigned => ("none", inside.kid.clone()),
        Trick::Shared => ("HS256", inside.kid.clone()),
        _ if inside.elliptic => ("ES256", format!("{}-ec", inside.kid)),
        _ => ("RS256", inside.kid.clone()),
    };
    let head = json!({"alg": algorithm, "typ": "JWT", "kid": kid});
    let said = format!("{}.{}", base64(head.to_string()), base64(claims.to_string()));
    format!("{said}.{}", base64(sign(inside, algorithm, &said)))
}

fn sign(inside: &Inside, algorithm: &str, said: &str) -> Vec<u8> {
    match algorithm {
        "none" => Vec::new(),
        "HS256" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
            hmac::sign(&key, said.as_bytes()).as_ref().to_vec()
        }
        "ES256" => {
            let signed = elliptic_pair(inside).sign(&SystemRandom::new(), said.as_bytes());
            signed.unwrap().as_ref().to_vec()
        }
        _ => {
            let other = inside.trick == Trick::OtherKey;
            let key = if other { other_than(rsa_key(inside)) } else { rsa_key(inside) };
            let pair = RsaKeyPair::from_der(key.to_pkcs1_der().unwrap().as_bytes()).unwrap();
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), said.as_bytes(), &mut signature)
                .unwrap();
            signature
        }
    }
}

fn rsa_key(inside: &Inside) -> &'static RsaPrivateKey {
    &KEYS[usize::from(inside.kid != "k1")]
}

fn other_than(key: &RsaPrivateKey) -> &'static RsaPrivateKey {
    KEYS.iter().find(|other| *other != key).unwrap()
}

fn elliptic_pair(inside: &Inside) -> EcdsaKeyPair {
    let dice = SystemRandom::new();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &inside.elliptic_key, &dice).unwrap()
}
