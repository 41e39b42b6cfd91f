//! Moderation: what waits for an officer, and who takes it up.

use axum::{extract::State, response::Response};
use chrono::{DateTime, FixedOffset, Utc};
use domain::{
    Fault, account, comment,
    key::AgencyId,
    listing::Kind as ListingKind,
    permission::{self, Duty},
    record,
    review::{self, Queue, What},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key},
    body::Body,
    ids,
    listing_query::{pattern, specs},
    managed::local,
    params::Spec,
    person::Person,
    problem::{Kind, Problem},
    target::text_of,
    writing::{Stored, WriteParams, Writing},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_queue))
        .routes(routes!(get_review))
        .routes(routes!(assign_review))
        .routes(routes!(comment_review))
}

/// Something that waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Review)]
pub struct ReviewView {
    id: Uuid,
    /// `submission`: a listing handed in; `revision`: a change to a published one; `claim`:
    /// somebody who asks to keep one.
    #[schema(value_type = String, example = "submission")]
    what: What,
    /// The listing, revision or claim that it is.
    subject: Uuid,
    listing: ReviewedView,
    /// Whose officers decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 64)]
    agency: Option<AgencyId>,
    /// The officer who has taken it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<Uuid>,
    opened_at: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<DateTime<FixedOffset>>,
    /// What officers said of it, the oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    comments: Option<Vec<CommentView>>,
}

/// The listing that something that waits is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewedListing)]
pub struct ReviewedView {
    id: Uuid,
    #[schema(max_length = 80)]
    slug: String,
    kind: ListingKind,
    #[schema(max_length = 120)]
    name: String,
    #[schema(max_length = 16)]
    status: String,
}

/// What an officer said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Comment)]
pub struct CommentView {
    id: Uuid,
    author: Uuid,
    #[schema(max_length = 2000)]
    text: String,
    created_at: DateTime<FixedOffset>,
}

impl From<comment::Model> for CommentView {
    fn from(comment: comment::Model) -> Self {
        let comment::Model { id, review: _, author, text, created_at } = comment;
        Self { id, author, text, created_at: local(created_at) }
    }
}

/// What waits, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueuePage)]
pub struct QueuePage {
    #[schema(max_items = 100)]
    items: Vec<ReviewView>,
    /// How much of each waits.
    counts: CountsView,
    /// Where the next page starts; `null` at the end.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// How much of each waits.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = QueueCounts)]
pub struct CountsView {
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    submission: i64,
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    revision: i64,
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    claim: i64,
}

specs! {
    /// What the queue takes.
    QUEUE:
    "what" many, json!({"type": "string", "enum": What::NAMES}), "submission", "Only these.";
    "agency" many, pattern(AgencyId::PATTERN, AgencyId::MAX), Value::Null,
        "Only what these answer for; an officer's own by default.";
    "assigned" one, json!({"type": "string", "enum": ["me", "none"]}), "none",
        "`me`: what one has taken up; `none`: what nobody has.";
    "limit" one, json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20}), 20,
        "How many.";
    "cursor" one, json!({"type": "string", "maxLength": 80}), Value::Null, "From the last answer.";
}

/// The parameters of the queue.
pub struct QueueParams;

impl utoipa::IntoParams for QueueParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        COMMON.iter().chain(QUEUE).map(Spec::document).collect()
    }
}

/// Get what waits for an officer, the oldest first.
#[utoipa::path(
    get, path = "/v1/moderation/queue", tag = "moderation", security(("bearer" = [])),
    params(QueueParams),
    responses((status = OK, description = "What waits", body = QueuePage))
)]
async fn get_queue(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let what: Vec<What> = asked.params.many("what");
    let agencies: Vec<AgencyId> = asked.params.many("agency");
    let assigned = asked.params.one_with("assigned", |raw| match raw {
        "me" => Ok(true),
        "none" => Ok(false),
        _ => Err(Fault::new("unknown_value", "harus me atau none", "must be me or none")),
    });
    let limit = asked.params.integer("limit", 1, 100).unwrap_or(20);
    let after = asked.params.one_with("cursor", |raw| {
        read_cursor(raw).ok_or_else(|| Fault::new("bad_format", "bukan kursor", "is no cursor"))
    });
    let known = |agency: &AgencyId| asked.snapshot.reference().agency(agency).is_some();
    if !agencies.iter().all(known) {
        asked.params.fault("agency", domain::listing::names_nothing());
    }
    asked.params.finish(&[&COMMON, QUEUE])?;
    let agencies = permission::within(&person.account, Duty::Moderate, agencies);
    let agencies = agencies.ok_or_else(|| Problem::new(Kind::Forbidden))?;
    let queue = Queue {
        agencies,
        what,
        assignee: (assigned == Some(true)).then_some(person.account.id),
        unassigned: assigned == Some(false),
        after,
    };
    let db = &app.store.reader;
    let mut rows = review::queue(db, &queue, limit as u64 + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let cursor = last.map(|row| format!("{}.{}", row.opened_at.timestamp_micros(), row.id));
    let ids: Vec<Uuid> = rows.iter().map(|row| row.listing).collect();
    let records = record::load(db, &ids).await?;
    let view = |row: review::Model| {
        let record = records.iter().find(|record| record.listing.id == row.listing)?;
        Some(ReviewView::of(row, record, asked.lang, None))
    };
    let items = rows.into_iter().filter_map(view).collect();
    let mut counts = CountsView::default();
    for (what, count) in review::counts(db, &queue).await? {
        match what {
            What::Submission => counts.submission = count,
            What::Revision => counts.revision = count,
            What::Claim => counts.claim = count,
        }
    }
    Answer::of(&QueuePage { items, counts, cursor }, media::JSON, asked.lang)
}

fn read_cursor(raw: &str) -> Option<(DateTime<Utc>, Uuid)> {
    let (at, id) = raw.split_once('.')?;
    Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, id.parse().ok()?))
}

impl ReviewView {
    fn of(
        row: review::Model,
        record: &record::Record,
        lang: domain::text::Lang,
        comments: Option<Vec<CommentView>>,
    ) -> Self {
        let review::Model {
            id,
            what,
            subject,
            listing: _,
            agency,
            assignee,
            opened_at,
            closed_at,
            version: _,
        } = row;
        let listing = &record.listing;
        let status = serde_json::to_value(listing.status).unwrap_or_default();
        Self {
            id,
            what,
            subject,
            listing: ReviewedView {
                id: listing.id,
                slug: listing.slug.to_string(),
                kind: listing.kind,
                name: listing.name.get(lang).1.to_owned(),
                status: status.as_str().unwrap_or_default().to_owned(),
            },
            agency,
            assignee,
            opened_at: local(opened_at),
            closed_at: closed_at.map(local),
            comments,
        }
    }
}

/// The review that a path names, which they may see, with its listing.
async fn reviewed(
    app: &App,
    account: &account::Model,
    key: &str,
) -> Result<(review::Model, record::Record), Problem> {
    let none = || Problem::new(Kind::NotFound);
    let id: Uuid = key.parse().map_err(|_| none())?;
    if !permission::has(account, Duty::Moderate) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let row = review::get(&app.store.reader, id).await?;
    let of_theirs = |row: &review::Model| permission::acts_for(account, row.agency.as_ref());
    let row = row.filter(of_theirs).ok_or_else(none)?;
    let record = record::load(&app.store.reader, &[row.listing]).await?.pop().ok_or_else(none)?;
    Ok((row, record))
}

/// Get something that waits, with what officers said of it.
#[utoipa::path(
    get, path = "/v1/moderation/queue/{id}", tag = "moderation", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), crate::asked::LangParams),
    responses((status = OK, description = "What waits", body = ReviewView))
)]
async fn get_review(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    let (row, record) = reviewed(&app, &person.account, &key).await?;
    let version = row.version;
    let comments = comment::on(&app.store.reader, row.id).await?;
    let comments = comments.into_iter().map(CommentView::from).collect();
    let view = ReviewView::of(row, &record, asked.lang, Some(comments));
    Ok(Stored::state(&json!(view), version).response(None))
}

/// Who takes it up.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Assignment {
    /// An officer's account; `null` or absent: nobody.
    #[schema(required = false)]
    assignee: Option<Uuid>,
}

/// Say who takes something up.
#[utoipa::path(
    post, path = "/v1/moderation/queue/{id}/assign", tag = "moderation", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), WriteParams),
    request_body(content = Assignment, content_type = "application/json"),
    responses((status = OK, description = "The stored state", body = ReviewView))
)]
async fn assign_review(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    let assignee = text_of(&body, "assignee", 36, false)?;
    let nobody = || Problem::invalid(vec![domain::listing::names_nothing().below("assignee")]);
    writing
        .run(&body, async || {
            let (row, record) = reviewed(&app, &writing.person.account, &key).await?;
            let id = assignee.as_deref().map(str::parse::<Uuid>).transpose();
            let id = id.map_err(|_| nobody())?;
            if let Some(id) = id {
                let officer = account::get(&app.store.reader, id).await?.ok_or_else(nobody)?;
                let may = permission::acts_for(&officer, row.agency.as_ref());
                if !may || officer.erased_at.is_some() {
                    return Err(nobody());
                }
            }
            let row = review::Model { assignee: id, version: row.version + 1, ..row };
            let mut unit = writing.by(None, None).unit();
            unit.writes.push(row.clone().into());
            let version = row.version;
            let view = ReviewView::of(row, &record, writing.lang, None);
            Ok((unit, Stored::state(&json!(view), version)))
        })
        .await
}

/// What an officer says.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[schema(as = CommentWrite)]
pub struct CommentDraft {
    #[schema(max_length = 2000)]
    text: String,
}

/// Say something about what waits; officers alone can read it.
#[utoipa::path(
    post, path = "/v1/moderation/queue/{id}/comments", tag = "moderation",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), WriteParams),
    request_body(content = CommentDraft, content_type = "application/json"),
    responses((status = CREATED, description = "What was said", body = CommentView))
)]
async fn comment_review(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    let text = text_of(&body, "text", comment::MAX, true)?.unwrap_or_default();
    writing
        .run(&body, async || {
            let (row, _) = reviewed(&app, &writing.person.account, &key).await?;
            let comment = comment::Model {
                id: ids::new(writing.now),
                review: row.id,
                author: writing.person.account.id,
                text: text.clone(),
                created_at: writing.now,
            };
            let mut unit = writing.by(None, None).unit();
            unit.writes.push(comment.clone().into());
            let path = format!("/v1/moderation/queue/{}", row.id);
            Ok((unit, Stored::new(&json!(CommentView::from(comment)), 1, path)))
        })
        .await
}
