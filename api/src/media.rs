//! Pictures: brought, described, shown.
//!
//! A picture is known by the SHA-256 of what came, so it is here once, whoever brings it, and its
//! files may be kept for ever. What becomes of the bytes is in [`making`]; pictures that come in
//! parts are in `uploads.rs`.

use axum::{
    body::Body,
    extract::{
        DefaultBodyLimit, FromRequestParts, Multipart, Path, State,
        multipart::{MultipartError, MultipartRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use domain::{
    Fault,
    media::{
        self,
        picture::{Encoding, MAX_BYTES, WIDTHS},
    },
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    answer::{Answer, media as media_type},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body,
    person::Person,
    problem::{Kind, Problem},
};

pub mod incoming;
pub mod making;
pub mod shelf;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_media))
        // The edge and the reader of the form hold it to its own.
        .layer(DefaultBodyLimit::disable())
        .routes(routes!(get_media))
        .routes(routes!(get_media_file))
}

/// A picture, with the members of a listing's `media` that it decides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Media)]
pub struct MediaView {
    /// SHA-256 of the picture as it came.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    id: String,
    /// The widest file, as WebP: a path below the API's root.
    #[schema(max_length = 200, format = "uri-reference")]
    src: String,
    /// All widths, as WebP, in the form of HTML's `srcset`.
    #[schema(max_length = 4000)]
    srcset: String,
    /// Of `src`, pixels.
    #[schema(minimum = 1, maximum = 1920, format = "int32")]
    width: i32,
    /// Of `src`, pixels.
    #[schema(minimum = 1, maximum = 15_360, format = "int32")]
    height: i32,
    /// A likeness of some 25 bytes (thumbhash), base64.
    #[schema(max_length = 80)]
    thumbhash: String,
    /// The same by media type, for HTML's `picture`.
    types: TypesView,
}

/// The files of a picture by media type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MediaTypes)]
pub struct TypesView {
    #[serde(rename = "image/webp")]
    webp: SourceView,
    /// Over white where the picture is transparent.
    #[serde(rename = "image/jpeg")]
    jpeg: SourceView,
}

/// The files of a picture in one media type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MediaSource)]
pub struct SourceView {
    /// The widest.
    #[schema(max_length = 200, format = "uri-reference")]
    src: String,
    /// All widths.
    #[schema(max_length = 4000)]
    srcset: String,
}

impl From<media::Model> for MediaView {
    fn from(row: media::Model) -> Self {
        let media::Model {
            id,
            account: _,
            width,
            height,
            thumbhash,
            widths,
            created_at: _,
            version: _,
        } = row;
        let webp = SourceView::of(&id, &widths, Encoding::Webp);
        let jpeg = SourceView::of(&id, &widths, Encoding::Jpeg);
        let (src, srcset) = (webp.src.clone(), webp.srcset.clone());
        Self { id, src, srcset, width, height, thumbhash, types: TypesView { webp, jpeg } }
    }
}

impl SourceView {
    fn of(id: &str, widths: &[u32], encoding: Encoding) -> Self {
        let path = |width: &u32| format!("/media/{id}/{width}.{}", encoding.extension());
        let steps: Vec<_> =
            widths.iter().map(|width| format!("{} {width}w", path(width))).collect();
        Self { src: widths.last().map(path).unwrap_or_default(), srcset: steps.join(", ") }
    }
}

/// The form that brings a picture.
#[derive(Debug, ToSchema)]
#[schema(as = MediaForm)]
#[expect(dead_code, reason = "what the contract shows of a body that is read as it comes")]
pub struct FormView {
    /// A JPEG, PNG or WebP of at most 15,000,000 bytes and 60,000,000 pixels.
    #[schema(value_type = String, format = Binary, max_length = 15_000_000, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// What the contract shows of an answer.
pub fn example() -> serde_json::Value {
    let id = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c";
    let row = media::Model {
        id: id.to_owned(),
        account: uuid::Uuid::nil(),
        width: 1280,
        height: 853,
        thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI".to_owned(),
        widths: media::Widths(vec![320, 640, 1280]),
        created_at: chrono::DateTime::UNIX_EPOCH,
        version: 1,
    };
    json!(MediaView::from(row))
}

/// Bring a picture.
///
/// It is turned upright, brought into sRGB, and encoded anew at up to four widths; nothing that the
/// file said beside its pixels is kept. The same file again is the same picture (200).
#[utoipa::path(
    post, path = "/v1/media", tag = "pictures", params(LangParams),
    security(("bearer" = [])),
    request_body(content = FormView, content_type = "multipart/form-data"),
    responses(
        (status = CREATED, description = "The picture", body = MediaView, example = json!(example())),
        (status = OK, description = "The picture, which was here", body = MediaView, example = json!(example()))
    )
)]
async fn create_media(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    asked.media(&[media_type::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let form = form.map_err(|_| not_a_form(&headers))?;
    let file = the_file(&app, form).await?;
    let made = making::make(&app, person.account.id, file, None).await?;
    shown(&app, made)
}

/// The answer that `made` is.
///
/// # Errors
/// None that a client could see.
pub fn shown(app: &App, made: making::Made) -> Result<Response, Problem> {
    let base = app.settings.public_url.as_deref().unwrap_or_default();
    let location = format!("{base}/v1/media/{}", made.row.id);
    let view = MediaView::from(made.row);
    let mut response = Answer::of(&view, media_type::JSON, domain::text::Lang::Id)?.into_response();
    if made.new {
        *response.status_mut() = StatusCode::CREATED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(location) = HeaderValue::try_from(location) {
        headers.insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The one part of `form`, in a file without a name.
async fn the_file(app: &App, mut form: Multipart) -> Result<std::fs::File, Problem> {
    let mut file = None;
    while let Some(part) = form.next_field().await.map_err(cut)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            let (id, en) = ("bagian ini tidak dikenal", "is no part of this form");
            return Err(Problem::invalid(vec![Fault::new("unknown_member", id, en).below(name)]));
        }
        if file.is_some() {
            let (id, en) = ("satu berkas saja", "one file at a time");
            return Err(making::refused(Fault::new("too_many", id, en)));
        }
        let mut incoming = incoming::nameless(app).await?;
        incoming::pour(part, &mut incoming, MAX_BYTES).await?;
        file = Some(incoming.into_std().await);
    }
    let (id, en) = ("perlu bagian `file`", "the part `file` is needed");
    file.ok_or_else(|| making::refused(Fault::new("missing", id, en)))
}

#[expect(clippy::needless_pass_by_value, reason = "it is given so by `map_err`")]
fn cut(error: MultipartError) -> Problem {
    let broken = body::broken(&error);
    if broken.kind() != Kind::InvalidBody {
        return broken;
    }
    broken.saying("formulir terputus atau rusak", "the form is cut off or broken")
}

/// The problem of a body that is announced as another, or without its boundary.
fn not_a_form(headers: &HeaderMap) -> Problem {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|sent| sent.to_str().ok());
    let sent = sent.unwrap_or_default().to_ascii_lowercase();
    if sent.split(';').next().is_some_and(|sent| sent.trim() == "multipart/form-data") {
        return Problem::new(Kind::InvalidBody)
            .saying("tanpa `boundary`", "there is no `boundary`");
    }
    Problem::new(Kind::UnsupportedMedia)
        .with_header(header::ACCEPT, HeaderValue::from_static("multipart/form-data"))
}

/// Get what is known of a picture.
#[utoipa::path(
    get, path = "/v1/media/{picture}", tag = "pictures",
    params(("picture" = String, Path, description = "SHA-256 of the picture as it came"), LangParams),
    responses((status = OK, description = "The picture", body = MediaView, example = json!(example())))
)]
async fn get_media(
    State(app): State<App>,
    mut asked: Asked,
    Key(id): Key,
) -> Result<Answer, Problem> {
    asked.media(&[media_type::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let row = media::get(&app.store.reader, &id).await?;
    let row = row.ok_or_else(|| Problem::new(Kind::NotFound))?;
    Answer::of(&MediaView::from(row), media_type::JSON, asked.lang)
}

/// Get a file of a picture.
///
/// Its bytes never change. The database is not asked. Whoever knows no pictures may `Accept` them as
/// `application/octet-stream` alone.
#[utoipa::path(
    get, path = "/media/{picture}/{file}", tag = "pictures",
    params(
        ("picture" = String, Path, description = "SHA-256 of the picture as it came"),
        ("file" = String, Path, description = "Width in pixels, with `.webp` or `.jpg`")
    ),
    responses((status = OK, description = "The file", content(
        (Vec<u8> = "image/webp"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "application/octet-stream")
    )))
)]
async fn get_media_file(
    State(app): State<App>,
    FileKey { id, name, encoding }: FileKey,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let file = app.pictures.shelf.get(&id, &name).await.map_err(|error| making::fallen(&error))?;
    let file = file.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let size = file.meta.size;
    let mut response = Body::from_stream(file.into_stream()).into_response();
    let headers = response.headers_mut();
    let bytes = media_type::is_bytes(&asked);
    let media = if bytes { media_type::BYTES } else { encoding.media_type() };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, kept);
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}-{name}\"", &id[..32])) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The variables of a file's path. What can be no file's names nothing, and is asked of no storage.
struct FileKey {
    id: String,
    name: String,
    encoding: Encoding,
}

impl<S: Send + Sync> FromRequestParts<S> for FileKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await.ok();
        let key = path.and_then(|Path((id, name))| {
            let encoding = encoding(&name).filter(|_| is_digest(&id))?;
            Some(Self { id, name, encoding })
        });
        key.ok_or_else(|| Problem::new(Kind::NotFound))
    }
}

/// The narrowest file of the picture at `src`, as WebP, if it is one of ours: its id, and the name of
/// the file.
pub fn thumbnail(src: &str) -> Option<(String, String)> {
    let (id, name) = src.strip_prefix("/media/")?.split_once('/')?;
    encoding(name).filter(|_| is_digest(id))?;
    let width: u32 = name.split_once('.')?.0.parse().ok()?;
    // A picture that is narrower than that has no other width.
    let [narrowest, ..] = WIDTHS;
    let width = width.min(narrowest);
    Some((id.to_owned(), format!("{width}.{}", Encoding::Webp.extension())))
}

/// The names of the files of a picture that can be had in `widths`, in the order of letters.
pub fn files(widths: &[u32]) -> Vec<String> {
    let named = |width: &u32| Encoding::ALL.map(|of| format!("{width}.{}", of.extension()));
    let mut names: Vec<String> = widths.iter().flat_map(named).collect();
    names.sort_unstable();
    names
}

/// Whether a file of a picture may have this name.
pub fn is_file(name: &str) -> bool {
    encoding(name).is_some()
}

/// What a file of this name is: a width as we write it, and an ending of ours.
fn encoding(name: &str) -> Option<Encoding> {
    let (width, extension) = name.split_once('.')?;
    let pixels = width.parse::<u32>().ok().filter(|pixels| pixels.to_string() == width)?;
    let [.., widest] = WIDTHS;
    let encoding = Encoding::ALL.into_iter().find(|encoding| encoding.extension() == extension)?;
    (1..=widest).contains(&pixels).then_some(encoding)
}

/// Whether `text` is a SHA-256 as we write it.
pub fn is_digest(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(digit)
}
