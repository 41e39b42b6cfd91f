//! External: a listing by the id that a partner has for it, below the name of the partner's system.
//!
//! A system belongs to the account that named it first, so nobody writes another's records. A row
//! leads from an id to the listing for ever: what is deleted and brought again is the same listing.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::{error::Fault, key::System, text::line_fault};

pub mod entity;
pub mod system;

pub use entity::Model;

/// The longest id, characters: as long as `external_ids` of a listing may be.
pub const ID_MAX: usize = 120;
/// The most systems of one account.
pub const MOST_SYSTEMS: usize = 10;
/// Systems that all the world knows: whoever brought records below such a name would seem to be them.
const KNOWN: [&str; 12] = [
    "bps",
    "foursquare",
    "geonames",
    "google",
    "google_maps",
    "jadesta",
    "kemendagri",
    "nib",
    "osm",
    "tripadvisor",
    "wikidata",
    "wikipedia",
];

/// Whether a system of that name is known to all the world.
pub fn is_known(system: &System) -> bool {
    KNOWN.contains(&system.as_str())
}

/// What is wrong with an id, if anything is: 1 to [`ID_MAX`] characters on one line, without spaces
/// around it.
pub fn id_fault(id: &str) -> Option<Fault> {
    let bad = |c: char| c.is_control();
    line_fault(id, ID_MAX).or_else(|| {
        (id.trim() != id || id.contains(bad)).then(|| {
            Fault::new(
                "bad_format",
                "harus satu baris tanpa spasi di tepinya",
                "must be one line without spaces around it",
            )
        })
    })
}

/// The record `id` of `system`.
///
/// # Errors
/// When the database fails.
pub async fn get(
    db: &impl ConnectionTrait,
    system: &System,
    id: &str,
) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id((system.clone(), id.to_owned())).one(db).await
}

/// The system of that name.
///
/// # Errors
/// When the database fails.
pub async fn system(
    db: &impl ConnectionTrait,
    system: &System,
) -> Result<Option<system::Model>, DbErr> {
    system::Entity::find_by_id(system.clone()).one(db).await
}

/// The systems of an account, by name.
///
/// # Errors
/// When the database fails.
pub async fn systems_of(
    db: &impl ConnectionTrait,
    account: Uuid,
) -> Result<Vec<system::Model>, DbErr> {
    system::Entity::find()
        .filter(system::Column::Account.eq(account))
        .order_by_asc(system::Column::System)
        .all(db)
        .await
}

impl Model {
    /// A record that is brought for the first time.
    pub fn new(system: System, id: String, listing: Uuid) -> Self {
        Self { system, id, listing, deleted_at: None, version: 1 }
    }

    /// The same, deleted by its partner at a time, or brought again.
    #[must_use]
    pub fn deleted(self, at: Option<DateTime<Utc>>) -> Self {
        Self { deleted_at: at, version: self.version + 1, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_line_of_at_most_120_characters() {
        for good in ["1", "A-17", "node/12 34", "ꦧꦤ꧀ꦠꦸꦭ", &"x".repeat(120)] {
            assert_eq!(id_fault(good), None, "{good}");
        }
        for bad in ["", " ", " a", "a ", "a\nb", "a\tb", "a\0b", &"x".repeat(121)] {
            assert!(id_fault(bad).is_some(), "{bad:?}");
        }
    }
}
