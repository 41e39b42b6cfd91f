//! Guard: a connection that waits for nobody for ever.
//!
//! It knows whose turn it is to speak ([`Talk`]), and so what it waits for: a request that has not
//! begun, the rest of a head, or a reader who takes the answer. A body that does not come is the
//! service's, which can still answer then.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    Patience, refusal,
    room::{Cut, Place},
};
use crate::{
    edge::Edge,
    problem::{Kind, Problem},
};

/// Whose turn it is on a connection: even numbers are theirs, odd ones ours.
#[derive(Debug, Default)]
pub struct Talk(AtomicU32);

impl Talk {
    /// A request has come: it is our turn until what is returned is dropped.
    pub fn begin(self: &Arc<Self>) -> Said {
        self.0.fetch_add(1, Ordering::Relaxed);
        Said(Arc::clone(self))
    }

    fn turn(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Our turn: dropped when all of the answer is handed over.
#[derive(Debug)]
pub struct Said(Arc<Talk>);

impl Drop for Said {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection whose other end is given only so much time.
pub struct Guard<S> {
    stream: S,
    talk: Arc<Talk>,
    patience: Patience,
    edge: Edge,
    place: Place,
    heard: Heard,
    told: Told,
}

/// What we wait to hear.
#[derive(Default)]
struct Heard {
    turn: u32,
    /// Whether something of a head has come.
    begun: bool,
    until: Option<Instant>,
    alarm: Alarm,
}

/// What they took of what we tell them.
#[derive(Default)]
struct Told {
    turn: u32,
    bytes: u64,
    /// How long they were waited for.
    waited: Duration,
    waiting_since: Option<Instant>,
    alarm: Alarm,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// `stream`, guarded; it holds its `place`, and `edge` words what is refused.
    pub fn new(stream: S, talk: Arc<Talk>, patience: Patience, edge: Edge, place: Place) -> Self {
        let (heard, told) = (Heard::default(), Told::default());
        Self { stream, talk, patience, edge, place, heard, told }
    }

    /// Something came, or nothing yet: how long is left for it.
    fn hear(
        &mut self,
        bytes: usize,
        heard: Poll<io::Result<()>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let turn = self.talk.turn();
        if turn != self.heard.turn {
            (self.heard.turn, self.heard.begun, self.heard.until) = (turn, false, None);
        }
        if heard.is_ready() {
            if bytes > 0 && !self.heard.begun {
                self.heard.begun = true;
                self.heard.until = Some(Instant::now() + self.patience.head);
            }
            return heard;
        }
        if turn % 2 == 1 {
            return Poll::Pending;
        }
        let new = if turn == 0 { self.patience.head } else { self.patience.idle };
        let until = *self.heard.until.get_or_insert_with(|| Instant::now() + new);
        ready!(self.heard.alarm.poll(until, cx));
        if !self.heard.begun {
            self.place.cut(Cut::Idle);
            // Nothing more will come: that is how it ends well.
            return Poll::Ready(Ok(()));
        }
        self.place.cut(Cut::Head);
        let late = refusal::text(self.edge.refuse(&Problem::new(Kind::TooSlow)));
        // Told if it can be told at once.
        let _ = Pin::new(&mut self.stream).poll_write(cx, &late);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Something was taken, or nothing yet: an error when that takes too long.
    fn tell<T>(
        &mut self,
        taken: Poll<io::Result<T>>,
        bytes: impl FnOnce(&T) -> usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        let (told, turn) = (&mut self.told, self.talk.turn());
        if turn != told.turn {
            (told.turn, told.bytes, told.waited) = (turn, 0, Duration::ZERO);
        }
        if let Poll::Ready(done) = taken {
            if let Some(since) = told.waiting_since.take() {
                told.waited += since.elapsed();
            }
            told.bytes += done.as_ref().map_or(0, bytes) as u64;
            return Poll::Ready(done);
        }
        let since = *told.waiting_since.get_or_insert_with(Instant::now);
        let in_all = self.patience.answer + Duration::from_secs(told.bytes / self.patience.pace);
        let left = in_all.saturating_sub(told.waited).min(self.patience.reader);
        ready!(told.alarm.poll(since + left, cx));
        self.place.cut(Cut::Reader);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// The problem to be told in place of `data`, if that is a refusal without words.
    fn in_words(&self, data: &[u8]) -> Option<Vec<u8>> {
        let kind = refusal::meant_by(data).filter(|_| self.talk.turn().is_multiple_of(2))?;
        Some(refusal::text(self.edge.refuse(&Problem::new(kind))))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let heard = Pin::new(&mut self.stream).poll_read(cx, into);
        self.hear(into.filled().len() - before, heard, cx)
    }
}

/// Not in several pieces at once: hyper then writes an answer as one, which is how `Guard::in_words` knows its own.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = match self.in_words(data) {
            // It is the last that is said, and short: where not all of it fits, that is all.
            Some(words) => Pin::new(&mut self.stream)
                .poll_write(cx, &words)
                .map(|taken| taken.map(|_| data.len())),
            None => Pin::new(&mut self.stream).poll_write(cx, data),
        };
        self.tell(taken, |taken| *taken, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.tell(flushed, |()| 0, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.tell(ended, |()| 0, cx)
    }
}

/// A moment that may be put off: the timer moves only where it would ring too early or too late.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    fn poll(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() > until {
            sleep.as_mut().reset(until);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= until {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(until);
        }
    }
}
