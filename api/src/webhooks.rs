//! Webhooks: addresses of partners that are told what happens to listings, as Standard Webhooks 1.0
//! has it.

use axum::{extract::State, response::Response};
use chrono::{DateTime, FixedOffset};
use domain::{
    Fault, delivery,
    key::{AreaCode, CategoryCode},
    listing::{Kind as ListingKind, names_nothing, too_many},
    scope::Scope,
    text::line_fault,
    webhook::{self, Status},
};
use search::Snapshot;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    body::{Body, Patch, unknown_members},
    changes::{
        cursor::{self, Bad, Cursor},
        walk,
    },
    ids,
    listing_query::specs,
    managed::local,
    params::Spec,
    person::Person,
    problem::{Kind, Problem},
    writing::{Stored, WriteParams, Writing},
};

pub mod outside;
pub mod sender;

/// The most values of one member of a scope.
const MOST_VALUES: usize = 50;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_webhooks, create_webhook))
        .routes(routes!(get_webhook, update_webhook, delete_webhook))
        .routes(routes!(test_webhook))
        .routes(routes!(rotate_webhook))
        .routes(routes!(replay_webhook))
        .routes(routes!(list_deliveries))
}

/// Somebody who is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookView {
    id: Uuid,
    #[schema(max_length = 1000, format = "uri", example = "https://mitra.example/griya")]
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    note: Option<String>,
    /// Kinds that it is told of; all where none is named.
    #[schema(max_items = 50)]
    kinds: Vec<ListingKind>,
    /// Areas, those inside them included; all where none is named.
    #[schema(value_type = Vec<String>, max_items = 50)]
    areas: Vec<AreaCode>,
    /// Categories, those below them included; all where none is named.
    #[schema(value_type = Vec<String>, max_items = 50)]
    categories: Vec<CategoryCode>,
    #[schema(value_type = String, example = "active")]
    status: Status,
    /// What deliveries are signed with; said this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80, example = "whsec_…")]
    secret: Option<String>,
    /// Until when they are signed with the secret before as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_secret_until: Option<DateTime<FixedOffset>>,
    created_at: DateTime<FixedOffset>,
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    version: i64,
}

impl WebhookView {
    fn of(webhook: webhook::Model) -> Self {
        let webhook::Model {
            id,
            account: _,
            url,
            note,
            scope: Scope { kinds, areas, categories },
            status,
            secret: _,
            old_secret: _,
            old_until,
            created_at,
            version,
        } = webhook;
        Self {
            id,
            url,
            note,
            kinds,
            areas,
            categories,
            status,
            secret: None,
            old_secret_until: old_until.map(local),
            created_at: local(created_at),
            version,
        }
    }

    fn stored(webhook: &webhook::Model, secret: Option<&String>) -> Value {
        json!(Self { secret: secret.cloned(), ..Self::of(webhook.clone()) })
    }
}

/// The webhooks of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookPage)]
pub struct WebhookPage {
    #[schema(max_items = 20)]
    items: Vec<WebhookView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// Where somebody wants to be told, and of what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookWrite)]
pub struct WebhookDraft {
    /// `https://…`, on the public internet.
    #[schema(max_length = 1000, format = "uri", example = "https://mitra.example/griya")]
    url: String,
    #[schema(max_length = 200)]
    note: Option<String>,
    #[serde(default)]
    #[schema(max_items = 50)]
    kinds: Vec<ListingKind>,
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    areas: Vec<AreaCode>,
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    categories: Vec<CategoryCode>,
}

/// What is to be otherwise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookPatch)]
pub struct WebhookPatch {
    /// `https://…`, on the public internet.
    #[schema(max_length = 1000, format = "uri")]
    url: Option<String>,
    #[schema(max_length = 200)]
    note: Option<String>,
    /// `active` or `paused`. What waits is sent when it goes on.
    #[schema(value_type = Option<String>, example = "active")]
    status: Option<Status>,
}

/// From where it is to be told anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayWrite)]
pub struct ReplayDraft {
    /// A cursor of `/v1/changes` with the same kinds, areas and categories; without it, everything
    /// that is published.
    #[schema(max_length = 400)]
    since: Option<String>,
}

/// Something that was or is to be told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// As `webhook-id` has it.
    #[schema(max_length = 40, example = "msg_0198c5f06a3e7c4b9b1e2f3a4b5c6d7e")]
    id: String,
    #[serde(rename = "type")]
    #[schema(max_length = 32, example = "listing.changed")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    listing: Option<Uuid>,
    /// `waiting`, `delivered` or `ended`.
    #[schema(max_length = 16, example = "delivered")]
    state: &'static str,
    #[schema(minimum = 0, maximum = 1000, format = "int32")]
    tries: i32,
    created_at: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_at: Option<DateTime<FixedOffset>>,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<DateTime<FixedOffset>>,
    /// Of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 999, format = "int32")]
    status: Option<i32>,
    /// The beginning of the last answer, or why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    answer: Option<String>,
}

impl From<delivery::Model> for DeliveryView {
    fn from(delivery: delivery::Model) -> Self {
        let delivery::Model {
            id,
            webhook: _,
            number: _,
            listing,
            kind,
            body: _,
            tries,
            created_at,
            due_at,
            done_at,
            status,
            answer,
            version: _,
        } = delivery;
        let taken = status.is_some_and(|status| (200..300).contains(&status));
        Self {
            id: format!("msg_{}", id.simple()),
            kind,
            listing,
            state: match done_at {
                None => "waiting",
                Some(_) if taken => "delivered",
                Some(_) => "ended",
            },
            tries,
            created_at: local(created_at),
            done_at: done_at.map(local),
            next_try_at: done_at.is_none().then(|| local(due_at)),
            status,
            answer,
        }
    }
}

/// Deliveries of a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryPage)]
pub struct DeliveryPage {
    /// The newest first.
    #[schema(max_items = 100)]
    items: Vec<DeliveryView>,
    /// Where the next page starts; `null` at the end.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// The webhook that a path names, where it is theirs.
async fn own(app: &App, person: &Person, key: &str) -> Result<webhook::Model, Problem> {
    let none = || Problem::new(Kind::NotFound);
    let webhook = webhook::get(&app.store.reader, key.parse().map_err(|_| none())?).await?;
    let its = |webhook: &webhook::Model| {
        webhook.account == person.account.id && webhook.status != Status::Ended
    };
    webhook.filter(its).ok_or_else(none)
}

/// What is wrong with an address, a note and a scope.
fn faults(
    app: &App,
    url: Option<&str>,
    note: Option<&str>,
    scope: Option<&Scope>,
    snapshot: &Snapshot,
) -> Vec<Fault> {
    let private = app.settings.webhook_private;
    let url = url.and_then(|url| outside::address(url, private).err());
    let note = note.and_then(|note| line_fault(note, webhook::NOTE_MAX));
    let mut faults: Vec<Fault> = url.map(|fault| fault.below("url")).into_iter().collect();
    faults.extend(note.map(|fault| fault.below("note")));
    let Some(Scope { kinds, areas, categories }) = scope else { return faults };
    let reference = snapshot.reference();
    let nothing = |name: &'static str, at: usize| names_nothing().below(at).below(name);
    let unknown = areas.iter().enumerate().filter(|(_, code)| reference.area(code).is_none());
    faults.extend(unknown.map(|(at, _)| nothing("areas", at)));
    let unknown =
        categories.iter().enumerate().filter(|(_, code)| reference.category(code).is_none());
    faults.extend(unknown.map(|(at, _)| nothing("categories", at)));
    let lengths =
        [("kinds", kinds.len()), ("areas", areas.len()), ("categories", categories.len())];
    let long = lengths.into_iter().filter(|(_, length)| *length > MOST_VALUES);
    faults.extend(long.map(|(name, _)| too_many(MOST_VALUES).below(name)));
    faults
}

/// List one's webhooks.
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "webhooks", security(("bearer" = [])), params(LangParams),
    responses((status = OK, description = "The webhooks, the oldest first", body = WebhookPage))
)]
async fn list_webhooks(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let all = webhook::of(&app.store.reader, person.account.id).await?;
    let items = all.into_iter().map(WebhookView::of).collect();
    Answer::of(&WebhookPage { items, cursor: None }, media::JSON, asked.lang)
}

/// Be told what happens.
///
/// From now on the address is told of every change to the listings named, as Standard Webhooks 1.0
/// has it: a POST with `webhook-id`, `webhook-timestamp` and `webhook-signature`. It says where to
/// look, not what has changed: `{"type": "listing.changed", "timestamp": …, "data": {"id", "kind",
/// "url", "version"}}`, or `listing.deleted`. At least once, in order for each listing; an answer of
/// 2xx within 25 seconds takes it. Failures are tried again for three days, the first time within 5
/// seconds; then the webhook is paused and its owner told. 410 ends it; `Retry-After` is kept; no
/// redirect is followed. At most 20 for one account.
#[utoipa::path(
    post, path = "/v1/webhooks", tag = "webhooks", security(("bearer" = [])), params(WriteParams),
    request_body(content = WebhookDraft, content_type = "application/json"),
    responses(
        (status = CREATED, description = "The webhook with its secret", body = WebhookView),
        (status = CONFLICT, description = "There are as many as there may be"))
)]
async fn create_webhook(
    State(app): State<App>,
    writing: Writing,
    Body(said): Body,
) -> Result<Response, Problem> {
    let WebhookDraft { url, note, kinds, areas, categories } = Body(said.clone()).into()?;
    let scope = Scope { kinds, areas, categories };
    let snapshot = app.index.snapshot();
    let faults = faults(&app, Some(&url), note.as_deref(), Some(&scope), &snapshot);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let act = async || {
        let (db, now) = (&app.store.reader, writing.now);
        let account = writing.person.account.id;
        if webhook::of(db, account).await?.len() >= webhook::MOST {
            let most = webhook::MOST;
            return Err(Problem::new(Kind::Conflict).saying(
                format!("sudah ada {most} webhook"),
                format!("there are {most} webhooks already"),
            ));
        }
        let (id, secret) = (ids::new(now), sender::secret());
        let webhook =
            webhook::Model::new(id, account, url.clone(), scope.clone(), secret.clone(), now);
        let webhook = webhook::Model { note: note.clone(), ..webhook };
        let cursor = walk::now(&app.store, &snapshot, &scope).await?.to_string();
        let place = webhook::place::Model { webhook: id, cursor, made: 0, version: 1 };
        let mut unit = writing.by(None, None).unit();
        unit.writes.extend([webhook.clone().into(), place.into()]);
        let body = WebhookView::stored(&webhook, Some(&secret));
        let stored = Stored::new(&body, 1, format!("/v1/webhooks/{id}"));
        Ok((unit, stored.once(&WebhookView::stored(&webhook, None))))
    };
    writing.run(&said, act).await
}

/// Get a webhook.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), LangParams),
    responses((status = OK, description = "The webhook", body = WebhookView))
)]
async fn get_webhook(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let webhook = own(&app, &person, &key).await?;
    let version = webhook.version;
    Ok(Answer::of(&WebhookView::of(webhook), media::JSON, asked.lang)?.version(version))
}

/// Change a webhook: its address, its note, whether it is told.
///
/// A merge patch (RFC 7396); `If-Match` is required. One that was paused is told at once everything
/// that waits.
#[utoipa::path(
    patch, path = "/v1/webhooks/{id}", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), WriteParams),
    request_body(content = WebhookPatch, content_type = "application/merge-patch+json"),
    responses((status = OK, description = "The webhook", body = WebhookView))
)]
async fn update_webhook(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Patch(said): Patch,
) -> Result<Response, Problem> {
    let patch: WebhookPatch = Body(said.clone()).into()?;
    let snapshot = app.index.snapshot();
    let mut faults = faults(&app, patch.url.as_deref(), patch.note.as_deref(), None, &snapshot);
    if patch.status == Some(Status::Ended) {
        let fault = Fault::new("not_allowed", "hapus webhook itu", "delete the webhook instead");
        faults.push(fault.below("status"));
    }
    for name in ["url", "status"].into_iter().filter(|name| said.get(*name) == Some(&Value::Null)) {
        faults.push(Fault::new("missing", "harus ada", "must be there").below(name));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let act = async || {
        let before = own(&app, &writing.person, &key).await?;
        writing.check_version(before.version, true)?;
        let (was, mut after) = (before.status, before.changed());
        after.url = patch.url.clone().unwrap_or(after.url);
        after.status = patch.status.unwrap_or(after.status);
        if said.contains_key("note") {
            after.note.clone_from(&patch.note);
        }
        let mut unit = writing.by(None, None).unit();
        if was == Status::Paused && after.status == Status::Active {
            let waiting = delivery::undone(&app.store.reader, after.id, 10_000).await?;
            unit.writes.extend(waiting.into_iter().map(|one| one.afresh(writing.now).into()));
        }
        unit.writes.push(after.clone().into());
        Ok((unit, Stored::state(&WebhookView::stored(&after, None), after.version)))
    };
    let answer = writing.run(&said, act).await;
    app.webhooks.look_again();
    answer
}

/// Delete a webhook: nothing is sent any more, also nothing that waits.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), WriteParams),
    responses((status = NO_CONTENT, description = "It is gone"))
)]
async fn delete_webhook(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
) -> Result<Response, Problem> {
    let act = async || {
        let webhook = own(&app, &writing.person, &key).await?;
        writing.check_version(webhook.version, false)?;
        let mut unit = writing.by(None, None).unit();
        unit.writes.push(webhook::Model { status: Status::Ended, ..webhook.changed() }.into());
        Ok((unit, Stored::nothing()))
    };
    writing.run(&serde_json::Map::new(), act).await
}

/// Have a webhook told something, to try it: a delivery of type `webhook.test`.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/test", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), WriteParams),
    responses((status = OK, description = "The delivery, which is on its way", body = DeliveryView))
)]
async fn test_webhook(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(said): Body,
) -> Result<Response, Problem> {
    nothing_in(&said)?;
    let act = async || {
        let webhook = own(&app, &writing.person, &key).await?;
        let place = webhook::place(&app.store.reader, webhook.id).await?;
        let place = place.ok_or_else(|| Problem::new(Kind::NotFound))?;
        let (now, id) = (writing.now, ids::new(writing.now));
        let body = sender::event(sender::TEST, now, &json!({"webhook": webhook.id}));
        let number = place.made + 1;
        let delivery =
            delivery::Model::new((id, webhook.id, number), None, sender::TEST, body, now);
        let cursor = place.cursor.clone();
        let mut unit = writing.by(None, None).unit();
        unit.writes.extend([place.moved(cursor, 1).into(), delivery.clone().into()]);
        Ok((unit, Stored::state(&json!(DeliveryView::from(delivery)), 1)))
    };
    let answer = writing.run(&said, act).await;
    app.webhooks.look_again();
    answer
}

/// Give a webhook a new secret.
///
/// It is said this once. For a day deliveries carry two signatures, of the new secret and of the one
/// before.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/rotate", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), WriteParams),
    responses((status = OK, description = "The webhook with its new secret", body = WebhookView))
)]
async fn rotate_webhook(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(said): Body,
) -> Result<Response, Problem> {
    nothing_in(&said)?;
    let act = async || {
        let webhook = own(&app, &writing.person, &key).await?;
        writing.check_version(webhook.version, false)?;
        let secret = sender::secret();
        let webhook = webhook.rotated(secret.clone(), writing.now);
        let mut unit = writing.by(None, None).unit();
        unit.writes.push(webhook.clone().into());
        let body = WebhookView::stored(&webhook, Some(&secret));
        let stored = Stored::state(&body, webhook.version);
        Ok((unit, stored.once(&WebhookView::stored(&webhook, None))))
    };
    writing.run(&said, act).await
}

/// Have a webhook told anew what happened since a cursor, or everything.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/replay", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), WriteParams),
    request_body(content = ReplayDraft, content_type = "application/json"),
    responses((status = OK, description = "The webhook, which is being told", body = WebhookView))
)]
async fn replay_webhook(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(said): Body,
) -> Result<Response, Problem> {
    let draft: ReplayDraft = Body(said.clone()).into()?;
    let act = async || {
        let webhook = own(&app, &writing.person, &key).await?;
        let place = webhook::place(&app.store.reader, webhook.id).await?;
        let place = place.ok_or_else(|| Problem::new(Kind::NotFound))?;
        let snapshot = app.index.snapshot();
        let cursor = match &draft.since {
            Some(raw) => Cursor::read(raw, &webhook.scope).map_err(bad_since)?,
            None => walk::start(&app.store, &snapshot, &webhook.scope).await?,
        };
        // What leads nowhere is said now, and not when it is too late.
        walk::page(&app.store, &snapshot, &webhook.scope, cursor.clone(), 1).await?;
        let mut unit = writing.by(None, None).unit();
        unit.writes.push(place.moved(cursor.to_string(), 0).into());
        Ok((unit, Stored::state(&WebhookView::stored(&webhook, None), webhook.version)))
    };
    let answer = writing.run(&said, act).await;
    app.webhooks.look_again();
    answer
}

fn bad_since(bad: Bad) -> Problem {
    Problem::invalid(vec![bad.fault().below("since")])
}

/// A write that needs nothing said.
fn nothing_in(said: &serde_json::Map<String, Value>) -> Result<(), Problem> {
    let unknown = unknown_members(said, &[]);
    if unknown.is_empty() { Ok(()) } else { Err(Problem::invalid(unknown)) }
}

specs! {
    /// What the log of deliveries takes.
    DELIVERIES:
    "limit" one, json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20}), 20,
        "The most deliveries.";
    "cursor" one, json!({"type": "string", "pattern": "^[0-9]{1,18}$", "maxLength": 18}), Value::Null,
        "From the last answer.";
}

/// The parameters of the log of deliveries.
pub struct DeliveryParams;

impl utoipa::IntoParams for DeliveryParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        COMMON.iter().chain(DELIVERIES).map(Spec::document).collect()
    }
}

/// List what a webhook was told, and what came of it.
///
/// What is done is kept for 30 days.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id"), DeliveryParams),
    responses((status = OK, description = "The deliveries", body = DeliveryPage))
)]
async fn list_deliveries(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let limit = asked.params.integer("limit", 1, 100).unwrap_or(20);
    let before = asked.params.integer("cursor", 0, usize::MAX >> 4);
    asked.params.finish(&[&COMMON, DELIVERIES])?;
    let webhook = own(&app, &person, &key).await?;
    let before = before.and_then(|before| i64::try_from(before).ok());
    let mut found = delivery::of(&app.store.reader, webhook.id, before, limit as u64 + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let cursor = found.last().filter(|_| more).map(|last| last.number.to_string());
    let items = found.into_iter().map(DeliveryView::from).collect();
    Answer::of(&DeliveryPage { items, cursor }, media::JSON, asked.lang)
}

const _: () = assert!(cursor::MAX <= 400, "as the schemas say");
