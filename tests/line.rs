//! The line: who says nothing, hears nothing, or says what is no HTTP, holds nobody up for long.

use std::{convert::Infallible, time::Duration};

use api::{App, Edge, edge, line::Patience};
use axum::{Router, body::Body, routing::get};
use futures_util::stream;
use serde_json::Value;
use tests::{Place, Service};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const BRIEF: Duration = Duration::from_millis(100);
/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(10);
const LONG_PATIENCE: Patience =
    Patience { head: LONG, idle: LONG, body: LONG, reader: LONG, answer: LONG, pace: 1 };

/// An answer that never ends, one that pauses, and a short one.
fn with_streams(app: App) -> Edge {
    let endless = || stream::repeat_with(|| Ok::<_, Infallible>("x".repeat(64 * 1024)));
    let pausing = || {
        stream::unfold(0, async |n| {
            tokio::time::sleep(BRIEF * 3).await;
            (n < 3).then_some((Ok::<_, Infallible>("word "), n + 1))
        })
    };
    let routes = Router::new()
        .route("/endless", get(async move || Body::from_stream(endless())))
        .route("/pausing", get(async move || Body::from_stream(pausing())))
        .route("/short", get(async || "short"));
    edge::dress(routes, app)
}

async fn with(patience: Patience) -> Service {
    Service::patient(Place::empty().await, &[], with_streams, patience).await
}

async fn call(service: &Service, text: &str) -> TcpStream {
    let address = service.url.strip_prefix("http://").unwrap();
    let mut line = TcpStream::connect(address).await.unwrap();
    line.write_all(text.as_bytes()).await.unwrap();
    line
}

/// All that is said until the other end closes.
async fn rest(mut line: TcpStream) -> String {
    let mut said = Vec::new();
    // Who is cut off has what came before.
    let _ = line.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// Whether an answer, which closes, is this problem in words.
fn is(said: &str, status: &str, kind: &str) {
    assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said:?}");
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/problem+json"), "{said}");
    assert!(head.contains("connection: close"), "{said}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], format!("/problems/{kind}"));
    assert!(head.contains(body["request_id"].as_str().unwrap()), "{said}");
}

/// Waits until a line was given up for this reason.
async fn cut(service: &Service, why: &str) {
    while !service.app.line.cuts().iter().any(|(name, cut)| *name == why && *cut > 0) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_never_ends_a_head_is_told_that_it_took_too_long() {
    let service = with(Patience { head: BRIEF, ..LONG_PATIENCE }).await;
    let line = call(&service, "GET /short HTTP/1.1\r\nHost: griya\r\nX-Slow: ").await;
    is(&rest(line).await, "408", "too-slow");
    cut(&service, "head").await;
    // The second head on a line has no more time than the first.
    let mut line = call(&service, "GET /short HTTP/1.1\r\nHost: griya\r\n\r\n").await;
    let mut said = String::new();
    while !said.ends_with("short") {
        let mut some = [0; 1024];
        let came = line.read(&mut some).await.unwrap();
        said.push_str(std::str::from_utf8(&some[..came]).unwrap());
    }
    line.write_all(b"GET /sh").await.unwrap();
    is(&rest(line).await, "408", "too-slow");
}

#[tokio::test]
async fn who_asks_nothing_is_let_go_without_a_word() {
    let service = with(Patience { head: BRIEF, ..LONG_PATIENCE }).await;
    assert_eq!(rest(call(&service, "").await).await, "");
    let service = with(Patience { idle: BRIEF, ..LONG_PATIENCE }).await;
    let said = rest(call(&service, "GET /short HTTP/1.1\r\nHost: griya\r\n\r\n").await).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("\r\n\r\nshort"), "{said}");
    cut(&service, "idle").await;
}

#[tokio::test]
async fn an_answer_that_pauses_is_no_idle_line() {
    let patience = Patience { idle: BRIEF, head: BRIEF, reader: BRIEF, ..LONG_PATIENCE };
    let service = with(patience).await;
    let said = rest(call(&service, "GET /pausing HTTP/1.1\r\nHost: griya\r\n\r\n").await).await;
    assert_eq!(said.matches("word ").count(), 3, "{said}");
}

#[tokio::test]
async fn a_body_that_pauses_is_told_that_it_took_too_long() {
    let patience = Patience { body: BRIEF, ..LONG_PATIENCE };
    let service = Service::patient(Place::empty().await, &[], api::service, patience).await;
    let head = "POST /v1/auth/code HTTP/1.1\r\nHost: griya\r\nContent-Type: application/json\r\n";
    for rest_of_it in
        ["Content-Length: 40\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"]
    {
        let line = call(&service, &format!("{head}{rest_of_it}")).await;
        is(&rest(line).await, "408", "too-slow");
    }
    let whole =
        call(&service, &format!("{head}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}")).await;
    is(&rest(whole).await, "422", "invalid");
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_or_takes_it_for_ever_loses_it() {
    let asked = "GET /endless HTTP/1.1\r\nHost: griya\r\n\r\n";
    let service = with(Patience { reader: BRIEF, ..LONG_PATIENCE }).await;
    let line = call(&service, asked).await;
    cut(&service, "reader").await;
    assert!(rest(line).await.starts_with("HTTP/1.1 200"), "what was sent is there");
    assert_eq!(service.app.line.open(), 0);
    // Where all the time that there is for an answer is used up, a piece taken now and then does not help.
    let service = with(Patience { answer: BRIEF, pace: u64::MAX, ..LONG_PATIENCE }).await;
    let _line = call(&service, asked).await;
    cut(&service, "reader").await;
}

#[tokio::test]
async fn what_is_no_http_is_a_problem_like_everything_else() {
    let service = with(LONG_PATIENCE).await;
    for nonsense in
        ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\n: \r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n"]
    {
        is(&rest(call(&service, nonsense).await).await, "400", "malformed");
    }
    let many: String = (0..200).map(|n| format!("X-{n}: x\r\n")).collect();
    let line = call(&service, &format!("GET /short HTTP/1.1\r\n{many}\r\n")).await;
    is(&rest(line).await, "431", "head-too-large");
    // After answers that were not fetched yet, too.
    let two = "GET /short HTTP/1.1\r\nHost: griya\r\n\r\nnonsense\r\n\r\n";
    let said = rest(call(&service, two).await).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("HTTP/1.1 400"), "{said}");
}

#[tokio::test]
async fn who_finds_no_room_is_told_to_come_back_and_those_inside_go_on() {
    let place = Place::empty().await;
    let flags = ["--connections=1"];
    let service = Service::patient(place, &flags, with_streams, LONG_PATIENCE).await;
    let inside = call(&service, "GET /sho").await;
    while service.app.line.open() == 0 {
        tokio::task::yield_now().await;
    }
    let said = rest(call(&service, "GET /short HTTP/1.1\r\nHost: griya\r\n\r\n").await).await;
    is(&said, "503", "unavailable");
    assert!(said.contains("retry-after: 5"), "{said}");
    assert_eq!(service.app.line.turned_away(), 1);
    let mut inside = inside;
    inside.write_all(b"rt HTTP/1.1\r\nHost: griya\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(rest(inside).await.ends_with("short"));
    while service.app.line.open() > 0 {
        tokio::task::yield_now().await;
    }
    let again = call(&service, "GET /short HTTP/1.1\r\nHost: griya\r\nConnection: close\r\n\r\n");
    assert!(rest(again.await).await.ends_with("short"), "there is room again");
}

#[tokio::test]
async fn a_body_that_comes_slowly_takes_no_room_from_those_who_read() {
    let flags = ["--concurrency=1"];
    let place = Place::empty().await;
    let service = Service::patient(place, &flags, api::service, LONG_PATIENCE).await;
    let head = "POST /v1/auth/code HTTP/1.1\r\nHost: griya\r\nContent-Type: application/json\r\n";
    let _slow = call(&service, &format!("{head}Content-Length: 99\r\n\r\n{{")).await;
    // Once it takes all the room that there is for bodies, another one is told so.
    let body = serde_json::json!({"to": "orang@contoh.example"});
    while service.post("/v1/auth/code", &body).await.status != 503 {
        tokio::task::yield_now().await;
    }
    assert_eq!(service.get("/v1/places").await.status, 200);
}
