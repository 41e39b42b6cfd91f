//! Table `account`.

use sea_orm::entity::prelude::*;

use super::{Agencies, Role};
use crate::text::Lang;

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    /// Who: stays when all else is erased.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Where codes go, in lower case.
    #[sea_orm(unique)]
    pub email: Option<String>,
    /// The same, E.164.
    #[sea_orm(unique)]
    pub phone: Option<String>,
    /// What they want to be called.
    pub name: Option<String>,
    /// The language that messages to them are in.
    pub lang: Lang,
    /// What they may do.
    pub role: Role,
    /// Within which agencies, for an editor.
    pub agencies: Agencies,
    /// When they first came in.
    pub created_at: DateTimeUtc,
    /// When they asked to be forgotten.
    pub erased_at: Option<DateTimeUtc>,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
