//! Town: one service over the fixtures, in this process, to be asked without a line.

use std::sync::LazyLock;

use api::{App, Edge, clock::Clock};
use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Request, StatusCode, header},
};
use serde_json::Value;
use tests::{NOON, Place, at, settings};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// The service; it is started when it is first asked.
pub static TOWN: LazyLock<Town> = LazyLock::new(Town::start);

/// A service whose clock stands.
pub struct Town {
    runtime: Runtime,
    edge: Edge,
    /// What its handlers reach.
    pub app: App,
    _place: Place,
}

/// An answer that breaks no promise that holds of all answers.
#[derive(Debug)]
pub struct Answer {
    /// Its status: 200, or that of a problem of the caller.
    pub status: StatusCode,
    /// Its text.
    pub bytes: Bytes,
}

impl Answer {
    /// What is in it but for the number of the request.
    pub fn told(&self) -> (StatusCode, Value) {
        let mut told = if self.status == StatusCode::OK {
            Value::from(String::from_utf8_lossy(&self.bytes))
        } else {
            self.json()
        };
        if let Some(problem) = told.as_object_mut() {
            problem.remove("request_id");
        }
        (self.status, told)
    }

    /// Its text as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("an answer is JSON")
    }
}

impl Town {
    fn start() -> Self {
        // What goes on beside a question goes on within it alone: the same input goes the same way.
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (place, app) = runtime.block_on(async {
            let place = Place::with_fixtures().await;
            let mut settings = settings(&[]);
            settings.data_dir = place.folder().to_owned();
            let app = App::start(place.open().await, settings, Clock::standing(at(NOON))).await;
            (place, app.expect("start"))
        });
        Self { runtime, edge: api::service(app.clone()), app, _place: place }
    }

    /// What comes of something that waits.
    pub fn wait<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// The answer to a GET of `target`, which is a path with a query; `None` where it is none.
    pub fn get(&self, target: &str) -> Option<Answer> {
        let request = Request::get(target).body(Body::empty()).ok()?;
        Some(self.runtime.block_on(async {
            let Ok(response) = self.edge.clone().oneshot(request).await;
            let status = response.status();
            let media = response.headers().get(header::CONTENT_TYPE).cloned();
            let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
            let answer = Answer { status, bytes };
            answer.hold(media.as_ref().and_then(|media| media.to_str().ok()));
            answer
        }))
    }
}

impl Answer {
    /// Every answer is what was asked for, or a problem of the caller with its faults.
    fn hold(&self, media: Option<&str>) {
        if self.status == StatusCode::OK {
            return;
        }
        assert!(self.status.is_client_error(), "{}", self.status);
        assert_eq!(media, Some("application/problem+json"), "{}", self.status);
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        if self.status == StatusCode::BAD_REQUEST {
            let faults = problem["errors"].as_array().expect("a bad request has its faults");
            assert!(!faults.is_empty());
        }
    }
}
