//! Table `agency_trust`.

use sea_orm::entity::prelude::*;

use crate::{key::AgencyId, listing::SampleFields};

/// The row: the members of a published listing that those whom the agency trusts may change without
/// an officer.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agency_trust")]
pub struct Model {
    /// Which agency.
    #[sea_orm(primary_key, auto_increment = false)]
    pub agency: AgencyId,
    /// Names of members.
    pub members: SampleFields,
    /// One more with every write.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
