//! The contract of today takes nothing away from what was released: whoever built on that goes on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The way that what a schema describes goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the client: what was taken must be taken still.
    Asked,
    /// To the client: what was answered must be answered still, in the same types.
    Answered,
}

/// Two documents, the older first, and what breaks between them.
struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    breaks: Vec<String>,
}

/// Everything in `new` that breaks somebody who was built on `old`, a sentence each.
fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison { old, new, breaks: Vec::new() };
    for (path, method, operation) in operations(old) {
        let at = format!("{} {path}", method.to_uppercase());
        match &new["paths"][path][method] {
            Value::Null => comparison.say(&at, "is gone"),
            now => comparison.operation(&at, operation, now),
        }
    }
    comparison.breaks
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// `value`, or what it refers to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|to| document.pointer(to.trim_start_matches('#'))) {
        Some(value) => resolved(document, value),
        None => value,
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn words(value: &Value) -> BTreeSet<&str> {
    list(value).filter_map(Value::as_str).collect()
}

/// The types that a schema allows; none where it allows any.
fn types(schema: &Value) -> BTreeSet<&str> {
    schema["type"]
        .as_str()
        .into_iter()
        .chain(list(&schema["type"]).filter_map(Value::as_str))
        .collect()
}

/// The forms of which a value must have one.
fn forms(schema: &Value) -> Vec<&Value> {
    let forms: Vec<&Value> = list(&schema["oneOf"]).chain(list(&schema["anyOf"])).collect();
    if forms.is_empty() { vec![schema] } else { forms }
}

impl Comparison<'_> {
    fn say(&mut self, at: &str, what: impl std::fmt::Display) {
        self.breaks.push(format!("{at} {what}"));
    }

    fn operation(&mut self, at: &str, old: &Value, new: &Value) {
        if old["operationId"] != new["operationId"] {
            self.say(at, format_args!("is called {} now", new["operationId"]));
        }
        let open = |operation: &Value| {
            operation["security"]
                .as_array()
                .is_none_or(|ways| ways.iter().any(|way| *way == json!({})))
        };
        if open(old) && !open(new) {
            self.say(at, "needs a credential now");
        }
        self.parameters(at, old, new);
        self.body(at, &old["requestBody"], &new["requestBody"]);
        for (status, answer) in
            members(&old["responses"]).filter(|(s, _)| !s.starts_with(['4', '5']))
        {
            let at = format!("{at}: answer {status}");
            match &new["responses"][status] {
                Value::Null => self.say(&at, "is gone"),
                now => self.answer(&at, answer, now),
            }
        }
    }

    fn parameters(&mut self, at: &str, old: &Value, new: &Value) {
        let (from, to) = (self.old, self.new);
        let same = |a: &Value, b: &Value| a["name"] == b["name"] && a["in"] == b["in"];
        let before: Vec<&Value> = list(&old["parameters"]).map(|p| resolved(from, p)).collect();
        let now: Vec<&Value> = list(&new["parameters"]).map(|p| resolved(to, p)).collect();
        for parameter in &before {
            let at = format!("{at}: parameter {}", parameter["name"]);
            match now.iter().find(|now| same(parameter, now)) {
                None => self.say(&at, "is gone"),
                Some(now) => {
                    if now["required"] == true && parameter["required"] != true {
                        self.say(&at, "must be there now");
                    }
                    self.schema(
                        &at,
                        &parameter["schema"],
                        &now["schema"],
                        Way::Asked,
                        &mut Vec::new(),
                    );
                }
            }
        }
        for parameter in now.iter().filter(|p| p["required"] == true) {
            if !before.iter().any(|before| same(before, parameter)) {
                self.say(at, format_args!("needs a new parameter {}", parameter["name"]));
            }
        }
    }

    fn body(&mut self, at: &str, old: &Value, new: &Value) {
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        if new["required"] == true && old["required"] != true {
            self.say(at, "needs a body now");
        }
        for (media, content) in members(&old["content"]) {
            match &new["content"][media] {
                Value::Null => self.say(at, format_args!("takes no {media} any more")),
                now => {
                    let at = format!("{at}: body");
                    self.schema(
                        &at,
                        &content["schema"],
                        &now["schema"],
                        Way::Asked,
                        &mut Vec::new(),
                    );
                }
            }
        }
    }

    fn answer(&mut self, at: &str, old: &Value, new: &Value) {
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        for (name, _) in members(&old["headers"]) {
            if new["headers"][name].is_null() {
                self.say(at, format_args!("has no header {name} any more"));
            }
        }
        for (media, content) in members(&old["content"]) {
            match &new["content"][media] {
                Value::Null => self.say(at, format_args!("is not given as {media} any more")),
                now => self.schema(
                    at,
                    &content["schema"],
                    &now["schema"],
                    Way::Answered,
                    &mut Vec::new(),
                ),
            }
        }
    }

    /// Compares two schemas; `seen` are the pairs that are being compared already.
    fn schema(
        &mut self,
        at: &str,
        old: &Value,
        new: &Value,
        way: Way,
        seen: &mut Vec<(String, String)>,
    ) {
        let pair = (old["$ref"].to_string(), new["$ref"].to_string());
        if old["$ref"].is_string() || new["$ref"].is_string() {
            if seen.contains(&pair) {
                return;
            }
            seen.push(pair);
        }
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        match (&forms(old)[..], &forms(new)[..]) {
            ([a], [b]) if std::ptr::eq(*a, old) && std::ptr::eq(*b, new) => {
                self.plain(at, old, new, way, seen);
            }
            (before, now) => self.forms(at, before, now, way, seen),
        }
    }

    /// Each form that was taken must still be among those that are; each that is answered must have been
    /// among those that were.
    fn forms(
        &mut self,
        at: &str,
        old: &[&Value],
        new: &[&Value],
        way: Way,
        seen: &[(String, String)],
    ) {
        let fits = |a: &Value, b: &Value| {
            let mut tried = Comparison { old: self.old, new: self.new, breaks: Vec::new() };
            tried.schema(at, a, b, way, &mut seen.to_vec());
            tried.breaks.is_empty()
        };
        let whole = match way {
            Way::Asked => old.iter().all(|old| new.iter().any(|new| fits(old, new))),
            Way::Answered => new.iter().all(|new| old.iter().any(|old| fits(old, new))),
        };
        if !whole {
            self.say(at, "has other forms than it had");
        }
    }

    fn plain(
        &mut self,
        at: &str,
        old: &Value,
        new: &Value,
        way: Way,
        seen: &mut Vec<(String, String)>,
    ) {
        self.types(at, old, new, way);
        if way == Way::Asked {
            self.limits(at, old, new);
        }
        self.members(at, old, new, way, seen);
        if old["items"].is_object() && new["items"].is_object() {
            self.schema(&format!("{at}[]"), &old["items"], &new["items"], way, seen);
        }
    }

    fn types(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        let (before, now) = (types(old), types(new));
        let holds = |wide: &BTreeSet<&str>, narrow: &BTreeSet<&str>| {
            let in_wide =
                |kind: &&str| wide.contains(kind) || *kind == "integer" && wide.contains("number");
            wide.is_empty() || !narrow.is_empty() && narrow.iter().all(in_wide)
        };
        let fits = match way {
            Way::Asked => holds(&now, &before),
            Way::Answered => holds(&before, &now),
        };
        if !fits {
            self.say(at, format_args!("is {now:?} and was {before:?}"));
        }
        let (before, now) = (&old["format"], &new["format"]);
        if before.is_string() && now.is_string() && before != now {
            self.say(at, format_args!("has the format {now} and had {before}"));
        }
    }

    fn limits(&mut self, at: &str, old: &Value, new: &Value) {
        if let Some(now) = new["enum"].as_array() {
            match old["enum"].as_array() {
                None => self.say(at, "takes only some words now"),
                Some(before) => {
                    for word in before.iter().filter(|word| !now.contains(word)) {
                        self.say(at, format_args!("does not take {word} any more"));
                    }
                }
            }
        }
        for (names, tighter) in [
            (
                ["maximum", "maxLength", "maxItems", "maxProperties"],
                (|a, b| b < a) as fn(f64, f64) -> bool,
            ),
            (["minimum", "minLength", "minItems", "minProperties"], |a, b| b > a),
        ] {
            for name in names {
                let none = if name.starts_with("max") { f64::INFINITY } else { f64::NEG_INFINITY };
                // A length is never less than nothing.
                let none = if name.starts_with("min") && name != "minimum" { 0.0 } else { none };
                let (before, now) =
                    (old[name].as_f64().unwrap_or(none), new[name].as_f64().unwrap_or(none));
                if tighter(before, now) {
                    self.say(at, format_args!("has {name} {now} and had {before}"));
                }
            }
        }
        if new["pattern"].is_string() && new["pattern"] != old["pattern"] {
            self.say(at, format_args!("must match {}", new["pattern"]));
        }
        if new["uniqueItems"] == true && old["uniqueItems"] != true {
            self.say(at, "takes nothing twice any more");
        }
    }

    fn members(
        &mut self,
        at: &str,
        old: &Value,
        new: &Value,
        way: Way,
        seen: &mut Vec<(String, String)>,
    ) {
        for (name, member) in members(&old["properties"]) {
            let below = format!("{at}.{name}");
            match &new["properties"][name] {
                Value::Null => self.say(&below, "is gone"),
                now => self.schema(&below, member, now, way, seen),
            }
        }
        let (before, now) = (words(&old["required"]), words(&new["required"]));
        let (left, right, what) = match way {
            Way::Asked => (&now, &before, "must be said now"),
            Way::Answered => (&before, &now, "need not be there any more"),
        };
        for name in left.difference(right) {
            if way == Way::Answered && new["properties"][*name].is_null() {
                continue;
            }
            self.say(&format!("{at}.{name}"), what);
        }
        let closed = |schema: &Value| schema["additionalProperties"] == false;
        if way == Way::Asked && closed(new) && !closed(old) {
            self.say(at, "takes no other members any more");
        }
        let (before, now) = (&old["additionalProperties"], &new["additionalProperties"]);
        if before.is_object() && now.is_object() {
            self.schema(&format!("{at}.*"), before, now, way, seen);
        }
    }
}

fn released() -> Value {
    serde_json::from_str(&openapi::checked_in("released.json").unwrap()).unwrap()
}

#[test]
fn nothing_that_was_released_is_taken_away() {
    let found = breaks(&released(), api::document());
    assert!(
        found.is_empty(),
        "a breaking change is a new version of the API (docs/api-design.md):\n{}",
        found.join("\n")
    );
}

#[test]
fn every_new_operation_and_every_one_that_goes_is_in_the_history_of_the_contract() {
    let text = openapi::checked_in("changelog.json").unwrap();
    let history: Value = serde_json::from_str(&text).unwrap();
    let told = |kind: &str, name: &Value| {
        list(&history).any(|e| e["kind"] == kind && list(&e["operations"]).any(|o| o == name))
    };
    let (old, new) = (released(), api::document());
    let names = |document: &Value| -> Vec<Value> {
        operations(document).map(|(.., operation)| operation["operationId"].clone()).collect()
    };
    let (before, now) = (names(&old), names(new));
    for name in now.iter().filter(|name| !before.contains(name)) {
        assert!(told("added", name), "openapi/changelog.json does not tell of {name}");
    }
    for one in api::deprecations::TABLE {
        assert!(told("deprecated", &json!(one.operation)), "nor of {one:?}");
    }
    for name in list(&history).flat_map(|entry| list(&entry["operations"])) {
        assert!(now.contains(name) || told("removed", name), "{name} is no operation");
    }
}

/// A document with one operation: parameters, what it takes, what it answers.
fn document(parameters: Value, taken: Value, answered: Value) -> Value {
    let mut put = json!({"operationId": "set_x", "responses": {"200": {"headers": {"ETag": {}}}}});
    put["parameters"] = parameters;
    put["requestBody"]["content"]["application/json"]["schema"] = taken;
    put["responses"]["200"]["content"]["application/json"]["schema"] = answered;
    json!({"paths": {"/v1/x": {"put": put}}})
}

fn q(schema: &Value, required: bool) -> Value {
    json!([{"name": "q", "in": "query", "required": required, "schema": schema}])
}

fn text() -> Value {
    json!({"type": "string", "maxLength": 10})
}

fn number() -> Value {
    json!({"type": "number"})
}

fn object(required: &[&str], properties: &Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

/// A document that asks for `schema` in a parameter.
fn asked(schema: &Value) -> Value {
    document(q(schema, false), json!({}), json!({}))
}

/// One that takes it.
fn taken(schema: Value) -> Value {
    document(json!([]), schema, json!({}))
}

/// One that answers it.
fn answered(schema: Value) -> Value {
    document(json!([]), json!({}), schema)
}

fn plain() -> Value {
    let both = object(&["a"], &json!({"a": text(), "b": text()}));
    document(q(&text(), false), both.clone(), both)
}

/// The same, where `change` made something else of its one operation.
fn changed(change: fn(&mut Value)) -> Value {
    let mut document = plain();
    change(&mut document["paths"]["/v1/x"]["put"]);
    document
}

/// Holds that each pair breaks in the one way that is said.
fn say(cases: &[(Value, Value, &str)]) {
    for (old, new, said) in cases {
        assert_eq!(breaks(old, new), [format!("PUT /v1/x{said}")]);
    }
}

#[test]
fn an_operation_that_goes_or_asks_for_more_is_a_break() {
    say(&[
        (plain(), json!({"paths": {}}), " is gone"),
        (plain(), json!({"paths": {"/v1/x": {"get": {}}}}), " is gone"),
        (plain(), changed(|put| put["operationId"] = json!("set_y")), " is called \"set_y\" now"),
        (
            plain(),
            changed(|put| put["security"] = json!([{"bearer": []}])),
            " needs a credential now",
        ),
        (plain(), changed(|put| put["responses"] = json!({"204": {}})), ": answer 200 is gone"),
        (
            plain(),
            changed(|put| put["responses"]["200"]["headers"] = json!({})),
            ": answer 200 has no header ETag any more",
        ),
        (
            plain(),
            changed(|put| put["requestBody"]["content"] = json!({"text/csv": {}})),
            " takes no application/json any more",
        ),
        (plain(), changed(|put| put["requestBody"]["required"] = json!(true)), " needs a body now"),
    ]);
}

#[test]
fn a_parameter_that_goes_or_takes_less_is_a_break() {
    let none = || taken(json!({}));
    let must = || document(q(&text(), true), json!({}), json!({}));
    let word = |word: Value| asked(&json!({"type": "string", "maxLength": 10, "enum": word}));
    let list = |item: Value| asked(&json!({"type": "array", "items": item}));
    let short = json!({"type": "string", "maxLength": 9});
    let matching = json!({"type": "string", "maxLength": 10, "pattern": "^a"});
    say(&[
        (asked(&text()), none(), ": parameter \"q\" is gone"),
        (asked(&text()), must(), ": parameter \"q\" must be there now"),
        (none(), must(), " needs a new parameter \"q\""),
        (
            asked(&text()),
            asked(&number()),
            ": parameter \"q\" is {\"number\"} and was {\"string\"}",
        ),
        (
            asked(&number()),
            asked(&json!({"type": "integer"})),
            ": parameter \"q\" is {\"integer\"} and was {\"number\"}",
        ),
        (asked(&text()), asked(&short), ": parameter \"q\" has maxLength 9 and had 10"),
        (
            asked(&number()),
            asked(&json!({"type": "number", "minimum": 0})),
            ": parameter \"q\" has minimum 0 and had -inf",
        ),
        (
            word(json!(["a", "b"])),
            word(json!(["a"])),
            ": parameter \"q\" does not take \"b\" any more",
        ),
        (asked(&text()), word(json!(["a"])), ": parameter \"q\" takes only some words now"),
        (asked(&text()), asked(&matching), ": parameter \"q\" must match \"^a\""),
        (list(text()), list(number()), ": parameter \"q\"[] is {\"number\"} and was {\"string\"}"),
    ]);
}

#[test]
fn a_body_that_must_say_more_or_may_say_less_is_a_break() {
    let nothing = || taken(object(&[], &json!({})));
    let a = |required: &[&str]| taken(object(required, &json!({"a": text()})));
    let closed = json!({"type": "object", "additionalProperties": false});
    let forms = |forms: &[Value]| taken(json!({"oneOf": forms}));
    say(&[
        (a(&[]), a(&["a"]), ": body.a must be said now"),
        (nothing(), a(&["a"]), ": body.a must be said now"),
        (a(&[]), nothing(), ": body.a is gone"),
        (nothing(), taken(closed), ": body takes no other members any more"),
        (forms(&[text(), number()]), forms(&[text()]), ": body has other forms than it had"),
    ]);
}

#[test]
fn an_answer_that_says_less_or_something_else_is_a_break() {
    let a = |required: &[&str]| answered(object(required, &json!({"a": text()})));
    let nullable = json!({"type": ["string", "null"]});
    let format = |format: &str| answered(json!({"type": "string", "format": format}));
    say(&[
        (a(&["a"]), a(&[]), ": answer 200.a need not be there any more"),
        (a(&["a"]), answered(object(&[], &json!({}))), ": answer 200.a is gone"),
        (
            a(&[]),
            answered(object(&[], &json!({"a": nullable}))),
            ": answer 200.a is {\"null\", \"string\"} and was {\"string\"}",
        ),
        (
            answered(text()),
            answered(json!({"oneOf": [text(), number()]})),
            ": answer 200 has other forms than it had",
        ),
        (
            format("date"),
            format("date-time"),
            ": answer 200 has the format \"date-time\" and had \"date\"",
        ),
    ]);
}

#[test]
fn what_is_added_is_no_break() {
    let mut more = plain();
    more["paths"]["/v1/y"] = json!({"get": {"operationId": "get_y"}});
    let both = json!({"a": text(), "b": text()});
    let one = json!({"a": text()});
    let forms = json!({"oneOf": [text(), number()]});
    for (old, new) in [
        (plain(), plain()),
        (plain(), more),
        (taken(json!({})), asked(&text())),
        (asked(&text()), asked(&json!({"type": "string", "maxLength": 11}))),
        (asked(&json!({"type": "integer"})), asked(&number())),
        (asked(&json!({"enum": ["a"]})), asked(&json!({"enum": ["a", "b"]}))),
        (taken(object(&["a"], &one)), taken(object(&[], &both))),
        (taken(text()), taken(forms.clone())),
        (answered(object(&[], &one)), answered(object(&["a", "b"], &both))),
        (answered(number()), answered(json!({"type": "integer"}))),
        (answered(forms), answered(json!({"oneOf": [text()]}))),
    ] {
        assert_eq!(breaks(&old, &new), Vec::<String>::new());
    }
}

#[test]
fn what_refers_to_itself_is_compared_once() {
    let tree = |leaf: Value| {
        let mut document = document(
            json!([]),
            json!({"$ref": "#/components/schemas/Tree"}),
            json!({"$ref": "#/components/schemas/Tree"}),
        );
        document["components"] = json!({"schemas": {"Tree": {"type": "object", "properties": {
            "leaf": leaf, "twigs": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}}});
        document
    };
    let (text, number) = (json!({"type": "string"}), json!({"type": "number"}));
    assert_eq!(breaks(&tree(text.clone()), &tree(text.clone())), Vec::<String>::new());
    assert_eq!(
        breaks(&tree(text), &tree(number)),
        [
            "PUT /v1/x: body.leaf is {\"number\"} and was {\"string\"}",
            "PUT /v1/x: answer 200.leaf is {\"number\"} and was {\"string\"}"
        ]
    );
}
