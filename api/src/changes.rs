//! Changes: everything that is published, and whatever happens to it, in order, deletions included.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use chrono::{DateTime, FixedOffset};
use domain::{
    key::{AreaCode, CategoryCode},
    listing::{DEFAULT_ZONE, Kind},
    scope::Scope,
    text::Lang,
};
use futures_util::stream;
use search::Snapshot;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON},
    changes::{
        cursor::{Bad, Cursor},
        walk::{Lost, Told},
    },
    fields::Fields,
    listing_detail::{TEXTS, tongue, whole},
    listing_query::{areas, categories, kinds, pattern, specs},
    listing_view::{Seen, WHENEVER, local},
    openapi,
    params::{Params, Spec},
    problem::{self, At, Problem},
    words::Tongue,
};

crate::exports::text_schema! {
    /// Server-sent events (HTML Living Standard §9.2), for as long as they are listened to.
    EventText = "EventStream"
}

pub mod cursor;
pub mod walk;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_changes)).routes(routes!(stream_changes))
}

/// Items of a page that names no limit.
const LIMIT: usize = 100;
/// The most items of a page.
const MAX_LIMIT: usize = 500;
/// The longest `fields`, characters.
const MAX_FIELDS: usize = 2000;
/// How often a stream says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Streams of a node at once.
pub const STREAMS: usize = 1000;

specs! {
    /// What the changes and their stream take.
    FOLLOWED:
    "kind" many, json!({"type": "string", "enum": ["place", "producer", "event"]}), "place", "Kind of listing.";
    "area" many, pattern(AreaCode::PATTERN, AreaCode::MAX), "34.02.03",
        "Kemendagri code of any level; inner areas included. What leaves it is told as deleted.";
    "category" many, pattern(CategoryCode::PATTERN, CategoryCode::MAX), "nature.beach",
        "Category code; those below it included. What leaves it is told as deleted.";
    "fields" one, json!({"type": "string", "minLength": 1, "maxLength": MAX_FIELDS}), "name,location,updated_at",
        "Only these members of `listing`, dotted; `id` is always there.";
}

specs! {
    /// What a page of changes takes as well.
    PAGED:
    "since" one, json!({"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "minLength": 1, "maxLength": cursor::MAX}), Value::Null,
        "The `cursor` of the last answer. Without it everything comes that is published, then what has happened meanwhile.";
    "limit" one, json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT}), 100,
        "The most items.";
}

/// The parameters of a page of changes.
pub struct ChangeParams;

impl utoipa::IntoParams for ChangeParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        let all = PAGED.iter().chain(FOLLOWED).chain(&TEXTS).chain(&COMMON);
        all.map(Spec::document).collect()
    }
}

/// The parameters of the stream.
pub struct StreamParams;

impl utoipa::IntoParams for StreamParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        PAGED[..1].iter().chain(FOLLOWED).chain(&TEXTS).chain(&COMMON).map(Spec::document).collect()
    }
}

/// What a listing is now, or that it is not there any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change, example = json!({"id": "01a20ada-2c00-796c-84a8-0529f3d06181", "kind": "place", "deleted": true, "at": "2026-11-24T12:00:00+07:00"}))]
pub struct ChangedView {
    id: Uuid,
    kind: Kind,
    /// A tombstone: drop it. It is no longer published, or no longer in what you follow.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    deleted: bool,
    /// The listing that stayed when two became one; with `deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<Uuid>,
    /// When it was written last.
    at: DateTime<FixedOffset>,
    /// The whole of it, as `GET /v1/places|producers|events/{id}` has it, but for what depends on
    /// the moment (`open`, `next_open`, `next_occurrence`); a producer with its `products`. Put it
    /// in the place of what you have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    listing: Option<Value>,
}

/// Some changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangePage)]
pub struct ChangePage {
    /// In order; no listing twice.
    #[schema(max_items = 500)]
    items: Vec<ChangedView>,
    /// To be kept, and sent as `since` the next time, whether there is more now or not.
    #[schema(max_length = 400)]
    cursor: String,
    /// Whether there is more now: then ask again at once.
    has_more: bool,
}

fn example() -> Value {
    json!({
        "items": [
            {"id": "01a20ada-2c00-7f3e-8f6c-6d1c5b3f2a10", "kind": "place", "at": "2026-11-24T12:00:00+07:00",
             "listing": {"id": "01a20ada-2c00-7f3e-8f6c-6d1c5b3f2a10", "name": "Goa Selarong"}},
            {"id": "01a20ada-2c00-796c-84a8-0529f3d06181", "kind": "place", "deleted": true,
             "at": "2026-11-24T12:05:00+07:00"}
        ],
        "cursor": "eyJuIjoxMjMsIm0iOiJhYmMifQ", "has_more": false
    })
}

/// Who follows what, and how they want it told.
struct Follower {
    scope: Scope,
    fields: Option<Fields>,
    lang: Lang,
    tongue: Tongue,
    cursor: Option<String>,
}

impl Follower {
    /// Reads the parameters; faults stay with them.
    fn read(asked: &mut Asked) -> Self {
        let snapshot = Arc::clone(&asked.snapshot);
        let tongue = tongue(asked);
        let lang = asked.lang;
        let p = &mut asked.params;
        let scope = scope(p, &snapshot);
        let fields = p.one_with("fields", |raw| Fields::read(raw, openapi::whole_fields()));
        let cursor = p.one_with("since", |raw| Ok(raw.to_owned()));
        Self { scope, fields, lang, tongue, cursor }
    }

    /// Where it goes on: from its cursor, or from the beginning.
    async fn cursor(&self, app: &App, snapshot: &Snapshot) -> Result<Cursor, Problem> {
        match &self.cursor {
            Some(raw) => Cursor::read(raw, &self.scope).map_err(bad_cursor),
            None => Ok(walk::start(&app.store, snapshot, &self.scope).await?),
        }
    }

    fn view(&self, snapshot: &Snapshot, told: &Told) -> serde_json::Result<ChangedView> {
        match told {
            Told::Gone { id, kind, at, merged_into } => Ok(ChangedView {
                id: *id,
                kind: *kind,
                deleted: true,
                merged_into: *merged_into,
                at: at.with_timezone(&DEFAULT_ZONE).fixed_offset(),
                listing: None,
            }),
            Told::Is(document) => {
                let (lang, tongue, now) = (self.lang, self.tongue, WHENEVER);
                let seen = Seen { snapshot, lang, tongue, now };
                let record = document.record();
                let mut listing = whole(&seen, document, &record)?;
                if let Some(fields) = &self.fields {
                    fields.keep(&mut listing);
                }
                Ok(ChangedView {
                    id: document.id,
                    kind: document.kind,
                    deleted: false,
                    merged_into: None,
                    at: local(record.listing.updated_at, document),
                    listing: Some(listing),
                })
            }
        }
    }
}

/// The part of all listings that `kind`, `area` and `category` name.
pub fn scope(p: &mut Params, snapshot: &Snapshot) -> Scope {
    let reference = snapshot.reference();
    Scope { kinds: kinds(p), areas: areas(p, reference), categories: categories(p, reference) }
}

/// List what has changed since.
///
/// Everything that is published, then whatever happens to it, in order: what each listing is now, or
/// that it is not there any more. Keep the `cursor` with what you store: whoever follows it holds
/// exactly what is published, however often they were interrupted. What comes twice is the same or
/// newer. A listing that is shown otherwise because another one changed (its venue moved) comes too.
#[utoipa::path(
    get, path = "/v1/changes", tag = "changes", params(ChangeParams),
    responses((status = OK, description = "Some changes", body = ChangePage, example = json!(example())))
)]
async fn list_changes(State(app): State<App>, mut asked: Asked) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let follower = Follower::read(&mut asked);
    let limit = asked.params.integer("limit", 1, MAX_LIMIT).unwrap_or(LIMIT);
    asked.params.finish(&[PAGED, FOLLOWED, &TEXTS, &COMMON])?;
    let snapshot = asked.snapshot;
    let cursor = follower.cursor(&app, &snapshot).await?;
    let page = walk::page(&app.store, &snapshot, &follower.scope, cursor, limit).await?;
    let items = page.told.iter().map(|told| follower.view(&snapshot, told));
    let items = items.collect::<Result<_, _>>().map_err(|error| Problem::internal(&error))?;
    let page = ChangePage { items, cursor: page.cursor.to_string(), has_more: page.more };
    Ok(Answer::of(&page, media::JSON, asked.lang)?.brief())
}

/// Follow what changes, as server-sent events.
///
/// The same as `/v1/changes`, but it goes on: an event `change` for each item, an event `caught_up`
/// when there is nothing more for now. It goes on for whoever asks for `text/event-stream` by name, as
/// every browser does; for others it ends there. Its `id` is a cursor: a browser that lost the connection sends
/// it as `Last-Event-ID` by itself, and nothing is missed.
#[utoipa::path(
    get, path = "/v1/changes/stream", tag = "changes",
    params(StreamParams,
        ("Last-Event-ID" = Option<String>, Header, description = "Where to go on; wins over `since`",
            min_length = 1, max_length = 400)),
    responses((status = OK, description = "Changes as they happen", content_type = "text/event-stream", body = EventText,
        example = json!("event: change\nid: eyJuIjoxMjN9\ndata: {\"id\": \"01a20ada-2c00-796c-84a8-0529f3d06181\", \"kind\": \"place\", \"deleted\": true, \"at\": \"2026-11-24T12:00:00+07:00\"}\n\n")))
)]
async fn stream_changes(
    State(app): State<App>,
    headers: HeaderMap,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.media(&[media::EVENTS])?;
    let lasts = asked.names(media::EVENTS);
    let mut follower = Follower::read(&mut asked);
    asked.params.finish(&[&PAGED[..1], FOLLOWED, &TEXTS, &COMMON])?;
    if let Some(last) = headers.get("last-event-id") {
        follower.cursor = Some(last.to_str().unwrap_or_default().to_owned());
    }
    let room = Arc::clone(&app.streams).try_acquire_owned();
    let room = room.map_err(|_| Problem::retry_after(problem::Kind::Unavailable, 30))?;
    let cursor = follower.cursor(&app, &asked.snapshot).await?;
    // What is wrong with the cursor is said while it can be said as a problem.
    walk::page(&app.store, &asked.snapshot, &follower.scope, cursor.clone(), 1).await?;
    let ended = app.ended.subscribe();
    let state = Streaming { app, follower, cursor, lasts, caught_up: false, ended, _room: room };
    let events = stream::unfold(state, Streaming::next);
    let events = futures_util::StreamExt::flat_map(events, stream::iter);
    let alive = KeepAlive::new().interval(HEARTBEAT);
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

/// Somebody who listens.
struct Streaming {
    app: App,
    follower: Follower,
    cursor: Cursor,
    /// Whether they wait for what is to come.
    lasts: bool,
    caught_up: bool,
    ended: tokio::sync::watch::Receiver<bool>,
    _room: OwnedSemaphorePermit,
}

type Events = Vec<Result<Event, Infallible>>;

impl Streaming {
    /// The events of the next page, once there are some; `None` ends the stream, and whoever listens
    /// comes back with the last id.
    async fn next(mut self) -> Option<(Events, Self)> {
        loop {
            if *self.ended.borrow() || self.caught_up && !self.lasts {
                return None;
            }
            let snapshot = self.app.index.snapshot();
            let (store, scope) = (&self.app.store, &self.follower.scope);
            let page = walk::page(store, &snapshot, scope, self.cursor.clone(), LIMIT).await;
            let page = page
                .inspect_err(|error| {
                    let error = error as &dyn std::error::Error;
                    tracing::warn!(error, "a stream of changes ends");
                })
                .ok()?;
            let mut events = self.events(&snapshot, &page)?;
            let was = std::mem::replace(&mut self.caught_up, !page.more);
            self.cursor = page.cursor;
            if self.caught_up && (!was || !events.is_empty()) {
                let event = Event::default().event("caught_up").id(self.cursor.to_string());
                events.push(Ok(event.json_data(json!({"seq": snapshot.seq})).ok()?));
            }
            if !events.is_empty() {
                return Some((events, self));
            }
            if self.caught_up {
                let mut ended = self.ended.clone();
                tokio::select! {
                    () = self.app.shown_after(snapshot.seq) => {}
                    _ = ended.changed() => {}
                }
            }
        }
    }

    /// A page as events; the last of them says how far it leads.
    fn events(&self, snapshot: &Snapshot, page: &walk::Page) -> Option<Events> {
        let last = page.told.len().checked_sub(1);
        let event = |(at, told): (usize, &Told)| {
            let view = self.follower.view(snapshot, told).ok()?;
            let event = Event::default().event("change").json_data(view).ok()?;
            let event = if Some(at) == last { event.id(page.cursor.to_string()) } else { event };
            Some(Ok(event))
        };
        page.told.iter().enumerate().map(event).collect()
    }
}

fn bad_cursor(bad: Bad) -> Problem {
    Problem::invalid_parameters(vec![(At::Parameter("since".to_owned()), bad.fault())])
}

impl From<Lost> for Problem {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Expired => Self::new(problem::Kind::CursorExpired),
            Lost::Db(error) => error.into(),
        }
    }
}
