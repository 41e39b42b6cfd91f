//! Event: something that happens, once, on dates, by a rule, or by the Javanese calendar.

use chrono::{DateTime, Utc};
use sea_orm::{DeriveActiveEnum, EnumIter, FromJsonQueryResult};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::Fault,
    key::AgencyId,
    listing::{is_web, names_nothing},
    money::Admission,
    producer::range_faults,
    reference::Reference,
    schedule::Schedule,
    text::{Texts, line_fault},
};

pub mod entity;

pub use entity::Model;

/// Whether it happens as planned (schema.org `EventStatusType`).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(sea_orm::sea_query::StringLen::N(16))",
    rename_all = "snake_case"
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum EventStatus {
    #[default]
    Scheduled,
    Cancelled,
    Postponed,
    Rescheduled,
    MovedOnline,
}

impl EventStatus {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Scheduled, Self::Cancelled, Self::Postponed, Self::Rescheduled, Self::MovedOnline];

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Cancelled => "cancelled",
            Self::Postponed => "postponed",
            Self::Rescheduled => "rescheduled",
            Self::MovedOnline => "moved_online",
        }
    }
}

/// Who holds it: a listing, an agency or just a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Organiser {
    /// A producer or another listing; link, resolved to an id.
    Listing(Uuid),
    /// An agency of the regency.
    Agency(AgencyId),
    /// Somebody else.
    Name(String),
}

/// How one takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Whether one has to register.
    pub required: bool,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000, format = "uri")]
    pub url: Option<String>,
}

/// What somebody may say of an event beyond what all listings have.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Draft {
    pub schedule: Schedule,
    #[serde(default)]
    pub event_status: EventStatus,
    #[serde(default)]
    pub status_reason: Option<Texts>,
    #[serde(default)]
    pub previous_start: Option<DateTime<Utc>>,
    /// Link, resolved to an id.
    #[serde(default)]
    pub venue: Option<Uuid>,
    #[serde(default)]
    pub organiser: Option<Organiser>,
    #[serde(default)]
    pub admission: Option<Admission>,
    #[serde(default)]
    pub registration: Option<Registration>,
    #[serde(default)]
    pub capacity: Option<i32>,
    #[serde(default)]
    pub series: Option<String>,
}

impl Draft {
    /// Its members.
    pub const MEMBERS: [&'static str; 10] = [
        "schedule",
        "event_status",
        "status_reason",
        "previous_start",
        "venue",
        "organiser",
        "admission",
        "registration",
        "capacity",
        "series",
    ];

    /// What a row says, in the words of a write.
    pub fn of(row: &Model) -> Self {
        let Model {
            id: _,
            schedule,
            event_status,
            status_reason,
            previous_start,
            venue,
            organiser,
            admission,
            registration,
            capacity,
            series,
        } = row.clone();
        Self {
            schedule,
            event_status,
            status_reason,
            previous_start,
            venue,
            organiser,
            admission,
            registration,
            capacity,
            series,
        }
    }

    /// Everything that breaks a rule at `now`, all at once; `reference` knows the agencies.
    pub fn check(&self, now: DateTime<Utc>, reference: &Reference) -> Vec<Fault> {
        let mut faults: Vec<_> =
            self.schedule.check(now).into_iter().map(|f| f.below("schedule")).collect();
        faults.extend(
            self.status_reason.iter().flat_map(|t| t.check(500)).map(|f| f.below("status_reason")),
        );
        faults
            .extend(self.admission.iter().flat_map(Admission::check).map(|f| f.below("admission")));
        faults.extend(range_faults([("capacity", self.capacity, 1, 10_000_000)]));
        if let Some(Organiser::Name(name)) = &self.organiser {
            faults.extend(line_fault(name, 160).map(|f| f.below("name").below("organiser")));
        }
        if let Some(Organiser::Agency(agency)) = &self.organiser
            && reference.agency(agency).is_none()
        {
            faults.push(names_nothing().below("agency").below("organiser"));
        }
        faults.extend(
            self.series.as_ref().and_then(|s| line_fault(s, 80)).map(|f| f.below("series")),
        );
        let url = self.registration.as_ref().and_then(|r| r.url.as_ref());
        if url.is_some_and(|url| url.len() > 1000 || !is_web(url)) {
            let fault = Fault::new("bad_format", "bukan URL", "is not a URL");
            faults.push(fault.below("url").below("registration"));
        }
        faults
    }

    /// The row of the listing `id`.
    pub fn into_row(self, id: Uuid) -> Model {
        Model {
            id,
            schedule: self.schedule,
            event_status: self.event_status,
            status_reason: self.status_reason,
            previous_start: self.previous_start,
            venue: self.venue,
            organiser: self.organiser,
            admission: self.admission,
            registration: self.registration,
            capacity: self.capacity,
            series: self.series,
        }
    }
}
