//! Table `audit`.

use sea_orm::entity::prelude::*;

use super::Digests;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Its place in the chain, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// When.
    pub at: DateTimeUtc,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Which version that made; 0 where there are no versions.
    pub version: i64,
    /// Whether it is about what everybody could see from then on.
    pub public: bool,
    /// The salted digests of its values, by name.
    pub digests: Digests,
    /// SHA-256 over all that and the hash before, hexadecimal.
    pub hash: String,
}

impl ActiveModelBehavior for ActiveModel {}
