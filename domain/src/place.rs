//! Place: somewhere a visitor can go.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::Fault,
    listing::{json_list, too_many},
    money::Admission,
    producer::range_faults,
    text::{Texts, line_fault},
};

pub mod entity;

pub use entity::Model;

/// A prize it won.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Award {
    /// What the prize is called.
    #[schema(max_length = 160)]
    pub name: String,
    /// Gregorian year.
    #[schema(minimum = 1900, maximum = 2200)]
    pub year: i32,
    /// The class it was won in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 160)]
    pub category: Option<String>,
    /// The rank in that class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    pub rank: Option<String>,
}

json_list! {
    /// Prizes.
    Awards of Award
}

/// The decree that makes it what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalBasis {
    /// As printed on it.
    #[schema(max_length = 160)]
    pub number: String,
    /// When it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<chrono::NaiveDate>,
}

/// What somebody may say of a place beyond what all listings have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Draft {
    #[serde(default)]
    pub admission: Option<Admission>,
    #[serde(default)]
    pub awards: Awards,
    #[serde(default)]
    pub duration_min: Option<i32>,
    #[serde(default)]
    pub best_time: Option<Texts>,
    #[serde(default)]
    pub legal_basis: Option<LegalBasis>,
    #[serde(default)]
    pub managed_by: Option<String>,
    #[serde(default)]
    pub is_tourism_village: bool,
    #[serde(default)]
    pub heritage_register: Option<String>,
}

impl Award {
    fn check(&self) -> Vec<Fault> {
        let lines = [
            ("name", Some(&self.name), 160),
            ("category", self.category.as_ref(), 160),
            ("rank", self.rank.as_ref(), 80),
        ];
        let mut faults: Vec<_> = lines
            .into_iter()
            .filter_map(|(name, line, max)| line_fault(line?, max).map(|f| f.below(name)))
            .collect();
        faults.extend(range_faults([("year", Some(self.year), 1900, 2200)]));
        faults
    }
}

impl Draft {
    /// Its members.
    pub const MEMBERS: [&'static str; 8] = [
        "admission",
        "awards",
        "duration_min",
        "best_time",
        "legal_basis",
        "managed_by",
        "is_tourism_village",
        "heritage_register",
    ];

    /// What a row says, in the words of a write.
    pub fn of(row: &Model) -> Self {
        let Model {
            id: _,
            admission,
            awards,
            duration_min,
            best_time,
            legal_basis,
            managed_by,
            is_tourism_village,
            heritage_register,
        } = row.clone();
        Self {
            admission,
            awards,
            duration_min,
            best_time,
            legal_basis,
            managed_by,
            is_tourism_village,
            heritage_register,
        }
    }

    /// Everything that breaks a rule, all at once.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults: Vec<_> = self
            .admission
            .iter()
            .flat_map(Admission::check)
            .map(|f| f.below("admission"))
            .collect();
        if self.awards.len() > 40 {
            faults.push(too_many(40).below("awards"));
        }
        for (at, award) in self.awards.iter().enumerate() {
            faults.extend(award.check().into_iter().map(|f| f.below(at).below("awards")));
        }
        let basis = self.legal_basis.as_ref().and_then(|basis| line_fault(&basis.number, 160));
        faults.extend(basis.map(|f| f.below("number").below("legal_basis")));
        faults.extend(range_faults([("duration_min", self.duration_min, 1, 10_080)]));
        faults
            .extend(self.best_time.iter().flat_map(|t| t.check(280)).map(|f| f.below("best_time")));
        let lines = [
            ("managed_by", &self.managed_by, 120),
            ("heritage_register", &self.heritage_register, 80),
        ];
        for (name, line, max) in lines {
            faults.extend(line.as_ref().and_then(|l| line_fault(l, max)).map(|f| f.below(name)));
        }
        faults
    }

    /// The row of the listing `id`.
    pub fn into_row(self, id: Uuid) -> Model {
        Model {
            id,
            admission: self.admission,
            awards: self.awards,
            duration_min: self.duration_min,
            best_time: self.best_time,
            legal_basis: self.legal_basis,
            managed_by: self.managed_by,
            is_tourism_village: self.is_tourism_village,
            heritage_register: self.heritage_register,
        }
    }
}
