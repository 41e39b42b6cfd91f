//! Refusal: an answer where there is no request that could be answered, as bytes.

use std::io::Write as _;

use axum::{body::to_bytes, http::StatusCode, response::Response};
use futures_util::FutureExt as _;

use crate::problem::Kind;

/// Longer than any problem that nothing is said back in.
const MOST: usize = 64 * 1024;

/// `response` as it goes over the line, after which the line is closed.
pub fn text(response: Response) -> Vec<u8> {
    let (parts, body) = response.into_parts();
    // A problem is there at once.
    let body = to_bytes(body, MOST).now_or_never().and_then(Result::ok).unwrap_or_default();
    let mut text = format!("HTTP/1.1 {}\r\n", parts.status).into_bytes();
    for (name, value) in &parts.headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    // Nothing fails that writes to memory.
    let _ = write!(text, "content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    text.extend_from_slice(&body);
    text
}

/// What hyper means by `said`, if it is an answer of its own: it has no body then. An answer of ours that is no
/// success has one always.
pub fn meant_by(said: &[u8]) -> Option<Kind> {
    let status = said.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let kind = match StatusCode::from_bytes(status).ok()? {
        StatusCode::BAD_REQUEST => Kind::Malformed,
        StatusCode::URI_TOO_LONG => Kind::UriTooLong,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Kind::HeadTooLarge,
        _ => return None,
    };
    let is_empty = said.windows(19).any(|some| some == b"content-length: 0\r\n");
    (is_empty && said.ends_with(b"\r\n\r\n")).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_without_a_body_is_hypers_own() {
        let own = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(meant_by(own), Some(Kind::Malformed));
        let ours = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(meant_by(ours), None);
        for other in
            [&b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..], b"HTTP/1.1 4", b"", b"x"]
        {
            assert_eq!(meant_by(other), None);
        }
    }
}
