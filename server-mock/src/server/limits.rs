//! What one peer can take up, and for how long.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::{
    sync::watch,
    time::{Sleep, sleep, timeout},
};

/// The bounds that keep a server reachable and its memory finite, whatever its peers do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many connections are served at once; more wait in the system's queue.
    pub(crate) connections: usize,
    /// How many requests a connection may have under way. Each may hold a body in memory.
    pub(crate) streams: u32,
    /// How long a TLS handshake, or the head of a request, may take.
    pub(crate) head: Duration,
    /// How long the body of a request may take.
    pub(crate) body: Duration,
    /// How long a connection may be without any request, or leave its answers unread.
    pub(crate) idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            streams: 128,
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(60),
        }
    }
}

/// A request's body that has to be complete in time; else it ends with [`io::ErrorKind::TimedOut`].
pub(super) struct TimelyBody {
    body: Incoming,
    deadline: Pin<Box<Sleep>>,
}

impl TimelyBody {
    pub(super) fn new(body: Incoming, patience: Duration) -> Self {
        Self { body, deadline: Box::pin(sleep(patience)) }
    }
}

impl Body for TimelyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the body did not come in time");
        self.deadline.as_mut().poll(context).map(|()| Some(Err(late().into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request that is under way, counted as long as it lives.
pub(super) struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    pub(super) fn begin(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Returns when no request has been under way for so long. Only requests count: who merely answers pings is idle.
pub(super) async fn idle(mut count: watch::Receiver<usize>, patience: Duration) {
    loop {
        if count.wait_for(|count| *count == 0).await.is_err() {
            return;
        }
        if !matches!(timeout(patience, count.changed()).await, Ok(Ok(()))) {
            return;
        }
    }
}
