//! How the world asks: routes, views, representations, and the edge around them.
//!
//! [`service`] is the whole of it over a started [`App`]; [`document`] is the contract of exactly
//! the routes that it serves.

mod accounts;
mod agencies;
mod answer;
mod app;
mod areas;
mod asked;
mod attempts;
mod auth;
mod background;
mod body;
mod bundles;
mod cache;
mod calendar;
mod categories;
mod changelog;
mod changes;
mod checkpoint;
mod claims;
pub mod clock;
pub mod config;
mod contacts;
mod counts;
mod demand;
pub mod deprecations;
mod discover;
pub mod edge;
mod encoding;
mod events;
mod exports;
mod external;
mod fields;
mod geojson_view;
mod health;
mod history;
mod honest;
mod housekeeping;
mod icalendar;
pub mod ids;
mod jsonld;
mod keys;
mod lang;
pub mod line;
mod listing_detail;
mod listing_query;
mod listing_view;
mod listings;
mod maintainers;
mod managed;
mod me;
pub mod media;
mod messages;
mod metrics;
mod moderation;
mod nodes;
mod oidc;
pub mod openapi;
mod pages;
mod params;
mod person;
mod places;
pub mod problem;
mod producers;
mod products;
pub mod queueing;
mod rate;
mod revisions;
pub mod seed;
mod signposts;
mod suggest;
mod tailer;
mod target;
pub mod tls;
pub mod traces;
mod uploads;
pub mod webhooks;
mod week;
mod words;
mod writing;

pub use app::App;
pub use edge::Edge;
pub use openapi::{document, document_30};

/// The whole service, ready to be served.
pub fn service(app: App) -> Edge {
    service_with(app, deprecations::TABLE)
}

/// The same, where `table` says what is deprecated.
pub fn service_with(app: App, table: &[deprecations::Deprecation]) -> Edge {
    let (routes, _) = routes();
    let routes = routes.merge(openapi::router()).merge(pages::router()).merge(signposts::router());
    edge::dress_with(routes, app, table)
}

fn routes() -> (axum::Router<App>, utoipa::openapi::OpenApi) {
    utoipa_axum::router::OpenApiRouter::with_openapi(openapi::base())
        .merge(discover::router())
        .merge(places::router())
        .merge(producers::router())
        .merge(events::router())
        .merge(listings::router())
        .merge(revisions::router())
        .merge(claims::router())
        .merge(history::router())
        .merge(maintainers::router())
        .merge(products::router())
        .merge(moderation::router())
        .merge(contacts::router())
        .merge(week::router())
        .merge(demand::router())
        .merge(auth::router())
        .merge(oidc::router())
        .merge(me::router())
        .merge(accounts::router())
        .merge(suggest::router())
        .merge(categories::router())
        .merge(areas::router())
        .merge(calendar::router())
        .merge(agencies::router())
        .merge(media::router())
        .merge(uploads::router())
        .merge(changes::router())
        .merge(bundles::router())
        .merge(changelog::router())
        .merge(keys::router())
        .merge(external::router())
        .merge(webhooks::router())
        .merge(health::router())
        .split_for_parts()
}
