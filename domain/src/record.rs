//! Record: a listing as a whole, its shared row with what its kind adds.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;
use uuid::Uuid;

use crate::{
    event::{self, Organiser},
    key::Slug,
    listing::{self, Kind, Status},
    place, producer, product,
};

mod packed;
mod quick;

pub use packed::Packed;
pub(crate) use packed::json;

/// A listing with what only its kind has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What all listings have.
    pub listing: listing::Model,
    /// What its kind adds.
    pub detail: Detail,
    /// A producer's products; empty for the other kinds.
    pub products: Vec<product::Model>,
    /// Slugs it had before, which still lead to it.
    pub former_slugs: Vec<Slug>,
}

/// What only one kind has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// Of a place.
    Place(place::Model),
    /// Of a producer.
    Producer(producer::Model),
    /// Of an event.
    Event(event::Model),
}

impl Record {
    /// The event's row, if it is one.
    pub fn event(&self) -> Option<&event::Model> {
        match &self.detail {
            Detail::Event(event) => Some(event),
            _ => None,
        }
    }

    /// The producer's row, if it is one.
    pub fn producer(&self) -> Option<&producer::Model> {
        match &self.detail {
            Detail::Producer(producer) => Some(producer),
            _ => None,
        }
    }

    /// The place's row, if it is one.
    pub fn place(&self) -> Option<&place::Model> {
        match &self.detail {
            Detail::Place(place) => Some(place),
            _ => None,
        }
    }

    /// The listings that it names: its venue, its centre, who holds it, what else to see.
    pub fn links(&self) -> impl Iterator<Item = Uuid> {
        let organiser = self.event().and_then(|event| match event.organiser {
            Some(Organiser::Listing(id)) => Some(id),
            _ => None,
        });
        let venue = self.event().and_then(|event| event.venue);
        let centre = self.producer().and_then(|producer| producer.centre);
        let named = venue.into_iter().chain(organiser).chain(centre);
        named.chain(self.listing.see_also.iter().copied())
    }
}

/// The most ids of one statement: far below the bind limits of both databases (SQLite 32,766,
/// PostgreSQL 65,535) and enough that round trips do not count.
const CHUNK: usize = 500;

/// The ids of the published listings after `after`, in their order, at most `limit`; of `kinds`,
/// where some are given.
///
/// # Errors
/// When the database fails.
pub async fn published_after(
    db: &impl ConnectionTrait,
    after: Uuid,
    kinds: &[Kind],
    limit: u64,
) -> Result<Vec<Uuid>, DbErr> {
    let mut published = listing::entity::Entity::find()
        .filter(listing::entity::Column::Id.gt(after))
        .filter(listing::entity::Column::Status.eq(Status::Published));
    if !kinds.is_empty() {
        published = published.filter(listing::entity::Column::Kind.is_in(kinds.iter().copied()));
    }
    published
        .order_by_asc(listing::entity::Column::Id)
        .limit(limit)
        .select_only()
        .column(listing::entity::Column::Id)
        .into_tuple()
        .all(db)
        .await
}

/// Of a listing that was public once: what it is, when it was written last, and the one that stayed
/// when two became one.
pub type Fate = (Uuid, Kind, DateTime<Utc>, Option<Uuid>);

/// What became of those of `ids` that were public once.
///
/// # Errors
/// When the database fails.
pub async fn fates(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Fate>, DbErr> {
    let mut fates = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let found = listing::entity::Entity::find()
            .filter(listing::entity::Column::Id.is_in(chunk.iter().copied()))
            .filter(listing::entity::Column::PublishedAt.is_not_null())
            .select_only()
            .column(listing::entity::Column::Id)
            .column(listing::entity::Column::Kind)
            .column(listing::entity::Column::UpdatedAt)
            .column(listing::entity::Column::MergedInto)
            .into_tuple::<Fate>();
        fates.extend(found.all(db).await?);
    }
    Ok(fates)
}

/// The listings of these ids, in no order; ids that name none are left out.
///
/// # Errors
/// When the database fails.
pub async fn load(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Record>, DbErr> {
    let mut records = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = listing::entity::Entity::find()
            .filter(listing::entity::Column::Id.is_in(chunk.iter().copied()))
            .all(db)
            .await?;
        records.extend(complete(db, rows, Of::Ids(chunk)).await?);
    }
    Ok(records)
}

/// The listing that `key`, an id or a slug it has or had, names; whatever its status.
///
/// # Errors
/// When the database fails.
pub async fn named(db: &impl ConnectionTrait, key: &str) -> Result<Option<Record>, DbErr> {
    let id = match (key.parse::<Uuid>(), key.parse::<Slug>()) {
        (Ok(id), _) => Some(id),
        (Err(_), Ok(slug)) => {
            let slugs = [slug];
            let current = ids_of(db, &slugs).await?.into_values().next();
            match current {
                Some(id) => Some(id),
                None => former_ids_of(db, &slugs).await?.into_values().next(),
            }
        }
        _ => None,
    };
    let Some(id) = id else { return Ok(None) };
    Ok(load(db, &[id]).await?.pop())
}

/// Every listing the public can see or could: published ones and tombstones.
///
/// # Errors
/// When the database fails.
pub async fn load_public(db: &impl ConnectionTrait) -> Result<Vec<Record>, DbErr> {
    let mut walk = Walk::new(db);
    let mut records = Vec::new();
    while let Some(chunk) = walk.next().await? {
        records.extend(chunk);
    }
    Ok(records)
}

/// Hands every listing the public can see or could, published ones and tombstones, to `to`: each
/// once, some hundreds or thousands at a time, in no order. It ends early when nobody takes them.
///
/// What is written meanwhile may be among them or not.
///
/// # Errors
/// When the database fails.
pub async fn pour(db: &impl ConnectionTrait, to: Sender<Vec<Record>>) -> Result<(), DbErr> {
    let left = match quick::file(db).await? {
        Some(file) => quick::pour(file, &to).await,
        None => vec![Ids::default()],
    };
    for ids in left {
        let mut walk = Walk { ids, ..Walk::new(db) };
        while let Some(records) = walk.next().await? {
            if to.send(records).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A run of ids; without more said, all of them.
#[derive(Debug, Clone, Copy)]
struct Ids {
    /// They come after this one.
    after: Option<Uuid>,
    /// They end with this one.
    until: Uuid,
}

impl Default for Ids {
    fn default() -> Self {
        Self { after: None, until: Uuid::max() }
    }
}

impl Ids {
    fn condition<C: ColumnTrait>(self, column: C) -> Condition {
        Condition::all()
            .add_option(self.after.map(|after| column.gt(after)))
            .add(column.lte(self.until))
    }
}

/// A walk through every listing the public can see or could, in the order of ids, some thousands at
/// a time: whoever reads a million need not hold them all.
#[derive(Debug)]
pub struct Walk<'a, C> {
    db: &'a C,
    ids: Ids,
    step: u64,
}

/// The rows of one step: few statements over the whole, and some ten megabytes at once.
const STEP: u64 = 5000;

impl<'a, C: ConnectionTrait> Walk<'a, C> {
    /// A walk from the beginning.
    pub fn new(db: &'a C) -> Self {
        Self { db, ids: Ids::default(), step: STEP }
    }

    /// The next records, which may be none of a step; `None` at the end.
    ///
    /// What is written meanwhile is met if its id still lies ahead.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, DbErr> {
        use listing::entity::{Column, Entity};
        // Not by status: the databases would take its index and sort the whole table every step.
        let mut rows = Entity::find()
            .filter(self.ids.condition(Column::Id))
            .order_by_asc(Column::Id)
            .limit(self.step)
            .all(self.db)
            .await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
        let of = Of::Run(Ids { until: last, ..self.ids });
        self.ids.after = Some(last);
        rows.retain(|row| matches!(row.status, Status::Published | Status::Archived));
        Ok(Some(complete(self.db, rows, of).await?))
    }
}

/// The ids of the listings that have one of `slugs`.
///
/// # Errors
/// When the database fails.
pub async fn ids_of(
    db: &impl ConnectionTrait,
    slugs: &[Slug],
) -> Result<HashMap<Slug, Uuid>, DbErr> {
    use listing::entity::{Column, Entity};
    let mut found = HashMap::new();
    for chunk in slugs.chunks(CHUNK) {
        let rows: Vec<(Slug, Uuid)> = Entity::find()
            .select_only()
            .columns([Column::Slug, Column::Id])
            .filter(Column::Slug.is_in(chunk.iter().cloned()))
            .into_tuple()
            .all(db)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// The ids of the listings that had one of `slugs` and gave it up.
///
/// # Errors
/// When the database fails.
pub async fn former_ids_of(
    db: &impl ConnectionTrait,
    slugs: &[Slug],
) -> Result<HashMap<Slug, Uuid>, DbErr> {
    use listing::former::{Column, Entity};
    let mut found = HashMap::new();
    for chunk in slugs.chunks(CHUNK) {
        let rows = Entity::find().filter(Column::Slug.is_in(chunk.iter().cloned())).all(db).await?;
        found.extend(rows.into_iter().map(|row| (row.slug, row.listing)));
    }
    Ok(found)
}

/// Whose `slugs` are, or were: nobody else may take one.
///
/// # Errors
/// When the database fails.
pub async fn holders_of(
    db: &impl ConnectionTrait,
    slugs: &[Slug],
) -> Result<HashMap<Slug, Uuid>, DbErr> {
    let mut holders = former_ids_of(db, slugs).await?;
    holders.extend(ids_of(db, slugs).await?);
    Ok(holders)
}

/// Which rows of a table that belongs to listings.
#[derive(Clone, Copy)]
enum Of<'a> {
    /// Those of these listings.
    Ids(&'a [Uuid]),
    /// Those of the listings of a run of ids.
    Run(Ids),
}

impl Of<'_> {
    fn condition<C: ColumnTrait>(self, column: C) -> Condition {
        match self {
            Self::Ids(ids) => Condition::all().add(column.is_in(ids.iter().copied())),
            Self::Run(ids) => ids.condition(column),
        }
    }

    /// The rows of a kind's table; `wanted` spares the question where there can be none.
    async fn details<E>(
        self,
        db: &impl ConnectionTrait,
        id: E::Column,
        wanted: bool,
    ) -> Result<Vec<E::Model>, DbErr>
    where
        E: EntityTrait,
    {
        if !wanted {
            return Ok(Vec::new());
        }
        E::find().filter(self.condition(id)).all(db).await
    }
}

/// Reads what the kinds add to `rows`, a statement a table that can hold something of them.
async fn complete(
    db: &impl ConnectionTrait,
    rows: Vec<listing::Model>,
    of: Of<'_>,
) -> Result<Vec<Record>, DbErr> {
    let has = |kind| rows.iter().any(|row| row.kind == kind);
    let mut details = HashMap::with_capacity(rows.len());
    let id = place::entity::Column::Id;
    let places = of.details::<place::entity::Entity>(db, id, has(Kind::Place)).await?;
    details.extend(places.into_iter().map(|row| (row.id, Detail::Place(row))));
    let id = producer::entity::Column::Id;
    let producers = of.details::<producer::entity::Entity>(db, id, has(Kind::Producer)).await?;
    details.extend(producers.into_iter().map(|row| (row.id, Detail::Producer(row))));
    let id = event::entity::Column::Id;
    let events = of.details::<event::entity::Entity>(db, id, has(Kind::Event)).await?;
    details.extend(events.into_iter().map(|row| (row.id, Detail::Event(row))));
    let mut products = products_of(db, of, has(Kind::Producer)).await?;
    let mut former = former_slugs_of(db, of).await?;
    let whole = rows.into_iter().filter_map(|listing| {
        let id = listing.id;
        let detail = details.remove(&id);
        if detail.is_none() {
            tracing::error!(%id, "a listing has no row of its kind; it is left out");
        }
        Some(Record {
            detail: detail?,
            products: products.remove(&id).unwrap_or_default(),
            former_slugs: former.remove(&id).unwrap_or_default(),
            listing,
        })
    });
    Ok(whole.collect())
}

/// Products by producer, each producer's in the order of their ids.
async fn products_of(
    db: &impl ConnectionTrait,
    of: Of<'_>,
    wanted: bool,
) -> Result<HashMap<Uuid, Vec<product::Model>>, DbErr> {
    let producer = product::entity::Column::Producer;
    let mut rows = of.details::<product::entity::Entity>(db, producer, wanted).await?;
    rows.sort_by_key(|row| row.id);
    let mut products: HashMap<Uuid, Vec<_>> = HashMap::new();
    for row in rows {
        products.entry(row.producer).or_default().push(row);
    }
    Ok(products)
}

async fn former_slugs_of(
    db: &impl ConnectionTrait,
    of: Of<'_>,
) -> Result<HashMap<Uuid, Vec<Slug>>, DbErr> {
    let listing = listing::former::Column::Listing;
    let mut former: HashMap<Uuid, Vec<_>> = HashMap::new();
    for row in of.details::<listing::former::Entity>(db, listing, true).await? {
        former.entry(row.listing).or_default().push(row.slug);
    }
    Ok(former)
}

#[cfg(test)]
mod tests {
    use migrations::{Migrator, MigratorTrait as _};
    use sea_orm::{Database, DatabaseConnection};

    use super::{packed::tests::bare_place, *};
    use crate::{
        category,
        store::Store,
        writer::{Unit, Write, Writer},
    };

    async fn database_of(records: &[Record]) -> DatabaseConnection {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let row = category::Model {
            code: "nature.beach".parse().unwrap(),
            parent: None,
            name: records[0].listing.name.clone(),
            words: category::Words::default(),
            osm: None,
            schema_org: None,
        };
        let mut writes = vec![Write::Category(Box::new(row))];
        writes.extend(records.iter().map(|record| Write::Listing {
            record: Box::new(record.clone()),
            former_slug: Some(format!("{}-lama", record.listing.slug).parse().unwrap()),
        }));
        let store = Store { reader: db.clone(), writer: db.clone() };
        let unit = Unit::new(writes, "test", records[0].listing.created_at);
        Writer::start(&store).write(unit).await.unwrap();
        db
    }

    #[tokio::test]
    async fn a_walk_in_short_steps_meets_every_public_record_once_and_in_order() {
        let mut records: Vec<Record> = (1..=7).map(bare_place).collect();
        records[1].listing.status = Status::Draft;
        records[2].listing.status = Status::Suspended;
        records[3].listing.status = Status::Archived;
        let db = database_of(&records).await;
        let mut walk = Walk { step: 2, ..Walk::new(&db) };
        let mut met = Vec::new();
        while let Some(step) = walk.next().await.unwrap() {
            met.extend(step);
        }
        records.drain(1..3);
        for record in &mut records {
            record.former_slugs.push(format!("{}-lama", record.listing.slug).parse().unwrap());
        }
        assert_eq!(met, records);
        assert_eq!(load_public(&db).await.unwrap(), records);
    }
}
