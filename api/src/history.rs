//! History: what was done to a listing, as the record has it.

use axum::extract::State;
use chrono::{DateTime, FixedOffset};
use domain::{
    Fault, audit,
    permission::{Operation, Verdict},
    record::{self, Record},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key},
    listing_query::specs,
    managed::local,
    params::Spec,
    person::Person,
    problem::{Kind, Problem},
    target::Target,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_history))
}

/// One entry of a listing's record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
pub struct HistoryView {
    /// Its place in the chain of the whole record.
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    seq: i64,
    at: DateTime<FixedOffset>,
    /// `create`, `edit`, `publish` …
    #[schema(max_length = 32)]
    action: String,
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    version: i64,
    /// Who: an account's id; staff only, and absent once they were forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    actor: Option<String>,
    /// For which agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    agency: Option<String>,
    /// Why; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// The members that changed, as they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// The members that changed, as they became.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    /// What it hashes to; the next entry builds on it. Staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    hash: Option<String>,
}

/// A listing's record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryPage)]
pub struct HistoryPage {
    #[schema(max_items = 100)]
    items: Vec<HistoryView>,
    /// Where the next page starts; `null` at the end.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

specs! {
    /// What the history takes.
    HISTORY:
    "limit" one, json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20}), 20,
        "How many entries are looked at; the public may get fewer.";
    "cursor" one, json!({"type": "string", "pattern": "^[0-9]{1,18}$", "maxLength": 18}), Value::Null,
        "From the last answer.";
}

/// The parameters of the history.
pub struct HistoryParams;

impl utoipa::IntoParams for HistoryParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        COMMON.iter().chain(HISTORY).map(Spec::document).collect()
    }
}

/// List what was done to a listing, the newest first.
///
/// The public sees what changed in what is public, since it was published first; staff see all of
/// it: who, for which agency, why.
#[utoipa::path(
    get, path = "/v1/listings/{id}/history", tag = "listings", security((), ("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug"), HistoryParams),
    responses((status = OK, description = "The record", body = HistoryPage))
)]
async fn list_history(
    State(app): State<App>,
    Key(key): Key,
    person: Option<Person>,
    mut asked: Asked,
) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let limit = asked.params.integer("limit", 1, 100).unwrap_or(20);
    let before = asked.params.one_with("cursor", |raw| {
        let digits = raw.len() <= 18 && raw.bytes().all(|b| b.is_ascii_digit());
        let bad = || Fault::new("bad_format", "bukan kursor", "is no cursor");
        if digits { raw.parse::<i64>().map_err(|_| bad()) } else { Err(bad()) }
    });
    asked.params.finish(&[&COMMON, HISTORY])?;
    let (record, all) = if let Some(person) = &person {
        let target = Target::load(&app, person, &key, None).await?;
        let all = target.verdict(Operation::SeeRecord) == Verdict::Yes;
        (target.record, all)
    } else {
        (public(&app, &key).await?, false)
    };
    let subject = record.listing.id.to_string();
    let entries = audit::about(&app.store.reader, &subject, before, limit as u64 + 1).await?;
    let more = entries.len() > limit;
    let shown = entries.iter().take(limit);
    let last = shown.clone().next_back().map(|(entry, _)| entry.seq);
    let items = shown
        .filter(|(entry, _)| all || entry.public)
        .map(|(entry, values)| history(entry, values, all))
        .collect();
    let cursor = last.filter(|_| more).map(|seq| seq.to_string());
    Answer::of(&HistoryPage { items, cursor }, media::JSON, asked.lang)
}

/// The listing that `key` names, where it is everybody's to see.
async fn public(app: &App, key: &str) -> Result<Record, Problem> {
    let found = record::named(&app.store.reader, key).await?;
    let found = found.ok_or_else(|| Problem::new(Kind::NotFound))?;
    if found.listing.is_gone() {
        return Err(Problem::gone(found.listing.merged_into));
    }
    if found.listing.is_public() { Ok(found) } else { Err(Problem::new(Kind::NotFound)) }
}

fn history(entry: &audit::Model, values: &[audit::value::Model], all: bool) -> HistoryView {
    let value = |name: &str| values.iter().find(|value| value.name == name).map(|v| v.json());
    let text = |name: &str| value(name).and_then(|value| value.as_str().map(str::to_owned));
    let members = |name: &str, private: &str| {
        let parts = [value(name), value(private).filter(|_| all)];
        let parts = parts.into_iter().flatten().filter_map(|part| match part {
            Value::Object(members) => Some(members),
            _ => None,
        });
        // A product that is no longer made is shown to nobody.
        let hidden = |name: &str, value: &Value| {
            !all && name.starts_with("products/") && value["status"] == "inactive"
        };
        let members: Map<String, Value> =
            parts.flatten().filter(|(name, value)| !hidden(name, value)).collect();
        (!members.is_empty()).then_some(Value::Object(members))
    };
    HistoryView {
        seq: entry.seq,
        at: local(entry.at),
        action: entry.action.clone(),
        version: entry.version,
        actor: text("actor").filter(|_| all),
        agency: text("agency"),
        reason: text("reason").filter(|_| all),
        before: members("before", "before_private"),
        after: members("after", "after_private"),
        hash: all.then(|| entry.hash.clone()),
    }
}
