//! Identity: which account somebody is whom an identity provider knows.
//!
//! The provider's subject says who it is, for good (OpenID Connect Core §2); an e-mail address may
//! be given to another person there. So the address finds the account the first time, and the
//! subject ever after.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::audit::digest;

pub mod entity;

pub use entity::Model;

/// The longest issuer, bytes.
pub const ISSUER_MAX: usize = 500;

/// What is kept in place of the `subject` of `issuer`.
fn hash(issuer: &str, subject: &str) -> String {
    // No address has a line break in it: no two pairs are one text.
    digest(format!("{issuer}\n{subject}"))
}

impl Model {
    /// From `now` on, the `subject` of `issuer` is `account`.
    pub fn new(issuer: &str, subject: &str, account: Uuid, now: DateTime<Utc>) -> Self {
        let hash = hash(issuer, subject);
        Self { hash, account, issuer: issuer.to_owned(), since: now, version: 1 }
    }
}

/// The `subject` of `issuer`, if they have come in before.
///
/// # Errors
/// When the database fails.
pub async fn named(
    db: &impl ConnectionTrait,
    issuer: &str,
    subject: &str,
) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(hash(issuer, subject)).one(db).await
}

/// Whom `account` is known as, by provider.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &impl ConnectionTrait, account: Uuid) -> Result<Vec<Model>, DbErr> {
    use entity::Column;
    let find = entity::Entity::find().filter(Column::Account.eq(account));
    find.order_by_asc(Column::Issuer).all(db).await
}

/// Forgets whom `account` is known as.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &impl ConnectionTrait, account: Uuid) -> Result<(), DbErr> {
    entity::Entity::delete_many().filter(entity::Column::Account.eq(account)).exec(db).await?;
    Ok(())
}
