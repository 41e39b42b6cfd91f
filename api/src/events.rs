//! Events: what is on, and when.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, FixedOffset, TimeDelta};
use domain::record::Record;
use domain::{
    event::{EventStatus, Organiser, Registration},
    listing::Kind,
};
use search::{Document, Edge, Window};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON, Key},
    geojson_view::{FeatureType, GeometryView},
    icalendar::CalendarText,
    jsonld::LinkedData,
    listing_detail::{EventParams, Found, detail, find},
    listing_query::{moment, specs, window},
    listing_view::{LinkView, ListingView, NamedAgency, OccurrenceView, Seen, local},
    params::Spec,
    person::Person,
    places::AdmissionView,
    problem::Problem,
    words::Words,
};
use domain::Fault;
use serde_json::json;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_event)).routes(routes!(list_event_occurrences))
}

/// The longest window of occurrences, days: five years.
const MAX_DAYS: i64 = 1830;

specs! {
    /// What the occurrences of an event take.
    OCCURRENCES:
    "from" one, moment(), "2027-01-01", "From when: a date in the event's zone, an instant, or `now`, which is what it is when absent.";
    "to" one, moment(), "2027-12-31", "Until when: a date includes that day, an instant is exclusive. A year after `from` when absent; at most 1,830 days after it.";
}

/// The parameters of the occurrences of an event.
pub struct OccurrenceParams;

impl utoipa::IntoParams for OccurrenceParams {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        OCCURRENCES.iter().chain(&COMMON).map(Spec::document).collect()
    }
}

/// An event as a whole; its occurrences are a resource of their own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    #[serde(flatten)]
    listing: ListingView,
    /// The rule: `dates`, `rrule` (RFC 5545) or `javanese`, as the seed format has it.
    #[schema(value_type = Schedule)]
    schedule: Value,
    event_status: EventStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<Words>,
    /// When it was to start before it was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_start: Option<DateTime<FixedOffset>>,
    /// The first occurrence that has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_occurrence: Option<OccurrenceView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    venue: Option<LinkView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organiser: Option<OrganiserView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admission: Option<AdmissionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration: Option<Registration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000_000, format = "int32")]
    capacity: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    series: Option<String>,
}

/// When an event takes place, as a rule. `type` says which; the occurrences are what it comes to.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the rule is shown as it is stored")]
pub struct Schedule {
    #[schema(rename = "type", inline)]
    kind: ScheduleType,
    /// `dates`: listed sessions.
    #[schema(max_items = 400)]
    sessions: Option<Vec<SessionView>>,
    /// `rrule`: the first start.
    #[schema(max_length = 40)]
    start: Option<String>,
    /// `rrule`: RFC 5545.
    #[schema(max_length = 500)]
    rrule: Option<String>,
    #[schema(max_items = 400)]
    exdates: Option<Vec<String>>,
    #[schema(max_items = 400)]
    rdates: Option<Vec<String>>,
    /// `javanese`: what must hold of a day.
    rule: Option<JavaneseRuleView>,
    /// `javanese`: the clock time it starts.
    #[schema(max_length = 8)]
    time: Option<String>,
    #[schema(minimum = 1, maximum = 20_160, format = "int32")]
    duration_min: Option<i32>,
    #[schema(minimum = 1, maximum = 60, format = "int32")]
    days: Option<i32>,
    /// `javanese`: days after the day of the rule; −1 is its eve.
    #[schema(minimum = -30, maximum = 30, format = "int32")]
    offset_days: Option<i32>,
    /// `javanese`: dates that somebody announced; each replaces the computed one of its year.
    #[schema(max_items = 400)]
    announced: Option<Vec<AnnouncedView>>,
}

/// How a schedule is written.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub enum ScheduleType {
    Dates,
    Rrule,
    Javanese,
}

/// One listed session.
#[derive(Debug, ToSchema)]
#[schema(as = Session)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct SessionView {
    #[schema(max_length = 40)]
    start: String,
    /// Exclusive.
    #[schema(max_length = 40)]
    end: String,
}

/// What must hold of a day; all members that are there.
#[derive(Debug, ToSchema)]
#[schema(as = JavaneseRule)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct JavaneseRuleView {
    #[schema(max_length = 20, example = "rejeb")]
    month: Option<String>,
    #[schema(minimum = 1, maximum = 30, format = "int32")]
    day: Option<i32>,
    #[schema(minimum = 1, maximum = 30, format = "int32")]
    from_day: Option<i32>,
    #[schema(minimum = 1, maximum = 30, format = "int32")]
    to_day: Option<i32>,
    #[schema(max_length = 20)]
    weekday: Option<String>,
    #[schema(max_length = 20)]
    pasaran: Option<String>,
    #[schema(minimum = 1, maximum = 12, format = "int32")]
    gregorian_month: Option<i32>,
    /// `every`, or the `first` or `last` such day of the month.
    #[schema(max_length = 8)]
    pick: Option<String>,
}

/// A date that somebody announced.
#[derive(Debug, ToSchema)]
#[schema(as = Announced)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct AnnouncedView {
    #[schema(minimum = 1800, maximum = 2100, format = "int32")]
    javanese_year: i32,
    #[schema(max_length = 40)]
    date: String,
}

/// Who holds it: exactly one of the members.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Organiser)]
pub struct OrganiserView {
    #[serde(skip_serializing_if = "Option::is_none")]
    listing: Option<LinkView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agency: Option<NamedAgency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 160)]
    name: Option<String>,
}

impl Seen<'_> {
    /// An event, if it is one.
    pub fn event(&self, document: &Document, record: &Record) -> Option<EventView> {
        let domain::event::Model {
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
        } = record.event()?;
        Some(EventView {
            listing: self.listing(document, record),
            schedule: serde_json::to_value(schedule).unwrap_or_default(),
            event_status: *event_status,
            status_reason: self.tongue.maybe(status_reason.as_ref()),
            previous_start: previous_start.map(|at| local(at, document)),
            next_occurrence: self.next_occurrence(document),
            venue: venue.and_then(|id| self.link(id)),
            organiser: organiser.as_ref().and_then(|organiser| self.organiser(organiser)),
            admission: admission.as_ref().map(|admission| self.admission(admission)),
            registration: registration.clone(),
            capacity: *capacity,
            series: series.clone(),
        })
    }

    /// `None` when it is a listing that is not published.
    fn organiser(&self, organiser: &Organiser) -> Option<OrganiserView> {
        let nobody = OrganiserView::default();
        Some(match organiser {
            Organiser::Listing(id) => OrganiserView { listing: Some(self.link(*id)?), ..nobody },
            Organiser::Agency(id) => OrganiserView { agency: Some(self.agency(id)?), ..nobody },
            Organiser::Name(name) => OrganiserView { name: Some(name.clone()), ..nobody },
        })
    }
}

/// An event as a Feature; its properties are the event without `location`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventFeature)]
pub struct EventFeature {
    #[serde(rename = "type")]
    kind: FeatureType,
    id: Uuid,
    geometry: Option<GeometryView>,
    properties: EventView,
}

/// The occurrences of an event in a window.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OccurrencePage)]
pub struct OccurrencePage {
    /// In order of their start.
    #[schema(max_items = 2000)]
    items: Vec<OccurrenceView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// Get an event by its id or slug.
#[utoipa::path(
    get, path = "/v1/events/{id}", tag = "events",
    params(("id" = String, Path, description = "Id or slug"), EventParams),
    responses((status = OK, description = "The event", content(
        (EventView = "application/json"), (EventFeature = "application/geo+json"),
        (LinkedData = "application/ld+json"), (CalendarText = "text/calendar"))))
)]
async fn get_event(
    State(app): State<App>,
    Key(id): Key,
    person: Option<Person>,
    asked: Asked,
) -> Result<Response, Problem> {
    detail(&app, asked, person, Kind::Event, &id, |seen, document, record| {
        seen.event(document, record)
    })
    .await
}

/// List when an event takes place.
///
/// All that overlap the window, each `computed` from its rule or `announced`.
#[utoipa::path(
    get, path = "/v1/events/{id}/occurrences", tag = "events",
    params(("id" = String, Path, description = "Id or slug of the event"), OccurrenceParams),
    responses((status = OK, description = "The occurrences", body = OccurrencePage))
)]
async fn list_event_occurrences(
    State(app): State<App>,
    Key(id): Key,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.media(&[media::JSON])?;
    let window = window(&mut asked.params).unwrap_or(Window { from: None, to: None });
    let from = window.from.unwrap_or(Edge::Now);
    let zone = domain::listing::DEFAULT_ZONE;
    let to =
        window.to.unwrap_or_else(|| Edge::At(from.instant(asked.now, zone) + TimeDelta::days(366)));
    let window = Window { from: Some(from), to: Some(to) };
    let (start, end) = window.instants(asked.now, zone);
    if end - start > TimeDelta::days(MAX_DAYS + 1) {
        let fault = Fault::new(
            "out_of_range",
            format!("paling jauh {MAX_DAYS} hari setelah from"),
            format!("must be at most {MAX_DAYS} days after from"),
        );
        asked.params.fault("to", fault);
    }
    asked.params.finish(&[OCCURRENCES, &COMMON])?;
    let found = find(&app, &asked.snapshot, Kind::Event, &id, ("/occurrences", &asked.query))?;
    let document = match found {
        Found::Here(document) => document,
        Found::Moved(response) => return Ok(response),
    };
    let (start, end) = window.instants(asked.now, document.zone);
    let items = document
        .occurrences(start, end, 2000)
        .iter()
        .filter_map(|one| Seen::occurrence(&document, one))
        .collect();
    let page = OccurrencePage { items, cursor: None };
    let ends = document.occurrences(start, end, 1).first().map(|one| one.ends_at(document.zone));
    let ends = ends.filter(|end| from == Edge::Now && *end > asked.now);
    Ok(Answer::of(&page, media::JSON, asked.lang)?.until(ends, asked.now).into_response())
}
