//! Table `event`.

use sea_orm::entity::prelude::*;

use super::{EventStatus, Organiser, Registration};
use crate::{money::Admission, schedule::Schedule, text::Texts};

/// The row: what only an event has. Its id is the listing's.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub schedule: Schedule,
    pub event_status: EventStatus,
    pub status_reason: Option<Texts>,
    pub previous_start: Option<DateTimeUtc>,
    /// A place.
    pub venue: Option<Uuid>,
    pub organiser: Option<Organiser>,
    pub admission: Option<Admission>,
    pub registration: Option<Registration>,
    pub capacity: Option<i32>,
    pub series: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
