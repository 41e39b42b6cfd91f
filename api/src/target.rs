//! Target: the listing that a write is about, and how the one who writes stands to it.

use std::sync::Arc;

use domain::{
    account, agency,
    edit::Edit,
    key::AgencyId,
    listing::{self, Kind as ListingKind},
    maintainer,
    permission::{self, Operation, Standing, Verdict},
    record::{self, Record},
    reference::Reference,
    review,
};
use sea_orm::EntityTrait as _;
use search::Snapshot;
use serde_json::Value;

use crate::{
    app::App,
    body::unknown_members,
    person::Person,
    problem::{Kind, Problem},
    writing::Writing,
};

/// A listing, and how somebody stands to it.
pub struct Target {
    /// The listing as it is stored.
    pub record: Record,
    /// The agency that answers for it.
    pub agency: Option<AgencyId>,
    /// How they stand to it.
    pub standings: Vec<Standing>,
    snapshot: Arc<Snapshot>,
}

impl Target {
    /// The listing that `key` names, of `kind` where one is given.
    ///
    /// # Errors
    /// 404 where it is none, or none that they may know of; 410 where it was public once.
    pub async fn load(
        app: &App,
        person: &Person,
        key: &str,
        kind: Option<ListingKind>,
    ) -> Result<Self, Problem> {
        let found = record::named(&app.store.reader, key).await?;
        let found = found.filter(|record| kind.is_none_or(|kind| kind == record.listing.kind));
        let record = found.ok_or_else(|| Problem::new(Kind::NotFound))?;
        let target = Self::of(app, person, record).await?;
        let listing = &target.record.listing;
        if !listing.is_public() && target.verdict(Operation::See) == Verdict::No {
            return Err(if listing.is_gone() {
                Problem::gone(listing.merged_into)
            } else {
                Problem::new(Kind::NotFound)
            });
        }
        Ok(target)
    }

    /// The listing `record`, whether they may know of it or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(app: &App, person: &Person, record: Record) -> Result<Self, Problem> {
        let snapshot = app.index.snapshot();
        let agency = review::agency_of(&record.listing, snapshot.reference());
        let kept = maintainer::of(&app.store.reader, person.account.id, record.listing.id).await?;
        let standings = permission::standings(&person.account, kept.as_ref(), agency.as_ref());
        let standings = permission::standings_with(standings, person.key.as_ref());
        Ok(Self { record, agency, standings, snapshot })
    }

    /// What comes of `operation` by them.
    pub fn verdict(&self, operation: Operation) -> Verdict {
        permission::may(operation, &self.standings, self.record.listing.status)
    }

    /// The same, where it is not nothing.
    ///
    /// # Errors
    /// 403 where they may never; 409 where they may in another state.
    pub fn may(&self, operation: Operation) -> Result<Verdict, Problem> {
        match self.verdict(operation) {
            Verdict::No if permission::might(operation, &self.standings) => {
                Err(self.in_its_state())
            }
            Verdict::No => Err(Problem::new(Kind::Forbidden)),
            verdict => Ok(verdict),
        }
    }

    /// The problem of a step that its state does not allow.
    pub fn in_its_state(&self) -> Problem {
        let status = serde_json::to_value(self.record.listing.status).unwrap_or_default();
        let status = status.as_str().unwrap_or_default().to_owned();
        Problem::new(Kind::Conflict)
            .saying(format!("keadaannya sekarang: {status}"), format!("its state is: {status}"))
    }

    /// Notes who made the proposal or the claim that it is about: perhaps they.
    pub fn made_by(&mut self, author: Option<uuid::Uuid>, person: &Person) {
        if author == Some(person.account.id) {
            self.standings.push(Standing::Author);
        }
    }

    /// Whether they moderate it.
    fn is_officer(&self) -> bool {
        self.standings
            .iter()
            .any(|standing| matches!(standing, Standing::Officer | Standing::Admin))
    }

    /// For which agency they act, if as an officer.
    pub fn acting(&self) -> Option<&AgencyId> {
        self.agency.as_ref().filter(|_| self.is_officer())
    }

    /// What listings refer to.
    pub fn reference(&self) -> &Reference {
        self.snapshot.reference()
    }

    /// What their edit goes by.
    pub fn edit(&self, writing: &Writing) -> Edit<'_> {
        let vouches = self.verdict(Operation::Vouch) == Verdict::Yes;
        Edit { reference: self.reference(), now: writing.now, vouches }
    }

    /// Its name in Indonesian, for messages.
    pub fn name(&self, lang: domain::text::Lang) -> &str {
        self.record.listing.name.get(lang).1
    }
}

/// Whether all of `names` are members that the agency trusts keepers with.
///
/// # Errors
/// When the database fails.
pub async fn is_trusted(
    app: &App,
    agency: Option<&AgencyId>,
    mut names: impl Iterator<Item = &String>,
) -> Result<bool, Problem> {
    let Some(agency) = agency else { return Ok(false) };
    let row = agency::trust::Entity::find_by_id(agency.clone()).one(&app.store.reader).await?;
    let Some(row) = row else { return Ok(false) };
    let trusted = |name: &String| {
        let name = if name.starts_with("products/") { "products" } else { name };
        row.members.iter().any(|member| member == name)
    };
    Ok(names.all(trusted))
}

/// The accounts that keep a listing.
///
/// # Errors
/// When the database fails.
pub async fn keepers(app: &App, listing: &listing::Model) -> Result<Vec<account::Model>, Problem> {
    let mut accounts = Vec::new();
    for row in maintainer::keepers_of(&app.store.reader, listing.id).await? {
        accounts.extend(account::get(&app.store.reader, row.account).await?);
    }
    Ok(accounts)
}

/// The text of `member` of a body: of at most `max` characters; `None` where it is not there.
///
/// # Errors
/// 422 where it is no such text, or the body says something else as well.
pub fn text_of(
    body: &serde_json::Map<String, Value>,
    member: &str,
    max: usize,
    required: bool,
) -> Result<Option<String>, Problem> {
    use domain::Fault;
    let mut faults = unknown_members(body, &[member]);
    let text = body.get(member).filter(|value| !value.is_null());
    let text = match text {
        None if required => {
            faults.push(Fault::new("missing", "harus ada", "must be there").below(member));
            None
        }
        None => None,
        Some(Value::String(text)) => {
            faults.extend(domain::text::line_fault(text, max).map(|fault| fault.below(member)));
            Some(text.trim().to_owned())
        }
        Some(_) => {
            let fault = Fault::new("bad_format", "harus sebuah teks", "must be a text");
            faults.push(fault.below(member));
            None
        }
    };
    if faults.is_empty() { Ok(text) } else { Err(Problem::invalid(faults)) }
}
