//! Scope: the part of all listings that somebody follows.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::{
    category,
    key::{AreaCode, CategoryCode},
    listing::{self, Kind},
};

/// Kinds, areas and categories: one of each that is named, everything where none is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Kinds of listing.
    pub kinds: Vec<Kind>,
    /// Areas; those inside them included.
    pub areas: Vec<AreaCode>,
    /// Categories; those below them included.
    pub categories: Vec<CategoryCode>,
}

impl Scope {
    /// Whether a listing of `kind` may ever be in it: a listing's kind is for ever.
    pub fn may_hold(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// Whether `listing` is in it, which is found in `area`.
    pub fn holds(&self, listing: &listing::Model, area: Option<&AreaCode>) -> bool {
        let inside = |wanted: &AreaCode| {
            area.is_some_and(|area| area.lineage().any(|code| code == wanted.as_str()))
        };
        let mut own = std::iter::once(&listing.category).chain(listing.categories.iter());
        self.may_hold(listing.kind)
            && (self.areas.is_empty() || self.areas.iter().any(inside))
            && (self.categories.is_empty()
                || own.any(|own| self.categories.iter().any(|code| category::holds(code, own))))
    }
}
