//! Table `producer`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Certificates, Craft, Form, Terms, Visit, Workshops};

use crate::record::json;

/// The row: what only a producer has. Its id is the listing's.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "producer")]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub form: Form,
    pub craft: Craft,
    pub materials: Terms,
    pub techniques: Terms,
    #[serde(with = "json::or_empty")]
    pub certificates: Certificates,
    /// Gregorian year.
    pub founded: Option<i32>,
    pub workers: Option<i32>,
    /// The producer of form `centre` it belongs to.
    pub centre: Option<Uuid>,
    pub visit: Visit,
    #[serde(with = "json::or_empty")]
    pub workshops: Workshops,
    pub made_to_order: Option<bool>,
    pub lead_time_days: Option<i32>,
    pub export_ready: Option<bool>,
}

impl ActiveModelBehavior for ActiveModel {}
