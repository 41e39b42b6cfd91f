//! What is on: when, where, by whom and for how much.
//!
//! Search engines show an event only with a name, a start and a place that has an address; what can
//! be said of these is said.

use chrono::{Days, TimeDelta};
use domain::{
    event::{EventStatus, Model, Organiser},
    schedule::{Occurrence, When},
};
use search::{Document, STEP_YEARS};
use serde_json::json;

use super::{Honest, Node, Teller, geo, tickets};
use crate::listing_view::local;

/// The most dates that are looked through for the last one.
const MOST: usize = 2000;

impl Teller<'_> {
    /// An event, with the first date that has not ended, else the last.
    pub(super) fn event(&self, document: &Document, honest: &Honest) -> Node {
        let listing = &honest.record.listing;
        let kind = self.schema_type(listing).unwrap_or_else(|| "Event".to_owned());
        let node = self.common(json!(kind), document, honest);
        let node = node.with("inLanguage", listing.name.get(self.seen.lang).0.code());
        let Some(event) = honest.record.event() else { return node };
        let one = self.date(document).filter(|_| !honest.hides("schedule"));
        let online = event.event_status == EventStatus::MovedOnline;
        let mode = if online { "OnlineEventAttendanceMode" } else { "OfflineEventAttendanceMode" };
        let url = event.registration.as_ref().and_then(|registration| registration.url.clone());
        let location = match &url {
            Some(url) if online => Node::new("VirtualLocation").with("url", url.as_str()),
            _ => self.venue(document, honest, event),
        };
        let admission = event.admission.as_ref();
        let page = url.unwrap_or_else(|| self.url(listing));
        let offers = admission.map(|admission| tickets(admission, &page)).unwrap_or_default();
        node.maybe("startDate", one.map(|one| one.start.to_string()))
            .maybe("endDate", one.as_ref().and_then(last))
            .with("eventStatus", format!("https://schema.org/{}", status(event.event_status)))
            .with("eventAttendanceMode", format!("https://schema.org/{mode}"))
            .with("location", location)
            .maybe("previousStartDate", event.previous_start.map(|at| json!(local(at, document))))
            .maybe("organizer", event.organiser.as_ref().and_then(|by| self.organiser(by)))
            .maybe("isAccessibleForFree", admission.map(|admission| admission.free))
            .list("offers", offers)
            .maybe("maximumAttendeeCapacity", event.capacity)
    }

    fn date(&self, document: &Document) -> Option<Occurrence> {
        let now = self.seen.now;
        let past = || {
            let from = now - TimeDelta::days(STEP_YEARS * 366);
            document.occurrences(from, now, MOST).pop()
        };
        document.next_occurrence(now).or_else(past)
    }

    /// Where it is held: the venue with its address, else what is known of the event itself.
    fn venue(&self, document: &Document, honest: &Honest, event: &Model) -> Node {
        let snapshot = self.seen.snapshot;
        let venue = event.venue.and_then(|id| snapshot.get(id));
        let venue = venue.and_then(|venue| Some((venue, Honest::of(snapshot, venue)?)));
        let area = document.area.as_ref().filter(|_| honest.is_somewhere());
        let area = area.map(|area| snapshot.reference().area_name(area, self.seen.lang));
        let here = Node::new("Place");
        let own = honest.record.listing.address.is_some() || venue.is_none();
        let (here, address) = match &venue {
            Some((document, venue)) => {
                let listing = &venue.record.listing;
                let here = here
                    .with("@id", format!("urn:uuid:{}", listing.id))
                    .with("name", listing.name.get(self.seen.lang).1)
                    .with("url", self.url(listing));
                (here, self.address(document, venue).filter(|_| !own))
            }
            None => (here.with("name", area.unwrap_or_else(|| "Bantul".to_owned())), None),
        };
        let address = address.or_else(|| self.address(document, honest));
        let somewhere = || {
            Node::new("PostalAddress")
                .with("addressLocality", "Bantul")
                .with("addressRegion", "Daerah Istimewa Yogyakarta")
                .with("addressCountry", "ID")
        };
        here.maybe("geo", geo(document, honest)).with("address", address.unwrap_or_else(somewhere))
    }

    fn organiser(&self, organiser: &Organiser) -> Option<Node> {
        let named = |name: &str| Node::new("Organization").with("name", name);
        match organiser {
            Organiser::Listing(id) => self.organisation(*id),
            Organiser::Agency(id) => {
                let agency = self.seen.snapshot.reference().agency(id)?;
                Some(named(agency.name.get(self.seen.lang).1))
            }
            Organiser::Name(name) => Some(named(name)),
        }
    }
}

/// The last day, or the instant it ends; `None` where nobody says.
fn last(one: &Occurrence) -> Option<String> {
    if one.start == one.end {
        return None;
    }
    Some(match one.end {
        When::Date(date) => date.checked_sub_days(Days::new(1))?.to_string(),
        When::Time(_) => one.end.to_string(),
    })
}

fn status(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Scheduled => "EventScheduled",
        EventStatus::Cancelled => "EventCancelled",
        EventStatus::Postponed => "EventPostponed",
        EventStatus::Rescheduled => "EventRescheduled",
        EventStatus::MovedOnline => "EventMovedOnline",
    }
}
