//! Record: a listing as a whole, its shared row with what its kind adds.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    event,
    key::Slug,
    listing::{self, Kind, Status},
    place, producer, product,
};

mod packed;

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
}

/// The most ids of one statement: far below the bind limits of both databases (SQLite 32,766,
/// PostgreSQL 65,535) and enough that round trips do not count.
const CHUNK: usize = 500;

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
        records.extend(complete(db, rows).await?);
    }
    Ok(records)
}

/// Every listing the public can see or could: published ones and tombstones.
///
/// # Errors
/// When the database fails.
pub async fn load_public(db: &impl ConnectionTrait) -> Result<Vec<Record>, DbErr> {
    let rows = listing::entity::Entity::find()
        .filter(listing::entity::Column::Status.is_in([Status::Published, Status::Archived]))
        .order_by_asc(listing::entity::Column::Id)
        .all(db)
        .await?;
    let mut records = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        records.extend(complete(db, rows.by_ref().take(CHUNK).collect()).await?);
    }
    Ok(records)
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

/// Reads what the kinds add to `rows`, a statement a table.
async fn complete(
    db: &impl ConnectionTrait,
    rows: Vec<listing::Model>,
) -> Result<Vec<Record>, DbErr> {
    let ids = |kind| -> Vec<Uuid> {
        rows.iter().filter(|row| row.kind == kind).map(|row| row.id).collect()
    };
    let mut details = HashMap::with_capacity(rows.len());
    let places = ids(Kind::Place);
    for row in place::entity::Entity::find()
        .filter(place::entity::Column::Id.is_in(places))
        .all(db)
        .await?
    {
        details.insert(row.id, Detail::Place(row));
    }
    let producers = ids(Kind::Producer);
    for row in producer::entity::Entity::find()
        .filter(producer::entity::Column::Id.is_in(producers.clone()))
        .all(db)
        .await?
    {
        details.insert(row.id, Detail::Producer(row));
    }
    for row in event::entity::Entity::find()
        .filter(event::entity::Column::Id.is_in(ids(Kind::Event)))
        .all(db)
        .await?
    {
        details.insert(row.id, Detail::Event(row));
    }
    let mut products = products_of(db, producers).await?;
    let mut former = former_slugs_of(db, rows.iter().map(|row| row.id).collect()).await?;
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

async fn products_of(
    db: &impl ConnectionTrait,
    producers: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<product::Model>>, DbErr> {
    let mut products: HashMap<Uuid, Vec<_>> = HashMap::new();
    for row in product::entity::Entity::find()
        .filter(product::entity::Column::Producer.is_in(producers))
        .order_by_asc(product::entity::Column::Id)
        .all(db)
        .await?
    {
        products.entry(row.producer).or_default().push(row);
    }
    Ok(products)
}

async fn former_slugs_of(
    db: &impl ConnectionTrait,
    listings: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<Slug>>, DbErr> {
    let mut former: HashMap<Uuid, Vec<_>> = HashMap::new();
    for row in listing::former::Entity::find()
        .filter(listing::former::Column::Listing.is_in(listings))
        .all(db)
        .await?
    {
        former.entry(row.listing).or_default().push(row.slug);
    }
    Ok(former)
}
