//! Pages for people: what this is, what a problem means, and the interactive documentation.
//!
//! Nothing on them is loaded from another host.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use domain::text::Lang;
use utoipa_swagger_ui::Config;

use crate::{
    app::App,
    asked::Key,
    lang,
    params::Params,
    problem::{Kind, Problem},
};

/// The routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(landing))
        .route("/problems/{name}", get(problem))
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async || docs_file("")))
        .route("/docs/{file}", get(async |Key(file): Key| docs_file(&file)))
}

/// What a page may do: its own styles, and for the documentation its own scripts.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    base-uri 'none'; frame-ancestors 'none'";

fn page(html: String, lang: Lang) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::CONTENT_LANGUAGE, if lang == Lang::En { "en" } else { "id" }),
        (header::CACHE_CONTROL, "public, max-age=60"),
        (header::VARY, "Accept-Language, Accept-Encoding"),
    ];
    (headers, Html(html)).into_response()
}

/// Fills `{{name}}` in a template; values are ours, never a caller's.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |html, (name, value)| {
        html.replace(&format!("{{{{{name}}}}}"), value)
    })
}

async fn landing(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let lang = lang::of(&Params::of(&uri), &headers);
    let template = match lang {
        Lang::En => include_str!("pages/landing.en.html"),
        Lang::Id | Lang::Jv => include_str!("pages/landing.id.html"),
    };
    let counts = app.index.snapshot().kind_counts();
    let count = |kind: domain::listing::Kind| {
        counts.get(kind.name()).copied().unwrap_or_default().to_string()
    };
    let [places, producers, events] = domain::listing::Kind::ALL.map(count);
    let style = include_str!("pages/style.css");
    let values =
        [("style", style), ("places", &*places), ("producers", &*producers), ("events", &*events)];
    page(fill(template, &values), lang)
}

async fn problem(Key(name): Key, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let kind = Kind::ALL.iter().find(|kind| kind.name() == name);
    let kind = kind.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let lang = lang::of(&Params::of(&uri), &headers);
    let values = [
        ("style", include_str!("pages/style.css")),
        ("lang", if lang == Lang::En { "en" } else { "id" }),
        ("status", kind.status().as_str()),
        ("title", kind.title().in_lang(lang)),
        ("text", kind.page().in_lang(lang)),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
    Ok(page(fill(include_str!("pages/problem.html"), &values), lang))
}

/// A file of the interactive documentation: ours, or of the viewer that is part of the program.
fn docs_file(name: &str) -> Response {
    match name {
        "" => docs(include_bytes!("pages/docs.html").into(), "text/html; charset=utf-8"),
        "docs.js" => docs(include_bytes!("pages/docs.js").into(), "text/javascript"),
        "docs.css" => docs(include_bytes!("pages/docs.css").into(), "text/css"),
        name => viewer_file(name),
    }
}

/// A file of the viewer. Its own page and what that begins with are not ours.
fn viewer_file(name: &str) -> Response {
    match utoipa_swagger_ui::serve(name, Arc::new(Config::new(["/openapi.json"]))) {
        Ok(Some(file)) => {
            let mut response = docs(file.bytes, &file.content_type);
            if file.gzpipped {
                let gzip = HeaderValue::from_static("gzip");
                response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
            }
            response
        }
        Ok(None) => Problem::new(Kind::NotFound).into_response(),
        Err(error) => Problem::internal(error.as_ref()).into_response(),
    }
}

fn docs(bytes: Cow<'static, [u8]>, media: &str) -> Response {
    let mut response = bytes.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
    if let Ok(media) = HeaderValue::from_str(media) {
        headers.insert(header::CONTENT_TYPE, media);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}
