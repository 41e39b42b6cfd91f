//! Uploads: a picture that comes in parts, over a line that breaks.
//!
//! The protocol is the core of tus 1.0.0 (<https://tus.io/protocols/resumable-upload>): HEAD says how
//! much has come, PATCH brings more from there. Whoever has the ticket may send: no token is needed
//! beside it, so that a plain program can do it in the background. What has come lies in a file named
//! by the upload's id; its length is the offset. Two who send the same part at once write the same
//! bytes to the same place, so no lock is needed.

use std::path::{Path, PathBuf};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use domain::{Error, Fault, account, media::picture::MAX_BYTES, upload, writer::Unit};
use serde::{Deserialize, Serialize};
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncSeekExt as _, SeekFrom},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media as media_type},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body::Body,
    ids,
    media::{MediaView, example, incoming, is_digest, making, shown},
    person::Person,
    problem::{At, Kind, Problem},
};

/// The body of a part.
const PART: &str = "application/offset+octet-stream";
/// Both.
const PART_OR_BYTES: &str = "application/offset+octet-stream, application/octet-stream";
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create_upload)).routes(routes!(get_upload, update_upload))
}

/// What somebody wants to send.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewUpload)]
#[serde(deny_unknown_fields)]
pub struct NewUploadBody {
    /// How long the file is, bytes.
    #[schema(minimum = 1, maximum = 15_000_000, format = "int32", example = 1_234_567)]
    size: i64,
    /// Its SHA-256: with it, what arrives damaged is refused.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
}

/// A ticket to send a picture with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub struct UploadView {
    /// Whoever has it may send the file: keep it as a password.
    #[schema(min_length = 64, max_length = 64)]
    ticket: String,
    /// Where the parts go.
    #[schema(max_length = 400, format = "uri-reference")]
    location: String,
    /// When it ends.
    expires_at: DateTime<Utc>,
    /// How much has come, bytes.
    #[schema(minimum = 0, maximum = 15_000_000, format = "int32")]
    offset: u64,
    /// The most bytes of one part. On a bad line send fewer: what came before a cut is kept.
    #[schema(minimum = 1, maximum = 15_000_000, format = "int32")]
    chunk_max: u64,
}

impl NewUploadBody {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !u64::try_from(self.size).is_ok_and(|size| (1..=MAX_BYTES).contains(&size)) {
            let id = format!("harus 1 sampai {MAX_BYTES}");
            let en = format!("must be between 1 and {MAX_BYTES}");
            faults.push(Fault::new("out_of_range", id, en).below("size"));
        }
        if self.sha256.as_deref().is_some_and(|text| !is_digest(text)) {
            let (id, en) = ("harus 64 digit heksadesimal", "must be 64 hexadecimal digits");
            faults.push(Fault::new("bad_format", id, en).below("sha256"));
        }
        faults
    }
}

/// Begin to bring a picture in parts.
///
/// The ticket is good once, for 24 hours. An account has at most 10 uploads open, of 60,000,000
/// bytes together.
#[utoipa::path(
    post, path = "/v1/media/uploads", tag = "pictures", params(LangParams),
    security(("bearer" = [])),
    request_body(content = NewUploadBody),
    responses((status = CREATED, description = "The ticket", body = UploadView, example = json!({
        "ticket": "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
        "location": "/v1/media/uploads/3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
        "expires_at": "2026-11-25T05:00:00Z", "offset": 0, "chunk_max": 15_000_000
    })))
)]
async fn create_upload(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
    body: Body,
) -> Result<Response, Problem> {
    asked.media(&[media_type::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let wanted: NewUploadBody = body.into()?;
    let faults = wanted.faults();
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let (account, now) = (person.account.id, asked.now);
    has_room(&app, account, wanted.size, now).await?;
    sweep(&incoming::folder(&app).await?, now).await;
    let ticket = ids::secret();
    let size = (wanted.size, wanted.sha256);
    let row = upload::Model::new(ids::new(now), account, &ticket, size, now);
    let expires_at = row.expires_at;
    app.writer.write(Unit::new(vec![row.into()], account.to_string(), now)).await?;
    let base = app.settings.public_url.as_deref().unwrap_or_default();
    let location = format!("{base}/v1/media/uploads/{ticket}");
    let to = HeaderValue::try_from(&location);
    let view = UploadView { ticket, location, expires_at, offset: 0, chunk_max: MAX_BYTES };
    let mut response = Answer::of(&view, media_type::JSON, asked.lang)?.into_response();
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(to) = to {
        response.headers_mut().insert(header::LOCATION, to);
    }
    Ok(response)
}

/// Whether `account` may open an upload of `size` bytes more.
async fn has_room(app: &App, account: Uuid, size: i64, now: DateTime<Utc>) -> Result<(), Problem> {
    let open = upload::open(&app.store.reader, account, now).await?;
    let bytes: i64 = open.iter().map(|upload| upload.size).sum::<i64>() + size;
    if open.len() < upload::MOST_OPEN && u64::try_from(bytes).is_ok_and(|b| b <= upload::MOST_BYTES)
    {
        return Ok(());
    }
    Err(making::too_many(
        format!(
            "paling banyak {} unggahan terbuka, bersama-sama {} bita",
            upload::MOST_OPEN,
            upload::MOST_BYTES
        ),
        format!(
            "at most {} open uploads, of {} bytes together",
            upload::MOST_OPEN,
            upload::MOST_BYTES
        ),
    ))
}

/// Removes what nobody can send more of: a file's name is the id of its upload, which says when it
/// began. What cannot be removed now is tried again when somebody comes next.
async fn sweep(folder: &Path, now: DateTime<Utc>) {
    let Ok(mut files) = tokio::fs::read_dir(folder).await else { return };
    while let Ok(Some(file)) = files.next_entry().await {
        let began = file.file_name().to_str().and_then(began);
        if began.is_some_and(|began| began + upload::LASTS <= now) {
            let _ = tokio::fs::remove_file(file.path()).await;
        }
    }
}

fn began(name: &str) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = name.parse::<Uuid>().ok()?.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// Ask how much of a picture has come.
///
/// `Upload-Offset` and `Upload-Length` say it in bytes.
#[utoipa::path(
    head, path = "/v1/media/uploads/{ticket}", tag = "pictures",
    params(("ticket" = String, Path, description = "The ticket")),
    responses((status = OK, description = "How much has come"))
)]
async fn get_upload(State(app): State<App>, Key(ticket): Key) -> Result<Response, Problem> {
    let upload = opened(&app, &ticket).await?;
    let there = tokio::fs::metadata(file_of(&app, &upload).await?).await;
    let offset = there.map_or(0, |file| file.len());
    Ok(progress(StatusCode::OK, &upload, offset))
}

/// Send a part of a picture.
///
/// `Upload-Offset` says where it begins, which is where the last one ended: 409 tells where that is.
/// The body is `application/octet-stream`, or `application/offset+octet-stream` as tus has it.
/// The last part is answered with the picture, and uses the ticket up; so does a file that is no
/// picture (422).
#[utoipa::path(
    patch, path = "/v1/media/uploads/{ticket}", tag = "pictures",
    params(
        ("ticket" = String, Path, description = "The ticket"),
        ("Upload-Offset" = u64, Header, description = "Where the part begins, bytes",
         minimum = 0, maximum = 15_000_000, example = 0)
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = NO_CONTENT, description = "The part has come; more is wanted"),
        (status = CREATED, description = "The picture", body = MediaView, example = json!(example())),
        (status = OK, description = "The picture, which was here", body = MediaView, example = json!(example()))
    )
)]
async fn update_upload(
    State(app): State<App>,
    Key(ticket): Key,
    request: Request,
) -> Result<Response, Problem> {
    let upload = opened(&app, &ticket).await?;
    let (parts, body) = request.into_parts();
    let offset = asked_offset(&parts.headers)?;
    let (mut file, there) = continued(&app, &upload).await?;
    if offset != there {
        return Err(Problem::new(Kind::Conflict)
            .with_header(OFFSET, HeaderValue::from(there))
            .saying(format!("lanjutkan dari {there}"), format!("go on from {there}")));
    }
    let size = u64::try_from(upload.size).unwrap_or(0);
    let left = size.saturating_sub(offset);
    if announced(&parts.headers).is_some_and(|length| length > left) {
        return Err(Problem::new(Kind::TooLarge));
    }
    let came = incoming::pour(body.into_data_stream(), &mut file, left).await;
    file.sync_data().await.map_err(|error| Problem::internal(&error))?;
    let offset = offset + came?;
    if offset < size {
        return Ok(progress(StatusCode::NO_CONTENT, &upload, offset));
    }
    finish(&app, upload, file).await
}

/// The upload that `ticket` opens now.
async fn opened(app: &App, ticket: &str) -> Result<upload::Model, Problem> {
    let upload = upload::by_ticket(&app.store.reader, ticket).await?;
    let upload = upload.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let whose = account::get(&app.store.reader, upload.account).await?;
    let known = whose.is_some_and(|account| account.erased_at.is_none());
    if known && upload.is_open(app.clock.now()) { Ok(upload) } else { Err(used_up()) }
}

fn used_up() -> Problem {
    Problem::gone(None)
        .saying("tiket sudah terpakai atau habis", "the ticket is used up or has ended")
}

async fn file_of(app: &App, upload: &upload::Model) -> Result<PathBuf, Problem> {
    Ok(incoming::folder(app).await?.join(upload.id.to_string()))
}

/// The file of what has come, to be written on at its end; where that is.
async fn continued(app: &App, upload: &upload::Model) -> Result<(File, u64), Problem> {
    let mut how = OpenOptions::new();
    how.create(true).truncate(false).read(true).write(true);
    let path = file_of(app, upload).await?;
    let mut file = how.open(path).await.map_err(|error| Problem::internal(&error))?;
    let end = file.seek(SeekFrom::End(0)).await.map_err(|error| Problem::internal(&error))?;
    Ok((file, end))
}

/// Makes the picture of all that came. Where that fails through us the ticket stays good: an empty
/// part at the end tries again.
async fn finish(app: &App, upload: upload::Model, file: File) -> Result<Response, Problem> {
    let path = file_of(app, &upload).await?;
    let (account, sha256) = (upload.account, upload.sha256.clone());
    let made = making::make(app, account, file.into_std().await, sha256.as_deref()).await;
    let media = match &made {
        Ok(made) => Some(made.row.id.clone()),
        Err(problem) if problem.kind() == Kind::Invalid => None,
        Err(_) => return made.and_then(|made| shown(app, made)),
    };
    let now = app.clock.now();
    let unit = Unit::new(vec![upload.ended(media, now).into()], account.to_string(), now);
    let ended = app.writer.write(unit).await;
    if let Err(error) = tokio::fs::remove_file(&path).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "an upload was not removed");
    }
    match ended {
        Ok(_) => made.and_then(|made| shown(app, made)),
        // Another one sent the last part, too, and was faster.
        Err(Error::Stale(_)) => Err(used_up()),
        Err(error) => Err(error.into()),
    }
}

fn asked_offset(headers: &HeaderMap) -> Result<u64, Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if !text(header::CONTENT_TYPE).is_some_and(|sent| [PART, media_type::BYTES].contains(&sent)) {
        let accept = HeaderName::from_static("accept-patch");
        return Err(Problem::new(Kind::UnsupportedMedia)
            .with_header(accept, HeaderValue::from_static(PART_OR_BYTES)));
    }
    text(OFFSET).and_then(|offset| offset.parse().ok()).ok_or_else(|| {
        let (id, en) = ("harus bilangan bita", "must be a number of bytes");
        let fault = Fault::new("bad_format", id, en);
        Problem::invalid_parameters(vec![(At::Header("Upload-Offset"), fault)])
    })
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// How much has come, in the headers of tus.
fn progress(status: StatusCode, upload: &upload::Model, offset: u64) -> Response {
    let mut response = status.into_response();
    let until = upload.expires_at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let headers = response.headers_mut();
    headers.insert(OFFSET, HeaderValue::from(offset));
    headers.insert("upload-length", HeaderValue::from(upload.size));
    headers.insert("tus-resumable", HeaderValue::from_static("1.0.0"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(until) = HeaderValue::try_from(until) {
        headers.insert("upload-expires", until);
    }
    response
}
