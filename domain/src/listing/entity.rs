//! Table `listing`.

use sea_orm::entity::prelude::*;

use super::{
    Accessibility, Address, Categories, Contacts, ExternalIds, Facilities, Kind, Languages, Links,
    Media, Notices, Payments, SampleFields, Source, Status, Tags,
};
use crate::{
    key::{AgencyId, AreaCode, CategoryCode, Slug},
    text::Texts,
};

/// The row. `model.md` says what each member means; here is only what the database adds.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "listing")]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub slug: Slug,
    pub kind: Kind,
    pub status: Status,
    pub name: Texts,
    pub summary: Option<Texts>,
    pub description: Option<Texts>,
    /// Degrees WGS 84; there exactly when `longitude` is.
    #[sea_orm(column_type = "Double", nullable)]
    pub latitude: Option<f64>,
    /// Degrees WGS 84.
    #[sea_orm(column_type = "Double", nullable)]
    pub longitude: Option<f64>,
    /// How far from the truth the point may be, metres.
    pub accuracy_m: Option<i32>,
    /// RFC 7946 geometry of a trail or an area.
    pub geometry: Option<Json>,
    /// Computed from the point, never from a label.
    pub area: Option<AreaCode>,
    /// The point lies in no area; this is the nearest within 500 m.
    pub area_inferred: bool,
    pub address: Option<Address>,
    pub category: CategoryCode,
    pub categories: Categories,
    pub tags: Tags,
    pub accessibility: Accessibility,
    pub facilities: Facilities,
    pub payments: Payments,
    pub languages_spoken: Languages,
    pub contacts: Contacts,
    pub media: Media,
    /// OSM `opening_hours`.
    #[sea_orm(column_type = "Text", nullable)]
    pub hours: Option<String>,
    /// IANA.
    pub zone: String,
    pub notices: Notices,
    pub sample: bool,
    pub sample_fields: SampleFields,
    pub source: Source,
    pub licence: String,
    pub external_ids: ExternalIds,
    pub verified_at: Option<DateTimeUtc>,
    pub responsible_agency: Option<AgencyId>,
    pub see_also: Links,
    /// The listing that stayed when two became one.
    pub merged_into: Option<Uuid>,
    /// One more with every write.
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub published_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
