//! A port that is listened on while at least one proof is presented.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::ChallengeError;

/// Whoever connects and says nothing, or talks without end, is not listened to for longer.
const CONNECTION_TIME: Duration = Duration::from_secs(20);

/// The listener of one solver.
pub(super) struct Listener {
    address: SocketAddr,
    /// Holds one task while the port is open.
    task: Mutex<JoinSet<()>>,
}

impl Listener {
    /// On this address, or on this port of all addresses, IPv4 and IPv6.
    pub(super) fn new(address: Option<SocketAddr>, port: u16) -> Self {
        Self {
            address: address.unwrap_or_else(|| (Ipv6Addr::UNSPECIFIED, port).into()),
            task: Mutex::default(),
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the port, unless it is open, and gives each connection to `serve`.
    pub(super) async fn open<Served>(
        &self,
        serve: impl Fn(TcpStream) -> Served + Send + 'static,
    ) -> Result<(), ChallengeError>
    where
        Served: Future<Output = ()> + Send + 'static,
    {
        let mut task = self.task.lock().await;
        if task.is_empty() {
            task.spawn(accept(self.bind().await?, serve));
        }
        Ok(())
    }

    /// Closes the port when it turns out to be `idle`, looked at while nobody can open it, and waits until it is free.
    pub(super) async fn close_when(&self, idle: impl FnOnce() -> bool) {
        let mut task = self.task.lock().await;
        if idle() {
            task.shutdown().await;
        }
    }

    async fn bind(&self) -> Result<TcpListener, ChallengeError> {
        let listen = |address| async move {
            TcpListener::bind(address).await.map_err(|source| ChallengeError::Listen { address, source })
        };
        // «::» takes IPv4 along, as Linux has it by default.
        match listen(self.address).await {
            // A machine without IPv6 has no «::».
            Err(ChallengeError::Listen { source, .. })
                if self.address.ip() == Ipv6Addr::UNSPECIFIED
                    && source.kind() != io::ErrorKind::AddrInUse =>
            {
                listen((Ipv4Addr::UNSPECIFIED, self.address.port()).into()).await
            }
            other => other,
        }
    }
}

async fn accept<Served>(listener: TcpListener, serve: impl Fn(TcpStream) -> Served)
where
    Served: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    tracing::debug!(%peer, "connection for a challenge");
                    connections.spawn(tokio::time::timeout(CONNECTION_TIME, serve(stream)));
                }
                // Out of file descriptors, perhaps: a moment later there may be some.
                Err(error) => {
                    tracing::debug!(%error, "accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
