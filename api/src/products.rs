//! Products: what those do to them who keep their producer.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{edit, listing::Kind as ListingKind, permission::Operation, product, revision};
use serde_json::{Map, Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    asked::Key,
    body::{Body, Patch},
    ids,
    listings::change,
    managed,
    openapi::writes::{ManagedProduct, ProductPatch, ProductWrite},
    problem::{Kind, Problem},
    target::Target,
    writing::{Stored, WriteParams, Writing},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_product))
        .routes(routes!(update_product, delete_product))
}

/// Add a product to a producer.
#[utoipa::path(
    post, path = "/v1/producers/{id}/products", tag = "producers", security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug of the producer"), WriteParams),
    request_body(content = ProductWrite, content_type = "application/json"),
    responses((status = CREATED, description = "The stored product", body = ManagedProduct))
)]
async fn create_product(
    State(app): State<App>,
    Key(key): Key,
    writing: Writing,
    Body(said): Body,
) -> Result<Response, Problem> {
    let id = ids::new(writing.now);
    write(&app, &writing, &key, id, &said, |_| Ok(said.clone())).await
}

/// Change a product.
///
/// A merge patch; `If-Match` with the product's tag is required.
#[utoipa::path(
    patch, path = "/v1/producers/{id}/products/{product}", tag = "producers",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug of the producer"), ("product" = String, Path, description = "Id or slug of the product"), WriteParams),
    request_body(content = ProductPatch, content_type = "application/merge-patch+json"),
    responses((status = OK, description = "The stored product", body = ManagedProduct))
)]
async fn update_product(
    State(app): State<App>,
    Path((key, product)): Path<(String, String)>,
    writing: Writing,
    Patch(patch): Patch,
) -> Result<Response, Problem> {
    let id = id_of(&app, &writing, &key, &product).await?;
    let patched = |old: Option<&Value>| {
        let mut wanted = old.cloned().ok_or_else(|| Problem::new(Kind::NotFound))?;
        revision::merge(&mut wanted, &Value::Object(patch.clone()));
        match wanted {
            Value::Object(wanted) => Ok(wanted),
            _ => Err(Problem::new(Kind::Invalid)),
        }
    };
    write(&app, &writing, &key, id, &patch, patched).await
}

/// Take a product out of sight.
///
/// Its row stays, `inactive`, and can be made active again.
#[utoipa::path(
    delete, path = "/v1/producers/{id}/products/{product}", tag = "producers",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Id or slug of the producer"), ("product" = String, Path, description = "Id or slug of the product"), WriteParams),
    responses((status = OK, description = "The stored product", body = ManagedProduct))
)]
async fn delete_product(
    State(app): State<App>,
    Path((key, product)): Path<(String, String)>,
    writing: Writing,
) -> Result<Response, Problem> {
    let id = id_of(&app, &writing, &key, &product).await?;
    let inactive = |old: Option<&Value>| match old {
        Some(Value::Object(old)) => {
            let mut wanted = old.clone();
            wanted.insert("status".to_owned(), json!("inactive"));
            Ok(wanted)
        }
        _ => Err(Problem::new(Kind::NotFound)),
    };
    write(&app, &writing, &key, id, &Map::new(), inactive).await
}

/// The id of the product that a path names.
async fn id_of(app: &App, writing: &Writing, key: &str, product: &str) -> Result<Uuid, Problem> {
    let target = Target::load(app, &writing.person, key, Some(ListingKind::Producer)).await?;
    let named = |one: &&product::Model| {
        product.parse().is_ok_and(|id: Uuid| id == one.id) || one.slug.as_str() == product
    };
    let found = target.record.products.iter().find(named).map(|found| found.id);
    found.ok_or_else(|| Problem::new(Kind::NotFound))
}

/// Writes the product `id` of a producer: what `say` makes of what it says now.
async fn write(
    app: &App,
    writing: &Writing,
    key: &str,
    id: Uuid,
    body: &Map<String, Value>,
    say: impl Fn(Option<&Value>) -> Result<Map<String, Value>, Problem>,
) -> Result<Response, Problem> {
    writing
        .run(body, async || {
            let kind = Some(ListingKind::Producer);
            let target = Target::load(app, &writing.person, key, kind).await?;
            let verdict = target.may(Operation::Edit)?;
            let mut wanted = edit::state(&target.record);
            let name = edit::key_of(id);
            let old = wanted.get(&name);
            let is_new = old.is_none();
            if let Some(known) = target.record.products.iter().find(|known| known.id == id) {
                // To take a product away, nothing of it need be known.
                let required = !body.is_empty();
                writing.check_version(known.version, required)?;
            }
            let said = say(old)?;
            wanted.insert(name, Value::Object(said));
            let prefix = format!("/products/{id}");
            let after = target.edit(writing).revise(&target.record, wanted);
            let after = after.map_err(|faults| {
                // The body is the product: what it breaks stands at its own members.
                let own = faults.into_iter().map(|mut fault| {
                    if let Some(rest) = fault.pointer.strip_prefix(&prefix) {
                        fault.pointer = rest.to_owned();
                    }
                    fault
                });
                Problem::invalid(own.collect())
            })?;
            let wanted = after.products.iter().find(|one| one.id == id).cloned();
            let (unit, stored, revision) = change(app, writing, &target, after, verdict).await?;
            let product = stored.products.iter().find(|one| one.id == id).cloned();
            let pending = product.is_none();
            let product = product.or(wanted).ok_or_else(|| Problem::new(Kind::NotFound))?;
            let body = managed::product(&product, revision.as_ref());
            Ok((
                unit,
                if is_new || pending {
                    let listing = &stored.listing.slug;
                    let path = format!("/v1/producers/{listing}/products/{}", product.slug);
                    Stored::new(&body, product.version, path)
                } else {
                    Stored::state(&body, product.version)
                },
            ))
        })
        .await
}
