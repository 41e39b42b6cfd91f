//! Table `listing`.

use chrono::serde::{ts_microseconds, ts_microseconds_option};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Accessibility, Address, Categories, Contacts, ExternalIds, Facilities, Kind, Languages, Links,
    Media, Notices, Payments, SampleFields, Source, Status, Tags,
};
use crate::{
    key::{AgencyId, AreaCode, CategoryCode, Slug},
    record::json,
    text::Texts,
};

/// The row. `model.md` says what each member means; here is only what the database adds.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DeriveEntityModel)]
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
    #[serde(with = "json::or_empty")]
    pub geometry: Option<Json>,
    /// Computed from the point, never from a label.
    pub area: Option<AreaCode>,
    /// The point lies in no area; this is the nearest within 500 m.
    pub area_inferred: bool,
    #[serde(with = "json::or_empty")]
    pub address: Option<Address>,
    pub category: CategoryCode,
    pub categories: Categories,
    pub tags: Tags,
    pub accessibility: Accessibility,
    pub facilities: Facilities,
    pub payments: Payments,
    pub languages_spoken: Languages,
    #[serde(with = "json::or_empty")]
    pub contacts: Contacts,
    #[serde(with = "json::or_empty")]
    pub media: Media,
    /// OSM `opening_hours`.
    #[sea_orm(column_type = "Text", nullable)]
    pub hours: Option<String>,
    /// IANA.
    pub zone: String,
    #[serde(with = "json::or_empty")]
    pub notices: Notices,
    pub sample: bool,
    pub sample_fields: SampleFields,
    #[serde(with = "json")]
    pub source: Source,
    pub licence: String,
    pub external_ids: ExternalIds,
    #[serde(with = "ts_microseconds_option")]
    pub verified_at: Option<DateTimeUtc>,
    pub responsible_agency: Option<AgencyId>,
    pub see_also: Links,
    /// The listing that stayed when two became one.
    pub merged_into: Option<Uuid>,
    /// One more with every write.
    pub version: i64,
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTimeUtc,
    #[serde(with = "ts_microseconds")]
    pub updated_at: DateTimeUtc,
    #[serde(with = "ts_microseconds_option")]
    pub published_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
