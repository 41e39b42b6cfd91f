//! Writing: what all writes share: who, under which condition, only to try or for good, once or
//! again, and the answer.

use axum::{
    body::Body,
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use chrono::{DateTime, Utc};
use domain::{
    Error, Fault,
    act::By,
    audit::digest,
    kept_answer,
    key::AgencyId,
    text::Lang,
    writer::{Unit, Write},
};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    app::App,
    asked::COMMON,
    ids, lang,
    params::{Params, Spec},
    person::Person,
    problem::{At, Kind, Problem},
};

/// What every write takes.
pub static DRY_RUN: [Spec; 1] = [Spec {
    name: "dry_run",
    many: false,
    about: "`true`: every check and the answer that there would be, and nothing is stored.",
    schema: || json!({"type": "boolean", "default": false}),
    example: || json!(true),
}];

/// The parameters of a write.
pub struct WriteParams;

impl utoipa::IntoParams for WriteParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        [&COMMON, &DRY_RUN].into_iter().flatten().map(Spec::document).collect()
    }
}

/// The longest `Idempotency-Key`, bytes.
const LONGEST_KEY: usize = 255;
/// How often a write is made anew because somebody was faster.
const TRIES: usize = 64;

/// Somebody who writes.
pub struct Writing {
    /// Who.
    pub person: Person,
    /// The language of what they are told.
    pub lang: Lang,
    /// When.
    pub now: DateTime<Utc>,
    app: App,
    dry_run: bool,
    key: Option<String>,
    condition: Condition,
    /// Method, path and query.
    request: String,
}

/// What `If-Match` says: versions, for any representation serves a write.
enum Condition {
    None,
    Any,
    Versions(Vec<i64>),
}

impl<S: Send + Sync> FromRequestParts<S> for Writing
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let person = <Person as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let app = App::from_ref(state);
        let mut params = Params::of(&parts.uri);
        let lang = lang::of(&params, &parts.headers);
        let dry_run = params.one_with("dry_run", |raw| match raw {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Fault::new("bad_format", "harus true atau false", "must be true or false")),
        });
        let _: Option<Lang> = params.one("lang");
        params.finish(&[&COMMON, &DRY_RUN])?;
        Ok(Self {
            person,
            lang,
            now: app.clock.now(),
            app,
            dry_run: dry_run.unwrap_or(false),
            key: key(&parts.headers)?,
            condition: condition(&parts.headers),
            request: format!("{} {}", parts.method, parts.uri),
        })
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let text = key.to_str().unwrap_or_default().trim();
    if (1..=LONGEST_KEY).contains(&text.len()) {
        return Ok(Some(text.to_owned()));
    }
    let fault = Fault::new(
        "bad_format",
        "harus 1 sampai 255 karakter ASCII",
        "must be 1 to 255 ASCII characters",
    );
    Err(Problem::invalid_parameters(vec![(At::Header("Idempotency-Key"), fault)]))
}

/// RFC 9110 §13.1.1, read as the contract has it: a tag is known by its version.
fn condition(headers: &HeaderMap) -> Condition {
    let lines: Vec<&str> = headers
        .get_all(header::IF_MATCH)
        .iter()
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    if lines.is_empty() {
        return Condition::None;
    }
    let tags = lines.iter().flat_map(|line| line.split(',')).map(str::trim);
    if tags.clone().any(|tag| tag == "*") {
        return Condition::Any;
    }
    let version = |tag: &str| {
        let tag = tag.strip_prefix('"')?.strip_suffix('"')?;
        tag.split('-').next()?.parse().ok()
    };
    Condition::Versions(tags.filter_map(version).collect())
}

impl Writing {
    /// They, acting for `agency` if for any, for a `reason` if they gave one.
    pub fn by<'a>(&'a self, agency: Option<&'a AgencyId>, reason: Option<&'a str>) -> By<'a> {
        By {
            account: &self.person.account,
            agency,
            reason,
            now: self.now,
            id: ids::new,
            salt: ids::salt,
        }
    }

    /// Whether what is at `version` may be written from what they read.
    ///
    /// # Errors
    /// 412 with the tag of what is there; 428 where a condition is `required` and there is none.
    pub fn check_version(&self, version: i64, required: bool) -> Result<(), Problem> {
        let holds = match &self.condition {
            Condition::None if required => return Err(Problem::new(Kind::Unconditional)),
            Condition::None | Condition::Any => true,
            Condition::Versions(versions) => versions.contains(&version),
        };
        if holds {
            return Ok(());
        }
        let tag = HeaderValue::try_from(format!("\"{version}\"")).ok();
        let problem = Problem::new(Kind::Stale);
        Err(match tag {
            Some(tag) => problem.with_header(header::ETAG, tag),
            None => problem,
        })
    }

    /// Whether what is not there yet may be made: not where they read something there.
    ///
    /// # Errors
    /// 412 where there is a condition.
    pub fn check_new(&self) -> Result<(), Problem> {
        match self.condition {
            Condition::None => Ok(()),
            Condition::Any | Condition::Versions(_) => Err(Problem::new(Kind::Stale)),
        }
    }

    /// Does what `act` says: writes its unit and gives what came of it. When somebody else was faster,
    /// it is asked again, on what is there then.
    ///
    /// # Errors
    /// What `act` says; as every write.
    pub async fn once<A, F, T>(&self, act: A) -> Result<T, Problem>
    where
        A: Fn() -> F,
        F: Future<Output = Result<(Unit, T), Problem>>,
    {
        let mut tried = 0;
        loop {
            let (unit, came) = act().await?;
            if self.dry_run {
                return Ok(came);
            }
            match self.app.write(unit).await {
                Ok(_) => return Ok(came),
                Err(error) => try_again(error, &mut tried)?,
            }
        }
    }

    /// Does what `act` says: writes its unit and gives its answer. When somebody else was faster, it
    /// is asked again, on what is there then; under the same `Idempotency-Key` the answer given
    /// before is given again.
    ///
    /// # Errors
    /// What `act` says; 422 where the key came with another request; as every write.
    pub async fn run<A, F>(&self, body: &Map<String, Value>, act: A) -> Result<Response, Problem>
    where
        A: Fn() -> F,
        F: Future<Output = Result<(Unit, Stored), Problem>>,
    {
        let body = serde_json::to_string(body).map_err(|error| Problem::internal(&error))?;
        let request = digest(format!("{}\n{body}", self.request));
        let mut tried = 0;
        loop {
            let known = match self.again(&request).await? {
                Ok(response) => return Ok(response),
                Err(version) => version,
            };
            let (mut unit, stored) = match act().await {
                Ok(done) => done,
                // It may have been done in between: a node that died had handed it to the database.
                Err(problem) => return self.again(&request).await?.map_err(|_| problem),
            };
            if self.dry_run {
                return Ok(stored.response(None));
            }
            unit.writes.extend(self.keep(&request, known, &stored));
            match self.app.write(unit).await {
                Ok(seq) => return Ok(stored.response(Some(seq))),
                Err(error) => try_again(error, &mut tried)?,
            }
        }
    }

    fn name(&self) -> Option<String> {
        let key = self.key.as_ref()?;
        Some(digest(format!("{} {key}", self.person.account.id)))
    }

    /// The answer that was given to the same request under the same key; else the version that a new
    /// one would replace.
    async fn again(&self, request: &str) -> Result<Result<Response, i64>, Problem> {
        let Some(name) = self.name() else { return Ok(Err(0)) };
        let kept = kept_answer::get(&self.app.store.reader, &name).await?;
        let Some(kept) = kept else { return Ok(Err(0)) };
        if !kept.holds(self.now) {
            return Ok(Err(kept.version));
        }
        if kept.request != request {
            let fault = Fault::new(
                "reused",
                "Idempotency-Key ini sudah dipakai untuk permintaan lain",
                "this Idempotency-Key was used for another request",
            );
            return Err(Problem::invalid(vec![fault]));
        }
        let status = u16::try_from(kept.status).ok().and_then(|s| StatusCode::from_u16(s).ok());
        let mut response = Response::new(Body::from(kept.body));
        *response.status_mut() = status.unwrap_or(StatusCode::OK);
        for (name, value) in kept.headers.as_object().into_iter().flatten() {
            let name = name.parse::<axum::http::HeaderName>();
            let value = HeaderValue::try_from(value.as_str().unwrap_or_default());
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(Ok(response))
    }

    fn keep(&self, request: &str, known: i64, stored: &Stored) -> Option<Write> {
        let headers: Map<String, Value> = stored
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default())))
            .collect();
        Some(
            kept_answer::Model {
                key: self.name()?,
                request: request.to_owned(),
                status: stored.status.as_u16().into(),
                headers: Value::Object(headers),
                body: stored.kept.as_ref().unwrap_or(&stored.text).clone(),
                at: self.now,
                version: known + 1,
            }
            .into(),
        )
    }
}

/// Counts a write that failed, where it is worth another one.
fn try_again(error: Error, tried: &mut usize) -> Result<(), Problem> {
    match error {
        error if is_about_somebody_faster(&error) && *tried < TRIES => {
            *tried += 1;
            Ok(())
        }
        Error::Stale(_) => Err(Problem::retry_after(Kind::Unavailable, 1)),
        error => Err(error.into()),
    }
}

/// Whether somebody wrote the same row, or took the same name, in between.
fn is_about_somebody_faster(error: &Error) -> bool {
    match error {
        Error::Stale(_) => true,
        Error::Invalid(faults) => faults.iter().any(|fault| fault.code == "taken"),
        _ => false,
    }
}

/// The answer to a write: the stored state.
pub struct Stored {
    status: StatusCode,
    text: String,
    /// What is kept of it for whoever asks again, where that is not all of it.
    kept: Option<String>,
    version: Option<i64>,
    location: Option<String>,
}

impl Stored {
    /// What is stored now, at `version`.
    pub fn state(body: &Value, version: i64) -> Self {
        Self {
            status: StatusCode::OK,
            text: body.to_string(),
            kept: None,
            version: Some(version),
            location: None,
        }
    }

    /// The same of something new, that is found at `location`.
    pub fn new(body: &Value, version: i64, location: String) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), ..Self::state(body, version) }
    }

    /// The same, with a secret in it that is said this once: whoever asks again under the same
    /// `Idempotency-Key` gets `body` without it.
    #[must_use]
    pub fn once(self, body: &Value) -> Self {
        Self { kept: Some(body.to_string()), ..self }
    }

    /// There is nothing more to say.
    pub fn nothing() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            text: String::new(),
            kept: None,
            version: None,
            location: None,
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !self.text.is_empty() {
            let media = HeaderValue::from_static(crate::answer::media::JSON);
            headers.insert(header::CONTENT_TYPE, media);
        }
        let digest = xxh3_128(self.text.as_bytes());
        let tag = self.version.map(|version| format!("\"{version}-{digest:032x}\""));
        for (name, value) in [(header::ETAG, tag), (header::LOCATION, self.location.clone())] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        }
        headers
    }

    /// The answer; with the number of the change, so that another node can be asked for as much.
    pub fn response(self, seq: Option<i64>) -> Response {
        let headers = self.headers();
        let mut response = Response::new(Body::from(self.text));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        if let Some(seq) = seq {
            response.headers_mut().insert("change-seq", HeaderValue::from(seq));
        }
        response
    }
}
