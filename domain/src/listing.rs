//! Listing: what place, producer and event share.
//!
//! [`Model`] is the row; [`Draft`] is what somebody may say of it. A draft is read, checked as a
//! whole ([`Draft::check`]) and only then put into a row ([`Draft::into_row`]), so a row never
//! holds what breaks a rule.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{DeriveActiveEnum, EnumIter, FromJsonQueryResult};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    draft::Carried,
    error::Fault,
    key::{AgencyId, CategoryCode, Slug, System, Tag},
    position::Position,
    text::{Texts, line_fault},
};

mod draft;
pub mod entity;
pub mod former;
mod parts;

pub use draft::Draft;
pub use entity::Model;
pub use parts::*;

/// What a listing is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(sea_orm::sea_query::StringLen::N(16))",
    rename_all = "snake_case"
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somewhere a visitor can go.
    Place,
    /// Somebody who makes something at home.
    Producer,
    /// Something that happens.
    Event,
}

impl Kind {
    /// All kinds, in the order they are named everywhere.
    pub const ALL: [Self; 3] = [Self::Place, Self::Producer, Self::Event];

    /// The name of one, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Producer => "producer",
            Self::Event => "event",
        }
    }

    /// The name of many, as in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Place => "places",
            Self::Producer => "producers",
            Self::Event => "events",
        }
    }
}

/// Where a listing stands between its first word and its end.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(sea_orm::sea_query::StringLen::N(16))",
    rename_all = "snake_case"
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being written; seen by its owner and staff.
    Draft,
    /// Handed in, waiting for an officer.
    InReview,
    /// Public.
    Published,
    /// Taken out of sight for a time: to the public it is not there (404).
    Suspended,
    /// Ended: to the public it is gone (410), with a tombstone in the log.
    Archived,
}

impl Status {
    /// All statuses.
    pub const ALL: [Self; 5] =
        [Self::Draft, Self::InReview, Self::Published, Self::Suspended, Self::Archived];

    /// The one table of moves: from where to where a status may change.
    const MOVES: [(Self, Self); 10] = [
        (Self::Draft, Self::InReview),     // submit
        (Self::InReview, Self::Draft),     // withdraw, refuse
        (Self::Draft, Self::Published),    // publish, by who may
        (Self::InReview, Self::Published), // approve
        (Self::Published, Self::Suspended),
        (Self::Suspended, Self::Published), // restore
        (Self::Published, Self::Archived),
        (Self::Suspended, Self::Archived),
        (Self::Draft, Self::Archived),
        (Self::Archived, Self::Draft), // restore: it goes through publication again
    ];

    /// Whether a listing may go from this status to `next`. Staying is no move and always allowed.
    pub fn may_become(self, next: Self) -> bool {
        self == next || Self::MOVES.contains(&(self, next))
    }
}

impl Model {
    /// Where it is, if that is known.
    pub fn position(&self) -> Option<Position> {
        Position::new(self.latitude?, self.longitude?).ok()
    }

    /// The zone that decides what "today" is there.
    pub fn timezone(&self) -> chrono_tz::Tz {
        self.zone.parse().unwrap_or(DEFAULT_ZONE)
    }

    /// Whether the public may see it.
    pub fn is_public(&self) -> bool {
        self.status == Status::Published
    }

    /// Whether it was public and has ended: a tombstone.
    pub fn is_gone(&self) -> bool {
        self.status == Status::Archived && self.published_at.is_some()
    }
}

/// The zone of Bantul, and of a listing that names none: UTC+7 all year (WIB).
pub const DEFAULT_ZONE: chrono_tz::Tz = chrono_tz::Asia::Jakarta;

/// The fault of a list that is longer than `max`.
pub fn too_many(max: usize) -> Fault {
    Fault::new("too_many", format!("paling banyak {max} butir"), format!("at most {max} items"))
}

/// The times and identity a new state of a listing is given.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The id it has or gets.
    pub id: Uuid,
    /// The version this state will be: 1 for a new listing, one more than the version read otherwise.
    pub version: i64,
    /// When it was first written.
    pub created_at: DateTime<Utc>,
    /// Now; whole microseconds, as both databases keep them.
    pub now: DateTime<Utc>,
    /// When it was first published, if it was.
    pub published_at: Option<DateTime<Utc>>,
    /// The listing that stayed when two became one.
    pub merged_into: Option<Uuid>,
}

pub use draft::names_nothing;
pub(crate) use draft::split;
