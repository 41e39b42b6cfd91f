//! Person: who asks, by the token of a session or by a partner's key.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use domain::{
    account,
    api_key::{self, Scope},
    session,
};

use crate::{
    app::App,
    problem::{Kind, Problem},
};

/// Who asks, through which session.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who.
    pub account: account::Model,
    /// By which door; none where their key opened.
    pub session: Option<session::Model>,
    /// With which key; none where a session opened.
    pub key: Option<api_key::Model>,
}

/// A program that asks with a key.
#[derive(Debug, Clone, Copy)]
struct Partner;

/// What a key opens besides what is public: below which path, and what it must be allowed.
const OPENS: [(&str, Scope); 3] = [
    ("/v1/webhooks", Scope::Webhooks),
    ("/v1/external", Scope::Listings),
    // What a record shows is brought first.
    ("/v1/media", Scope::Listings),
];

/// Whether a request carries anything to say who asks.
pub fn has_credential(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-api-key")
}

/// The key that a request carries.
pub fn key(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-api-key")?.to_str().ok()
}

/// Puts the person whom the token of `request` names beside it, or the owner of its key where the
/// key may do what is asked.
///
/// # Errors
/// 401 where it names nobody, whatever else may be asked; 500 when the database fails.
pub async fn name(app: &App, request: &mut Request) -> Result<(), Problem> {
    let headers = request.headers();
    if !has_credential(headers) {
        return Ok(());
    }
    if headers.contains_key("x-api-key") {
        return name_by_key(app, request).await;
    }
    let token = token(headers).ok_or_else(unauthorized)?;
    let opened = session::opened_by(&app.store.reader, token, app.clock.now()).await;
    let opened = opened?;
    let (session, account) = opened.ok_or_else(unauthorized)?;
    request.extensions_mut().insert(Person { account, session: Some(session), key: None });
    Ok(())
}

async fn name_by_key(app: &App, request: &mut Request) -> Result<(), Problem> {
    let headers = request.headers();
    // Two credentials may name two.
    let one = headers.get_all("x-api-key").iter().count() == 1
        && !headers.contains_key(header::AUTHORIZATION);
    let key = key(headers).filter(|_| one).ok_or_else(unauthorized)?;
    let seen = app.keys.open(key).await?.ok_or_else(unauthorized)?;
    let (key, owner) = &*seen;
    let path = request.uri().path();
    let opens = |(below, scope): &(&str, Scope)| {
        let rest = path.strip_prefix(below);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && key.may(*scope)
    };
    let opens = OPENS.iter().any(opens);
    request.extensions_mut().insert(Partner);
    if opens {
        let (account, key) = (owner.clone(), Some(key.clone()));
        request.extensions_mut().insert(Person { account, session: None, key });
    }
    Ok(())
}

/// RFC 6750 §2.1.
fn token(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let line = lines.next()?.to_str().ok()?;
    let (scheme, token) = line.split_once(' ')?;
    let one = lines.next().is_none() && scheme.eq_ignore_ascii_case("bearer");
    one.then_some(token.trim()).filter(|token| !token.is_empty())
}

/// The problem of somebody who must say who they are.
pub fn unauthorized() -> Problem {
    let realm = HeaderValue::from_static("Bearer realm=\"griya\"");
    Problem::new(Kind::Unauthorized).with_header(header::WWW_AUTHENTICATE, realm)
}

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| match parts.extensions.get::<Partner>() {
            Some(_) => Problem::new(Kind::Forbidden)
                .saying("kunci ini tidak untuk itu", "this key is not for that"),
            None => unauthorized(),
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Person {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}
