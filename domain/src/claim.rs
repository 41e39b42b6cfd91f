//! Claim: somebody asks to keep a listing, shows why, and an officer decides.

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::listing::stored_vocabulary;

pub mod entity;

pub use entity::Model;

stored_vocabulary! {
    /// What became of a claim.
    Status {
        /// Nobody has decided.
        Pending = "pending",
        /// They keep it now.
        Approved = "approved",
        /// They do not.
        Refused = "refused",
        /// They no longer ask.
        Withdrawn = "withdrawn",
    }
}

/// The claim `id`.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(id).one(db).await
}

/// The claims on a listing that nobody has decided.
///
/// # Errors
/// When the database fails.
pub async fn pending(db: &impl ConnectionTrait, listing: Uuid) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Listing.eq(listing))
        .filter(entity::Column::Status.eq(Status::Pending))
        .all(db)
        .await
}

/// The claims of an account, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn by(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Account.eq(account))
        .order_by_desc(entity::Column::CreatedAt)
        .all(db)
        .await
}
