//! Review: something that waits for an officer, in the queue of an agency until it is decided.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use crate::{
    category, claim,
    key::{AgencyId, CategoryCode},
    listing::{self, stored_vocabulary},
    reference::Reference,
    revision,
};

pub mod entity;

pub use entity::Model;

stored_vocabulary! {
    /// What waits.
    What {
        /// A listing handed in.
        Submission = "submission",
        /// A change to a published listing.
        Revision = "revision",
        /// Somebody who asks to keep a listing.
        Claim = "claim",
    }
}

impl Model {
    /// Something that waits from `now` on.
    pub fn new(
        id: Uuid,
        what: What,
        subject: Uuid,
        listing: &listing::Model,
        reference: &Reference,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            what,
            subject,
            listing: listing.id,
            agency: agency_of(listing, reference),
            assignee: None,
            opened_at: now,
            closed_at: None,
            version: 1,
        }
    }

    /// The same, decided or taken back at `now`.
    #[must_use]
    pub fn closed(self, now: DateTime<Utc>) -> Self {
        Self { closed_at: Some(now), version: self.version + 1, ..self }
    }
}

/// The agency that answers for a listing: the one it names, else [`answering`].
pub fn agency_of(listing: &listing::Model, reference: &Reference) -> Option<AgencyId> {
    let named = listing.responsible_agency.clone();
    named.or_else(|| answering(listing.kind, &listing.category, reference))
}

/// The agency that answers for the nearest of a category's ancestors, else for the kind; of several
/// the first by id.
pub fn answering(
    kind: listing::Kind,
    category: &CategoryCode,
    reference: &Reference,
) -> Option<AgencyId> {
    let depth = |code: &CategoryCode| code.as_str().len();
    let by_category = reference.agencies().filter_map(|agency| {
        let nearest = agency.categories.iter().filter(|code| category::holds(code, category));
        Some((depth(nearest.max_by_key(|code| depth(code))?), agency))
    });
    let by_category =
        by_category.min_by_key(|(depth, agency)| (std::cmp::Reverse(*depth), agency.id.clone()));
    let by_kind = || reference.agencies().find(|agency| agency.kinds.contains(&kind));
    by_category.map(|(_, agency)| agency).or_else(by_kind).map(|agency| agency.id.clone())
}

/// The review `id`.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(id).one(db).await
}

/// What waits about `subject`.
///
/// # Errors
/// When the database fails.
pub async fn open_about(db: &impl ConnectionTrait, subject: Uuid) -> Result<Option<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Subject.eq(subject))
        .filter(entity::Column::ClosedAt.is_null())
        .one(db)
        .await
}

/// Everything that waits about a listing.
#[derive(Debug, Default)]
pub struct Open {
    /// As it stands in the queue.
    pub reviews: Vec<Model>,
    /// Proposals.
    pub revisions: Vec<revision::Model>,
    /// Claims.
    pub claims: Vec<claim::Model>,
}

/// Everything that waits about `listing`.
///
/// # Errors
/// When the database fails.
pub async fn all_about(db: &impl ConnectionTrait, listing: Uuid) -> Result<Open, DbErr> {
    let reviews = entity::Entity::find()
        .filter(entity::Column::Listing.eq(listing))
        .filter(entity::Column::ClosedAt.is_null())
        .all(db)
        .await?;
    let revisions = revision::pending(db, listing).await?;
    let claims = claim::pending(db, listing).await?;
    Ok(Open { reviews, revisions, claims })
}

/// What of the queue is asked for.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    /// The agencies whose it is; absent: everybody's.
    pub agencies: Option<Vec<AgencyId>>,
    /// What waits.
    pub what: Vec<What>,
    /// Who has taken it up.
    pub assignee: Option<Uuid>,
    /// Only what nobody has taken up.
    pub unassigned: bool,
    /// What comes after this.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

impl Queue {
    fn condition(&self) -> Condition {
        use entity::Column;
        let any = |mine: &[AgencyId]| Column::Agency.is_in(mine.iter().cloned());
        let after = self.after.map(|(at, id)| {
            Condition::any()
                .add(Column::OpenedAt.gt(at))
                .add(Condition::all().add(Column::OpenedAt.eq(at)).add(Column::Id.gt(id)))
        });
        Condition::all()
            .add(Column::ClosedAt.is_null())
            .add_option(self.agencies.as_deref().map(any))
            .add_option((!self.what.is_empty()).then(|| Column::What.is_in(self.what.clone())))
            .add_option(self.assignee.map(|who| Column::Assignee.eq(who)))
            .add_option(self.unassigned.then(|| Column::Assignee.is_null()))
            .add_option(after)
    }
}

/// What waits, the oldest first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn queue(
    db: &impl ConnectionTrait,
    queue: &Queue,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(queue.condition())
        .order_by_asc(entity::Column::OpenedAt)
        .order_by_asc(entity::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// How much of each waits.
///
/// # Errors
/// When the database fails.
pub async fn counts(db: &impl ConnectionTrait, queue: &Queue) -> Result<Vec<(What, i64)>, DbErr> {
    let all = Queue { what: Vec::new(), after: None, ..queue.clone() };
    entity::Entity::find()
        .select_only()
        .column(entity::Column::What)
        .column_as(entity::Column::Id.count(), "count")
        .filter(all.condition())
        .group_by(entity::Column::What)
        .order_by_asc(entity::Column::What)
        .into_tuple()
        .all(db)
        .await
}
