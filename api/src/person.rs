//! Person: who asks, by the token of a session.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use domain::{account, session};

use crate::{
    app::App,
    problem::{Kind, Problem},
};

/// Who asks, through which session.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who.
    pub account: account::Model,
    /// By which door.
    pub session: session::Model,
}

/// Whether a request carries anything to say who asks.
pub fn has_credential(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-api-key")
}

/// Puts the person whom the token of `request` names beside it.
///
/// # Errors
/// 401 where it names nobody, whatever else may be asked; 500 when the database fails.
pub async fn name(app: &App, request: &mut Request) -> Result<(), Problem> {
    if !has_credential(request.headers()) {
        return Ok(());
    }
    let token = token(request.headers()).ok_or_else(unauthorized)?;
    let opened = session::opened_by(&app.store.reader, token, app.clock.now()).await;
    let opened = opened.map_err(|error| Problem::internal(&error))?;
    let (session, account) = opened.ok_or_else(unauthorized)?;
    request.extensions_mut().insert(Person { account, session });
    Ok(())
}

/// RFC 6750 §2.1. A partner's key has not been given out yet, so none is good.
fn token(headers: &HeaderMap) -> Option<&str> {
    if headers.contains_key("x-api-key") {
        return None;
    }
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
        parts.extensions.get().cloned().ok_or_else(unauthorized)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Person {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}
