//! One listing by its id or slug: what the details of the three kinds share.

use std::sync::Arc;

use axum::{
    http::HeaderValue,
    response::{IntoResponse, Redirect, Response},
};
use domain::record::Record;
use domain::{Fault, listing::Kind};
use search::{Document, Lookup, Snapshot, tomorrow};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, File, media},
    app::App,
    asked::{Asked, COMMON, DETAIL_FORMAT, EVENT_FORMAT},
    counts::Sight,
    geojson_view::feature,
    honest::Honest,
    icalendar::{self, Calendar, Dates},
    jsonld::Teller,
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
    about: "`all`: every text as a map by language, as a write takes it; names of categories and areas are in `lang`.",
    schema: || json!({"type": "string", "enum": ["all"]}),
    example: || json!("all"),
}];

/// The parameters of a detail.
pub struct DetailParams;

impl utoipa::IntoParams for DetailParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        [&COMMON, &DETAIL_FORMAT, &TEXTS].into_iter().flatten().map(Spec::document).collect()
    }
}

/// The parameters of an event's detail.
pub struct EventParams;

impl utoipa::IntoParams for EventParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        [&COMMON, &EVENT_FORMAT, &TEXTS].into_iter().flatten().map(Spec::document).collect()
    }
}

/// What a detail is answered as, and the parameter that says so.
fn forms(kind: Kind) -> (&'static [&'static str], &'static [Spec]) {
    const ALL: [&str; 4] = [media::JSON, media::GEOJSON, media::JSONLD, media::CALENDAR];
    match kind {
        Kind::Event => (&ALL, &EVENT_FORMAT),
        Kind::Place | Kind::Producer => (&ALL[..3], &DETAIL_FORMAT),
    }
}

/// How the texts of an answer are wanted, by `texts` and `lang`. With all of them `lang` is that of
/// what has one name: categories and areas.
pub fn tongue(asked: &mut Asked) -> Tongue {
    let all = asked.params.one_with("texts", |raw| match raw {
        "all" => Ok(()),
        _ => Err(Fault::new("unknown_value", "harus all", "must be all")),
    });
    if all.is_some() { Tongue::All } else { Tongue::One(asked.lang) }
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

/// A listing as its detail has it, whatever its kind; a producer with its `products`.
///
/// # Errors
/// When it cannot be written, which only a bug can bring about.
pub fn whole(seen: &Seen<'_>, document: &Document, record: &Record) -> serde_json::Result<Value> {
    let mut whole = match record.listing.kind {
        Kind::Place => serde_json::to_value(seen.place(document, record))?,
        Kind::Producer => serde_json::to_value(seen.producer(document, record))?,
        Kind::Event => serde_json::to_value(seen.event(document, record))?,
    };
    if record.listing.kind == Kind::Producer {
        whole["products"] = serde_json::to_value(seen.products(document, record))?;
    }
    Ok(whole)
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
    let (offers, format) = forms(kind);
    let media = asked.media(offers)?;
    if matches!(media, media::JSONLD | media::CALENDAR) {
        asked.refuse(&["texts"]);
    }
    let tongue = tongue(&mut asked);
    asked.params.finish(&[&COMMON, format, &TEXTS])?;
    let document = match find(app, &asked.snapshot, kind, key, ("", &asked.query))? {
        Found::Here(document) => document,
        Found::Moved(response) => return Ok(response),
    };
    let seen = Seen { snapshot: &asked.snapshot, lang: asked.lang, tongue, now: asked.now };
    let base = app.settings.public_url.as_deref();
    if media == media::CALENDAR {
        return calendar(&seen, &document, base);
    }
    if media == media::JSONLD {
        return linked(&seen, &document, base.unwrap_or_default());
    }
    let record = document.record();
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
        .link(Some(alternates(app, &document)))
        .into_response())
}

/// A listing in the words of schema.org; of one that is invented there are none.
fn linked(seen: &Seen<'_>, document: &Document, base: &str) -> Result<Response, Problem> {
    let none = || Problem::new(problem::Kind::NotAcceptable);
    let honest = Honest::of(seen.snapshot, document).ok_or_else(none)?;
    let body = Teller { seen, base }.whole(document, &honest);
    let next = document.next_occurrence(seen.now);
    Ok(Answer::of(&body, media::JSONLD, seen.lang)?
        .version(document.version)
        .seen(Sight::Opened(document.id))
        .until(
            seen.changes_at(
                document,
                document.stretch(seen.now).as_deref(),
                Some(&honest.record),
                next.as_ref(),
            ),
            seen.now,
        )
        .into_response())
}

/// An event as a calendar of its own; of one that is invented, or whose dates are, there is none.
fn calendar(seen: &Seen<'_>, document: &Document, base: Option<&str>) -> Result<Response, Problem> {
    let none = || Problem::new(problem::Kind::NotAcceptable);
    let honest =
        Honest::of(seen.snapshot, document).filter(icalendar::can_tell).ok_or_else(none)?;
    let name = honest.record.listing.name.get(seen.lang).1;
    let mut calendar = Calendar::default();
    calendar.begin(Some(name), seen.lang, seen.now);
    icalendar::write(&mut calendar, seen, document, &honest, Dates::around(seen.now, None), base);
    calendar.end();
    let file = File { name: format!("{}.ics", document.slug), kept: false };
    Ok(Answer::bytes(calendar.take(), media::CALENDAR, seen.lang)
        .version(document.version)
        .seen(Sight::Opened(document.id))
        .until(Some(tomorrow(seen.now)), seen.now)
        .file(file)
        .into_response())
}

/// The `Link` to a listing's other representations (RFC 8288).
fn alternates(app: &App, document: &Document) -> String {
    let base = app.settings.public_url.as_deref().unwrap_or_default();
    let here = format!("{base}/v1/{}/{}", document.kind.plural(), document.slug);
    let link = |(format, media): (&str, &str)| {
        format!("<{here}?format={format}>; rel=\"alternate\"; type=\"{media}\"")
    };
    let mut all = vec![("geojson", media::GEOJSON), ("jsonld", media::JSONLD)];
    if document.kind == Kind::Event {
        all.push(("ics", media::CALENDAR));
    }
    all.into_iter().map(link).collect::<Vec<_>>().join(", ")
}
