//! Table `place`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Awards, LegalBasis};
use crate::{money::Admission, record::json, text::Texts};

/// The row: what only a place has. Its id is the listing's.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "place")]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[serde(with = "json::or_empty")]
    pub admission: Option<Admission>,
    #[serde(with = "json::or_empty")]
    pub awards: Awards,
    /// How long a visit takes.
    pub duration_min: Option<i32>,
    pub best_time: Option<Texts>,
    #[serde(with = "json::or_empty")]
    pub legal_basis: Option<LegalBasis>,
    pub managed_by: Option<String>,
    pub is_tourism_village: bool,
    pub heritage_register: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
