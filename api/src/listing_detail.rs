//! One listing by its id or slug: what the details of the three kinds share.

use std::sync::Arc;

use axum::{
    http::HeaderValue,
    response::{IntoResponse, Redirect, Response},
};
use domain::record::Record;
use domain::{Fault, listing::Kind};
use search::{Document, Lookup, Snapshot};
use serde::Serialize;
use serde_json::json;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, FORMAT},
    counts::Sight,
    geojson_view::feature,
    listing_view::Seen,
    listings::managed_page,
    params::Spec,
    person::Person,
    problem::{self, Problem},
    words::Tongue,
};

/// What a detail takes beyond language and format.
pub static TEXTS: [Spec; 1] = [Spec {
    name: "texts",
    many: false,
    about: "`all`: every text as a map by language, as a write takes it. Not together with `lang`.",
    schema: || json!({"type": "string", "enum": ["all"]}),
    example: || json!("all"),
}];

/// The parameters of a detail.
pub struct DetailParams;

impl utoipa::IntoParams for DetailParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        [&COMMON, &FORMAT, &TEXTS].into_iter().flatten().map(Spec::document).collect()
    }
}

/// What a path leads to: a document, or the answer instead.
pub enum Found {
    /// The listing.
    Here(Arc<Document>),
    /// A redirect to the slug it has now.
    Moved(Response),
}

/// The published listing of `kind` that `key` names.
///
/// # Errors
/// 404 where the public may not know of it, 410 where it was public once.
pub fn find(
    app: &App,
    snapshot: &Snapshot,
    kind: Kind,
    key: &str,
    (below, query): (&str, &str),
) -> Result<Found, Problem> {
    match snapshot.lookup(key, Some(kind)) {
        Lookup::Here(document) => Ok(Found::Here(Arc::clone(document))),
        Lookup::Moved(document) => {
            let base = app.settings.public_url.as_deref().unwrap_or_default();
            let slug = &document.slug;
            let query = if query.is_empty() { String::new() } else { format!("?{query}") };
            let to = format!("{base}/v1/{}/{slug}{below}{query}", kind.plural());
            let mut response = Redirect::permanent(&to).into_response();
            response.headers_mut().insert(
                axum::http::header::CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=60"),
            );
            Ok(Found::Moved(response))
        }
        Lookup::Gone { merged_into } => Err(Problem::gone(merged_into)),
        Lookup::Nowhere => Err(Problem::new(problem::Kind::NotFound)),
    }
}

/// Answers with the detail that `view` makes of the listing; to `person`, where it is not public and
/// theirs to see, as they manage it.
///
/// # Errors
/// As [`find`]; 400 and 406 as every read.
pub async fn detail<V: Serialize>(
    app: &App,
    asked: Asked,
    person: Option<Person>,
    kind: Kind,
    key: &str,
    view: impl FnOnce(&Seen<'_>, &Document, &Record) -> V,
) -> Result<Response, Problem> {
    let lang = asked.lang;
    match (public(app, asked, kind, key, view), person) {
        (Err(problem), Some(person)) if problem.says_there_is_none() => {
            managed_page(app, &person, key, Some(kind), lang).await
        }
        (answer, _) => answer,
    }
}

fn public<V: Serialize>(
    app: &App,
    mut asked: Asked,
    kind: Kind,
    key: &str,
    view: impl FnOnce(&Seen<'_>, &Document, &Record) -> V,
) -> Result<Response, Problem> {
    let media = asked.media(&[media::JSON, media::GEOJSON])?;
    let all = asked.params.one_with("texts", |raw| match raw {
        "all" => Ok(()),
        _ => Err(Fault::new("unknown_value", "harus all", "must be all")),
    });
    if all.is_some() && asked.params.has("lang") {
        let fault = Fault::new("contradiction", "texts=all atau lang", "either texts=all or lang");
        asked.params.fault("texts", fault);
    }
    asked.params.finish(&[&COMMON, &FORMAT, &TEXTS])?;
    let document = match find(app, &asked.snapshot, kind, key, ("", &asked.query))? {
        Found::Here(document) => document,
        Found::Moved(response) => return Ok(response),
    };
    let record = document.record();
    let tongue = if all.is_some() { Tongue::All } else { Tongue::One(asked.lang) };
    let seen = Seen { snapshot: &asked.snapshot, lang: asked.lang, tongue, now: asked.now };
    let mut body = serde_json::to_value(view(&seen, &document, &record))
        .map_err(|error| Problem::internal(&error))?;
    if media == media::GEOJSON {
        body = feature(&document, &record, body);
    }
    let next = document.next_occurrence(asked.now);
    let stretch = document.stretch(asked.now);
    let holds_until = seen.changes_at(&document, stretch.as_deref(), Some(&record), next.as_ref());
    Ok(Answer::of(&body, media, asked.lang)?
        .version(document.version)
        .seen(Sight::Opened(document.id))
        .until(holds_until, asked.now)
        .into_response())
}
