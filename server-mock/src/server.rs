//! HTTP over TCP or TLS, with an end: stops taking connections, lets requests finish, and then is gone.

mod limits;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

pub(crate) use limits::Limits;
use limits::{TimelyBody, UnderWay, idle};

/// How long requests may go on when the server is to end.
const GRACE: Duration = Duration::from_secs(3);
/// The pause after the system refused a connection for want of something, such as file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// A server of one router on one address.
pub(crate) struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `router` on `listener`, over TLS when there is an acceptor.
    pub(crate) fn start(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        router: Router,
        limits: Limits,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let endpoint = Arc::new(Endpoint { tls, router, limits });
        let task = tokio::spawn(accept(listener, endpoint, stopped));
        Self { stop, task }
    }

    /// Takes no more connections, lets requests finish for a while, and returns when all is closed.
    pub(crate) async fn shutdown(self) {
        // It may have ended already; then there is nothing to tell.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            warn!(%error, "a server did not end cleanly");
        }
    }
}

/// An answer with this extension is not sent: the connection that it is for is dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HangUp;

struct Endpoint {
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
}

/// Runs until told to stop, or until nobody is left who could tell.
async fn accept(listener: TcpListener, endpoint: Arc<Endpoint>, mut stopped: oneshot::Receiver<()>) {
    let places = Arc::new(Semaphore::new(endpoint.limits.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer, place) = tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => continue,
            accepted = next(&listener, &places) => accepted,
        };
        let (endpoint, watcher) = (Arc::clone(&endpoint), graceful.watcher());
        connections.spawn(async move {
            endpoint.serve(stream, peer, watcher).await;
            drop(place);
        });
    }
    drop(listener);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        debug!("some requests did not finish in time");
    }
    connections.shutdown().await;
}

/// The next connection, as soon as there is a place for it.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) => {
                warn!(%error, "could not take a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

impl Endpoint {
    async fn serve(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // Answers are written whole: waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, %error, "TCP_NODELAY");
        }
        match &self.tls {
            None => self.serve_http(stream, peer, watcher).await,
            Some(acceptor) => match timeout(self.limits.head, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => self.serve_http(stream, peer, watcher).await,
                Ok(Err(error)) => debug!(%peer, %error, "the TLS handshake failed"),
                Err(_) => debug!(%peer, "the TLS handshake took too long"),
            },
        }
    }

    async fn serve_http<S>(&self, stream: S, peer: SocketAddr, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = self.limits;
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head);
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(limits.streams);
        let hang_up = Arc::new(Notify::new());
        let told = Arc::clone(&hang_up);
        let router = TowerToHyperService::new(self.router.clone());
        let (under_way, count) = watch::channel(0);
        let service = service_fn(move |request: Request<Incoming>| {
            let begun = UnderWay::begin(&under_way);
            let answer = router.call(request.map(|body| TimelyBody::new(body, limits.body)));
            let hang_up = Arc::clone(&told);
            async move {
                let answer = answer.await?;
                if answer.extensions().get::<HangUp>().is_some() {
                    hang_up.notify_one();
                    // The connection ends, and this with it.
                    std::future::pending::<()>().await;
                }
                drop(begun);
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            end = watcher.watch(connection.into_owned()) => {
                if let Err(error) = end {
                    debug!(%peer, %error, "a connection broke");
                }
            }
            () = hang_up.notified() => debug!(%peer, "hung up on purpose"),
            () = idle(count, limits.idle) => debug!(%peer, "a connection was idle for too long"),
        }
    }
}
