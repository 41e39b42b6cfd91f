//! Bundles: everything a phone needs while it has no line, in one file for each kapanewon and one for
//! all.
//!
//! What is in a bundle is in [`content`], when it is made in [`making`], how long it stays in
//! [`stock`]. docs/decisions/0016-bundles.md says why.

use std::{
    io::{ErrorKind, SeekFrom},
    ops::Range,
    path::PathBuf,
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, FixedOffset};
use domain::{area::Level, key::AreaCode, listing::DEFAULT_ZONE, text::Lang};
use futures_util::stream;
use search::Snapshot;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    bundles::{
        content::{ALL, Counts, FORMAT},
        range::Wanted,
        stock::Bundle,
    },
    media::is_digest,
    problem::{Kind, Problem},
};

mod content;
pub mod making;
mod packing;
mod range;
mod stock;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_bundles))
        .routes(routes!(get_bundle))
        .routes(routes!(get_bundle_file))
}

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// A bundle.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bundle, example = json!(example()))]
pub struct BundleView {
    /// The kapanewon, or `all`.
    #[schema(max_length = 13, example = "34.02.03")]
    code: String,
    #[schema(max_length = 250, example = "Kretek")]
    name: String,
    /// The file; what is at this address never changes.
    #[schema(max_length = 400, format = "uri-reference")]
    href: String,
    /// How long the file is.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, format = "int64")]
    bytes: u64,
    /// SHA-256 of the file.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// The version of the format.
    #[schema(minimum = 1, maximum = 1000)]
    format: u32,
    made_at: DateTime<FixedOffset>,
    /// Where `changes` goes on: its `since`.
    #[schema(max_length = 400)]
    cursor: String,
    /// What happens to what is in it.
    #[schema(max_length = 400, format = "uri-reference")]
    changes: String,
    counts: Counts,
}

/// Bundles.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BundlePage)]
pub struct BundlePage {
    /// By code; that of everything comes last.
    #[schema(max_items = 100_000)]
    items: Vec<BundleView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

fn example() -> Value {
    let sha256 = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c";
    json!({
        "code": "34.02.03", "name": "Kretek", "href": format!("/bundles/{sha256}.zip"),
        "bytes": 48_211, "sha256": sha256, "format": FORMAT,
        "made_at": "2026-11-24T12:00:00+07:00", "cursor": "eyJuIjoxMjMsIm0iOiJhYmMifQ",
        "changes": "/v1/changes?area=34.02.03&texts=all",
        "counts": {"listings": 31, "occurrences": 214, "areas": 6, "categories": 61, "holidays": 71,
                   "pictures": 24, "pictures_left_out": 0}
    })
}

fn view(app: &App, snapshot: &Snapshot, bundle: Bundle, lang: Lang) -> BundleView {
    let base = app.settings.public_url.as_deref().unwrap_or_default();
    let Bundle { code, sha256, bytes, cursor, made_at, counts, .. } = bundle;
    BundleView {
        name: name(snapshot, &code, lang),
        href: href(base, &sha256),
        bytes,
        sha256,
        format: FORMAT,
        made_at: made_at.with_timezone(&DEFAULT_ZONE).fixed_offset(),
        cursor,
        changes: format!("{base}{}", content::changes(&code)),
        counts,
        code,
    }
}

fn name(snapshot: &Snapshot, code: &str, lang: Lang) -> String {
    if code == ALL {
        let all = match lang {
            Lang::Id => "Semua",
            Lang::En => "Everything",
            Lang::Jv => "Kabèh",
        };
        return all.to_owned();
    }
    let area = code.parse().ok().and_then(|code| snapshot.reference().area(&code));
    area.map_or_else(|| code.to_owned(), |area| area.row.name.get(lang).1.to_owned())
}

fn href(base: &str, sha256: &str) -> String {
    format!("{base}/bundles/{}", stock::file(sha256))
}

/// List the bundles.
///
/// A bundle is a file with everything that a phone needs while it has no line: the listings of a
/// kapanewon or of everywhere in all languages, when events take place in the year to come,
/// categories, polygons of areas, holidays, thumbnails; a ZIP with a `manifest.json` that has the
/// SHA-256 of every member. Where it ends, `/v1/changes` goes on, from its `cursor`. Bundles are
/// made some moments after something has changed; one in which nothing is otherwise stays as it is.
#[utoipa::path(
    get, path = "/v1/bundles", tag = "changes", params(LangParams),
    responses((status = OK, description = "The newest bundle of each kapanewon and of everything", body = BundlePage,
        example = json!({"items": [example()]})))
)]
async fn list_bundles(State(app): State<App>, mut asked: Asked) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let bundles = app.bundles.first().await.all();
    if bundles.is_empty() {
        return Err(being_made());
    }
    let view = |bundle| view(&app, &asked.snapshot, bundle, asked.lang);
    let page = BundlePage { items: bundles.into_iter().map(view).collect(), cursor: None };
    Answer::of(&page, media::JSON, asked.lang)
}

/// Get the newest bundle of an area.
///
/// It leads to the file. Keep that address: a download that was cut off goes on there with `Range`,
/// although there may be a newer one by then.
#[utoipa::path(
    get, path = "/v1/bundles/{area}", tag = "changes",
    params(("area" = String, Path, description = "Kemendagri code of a kapanewon, or `all`"), LangParams),
    responses((status = TEMPORARY_REDIRECT, description = "The file is there"))
)]
async fn get_bundle(
    State(app): State<App>,
    Key(code): Key,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    let known = |code: &AreaCode| {
        let area = asked.snapshot.reference().area(code);
        area.is_some_and(|area| area.row.level == Level::Kapanewon)
    };
    if code != ALL && !code.parse().is_ok_and(|code| known(&code)) {
        return Err(Problem::new(Kind::NotFound));
    }
    let bundle = app.bundles.first().await.newest(&code).ok_or_else(being_made)?;
    let base = app.settings.public_url.as_deref().unwrap_or_default();
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    let location = HeaderValue::try_from(href(base, &bundle.sha256));
    headers.insert(header::LOCATION, location.map_err(|error| Problem::internal(&error))?);
    Ok(response)
}

fn being_made() -> Problem {
    Problem::retry_after(Kind::Unavailable, 5)
        .saying("paket sedang dibuat", "bundles are being made")
}

/// Get the file of a bundle.
///
/// Its bytes never change: go on with `Range` where a download was cut off, on any later day. When
/// there is a newer one it stays for an hour, and for a day after somebody asked for it; then it is
/// 404, and `/v1/bundles` says what there is. Whoever knows no ZIP may `Accept` it as
/// `application/octet-stream` alone.
#[utoipa::path(
    get, path = "/bundles/{file}", tag = "changes",
    params(
        ("file" = String, Path, description = "SHA-256 of the file, with `.zip`"),
        ("Range" = Option<String>, Header, description = "One part of it, in bytes; others get the whole",
            min_length = 1, max_length = 80, example = "bytes=1048576-"),
        ("If-Range" = Option<String>, Header, description = "Its `ETag`: a part of this one, else the whole",
            min_length = 1, max_length = 80),
    ),
    responses(
        (status = OK, description = "The file",
            content((Vec<u8> = "application/zip"), (Vec<u8> = "application/octet-stream"))),
        (status = PARTIAL_CONTENT, description = "The part that `Range` names",
            content((Vec<u8> = "application/zip"), (Vec<u8> = "application/octet-stream")))
    )
)]
async fn get_bundle_file(
    State(app): State<App>,
    Key(name): Key,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let sha256 = name.strip_suffix(".zip").filter(|sha256| is_digest(sha256));
    let found = sha256.and_then(|sha256| app.bundles.stock().find(sha256, app.clock.now()));
    let (bundle, path) = found.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let tag = HeaderValue::try_from(format!("\"{}\"", bundle.sha256));
    let tag = tag.map_err(|error| Problem::internal(&error))?;
    let size = bundle.bytes;
    let (status, part) = match range::wanted(&asked, &tag, size) {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Wanted::Another => {
            return Err(Problem::new(Kind::Stale).with_header(header::ETAG, tag));
        }
        Wanted::Beyond => {
            let problem = Problem::new(Kind::RangeNotSatisfiable);
            return Err(problem.with_header(header::CONTENT_RANGE, content_range("*", size)));
        }
    };
    let body = match read(path, part.clone()).await {
        Ok(body) => body,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            app.bundles.stock().lost(&bundle.sha256);
            return Err(Problem::new(Kind::NotFound));
        }
        Err(error) => return Err(Problem::internal(&error)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_TYPE,
            if media::is_bytes(&asked) { media::BYTES } else { "application/zip" },
        ),
        (header::VARY, "Accept"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::ACCEPT_RANGES, "bytes"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    headers.insert(header::ETAG, tag);
    let name = format!("attachment; filename=\"griya-{}.zip\"", bundle.code);
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("{}-{}", part.start, part.end - 1);
        headers.insert(header::CONTENT_RANGE, content_range(&part, size));
    }
    Ok(response)
}

fn content_range(part: &str, size: u64) -> HeaderValue {
    HeaderValue::try_from(format!("bytes {part}/{size}")).expect("digits are a header's value")
}

/// Those bytes of a file, as they are asked for.
async fn read(path: PathBuf, part: Range<u64>) -> std::io::Result<Body> {
    let mut file = File::open(path).await?;
    file.seek(SeekFrom::Start(part.start)).await?;
    let from = file.take(part.end - part.start);
    let pieces = stream::try_unfold(from, async |mut from| {
        let mut piece = Vec::with_capacity(PIECE);
        let read = (&mut from).take(PIECE as u64).read_to_end(&mut piece).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), from)))
    });
    Ok(Body::from_stream(pieces))
}
