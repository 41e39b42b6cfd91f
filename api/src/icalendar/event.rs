//! One event in a calendar.
//!
//! A rule of RFC 5545 stays a rule, with its exceptions and extra dates. Everything else comes as one
//! `VEVENT` a date, each with a `UID` of its own: lists of dates in one event (`RDATE`) and sessions
//! that differ in length are what calendars in use get wrong.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    event::{EventStatus, Model},
    listing::DEFAULT_ZONE,
    schedule::{Certainty, Occurrence, Recurrence, Schedule, When},
};
use search::{Document, Window};

use super::{Calendar, day, instant, written};
use crate::{honest::Honest, listing_view::Seen};

/// The most dates of one event.
const MOST: usize = 2000;
/// How far back and ahead the dates of a Javanese rule are written, days.
const BACK: i64 = 30;
const AHEAD: i64 = 731;
/// The most that a window may widen that, days to either side.
const WIDEST: i64 = 1830;

/// From when to when dates are written that no rule can say.
#[derive(Debug, Clone, Copy)]
pub struct Dates {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Dates {
    /// From a month before the day of `now` to two years after it, and what of `window` lies within
    /// five years besides.
    pub fn around(now: DateTime<Utc>, window: Option<Window>) -> Self {
        let today = now.with_timezone(&DEFAULT_ZONE).date_naive().and_time(NaiveTime::MIN);
        let today = When::Date(today.date()).at(DEFAULT_ZONE);
        let (from, to) = (today - TimeDelta::days(BACK), today + TimeDelta::days(AHEAD));
        let bounded = |window: &Window| window.from.is_some() || window.to.is_some();
        let Some(window) = window.filter(bounded) else { return Self { from, to } };
        let (first, last) = window.instants(now, DEFAULT_ZONE);
        let widest = TimeDelta::days(WIDEST);
        Self {
            from: if window.from.is_some() { from.min(first.max(today - widest)) } else { from },
            to: if window.to.is_some() { to.max(last.min(today + widest)) } else { to },
        }
    }
}

/// Whether a calendar can tell when it is: not where the dates are invented.
pub fn can_tell(honest: &Honest) -> bool {
    honest.record.event().is_some() && !honest.hides("schedule")
}

/// Writes an event.
pub fn write(
    calendar: &mut Calendar,
    seen: &Seen<'_>,
    document: &Document,
    honest: &Honest,
    dates: Dates,
    base: Option<&str>,
) {
    let Some(event) = honest.record.event().filter(|_| can_tell(honest)) else { return };
    let telling = Telling { seen, document, honest, event, base };
    let zone = document.zone;
    let rule = match &event.schedule {
        Schedule::Rrule(recurrence) => {
            recurrence.for_calendars(zone).map(|rule| (recurrence, rule))
        }
        Schedule::Dates(_) | Schedule::Javanese(_) => None,
    };
    if let Some((recurrence, (start, text))) = rule {
        if !start.is_date() {
            calendar.know(zone, seen.now);
        }
        telling.rule(calendar, recurrence, start, &text);
        return;
    }
    let found = match &event.schedule {
        // What was announced is told, however long ago.
        Schedule::Dates(_) => event.schedule.occurrences(
            zone,
            DateTime::<Utc>::MIN_UTC,
            DateTime::<Utc>::MAX_UTC,
            MOST,
        ),
        _ => document.occurrences(dates.from, dates.to, MOST),
    };
    let alone = found.len() == 1 && matches!(event.schedule, Schedule::Dates(_));
    for one in &found {
        if !one.all_day() {
            calendar.know(zone, seen.now);
        }
        telling.date(calendar, one, alone);
    }
}

/// Who tells of what.
struct Telling<'a> {
    seen: &'a Seen<'a>,
    document: &'a Document,
    honest: &'a Honest,
    event: &'a Model,
    base: Option<&'a str>,
}

impl Telling<'_> {
    fn rule(&self, calendar: &mut Calendar, recurrence: &Recurrence, start: When, text: &str) {
        let zone = self.document.zone;
        calendar.line("BEGIN", "VEVENT");
        calendar.line("UID", &format!("{}@griya", self.document.id));
        calendar.when("DTSTART", start, zone);
        if let Some(end) = end_of(recurrence, start) {
            calendar.when("DTEND", end, zone);
        }
        calendar.line("RRULE", text);
        for (name, listed) in [("EXDATE", &recurrence.exdates), ("RDATE", &recurrence.rdates)] {
            listed_dates(calendar, name, listed, start.is_date(), zone);
        }
        self.rest(calendar, false);
        calendar.line("END", "VEVENT");
    }

    fn date(&self, calendar: &mut Calendar, one: &Occurrence, alone: bool) {
        let zone = self.document.zone;
        let start = match one.start {
            When::Date(date) => day(date),
            When::Time(time) => instant(time.to_utc()),
        };
        let part = if alone { String::new() } else { format!("-{start}") };
        calendar.line("BEGIN", "VEVENT");
        calendar.line("UID", &format!("{}{part}@griya", self.document.id));
        calendar.when("DTSTART", one.start, zone);
        if one.end != one.start {
            calendar.when("DTEND", one.end, zone);
        }
        let computed = one.certainty == Certainty::Computed
            && matches!(self.event.schedule, Schedule::Javanese(_));
        self.rest(calendar, computed);
        calendar.line("END", "VEVENT");
    }

    /// What does not depend on the date; `computed` ones may still be said otherwise by who holds it.
    fn rest(&self, calendar: &mut Calendar, computed: bool) {
        let (listing, lang) = (&self.honest.record.listing, self.seen.lang);
        let status = match self.event.event_status {
            EventStatus::Cancelled => "CANCELLED",
            EventStatus::Postponed => "TENTATIVE",
            _ if computed => "TENTATIVE",
            EventStatus::Scheduled | EventStatus::Rescheduled | EventStatus::MovedOnline => {
                "CONFIRMED"
            }
        };
        calendar.line("DTSTAMP", &instant(listing.updated_at));
        calendar.line("LAST-MODIFIED", &instant(listing.updated_at));
        calendar.line("CREATED", &instant(listing.created_at));
        calendar.line("SEQUENCE", &listing.version.to_string());
        calendar.line("STATUS", status);
        // What is on in Bantul takes nobody's time.
        calendar.line("TRANSP", "TRANSPARENT");
        let (tongue, name) = listing.name.get(lang);
        calendar.words(&format!("SUMMARY;LANGUAGE={tongue}"), name);
        let texts = [&listing.summary, &listing.description, &self.event.status_reason];
        let texts: Vec<&str> = texts.into_iter().flatten().map(|texts| texts.get(lang).1).collect();
        if !texts.is_empty() {
            calendar.words("DESCRIPTION", &texts.join("\n\n"));
        }
        let place = self.place();
        if !place.is_empty() {
            calendar.words("LOCATION", &place.join(", "));
        }
        if let Some(at) = self.document.position.filter(|_| self.honest.is_somewhere()) {
            calendar.line("GEO", &format!("{:.6};{:.6}", at.lat(), at.lon()));
        }
        calendar.words("CATEGORIES", &self.seen.category_name(&listing.category));
        let registration = self.event.registration.as_ref();
        match (self.base, registration.and_then(|registration| registration.url.as_ref())) {
            (Some(base), _) => calendar.line("URL", &format!("{base}/v1/events/{}", listing.slug)),
            (None, Some(url)) => calendar.line("URL", url),
            (None, None) => {}
        }
    }

    /// Its venue, its street, its area.
    fn place(&self) -> Vec<String> {
        let lang = self.seen.lang;
        let venue = self.event.venue.and_then(|id| self.seen.snapshot.get(id));
        let venue = venue.map(|venue| venue.record().listing.name.get(lang).1.to_owned());
        let address = self.honest.record.listing.address.as_ref();
        let street =
            address.and_then(|address| address.street.clone().or_else(|| address.dusun.clone()));
        let area = self.document.area.as_ref().filter(|_| self.honest.is_somewhere());
        let area = area.map(|area| self.seen.snapshot.reference().area_name(area, lang));
        venue.into_iter().chain(street).chain(area).collect()
    }
}

/// When one that starts at `start` ends; `None` where nobody says.
fn end_of(recurrence: &Recurrence, start: When) -> Option<When> {
    match start {
        When::Date(date) => {
            let days = recurrence.days.unwrap_or(1).max(1);
            date.checked_add_days(chrono::Days::new(days.into())).map(When::Date)
        }
        When::Time(time) => {
            let minutes = recurrence.duration_min.filter(|minutes| *minutes > 0)?;
            Some(When::Time(time + TimeDelta::minutes(minutes.into())))
        }
    }
}

/// Further starts, or those that do not take place; in the form that the rule's have.
fn listed_dates(calendar: &mut Calendar, name: &str, listed: &[When], all_day: bool, zone: Tz) {
    let listed: Vec<&When> = listed.iter().filter(|when| when.is_date() == all_day).collect();
    let Some(first) = listed.first() else { return };
    let (parameter, _) = written(**first, zone);
    let values: Vec<String> = listed.iter().map(|when| written(**when, zone).1).collect();
    calendar.line(&format!("{name}{parameter}"), &values.join(","));
}
