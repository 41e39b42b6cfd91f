//! Agency: an office of the regency that answers for listings. Which ones is data.

use serde::Deserialize;

use crate::{
    error::Fault,
    key::{AgencyId, CategoryCode},
    listing::{Categories, Kind, json_list, names_nothing},
    reference::Reference,
    text::Texts,
};
use serde::Serialize;

pub mod entity;
pub mod trust;

pub use entity::Model;

json_list! {
    /// Kinds of listings.
    Kinds of Kind
}

/// What it moderates: listings of one of these kinds, or of one of these categories.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswersFor {
    /// Kinds.
    #[serde(default)]
    pub kinds: Kinds,
    /// Categories, with all below them.
    #[serde(default)]
    pub categories: Categories,
}

/// What a file says of an agency.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Draft {
    pub id: AgencyId,
    pub name: Texts,
    pub answers_for: AnswersFor,
}

impl Draft {
    /// The row.
    ///
    /// # Errors
    /// Everything that breaks a rule, all at once.
    pub fn into_row(self, reference: &Reference) -> Result<Model, Vec<Fault>> {
        let mut faults: Vec<_> =
            self.name.check(120).into_iter().map(|f| f.below("name")).collect();
        let unknown = |code: &CategoryCode| reference.category(code).is_none();
        for (at, _) in
            self.answers_for.categories.iter().enumerate().filter(|(_, code)| unknown(code))
        {
            faults.push(names_nothing().below(at).below("categories").below("answers_for"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let AnswersFor { kinds, categories } = self.answers_for;
        Ok(Model { id: self.id, name: self.name, kinds, categories })
    }
}
