//! Audit: the record of who did what, which shows whether anybody touched it since.
//!
//! Every entry carries the hash of the one before. What it hashes is not the values themselves (who,
//! why, before, after) but a salted digest of each; values and salts lie in a table beside it. So an
//! erasure can take a value away for good, salt and all, and the chain still holds:
//!
//! ```text
//! digest = SHA-256(salt ‖ name ‖ 0 ‖ value)
//! hash   = SHA-256(hash before ‖ seq ‖ at ‖ action ‖ 0 ‖ subject ‖ 0 ‖ version ‖ public
//!                  ‖ each name ‖ 0 ‖ its digest)
//! ```
//!
//! Numbers are eight bytes, the largest first, `at` in microseconds since 1970, `public` is a byte, 0
//! or 1; hashes and digests go in as hexadecimal text, names ascending. The first entry stands on 64 zeros.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromJsonQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::listing;

pub mod entity;
pub mod value;

pub use entity::Model;

/// Salted digests by the name of what they are of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Digests(pub BTreeMap<String, String>);

/// SHA-256 as 64 hexadecimal digits.
pub fn digest(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// `bytes` as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is to be recorded; its place in the chain is found when it is written.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What was done: `create`, `edit`, `publish` …
    pub action: &'static str,
    /// To what: the id of a listing or an account.
    pub subject: String,
    /// Which version that made; 0 where there are no versions.
    pub version: i64,
    /// Whether it is about what everybody could see from then on.
    pub public: bool,
    /// Who, why, before, after: what can be taken away again.
    pub values: Vec<Secret>,
}

/// A value with its salt.
#[derive(Debug, Clone)]
pub struct Secret {
    name: &'static str,
    salt: String,
    value: String,
}

impl Entry {
    /// An entry without values.
    pub fn new(action: &'static str, subject: impl fmt::Display, version: i64) -> Self {
        Self { action, subject: subject.to_string(), version, public: false, values: Vec::new() }
    }

    /// The same with a value, unless it is null; `salt` is random and new for each.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>, salt: Uuid) -> Self {
        let value = value.into();
        if !value.is_null() {
            let salt = salt.simple().to_string();
            self.values.push(Secret { name, salt, value: value.to_string() });
        }
        self
    }

    /// The row after the entry that had `seq` and `hash`, and the rows of its values.
    pub(crate) fn after(
        &self,
        (seq, hash): (i64, &str),
        at: DateTime<Utc>,
    ) -> (Model, Vec<value::Model>) {
        let seq = seq + 1;
        let values: Vec<value::Model> = self
            .values
            .iter()
            .map(|Secret { name, salt, value }| value::Model {
                seq,
                name: (*name).to_owned(),
                salt: salt.clone(),
                value: value.clone(),
            })
            .collect();
        let digests = values.iter().map(|value| (value.name.clone(), value.digest())).collect();
        let mut row = Model {
            seq,
            at,
            action: self.action.to_owned(),
            subject: self.subject.clone(),
            version: self.version,
            public: self.public,
            digests: Digests(digests),
            hash: String::new(),
        };
        row.hash = row.hash_after(hash);
        (row, values)
    }
}

/// What the first entry stands on.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Model {
    fn hash_after(&self, before: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.timestamp_micros().to_be_bytes());
        hash.update(&self.action);
        hash.update([0]);
        hash.update(&self.subject);
        hash.update([0]);
        hash.update(self.version.to_be_bytes());
        hash.update([u8::from(self.public)]);
        for (name, digest) in &self.digests.0 {
            hash.update(name);
            hash.update([0]);
            hash.update(digest);
        }
        hex(&hash.finalize())
    }
}

impl value::Model {
    fn digest(&self) -> String {
        digest([self.salt.as_bytes(), self.name.as_bytes(), &[0], self.value.as_bytes()].concat())
    }

    /// The value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.value).unwrap_or_default()
    }
}

/// Place and hash of the newest entry.
///
/// # Errors
/// When the database fails.
pub async fn head(db: &impl ConnectionTrait) -> Result<(i64, String), DbErr> {
    let newest = entity::Entity::find().order_by_desc(entity::Column::Seq).one(db).await?;
    Ok(newest.map_or_else(|| (0, GENESIS.to_owned()), |entry| (entry.seq, entry.hash)))
}

/// The entries about `subject` from `before` backwards, the newest first, with their values.
///
/// # Errors
/// When the database fails.
pub async fn about(
    db: &impl ConnectionTrait,
    subject: &str,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<(Model, Vec<value::Model>)>, DbErr> {
    let mut find = entity::Entity::find().filter(entity::Column::Subject.eq(subject));
    if let Some(before) = before {
        find = find.filter(entity::Column::Seq.lt(before));
    }
    let entries = find.order_by_desc(entity::Column::Seq).limit(limit).all(db).await?;
    let (Some(last), Some(first)) = (entries.first(), entries.last()) else {
        return Ok(Vec::new());
    };
    let mut values = values_between(db, first.seq, last.seq).await?;
    Ok(entries
        .into_iter()
        .map(|entry| {
            let mine = values.remove(&entry.seq).unwrap_or_default();
            (entry, mine)
        })
        .collect())
}

/// What somebody decided about a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was done: `publish`, `refuse` …
    pub action: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Why, where they said so.
    pub reason: Option<String>,
}

/// The last decision about each of `listings`, by subject, that was not made by `account` itself.
/// What was decided about a claim is told to who claimed.
///
/// # Errors
/// When the database fails.
pub async fn last_decisions(
    db: &impl ConnectionTrait,
    listings: &[Uuid],
    account: Uuid,
) -> Result<BTreeMap<String, Decision>, DbErr> {
    use entity::Column;
    const DECISIONS: [&str; 7] =
        ["publish", "refuse", "approve", "suspend", "archive", "restore", "merge"];
    let by_them = Some(Value::from(account.to_string()));
    let mut last = BTreeMap::new();
    for some in listings.chunks(SOME) {
        let entries = entity::Entity::find()
            .filter(Column::Subject.is_in(some.iter().map(Uuid::to_string)))
            .filter(Column::Action.is_in(DECISIONS))
            // An entry about a claim is of no version.
            .filter(Column::Version.gt(0))
            .order_by_desc(Column::Seq)
            .all(db)
            .await?;
        let values = value::Entity::find()
            .filter(value::Column::Seq.is_in(entries.iter().map(|entry| entry.seq)))
            .filter(value::Column::Name.is_in(["actor", "reason"]))
            .all(db)
            .await?;
        let values: BTreeMap<(i64, &str), Value> =
            values.iter().map(|value| ((value.seq, value.name.as_str()), value.json())).collect();
        for entry in entries {
            let by = values.get(&(entry.seq, "actor")).cloned();
            if by == by_them || last.contains_key(&entry.subject) {
                continue;
            }
            let reason = values.get(&(entry.seq, "reason")).and_then(Value::as_str);
            let reason = reason.map(str::to_owned);
            last.insert(entry.subject, Decision { action: entry.action, at: entry.at, reason });
        }
    }
    Ok(last)
}

/// Listings that are asked for at once.
const SOME: usize = 200;

async fn values_between(
    db: &impl ConnectionTrait,
    first: i64,
    last: i64,
) -> Result<BTreeMap<i64, Vec<value::Model>>, DbErr> {
    let rows =
        value::Entity::find().filter(value::Column::Seq.between(first, last)).all(db).await?;
    let mut values: BTreeMap<i64, Vec<value::Model>> = BTreeMap::new();
    rows.into_iter().for_each(|row| values.entry(row.seq).or_default().push(row));
    Ok(values)
}

/// What is wrong with an entry of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Entries from the first to the last of these are not there.
    Removed(i64, i64),
    /// It does not follow from the one before: it was changed, or stands in another's place.
    Changed(i64),
    /// A value is not the one that was recorded.
    ValueChanged(i64, String),
    /// A value was never recorded.
    ValueAdded(i64, String),
    /// The head that was published is nowhere in the chain.
    HeadMissing(String),
    /// A listing has a version that no entry is about.
    Unrecorded(String, i64),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed(first, last) if first == last => write!(f, "entry {first} was removed"),
            Self::Removed(first, last) => write!(f, "entries {first} to {last} were removed"),
            Self::Changed(seq) => write!(f, "entry {seq} was changed or moved"),
            Self::ValueChanged(seq, name) => write!(f, "entry {seq}: `{name}` was changed"),
            Self::ValueAdded(seq, name) => write!(f, "entry {seq}: `{name}` was added"),
            Self::Unrecorded(listing, version) => {
                write!(f, "listing {listing}: no entry is about its version {version}")
            }
            Self::HeadMissing(hash) => write!(f, "the published head {hash} is not in the chain"),
        }
    }
}

/// What a walk through the whole chain has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// How many entries there are.
    pub entries: i64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was erased, as it may be: place and name of each value.
    pub erased: Vec<(i64, String)>,
    /// The hash of the last entry.
    pub head: String,
}

/// Entries looked at together.
const STEP: u64 = 2000;

/// Walks the whole chain; `published` is a head that was told to somebody once.
///
/// # Errors
/// When the database fails.
pub async fn verify(db: &impl ConnectionTrait, published: Option<&str>) -> Result<Verdict, DbErr> {
    let mut verdict = Verdict { head: GENESIS.to_owned(), ..Verdict::default() };
    let mut newest: HashMap<Uuid, i64> = HashMap::new();
    let (mut seq, mut met) = (0, published.is_none() || published == Some(GENESIS));
    loop {
        let entries = entity::Entity::find()
            .filter(entity::Column::Seq.gt(seq))
            .order_by_asc(entity::Column::Seq)
            .limit(STEP)
            .all(db)
            .await?;
        let Some(last) = entries.last().map(|entry| entry.seq) else { break };
        let mut values = values_between(db, seq + 1, last).await?;
        for entry in entries {
            if entry.seq != seq + 1 {
                verdict.findings.push(Finding::Removed(seq + 1, entry.seq - 1));
            }
            // After a gap the chain cannot be followed; what comes next is held to itself again.
            if entry.seq == seq + 1 && entry.hash != entry.hash_after(&verdict.head) {
                verdict.findings.push(Finding::Changed(entry.seq));
            }
            seq = entry.seq;
            met |= published == Some(entry.hash.as_str());
            verdict.entries += 1;
            if let Ok(subject) = entry.subject.parse() {
                let newest = newest.entry(subject).or_default();
                *newest = entry.version.max(*newest);
            }
            verdict.look_at(&entry, &values.remove(&entry.seq).unwrap_or_default());
            verdict.head = entry.hash;
        }
    }
    verdict.findings.extend(unrecorded(db, &newest).await?);
    if let Some(published) = published.filter(|_| !met) {
        verdict.findings.push(Finding::HeadMissing(published.to_owned()));
    }
    Ok(verdict)
}

/// The listings that are further than the record, as they would be had somebody cut its end off or
/// gone past it; those it has never known were there before it began.
async fn unrecorded(
    db: &impl ConnectionTrait,
    newest: &HashMap<Uuid, i64>,
) -> Result<Vec<Finding>, DbErr> {
    use listing::entity::{Column, Entity};
    let (mut found, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let rows: Vec<(Uuid, i64)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Version])
            .filter(Column::Id.gt(after))
            .order_by_asc(Column::Id)
            .limit(STEP)
            .into_tuple()
            .all(db)
            .await?;
        let Some((last, _)) = rows.last() else { return Ok(found) };
        after = *last;
        let further =
            rows.iter().filter(|(id, version)| newest.get(id).is_some_and(|n| n < version));
        found.extend(further.map(|(id, version)| Finding::Unrecorded(id.to_string(), *version)));
    }
}

impl Verdict {
    fn look_at(&mut self, entry: &Model, values: &[value::Model]) {
        for value in values {
            match entry.digests.0.get(&value.name) {
                Some(digest) if *digest == value.digest() => {}
                Some(_) => {
                    self.findings.push(Finding::ValueChanged(entry.seq, value.name.clone()));
                }
                None => self.findings.push(Finding::ValueAdded(entry.seq, value.name.clone())),
            }
        }
        let gone = entry.digests.0.keys().filter(|name| !values.iter().any(|v| v.name == **name));
        self.erased.extend(gone.map(|name| (entry.seq, name.clone())));
    }
}
