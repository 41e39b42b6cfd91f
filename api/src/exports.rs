//! Exports: a whole filtered list as one stream, however long it is.
//!
//! A stream walks the snapshot that was shown when it was asked for, a page of hits at a time, and
//! holds nothing of what it has sent; the database has no part in it. Its tag is made of what decides
//! its content, for the content itself is known only at its end. What is invented is left out.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use chrono::{DateTime, Utc};
use domain::{
    listing::{DEFAULT_ZONE, Kind},
    text::Lang,
};
use futures_util::stream;
use search::{Document, Hit, Page, Query, Snapshot, Sort};
use tokio::sync::OwnedSemaphorePermit;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    answer::{File, Span, freshness, media},
    app::App,
    asked::Asked,
    discover::bad_cursor,
    honest::Honest,
    icalendar::{self, Calendar, Dates},
    listing_detail::whole,
    listing_view::{Seen, WHENEVER},
    problem::{self, Problem},
    words::Tongue,
};

pub mod csv;

/// Makes the schema of an answer that is one long text.
macro_rules! text_schema {
    ($(#[doc = $doc:literal])+ $name:ident = $shown:literal) => {
        $(#[doc = $doc])+
        pub struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let about = [$($doc),+].join(" ");
                // As long as there are listings: what can be written as a bound.
                let schema = serde_json::json!({"type": "string", "description": about.trim(), "maxLength": i32::MAX});
                serde_json::from_value(schema).expect("a schema of the contract is well formed")
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $shown.into()
            }
        }
    };
}
pub(crate) use text_schema;

text_schema! {
    /// Everything that was found, a listing a row (RFC 4180): the same columns for every kind, texts
    /// by language, licence and source of each. Nothing that is a sample.
    CsvExport = "CsvExport"
}
text_schema! {
    /// Everything that was found, a JSON text a line: the listing as its detail has it with
    /// `texts=all`, without what depends on the moment. Nothing that is a sample.
    LinesExport = "LinesExport"
}

/// Streams of a node at once: each holds a snapshot for as long as its reader takes.
pub const STREAMS: usize = 32;
/// Hits that are found at once.
const PAGE: usize = 1000;
/// Bytes of one piece, about.
const PIECE: usize = 64 * 1024;

/// Whether a representation is of the whole list, in a stream.
pub fn is_whole(media: &str) -> bool {
    matches!(media, media::CALENDAR | media::CSV | media::NDJSON)
}

/// The list that `query` asks for, as `media`.
///
/// # Errors
/// 503 where too many streams are open.
pub fn stream(
    app: &App,
    asked: Asked,
    mut query: Query,
    kind: Option<Kind>,
    media: &'static str,
) -> Result<Response, Problem> {
    let room = Arc::clone(&app.exports).try_acquire_owned();
    let room = room.map_err(|_| Problem::retry_after(problem::Kind::Unavailable, 30))?;
    if query.sort == Sort::Fair && query.seed.is_none() && !asked.params.has("sort") {
        // Two exports are to be compared: where nobody asks for a shuffle, there is none.
        query.sort = Sort::Id;
    }
    query.limit = PAGE;
    let Asked { lang, path, query: raw, now, snapshot, .. } = asked;
    let tag = tag(app, &snapshot, &query, &[&path, &raw, media, lang.code()], now);
    let page = snapshot.find(&query, now).map_err(bad_cursor)?;
    let until = page.holds_until;
    let form = match media {
        media::CALENDAR => Form::Calendar(Calendar::default(), Dates::around(now, query.window)),
        media::CSV => Form::Csv,
        _ => Form::Ndjson,
    };
    let walk = Walk {
        base: app.settings.public_url.clone(),
        query: Query { cursor: page.next.clone(), ..query },
        found: documents(&page.hits),
        snapshot,
        lang,
        now,
        form,
        begun: false,
        ended: false,
        _room: room,
    };
    let pieces = stream::try_unfold(walk, |walk| tokio::task::spawn_blocking(|| walk.next()));
    let span = until.map(|until| Span::new(now, until));
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media::header(media)));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.code()));
    headers
        .insert(header::VARY, HeaderValue::from_static("Accept, Accept-Language, Accept-Encoding"));
    headers.insert(header::CACHE_CONTROL, freshness(span, now));
    let file = file(kind, media).disposition();
    for (name, value) in [(header::ETAG, tag), (header::CONTENT_DISPOSITION, file)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

/// What an export is called as a file. A calendar is opened where it is.
fn file(kind: Option<Kind>, media: &str) -> File {
    let what = kind.map_or("listings", Kind::plural);
    let (ending, kept) = match media {
        media::CALENDAR => ("ics", false),
        media::CSV => ("csv", true),
        _ => ("ndjson", true),
    };
    File { name: format!("griya-{what}.{ending}"), kept }
}

/// The tag of a stream: everything that decides its content. The day is always in it, for that is
/// what calendars look ahead from; the moment where the query goes by it.
fn tag(app: &App, snapshot: &Snapshot, query: &Query, said: &[&str], now: DateTime<Utc>) -> String {
    let moment = now.with_timezone(&DEFAULT_ZONE);
    let moment = if query.depends_on_now() { moment.format("%F %R") } else { moment.format("%F") };
    let base = app.settings.public_url.as_deref().unwrap_or_default();
    let said = format!(
        "{}\n{}\n{}\n{base}\n{moment}\n{}",
        env!("CARGO_PKG_VERSION"),
        snapshot.seq,
        snapshot.len(),
        said.join("\n")
    );
    format!("\"{:032x}\"", xxh3_128(said.as_bytes()))
}

/// What is written of each listing.
enum Form {
    Csv,
    Ndjson,
    Calendar(Calendar, Dates),
}

/// The listings of a page, to be held for as long as it takes to send them.
fn documents(hits: &[Hit<'_>]) -> std::vec::IntoIter<Arc<Document>> {
    hits.iter().map(|hit| Arc::clone(hit.document)).collect::<Vec<_>>().into_iter()
}

/// A stream on its way.
struct Walk {
    base: Option<String>,
    snapshot: Arc<Snapshot>,
    query: Query,
    found: std::vec::IntoIter<Arc<Document>>,
    lang: Lang,
    now: DateTime<Utc>,
    form: Form,
    begun: bool,
    ended: bool,
    _room: OwnedSemaphorePermit,
}

impl Walk {
    /// The next piece; `None` at the end.
    fn next(mut self) -> Option<(Bytes, Self)> {
        let mut piece = Vec::with_capacity(PIECE + PIECE / 8);
        if !std::mem::replace(&mut self.begun, true) {
            self.begin(&mut piece);
        }
        while piece.len() < PIECE && !self.ended {
            match self.found() {
                Some(document) => self.write(&document, &mut piece),
                None => self.end(&mut piece),
            }
        }
        (!piece.is_empty()).then(|| (piece.into(), self))
    }

    /// The next listing; after the last of a page the first of the next.
    fn found(&mut self) -> Option<Arc<Document>> {
        if let Some(document) = self.found.next() {
            return Some(document);
        }
        self.query.cursor.as_ref()?;
        let Page { hits, next, .. } = self
            .snapshot
            .find(&self.query, self.now)
            .inspect_err(|bad| tracing::error!(?bad, "an export lost its own cursor"))
            .ok()?;
        self.query.cursor = next;
        self.found = documents(&hits);
        self.found.next()
    }

    fn begin(&mut self, piece: &mut Vec<u8>) {
        match &mut self.form {
            Form::Csv => csv::head(piece),
            Form::Ndjson => {}
            Form::Calendar(calendar, _) => {
                calendar.begin(None, self.lang, self.now);
                piece.extend(calendar.take());
            }
        }
    }

    fn end(&mut self, piece: &mut Vec<u8>) {
        self.ended = true;
        if let Form::Calendar(calendar, _) = &mut self.form {
            calendar.end();
            piece.extend(calendar.take());
        }
    }

    fn write(&mut self, document: &Document, piece: &mut Vec<u8>) {
        let Some(honest) = Honest::of(&self.snapshot, document) else { return };
        let (snapshot, lang) = (&self.snapshot, self.lang);
        match &mut self.form {
            Form::Calendar(calendar, dates) => {
                let seen = Seen { snapshot, lang, tongue: Tongue::One(lang), now: self.now };
                icalendar::write(calendar, &seen, document, &honest, *dates, self.base.as_deref());
                piece.extend(calendar.take());
            }
            form => {
                let seen = Seen { snapshot, lang, tongue: Tongue::All, now: WHENEVER };
                let view = whole(&seen, document, &honest.record).expect("a view is plain data");
                let view = honest.bare(view);
                if matches!(form, Form::Csv) {
                    csv::row(&view, piece);
                } else {
                    serde_json::to_writer(&mut *piece, &view).expect("a vector takes everything");
                    piece.push(b'\n');
                }
            }
        }
    }
}
