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
    draft::read_draft,
    error::Fault,
    event::{self, Organiser},
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

/// What a listing is besides what is said of it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What it is, for ever.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// What it is called in paths.
    pub slug: Slug,
    /// Its times and identity.
    pub stamp: Stamp,
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
        let faults = self.vouched_faults(&said, &State::new());
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
        let frame = Frame { kind, status: Status::Draft, slug, stamp };
        self.read(frame, said, faults, Some(&[]))
    }

    /// `record` as it is when it says `wanted`: the next version, in the same status.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn revise(&self, record: &Record, mut wanted: State) -> Result<Record, Vec<Fault>> {
        let mut faults = self.vouched_faults(&wanted, &state(record));
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
        let products = products(listing.kind, &mut wanted, &record.products, &stamp, &mut faults);
        let frame = Frame { kind: listing.kind, status: listing.status, slug, stamp };
        let next = self.read(frame, wanted, faults, Some(&listing.contacts))?;
        Ok(Record { products, former_slugs: record.former_slugs.clone(), ..next })
    }

    /// The record that says `said`, without products; `faults` are those found before. Consent is
    /// dated where it is said which contacts there were; else it stays as it is said.
    pub(crate) fn read(
        &self,
        frame: Frame,
        mut said: State,
        mut faults: Vec<Fault>,
        agreed: Option<&[Contact]>,
    ) -> Result<Record, Vec<Fault>> {
        let Frame { kind, status, slug, stamp } = frame;
        said.retain(|name, _| {
            let fault = stranger(kind, name);
            let known = fault.is_none();
            faults.extend(fault);
            known
        });
        let members = listing::split(&mut said);
        let shared = read::<listing::Draft>(members.clone(), &shared_skeleton());
        let shared = shared.map_err(|found| {
            faults.extend(found);
            faults.extend(self.faults_of_rest(members, agreed));
        });
        let mut shared = shared.ok();
        if let (Some(shared), Some(agreed)) = (&mut shared, agreed) {
            faults.extend(self.date_consent(&mut shared.contacts.0, agreed));
        }
        let detail = self.detail(kind, said, stamp.id);
        let detail = detail.map_err(|found| faults.extend(found)).ok();
        faults.extend(shared.iter().flat_map(|shared| shared.check(self.reference)));
        let (Some(shared), Some(detail), true) = (shared, detail, faults.is_empty()) else {
            return Err(faults);
        };
        let found = shared.location.and_then(|at| self.reference.locate(at));
        let listing = shared.into_row(kind, status, slug, found, &stamp);
        Ok(Record { listing, detail, products: Vec::new(), former_slugs: Vec::new() })
    }

    /// What is wrong with those of `members` that can be read, where others cannot.
    fn faults_of_rest(&self, members: State, agreed: Option<&[Contact]>) -> Vec<Fault> {
        let skeleton = shared_skeleton();
        let alone = |name: &str, value: &Value| {
            let mut alone = skeleton.clone();
            alone.insert(name.to_owned(), value.clone());
            read_draft::<listing::Draft>(&Value::Object(alone)).is_ok()
        };
        let rest: State = members.into_iter().filter(|(name, value)| alone(name, value)).collect();
        let mut whole = skeleton.clone();
        whole.extend(rest.clone());
        let Ok(mut draft) = read_draft::<listing::Draft>(&Value::Object(whole)) else {
            return Vec::new();
        };
        let mut faults = match agreed {
            Some(agreed) => self.date_consent(&mut draft.contacts.0, agreed),
            None => Vec::new(),
        };
        faults.extend(draft.check(self.reference));
        // What only stands in for what cannot be read is nobody's fault.
        let said = |fault: &Fault| {
            fault.pointer.split('/').nth(1).is_some_and(|name| rest.contains_key(name))
        };
        faults.into_iter().filter(said).collect()
    }

    /// What `wanted` says otherwise than `before` that only an office can vouch for.
    fn vouched_faults(&self, wanted: &State, before: &State) -> Vec<Fault> {
        if self.vouches {
            return Vec::new();
        }
        let fault = || {
            Fault::new("not_allowed", "hanya oleh petugas dinas", "only an officer may set this")
        };
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
            papers
                .into_iter()
                .flatten()
                .filter(|paper| paper["verified"] == true)
                .cloned()
                .collect()
        };
        let known = papers(before);
        if papers(wanted).iter().any(|paper| !known.contains(paper)) {
            faults.push(fault().below("certificates"));
        }
        faults
    }

    /// Dates every consent (Law 27/2022). Who shows a contact of their own agrees now; an office says
    /// when its holder did. What was agreed to before stays so.
    fn date_consent(&self, contacts: &mut [Contact], before: &[Contact]) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (at, contact) in contacts.iter_mut().enumerate() {
            let known = before
                .iter()
                .find(|old| old.kind == contact.kind && old.value == contact.value && old.public)
                .and_then(|old| old.consent_at);
            let dated = match (contact.public, known) {
                (false, _) => Ok(None),
                (true, Some(known)) => Ok(Some(known)),
                (true, None) if self.vouches => self.told(contact.consent_at).map(Some),
                (true, None) => Ok(Some(self.now)),
            };
            match dated {
                Ok(dated) => contact.consent_at = dated,
                Err(fault) => faults.push(fault.below("consent_at").below(at).below("contacts")),
            }
        }
        faults
    }

    /// When somebody agreed, as an office says.
    fn told(&self, at: Option<DateTime<Utc>>) -> Result<DateTime<Utc>, Fault> {
        match at {
            Some(at) if at <= self.now => Ok(at),
            Some(_) => Err(Fault::new("out_of_range", "di masa depan", "is in the future")),
            None => Err(Fault::new(
                "missing",
                "kapan pemiliknya setuju",
                "must say when its holder agreed",
            )),
        }
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
                let draft: producer::Draft = read(said, &producer_skeleton())?;
                let faults = draft.check();
                Detail::Producer(checked(draft, faults)?.into_row(id))
            }
            Kind::Event => {
                let draft: event::Draft = read(said, &event_skeleton())?;
                let faults = draft.check(self.now, self.reference);
                Detail::Event(checked(draft, faults)?.into_row(id))
            }
        })
    }
}

/// Takes the products out of what is said, read and checked.
fn products(
    kind: Kind,
    said: &mut State,
    before: &[product::Model],
    stamp: &Stamp,
    faults: &mut Vec<Fault>,
) -> Vec<product::Model> {
    let keys: Vec<String> = said.keys().filter(|name| name.starts_with(PRODUCT)).cloned().collect();
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

fn product(
    said: State,
    id: Uuid,
    old: Option<&product::Model>,
    stamp: &Stamp,
    others: &[product::Model],
) -> Result<product::Model, Vec<Fault>> {
    let name = said.get("name").cloned().unwrap_or_default();
    let draft: product::Draft = read(said, &product_skeleton())?;
    let mut faults = draft.check();
    let taken = |slug: &Slug| others.iter().any(|other| other.slug == *slug);
    let slug = match draft.slug.clone().or_else(|| old.map(|old| old.slug.clone())) {
        Some(slug) if taken(&slug) => {
            faults.push(slug_taken());
            None
        }
        Some(slug) => Some(slug),
        None => slugs_of(&name).find(|slug| !taken(slug)),
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

/// The slugs that a name (a map by language) suggests: from its letters, and where those are taken
/// with a number behind them.
pub fn slugs_of(name: &Value) -> impl Iterator<Item = Slug> + use<> {
    let name = ["id", "en", "jv"].into_iter().find_map(|lang| name.get(lang)?.as_str());
    let first = name.and_then(Slug::from_name);
    let short: String =
        first.iter().flat_map(|slug| slug.as_str().chars()).take(Slug::MAX - 5).collect();
    let short = short.trim_end_matches('-').to_owned();
    let numbered = (2..10_000).map_while(move |n| format!("{short}-{n}").parse().ok());
    first.into_iter().chain(numbered)
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
fn shared_skeleton() -> State {
    object(json!({"name": {"id": "x"}, "category": "x", "source": {"name": "x"}, "licence": "x"}))
}

fn producer_skeleton() -> State {
    object(json!({"form": "maker", "craft": "mixed", "visit": "none"}))
}

fn event_skeleton() -> State {
    object(json!({"schedule": {"type": "dates", "sessions": []}}))
}

fn product_skeleton() -> State {
    object(json!({"name": {"id": "x"}, "status": "active"}))
}

fn object(value: Value) -> State {
    match value {
        Value::Object(members) => members,
        _ => State::new(),
    }
}

/// Reads a draft; every member that does not fit is a fault, and every one that must be there.
fn read<D: DeserializeOwned>(said: State, skeleton: &State) -> Result<D, Vec<Fault>> {
    let said = Value::Object(said);
    let first = match read_draft(&said) {
        Ok(draft) => return Ok(draft),
        Err(fault) => fault,
    };
    let Value::Object(said) = said else { return Err(vec![first]) };
    // A reader stops at the first; so each is tried alone among what holds.
    let needed = skeleton.keys().filter(|name| !said.contains_key(*name));
    let mut faults: Vec<Fault> = needed
        .map(|name| Fault::new("missing", "harus ada", "must be there").below(name))
        .collect();
    for (name, value) in said {
        let mut alone = skeleton.clone();
        alone.insert(name, value);
        faults.extend(read_draft::<D>(&Value::Object(alone)).err());
    }
    Err(if faults.is_empty() { vec![first] } else { faults })
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
