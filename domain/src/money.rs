//! Money: whole units of a currency.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{error::Fault, text::Texts};

/// An amount in whole units of `currency`: 10 000 rupiah are `{"amount": 10000, "currency": "IDR"}`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, ToSchema,
)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": 10000, "currency": "IDR"}))]
pub struct Money {
    /// Whole units of the currency.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub amount: i64,
    /// ISO 4217.
    pub currency: Currency,
}

/// A currency that prices are kept in (ISO 4217).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Currency {
    /// Indonesian rupiah.
    #[serde(rename = "IDR")]
    Idr,
}

impl Money {
    /// The largest amount: a million million.
    pub const MAX: i64 = 1_000_000_000_000;

    /// What breaks the rules.
    pub fn check(self) -> Vec<Fault> {
        if (0..=Self::MAX).contains(&self.amount) {
            return Vec::new();
        }
        let fault = Fault::new(
            "out_of_range",
            format!("harus antara 0 dan {}", Self::MAX),
            format!("must be between 0 and {}", Self::MAX),
        );
        vec![fault.below("amount")]
    }
}

/// What it costs to enter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// Whether entering costs nothing.
    pub free: bool,
    /// Prices by group and day; empty when it is free or they are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<Price>,
    /// What the table does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Texts>,
}

/// One line of a price table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Who pays it.
    pub group: VisitorGroup,
    /// On which days.
    pub days: DayType,
    /// How much.
    pub price: Money,
}

/// Who a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum VisitorGroup {
    Adult,
    Child,
    Foreigner,
    Vehicle,
    Group,
}

/// On which days a price holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DayType {
    Any,
    Weekday,
    Weekend,
    Holiday,
}

impl Admission {
    /// The most lines of a price table.
    pub const MAX_PRICES: usize = 40;

    /// What breaks the rules.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.free && !self.prices.is_empty() {
            faults.push(
                Fault::new(
                    "contradiction",
                    "gratis tetapi berharga",
                    "free, and yet it has prices",
                )
                .below("prices"),
            );
        }
        if self.prices.len() > Self::MAX_PRICES {
            faults.push(crate::listing::too_many(Self::MAX_PRICES).below("prices"));
        }
        for (at, price) in self.prices.iter().enumerate() {
            let below = |f: Fault| f.below("price").below(at).below("prices");
            faults.extend(price.price.check().into_iter().map(below));
        }
        faults.extend(self.note.iter().flat_map(|t| t.check(500)).map(|f| f.below("note")));
        faults
    }
}
