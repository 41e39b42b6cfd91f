//! Who makes something, and what they offer.

use domain::{
    listing::{ContactKind, Payment},
    producer::Visit,
    product::{self, Status},
};
use search::{Document, shown_products};
use serde_json::{Value, json};

use super::{Honest, Node, Teller, languages, priced};
use crate::listing_view::public_contacts;

impl Teller<'_> {
    /// A producer: a shop where one may come, else a business.
    pub(super) fn producer(&self, document: &Document, honest: &Honest) -> Node {
        let record = &honest.record;
        let listing = &record.listing;
        let closed = record.producer().is_some_and(|producer| producer.visit == Visit::None);
        let kind = if closed { "LocalBusiness" } else { "Store" };
        let own = self.schema_type(listing);
        let own = own.filter(|own| own != "LocalBusiness" && own != kind);
        let own = own.map(|own| format!("https://schema.org/{own}"));
        let tag = self.seen.snapshot.reference().category(&listing.category);
        let tag = tag.and_then(|category| category.osm.as_ref());
        let tag = tag.map(|tag| format!("https://wiki.openstreetmap.org/wiki/Tag:{tag}"));
        let payments: Vec<&str> = listing.payments.iter().map(|way: &Payment| way.name()).collect();
        let offers = shown_products(record).map(|product| self.offer(product)).collect();
        let mut letters = public_contacts(listing).filter(|way| way.kind == ContactKind::Email);
        let email = letters.next().map(|way| way.value.as_str());
        let more: Vec<Value> = own.into_iter().chain(tag).map(Value::from).collect();
        let node = self.spot(self.common(json!(kind), document, honest), document, honest);
        let node = node
            .list("additionalType", more)
            .maybe("email", email)
            .list("knowsLanguage", languages(listing))
            .maybe("paymentAccepted", (!payments.is_empty()).then(|| payments.join(", ")))
            .list("makesOffer", offers);
        let Some(producer) = record.producer() else { return node };
        let centre = producer.centre.and_then(|id| self.organisation(id));
        node.maybe("foundingDate", producer.founded.map(|year| year.to_string()))
            .maybe("parentOrganization", centre)
    }

    /// Another listing as whoever it stands for.
    pub(super) fn organisation(&self, id: uuid::Uuid) -> Option<Node> {
        let listing = self.seen.snapshot.get(id)?.record().listing;
        Some(
            Node::new("Organization")
                .with("@id", format!("urn:uuid:{id}"))
                .with("name", listing.name.get(self.seen.lang).1)
                .with("url", self.url(&listing)),
        )
    }

    fn offer(&self, product: &product::Model) -> Value {
        let lang = self.seen.lang;
        let materials = product.materials.iter().map(|term| json!(term.as_str())).collect();
        let images = product.media.iter().map(|image| self.image(image)).collect();
        let item = Node::new("Product")
            .with("@id", format!("urn:uuid:{}", product.id))
            .with("name", product.name.get(lang).1)
            .maybe("description", product.summary.as_ref().map(|texts| texts.get(lang).1))
            .list("image", images)
            .list("material", materials);
        let stock = match product.status {
            Status::SoldOut => "SoldOut",
            Status::Active => "InStock",
            Status::Inactive => "Discontinued",
        };
        let offer = Node::new("Offer")
            .with("itemOffered", item)
            .with("availability", format!("https://schema.org/{stock}"))
            .maybe("url", product.order_links.first().map(String::as_str));
        match (product.price, product.price_to) {
            (Some(least), Some(most)) => {
                let range = Node::new("PriceSpecification")
                    .with("minPrice", least.amount)
                    .with("maxPrice", most.amount)
                    .with("priceCurrency", "IDR");
                offer.with("priceSpecification", range).into()
            }
            (Some(price), None) => priced(offer, price).into(),
            (None, _) => offer.into(),
        }
    }
}
