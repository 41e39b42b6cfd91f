//! Producer: somebody who makes something at home, a group of them, or a centre of a craft.

use chrono::NaiveDate;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::Fault,
    key::Term,
    listing::{Languages, json_list, too_many, vocabulary},
    money::Money,
    text::{Texts, line_fault},
};

pub mod entity;

pub use entity::Model;

/// How the makers are organised.
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
pub enum Form {
    /// One household or workshop.
    Maker,
    /// A group that sells as one.
    Group,
    /// A quarter or village where many make the same.
    Centre,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Maker, Self::Group, Self::Centre];

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Maker => "maker",
            Self::Group => "group",
            Self::Centre => "centre",
        }
    }
}

/// Whether one may come and watch.
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
pub enum Visit {
    /// The door is open.
    Open,
    /// After a call.
    Appointment,
    /// No.
    None,
}

/// What is made.
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
#[expect(missing_docs, reason = "the names say it")]
pub enum Craft {
    Batik,
    Pottery,
    Leather,
    Wood,
    Bamboo,
    Wayang,
    Keris,
    Stone,
    Weaving,
    Silver,
    Food,
    Herbal,
    Fibre,
    Toys,
    Music,
    Mixed,
}

vocabulary! {
    /// What a certificate vouches for.
    CertificateKind {
        GeographicalIndication = "geographical_indication", Halal = "halal",
        BatikMark = "batik_mark", Sni = "sni",
    }
}

/// A paper that vouches for the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// What it vouches for.
    #[serde(rename = "type")]
    pub kind: CertificateKind,
    /// As printed on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    pub number: Option<String>,
    /// Who gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 160)]
    pub issuer: Option<String>,
    /// The last day it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    /// Whether an officer has seen it.
    #[serde(default)]
    pub verified: bool,
}

/// A class or demonstration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workshop {
    /// What one learns.
    pub title: Texts,
    /// How long it takes.
    pub minutes: i32,
    /// A person's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The most people at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_size: Option<i32>,
    /// Languages it is held in.
    #[serde(default)]
    pub languages: Languages,
}

json_list! {
    /// Papers that vouch for the product.
    Certificates of Certificate
}
json_list! {
    /// Classes and demonstrations.
    Workshops of Workshop
}
json_list! {
    /// Words of the craft: materials or techniques.
    Terms of Term
}

/// What somebody may say of a producer beyond what all listings have.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Draft {
    pub form: Form,
    pub craft: Craft,
    #[serde(default)]
    pub materials: Terms,
    #[serde(default)]
    pub techniques: Terms,
    #[serde(default)]
    pub certificates: Certificates,
    #[serde(default)]
    pub founded: Option<i32>,
    #[serde(default)]
    pub workers: Option<i32>,
    /// Link, resolved to an id.
    #[serde(default)]
    pub centre: Option<Uuid>,
    pub visit: Visit,
    #[serde(default)]
    pub workshops: Workshops,
    #[serde(default)]
    pub made_to_order: Option<bool>,
    #[serde(default)]
    pub lead_time_days: Option<i32>,
    #[serde(default)]
    pub export_ready: Option<bool>,
}

impl Draft {
    /// Its members.
    pub const MEMBERS: [&'static str; 13] = [
        "form",
        "craft",
        "materials",
        "techniques",
        "certificates",
        "founded",
        "workers",
        "centre",
        "visit",
        "workshops",
        "made_to_order",
        "lead_time_days",
        "export_ready",
    ];

    /// What a row says, in the words of a write.
    pub fn of(row: &Model) -> Self {
        let Model {
            id: _,
            form,
            craft,
            materials,
            techniques,
            certificates,
            founded,
            workers,
            centre,
            visit,
            workshops,
            made_to_order,
            lead_time_days,
            export_ready,
        } = row.clone();
        Self {
            form,
            craft,
            materials,
            techniques,
            certificates,
            founded,
            workers,
            centre,
            visit,
            workshops,
            made_to_order,
            lead_time_days,
            export_ready,
        }
    }

    /// Everything that breaks a rule, all at once.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = range_faults([
            ("founded", self.founded, 1500, 2200),
            ("workers", self.workers, 1, 100_000),
            ("lead_time_days", self.lead_time_days, 0, 730),
        ]);
        let lengths = [
            ("materials", self.materials.len()),
            ("techniques", self.techniques.len()),
            ("certificates", self.certificates.len()),
            ("workshops", self.workshops.len()),
        ];
        faults.extend(
            lengths.iter().filter(|(_, len)| *len > 16).map(|(name, _)| too_many(16).below(name)),
        );
        for (at, workshop) in self.workshops.iter().enumerate() {
            faults.extend(workshop.check().into_iter().map(|f| f.below(at).below("workshops")));
        }
        for (at, paper) in self.certificates.iter().enumerate() {
            for (name, line, max) in [("number", &paper.number, 80), ("issuer", &paper.issuer, 160)]
            {
                let fault = line.as_ref().and_then(|line| line_fault(line, max));
                faults.extend(fault.map(|f| f.below(name).below(at).below("certificates")));
            }
        }
        if self.form == Form::Centre && self.centre.is_some() {
            faults.push(
                Fault::new(
                    "contradiction",
                    "sentra tidak bersentra",
                    "a centre belongs to no centre",
                )
                .below("centre"),
            );
        }
        faults
    }

    /// The row of the listing `id`.
    pub fn into_row(self, id: Uuid) -> Model {
        Model {
            id,
            form: self.form,
            craft: self.craft,
            materials: self.materials,
            techniques: self.techniques,
            certificates: self.certificates,
            founded: self.founded,
            workers: self.workers,
            centre: self.centre,
            visit: self.visit,
            workshops: self.workshops,
            made_to_order: self.made_to_order,
            lead_time_days: self.lead_time_days,
            export_ready: self.export_ready,
        }
    }
}

impl Workshop {
    fn check(&self) -> Vec<Fault> {
        let mut faults: Vec<_> =
            self.title.check(120).into_iter().map(|f| f.below("title")).collect();
        faults.extend(range_faults([
            ("minutes", Some(self.minutes), 10, 10_080),
            ("group_size", self.group_size, 1, 1000),
        ]));
        faults.extend(self.price.iter().flat_map(|p| p.check()).map(|f| f.below("price")));
        faults
    }
}

/// The faults of numbers that are there and out of their range, ends included.
pub(crate) fn range_faults<const N: usize>(
    numbers: [(&'static str, Option<i32>, i32, i32); N],
) -> Vec<Fault> {
    numbers
        .into_iter()
        .filter(|(_, number, low, high)| number.is_some_and(|n| !(*low..=*high).contains(&n)))
        .map(|(name, _, low, high)| {
            Fault::new(
                "out_of_range",
                format!("harus antara {low} dan {high}"),
                format!("must be between {low} and {high}"),
            )
            .below(name)
        })
        .collect()
}
