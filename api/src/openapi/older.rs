//! OpenAPI 3.0.3 from 3.1.

use serde_json::{Map, Value, json};

/// The same document for readers of 3.0.
pub fn as_30(mut document: Value) -> Value {
    schemas(&mut document);
    document["openapi"] = json!("3.0.3");
    document["info"]["license"] = json!({
        "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"
    });
    document
}

/// Rewrites what 3.0 says otherwise, from the leaves up. Examples are data and stay.
fn schemas(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(schemas),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if name != "example" && name != "examples" && name != "enum" {
                    schemas(member);
                }
            }
            nullable_type(members);
            nullable_choice(members);
            if let Some(only) = members.shift_remove("const") {
                members.insert("enum".to_owned(), json!([only]));
            }
            members.shift_remove("propertyNames");
            members.shift_remove("contentMediaType");
            reference_alone(members);
        }
        _ => {}
    }
}

/// `type: [T, null]` is `type: T, nullable: true`.
fn nullable_type(members: &mut Map<String, Value>) {
    let Some(Value::Array(kinds)) = members.get("type") else { return };
    let others: Vec<Value> = kinds.iter().filter(|kind| *kind != "null").cloned().collect();
    let nullable = others.len() < kinds.len();
    if let [kind] = &others[..] {
        members.insert("type".to_owned(), kind.clone());
        if nullable {
            members.insert("nullable".to_owned(), json!(true));
        }
    }
}

/// `oneOf: [null, S]` is `allOf: [S], nullable: true`.
fn nullable_choice(members: &mut Map<String, Value>) {
    for choice in ["oneOf", "anyOf"] {
        let Some(Value::Array(parts)) = members.get(choice) else { continue };
        let others: Vec<Value> =
            parts.iter().filter(|part| part["type"] != "null").cloned().collect();
        if others.len() == parts.len() {
            continue;
        }
        members.insert("nullable".to_owned(), json!(true));
        if others.len() == 1 {
            members.shift_remove(choice);
            members.insert("allOf".to_owned(), Value::Array(others));
        } else {
            members.insert(choice.to_owned(), Value::Array(others));
        }
    }
}

/// In 3.0 nothing may stand beside a `$ref`.
fn reference_alone(members: &mut Map<String, Value>) {
    if members.len() > 1
        && let Some(Value::String(reference)) = members.get("$ref").cloned()
    {
        members.shift_remove("$ref");
        members.insert("allOf".to_owned(), json!([{"$ref": reference}]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_becomes_nullable_and_a_constant_a_choice_of_one() {
        let document = as_30(json!({"info": {}, "components": {"schemas": {"A": {"properties": {
            "b": {"type": ["string", "null"], "example": {"type": ["x", "null"]}},
            "c": {"oneOf": [{"type": "null"}, {"$ref": "#/x"}]},
            "d": {"const": "now"},
            "e": {"$ref": "#/x", "description": "y"},
            "f": {"type": "string", "format": "binary", "contentMediaType": "image/webp"}
        }}}}}));
        let properties = &document["components"]["schemas"]["A"]["properties"];
        assert_eq!(properties["b"]["type"], "string");
        assert_eq!(properties["b"]["nullable"], true);
        assert_eq!(properties["b"]["example"]["type"], json!(["x", "null"]), "examples are data");
        assert_eq!(properties["c"], json!({"nullable": true, "allOf": [{"$ref": "#/x"}]}));
        assert_eq!(properties["d"], json!({"enum": ["now"]}));
        assert_eq!(properties["f"], json!({"type": "string", "format": "binary"}));
        assert_eq!(properties["e"]["allOf"], json!([{"$ref": "#/x"}]));
    }
}
