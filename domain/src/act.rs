//! Act: what somebody does to a listing, as one unit: new rows, lines in the log, an entry on
//! record, and messages to those whom it concerns. All of it happens, or nothing.
//!
//! Whether they may is decided before (`permission`), whether it makes sense is decided in `edit`.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    account, audit, claim,
    edit::{self, State},
    error::Fault,
    external,
    key::AgencyId,
    listing::{self, Status},
    maintainer, message,
    record::Record,
    reference::Reference,
    review, revision,
    revision::Members,
    text::Lang,
    writer::{Unit, Write},
};

/// Who acts, when and why. Ids and salts come from outside, as the time does.
#[derive(Clone, Copy)]
pub struct By<'a> {
    /// Who.
    pub account: &'a account::Model,
    /// For which agency, where it is an officer's act.
    pub agency: Option<&'a AgencyId>,
    /// Why, where they said so.
    pub reason: Option<&'a str>,
    /// When.
    pub now: DateTime<Utc>,
    /// Makes an id.
    pub id: fn(DateTime<Utc>) -> Uuid,
    /// Makes a salt.
    pub salt: fn() -> Uuid,
}

/// Members that may hold what is not for everybody: they lie apart on record, so that they can be
/// erased.
const PRIVATE: [&str; 2] = ["contacts", "address"];

impl By<'_> {
    /// A unit of theirs without anything in it.
    pub fn unit(&self) -> Unit {
        Unit::new(Vec::new(), self.account.id.to_string(), self.now)
    }

    /// What the record says of an act; `before` and `after` are what changed, by member.
    pub fn entry(
        &self,
        action: &'static str,
        subject: Uuid,
        version: i64,
        (before, after): (Map<String, Value>, Map<String, Value>),
    ) -> audit::Entry {
        let salt = self.salt;
        let part = |members: &Map<String, Value>, private: bool| {
            let part: Map<String, Value> = members
                .iter()
                .filter(|(name, _)| PRIVATE.contains(&name.as_str()) == private)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if part.is_empty() { Value::Null } else { Value::Object(part) }
        };
        audit::Entry::new(action, subject, version)
            .with("actor", self.account.id.to_string(), salt())
            .with("agency", self.agency.map(AgencyId::as_str), salt())
            .with("reason", self.reason, salt())
            .with("before", part(&before, false), salt())
            .with("before_private", part(&before, true), salt())
            .with("after", part(&after, false), salt())
            .with("after_private", part(&after, true), salt())
    }

    /// The writes and the entry that make `after` of `before`.
    fn change(
        &self,
        unit: &mut Unit,
        action: &'static str,
        before: Option<&Record>,
        after: &Record,
    ) {
        let mut old = before.map(edit::state).unwrap_or_default();
        let mut new = edit::state(after);
        for (state, record) in [(&mut old, before), (&mut new, Some(after))] {
            if let Some(record) = record {
                state.insert("status".to_owned(), json!(record.listing.status));
                let into = record.listing.merged_into.map(|into| json!(into));
                state.extend(into.map(|into| ("merged_into".to_owned(), into)));
            }
        }
        let changed = Members::between(&old, &new);
        let was = if before.is_some() { changed.of(&old).0 } else { Map::new() };
        let listing = &after.listing;
        let mut entry = self.entry(action, listing.id, listing.version, (was, changed.0));
        entry.public = listing.is_public();
        unit.entries.push(entry);
        let former_slug = before.map(|before| before.listing.slug.clone());
        let former_slug = former_slug.filter(|slug| *slug != listing.slug);
        unit.writes.push(Write::Listing { record: Box::new(after.clone()), former_slug });
        let known = before.map_or(&[][..], |before| &before.products);
        let products = after.products.iter().filter(|product| !known.contains(product));
        unit.writes.extend(products.cloned().map(Write::from));
    }

    /// A new draft, kept by who made it; an administrator need not, for they see everything.
    pub fn create(&self, record: &Record) -> Unit {
        let mut unit = self.unit();
        self.change(&mut unit, "create", None, record);
        if self.account.role != account::Role::Admin {
            let keeper = maintainer::Model::new(self.account.id, record.listing.id, self.now);
            unit.writes.push(keeper.into());
        }
        unit
    }

    /// A change that is made at once; with the revision that says so.
    pub fn edit(&self, before: &Record, after: &Record) -> (Unit, revision::Model) {
        let mut unit = self.unit();
        self.change(&mut unit, "edit", Some(before), after);
        let revision = revision::Model {
            status: revision::Status::Applied,
            result_version: Some(after.listing.version),
            decided_by: Some(self.account.id),
            decided_at: Some(self.now),
            ..self.revision(before, after)
        };
        unit.writes.push(revision.clone().into());
        (unit, revision)
    }

    /// A new listing as far as it has come that a partner brings under an id of its own.
    pub fn bring(&self, record: &Record, name: external::Model, reference: &Reference) -> Unit {
        let mut unit = self.create(record);
        if record.listing.status == Status::InReview {
            unit.writes.push(self.waiting(&record.listing, reference).into());
        }
        unit.writes.push(name.into());
        unit
    }

    /// A change that is made at once and takes the listing to another status, or leaves it; `open` is
    /// what waited because of the one before.
    pub fn renew(
        &self,
        before: &Record,
        mut after: Record,
        status: Status,
        open: Option<review::Model>,
        reference: &Reference,
    ) -> (Unit, Record, revision::Model) {
        let was = before.listing.status;
        if status != was {
            after.listing.version = before.listing.version;
            self.advance(&mut after, status);
        }
        let (mut unit, revision) = self.edit(before, &after);
        if was == Status::InReview && status != was {
            unit.writes.extend(open.map(|review| review.closed(self.now).into()));
        }
        if status == Status::InReview && was != status {
            unit.writes.push(self.waiting(&after.listing, reference).into());
        }
        (unit, after, revision)
    }

    /// What was handed in, in the queue of the agency that answers for it.
    fn waiting(&self, listing: &listing::Model, reference: &Reference) -> review::Model {
        let (id, what) = ((self.id)(self.now), review::What::Submission);
        review::Model::new(id, what, listing.id, listing, reference, self.now)
    }

    /// A change that waits for an officer; what is public stays as it is.
    pub fn propose(
        &self,
        before: &Record,
        after: &Record,
        reference: &Reference,
    ) -> (Unit, revision::Model) {
        let mut unit = self.unit();
        let revision = self.revision(before, after);
        let (id, listing) = ((self.id)(self.now), &before.listing);
        let review = review::Model::new(
            id,
            review::What::Revision,
            revision.id,
            listing,
            reference,
            self.now,
        );
        let members = (revision.before.0.clone(), revision.patch.0.clone());
        unit.entries.push(self.entry("propose", listing.id, listing.version, members));
        unit.writes.extend([revision.clone().into(), review.into()]);
        (unit, revision)
    }

    fn revision(&self, before: &Record, after: &Record) -> revision::Model {
        let old = edit::state(before);
        let patch = Members::between(&old, &edit::state(after));
        revision::Model {
            id: (self.id)(self.now),
            listing: before.listing.id,
            author: Some(self.account.id),
            base_version: before.listing.version,
            result_version: None,
            status: revision::Status::Pending,
            before: patch.of(&old),
            patch,
            reason: None,
            decided_by: None,
            decided_at: None,
            created_at: self.now,
            version: 1,
        }
    }

    /// A move to another status under `action`; `open` is what waited because of the old one.
    pub fn turn(
        &self,
        action: &'static str,
        before: &Record,
        status: Status,
        open: Option<review::Model>,
    ) -> (Unit, Record) {
        let mut unit = self.unit();
        let mut after = before.clone();
        self.advance(&mut after, status);
        self.change(&mut unit, action, Some(before), &after);
        unit.writes.extend(open.map(|review| review.closed(self.now).into()));
        (unit, after)
    }

    /// A listing ends: what waited about it is decided with it, for nobody could decide it later.
    pub fn settle(&self, unit: &mut Unit, open: review::Open) {
        let review::Open { reviews, revisions, claims } = open;
        unit.writes.extend(reviews.into_iter().map(|review| review.closed(self.now).into()));
        let refused = revision::Status::Refused;
        unit.writes.extend(revisions.iter().map(|one| self.decided(one, refused).into()));
        let refused = claim::Status::Refused;
        unit.writes.extend(claims.iter().map(|claim| self.judged(claim, refused).into()));
    }

    /// Handed in: it waits in the queue of the agency that answers for it.
    pub fn submit(&self, before: &Record, reference: &Reference) -> (Unit, Record) {
        let (mut unit, after) = self.turn("submit", before, Status::InReview, None);
        unit.writes.push(self.waiting(&before.listing, reference).into());
        (unit, after)
    }

    /// Two become one: `before` ends and leads to `into`, which gets its products and keepers.
    pub fn merge(
        &self,
        before: &Record,
        into: &Record,
        keepers: &[maintainer::Model],
        already: &[maintainer::Model],
    ) -> (Unit, Record) {
        let mut unit = self.unit();
        let mut after = before.clone();
        self.advance(&mut after, Status::Archived);
        after.listing.merged_into = Some(into.listing.id);
        after.products.clear();
        self.change(&mut unit, "merge", Some(before), &after);
        if !before.products.is_empty() {
            let mut stays = into.clone();
            self.advance(&mut stays, into.listing.status);
            for product in &before.products {
                let mut product = product.clone();
                product.producer = into.listing.id;
                product.version += 1;
                product.updated_at = self.now;
                let taken =
                    |slug: &crate::key::Slug| stays.products.iter().any(|p| p.slug == *slug);
                if taken(&product.slug) {
                    let mut others = edit::slugs_of(&json!({"id": product.slug.as_str()}));
                    product.slug = others.find(|slug| !taken(slug)).unwrap_or(product.slug);
                }
                stays.products.push(product);
            }
            self.change(&mut unit, "receive", Some(into), &stays);
        }
        for keeper in keepers {
            if already.iter().any(|other| other.account == keeper.account) {
                continue;
            }
            let keeper = maintainer::Model::new(keeper.account, into.listing.id, self.now);
            unit.writes.push(keeper.into());
        }
        (unit, after)
    }

    fn advance(&self, record: &mut Record, status: Status) {
        let listing = &mut record.listing;
        listing.status = status;
        listing.version += 1;
        listing.updated_at = self.now;
        if status == Status::Published {
            listing.published_at = listing.published_at.or(Some(self.now));
        }
        if status != Status::Archived {
            listing.merged_into = None;
        }
    }

    /// A proposal is made: `after` is `before` with it.
    pub fn approve(
        &self,
        revision: &revision::Model,
        before: &Record,
        after: &Record,
        open: Option<review::Model>,
    ) -> (Unit, revision::Model) {
        let mut unit = self.unit();
        self.change(&mut unit, "approve", Some(before), after);
        let revision = revision::Model {
            result_version: Some(after.listing.version),
            ..self.decided(revision, revision::Status::Applied)
        };
        unit.writes.push(revision.clone().into());
        unit.writes.extend(open.map(|review| review.closed(self.now).into()));
        (unit, revision)
    }

    /// A proposal is not made: refused by an officer, or taken back by who made it.
    pub fn dismiss(
        &self,
        revision: &revision::Model,
        status: revision::Status,
        open: Option<review::Model>,
    ) -> (Unit, revision::Model) {
        let mut unit = self.unit();
        let decided = self.decided(revision, status);
        let action = if status == revision::Status::Refused { "refuse" } else { "withdraw" };
        let members = (Map::new(), Map::from_iter([("revision".to_owned(), json!(revision.id))]));
        unit.entries.push(self.entry(action, revision.listing, revision.base_version, members));
        unit.writes.push(decided.clone().into());
        unit.writes.extend(open.map(|review| review.closed(self.now).into()));
        (unit, decided)
    }

    fn decided(&self, revision: &revision::Model, status: revision::Status) -> revision::Model {
        revision::Model {
            status,
            reason: self.reason.map(str::to_owned),
            decided_by: Some(self.account.id),
            decided_at: Some(self.now),
            version: revision.version + 1,
            ..revision.clone()
        }
    }

    /// Asks to keep a listing.
    pub fn claim(
        &self,
        record: &Record,
        evidence: String,
        reference: &Reference,
    ) -> (Unit, claim::Model) {
        let mut unit = self.unit();
        let claim = claim::Model {
            id: (self.id)(self.now),
            listing: record.listing.id,
            account: self.account.id,
            evidence,
            status: claim::Status::Pending,
            reason: None,
            decided_by: None,
            decided_at: None,
            created_at: self.now,
            version: 1,
        };
        let (id, listing) = ((self.id)(self.now), &record.listing);
        let what = review::What::Claim;
        let review = review::Model::new(id, what, claim.id, listing, reference, self.now);
        let members = (Map::new(), Map::from_iter([("claim".to_owned(), json!(claim.id))]));
        unit.entries.push(self.entry("claim", listing.id, listing.version, members));
        unit.writes.extend([claim.clone().into(), review.into()]);
        (unit, claim)
    }

    /// Decides a claim; who gets it keeps the listing from now on. `ever` is how they kept it before.
    pub fn decide_claim(
        &self,
        claim: &claim::Model,
        status: claim::Status,
        ever: Option<maintainer::Model>,
        open: Option<review::Model>,
    ) -> (Unit, claim::Model) {
        let mut unit = self.unit();
        let decided = self.judged(claim, status);
        if status == claim::Status::Approved {
            let anew = maintainer::Model::new(claim.account, claim.listing, self.now);
            let version = ever.map_or(1, |ever| ever.version + 1);
            unit.writes.push(maintainer::Model { version, ..anew }.into());
        }
        let action = match status {
            claim::Status::Approved => "entrust",
            claim::Status::Withdrawn => "withdraw",
            claim::Status::Refused | claim::Status::Pending => "refuse",
        };
        let members = (Map::new(), Map::from_iter([("claim".to_owned(), json!(claim.id))]));
        unit.entries.push(self.entry(action, claim.listing, 0, members));
        unit.writes.push(decided.clone().into());
        unit.writes.extend(open.map(|review| review.closed(self.now).into()));
        (unit, decided)
    }

    fn judged(&self, claim: &claim::Model, status: claim::Status) -> claim::Model {
        claim::Model {
            status,
            reason: self.reason.map(str::to_owned),
            decided_by: Some(self.account.id),
            decided_at: Some(self.now),
            version: claim.version + 1,
            ..claim.clone()
        }
    }

    /// A message to `to` about what happened to `name`; nobody is told of what they did themselves.
    pub fn tell(&self, to: &account::Model, told: Told, name: &str) -> Option<Write> {
        if to.id == self.account.id || to.erased_at.is_some() {
            return None;
        }
        let (subject, text) = told.said(to.lang, name, self.reason);
        Some(
            message::Model {
                id: (self.id)(self.now),
                account: to.id,
                lang: to.lang,
                subject,
                text,
                tries: 0,
                created_at: self.now,
                sent_at: None,
                version: 1,
            }
            .into(),
        )
    }
}

/// The state that a proposal asks for on top of `record`.
///
/// # Errors
/// The members that somebody changed otherwise since it was made.
pub fn with_revision(record: &Record, revision: &revision::Model) -> Result<State, Vec<Fault>> {
    let state = edit::state(record);
    let clashes = revision.patch.clashes(&revision.before, &state);
    if clashes.is_empty() {
        return Ok(revision.patch.onto(state));
    }
    let fault = |name: String| {
        Fault::new(
            "clash",
            "sudah diubah orang lain sejak usulan dibuat",
            "was changed by somebody else since the proposal was made",
        )
        .below(name)
    };
    Err(clashes.into_iter().map(fault).collect())
}

/// What somebody is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A listing was made public.
    Published,
    /// What was handed in comes back.
    SentBack,
    /// A proposal was made.
    Approved,
    /// A proposal was not made.
    Refused,
    /// They keep a listing now.
    Entrusted,
    /// They do not.
    ClaimRefused,
    /// A listing was taken out of sight.
    Suspended,
    /// A listing was ended.
    Archived,
    /// A listing was brought back.
    Restored,
    /// It became one with another.
    Merged,
}

impl Told {
    /// Subject and text.
    fn said(self, lang: Lang, name: &str, reason: Option<&str>) -> (String, String) {
        let (id, en, jv) = match self {
            Self::Published => (
                "sudah tayang. Semua orang kini dapat menemukannya",
                "is public now. Everybody can find it",
                "sampun kababar. Sadaya tiyang saged manggihaken",
            ),
            Self::SentBack => (
                "belum dapat ditayangkan dan dikembalikan sebagai draf",
                "cannot be published yet and comes back as a draft",
                "dereng saged kababar lan kawangsulaken dados draf",
            ),
            Self::Approved => (
                "sudah diperbarui dengan usulan Anda",
                "was updated with your proposal",
                "sampun dipunanyari miturut usulan panjenengan",
            ),
            Self::Refused => (
                "tidak diubah: usulan Anda belum dapat diterima",
                "was not changed: your proposal could not be accepted",
                "boten dipunewahi: usulan panjenengan dereng saged katampi",
            ),
            Self::Entrusted => (
                "kini dapat Anda kelola",
                "is yours to keep now",
                "sapunika saged panjenengan openi",
            ),
            Self::ClaimRefused => (
                "belum dapat Anda kelola",
                "cannot be entrusted to you yet",
                "dereng saged panjenengan openi",
            ),
            Self::Suspended => (
                "untuk sementara tidak ditampilkan",
                "is not shown for the time being",
                "kangge sawetawis boten katampilaken",
            ),
            Self::Archived => (
                "diakhiri dan tidak lagi ditampilkan",
                "was ended and is no longer shown",
                "dipunpungkasi lan boten katampilaken malih",
            ),
            Self::Restored => ("dibuka kembali", "was brought back", "dipunbikak malih"),
            Self::Merged => (
                "digabung dengan entri lain tentang hal yang sama",
                "was made one with another listing of the same thing",
                "dipungabung kaliyan entri sanes ingkang sami",
            ),
        };
        let (said, why) = match lang {
            Lang::Id => (id, "Alasan"),
            Lang::En => (en, "Reason"),
            Lang::Jv => (jv, "Awit"),
        };
        let reason = reason.map(|reason| format!("\n{why}: {reason}\n")).unwrap_or_default();
        (name.to_owned(), format!("{name} {said}.\n{reason}"))
    }
}
