//! Managed: a listing as those see it who keep it or answer for it: all that a write may say, with
//! what follows from it and what is still missing.

use chrono::{DateTime, FixedOffset, Utc};
use domain::{
    edit::{self, State},
    listing::DEFAULT_ZONE,
    product,
    record::Record,
    reference::Reference,
    revision::{self, Status},
    text::Lang,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// What to say of a listing besides its own state.
#[derive(Default)]
pub struct Beside<'a> {
    /// The revision that a write has just made.
    pub revision: Option<&'a revision::Model>,
    /// The revisions that wait.
    pub pending: Option<&'a [revision::Model]>,
}

/// A listing whose keeper or officer asks.
pub fn listing(record: &Record, reference: &Reference, lang: Lang, beside: &Beside<'_>) -> Value {
    let listing = &record.listing;
    let mut state: State = edit::state(record);
    state.retain(|name, _| !name.starts_with("products/"));
    let mut view = State::new();
    view.insert("id".into(), json!(listing.id));
    view.insert("kind".into(), json!(listing.kind));
    view.insert("status".into(), json!(listing.status));
    view.insert("version".into(), json!(listing.version));
    view.extend(state);
    if let Some(code) = &listing.area {
        let mut area = json!({"code": code, "name": reference.area_name(code, lang)});
        if listing.area_inferred {
            area["inferred"] = json!(true);
        }
        view.insert("area".into(), area);
    }
    view.insert("missing".into(), json!(edit::missing(record)));
    if let Some(into) = listing.merged_into {
        view.insert("merged_into".into(), json!(into));
    }
    view.insert("created_at".into(), json!(local(listing.created_at)));
    view.insert("updated_at".into(), json!(local(listing.updated_at)));
    if let Some(at) = listing.published_at {
        view.insert("published_at".into(), json!(local(at)));
    }
    if let Some(revision) = beside.revision {
        view.insert("revision".into(), json!(RevisionView::of(revision, None)));
    }
    if let Some(pending) = beside.pending {
        let views: Vec<_> = pending.iter().map(|one| RevisionView::of(one, None)).collect();
        view.insert("pending".into(), json!(views));
    }
    Value::Object(view)
}

/// A product whose keeper or officer asks.
pub fn product(product: &product::Model, revision: Option<&revision::Model>) -> Value {
    let mut view = State::new();
    view.insert("id".into(), json!(product.id));
    view.insert("producer".into(), json!(product.producer));
    view.insert("version".into(), json!(product.version));
    if let Ok(Value::Object(members)) = serde_json::to_value(product::Draft::of(product)) {
        view.extend(members.into_iter().filter(|(_, value)| !value.is_null()));
    }
    view.insert("created_at".into(), json!(local(product.created_at)));
    view.insert("updated_at".into(), json!(local(product.updated_at)));
    if let Some(revision) = revision {
        view.insert("revision".into(), json!(RevisionView::of(revision, None)));
    }
    Value::Object(view)
}

/// `at` as Bantul's clocks have it.
pub fn local(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    at.with_timezone(&DEFAULT_ZONE).fixed_offset()
}

/// A change as somebody proposed or made it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub struct RevisionView {
    id: Uuid,
    listing: Uuid,
    #[schema(value_type = String, example = "pending")]
    status: Status,
    /// The version it was made from.
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    base_version: i64,
    /// The version it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    result_version: Option<i64>,
    /// Who made it; absent once they were forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Uuid>,
    created_at: DateTime<FixedOffset>,
    /// Why it was decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<DateTime<FixedOffset>>,
    /// Member by member: what it was, what it is to be, and whether somebody else has changed it
    /// since.
    #[schema(max_items = 400)]
    changes: Vec<ChangeView>,
}

/// One member that a revision changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemberChange)]
pub struct ChangeView {
    /// Its name; a product's is `products/` and its id.
    #[schema(max_length = 80)]
    member: String,
    /// Null where there was none.
    before: Value,
    /// Null where it is taken away.
    after: Value,
    /// Somebody changed it otherwise since: the revision cannot be approved as it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    clash: bool,
}

impl RevisionView {
    /// A revision; `state` is what the listing says now.
    pub fn of(revision: &revision::Model, state: Option<&State>) -> Self {
        let clashes = state
            .filter(|_| revision.status == Status::Pending)
            .map(|state| revision.patch.clashes(&revision.before, state))
            .unwrap_or_default();
        let change = |(name, after): (&String, &Value)| ChangeView {
            member: name.clone(),
            before: revision.before.0.get(name).cloned().unwrap_or_default(),
            after: after.clone(),
            clash: clashes.contains(name),
        };
        Self {
            id: revision.id,
            listing: revision.listing,
            status: revision.status,
            base_version: revision.base_version,
            result_version: revision.result_version,
            author: revision.author,
            created_at: local(revision.created_at),
            reason: revision.reason.clone(),
            decided_at: revision.decided_at.map(local),
            changes: revision.patch.0.iter().map(change).collect(),
        }
    }
}
