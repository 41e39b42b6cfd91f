//! Traces: a collector is told of each request, as a part of what its caller traces, and of nothing
//! that says where somebody is.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use tests::{Place, client, program};
use tokio::{net::TcpListener, sync::mpsc};

/// A collector; its address, and what it is sent.
async fn collector() -> (String, mpsc::UnboundedReceiver<Bytes>) {
    async fn take(State(tell): State<mpsc::UnboundedSender<Bytes>>, body: Bytes) {
        tell.send(body).unwrap();
    }
    let (tell, told) = mpsc::unbounded_channel();
    let routes = Router::new().route("/v1/traces", post(take)).with_state(tell);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, told)
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_collector_is_told_of_each_request_as_a_part_of_what_its_caller_traces() {
    let (collector, mut told) = collector().await;
    let place = Place::with_fixtures().await;
    let mut node = Command::new(program())
        .args(["--listen=127.0.0.1:0", "--log=warn", "--database-url", &place.url])
        .args(["--otlp-url", &collector])
        .env("GRIYA_DATA_DIR", place.folder())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(node.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("Griya is at ").unwrap();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for path in ["/v1/places/pantai-parangtritis?lat=-7.123456", "/v1/places/tidak-ada"] {
        let request = client().get(format!("{url}{path}")).header("traceparent", parent);
        request.send().await.unwrap();
    }
    // It sends what is left before it ends.
    let pid = node.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    tokio::task::spawn_blocking(move || node.wait()).await.unwrap().unwrap();
    let mut all = Vec::new();
    while let Ok(Some(body)) = tokio::time::timeout(Duration::ZERO, told.recv()).await {
        all.extend(body);
    }
    // Names are texts in the protocol, ids are bytes.
    let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
    let span = 0xb7ad_6b71_6920_3331_u64.to_be_bytes();
    for part in [&trace[..], &span, b"griya", b"GET /v1/places/{id}", b"http.route"] {
        assert!(holds(&all, part), "{}", String::from_utf8_lossy(part));
    }
    assert!(!holds(&all, b"7.123456"), "a query is in it");
}

#[tokio::test]
async fn a_collector_that_is_none_is_named_at_the_start() {
    let output = Command::new(program()).args(["check", "--otlp-url", "kolektor:4318"]).output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(said.contains("GRIYA_OTLP_URL"), "{said}");
}
