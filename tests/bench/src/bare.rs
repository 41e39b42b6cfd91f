//! Bare: the least that an axum server can do, to compare with.

use std::{io, net::Ipv4Addr};

use axum::{
    Router,
    body::Bytes,
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use tokio::net::TcpListener;

/// Answers every request with the same `bytes` bytes of JSON, on one thread, until it is killed.
///
/// # Errors
/// When it cannot listen at `port`; 0 takes a free one.
pub async fn serve(bytes: usize, port: u16) -> io::Result<()> {
    let body = Bytes::from(format!("\"{}\"", "x".repeat(bytes.saturating_sub(2))));
    let answer = move || {
        let body = body.clone();
        async move { ready(body) }
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("bare at http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(answer)).await
}

fn ready(body: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
