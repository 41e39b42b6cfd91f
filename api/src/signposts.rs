//! Signposts: what tells machines where things are: `robots.txt`, the sitemap, and how to search.
//!
//! The sitemap and the description of the search name whole addresses, so they are there only where
//! the service knows its own (`GRIYA_PUBLIC_URL`). What is invented is in no sitemap.

use std::{fmt::Write as _, sync::Arc};

use axum::{Router, extract::State, routing::get};
use chrono::SecondsFormat;
use domain::text::Lang;
use search::{Document, Snapshot};

use crate::{
    answer::Answer,
    app::App,
    asked::Key,
    problem::{Kind, Problem},
};

/// The routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/robots.txt", get(robots))
        .route("/sitemap.xml", get(index))
        .route("/sitemaps/{file}", get(part))
        .route("/opensearch.xml", get(search))
}

/// The most addresses of one sitemap. Source: <https://www.sitemaps.org/protocol.html>.
const PART: usize = 50_000;
const XML: &str = "application/xml";
const SITEMAPS: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";

/// Where the service is reached.
fn base(app: &App) -> Result<&str, Problem> {
    app.settings.public_url.as_deref().ok_or_else(|| Problem::new(Kind::NotFound))
}

async fn robots(State(app): State<App>) -> Answer {
    let mut text = "User-agent: *\nDisallow: /v1/auth/\nDisallow: /v1/me\nDisallow: /v1/moderation/\nDisallow: /v1/changes\n".to_owned();
    if let Some(base) = &app.settings.public_url {
        text = format!("{text}\nSitemap: {base}/sitemap.xml\n");
    }
    Answer::bytes(text, "text/plain; charset=utf-8", Lang::En)
}

async fn index(State(app): State<App>) -> Result<Answer, Problem> {
    let base = escaped(base(&app)?);
    let parts = app.index.snapshot().len().div_ceil(PART).max(1);
    let part = |part| format!("<sitemap><loc>{base}/sitemaps/{part}.xml</loc></sitemap>\n");
    let parts: String = (1..=parts).map(part).collect();
    let text = format!("{}{parts}</sitemapindex>\n", opened("sitemapindex"));
    Ok(Answer::bytes(text, XML, Lang::Id))
}

async fn part(State(app): State<App>, Key(file): Key) -> Result<Answer, Problem> {
    let base = escaped(base(&app)?);
    let number = file.strip_suffix(".xml").and_then(|number| number.parse::<usize>().ok());
    let snapshot = app.index.snapshot();
    let parts = snapshot.len().div_ceil(PART).max(1);
    let number =
        number.filter(|number| (1..=parts).contains(number) && file == format!("{number}.xml"));
    let number = number.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let text = tokio::task::spawn_blocking(move || addresses(&snapshot, number, &base)).await;
    Ok(Answer::bytes(text.map_err(|error| Problem::internal(&error))?, XML, Lang::Id))
}

/// The addresses of one part, of all listings in the order of their ids.
fn addresses(snapshot: &Snapshot, number: usize, base: &str) -> String {
    let mut all: Vec<&Arc<Document>> = snapshot.documents().collect();
    all.sort_unstable_by_key(|document| document.id);
    let mut text = opened("urlset");
    for document in all.into_iter().skip((number - 1) * PART).take(PART) {
        let listing = document.record().listing;
        if listing.sample {
            continue;
        }
        let written = listing.updated_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (kind, slug) = (document.kind.plural(), &document.slug);
        // A text takes everything.
        let _ = writeln!(
            text,
            "<url><loc>{base}/v1/{kind}/{slug}</loc><lastmod>{written}</lastmod></url>"
        );
    }
    text + "</urlset>\n"
}

async fn search(State(app): State<App>) -> Result<Answer, Problem> {
    let base = escaped(base(&app)?);
    let text = include_str!("signposts/opensearch.xml").replace("{{base}}", &base);
    Ok(Answer::bytes(text, "application/opensearchdescription+xml", Lang::Id))
}

fn opened(root: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{SITEMAPS}\">\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&apos;")
}
