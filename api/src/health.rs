//! Health: for whoever keeps the process running.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    problem::{Kind, Problem},
    tailer::Lag,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_liveness)).routes(routes!(get_readiness))
}

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the index may take to show what is in it before it is said how far it is behind.
const MOMENT: Duration = Duration::from_secs(1);

/// That it is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(inline)]
    status: HealthStatus,
}

/// That requests may come, and how far the index is behind the database.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    #[schema(inline)]
    status: HealthStatus,
    /// The number of the newest change in the database.
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    log_seq: i64,
    /// The number of the last change that this node shows.
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_i64, format = "int64")]
    shown_seq: i64,
    /// Everything that was written so many seconds ago is shown; 0 where all is.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    behind_s: f64,
}

/// Always `ok`: what is not is a problem.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    Ok,
}

fn ok(body: impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Say whether the process runs.
#[utoipa::path(
    get, path = "/health/live", tag = "operations",
    responses((status = OK, description = "It runs", body = Health))
)]
async fn get_liveness() -> Response {
    ok(Health { status: HealthStatus::Ok })
}

/// Say whether requests may come: the database answers, and the index is not far behind it.
#[utoipa::path(
    get, path = "/health/ready", tag = "operations",
    responses((status = OK, description = "Requests may come", body = Readiness))
)]
async fn get_readiness(State(app): State<App>) -> Result<Response, Problem> {
    if app.writer.is_gone() {
        tracing::error!("nothing can be written any more: start it again");
        return Err(unready("tidak dapat menyimpan", "nothing can be written"));
    }
    let Lag { log, shown, behind } = lag(&app).await?;
    if behind > Duration::from_secs(app.settings.max_lag_s.get().into()) {
        let seconds = behind.as_secs();
        tracing::error!(log, shown, seconds, "the index does not keep up with the database");
        return Err(unready(
            format!("indeks tertinggal {seconds} detik (menampilkan {shown} dari {log})"),
            format!("the index is {seconds} seconds behind (it shows {shown} of {log})"),
        ));
    }
    let behind_s = (behind.as_secs_f64() * 1000.0).round() / 1000.0;
    let status = HealthStatus::Ok;
    Ok(ok(Readiness { status, log_seq: log, shown_seq: shown, behind_s }))
}

/// How far the index is behind, if the database says so in time.
async fn lag(app: &App) -> Result<Lag, Problem> {
    let asked = tokio::time::timeout(PATIENCE, app.lag(MOMENT)).await;
    let cause = match asked {
        Ok(Ok(lag)) => return Ok(lag),
        Ok(Err(error)) => format!("{error:?}"),
        Err(late) => late.to_string(),
    };
    tracing::error!(cause, "the database does not answer");
    Err(unready("basis data tidak menjawab", "the database does not answer"))
}

fn unready(id: impl Into<String>, en: impl Into<String>) -> Problem {
    Problem::retry_after(Kind::Unavailable, 5).saying(id, en)
}
