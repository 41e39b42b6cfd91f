//! Facts: what a document has, as filters ask and facets count it.

use domain::{key::Term, product::Status};

use crate::{document::Document, query::Facts};

impl Document {
    /// Whether entering is free; `None` where that is no question or not known.
    pub(crate) fn free(&self) -> Option<bool> {
        let of_place = self.record.place().and_then(|place| place.admission.as_ref());
        let of_event = self.record.event().and_then(|event| event.admission.as_ref());
        of_place.or(of_event).map(|admission| admission.free)
    }

    /// Whether it won a prize; `None` for what prizes are not given to.
    pub(crate) fn award(&self) -> Option<bool> {
        self.record.place().map(|place| !place.awards.is_empty())
    }

    /// Techniques of a producer and of what it makes.
    pub(crate) fn techniques(&self) -> impl Iterator<Item = &Term> {
        let own =
            self.record.producer().into_iter().flat_map(|producer| producer.techniques.iter());
        own.chain(self.shown_products().flat_map(|product| product.techniques.iter()))
    }

    /// Materials of a producer and of what it makes.
    pub(crate) fn materials(&self) -> impl Iterator<Item = &Term> {
        let own = self.record.producer().into_iter().flat_map(|producer| producer.materials.iter());
        own.chain(self.shown_products().flat_map(|product| product.materials.iter()))
    }

    /// The products that the public sees.
    pub fn shown_products(&self) -> impl Iterator<Item = &domain::product::Model> {
        self.record.products.iter().filter(|product| product.status != Status::Inactive)
    }
}

/// Whether `asked` is empty or holds one of `have`.
fn any<'a, T: PartialEq + 'a>(asked: &[T], mut have: impl Iterator<Item = &'a T>) -> bool {
    asked.is_empty() || have.any(|value| asked.contains(value))
}

fn is(asked: Option<bool>, have: Option<bool>) -> bool {
    asked.is_none() || asked == have
}

impl Facts {
    /// Whether `document` has all of them.
    pub(crate) fn hold(&self, document: &Document) -> bool {
        let listing = &document.record.listing;
        let producer = document.record.producer();
        let papers = producer.into_iter().flat_map(|p| p.certificates.iter());
        (self.ids.is_empty() || self.ids.contains(&listing.id))
            && is(self.free, document.free())
            && is(self.award, document.award())
            && is(self.has_workshop, producer.map(|p| !p.workshops.is_empty()))
            && is(self.made_to_order, producer.and_then(|p| p.made_to_order))
            && any(
                &self.accessibility,
                listing.accessibility.0.iter().filter(|(_, yes)| **yes).map(|(aspect, _)| aspect),
            )
            && any(&self.facilities, listing.facilities.iter())
            && any(&self.payments, listing.payments.iter())
            && any(&self.languages_spoken, listing.languages_spoken.iter())
            && any(&self.techniques, document.techniques())
            && any(&self.materials, document.materials())
            && any(&self.certificates, papers.map(|paper| &paper.kind))
            && any(&self.forms, producer.iter().map(|p| &p.form))
            && any(&self.event_statuses, document.record.event().iter().map(|e| &e.event_status))
            && any(&self.agencies, listing.responsible_agency.iter())
            && (self.text_in.is_empty() || self.text_in.iter().any(|l| listing.name.has(*l)))
    }
}
