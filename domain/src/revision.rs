//! Revision: a change to a listing as somebody proposed or made it.

use std::collections::BTreeSet;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromJsonQueryResult, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::listing::stored_vocabulary;

pub mod entity;

pub use entity::Model;

stored_vocabulary! {
    /// What became of a revision.
    Status {
        /// Nobody has decided; what is public stays as it is.
        Pending = "pending",
        /// It was made.
        Applied = "applied",
        /// It was not.
        Refused = "refused",
        /// Its author took it back.
        Withdrawn = "withdrawn",
    }
}

/// Members of a listing in the words of a write, by name; null where there is none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Members(pub Map<String, Value>);

impl Members {
    /// The members that make `after` of `before`.
    pub fn between(before: &Map<String, Value>, after: &Map<String, Value>) -> Self {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let value = |map: &Map<String, Value>, name: &String| map.get(name).cloned();
        let changed = names.into_iter().filter(|name| value(before, name) != value(after, name));
        Self(changed.map(|name| (name.clone(), value(after, name).unwrap_or_default())).collect())
    }

    /// Those of `state` that have a name in here.
    #[must_use]
    pub fn of(&self, state: &Map<String, Value>) -> Self {
        let named =
            self.0.keys().map(|name| (name.clone(), state.get(name).cloned().unwrap_or_default()));
        Self(named.collect())
    }

    /// `state` with these members in it.
    pub fn onto(&self, mut state: Map<String, Value>) -> Map<String, Value> {
        for (name, value) in &self.0 {
            if value.is_null() {
                state.shift_remove(name);
            } else {
                state.insert(name.clone(), value.clone());
            }
        }
        state
    }

    /// The names of the members that were changed in `state` since, otherwise than is wanted here:
    /// `before` is how they were.
    pub fn clashes(&self, before: &Self, state: &Map<String, Value>) -> Vec<String> {
        let now = self.of(state);
        let clash =
            |name: &&String| now.0[*name] != before.0[*name] && now.0[*name] != self.0[*name];
        self.0.keys().filter(clash).cloned().collect()
    }
}

/// A merge patch as RFC 7396 has it: null takes away, objects are merged, all else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// The revision `id`.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    entity::Entity::find_by_id(id).one(db).await
}

/// The revisions of a listing, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &impl ConnectionTrait, listing: Uuid) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Listing.eq(listing))
        .order_by_desc(entity::Column::Id)
        .all(db)
        .await
}

/// Those that wait for an officer.
///
/// # Errors
/// When the database fails.
pub async fn pending(db: &impl ConnectionTrait, listing: Uuid) -> Result<Vec<Model>, DbErr> {
    entity::Entity::find()
        .filter(entity::Column::Listing.eq(listing))
        .filter(entity::Column::Status.eq(Status::Pending))
        .order_by_asc(entity::Column::Id)
        .all(db)
        .await
}

/// Those that wait about `listings`: listing and revision, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn pending_of(
    db: &impl ConnectionTrait,
    listings: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, DbErr> {
    entity::Entity::find()
        .select_only()
        .columns([entity::Column::Listing, entity::Column::Id])
        .filter(entity::Column::Listing.is_in(listings.iter().copied()))
        .filter(entity::Column::Status.eq(Status::Pending))
        .order_by_asc(entity::Column::Id)
        .into_tuple()
        .all(db)
        .await
}

/// What `author` proposed, the newest first, from `before` backwards: not what they could do
/// themselves.
///
/// # Errors
/// When the database fails.
pub async fn proposed_by(
    db: &impl ConnectionTrait,
    author: Uuid,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    use entity::Column;
    let proposed = Condition::any()
        .add(Column::Status.ne(Status::Applied))
        .add(Column::DecidedBy.is_null())
        .add(Column::DecidedBy.ne(author));
    entity::Entity::find()
        .filter(Column::Author.eq(author))
        .filter(proposed)
        .filter(Condition::all().add_option(before.map(|before| Column::Id.lt(before))))
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(db)
        .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn a_merge_patch_does_what_the_standard_says() {
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, &patch);
            assert_eq!(merged, result, "{target} with {patch}");
        }
    }

    fn members(value: Value) -> Members {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_a_member_that_somebody_else_changed_otherwise_clashes() {
        let wanted = members(json!({"hours": "24/7", "name": {"id": "Baru"}, "tags": null}));
        let before = members(json!({"hours": "Mo off", "name": {"id": "Lama"}, "tags": ["a"]}));
        let state = json!({"hours": "24/7", "name": {"id": "Lain"}, "tags": ["a"], "zone": "x"});
        assert_eq!(wanted.clashes(&before, state.as_object().unwrap()), ["name"]);
    }

    #[test]
    fn what_lies_between_two_states_makes_the_one_of_the_other() {
        let (a, b) = (json!({"x": 1, "y": 2}), json!({"y": 3, "z": 4}));
        let (a, b) = (a.as_object().unwrap(), b.as_object().unwrap());
        assert_eq!(&Members::between(a, b).onto(a.clone()), b);
    }
}
