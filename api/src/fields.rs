//! Fields: the members of an item that a client wants, and no others.

use std::collections::BTreeMap;

use domain::Fault;
use serde_json::{Map, Value};

/// What a client wants: members, each whole or in part. Empty: everything below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, Fields>);

impl Fields {
    /// Reads `name,location.lat`; `tree` holds every member there is.
    ///
    /// # Errors
    /// `unknown_field` that names the first one that is not in `tree`.
    pub fn read(raw: &str, tree: &Self) -> Result<Self, Fault> {
        if raw.len() > 2000 {
            return Err(Fault::new(
                "too_long",
                "paling banyak 2000",
                "must be at most 2000 characters",
            ));
        }
        let mut fields = Self::default();
        fields.0.insert("id".to_owned(), Self::default());
        for path in raw.split(',').map(str::trim) {
            if !tree.holds(path) {
                // Said back, but not at any length.
                let path: String = path.chars().take(80).collect();
                return Err(Fault::new(
                    "unknown_field",
                    format!("`{path}` bukan bidang di sini"),
                    format!("`{path}` is no field here"),
                ));
            }
            fields.add(path);
        }
        Ok(fields)
    }

    /// Adds a dotted path to a tree of all there is.
    pub fn grow(&mut self, path: &str) {
        let mut tree = self;
        for step in path.split('.') {
            tree = tree.0.entry(step.to_owned()).or_default();
        }
    }

    /// Wants a dotted path. A member wanted whole stays whole whatever part of it is named too.
    fn add(&mut self, path: &str) {
        let (first, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
        let fresh = !self.0.contains_key(first);
        let below = self.0.entry(first.to_owned()).or_default();
        match rest {
            None => below.0.clear(),
            Some(rest) if fresh || !below.0.is_empty() => below.add(rest),
            Some(_) => {}
        }
    }

    fn holds(&self, path: &str) -> bool {
        match path.split_once('.') {
            None => self.0.contains_key(path),
            Some((first, rest)) => self.0.get(first).is_some_and(|below| below.holds(rest)),
        }
    }

    /// Leaves in `value` only what is wanted.
    pub fn keep(&self, value: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        match value {
            Value::Object(members) => {
                let all = std::mem::take(members);
                *members = all
                    .into_iter()
                    .filter_map(|(name, mut value)| {
                        self.0.get(&name)?.keep(&mut value);
                        Some((name, value))
                    })
                    .collect::<Map<_, _>>();
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.keep(item)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tree() -> Fields {
        let mut tree = Fields::default();
        for path in ["id", "name", "location", "location.lat", "location.lon", "notices.text"] {
            tree.grow(path);
        }
        tree
    }

    #[test]
    fn only_what_is_wanted_stays_and_the_id_always() {
        let fields = Fields::read("location.lat,notices.text", &tree()).unwrap();
        let mut item = json!({"id": 1, "name": "x", "location": {"lat": 1.0, "lon": 2.0},
                              "notices": [{"text": "a", "kind": "info"}]});
        fields.keep(&mut item);
        assert_eq!(item, json!({"id": 1, "location": {"lat": 1.0}, "notices": [{"text": "a"}]}));
    }

    #[test]
    fn a_member_wanted_whole_and_in_part_is_wanted_whole() {
        for raw in ["location,location.lat", "location.lat,location"] {
            let mut item = json!({"id": 1, "location": {"lat": 1.0, "lon": 2.0}});
            Fields::read(raw, &tree()).unwrap().keep(&mut item);
            assert_eq!(item["location"]["lon"], 2.0, "{raw}");
        }
    }

    #[test]
    fn what_is_no_field_is_named() {
        for raw in ["nam", "name.x", "location.", "", "a..b", "location.lat.x"] {
            assert!(Fields::read(raw, &tree()).is_err(), "{raw}");
        }
    }
}
