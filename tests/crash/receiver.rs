//! A partner's server, which takes down what it is told, and fails now and then.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::Value;

#[derive(Clone, Default)]
pub struct Receiver {
    /// The newest version that was told of each listing.
    told: Arc<Mutex<HashMap<String, i64>>>,
    calls: Arc<AtomicU32>,
}

async fn receive(State(receiver): State<Receiver>, Json(said): Json<Value>) -> StatusCode {
    // Every twentieth call fails: it has to be told again.
    if receiver.calls.fetch_add(1, Ordering::Relaxed) % 20 == 7 {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let data = &said["data"];
    if let (Some(id), Some(version)) = (data["id"].as_str(), data["version"].as_i64()) {
        let mut told = receiver.told.lock().unwrap();
        let newest = told.entry(id.to_owned()).or_default();
        *newest = version.max(*newest);
    }
    StatusCode::NO_CONTENT
}

impl Receiver {
    /// Starts it; where it is.
    pub async fn start() -> (Self, String) {
        let receiver = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let routes = Router::new().route("/", post(receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (receiver, url)
    }

    /// The newest version that it was told of.
    pub fn told(&self, listing: &str) -> i64 {
        self.told.lock().unwrap().get(listing).copied().unwrap_or_default()
    }
}
