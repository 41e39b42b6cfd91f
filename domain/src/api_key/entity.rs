//! Table `api_key`.

use sea_orm::entity::prelude::*;

use super::Scopes;
use crate::key::System;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// Names it to its owner; opens nothing.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub account: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// What it may.
    #[sea_orm(column_type = "Json")]
    pub scopes: Scopes,
    /// Below the name of which system it writes.
    pub system: Option<System>,
    /// How it begins, for its owner to tell it from others.
    pub start: String,
    /// SHA-256 of the key, hexadecimal: the key itself is nowhere.
    #[sea_orm(unique)]
    pub hash: String,
    /// That of the one before, which holds for a while.
    pub old_hash: Option<String>,
    /// Until when.
    pub old_until: Option<DateTimeUtc>,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it ends by itself.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was ended.
    pub revoked_at: Option<DateTimeUtc>,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
