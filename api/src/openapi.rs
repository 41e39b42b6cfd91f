//! The contract: one OpenAPI document, made from the routes that serve it.
//!
//! What the annotations cannot say once for all is added here: the problems every operation may
//! answer with, the headers of every answer, security, real answers as examples. 3.0.3 is made
//! from 3.1, for clients that read no newer one.

use std::sync::OnceLock;

use axum::{
    Router,
    http::{HeaderMap, header},
    response::IntoResponse,
    routing::get,
};
use domain::text::Lang;
use serde_json::{Value, json};
use utoipa::{OpenApi, ToSchema};

use crate::{
    answer::Answer,
    app::App,
    deprecations::{self, Deprecation},
    external::bulk,
    fields::Fields,
    problem::{self, Kind},
};

mod examples;
mod older;
pub mod writes;

pub use examples::ALL as EXAMPLES;

#[derive(OpenApi)]
#[openapi(
    info(title = "Griya", description = include_str!("openapi/about.md")),
    tags(
        (name = "discovery", description = "Everything published, found together"),
        (name = "places", description = "Where to go"),
        (name = "producers", description = "Who makes what"),
        (name = "events", description = "What is on, and when"),
        (name = "listings", description = "Keeping them: drafts, steps, revisions, claims, history"),
        (name = "moderation", description = "What waits for an officer, claims, trust"),
        (name = "people", description = "Coming in with a code; one's own account; who may do what"),
        (name = "pictures", description = "What listings show: brought whole or in parts, served in every width"),
        (name = "changes", description = "Staying in step: everything that is published, and whatever happens to it"),
        (name = "partners", description = "A partner's own records, by the partner's own ids"),
        (name = "keys", description = "What a partner's programs are known by, and how often they ask"),
        (name = "webhooks", description = "Being told what happens, at an address of one's own"),
        (name = "helpers", description = "Taxonomy, areas, calendar, agencies"),
        (name = "operations", description = "For whoever runs the service"),
    ),
    components(schemas(
        problem::Body, crate::events::Schedule, crate::managed::RevisionView, writes::ExternalPlace,
        writes::ExternalProducer, writes::ExternalEvent
    ))
)]
struct Base;

/// What the annotations start from.
pub fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// The contract in OpenAPI 3.1.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| document_with(deprecations::TABLE))
}

/// The same, where `table` says what is deprecated.
pub fn document_with(table: &[Deprecation]) -> Value {
    let raw = serde_json::to_value(crate::routes().1).expect("a document is plain data");
    let mut document = finish(raw);
    deprecations::mark(&mut document, table);
    document
}

/// The contract in OpenAPI 3.0.3.
pub fn document_30() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| older::as_30(document().clone()))
}

/// Every member that `fields` may name, from the schema of an item.
pub fn item_fields() -> &'static Fields {
    static FIELDS: OnceLock<Fields> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let mut tree = Fields::default();
        collect(&json!({"$ref": "#/components/schemas/ListingItem"}), "", &mut tree, 0);
        tree
    })
}

/// Every member that `fields` may name of a listing as a whole, whatever its kind.
pub fn whole_fields() -> &'static Fields {
    static FIELDS: OnceLock<Fields> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let mut tree = Fields::default();
        for name in ["Place", "Producer", "Event"] {
            collect(&json!({"$ref": format!("#/components/schemas/{name}")}), "", &mut tree, 0);
        }
        tree.grow("products");
        collect(&json!({"$ref": "#/components/schemas/Product"}), "products", &mut tree, 1);
        tree
    })
}

/// The deepest member of an item; schemas do not nest further.
const DEPTH: usize = 6;

fn collect(schema: &Value, path: &str, tree: &mut Fields, depth: usize) {
    if depth > DEPTH {
        return;
    }
    if let Some(name) =
        schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/components/schemas/"))
    {
        return collect(&document()["components"]["schemas"][name], path, tree, depth);
    }
    for part in ["oneOf", "allOf", "anyOf"] {
        for schema in schema[part].as_array().into_iter().flatten() {
            collect(schema, path, tree, depth);
        }
    }
    collect_if_any(&schema["items"], path, tree, depth);
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        tree.grow(&path);
        collect(schema, &path, tree, depth + 1);
    }
}

fn collect_if_any(schema: &Value, path: &str, tree: &mut Fields, depth: usize) {
    if schema.is_object() {
        collect(schema, path, tree, depth);
    }
}

fn finish(mut document: Value) -> Value {
    document["info"]["license"] = json!({"name": "Apache-2.0", "identifier": "Apache-2.0"});
    document["info"]["contact"] = json!({"name": "Griya"});
    document["servers"] = json!([{"url": "/", "x-internal": false,
        "description": "The host that serves this document: production, staging or local"}]);
    document["components"]["securitySchemes"] = json!({
        "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key",
                    "description": "A partner's key. Public reads need none."},
        "bearer": {"type": "http", "scheme": "bearer",
                   "description": "A person's token. Public reads need none."}
    });
    // Once for all: nothing is needed to read, and a key or token is looked at where it is sent.
    document["security"] = json!([{}, {"api_key": []}, {"bearer": []}]);
    document["components"]["headers"] = headers();
    tidy(&mut document["components"]["schemas"]);
    let mut used = Vec::new();
    let paths = document["paths"].as_object_mut().expect("a document has paths");
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            used.extend(finish_operation(method, path, operation));
        }
    }
    document["components"]["responses"] = problems(&used);
    document
}

/// Closes what a generator leaves open: numbers and texts without bounds, lists of anything.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(members) => {
            members.values_mut().for_each(tidy);
            let kinds: Vec<String> = match members.get("type") {
                Some(Value::String(kind)) => vec![kind.clone()],
                Some(Value::Array(kinds)) => {
                    kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                _ => return,
            };
            let is = |kind: &str| kinds.iter().any(|k| k == kind);
            let bounded = ["enum", "const", "maxLength"].iter().any(|k| members.contains_key(*k));
            if is("string") && !bounded {
                // The longest there is: a description. Dates and ids say so themselves.
                let max = match members.get("format").and_then(Value::as_str) {
                    Some("date") => 10,
                    Some("date-time") => 40,
                    Some("uuid") => 36,
                    _ => 8000,
                };
                members.insert("maxLength".to_owned(), json!(max));
            }
            if is("array") && !members.contains_key("maxItems") {
                members.insert("maxItems".to_owned(), json!(1000));
            }
        }
        _ => {}
    }
}

/// Says of a body that is no text and no JSON that it is bytes: a generator takes it for a list of
/// numbers.
fn as_bytes(contents: &mut Value, most: u64) {
    for (media, content) in contents.as_object_mut().into_iter().flatten() {
        let bytes = media.starts_with("image/") || media.ends_with("octet-stream");
        if bytes || media == "application/zip" {
            content["schema"] = json!({"type": "string", "format": "binary", "maxLength": most});
        }
    }
}

/// The longest file of a picture, bytes.
const PICTURE: u64 = 15_000_000;

fn header(about: &str, example: &str) -> Value {
    json!({"description": about, "schema": {"type": "string", "maxLength": 4500}, "example": example})
}

fn headers() -> Value {
    json!({
        "RateLimit": header("What is left of the limit (draft-ietf-httpapi-ratelimit-headers).", "\"address\";r=1999;t=1"),
        "RateLimit-Policy": header("The limit.", "\"address\";q=2000;w=40"),
        "X-Request-Id": header("Under which our log knows the request.", "0198c5f0-6a3e-7c4b-9b1e-2f3a4b5c6d7e"),
        "Access-Control-Allow-Origin": header("Public reads are for every page.", "*"),
        "ETag": header("The version of this representation, strong.", "\"3-5f2ab0c1d2e3f4a5b6c7d8e9\""),
        "Cache-Control": header("How long it is fresh.", "public, max-age=60, stale-while-revalidate=600"),
        "Content-Language": header("The language asked for.", "id"),
        "Vary": header("What else decides the representation.", "Accept, Accept-Language, Accept-Encoding"),
        "Content-Disposition": header("What it is called as a file (RFC 6266); of calendars and exports.", "inline; filename=\"griya-events.ics\""),
        "Link": header("The next page of a list, the other representations of a listing (RFC 8288).", "</v1/places?cursor=abc>; rel=\"next\""),
        "Accept-Ranges": header("That a part of it can be asked for.", "bytes"),
        "Content-Range": header("Which part of the whole it is, bytes; or how long the whole is.", "bytes 1048576-2097151/2097152"),
        "Upload-Offset": header("How much has come, bytes.", "524288"),
        "Upload-Length": header("How much is to come in all, bytes.", "1234567"),
        "Upload-Expires": header("When the ticket ends.", "Wed, 25 Nov 2026 05:00:00 GMT"),
        "Location": header("Where it is now.", "/v1/places/pantai-parangtritis"),
        "Set-Cookie": header("What the browser is to keep until it comes back.", "__Host-griya-oidc=c0ffee; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"),
        "WWW-Authenticate": header("What credentials there are.", "Bearer realm=\"griya\""),
        "Retry-After": {"description": "Seconds to wait.", "example": 1,
                        "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86400}}
    })
}

fn refs(names: &[&str]) -> Value {
    let refs = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})));
    Value::Object(refs.collect())
}

/// The headers of every answer.
const ALWAYS: [&str; 4] =
    ["X-Request-Id", "Access-Control-Allow-Origin", "RateLimit", "RateLimit-Policy"];

/// The name of a kind of problem among the components.
fn component(kind: Kind) -> String {
    format!("{kind:?}")
}

fn problems(used: &[Kind]) -> Value {
    let all = Kind::ALL.iter().filter(|kind| used.contains(kind)).map(|kind| {
        let mut headers = ALWAYS.to_vec();
        headers.extend(match kind {
            Kind::TooManyRequests | Kind::Unavailable => &["Retry-After"][..],
            Kind::Unauthorized => &["WWW-Authenticate"],
            Kind::RangeNotSatisfiable => &["Content-Range"],
            _ => &[],
        });
        let response = json!({
            "description": kind.page().en,
            "headers": refs(&headers),
            "content": {"application/problem+json": {
                "schema": {"$ref": format!("#/components/schemas/{}", problem::Body::name())},
                "example": problem_example(*kind)
            }}
        });
        (component(*kind), response)
    });
    Value::Object(all.collect())
}

fn problem_example(kind: Kind) -> Value {
    let mut example = json!({
        "type": format!("/problems/{}", kind.name()), "title": kind.title().in_lang(Lang::En),
        "status": kind.status().as_u16(), "instance": "/v1/places",
        "request_id": "0198c5f0-6a3e-7c4b-9b1e-2f3a4b5c6d7e"
    });
    if kind == Kind::InvalidParameter {
        example["detail"] = json!("radius_m: must be a number between 1 and 100000");
        example["errors"] = json!([{"parameter": "radius_m", "code": "out_of_range",
                                    "detail": "must be a number between 1 and 100000"}]);
    }
    example
}

/// Adds what every operation has; which kinds of problem it may answer with.
fn finish_operation(method: &str, path: &str, operation: &mut Value) -> Vec<Kind> {
    if operation["description"].is_null() {
        operation["description"] = operation["summary"].clone();
    }
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    bytes_are_bytes(&id, operation);
    if path.contains('{') {
        describe_variables(path, operation);
    }
    let kinds = kinds_of(method, path, &id, operation);
    let (public, reads) = (path.starts_with("/v1/"), method == "get");
    let (ticket, provider) = (path.contains("{ticket}"), is_through_provider(path));
    let responses = operation["responses"].as_object_mut().expect("an operation has responses");
    for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
        for (media, content) in
            response.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten()
        {
            if let Some(example) = examples::of(&id, media) {
                content["example"] = example;
            }
        }
        let mut headers = ALWAYS.to_vec();
        if provider {
            headers.extend(["Cache-Control", "Set-Cookie"]);
        } else if path.starts_with("/bundles/") {
            headers.extend(["Accept-Ranges", "Cache-Control", "Content-Disposition", "ETag"]);
        } else if ticket || path.starts_with("/media/") {
            headers.push("Cache-Control");
        } else if public && reads {
            headers.extend(read_headers(&id, response));
        }
        if status == "206" {
            headers.push("Content-Range");
        }
        if status == "201" {
            headers.push("Location");
        }
        if ticket && (status == "204" || method == "head") {
            headers.extend(["Upload-Offset", "Upload-Length", "Upload-Expires"]);
        }
        response["headers"] = refs(&headers);
    }
    let kept = public && reads && !ticket && !provider || path.starts_with("/bundles/");
    add_redirects(responses, kept, is_moved(method, path));
    if provider && let Some(elsewhere) = responses.get_mut("303") {
        let headers = [&ALWAYS[..], &["Location", "Cache-Control", "Set-Cookie"]].concat();
        elsewhere["headers"] = refs(&headers);
    }
    for kind in &kinds {
        let kind = *kind;
        let to = json!({"$ref": format!("#/components/responses/{}", component(kind))});
        responses.insert(kind.status().as_u16().to_string(), to);
    }
    responses.sort_keys();
    kinds
}

/// Whether it is a step of the way through the identity provider.
fn is_through_provider(path: &str) -> bool {
    path.starts_with("/v1/auth/oidc")
}

/// Whether it reads a listing, which may have gone elsewhere.
fn is_moved(method: &str, path: &str) -> bool {
    method == "get" && path.contains("{id}") && is_about_listings(path)
}

/// Says of bodies that are no text and no JSON what they are, whichever way they go.
fn bytes_are_bytes(id: &str, operation: &mut Value) {
    let most = match id {
        "get_bundle_file" => i32::MAX.unsigned_abs().into(),
        "set_externals" => bulk::MAX,
        _ => PICTURE,
    };
    if operation["requestBody"].is_object() {
        as_bytes(&mut operation["requestBody"]["content"], most);
    }
    for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if let Some(contents) = response.get_mut("content") {
            as_bytes(contents, most);
        }
    }
}

/// Says what a variable of the path looks like, and shows one.
fn describe_variables(path: &str, operation: &mut Value) {
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        // A number is described where it is read.
        if parameter["name"] == "external_id" {
            parameter["schema"] = json!({"type": "string", "minLength": 1, "maxLength": 120});
            parameter["example"] = json!("A-17");
        } else if parameter["in"] == "path" && parameter["schema"]["type"] != "integer" {
            parameter["schema"] = json!({"type": "string", "minLength": 1, "maxLength": 80,
                "pattern": "^[a-z0-9]+([.-][a-z0-9]+)*$"});
            let name = parameter["name"].as_str().unwrap_or_default();
            parameter["example"] = json!(examples::variable(path, name));
        }
    }
}

/// The kinds of problem that an operation may answer with.
fn kinds_of(method: &str, path: &str, id: &str, operation: &Value) -> Vec<Kind> {
    let mut kinds = vec![
        Kind::Internal,
        Kind::Unavailable,
        Kind::TooManyRequests,
        Kind::UriTooLong,
        Kind::InvalidParameter,
    ];
    if path.starts_with("/v1/") {
        kinds.extend([Kind::Unauthorized, Kind::NotAcceptable]);
    }
    // It need not have one.
    if path.contains('{') || is_through_provider(path) {
        kinds.push(Kind::NotFound);
    }
    if is_moved(method, path) {
        kinds.push(Kind::Gone);
    }
    // Said of an operation itself: it is for somebody, and not for everybody.
    let security = operation["security"].as_array();
    let some = security.is_some_and(|ways| ways.iter().any(|way| way["bearer"].is_array()));
    if some || id == "get_oidc_token" {
        kinds.push(Kind::Forbidden);
    }
    kinds.extend(write_kinds(method, operation));
    if path.starts_with("/bundles/") {
        kinds.extend([Kind::Stale, Kind::RangeNotSatisfiable]);
    }
    if path.contains("{external_id}") {
        kinds.extend(if method == "delete" { &[Kind::Stale][..] } else { &[Kind::Gone] });
        kinds.extend((method == "put").then_some(Kind::Stale));
    }
    if path.contains("{ticket}") {
        kinds.push(Kind::Gone);
        if method == "patch" {
            kinds.push(Kind::Conflict);
        }
    }
    kinds
}

/// The headers of what a read by that name answers.
fn read_headers(id: &str, response: &Value) -> Vec<&'static str> {
    let mut headers = vec!["ETag", "Cache-Control", "Content-Language", "Vary"];
    let lists = id.starts_with("list_") || id.starts_with("discover_");
    if lists || matches!(id, "get_place" | "get_producer" | "get_event") {
        headers.push("Link");
    }
    if ["text/csv", "text/calendar"].iter().any(|media| !response["content"][media].is_null()) {
        headers.push("Content-Disposition");
    }
    headers
}

/// Adds what is answered where nothing is sent: it is `kept` already, or it is elsewhere.
fn add_redirects(responses: &mut serde_json::Map<String, Value>, kept: bool, listing: bool) {
    if kept && !["303", "307"].iter().any(|status| responses.contains_key(*status)) {
        let kept = json!({"description": "You have this representation already",
                          "headers": refs(&["X-Request-Id", "Access-Control-Allow-Origin", "ETag", "Cache-Control", "RateLimit", "RateLimit-Policy"])});
        responses.insert("304".to_owned(), kept);
    }
    for status in ["303", "307"] {
        if let Some(elsewhere) = responses.get_mut(status) {
            let headers = [&ALWAYS[..], &["Location", "Cache-Control"]].concat();
            elsewhere["headers"] = refs(&headers);
        }
    }
    if listing {
        let moved = json!({"description": "The listing has another slug now",
                           "headers": refs(&["Location", "X-Request-Id", "Access-Control-Allow-Origin", "RateLimit", "RateLimit-Policy"])});
        responses.insert("308".to_owned(), moved);
    }
}

/// Whether what a path names can be merged, moved and ended.
fn is_about_listings(path: &str) -> bool {
    ["/v1/places", "/v1/producers", "/v1/events"].iter().any(|kind| path.starts_with(kind))
}

/// The kinds of problem that a write may answer with besides.
fn write_kinds(method: &str, operation: &Value) -> Vec<Kind> {
    let mut kinds = Vec::new();
    if operation["requestBody"].is_object() {
        kinds.extend([Kind::TooSlow, Kind::TooLarge, Kind::UnsupportedMedia, Kind::Invalid]);
    }
    if operation["responses"]["409"].is_object() {
        kinds.push(Kind::Conflict);
    }
    if method == "patch" {
        kinds.extend([Kind::Stale, Kind::Unconditional]);
    }
    kinds
}

/// Serves the contract in both versions.
pub fn router() -> Router<App> {
    Router::new()
        .route("/openapi.json", get(newest))
        .route("/openapi-3.0.json", get(async || whole(document_30(), OLD)))
}

const PLAIN: &str = "application/json";
const NEW: &str = "application/vnd.oai.openapi+json;version=3.1";
const OLD: &str = "application/vnd.oai.openapi+json;version=3.0";

async fn newest(headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let accept = accept.unwrap_or_default().replace([' ', '"'], "");
    let plain = accept.is_empty() || accept.contains("application/json") || accept.contains("*/*");
    if accept.contains(OLD) {
        whole(document_30(), OLD)
    } else if accept.contains("application/vnd.oai.openapi+json") && !plain {
        whole(document(), NEW)
    } else {
        whole(document(), PLAIN)
    }
}

fn whole(document: &Value, media: &'static str) -> impl IntoResponse + use<> {
    Answer::of(document, media, Lang::En)
}
