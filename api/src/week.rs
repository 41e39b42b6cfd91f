//! Week: what those who keep listings look at: how often they were met, what waits, what was decided.

use std::ops::RangeInclusive;

use axum::extract::State;
use chrono::{DateTime, Days, FixedOffset, NaiveDate, Utc};
use domain::{
    Fault, audit,
    daily_count::{self, Met},
    edit,
    listing::{Kind, Status},
    maintainer,
    permission::Operation,
    record, revision,
    text::fold,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key, LangParams},
    listing_query::{date, specs},
    managed::{RevisionView, local},
    params::{Params, Spec},
    person::Person,
    problem::Problem,
    target::Target,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_statistics))
        .routes(routes!(list_my_listings))
        .routes(routes!(list_my_revisions))
}

/// The most days that are told at once.
const MOST_DAYS: i64 = 366;
/// Days where none are named, today the last.
const USUAL_DAYS: u64 = 30;

specs! {
    /// Days in Bantul.
    DAYS:
    "from" one, json!({"type": "string", "format": "date", "maxLength": 10}), "2026-11-01",
        "The first day; 29 days before `to` when absent.";
    "to" one, json!({"type": "string", "format": "date", "maxLength": 10}), "2026-11-30",
        "The last day, included; today when absent. At most 366 days in all.";
}

/// The days that the parameters name.
pub fn days(params: &mut Params, now: DateTime<Utc>) -> RangeInclusive<NaiveDate> {
    let to = params.one_with("to", date).unwrap_or_else(|| daily_count::day(now));
    let from = params.one_with("from", date).unwrap_or_else(|| to - Days::new(USUAL_DAYS - 1));
    if to < from {
        let fault = Fault::new("bad_order", "harus tidak sebelum from", "must not be before from");
        params.fault("to", fault);
    }
    if (to - from).num_days() >= MOST_DAYS {
        let fault = Fault::new(
            "out_of_range",
            format!("paling banyak {MOST_DAYS} hari"),
            format!("must be at most {MOST_DAYS} days"),
        );
        params.fault("from", fault);
    }
    from..=to
}

/// How often a listing was met.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Met)]
pub struct MetView {
    /// In how many lists it stood that were asked for.
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    shown: i64,
    /// How often its own page was.
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    opened: i64,
    /// How often a tap led to one of its contacts.
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    contacted: i64,
}

impl From<Met> for MetView {
    fn from(Met { shown, opened, contacted }: Met) -> Self {
        Self { shown, opened, contacted }
    }
}

/// A day of a listing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatisticsDay)]
pub struct DayView {
    date: NaiveDate,
    #[serde(flatten)]
    met: MetView,
}

/// How often a listing was met, day by day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatisticsPage)]
pub struct StatisticsPage {
    /// Every day, the oldest first.
    #[schema(max_items = 366)]
    items: Vec<DayView>,
    /// All of these days together.
    sum: MetView,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// The parameters of statistics.
pub struct StatisticsParams;

impl utoipa::IntoParams for StatisticsParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        DAYS.iter().chain(&COMMON).map(Spec::document).collect()
    }
}

/// Get how often a listing was met, day by day; for its keepers and officers.
///
/// Requests of the public are counted, not people: nothing is kept of who asked. They show up
/// within a minute.
#[utoipa::path(
    get, path = "/v1/listings/{id}/statistics", tag = "listings", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), StatisticsParams),
    responses((status = OK, description = "Its days", body = StatisticsPage))
)]
async fn get_statistics(
    State(app): State<App>,
    Key(key): Key,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let days = days(&mut asked.params, asked.now);
    asked.params.finish(&[DAYS, &COMMON])?;
    let target = Target::load(&app, &person, &key, None).await?;
    target.may(Operation::See)?;
    let listing = target.record.listing.id;
    let met = daily_count::by_day(&app.store.reader, listing, &days).await?;
    let page = StatisticsPage {
        sum: Met::sum(met.iter().map(|(_, met)| met)).into(),
        items: met.into_iter().map(|(date, met)| DayView { date, met: met.into() }).collect(),
        cursor: None,
    };
    Answer::of(&page, media::JSON, asked.lang)
}

/// A listing that somebody keeps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeptListing)]
pub struct KeptView {
    id: Uuid,
    #[schema(max_length = 80)]
    slug: String,
    kind: Kind,
    #[schema(value_type = String, example = "published")]
    status: Status,
    #[schema(max_length = 120)]
    name: String,
    /// What must be there before it can be published, and is not.
    #[schema(max_items = 10)]
    missing: Vec<&'static str>,
    /// The revisions that wait for an officer, the oldest first.
    #[schema(max_items = 10_000)]
    pending: Vec<Uuid>,
    /// What an officer decided last.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionView>,
    /// How often it was met in the last 30 days.
    met: MetView,
}

/// What an officer decided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub struct DecisionView {
    /// `publish`, `refuse`, `approve`, `suspend`, `archive`, `restore` or `merge`.
    #[schema(max_length = 32, example = "refuse")]
    action: String,
    at: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    reason: Option<String>,
}

impl From<audit::Decision> for DecisionView {
    fn from(audit::Decision { action, at, reason }: audit::Decision) -> Self {
        Self { action, at: local(at), reason }
    }
}

/// The listings that somebody keeps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeptPage)]
pub struct KeptPage {
    /// By name.
    #[schema(max_items = 10_000)]
    items: Vec<KeptView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// List what one keeps: its state, what it lacks, what waits, what was decided, how often it was met.
#[utoipa::path(
    get, path = "/v1/me/listings", tag = "people", security(("bearer" = [])),
    params(LangParams),
    responses((status = OK, description = "One's listings", body = KeptPage))
)]
async fn list_my_listings(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    asked.params.finish(&[&COMMON])?;
    let (db, account) = (&app.store.reader, person.account.id);
    let kept = maintainer::listings_of(db, account).await?;
    let ids: Vec<Uuid> = kept.iter().map(|row| row.listing).collect();
    let to = daily_count::day(asked.now);
    let days = to - Days::new(USUAL_DAYS - 1)..=to;
    let met = daily_count::of_each(db, &ids, &days).await?;
    let pending = revision::pending_of(db, &ids).await?;
    let mut decisions = audit::last_decisions(db, &ids, account).await?;
    let view = |record: record::Record| {
        let listing = &record.listing;
        let of_it = pending.iter().filter(|(of, _)| *of == listing.id);
        KeptView {
            id: listing.id,
            slug: listing.slug.to_string(),
            kind: listing.kind,
            status: listing.status,
            name: listing.name.get(asked.lang).1.to_owned(),
            missing: edit::missing(&record),
            pending: of_it.map(|(_, id)| *id).collect(),
            decision: decisions.remove(&listing.id.to_string()).map(DecisionView::from),
            met: met.get(&listing.id).copied().unwrap_or_default().into(),
        }
    };
    let mut items: Vec<KeptView> = record::load(db, &ids).await?.into_iter().map(view).collect();
    items.sort_by_cached_key(|item| (fold(&item.name), item.id));
    Answer::of(&KeptPage { items, cursor: None }, media::JSON, asked.lang)
}

specs! {
    /// What one's revisions take.
    REVISIONS:
    "limit" one, json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20}), 20,
        "How many.";
    "cursor" one, json!({"type": "string", "format": "uuid", "maxLength": 36}), Value::Null,
        "From the last answer.";
}

/// The parameters of one's revisions.
pub struct RevisionsParams;

impl utoipa::IntoParams for RevisionsParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        REVISIONS.iter().chain(&COMMON).map(Spec::document).collect()
    }
}

/// What somebody proposed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProposalPage)]
pub struct ProposalPage {
    #[schema(max_items = 100)]
    items: Vec<RevisionView>,
    /// Where the next page starts; `null` at the end.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// List what one proposed, the newest first, with what became of it and why.
#[utoipa::path(
    get, path = "/v1/me/revisions", tag = "people", security(("bearer" = [])),
    params(RevisionsParams),
    responses((status = OK, description = "One's proposals", body = ProposalPage))
)]
async fn list_my_revisions(
    State(app): State<App>,
    person: Person,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let limit = asked.params.integer("limit", 1, 100).unwrap_or(20);
    let before = asked.params.one_with("cursor", |raw| {
        let bad = |_| Fault::new("bad_format", "bukan kursor", "is no cursor");
        raw.parse::<Uuid>().map_err(bad)
    });
    asked.params.finish(&[REVISIONS, &COMMON])?;
    let (db, author) = (&app.store.reader, person.account.id);
    let mut rows = revision::proposed_by(db, author, before, limit as u64 + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let cursor = last.map(|row| row.id.to_string());
    let items = rows.iter().map(|row| RevisionView::of(row, None)).collect();
    Answer::of(&ProposalPage { items, cursor }, media::JSON, asked.lang)
}
