//! Table `event`.

use chrono::serde::ts_microseconds_option;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{EventStatus, Organiser, Registration};
use crate::{money::Admission, record::json, schedule::Schedule, text::Texts};

/// The row: what only an event has. Its id is the listing's.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[serde(with = "json")]
    pub schedule: Schedule,
    pub event_status: EventStatus,
    pub status_reason: Option<Texts>,
    #[serde(with = "ts_microseconds_option")]
    pub previous_start: Option<DateTimeUtc>,
    /// A place.
    pub venue: Option<Uuid>,
    pub organiser: Option<Organiser>,
    #[serde(with = "json::or_empty")]
    pub admission: Option<Admission>,
    #[serde(with = "json::or_empty")]
    pub registration: Option<Registration>,
    pub capacity: Option<i32>,
    pub series: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
