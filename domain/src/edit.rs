//! Edit: a new state of a listing, made of what somebody says of it.
//!
//! A listing's [state](fn@state) is what a write may say of it, member by member, its products among
//! them. Whoever changes it says another state; here that is read and held to every rule at once.
//! What may be done by whom is decided elsewhere (`permission`).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    error::Fault,
    event::{self, Organiser},
    import::read_draft,
    key::Slug,
    listing::{self, Contact, Kind, NoticeKind, Stamp, Status, names_nothing, too_many},
    place,
    producer::{self, Form, Visit},
    product,
    record::{self, Detail, Record},
    reference::Reference,
    revision::Members,
};

/// What a write may say of a listing, by member; what says nothing is left out. A product stands
/// under `products/` and its id.
pub type State = Map<String, Value>;

/// What stands before the id of a product.
const PRODUCT: &str = "products/";
/// The most products of one producer.
const MAX_PRODUCTS: usize = 200;

/// What only an office can vouch for.
pub const VOUCHED: [&str; 10] = [
    "source",
    "licence",
    "verified_at",
    "responsible_agency",
    "sample",
    "sample_fields",
    "awards",
    "legal_basis",
    "heritage_register",
    "external_ids",
];

/// What follows from the rest, or is set by what is done to a listing.
const READ_ONLY: [&str; 14] = [
    "id",
    "kind",
    "status",
    "area",
    "area_inferred",
    "version",
    "created_at",
    "updated_at",
    "published_at",
    "merged_into",
    "open",
    "next_open",
    "missing",
    "revision",
];

/// What a record says, in the words of a write.
pub fn state(record: &Record) -> State {
    let mut state = plain(&listing::Draft::of(&record.listing));
    state.extend(match &record.detail {
        Detail::Place(row) => plain(&place::Draft::of(row)),
        Detail::Producer(row) => plain(&producer::Draft::of(row)),
        Detail::Event(row) => plain(&event::Draft::of(row)),
    });
    for product in &record.products {
        state.insert(key_of(product.id), Value::Object(plain(&product::Draft::of(product))));
    }
    state
}

/// The name of a product in a state.
pub fn key_of(product: Uuid) -> String {
    format!("{PRODUCT}{product}")
}

/// A draft's members but for those that say nothing: null, an empty list or map, and a flag that is
/// not raised unless that is an answer, too.
fn plain(draft: &impl Serialize) -> State {
    const FLAGS: [&str; 2] = ["sample", "is_tourism_village"];
    let Ok(Value::Object(members)) = serde_json::to_value(draft) else { return State::new() };
    let says = |name: &str, value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(flag) => *flag || !FLAGS.contains(&name),
        _ => true,
    };
    members.into_iter().filter(|(name, value)| says(name, value)).collect()
}

/// What must be there before it is published by a person, and is not, as names of members.
pub fn missing(record: &Record) -> Vec<&'static str> {
    let listing = &record.listing;
    let reachable = listing.contacts.iter().any(|contact| contact.public);
    let gaps = match &record.detail {
        Detail::Producer(producer) => {
            let door = producer.visit != Visit::None
                && (listing.address.is_some() || listing.latitude.is_some());
            [("contacts", !reachable && !door), ("media", listing.media.is_empty())]
        }
        Detail::Place(_) => [("location", listing.latitude.is_none()), ("", false)],
        Detail::Event(event) => {
            [("location", listing.latitude.is_none() && event.venue.is_none()), ("", false)]
        }
    };
    gaps.into_iter().filter(|(_, gap)| *gap).map(|(name, _)| name).collect()
}

/// The faults of gaps.
pub fn gap_faults(gaps: &[&'static str]) -> Vec<Fault> {
    let fault = |name: &&str| Fault::new("missing", "belum ada", "is not there yet").below(name);
    gaps.iter().map(fault).collect()
}

/// What an edit goes by.
#[derive(Clone, Copy)]
pub struct Edit<'a> {
    /// What listings refer to.
    pub reference: &'a Reference,
    /// When.
    pub now: DateTime<Utc>,
    /// Whether it comes from an office that can vouch for what it says.
    pub vouches: bool,
}

impl Edit<'_> {
    /// A new listing that says `said`, as a draft.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn create(
        &self,
        kind: Kind,
        id: Uuid,
        slug: Slug,
        mut said: State,
    ) -> Result<Record, Vec<Fault>> {
        let own = said.clone();
        said.entry("source").or_insert_with(|| json!({"name": "pengelola"}));
        said.entry("licence").or_insert_with(|| json!("CC-BY-4.0"));
        let stamp = Stamp {
            id,
            version: 1,
            created_at: self.now,
            now: self.now,
            published_at: None,
            merged_into: None,
        };
        let faults = if self.vouches { Vec::new() } else { vouched_faults(&own, &State::new()) };
        self.record(kind, Status::Draft, slug, &stamp, said, &[], faults)
    }

    /// `record` as it is when it says `wanted`: the next version, in the same status.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn revise(&self, record: &Record, wanted: State) -> Result<Record, Vec<Fault>> {
        let before = state(record);
        let mut faults = Vec::new();
        if !self.vouches {
            faults.extend(vouched_faults(&wanted, &before));
        }
        let listing = &record.listing;
        let stamp = Stamp {
            id: listing.id,
            version: listing.version + 1,
            created_at: listing.created_at,
            now: self.now,
            published_at: listing.published_at,
            merged_into: listing.merged_into,
        };
        let slug = wanted.get("slug").and_then(Value::as_str).and_then(|slug| slug.parse().ok());
        let slug = slug.unwrap_or_else(|| listing.slug.clone());
        let mut next = self.record(
            listing.kind,
            listing.status,
            slug,
            &stamp,
            wanted,
            &record.products,
            faults,
        )?;
        keep_consent(&mut next.listing.contacts.0, &listing.contacts, self.now);
        next.former_slugs.clone_from(&record.former_slugs);
        Ok(next)
    }

    #[expect(clippy::too_many_arguments, reason = "what a record is made of")]
    fn record(
        &self,
        kind: Kind,
        status: Status,
        slug: Slug,
        stamp: &Stamp,
        mut said: State,
        products: &[product::Model],
        mut faults: Vec<Fault>,
    ) -> Result<Record, Vec<Fault>> {
        let products = Self::products(kind, &mut said, products, stamp, &mut faults);
        said.retain(|name, _| {
            let fault = stranger(kind, name);
            let known = fault.is_none();
            faults.extend(fault);
            known
        });
        let shared = listing::split(&mut said);
        let shared = read::<listing::Draft>(shared, &SHARED());
        let shared = shared.map_err(|found| faults.extend(found)).ok();
        let detail = self.detail(kind, said, stamp.id);
        let detail = detail.map_err(|found| faults.extend(found)).ok();
        if let Some(shared) = &shared {
            faults.extend(shared.check(self.reference));
        }
        let (Some(shared), Some(detail)) = (shared, detail) else { return Err(faults) };
        if !faults.is_empty() {
            return Err(faults);
        }
        let found = shared.location.and_then(|at| self.reference.locate(at));
        let mut listing = shared.into_row(kind, status, slug, found, stamp);
        keep_consent(&mut listing.contacts.0, &[], self.now);
        Ok(Record { listing, detail, products, former_slugs: Vec::new() })
    }

    fn detail(&self, kind: Kind, said: State, id: Uuid) -> Result<Detail, Vec<Fault>> {
        fn checked<D>(draft: D, faults: Vec<Fault>) -> Result<D, Vec<Fault>> {
            if faults.is_empty() { Ok(draft) } else { Err(faults) }
        }
        Ok(match kind {
            Kind::Place => {
                let draft: place::Draft = read(said, &State::new())?;
                let faults = draft.check();
                Detail::Place(checked(draft, faults)?.into_row(id))
            }
            Kind::Producer => {
                let draft: producer::Draft = read(said, &PRODUCER())?;
                let faults = draft.check();
                Detail::Producer(checked(draft, faults)?.into_row(id))
            }
            Kind::Event => {
                let draft: event::Draft = read(said, &EVENT())?;
                let faults = draft.check(self.now, self.reference);
                Detail::Event(checked(draft, faults)?.into_row(id))
            }
        })
    }

    /// Takes the products out of what is said, read and checked.
    fn products(
        kind: Kind,
        said: &mut State,
        before: &[product::Model],
        stamp: &Stamp,
        faults: &mut Vec<Fault>,
    ) -> Vec<product::Model> {
        let keys: Vec<String> =
            said.keys().filter(|name| name.starts_with(PRODUCT)).cloned().collect();
        if keys.len() > MAX_PRODUCTS {
            faults.push(too_many(MAX_PRODUCTS).below("products"));
        }
        let mut products: Vec<product::Model> = Vec::new();
        for key in keys {
            let value = said.shift_remove(&key).unwrap_or_default();
            let id = key.strip_prefix(PRODUCT).and_then(|id| id.parse::<Uuid>().ok());
            let below = |fault: Fault| fault.below(&key[PRODUCT.len()..]).below("products");
            let (Some(id), Value::Object(value), Kind::Producer) = (id, value, kind) else {
                faults.push(below(names_nothing()));
                continue;
            };
            let old = before.iter().find(|product| product.id == id);
            match product(value, id, old, stamp, &products) {
                Ok(product) => products.push(product),
                Err(found) => faults.extend(found.into_iter().map(below)),
            }
        }
        products.sort_by_key(|product| product.id);
        products
    }
}

fn product(
    said: State,
    id: Uuid,
    old: Option<&product::Model>,
    stamp: &Stamp,
    others: &[product::Model],
) -> Result<product::Model, Vec<Fault>> {
    let name = said.get("name").cloned().unwrap_or_default();
    let draft: product::Draft = read(said, &PRODUCT_SKELETON())?;
    let mut faults = draft.check();
    let taken = |slug: &Slug| others.iter().any(|other| other.slug == *slug);
    let slug = match draft.slug.clone().or_else(|| old.map(|old| old.slug.clone())) {
        Some(slug) if taken(&slug) => {
            faults.push(slug_taken());
            None
        }
        Some(slug) => Some(slug),
        None => free_slug(&name, taken),
    };
    let Some(slug) = slug.filter(|_| faults.is_empty()) else {
        if faults.is_empty() {
            faults.push(Fault::new("missing", "perlu slug", "needs a slug").below("slug"));
        }
        return Err(faults);
    };
    let same = |old: &&product::Model| plain(&product::Draft::of(old)) == plain(&draft);
    if let Some(old) = old.filter(same) {
        return Ok(old.clone());
    }
    let producer = stamp.id;
    let stamp = Stamp {
        id,
        version: old.map_or(1, |old| old.version + 1),
        created_at: old.map_or(stamp.now, |old| old.created_at),
        published_at: None,
        merged_into: None,
        ..stamp.clone()
    };
    Ok(draft.into_row(producer, slug, &stamp))
}

/// The fault of a name of a slug that somebody else has.
pub fn slug_taken() -> Fault {
    Fault::new("taken", "sudah dipakai", "is taken by another listing").below("slug")
}

/// A slug from a name (a map by language), with a number behind it where it is taken.
pub fn free_slug(name: &Value, taken: impl Fn(&Slug) -> bool) -> Option<Slug> {
    let name = ["id", "en", "jv"].into_iter().find_map(|lang| name.get(lang)?.as_str())?;
    let first = Slug::from_name(name)?;
    if !taken(&first) {
        return Some(first);
    }
    let short: String = first.as_str().chars().take(Slug::MAX - 4).collect();
    let short = short.trim_end_matches('-');
    (2..1000).filter_map(|n| format!("{short}-{n}").parse().ok()).find(|slug| !taken(slug))
}

/// Why a listing of `kind` has no member of that name, if it has none.
fn stranger(kind: Kind, name: &str) -> Option<Fault> {
    let own: &[&str] = match kind {
        Kind::Place => &place::Draft::MEMBERS,
        Kind::Producer => &producer::Draft::MEMBERS,
        Kind::Event => &event::Draft::MEMBERS,
    };
    if listing::Draft::MEMBERS.contains(&name) || own.contains(&name) {
        return None;
    }
    let shown: String = name.chars().take(80).collect();
    let fault = if READ_ONLY.contains(&name) {
        Fault::new("read_only", "tidak dapat diubah", "cannot be set")
    } else {
        Fault::new("unknown_member", "bukan anggota entri ini", "is no member of such a listing")
    };
    Some(fault.below(shown))
}

/// What a draft cannot be read without, with values that hold.
type Skeleton = fn() -> State;

const SHARED: Skeleton = || {
    object(json!({"name": {"id": "x"}, "category": "x", "source": {"name": "x"}, "licence": "x"}))
};
const PRODUCER: Skeleton = || object(json!({"form": "maker", "craft": "mixed", "visit": "none"}));
const EVENT: Skeleton = || object(json!({"schedule": {"type": "dates", "sessions": []}}));
const PRODUCT_SKELETON: Skeleton = || object(json!({"name": {"id": "x"}, "status": "active"}));

fn object(value: Value) -> State {
    match value {
        Value::Object(members) => members,
        _ => State::new(),
    }
}

/// Reads a draft; every member that does not fit is a fault, and every one that must be there.
fn read<D: DeserializeOwned>(said: State, skeleton: &State) -> Result<D, Vec<Fault>> {
    let first = match read_draft(Value::Object(said.clone())) {
        Ok(draft) => return Ok(draft),
        Err(fault) => fault,
    };
    // A reader stops at the first; so each is tried alone among what holds.
    let needed = skeleton.keys().filter(|name| !said.contains_key(*name));
    let mut faults: Vec<Fault> = needed
        .map(|name| Fault::new("missing", "harus ada", "must be there").below(name))
        .collect();
    for (name, value) in said {
        let mut alone = skeleton.clone();
        alone.insert(name, value);
        faults.extend(read_draft::<D>(Value::Object(alone)).err());
    }
    Err(if faults.is_empty() { vec![first] } else { faults })
}

/// What `wanted` says otherwise than `before` that only an office can vouch for.
fn vouched_faults(wanted: &State, before: &State) -> Vec<Fault> {
    let fault =
        || Fault::new("not_allowed", "hanya oleh petugas dinas", "only an officer may set this");
    let changed = Members::between(before, wanted);
    let mut faults: Vec<Fault> = VOUCHED
        .iter()
        .filter(|name| changed.0.contains_key(**name))
        .map(|name| fault().below(name))
        .collect();
    let dangers = |state: &State| -> Vec<Value> {
        let danger = |notice: &&Value| notice["kind"] == NoticeKind::Danger.name();
        let notices = state.get("notices").and_then(Value::as_array);
        notices.into_iter().flatten().filter(danger).cloned().collect()
    };
    if dangers(wanted) != dangers(before) {
        faults.push(fault().below("notices"));
    }
    let papers = |state: &State| -> Vec<Value> {
        let papers = state.get("certificates").and_then(Value::as_array);
        papers.into_iter().flatten().filter(|paper| paper["verified"] == true).cloned().collect()
    };
    let known = papers(before);
    if papers(wanted).iter().any(|paper| !known.contains(paper)) {
        faults.push(fault().below("certificates"));
    }
    faults
}

/// A contact is public since its holder said so: since now, where nothing else is known.
fn keep_consent(contacts: &mut [Contact], before: &[Contact], now: DateTime<Utc>) {
    for contact in contacts {
        let known = before
            .iter()
            .find(|old| old.kind == contact.kind && old.value == contact.value && old.public)
            .and_then(|old| old.consent_at);
        contact.consent_at = contact.public.then(|| known.or(contact.consent_at).unwrap_or(now));
    }
}

/// The faults of links that lead nowhere, or to something else than they must.
///
/// # Errors
/// When the database fails.
pub async fn link_faults(db: &impl ConnectionTrait, record: &Record) -> Result<Vec<Fault>, DbErr> {
    type Fits = fn(&Record) -> bool;
    let mut links: Vec<(Uuid, Fault, Fits)> = Vec::new();
    let any: Fits = |_| true;
    for (at, id) in record.listing.see_also.iter().enumerate() {
        links.push((*id, names_nothing().below(at).below("see_also"), any));
    }
    match &record.detail {
        Detail::Place(_) => {}
        Detail::Producer(producer) => {
            let centre: Fits = |record| record.producer().is_some_and(|p| p.form == Form::Centre);
            links.extend(producer.centre.map(|id| (id, names_nothing().below("centre"), centre)));
        }
        Detail::Event(event) => {
            let place: Fits = |record| record.place().is_some();
            links.extend(event.venue.map(|id| (id, names_nothing().below("venue"), place)));
            if let Some(Organiser::Listing(id)) = &event.organiser {
                links.push((*id, names_nothing().below("listing").below("organiser"), any));
            }
        }
    }
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let ids: BTreeSet<Uuid> = links.iter().map(|(id, ..)| *id).collect();
    let found = record::load(db, &Vec::from_iter(ids)).await?;
    let found: BTreeMap<Uuid, Record> =
        found.into_iter().map(|record| (record.listing.id, record)).collect();
    let broken = links.into_iter().filter(|(id, _, fits)| {
        let alive = |record: &&Record| record.listing.status != Status::Archived && fits(record);
        *id == record.listing.id || found.get(id).is_none_or(|record| !alive(&record))
    });
    Ok(broken.map(|(_, fault, _)| fault).collect())
}

/// Whether an agency may trust keepers with the member of that name: what it vouches for itself it
/// may not.
pub fn may_be_trusted(name: &str) -> bool {
    let members = [
        &listing::Draft::MEMBERS[..],
        &place::Draft::MEMBERS,
        &producer::Draft::MEMBERS,
        &event::Draft::MEMBERS,
        &["products"],
    ];
    members.into_iter().flatten().any(|member| *member == name) && !VOUCHED.contains(&name)
}
