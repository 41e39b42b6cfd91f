//! Health: for whoever keeps the process running.

use std::time::Duration;

use axum::{Json, extract::State, http::header, response::IntoResponse};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    problem::{Kind, Problem},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_liveness)).routes(routes!(get_readiness))
}

/// How long the database may take to answer, and the index to show what is in it.
const PATIENCE: Duration = Duration::from_secs(2);

/// That it is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(inline)]
    status: HealthStatus,
}

/// Always `ok`: what is not is a problem.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    Ok,
}

fn ok() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(Health { status: HealthStatus::Ok }))
}

/// Say whether the process runs.
#[utoipa::path(
    get, path = "/health/live", tag = "operations",
    responses((status = OK, description = "It runs", body = Health))
)]
async fn get_liveness() -> impl IntoResponse {
    ok()
}

/// Say whether requests may come: the database answers, and the index shows what is in it.
#[utoipa::path(
    get, path = "/health/ready", tag = "operations",
    responses((status = OK, description = "Requests may come", body = Health))
)]
async fn get_readiness(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    match tokio::time::timeout(PATIENCE, app.catch_up()).await {
        Ok(Ok(true)) => return Ok(ok()),
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the database does not answer");
        }
        Ok(Ok(false)) | Err(_) => tracing::error!("the index does not keep up with the database"),
    }
    Err(Problem::retry_after(Kind::Unavailable, 5))
}
