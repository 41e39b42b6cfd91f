//! Product: what a producer makes. Griya is no shop: it leads to the maker.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::Fault,
    key::Slug,
    listing::{Media, Stamp, is_web, json_list, too_many},
    money::Money,
    producer::Terms,
    text::{Texts, line_fault},
};

pub mod entity;

pub use entity::Model;

/// Whether it can be had.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
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
#[schema(as = ProductStatus)]
pub enum Status {
    /// It can.
    Active,
    /// It is no longer made; not shown.
    Inactive,
    /// Not now.
    SoldOut,
}

json_list! {
    /// Where to order it.
    OrderLinks of String
}

/// What somebody may say of a product.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Draft {
    #[serde(default)]
    pub slug: Option<Slug>,
    pub status: Status,
    pub name: Texts,
    #[serde(default)]
    pub summary: Option<Texts>,
    #[serde(default)]
    pub price: Option<Money>,
    #[serde(default)]
    pub price_to: Option<Money>,
    #[serde(default)]
    pub materials: Terms,
    #[serde(default)]
    pub techniques: Terms,
    #[serde(default)]
    pub dimensions: Option<String>,
    #[serde(default)]
    pub media: Media,
    #[serde(default)]
    pub order_links: OrderLinks,
    #[serde(default)]
    pub sample: bool,
}

impl Draft {
    /// Its members.
    pub const MEMBERS: [&'static str; 12] = [
        "slug",
        "status",
        "name",
        "summary",
        "price",
        "price_to",
        "materials",
        "techniques",
        "dimensions",
        "media",
        "order_links",
        "sample",
    ];

    /// What a row says, in the words of a write.
    pub fn of(row: &Model) -> Self {
        let Model {
            id: _,
            producer: _,
            slug,
            status,
            name,
            summary,
            price,
            price_to,
            materials,
            techniques,
            dimensions,
            media,
            order_links,
            sample,
            version: _,
            created_at: _,
            updated_at: _,
        } = row.clone();
        Self {
            slug: Some(slug),
            status,
            name,
            summary,
            price,
            price_to,
            materials,
            techniques,
            dimensions,
            media,
            order_links,
            sample,
        }
    }

    /// Everything that breaks a rule, all at once.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults: Vec<_> =
            self.name.check(120).into_iter().map(|f| f.below("name")).collect();
        faults.extend(self.summary.iter().flat_map(|t| t.check(280)).map(|f| f.below("summary")));
        for (name, price) in [("price", self.price), ("price_to", self.price_to)] {
            faults.extend(price.iter().flat_map(|p| p.check()).map(|f| f.below(name)));
        }
        if let (price, Some(to)) = (self.price, self.price_to)
            && price.is_none_or(|from| to.amount < from.amount || to.currency != from.currency)
        {
            faults.push(
                Fault::new("bad_order", "harus di atas price", "must be above price")
                    .below("price_to"),
            );
        }
        let dimensions = self.dimensions.as_ref().and_then(|line| line_fault(line, 120));
        faults.extend(dimensions.map(|f| f.below("dimensions")));
        for (name, len) in [
            ("materials", self.materials.len()),
            ("techniques", self.techniques.len()),
            ("order_links", self.order_links.len()),
            ("media", self.media.len()),
        ] {
            if len > 16 {
                faults.push(too_many(16).below(name));
            }
        }
        for (at, image) in self.media.iter().enumerate() {
            faults.extend(image.check().into_iter().map(|f| f.below(at).below("media")));
        }
        for (at, link) in self.order_links.iter().enumerate() {
            if !is_web(link) {
                let fault = Fault::new("bad_format", "bukan URL", "is not a URL");
                faults.push(fault.below(at).below("order_links"));
            }
        }
        faults
    }

    /// The row of a product of `producer`.
    pub fn into_row(self, producer: Uuid, slug: Slug, stamp: &Stamp) -> Model {
        Model {
            id: stamp.id,
            producer,
            slug,
            status: self.status,
            name: self.name,
            summary: self.summary,
            price: self.price,
            price_to: self.price_to,
            materials: self.materials,
            techniques: self.techniques,
            dimensions: self.dimensions,
            media: self.media,
            order_links: self.order_links,
            sample: self.sample,
            version: stamp.version,
            created_at: stamp.created_at,
            updated_at: stamp.now,
        }
    }
}
