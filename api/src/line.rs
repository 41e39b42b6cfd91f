//! Line: the connections, from the moment one is taken to the moment it is let go.
//!
//! What is asked on them is the edge's. Here it is decided how many there may be ([`room`]) and how
//! long whoever is at the other end may do nothing ([`guard`]); what cannot be read as HTTP is refused
//! in the words of a problem like everything else (`refusal.rs`).

use std::{
    error::Error,
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    serve::Listener,
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tower::Service as _;
use tower_http::timeout::TimeoutBody;

use crate::{
    app::App,
    edge::Edge,
    line::{
        guard::{Guard, Said, Talk},
        room::{Cut, Place},
        tls::Tls,
    },
    problem::{Kind, Problem},
};

pub mod guard;
mod refusal;
pub mod room;
pub mod tls;

/// The most that is read ahead of a connection, bytes: a head longer than that is refused.
const HEAD: usize = 64 * 1024;
/// How many who found no room are told so at once; to more of them the line is just cut.
const TOLD: usize = 256;
/// How long it may take to tell them.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long whoever is at the other end of a connection may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the first byte on a new connection, and for a whole head from its first byte on.
    pub head: Duration,
    /// Between an answer and the next request. Longer than the 60 seconds for which proxies keep
    /// theirs, so that none is closed as it is used again.
    pub idle: Duration,
    /// Between two pieces of a body.
    pub body: Duration,
    /// Between two pieces of an answer.
    pub reader: Duration,
    /// For an answer in all, beside what its [pace](Self::pace) gives. Only the time counts in which
    /// we wait for the reader.
    pub answer: Duration,
    /// For so many bytes that were taken there is a second more.
    pub pace: u64,
}

impl Patience {
    /// That of the program.
    pub const USUAL: Self = Self {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        body: Duration::from_secs(15),
        reader: Duration::from_secs(15),
        answer: Duration::from_mins(1),
        // A hundredth of what a bad mobile line brings.
        pace: 1024,
    };
}

/// What every connection shares.
#[derive(Clone)]
struct Line {
    edge: Edge,
    patience: Patience,
    http: http1::Builder,
    tls: Option<Arc<Tls>>,
    farewells: Arc<Semaphore>,
}

/// Serves `edge` over HTTP/1.1 until `stop`; then takes no more connections and ends the open ones
/// after the answer that is under way.
///
/// A loop of its own because the framework's waits for ever for whoever does nothing.
pub async fn serve(
    mut listener: TcpListener,
    app: &App,
    edge: Edge,
    patience: Patience,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    // The time of a head is the guard's; only where it has a limit of its own does hyper look at once
    // for what comes after an answer. It may not hold back answers, or the last ones before nonsense are lost.
    let longest = patience.idle + patience.head;
    http.timer(TokioTimer::new()).header_read_timeout(longest).max_buf_size(HEAD);
    let (tls, farewells) = (app.tls.clone(), Arc::new(Semaphore::new(TOLD)));
    let line = Line { edge, patience, http, tls, farewells };
    let open = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            // The framework's, which waits and tries again where the system gives no connection.
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        match app.line.enter(peer.ip()) {
            Some(place) => line.take(stream, peer.ip(), place, open.watcher()),
            None => line.turn_away(stream),
        }
    }
    drop(listener);
    app.let_go();
    open.shutdown().await;
}

impl Line {
    /// Answers what is asked on `stream`, as long as there is somebody who asks.
    fn take(&self, stream: TcpStream, peer: IpAddr, place: Place, watcher: Watcher) {
        // An answer goes out at once; where that cannot be set, it goes out later.
        let _ = stream.set_nodelay(true);
        let line = self.clone();
        tokio::spawn(async move {
            let Some(tls) = line.tls.as_ref().map(|tls| tls.acceptor()) else {
                return line.talk(stream, peer, place, watcher).await;
            };
            match timeout(line.patience.head, tls.accept(stream)).await {
                Ok(Ok(stream)) => line.talk(stream, peer, place, watcher).await,
                Ok(Err(error)) => {
                    tracing::debug!(error = &error as &dyn Error, "shook no hands");
                }
                Err(_) => place.cut(Cut::Head),
            }
        });
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin + 'static>(
        self,
        stream: S,
        peer: IpAddr,
        place: Place,
        watcher: Watcher,
    ) {
        let talk = Arc::new(Talk::default());
        let (edge, patience) = (self.edge.facing(peer), self.patience);
        let guard = Guard::new(stream, Arc::clone(&talk), patience, edge.clone(), place);
        let service = service_fn(move |request: Request<Incoming>| {
            let said = talk.begin();
            let answer = edge.clone().call(request.map(|body| in_time(body, patience.body)));
            async move { answer.await.map(|answer| answer.map(|body| Answer { body, _said: said })) }
        });
        let connection = self.http.serve_connection(TokioIo::new(guard), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error = &error as &dyn Error, "a connection broke");
        }
    }

    /// Tells whoever is at the other end of `stream` to come back.
    fn turn_away(&self, mut stream: TcpStream) {
        // Shaking hands only to say goodbye costs more than there is to give.
        if self.tls.is_some() {
            return;
        }
        let Ok(room) = Arc::clone(&self.farewells).try_acquire_owned() else { return };
        let text = self.edge.refuse(&Problem::retry_after(Kind::Unavailable, 5));
        tokio::spawn(timeout(FAREWELL, async move {
            let _room = room;
            stream.write_all(&refusal::text(text)).await?;
            stream.shutdown().await?;
            // Who closes over what was not read takes back what was said (RFC 9112 §9.6).
            let mut unread = [0; 1024];
            while stream.read(&mut unread).await? > 0 {}
            Ok::<_, std::io::Error>(())
        }));
    }
}

/// A body that fails when nothing comes for as long as `patience`.
fn in_time(body: Incoming, patience: Duration) -> Body {
    if body.is_end_stream() { Body::empty() } else { Body::new(TimeoutBody::new(patience, body)) }
}

/// The body of an answer: the talk knows when all of it is handed over.
struct Answer {
    body: Body,
    _said: Said,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
