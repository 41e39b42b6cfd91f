//! Traces: each request as a span of OpenTelemetry, sent to a collector where one is named.
//!
//! A span has what the log says within the request as its events, and the one that the caller names in
//! `traceparent` (W3C Trace Context) as its parent. Names of attributes are those of OpenTelemetry's
//! conventions for HTTP servers. No query is in them, for that says where somebody is. Which requests
//! are kept is for `OTEL_TRACES_SAMPLER` to say; without it, all are.

use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use opentelemetry::{
    KeyValue,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{Status, TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

use crate::{config::Settings, tls};

/// How long the collector may take to answer, and the last spans to be sent at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sends spans: in the background, some thousands at most waiting; what is more is let go.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// To the collector that `settings` name; `None` where they name none.
    ///
    /// # Errors
    /// With what is wrong with its address.
    pub fn of(settings: &Settings) -> Result<Option<Self>, String> {
        let Some(url) = &settings.otlp_url else { return Ok(None) };
        tls::choose();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", url.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| format!("GRIYA_OTLP_URL: {error}: use http(s)://HOST:PORT"))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("griya").with_attribute(version);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Some(Self(provider)))
    }

    /// What makes spans of what the service logs, whatever the log itself leaves out.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let own = Targets::new().with_target("api", tracing::Level::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("griya"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(own)
    }

    /// Sends what is left; to be called where blocking is no harm.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last traces are not sent");
        }
    }
}

/// Makes the span of a request a part of what its caller traces.
pub fn join(span: &Span, headers: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract(&Given(headers));
    // Refused only where the span is none, or begun.
    let _ = span.set_parent(parent);
}

/// Says what was asked at which route, and what came of it.
pub fn tell(span: &Span, method: &Method, route: &str, status: StatusCode) {
    let context = span.context();
    let seen = context.span();
    seen.update_name(format!("{method} {route}"));
    seen.set_attribute(KeyValue::new("http.request.method", method.to_string()));
    seen.set_attribute(KeyValue::new("http.route", route.to_owned()));
    seen.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        seen.set_status(Status::error(""));
    }
}

struct Given<'a>(&'a HeaderMap);

impl Extractor for Given<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
