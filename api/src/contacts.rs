//! Contacts: the way to whoever answers there, counted.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use search::Lookup;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    asked::{Asked, COMMON, LangParams},
    counts::{Sight, Sighting},
    listing_view::{link_of, public_contacts},
    person::Person,
    problem::{Kind, Problem},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_contact))
}

/// Go to a contact of a listing.
///
/// It is counted that somebody did, on which day, and nothing of who.
#[utoipa::path(
    get, path = "/v1/listings/{id}/contact/{n}", tag = "listings",
    params(
        ("id" = String, Path, description = "Id or slug"),
        ("n" = u32, Path, description = "Which of its `contacts`, from 1", minimum = 1, maximum = 12, example = 1),
        LangParams
    ),
    responses((status = SEE_OTHER, description = "To the contact: `tel:`, `https://wa.me/…`, `mailto:` or the page"))
)]
async fn get_contact(
    State(app): State<App>,
    path: Result<Path<(String, usize)>, PathRejection>,
    method: Method,
    person: Option<Person>,
    mut asked: Asked,
) -> Result<Response, Problem> {
    asked.params.finish(&[&COMMON])?;
    let nowhere = || Problem::new(Kind::NotFound);
    let Path((key, n)) = path.map_err(|_| nowhere())?;
    let document = match asked.snapshot.lookup(&key, None) {
        // A slug on paper goes on leading there.
        Lookup::Here(document) | Lookup::Moved(document) => document,
        Lookup::Gone { merged_into } => return Err(Problem::gone(merged_into)),
        Lookup::Nowhere => return Err(nowhere()),
    };
    let record = document.record();
    let at = n.checked_sub(1).ok_or_else(nowhere)?;
    let contact = public_contacts(&record.listing).nth(at).ok_or_else(nowhere)?;
    let link = utf8_percent_encode(&link_of(contact), CONTROLS).to_string();
    let to = HeaderValue::try_from(link).map_err(|error| Problem::internal(&error))?;
    if method == Method::GET && person.is_none() {
        app.counts.give(&Sighting::new(Sight::Contacted(document.id)));
    }
    let no_store = HeaderValue::from_static("no-store");
    let headers = [(header::LOCATION, to), (header::CACHE_CONTROL, no_store)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
