//! Category: a node of the taxonomy.

use std::collections::BTreeMap;

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::{
    error::Fault,
    key::CategoryCode,
    text::{Lang, Texts, line_fault},
};

pub mod entity;

pub use entity::Model;

/// Other words that people use for it, by language.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Words(pub BTreeMap<Lang, Vec<String>>);

/// What a file says of a category.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the model's, explained there")]
pub struct Draft {
    pub code: CategoryCode,
    #[serde(default)]
    pub parent: Option<CategoryCode>,
    pub name: Texts,
    #[serde(default)]
    pub words: Words,
    #[serde(default)]
    pub osm: Option<String>,
    #[serde(default)]
    pub schema_org: Option<String>,
}

impl Draft {
    /// The row.
    ///
    /// # Errors
    /// Everything that breaks a rule, all at once.
    pub fn into_row(self) -> Result<Model, Vec<Fault>> {
        let mut faults: Vec<_> = self.name.check(80).into_iter().map(|f| f.below("name")).collect();
        let outer = self.code.as_str().rsplit_once('.').map(|(outer, _)| outer);
        if self.parent.as_ref().map(CategoryCode::as_str) != outer {
            let fault =
                Fault::new("contradiction", "bukan induk kode itu", "is not the code's parent");
            faults.push(fault.below("parent"));
        }
        for (lang, words) in &self.words.0 {
            let bad = words.iter().find_map(|word| line_fault(word, 60));
            faults.extend(bad.map(|f| f.below(lang).below("words")));
        }
        for (name, line) in [("osm", &self.osm), ("schema_org", &self.schema_org)] {
            faults.extend(line.as_ref().and_then(|l| line_fault(l, 80)).map(|f| f.below(name)));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let Self { code, parent, name, words, osm, schema_org } = self;
        Ok(Model { code, parent, name, words, osm, schema_org })
    }
}

/// Whether `outer` is `code` or one of those above it.
pub fn holds(outer: &CategoryCode, code: &CategoryCode) -> bool {
    let rest = code.as_str().strip_prefix(outer.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
