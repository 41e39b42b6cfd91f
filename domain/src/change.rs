//! Change: the log. One row for each thing a committed write changed, numbered in commit order.
//!
//! Whoever has read up to `seq` N has missed nothing up to N: SQLite has one writer, and on
//! PostgreSQL the writer holds an advisory lock from before it draws numbers until it commits.
//! Rollbacks leave gaps; nobody waits for one to fill.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, DeriveActiveEnum, EntityTrait, EnumIter, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};

use crate::listing;

pub mod entity;
pub mod news;

pub use entity::Model;

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(sea_orm::sea_query::StringLen::N(16))",
    rename_all = "snake_case"
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Place,
    Producer,
    Event,
    Area,
    Category,
    Agency,
    Holiday,
}

impl Kind {
    /// Whether it is a listing; else it is what listings refer to.
    pub fn is_listing(self) -> bool {
        matches!(self, Self::Place | Self::Producer | Self::Event)
    }
}

impl From<listing::Kind> for Kind {
    fn from(kind: listing::Kind) -> Self {
        match kind {
            listing::Kind::Place => Self::Place,
            listing::Kind::Producer => Self::Producer,
            listing::Kind::Event => Self::Event,
        }
    }
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(sea_orm::sea_query::StringLen::N(16))",
    rename_all = "snake_case"
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum What {
    Created,
    Updated,
    Removed,
}

/// The changes after `seq`, in order, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn after(db: &impl ConnectionTrait, seq: i64, limit: u64) -> Result<Vec<Model>, DbErr> {
    from(db, seq + 1, limit).await
}

/// The change `seq` and those after it, in order, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn from(db: &impl ConnectionTrait, seq: i64, limit: u64) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Seq.gte(seq))
        .order_by_asc(entity::Column::Seq)
        .limit(limit)
        .all(db)
        .await
}

/// The changes after `seq` up to `until`, in order, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn between(
    db: &impl ConnectionTrait,
    seq: i64,
    until: i64,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Seq.gt(seq))
        .filter(entity::Column::Seq.lte(until))
        .order_by_asc(entity::Column::Seq)
        .limit(limit)
        .all(db)
        .await
}

/// The newest change after `seq` up to `until` of something that is shown within listings.
///
/// # Errors
/// When the database fails.
pub async fn last_within_listings(
    db: &impl ConnectionTrait,
    seq: i64,
    until: i64,
) -> Result<Option<i64>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Kind.is_in([Kind::Area, Kind::Category, Kind::Agency]))
        .filter(entity::Column::Seq.gt(seq))
        .filter(entity::Column::Seq.lte(until))
        .select_only()
        .expr(entity::Column::Seq.max())
        .into_tuple::<Option<i64>>()
        .one(db)
        .await
        .map(Option::flatten)
}

/// Forgets the changes from before `day`, but for the last of them: who has read up to it has
/// missed nothing.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, day: DateTime<Utc>) -> Result<(), DbErr> {
    let all = entity::Entity::find().order_by_asc(entity::Column::Seq);
    let Some(oldest) = all.clone().one(db).await? else { return Ok(()) };
    if oldest.at >= day {
        return Ok(());
    }
    let kept = all.filter(entity::Column::At.gte(day)).one(db).await?;
    let until = match kept {
        Some(kept) => kept.seq,
        None => head(db).await? + 1,
    };
    let before = entity::Entity::find().filter(entity::Column::Seq.lt(until));
    let Some(last) = before.order_by_desc(entity::Column::Seq).one(db).await? else {
        return Ok(());
    };
    entity::Entity::delete_many().filter(entity::Column::Seq.lt(last.seq)).exec(db).await?;
    Ok(())
}

/// Whether anybody but `actor` ever changed anything.
///
/// # Errors
/// When the database fails.
pub async fn any_not_by(db: &impl ConnectionTrait, actor: &str) -> Result<bool, DbErr> {
    let other = entity::Entity::find().filter(entity::Column::Actor.ne(actor)).one(db).await?;
    Ok(other.is_some())
}

/// The number of the newest change; 0 when there is none.
///
/// # Errors
/// When the database fails.
pub async fn head(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    Ok(newest(db).await?.map_or(0, |change| change.seq))
}

/// The newest change.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &impl ConnectionTrait) -> Result<Option<Model>, DbErr> {
    entity::Entity::find().order_by_desc(entity::Column::Seq).one(db).await
}
