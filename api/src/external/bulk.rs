//! Bulk: many records in one request, a line each, and a line of answer for each as it is done.
//!
//! Lines are taken some at a time; those are worked on together, so that the writer commits them
//! together, and each is a unit of its own, so that a bad one hurts no other. Two lines of the same
//! record are never among the same. A task of its own does it, so that a program which sends everything
//! before it reads anything is not waited for; it ends when nobody reads any more.

use std::{collections::HashSet, convert::Infallible, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, Method, header},
    response::Response,
};
use domain::{Fault, external, key::System};
use futures_util::{future::join_all, stream};
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{
    Name,
    bring::{self, Brought},
    lines::{Cut, Line, Lines},
    must_write,
};
use crate::{
    answer::media,
    app::App,
    exports::text_schema,
    problem::{Kind, Problem},
    writing::{WriteParams, Writing},
};

/// The most bytes of one request.
pub const MAX: u64 = 32 * 1024 * 1024;
/// The most lines of one request: their answers wait in memory for whoever sends all before reading.
const MOST: usize = 10_000;
/// Requests of a node at once.
pub const STREAMS: usize = 4;
/// Lines that are worked on together.
const TOGETHER: usize = 64;
/// Bytes that are worked on together, about.
const BYTES_TOGETHER: usize = 2 * 1024 * 1024;
/// The most faults that are told of one line.
const FAULTS: usize = 20;

text_schema! {
    /// A JSON text a line: a record with its `kind` and its `external_id`. At most 10,000 lines of
    /// 262,144 bytes.
    BulkRecords = "BulkRecords"
}

text_schema! {
    /// A line for each line that was sent, in order, as it is done: `line`, `status` as of a single
    /// record, and `external_id` where it is known. Of a record that is stored `result` (`created`,
    /// `replaced`, `unchanged`, `pending`), `id`, `state`, `version`, `missing`, `duplicates`; of any
    /// other `type`, `title`, `detail` and the first 20 `errors`.
    BulkResults = "BulkResults"
}

/// Whether a request is one of these: its body may be longer, and its answer is read as it comes.
pub fn is_bulk(method: &Method, path: &str) -> bool {
    let system = path.strip_prefix("/v1/external/");
    *method == Method::POST && system.is_some_and(|system| !system.contains('/'))
}

/// Bring many records.
///
/// Each line is brought as by `PUT /v1/external/{system}/{external_id}`, and each has its line in the
/// answer, which comes while the request is still being sent. A bad line hurts no other. Whatever
/// was not answered may have been stored or not: send it again. No `Idempotency-Key` is needed: the same
/// line again changes nothing.
///
/// The body is `application/x-ndjson`, or `application/octet-stream` for whoever knows only that; so is
/// the answer where that alone is what they `Accept`.
#[utoipa::path(
    post, path = "/v1/external/{system}", tag = "partners",
    security(("bearer" = []), ("api_key" = [])),
    params(("system" = String, Path, description = "The system that the key is for"), WriteParams),
    request_body(
        content((BulkRecords = "application/x-ndjson"), (Vec<u8> = "application/octet-stream")),
        description = "A JSON text a line: a record with its `kind` and its `external_id`. At most 10,000 lines of \
            262,144 bytes."
    ),
    responses((status = OK, description = "What became of each line",
        content((BulkResults = "application/x-ndjson"), (Vec<u8> = "application/octet-stream"))))
)]
pub async fn set_externals(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    writing: Writing,
    request: Request,
) -> Result<Response, Problem> {
    let system = path.ok().and_then(|Path(system)| system.parse().ok());
    let system: System = system.ok_or_else(|| Problem::new(Kind::NotFound))?;
    must_write(&app, &writing.person, &system).await?;
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|sent| sent.to_str().ok());
    let sent = sent.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if ![media::NDJSON, media::BYTES].iter().any(|media| sent.eq_ignore_ascii_case(media)) {
        let media = HeaderValue::from_static("application/x-ndjson, application/octet-stream");
        return Err(Problem::new(Kind::UnsupportedMedia).with_header(header::ACCEPT, media));
    }
    let answer = if media::is_bytes(request.headers()) { media::BYTES } else { media::NDJSON };
    let room = Arc::clone(&app.bulks).try_acquire_owned();
    let room = room.map_err(|_| Problem::retry_after(Kind::Unavailable, 30))?;
    let most = usize::try_from(MAX).unwrap_or(usize::MAX);
    let (tell, told) = mpsc::unbounded_channel();
    let bulk = Bulk {
        lines: Lines::of(request.into_body(), most),
        held: None,
        taken: 0,
        partner: Partner { app, writing, system },
        tell,
        _room: room,
    };
    tokio::spawn(bulk.run());
    let told = stream::unfold(told, |mut told| async {
        let piece: Bytes = told.recv().await?;
        Some((Ok::<_, Infallible>(piece), told))
    });
    let mut response = Response::new(Body::from_stream(told));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// A request on its way.
struct Bulk {
    partner: Partner,
    lines: Lines,
    /// A line that was read and belongs to the next ones.
    held: Option<Sent>,
    taken: usize,
    tell: mpsc::UnboundedSender<Bytes>,
    _room: OwnedSemaphorePermit,
}

/// Who brings records, below which name.
struct Partner {
    app: App,
    writing: Writing,
    system: System,
}

/// A line that was sent.
struct Sent {
    number: usize,
    bytes: usize,
    id: Option<String>,
    said: Result<Map<String, Value>, Problem>,
}

impl Bulk {
    async fn run(mut self) {
        let ended = self.partner.app.ended.subscribe();
        loop {
            let (some, cut) = self.gather().await;
            if some.is_empty() && cut.is_none() {
                return;
            }
            let done = join_all(some.into_iter().map(|sent| self.partner.bring(sent))).await;
            let mut piece = Vec::new();
            let stops = *ended.borrow() && cut.is_none();
            let cut = cut.or_else(|| stops.then(|| Problem::retry_after(Kind::Unavailable, 5)));
            let next = self.taken + 1;
            let last = cut.as_ref().map(|problem| self.partner.refused(next, None, problem));
            for line in done.into_iter().chain(last) {
                serde_json::to_writer(&mut piece, &line).expect("a vector takes everything");
                piece.push(b'\n');
            }
            // Whoever hung up does not hear; what was handed over is whole all the same.
            if self.tell.send(piece.into()).is_err() {
                return;
            }
            if cut.is_some() {
                return self.lines.drain(usize::try_from(MAX).unwrap_or(usize::MAX)).await;
            }
        }
    }

    /// The next lines to be worked on together, and why there are no more after them, if that is so.
    async fn gather(&mut self) -> (Vec<Sent>, Option<Problem>) {
        let (mut some, mut ids, mut bytes) = (Vec::new(), HashSet::new(), 0);
        loop {
            let sent = match self.held.take() {
                Some(sent) => sent,
                // What has come is worked on before more is waited for.
                None if !some.is_empty() && !self.lines.waits() => return (some, None),
                None => match self.next().await {
                    Ok(Some(sent)) => sent,
                    Ok(None) => return (some, None),
                    Err(problem) => return (some, Some(problem)),
                },
            };
            bytes += sent.bytes;
            let again = sent.id.as_ref().is_some_and(|id| !ids.insert(id.clone()));
            if again || some.len() == TOGETHER || bytes > BYTES_TOGETHER && !some.is_empty() {
                self.held = Some(sent);
                return (some, None);
            }
            some.push(sent);
        }
    }

    async fn next(&mut self) -> Result<Option<Sent>, Problem> {
        let line = self.lines.next().await.map_err(|cut| match cut {
            Cut::TooLong => Problem::new(Kind::TooLarge),
            Cut::Broken => Problem::new(Kind::InvalidBody),
        })?;
        let Some((number, line)) = line else { return Ok(None) };
        self.taken = number;
        if number > MOST {
            self.taken = MOST;
            return Err(Problem::new(Kind::TooLarge)
                .saying(format!("paling banyak {MOST} baris"), format!("at most {MOST} lines")));
        }
        Ok(Some(Sent::read(number, line)))
    }
}

impl Partner {
    async fn bring(&self, sent: Sent) -> Value {
        let Sent { number, bytes: _, id, said } = sent;
        let brought = match (said, &id) {
            (Err(problem), _) => Err(problem),
            (Ok(said), Some(id)) => {
                let name = Name { system: self.system.clone(), id: id.clone() };
                let act = || bring::bring(&self.app, &self.writing, &name, said.clone());
                self.writing.once(act).await
            }
            (Ok(_), None) => Err(Problem::new(Kind::Internal)),
        };
        match brought {
            Ok(brought) => self.stored(number, id.as_deref(), &brought),
            Err(problem) => self.refused(number, id.as_deref(), &problem),
        }
    }

    fn stored(&self, number: usize, id: Option<&str>, brought: &Brought) -> Value {
        let listing = &brought.record.listing;
        let result = match (brought.is_new, brought.is_changed, &brought.revision) {
            (true, ..) => "created",
            (false, true, Some(revision)) if revision.result_version.is_some() => "replaced",
            (false, _, Some(revision)) if revision.decided_at.is_none() => "pending",
            _ => "unchanged",
        };
        let snapshot = self.app.index.snapshot();
        let mut line = json!({
            "line": number, "status": if brought.is_new { 201 } else { 200 }, "external_id": id,
            "result": result, "id": listing.id, "state": listing.status,
            "version": listing.version,
        });
        let missing = domain::edit::missing(&brought.record);
        let duplicates = brought.duplicates(&snapshot, &self.writing);
        for (name, some) in [("missing", json!(missing)), ("duplicates", json!(duplicates))] {
            if some.as_array().is_some_and(|some| !some.is_empty()) {
                line[name] = some;
            }
        }
        line
    }

    fn refused(&self, number: usize, id: Option<&str>, problem: &Problem) -> Value {
        let mut line = Map::from_iter([("line".to_owned(), json!(number))]);
        line.extend(id.map(|id| ("external_id".to_owned(), json!(id))));
        line.extend(problem.told(self.writing.lang, FAULTS));
        Value::Object(line)
    }
}

impl Sent {
    fn read(number: usize, line: Line) -> Self {
        let bytes = line.as_ref().map_or(0, Vec::len);
        let said = read(line);
        let (id, said) = match said.map(id) {
            Ok(read) => read,
            Err(problem) => (None, Err(problem)),
        };
        Self { number, bytes, id, said }
    }
}

fn read(line: Line) -> Result<Map<String, Value>, Problem> {
    let line = line.ok_or_else(|| Problem::new(Kind::TooLarge))?;
    match serde_json::from_slice(&line) {
        Ok(Value::Object(said)) => Ok(said),
        Ok(_) => Err(Problem::invalid(vec![Fault::new(
            "bad_format",
            "harus sebuah objek",
            "must be an object",
        )])),
        Err(error) => {
            let column = error.column();
            Err(Problem::new(Kind::InvalidBody).saying(
                format!("bukan JSON: kolom {column}"),
                format!("is no JSON: column {column}"),
            ))
        }
    }
}

type Said = Result<Map<String, Value>, Problem>;

/// The id of a record, and what else is said of it.
fn id(mut said: Map<String, Value>) -> (Option<String>, Said) {
    let fault = match said.shift_remove("external_id") {
        Some(Value::String(id)) => match external::id_fault(&id) {
            None => return (Some(id), Ok(said)),
            Some(fault) => fault,
        },
        Some(_) => Fault::new("bad_format", "harus sebuah teks", "must be a text"),
        None => Fault::new("missing", "harus ada", "must be there"),
    };
    (None, Err(Problem::invalid(vec![fault.below("external_id")])))
}
