//! The calendar: each day in the Gregorian and the Javanese reckoning, with what is on.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate, TimeDelta, Weekday};
use domain::{
    Fault,
    javanese::{JavaneseDate, pasaran},
    text::Lang,
};
use search::{Edge, Window, tomorrow};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema, openapi::path::Parameter};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    answer::{Answer, media},
    app::App,
    asked::{Asked, COMMON},
    listing_query::{date, specs},
    listing_view::JavaneseView,
    params::Spec,
    problem::Problem,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_calendar_days))
}

/// The most days of one answer.
const MAX_DAYS: i64 = 366;
/// The days of an answer that names no end.
const DAYS: u64 = 30;

specs! {
    /// What the calendar takes.
    CALENDAR:
    "from" one, json!({"type": "string", "format": "date", "maxLength": 10}), "2027-01-01", "First day; today in Bantul when absent.";
    "to" one, json!({"type": "string", "format": "date", "maxLength": 10}), "2027-01-31", "Last day, included; 30 days after `from` when absent. At most 366 days in all.";
}

/// The parameters of the calendar.
pub struct CalendarParams;

impl IntoParams for CalendarParams {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<Parameter> {
        CALENDAR.iter().chain(&COMMON).map(Spec::document).collect()
    }
}

/// A day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CalendarDay, example = json!({"date": "2027-01-09", "weekday": "Sabtu", "pasaran": "Legi", "javanese": {"day": 30, "month": "Rejeb", "year": 1960, "year_name": "Be"}, "events": [{"id": "019abc00-0000-7000-8000-000000000000", "slug": "labuhan-parangkusumo", "name": "Labuhan Parangkusumo"}]}))]
pub struct DayView {
    date: NaiveDate,
    /// In the language of the answer.
    #[schema(max_length = 20)]
    weekday: String,
    /// Of the week of five: Legi, Pahing, Pon, Wage, Kliwon.
    #[schema(max_length = 20)]
    pasaran: String,
    /// Absent before 24 March 1936 and after 25 August 2052: the reckoning is not fixed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    javanese: Option<JavaneseView>,
    /// The national public holiday, else the joint leave day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 250)]
    holiday: Option<String>,
    /// In order of their start.
    #[schema(max_items = 10_000)]
    events: Vec<NamedEvent>,
}

/// An event by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NamedEvent)]
pub struct NamedEvent {
    id: Uuid,
    #[schema(max_length = 80)]
    slug: String,
    #[schema(max_length = 120)]
    name: String,
}

/// Days.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CalendarPage)]
pub struct CalendarPage {
    #[schema(max_items = 366)]
    items: Vec<DayView>,
    /// Always `null`: everything fits.
    #[schema(max_length = 4096)]
    cursor: Option<String>,
}

/// List days with their Javanese date, holiday and events.
#[utoipa::path(
    get, path = "/v1/calendar", tag = "helpers", params(CalendarParams),
    responses((status = OK, description = "The days", body = CalendarPage))
)]
async fn list_calendar_days(mut asked: Asked) -> Result<Answer, Problem> {
    asked.media(&[media::JSON])?;
    let today_counts = !asked.params.has("from");
    let today = asked.now.with_timezone(&domain::listing::DEFAULT_ZONE).date_naive();
    let from = asked.params.one_with("from", date).unwrap_or(today);
    let to = asked.params.one_with("to", date).unwrap_or(from + Days::new(DAYS));
    if to < from {
        asked.params.fault("to", Fault::new("bad_order", "sebelum from", "is before from"));
    } else if (to - from).num_days() >= MAX_DAYS {
        let fault = Fault::new("out_of_range", "paling banyak 366 hari", "at most 366 days in all");
        asked.params.fault("to", fault);
    }
    asked.params.finish(&[CALENDAR, &COMMON])?;
    let mut events = events_by_day(&asked, from, to);
    let reference = asked.snapshot.reference();
    let items = from
        .iter_days()
        .take_while(|day| *day <= to)
        .map(|day| DayView {
            date: day,
            weekday: weekday(day.weekday(), asked.lang).to_owned(),
            pasaran: pasaran(day).to_string(),
            javanese: JavaneseDate::of(day).map(JavaneseView::from),
            holiday: reference
                .holidays_on(day)
                .min_by_key(|holiday| holiday.kind != domain::holiday::Kind::National)
                .map(|holiday| holiday.name.get(asked.lang).1.to_owned()),
            events: events.remove(&day).unwrap_or_default(),
        })
        .collect();
    let answer = Answer::of(&CalendarPage { items, cursor: None }, media::JSON, asked.lang)?;
    Ok(answer.until(today_counts.then(|| tomorrow(asked.now)), asked.now))
}

fn events_by_day(
    asked: &Asked,
    from: NaiveDate,
    to: NaiveDate,
) -> BTreeMap<NaiveDate, Vec<NamedEvent>> {
    let window = Window { from: Some(Edge::On(from)), to: Some(Edge::On(to)) };
    let mut found = Vec::new();
    for document in asked.snapshot.events_within(window, asked.now) {
        let (start, end) = window.instants(asked.now, document.zone);
        let record = document.record();
        for one in document.occurrences(start, end, 2000) {
            let name = NamedEvent {
                id: document.id,
                slug: document.slug.to_string(),
                name: record.listing.name.get(asked.lang).1.to_owned(),
            };
            let starts = one.starts_at(document.zone);
            // The last instant that belongs to it; one without length belongs to its own.
            let ends = (one.ends_at(document.zone) - TimeDelta::microseconds(1)).max(starts);
            let local =
                |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&document.zone).date_naive();
            found.push((starts, local(starts).max(from), local(ends).min(to), name));
        }
    }
    found.sort_by(|a, b| (a.0, &a.3.slug).cmp(&(b.0, &b.3.slug)));
    let mut days: BTreeMap<NaiveDate, Vec<NamedEvent>> = BTreeMap::new();
    for (_, first, last, name) in found {
        for day in first.iter_days().take_while(|day| *day <= last) {
            let events = days.entry(day).or_default();
            // An event that takes place twice on a day is one event of that day.
            if events.iter().all(|event| event.id != name.id) {
                events.push(name.clone());
            }
        }
    }
    days
}

fn weekday(day: Weekday, lang: Lang) -> &'static str {
    let names = match lang {
        Lang::Id => ["Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"],
        Lang::En => ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        Lang::Jv => ["Senèn", "Slasa", "Rebo", "Kemis", "Jemuwah", "Setu", "Ngahad"],
    };
    names[day.num_days_from_monday() as usize]
}
