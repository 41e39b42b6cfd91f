//! Moderation: what waits for an officer, and who takes it up.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, FixedOffset, Utc};
use domain::{
    Fault, account,
    account::Role,
    act::{By, Told},
    agency, claim, comment,
    key::AgencyId,
    listing::{Kind as ListingKind, SampleFields},
    maintainer,
    permission::Operation,
    record,
    review::{self, Queue, What},
};
use sea_orm::EntityTrait as _;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    asked::{Asked, COMMON, Key},
    body::Body,
    ids,
    listings::{ClaimView, MAX_REASON, Reason},
    managed::local,
    params::{Spec, between},
    person::Person,
    problem::{Kind, Problem},
    target::{Target, text_of},
    writing::{Stored, WriteParams, Writing},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_queue))
        .routes(routes!(get_review))
        .routes(routes!(assign_review))
        .routes(routes!(comment_review))
        .routes(routes!(get_claim))
        .routes(routes!(approve_claim))
        .routes(routes!(refuse_claim))
        .routes(routes!(withdraw_claim))
        .routes(routes!(list_maintainers))
        .routes(routes!(trust_maintainer))
        .routes(routes!(set_trust))
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

/// What the queue takes.
static QUEUE: [Spec; 5] = [
    Spec {
        name: "what",
        many: true,
        about: "Only these.",
        schema: || json!({"type": "string", "enum": What::NAMES}),
        example: || json!("submission"),
    },
    Spec {
        name: "agency",
        many: true,
        about: "Only what these answer for; an officer's own by default.",
        schema: || json!({"type": "string", "maxLength": 64}),
        example: || Value::Null,
    },
    Spec {
        name: "assigned",
        many: false,
        about: "`me`: what one has taken up; `none`: what nobody has.",
        schema: || json!({"type": "string", "enum": ["me", "none"]}),
        example: || json!("none"),
    },
    Spec {
        name: "limit",
        many: false,
        about: "How many.",
        schema: || json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20}),
        example: || json!(20),
    },
    Spec {
        name: "cursor",
        many: false,
        about: "From the last answer.",
        schema: || json!({"type": "string", "maxLength": 80}),
        example: || Value::Null,
    },
];

/// The parameters of the queue.
pub struct QueueParams;

impl utoipa::IntoParams for QueueParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        [&COMMON[..], &QUEUE[..]].into_iter().flatten().map(Spec::document).collect()
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
) -> Result<Response, Problem> {
    let what: Vec<What> = asked.params.many("what");
    let agencies: Vec<AgencyId> = asked.params.many("agency");
    let assigned = asked.params.one_with("assigned", |raw| match raw {
        "me" => Ok(true),
        "none" => Ok(false),
        _ => Err(Fault::new("unknown_value", "harus me atau none", "must be me or none")),
    });
    let limit = asked.params.one_with("limit", |raw| {
        raw.parse().ok().filter(|n| (1..=100).contains(n)).ok_or_else(|| between(1, 100))
    });
    let limit = limit.unwrap_or(20_u64);
    let after = asked.params.one_with("cursor", |raw| {
        read_cursor(raw).ok_or_else(|| Fault::new("bad_format", "bukan kursor", "is no cursor"))
    });
    let known = |agency: &AgencyId| asked.snapshot.reference().agency(agency).is_some();
    if !agencies.iter().all(known) {
        asked.params.fault("agency", domain::listing::names_nothing());
    }
    asked.params.finish(&[&COMMON, &QUEUE])?;
    let agencies = within(&person.account, agencies)?;
    let queue = Queue {
        agencies,
        what,
        assignee: (assigned == Some(true)).then_some(person.account.id),
        unassigned: assigned == Some(false),
        after,
    };
    let db = &app.store.reader;
    let mut rows = review::queue(db, &queue, limit + 1).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
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
    Ok(Json(QueuePage { items, counts, cursor }).into_response())
}

fn read_cursor(raw: &str) -> Option<(DateTime<Utc>, Uuid)> {
    let (at, id) = raw.split_once('.')?;
    Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, id.parse().ok()?))
}

/// The agencies whose queue somebody may see, among those asked for; none is all of them.
fn within(
    account: &account::Model,
    asked: Vec<AgencyId>,
) -> Result<Option<Vec<AgencyId>>, Problem> {
    match account.role {
        Role::Admin => Ok((!asked.is_empty()).then_some(asked)),
        Role::Editor if asked.is_empty() => Ok(Some(account.agencies.0.clone())),
        Role::Editor if asked.iter().all(|agency| account.agencies.contains(agency)) => {
            Ok(Some(asked))
        }
        Role::Producer | Role::Editor => Err(Problem::new(Kind::Forbidden)),
    }
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
    let mine = within(account, Vec::new())?;
    let row = review::get(&app.store.reader, id).await?;
    let of_mine = |row: &review::Model| {
        mine.as_ref().is_none_or(|mine| row.agency.as_ref().is_some_and(|a| mine.contains(a)))
    };
    let row = row.filter(of_mine).ok_or_else(none)?;
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
                let may = match officer.role {
                    Role::Admin => true,
                    Role::Editor => {
                        row.agency.as_ref().is_some_and(|agency| officer.agencies.contains(agency))
                    }
                    Role::Producer => false,
                };
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
pub struct Said {
    #[schema(max_length = 2000)]
    text: String,
}

/// Say something about what waits; officers alone can read it.
#[utoipa::path(
    post, path = "/v1/moderation/queue/{id}/comments", tag = "moderation",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), WriteParams),
    request_body(content = Said, content_type = "application/json"),
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

/// The claim that a path names, and its listing.
async fn claimed(app: &App, person: &Person, key: &str) -> Result<(claim::Model, Target), Problem> {
    let none = || Problem::new(Kind::NotFound);
    let id: Uuid = key.parse().map_err(|_| none())?;
    let claim = claim::get(&app.store.reader, id).await?.ok_or_else(none)?;
    let target = Target::load(app, person, &claim.listing.to_string(), None).await?;
    if claim.account != person.account.id && !target.is_officer() {
        return Err(none());
    }
    Ok((claim, target))
}

/// Get a claim: one's own, or as an officer.
#[utoipa::path(
    get, path = "/v1/claims/{id}", tag = "moderation", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), crate::asked::LangParams),
    responses((status = OK, description = "The claim", body = ClaimView))
)]
async fn get_claim(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    let (claim, _) = claimed(&app, &person, &key).await?;
    Ok(Stored::state(&json!(ClaimView::from(&claim)), claim.version).response(None))
}

async fn decide(
    app: &App,
    writing: &Writing,
    key: &str,
    body: &Map<String, Value>,
    status: claim::Status,
) -> Result<Response, Problem> {
    let refused = status == claim::Status::Refused;
    let reason = text_of(body, "reason", MAX_REASON, refused)?;
    writing
        .run(body, async || {
            let (claim, target) = claimed(app, &writing.person, key).await?;
            if status == claim::Status::Withdrawn {
                if claim.account != writing.person.account.id {
                    return Err(Problem::new(Kind::Forbidden));
                }
            } else {
                target.may(Operation::Entrust)?;
            }
            if claim.status != claim::Status::Pending {
                let status = claim.status.name();
                return Err(Problem::new(Kind::Conflict).saying(
                    format!("klaim ini sudah: {status}"),
                    format!("this claim is: {status}"),
                ));
            }
            let db = &app.store.reader;
            let ever = maintainer::ever(db, claim.account, claim.listing).await?;
            let open = review::open_about(db, claim.id).await?;
            let acting = target.acting().filter(|_| status != claim::Status::Withdrawn);
            let by = writing.by(acting, reason.as_deref());
            let (mut unit, decided) = by.decide_claim(&claim, status, ever, open);
            let told = if refused { Told::ClaimRefused } else { Told::Entrusted };
            tell(app, &mut unit, &by, &claim, &target, told).await?;
            Ok((unit, Stored::state(&json!(ClaimView::from(&decided)), decided.version)))
        })
        .await
}

async fn tell(
    app: &App,
    unit: &mut domain::writer::Unit,
    by: &By<'_>,
    claim: &claim::Model,
    target: &Target,
    told: Told,
) -> Result<(), Problem> {
    if let Some(who) = account::get(&app.store.reader, claim.account).await? {
        unit.writes.extend(by.tell(&who, told, target.name(who.lang)));
    }
    Ok(())
}

/// Entrust a listing to who claims it.
#[utoipa::path(
    post, path = "/v1/claims/{id}/approve", tag = "moderation", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), WriteParams),
    request_body(content = Reason, content_type = "application/json"),
    responses((status = OK, description = "The claim", body = ClaimView))
)]
async fn approve_claim(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    decide(&app, &writing, &key, &body, claim::Status::Approved).await
}

/// Refuse a claim, with a reason that who made it can read.
#[utoipa::path(
    post, path = "/v1/claims/{id}/refuse", tag = "moderation", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), WriteParams),
    request_body(content = Reason, content_type = "application/json"),
    responses((status = OK, description = "The claim", body = ClaimView))
)]
async fn refuse_claim(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    decide(&app, &writing, &key, &body, claim::Status::Refused).await
}

/// Take back a claim of one's own.
#[utoipa::path(
    post, path = "/v1/claims/{id}/withdraw", tag = "moderation", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Its id"), WriteParams),
    request_body(content = Reason, content_type = "application/json"),
    responses((status = OK, description = "The claim", body = ClaimView))
)]
async fn withdraw_claim(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    decide(&app, &writing, &key, &body, claim::Status::Withdrawn).await
}

/// Somebody who keeps a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Maintainer)]
pub struct MaintainerView {
    account: Uuid,
    listing: Uuid,
    /// Whether changes within what their agency allows need no officer.
    trusted: bool,
    since: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<FixedOffset>>,
}

impl From<&maintainer::Model> for MaintainerView {
    fn from(row: &maintainer::Model) -> Self {
        let maintainer::Model { account, listing, trusted, since, ended_at, version: _ } = row;
        Self {
            account: *account,
            listing: *listing,
            trusted: *trusted,
            since: local(*since),
            ended_at: ended_at.map(local),
        }
    }
}

/// Those who keep a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MaintainerPage)]
pub struct MaintainerPage {
    #[schema(max_items = 1000)]
    items: Vec<MaintainerView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// List who keeps a listing.
#[utoipa::path(
    get, path = "/v1/listings/{id}/maintainers", tag = "moderation", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), crate::asked::LangParams),
    responses((status = OK, description = "Who keeps it", body = MaintainerPage))
)]
async fn list_maintainers(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    let target = Target::load(&app, &person, &key, None).await?;
    target.may(Operation::SeeRecord)?;
    let rows = maintainer::keepers_of(&app.store.reader, target.record.listing.id).await?;
    let items = rows.iter().map(MaintainerView::from).collect();
    Ok(Json(MaintainerPage { items, cursor: None }).into_response())
}

/// How far somebody is trusted with a listing.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Trusting {
    /// Whether their changes within what the agency allows need no officer.
    trusted: bool,
    /// `true`: they no longer keep it.
    #[schema(required = false)]
    ended: Option<bool>,
}

/// Trust somebody with a listing they keep, or no longer; or end it.
#[utoipa::path(
    post, path = "/v1/listings/{id}/maintainers/{account}", tag = "moderation",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), ("account" = Uuid, Path, description = "The account"), WriteParams),
    request_body(content = Trusting, content_type = "application/json"),
    responses((status = OK, description = "The stored state", body = MaintainerView))
)]
async fn trust_maintainer(
    State(app): State<App>,
    axum::extract::Path((key, who)): axum::extract::Path<(String, String)>,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (trusted, ended) = flags(&body)?;
    writing
        .run(&body, async || {
            let target = Target::load(&app, &writing.person, &key, None).await?;
            target.may(Operation::Entrust)?;
            let none = || Problem::new(Kind::NotFound);
            let who: Uuid = who.parse().map_err(|_| none())?;
            let listing = target.record.listing.id;
            let row = maintainer::of(&app.store.reader, who, listing).await?.ok_or_else(none)?;
            let row = maintainer::Model {
                trusted,
                ended_at: ended.then_some(writing.now),
                version: row.version + 1,
                ..row
            };
            let by = writing.by(target.acting(), None);
            let mut unit = by.unit();
            let after = Map::from_iter([(
                "maintainer".to_owned(),
                json!({"account": who, "trusted": trusted, "ended": ended}),
            )]);
            unit.entries.push(by.entry("entrust", listing, 0, (Map::new(), after)));
            unit.writes.push(row.clone().into());
            Ok((unit, Stored::state(&json!(MaintainerView::from(&row)), row.version)))
        })
        .await
}

fn flags(body: &Map<String, Value>) -> Result<(bool, bool), Problem> {
    let mut faults = Vec::new();
    let flag = |name: &str, faults: &mut Vec<Fault>| match body.get(name) {
        None => None,
        Some(Value::Bool(flag)) => Some(*flag),
        Some(_) => {
            let fault = Fault::new("bad_format", "harus true atau false", "must be true or false");
            faults.push(fault.below(name));
            None
        }
    };
    let (trusted, ended) = (flag("trusted", &mut faults), flag("ended", &mut faults));
    if trusted.is_none() && faults.is_empty() {
        faults.push(Fault::new("missing", "harus ada", "must be there").below("trusted"));
    }
    for name in body.keys().filter(|name| !["trusted", "ended"].contains(&name.as_str())) {
        let name: String = name.chars().take(80).collect();
        faults.push(Fault::new("unknown_member", "tidak dikenal", "is not known here").below(name));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    Ok((trusted.unwrap_or(false), ended.unwrap_or(false)))
}

/// The members that an agency trusts keepers with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencyTrust)]
pub struct TrustView {
    /// Names of members, such as `hours`; `products` is all of a producer's products.
    #[schema(max_items = 60)]
    members: Vec<String>,
}

/// Say which members those may change without an officer whom the agency trusts.
#[utoipa::path(
    put, path = "/v1/agencies/{id}/trust", tag = "moderation", security(("bearer" = [])),
    params(("id" = String, Path, description = "The agency"), WriteParams),
    request_body(content = TrustView, content_type = "application/json"),
    responses((status = OK, description = "The stored state", body = TrustView))
)]
async fn set_trust(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(body): Body,
) -> Result<Response, Problem> {
    let none = || Problem::new(Kind::NotFound);
    let agency: AgencyId = key.parse().map_err(|_| none())?;
    app.index.snapshot().reference().agency(&agency).ok_or_else(none)?;
    within(&writing.person.account, vec![agency.clone()])?;
    let bad = |fault: Fault| Problem::invalid(vec![fault.below("members")]);
    let members = body.get("members").cloned().unwrap_or_default();
    let members: SampleFields = serde_json::from_value(members).map_err(|_| {
        bad(Fault::new("bad_format", "harus daftar nama", "must be a list of names"))
    })?;
    if let Some(name) = members.iter().find(|name| !domain::edit::may_be_trusted(name)) {
        let at = members.iter().position(|one| one == name).unwrap_or_default();
        return Err(Problem::invalid(vec![
            domain::listing::names_nothing().below(at).below("members"),
        ]));
    }
    writing
        .run(&body, async || {
            let known = agency::trust::Entity::find_by_id(agency.clone()).one(&app.store.reader);
            let version = known.await?.map_or(1, |row| row.version + 1);
            let row =
                agency::trust::Model { agency: agency.clone(), members: members.clone(), version };
            let by = writing.by(Some(&agency), None);
            let mut unit = by.unit();
            unit.writes.push(row.into());
            let after = Map::from_iter([("trust".to_owned(), json!(members))]);
            let mut entry = by.entry("trust", Uuid::nil(), version, (Map::new(), after));
            entry.subject = agency.to_string();
            unit.entries.push(entry);
            let view = TrustView { members: members.0.clone() };
            Ok((unit, Stored::state(&json!(view), version)))
        })
        .await
}
