//! Client: one connection that asks and reads, and nothing more.
//!
//! HTTP/1.1 with keep-alive and `Content-Length`, as both servers of the benchmark speak it: what
//! it costs itself must be little beside what it measures.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection to one server, made anew where the server ended it.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply<'c> {
    /// Its status.
    pub status: u16,
    /// Its `ETag`, as it stands there.
    pub etag: Option<&'c str>,
    /// Its body.
    pub body: &'c [u8],
}

/// What a head says.
#[derive(Debug, PartialEq, Eq)]
struct Head<'h> {
    status: u16,
    etag: Option<&'h str>,
    /// Bytes of the body.
    length: usize,
    /// The server ends the connection after this.
    closes: bool,
}

impl Client {
    /// A client of the server at `address`; it connects when it first asks.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::with_capacity(64 * 1024) }
    }

    /// The answer to `GET path`; with `tag`, only if the answer has another one.
    ///
    /// # Errors
    /// When there is no connection, or what comes over it is no answer.
    pub async fn get(&mut self, path: &str, tag: Option<&str>) -> io::Result<Reply<'_>> {
        let condition = tag.map(|tag| format!("If-None-Match: {tag}\r\n")).unwrap_or_default();
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{condition}\r\n");
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address).await?,
        };
        stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let head_ends = loop {
            more(&mut stream, &mut self.buffer).await?;
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let Head { length, closes, .. } = head(&self.buffer[..head_ends])?;
        while self.buffer.len() < head_ends + length {
            more(&mut stream, &mut self.buffer).await?;
        }
        self.stream = (!closes).then_some(stream);
        let (head_text, rest) = self.buffer.split_at(head_ends);
        let Head { status, etag, .. } = head(head_text)?;
        Ok(Reply { status, etag, body: &rest[..length] })
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn head(bytes: &[u8]) -> io::Result<Head<'_>> {
    let bad = |what| io::Error::new(ErrorKind::InvalidData, what);
    let text = std::str::from_utf8(bytes).map_err(|_| bad("a head that is no text"))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| bad("a first line without a status"))?;
    let mut head = Head { status, etag: None, length: 0, closes: false };
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("content-length") {
            head.length = value.parse().map_err(|_| bad("a length that is no number"))?;
        } else if name.eq_ignore_ascii_case("etag") {
            head.etag = Some(value);
        } else if name.eq_ignore_ascii_case("connection") {
            head.closes = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(bad("a body of unknown length"));
        }
    }
    if status == 304 {
        // Its length is that of the body it does not have.
        head.length = 0;
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_status_tag_and_length() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nETag: \"a\"\r\n\r\n";
        let read = Head { status: 200, etag: Some("\"a\""), length: 17, closes: false };
        assert_eq!(head(text).unwrap(), read);
        let text = b"HTTP/1.1 304 Not Modified\r\ncontent-length: 17\r\nconnection: close\r\n\r\n";
        let read = Head { status: 304, etag: None, length: 0, closes: true };
        assert_eq!(head(text).unwrap(), read);
    }

    #[test]
    fn what_is_no_head_is_an_error() {
        for text in [
            &b"\r\n\r\n"[..],
            b"HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 ok\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"\xff\xfe\r\n\r\n",
        ] {
            assert!(head(text).is_err(), "{text:?}");
        }
    }
}
