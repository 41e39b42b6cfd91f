//! Holiday: a public holiday or joint leave day of Indonesia.
//!
//! Data, not code: the moving feasts are decreed each year, and a node that runs for years is told
//! of them by a file (`griya seed`).

use chrono::NaiveDate;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

use crate::{
    error::Fault,
    text::{Texts, line_fault},
};

pub mod entity;

pub use entity::Model;

/// What kind of free day it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(sea_orm::sea_query::StringLen::N(16))",
    rename_all = "snake_case"
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Hari libur nasional: what `PH` means in opening hours.
    National,
    /// Cuti bersama: offices rest, sights do not; `PH` does not mean it.
    JointLeave,
}

/// How sure the date is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(sea_orm::sea_query::StringLen::N(16))",
    rename_all = "snake_case"
)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// By law or joint ministerial decree.
    Decreed,
    /// Worked out; a decree may say another day.
    Computed,
}

/// What a file says of a holiday.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Draft {
    pub date: NaiveDate,
    pub kind: Kind,
    pub name: Texts,
    pub certainty: Certainty,
    pub source: String,
}

impl Draft {
    /// The row.
    ///
    /// # Errors
    /// Everything that breaks a rule, all at once.
    pub fn into_row(self) -> Result<Model, Vec<Fault>> {
        let mut faults: Vec<_> =
            self.name.check(120).into_iter().map(|f| f.below("name")).collect();
        faults.extend(line_fault(&self.source, 500).map(|f| f.below("source")));
        if !faults.is_empty() {
            return Err(faults);
        }
        let Self { date, kind, name, certainty, source } = self;
        Ok(Model { date, kind, name, certainty, source })
    }
}
