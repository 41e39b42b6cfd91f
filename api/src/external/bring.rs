//! Bring: what becomes of one record.

use std::sync::Arc;

use domain::{
    Fault,
    act::Told,
    edit::{self, State},
    external,
    listing::{Kind as ListingKind, NoticeKind, Status, unknown_word},
    maintainer,
    permission::{self, Operation, Verdict},
    record::{self, Record},
    review,
    revision::{self, Members},
    writer::Unit,
};
use search::{Document, Snapshot};
use serde_json::{Map, Value, json};

use super::Name;
use crate::{
    app::App,
    listings,
    managed::{self, Beside},
    problem::{Kind, Problem},
    target::{Target, is_trusted, keepers},
    writing::Writing,
};

/// What came of a record that was brought.
pub struct Brought {
    /// The listing as it is stored.
    pub record: Record,
    /// Whether it is there for the first time.
    pub is_new: bool,
    /// Whether anything is otherwise than it was.
    pub is_changed: bool,
    /// The change that was made, or waits.
    pub revision: Option<revision::Model>,
}

impl Brought {
    /// The answer, and the version in it.
    pub fn body(&self, app: &App, writing: &Writing) -> (Value, i64) {
        let snapshot = app.index.snapshot();
        let beside = Beside { revision: self.revision.as_ref(), pending: None };
        let mut body = managed::listing(&self.record, snapshot.reference(), writing.lang, &beside);
        body["duplicates"] = json!(self.duplicates(&snapshot, writing));
        (body, self.record.listing.version)
    }

    /// Public listings that may be the same thing.
    pub fn duplicates(&self, snapshot: &Snapshot, writing: &Writing) -> Vec<Value> {
        let listing = &self.record.listing;
        let venue = || snapshot.get(self.record.event()?.venue?)?.position;
        let Some(at) = listing.position().or_else(venue) else { return Vec::new() };
        let view = |(document, distance_m): (Arc<Document>, f64)| {
            let record = document.record();
            let (_, name) = record.listing.name.get(writing.lang);
            json!({"id": document.id, "slug": document.slug, "name": name, "distance_m": distance_m})
        };
        let own = (listing.id, listing.kind);
        let alike = snapshot.alike(own, &listing.name, at, writing.now);
        alike.into_iter().map(view).collect()
    }
}

/// What is to be written so that the listing called `name` says `said`.
///
/// # Errors
/// 422 with every rule that it breaks; 403 where it is no longer theirs to change; 409 where it was
/// ended by somebody else; 410 where it became one with another; 412.
pub async fn bring(
    app: &App,
    writing: &Writing,
    name: &Name,
    mut said: Map<String, Value>,
) -> Result<(Unit, Brought), Problem> {
    let kind = kind(said.shift_remove("kind").as_ref());
    let kind = kind.map_err(|fault| Problem::invalid(vec![fault.below("kind")]))?;
    let db = &app.store.reader;
    match external::get(db, &name.system, &name.id).await? {
        None => create(app, writing, name, kind, said).await,
        Some(row) => {
            let record = record::load(db, &[row.listing]).await?.pop();
            let record = record.ok_or_else(|| Problem::new(Kind::NotFound))?;
            replace(app, writing, row, record, kind, said).await
        }
    }
}

fn kind(said: Option<&Value>) -> Result<ListingKind, Fault> {
    let Some(said) = said else {
        return Err(Fault::new("missing", "harus ada", "must be there"));
    };
    let named = ListingKind::ALL.into_iter().find(|kind| said == kind.name());
    named.ok_or_else(|| unknown_word(&ListingKind::ALL.map(ListingKind::name)))
}

async fn create(
    app: &App,
    writing: &Writing,
    name: &Name,
    kind: ListingKind,
    said: State,
) -> Result<(Unit, Brought), Problem> {
    writing.check_new()?;
    let snapshot = app.index.snapshot();
    let reference = snapshot.reference();
    let has_source = said.contains_key("source");
    let mut record = listings::draft(app, writing, reference, kind, said).await?;
    let listing = &mut record.listing;
    listing.external_ids.0.insert(name.system.clone(), name.id.clone());
    if !has_source {
        listing.source.name = name.system.to_string();
    }
    let (person, agency) = (&writing.person, review::agency_of(listing, reference));
    let kept = maintainer::Model::new(person.account.id, listing.id, writing.now);
    let standings = permission::standings(&person.account, Some(&kept), agency.as_ref());
    let standings = permission::standings_with(standings, person.key.as_ref());
    let whole = edit::missing(&record).is_empty();
    let status = permission::rests(&standings, Status::Draft, whole);
    record.listing.status = status;
    record.listing.published_at = (status == Status::Published).then_some(writing.now);
    let officer = permission::acts_for(&person.account, agency.as_ref());
    let by = writing.by(agency.as_ref().filter(|_| officer), None);
    let row = external::Model::new(name.system.clone(), name.id.clone(), record.listing.id);
    let unit = by.bring(&record, row, reference);
    Ok((unit, Brought { record, is_new: true, is_changed: true, revision: None }))
}

async fn replace(
    app: &App,
    writing: &Writing,
    row: external::Model,
    record: Record,
    kind: ListingKind,
    said: State,
) -> Result<(Unit, Brought), Problem> {
    let target = Target::of(app, &writing.person, record).await?;
    let before = &target.record;
    let verdict = may_bring(&target, &row)?;
    writing.check_version(before.listing.version, false)?;
    let edit = target.edit(writing);
    let wanted = wanted(before, said, edit.vouches);
    let mut faults = Vec::new();
    if kind != before.listing.kind {
        let (id, en) = ("jenisnya tidak dapat diubah", "a listing is of one kind for ever");
        faults.push(Fault::new("read_only", id, en).below("kind"));
    }
    let mut after = match edit.revise(before, wanted) {
        Ok(after) if faults.is_empty() => after,
        Ok(_) => return Err(Problem::invalid(faults)),
        Err(found) => return Err(Problem::invalid(faults.into_iter().chain(found).collect())),
    };
    after.listing.external_ids.0.insert(row.system.clone(), row.id.clone());
    listings::check(app, before, &after).await?;
    let change = Change { app, writing, target: &target, row };
    change.make(after, verdict).await
}

/// What comes of bringing a record again.
fn may_bring(target: &Target, row: &external::Model) -> Result<Verdict, Problem> {
    let listing = &target.record.listing;
    if listing.merged_into.is_some() {
        return Err(Problem::gone(listing.merged_into));
    }
    if listing.status != Status::Archived {
        return target.may(Operation::Edit);
    }
    // Whoever ended it otherwise than by DELETE meant it, and a copy that is sent every night does not.
    if row.deleted_at.is_none() {
        return Err(target.in_its_state());
    }
    target.may(Operation::Restore)
}

/// What is to be said of a listing whose partner says `said`: that, and what is not the partner's to
/// say.
fn wanted(before: &Record, mut said: State, vouches: bool) -> State {
    let known = edit::state(before);
    let stays = |name: &str| {
        // What others call it stays, whoever writes.
        name.starts_with("products/")
            || name == "external_ids"
            || !vouches && edit::VOUCHED.contains(&name)
    };
    let keep = |(name, value): (&String, &Value)| {
        (stays(name) && !said.contains_key(name)).then(|| (name.clone(), value.clone()))
    };
    let kept: Vec<(String, Value)> = known.iter().filter_map(keep).collect();
    // Where it comes from and under what it may be used must be said of every listing.
    let must = ["source", "licence"].into_iter().filter(|name| !said.contains_key(*name));
    let must: Vec<_> =
        must.filter_map(|name| Some((name.to_owned(), known.get(name)?.clone()))).collect();
    said.extend(kept);
    said.extend(must);
    if !vouches {
        keep_dangers(&known, &mut said);
        keep_verified(&known, &mut said);
    }
    said
}

/// A danger that an office warns of stays until that office takes it away.
fn keep_dangers(known: &State, said: &mut State) {
    let is_danger = |notice: &&Value| notice["kind"] == NoticeKind::Danger.name();
    let notices = known.get("notices").and_then(Value::as_array);
    let dangers: Vec<Value> = notices.into_iter().flatten().filter(is_danger).cloned().collect();
    if dangers.is_empty() {
        return;
    }
    let notices = said.entry("notices").or_insert_with(|| json!([]));
    if let Some(notices) = notices.as_array_mut() {
        let new: Vec<Value> =
            dangers.into_iter().filter(|danger| !notices.contains(danger)).collect();
        notices.splice(0..0, new);
    }
}

/// A certificate that an office has looked at stays so, as long as it is said alike.
fn keep_verified(known: &State, said: &mut State) {
    let papers = known.get("certificates").and_then(Value::as_array);
    let papers: Vec<&Value> =
        papers.into_iter().flatten().filter(|paper| paper["verified"] == true).collect();
    let plain = |paper: &Value| {
        let mut paper = paper.as_object().cloned().unwrap_or_default();
        paper.shift_remove("verified");
        paper.retain(|_, value| !value.is_null());
        paper
    };
    let mine = said.get_mut("certificates").and_then(Value::as_array_mut);
    for paper in mine.into_iter().flatten().filter(|paper| paper.is_object()) {
        if papers.iter().any(|known| plain(known) == plain(paper)) {
            paper["verified"] = json!(true);
        }
    }
}

/// A change to a record that is there.
struct Change<'a> {
    app: &'a App,
    writing: &'a Writing,
    target: &'a Target,
    row: external::Model,
}

impl Change<'_> {
    async fn make(self, after: Record, verdict: Verdict) -> Result<(Unit, Brought), Problem> {
        let before = &self.target.record;
        let changed = Members::between(&edit::state(before), &edit::state(&after));
        let ended = before.listing.status == Status::Archived;
        if changed.0.is_empty() && !ended {
            return self.nothing().await;
        }
        let at_once = match verdict {
            Verdict::Yes => true,
            Verdict::WithinTrust => {
                is_trusted(self.app, self.target.agency.as_ref(), changed.0.keys()).await?
            }
            Verdict::AsProposal | Verdict::No => false,
        };
        if at_once { self.at_once(after).await } else { self.propose(&after, &changed).await }
    }

    fn brought(&self, is_changed: bool, revision: Option<revision::Model>) -> Brought {
        Brought { record: self.target.record.clone(), is_new: false, is_changed, revision }
    }

    /// It is as it is to be; what was wanted otherwise before is not any more.
    async fn nothing(&self) -> Result<(Unit, Brought), Problem> {
        let mut unit = self.writing.by(self.target.acting(), None).unit();
        self.take_back(&mut unit).await?;
        Ok((unit, self.brought(false, None)))
    }

    async fn at_once(self, after: Record) -> Result<(Unit, Brought), Problem> {
        let target = self.target;
        let (before, reference) = (&target.record, target.reference());
        let whole = edit::missing(&after).is_empty();
        let status = permission::rests(&target.standings, before.listing.status, whole);
        let open = review::open_about(&self.app.store.reader, before.listing.id).await?;
        let by = self.writing.by(target.acting(), None);
        let (mut unit, record, revision) = by.renew(before, after, status, open, reference);
        if status == Status::Published && !before.listing.is_public() {
            for keeper in keepers(self.app, &before.listing).await? {
                unit.writes.extend(by.tell(&keeper, Told::Published, target.name(keeper.lang)));
            }
        }
        self.take_back(&mut unit).await?;
        if self.row.deleted_at.is_some() {
            unit.writes.push(self.row.deleted(None).into());
        }
        Ok((unit, Brought { record, is_new: false, is_changed: true, revision: Some(revision) }))
    }

    /// It waits for an officer, once: what waits or was refused already is not asked for again.
    async fn propose(&self, after: &Record, patch: &Members) -> Result<(Unit, Brought), Problem> {
        let before = &self.target.record;
        let by = self.writing.by(self.target.acting(), None);
        let asked = |one: &&revision::Model| {
            one.author == Some(self.writing.person.account.id) && one.patch == *patch
        };
        let known = revision::of(&self.app.store.reader, before.listing.id).await?;
        let newest = known.iter().filter(|one| one.author == Some(self.writing.person.account.id));
        let again = newest.take(1).find(asked).filter(|one| {
            matches!(one.status, revision::Status::Pending | revision::Status::Refused)
        });
        if let Some(again) = again {
            return Ok((by.unit(), self.brought(false, Some(again.clone()))));
        }
        let (mut unit, revision) = by.propose(before, after, self.target.reference());
        self.take_back(&mut unit).await?;
        Ok((unit, self.brought(true, Some(revision))))
    }

    /// Takes back what its partner proposed before.
    async fn take_back(&self, unit: &mut Unit) -> Result<(), Problem> {
        let db = &self.app.store.reader;
        let by = self.writing.by(None, None);
        for one in revision::pending(db, self.target.record.listing.id).await? {
            if one.author != Some(self.writing.person.account.id) {
                continue;
            }
            let open = review::open_about(db, one.id).await?;
            let (gone, _) = by.dismiss(&one, revision::Status::Withdrawn, open);
            unit.writes.extend(gone.writes);
            unit.entries.extend(gone.entries);
        }
        Ok(())
    }
}
