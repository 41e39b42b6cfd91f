//! Honest: what of a listing may leave for where nobody reads that it is invented.
//!
//! Our own JSON marks what is a sample, and its readers are asked to heed that. A calendar, a search
//! engine or a table has no place for the mark, so there what is invented is left out: whole records
//! with `sample`, members named in `sample_fields`, and what is shown of another listing that is one.

use domain::{
    event::Organiser,
    record::{Detail, Record},
};
use search::{Document, Snapshot};
use serde_json::Value;
use uuid::Uuid;

/// A listing without what is invented.
#[derive(Debug)]
pub struct Honest {
    /// The record, without links to samples and without products that are.
    pub record: Record,
    /// Members that are invented: those that a record cannot lack are still in it.
    hidden: Vec<String>,
    /// Whether where it is comes from a venue that is invented.
    nowhere: bool,
}

impl Honest {
    /// What of `document` is not invented; `None` where all of it is.
    pub fn of(snapshot: &Snapshot, document: &Document) -> Option<Self> {
        let mut record = document.record();
        if record.listing.sample {
            return None;
        }
        let hidden = record.listing.sample_fields.0.clone();
        let hides = |member: &str| hidden.iter().any(|hidden| hidden == member);
        let invented = |id: Uuid| snapshot.get(id).is_some_and(|other| is_sample(other));
        let mut nowhere = hides("location");
        hidden.iter().for_each(|member| forget(&mut record, member));
        record.listing.see_also.0.retain(|id| !invented(*id));
        record.products.retain(|product| !product.sample);
        match &mut record.detail {
            Detail::Event(event) => {
                if event.venue.is_some_and(|venue| hides("venue") || invented(venue)) {
                    event.venue = None;
                    nowhere |= record.listing.position().is_none();
                }
                let by = |organiser: &Organiser| matches!(organiser, Organiser::Listing(id) if invented(*id));
                if event.organiser.as_ref().is_some_and(by) {
                    event.organiser = None;
                }
            }
            Detail::Producer(producer) => {
                producer.centre = producer.centre.filter(|id| !invented(*id));
            }
            Detail::Place(_) => {}
        }
        Some(Self { record, hidden, nowhere })
    }

    /// Whether `member` is invented.
    pub fn hides(&self, member: &str) -> bool {
        self.hidden.iter().any(|hidden| hidden == member)
    }

    /// Whether it may be said where it is.
    pub fn is_somewhere(&self) -> bool {
        !self.nowhere
    }

    /// `view` of the record, without what is invented.
    pub fn bare(&self, mut view: Value) -> Value {
        let Some(members) = view.as_object_mut() else { return view };
        members.shift_remove("sample_fields");
        for name in &self.hidden {
            members.shift_remove(name);
        }
        if self.nowhere {
            for name in ["location", "accuracy_m", "area"] {
                members.shift_remove(name);
            }
        }
        view
    }
}

/// Empties a member that is invented, where a listing can be without it.
fn forget(record: &mut Record, member: &str) {
    let listing = &mut record.listing;
    match member {
        "summary" => listing.summary = None,
        "description" => listing.description = None,
        "address" => listing.address = None,
        "hours" => listing.hours = None,
        "verified_at" => listing.verified_at = None,
        "responsible_agency" => listing.responsible_agency = None,
        "categories" => listing.categories.0.clear(),
        "tags" => listing.tags.0.clear(),
        "accessibility" => listing.accessibility.0.clear(),
        "facilities" => listing.facilities.0.clear(),
        "payments" => listing.payments.0.clear(),
        "languages_spoken" => listing.languages_spoken.0.clear(),
        "contacts" => listing.contacts.0.clear(),
        "media" => listing.media.0.clear(),
        "notices" => listing.notices.0.clear(),
        "external_ids" => listing.external_ids.0.clear(),
        "see_also" => listing.see_also.0.clear(),
        _ => forget_of_kind(&mut record.detail, member),
    }
}

fn forget_of_kind(detail: &mut Detail, member: &str) {
    match detail {
        Detail::Place(place) => match member {
            "admission" => place.admission = None,
            "awards" => place.awards.0.clear(),
            "duration_min" => place.duration_min = None,
            "best_time" => place.best_time = None,
            "legal_basis" => place.legal_basis = None,
            "managed_by" => place.managed_by = None,
            "heritage_register" => place.heritage_register = None,
            _ => {}
        },
        Detail::Producer(producer) => match member {
            "materials" => producer.materials.0.clear(),
            "techniques" => producer.techniques.0.clear(),
            "certificates" => producer.certificates.0.clear(),
            "workshops" => producer.workshops.0.clear(),
            "founded" => producer.founded = None,
            "workers" => producer.workers = None,
            "centre" => producer.centre = None,
            "made_to_order" => producer.made_to_order = None,
            "lead_time_days" => producer.lead_time_days = None,
            "export_ready" => producer.export_ready = None,
            _ => {}
        },
        Detail::Event(event) => match member {
            "status_reason" => event.status_reason = None,
            "previous_start" => event.previous_start = None,
            "organiser" => event.organiser = None,
            "admission" => event.admission = None,
            "registration" => event.registration = None,
            "capacity" => event.capacity = None,
            "series" => event.series = None,
            _ => {}
        },
    }
}

/// Whether a listing is invented as a whole.
pub fn is_sample(document: &Document) -> bool {
    document.record().listing.sample
}
