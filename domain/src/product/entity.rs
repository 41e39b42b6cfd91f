//! Table `product`.

use chrono::serde::ts_microseconds;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{OrderLinks, Status};
use crate::{key::Slug, listing::Media, money::Money, producer::Terms, record::json, text::Texts};

/// The row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "product")]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub producer: Uuid,
    /// Unique below its producer.
    pub slug: Slug,
    pub status: Status,
    pub name: Texts,
    pub summary: Option<Texts>,
    /// The price, or the lowest.
    pub price: Option<Money>,
    /// The highest, when it depends.
    pub price_to: Option<Money>,
    pub materials: Terms,
    pub techniques: Terms,
    pub dimensions: Option<String>,
    #[serde(with = "json::or_empty")]
    pub media: Media,
    pub order_links: OrderLinks,
    pub sample: bool,
    /// One more with every write.
    pub version: i64,
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTimeUtc,
    #[serde(with = "ts_microseconds")]
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
