//! A port that is listened on while at least one proof is presented.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::{ChallengeError, handed_over};

/// Whoever connects and says nothing, or talks without end, is not listened to for longer.
const CONNECTION_TIME: Duration = Duration::from_secs(20);

/// So many connections may wait; a server looks from several places at once, for each name.
const BACKLOG: i32 = 1024;

/// The listener of one solver.
pub(super) struct Listener {
    address: SocketAddr,
    /// Holds a task for each socket while the port is open.
    tasks: Mutex<JoinSet<()>>,
}

impl Listener {
    /// On this address, or on this port of all addresses, IPv4 and IPv6.
    pub(super) fn new(address: Option<SocketAddr>, port: u16) -> Self {
        Self {
            address: address.unwrap_or_else(|| (Ipv6Addr::UNSPECIFIED, port).into()),
            tasks: Mutex::default(),
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the port, unless it is open, and gives each connection to `serve`. A port that systemd opened for us is
    /// taken as it is.
    pub(super) async fn open<Served>(
        &self,
        serve: impl Fn(TcpStream) -> Served + Clone + Send + 'static,
    ) -> Result<(), ChallengeError>
    where
        Served: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = self.tasks.lock().await;
        if tasks.is_empty() {
            for listener in self.listeners()? {
                tasks.spawn(accept(listener, serve.clone()));
            }
        }
        Ok(())
    }

    /// Closes the port when it turns out to be `idle`, looked at while nobody can open it, and waits until it is free.
    pub(super) async fn close_when(&self, idle: impl FnOnce() -> bool) {
        let mut tasks = self.tasks.lock().await;
        if idle() {
            tasks.shutdown().await;
        }
    }

    fn listeners(&self) -> Result<Vec<TcpListener>, ChallengeError> {
        let failed = |address| move |source| ChallengeError::Listen { address, source };
        let handed_over = handed_over::listeners(self.address.port()).map_err(failed(self.address))?;
        if !handed_over.is_empty() {
            let listeners: io::Result<_> = handed_over.into_iter().map(TcpListener::from_std).collect();
            return listeners.map_err(failed(self.address));
        }
        if self.address.ip() != Ipv6Addr::UNSPECIFIED {
            return bind(self.address).map(|listener| vec![listener]).map_err(failed(self.address));
        }
        let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, self.address.port()));
        match (bind(self.address), bind(v4)) {
            (Ok(v6), Ok(v4)) => Ok(vec![v6, v4]),
            // A machine that has one of the two alone is content with it.
            (Ok(one), Err(error)) | (Err(error), Ok(one)) if is_missing(&error) => Ok(vec![one]),
            (Err(error), _) if !is_missing(&error) => Err(failed(self.address)(error)),
            (_, Err(error)) | (Err(error), _) => Err(failed(v4)(error)),
        }
    }
}

/// Whether the machine lacks this kind of address.
fn is_missing(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

/// IPv4 and IPv6 have a socket each: whether «::» takes IPv4 along is the system's choice (`net.ipv6.bindv6only`).
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of the last challenge that linger are no reason to wait.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn greet(mut stream: TcpStream) {
        stream.write_all(b"hello").await.unwrap();
    }

    fn free_port() -> u16 {
        std::net::TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port()
    }

    #[tokio::test]
    async fn all_addresses_are_those_of_ipv4_and_ipv6() {
        let port = free_port();
        let listener = Listener::new(None, port);
        listener.open(greet).await.unwrap();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        // A machine without IPv6 has no such address to bind to either.
        if bind((Ipv6Addr::LOCALHOST, 0).into()).is_ok() {
            TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.unwrap();
        }
        listener.close_when(|| true).await;
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err(), "the port is free again");
    }

    #[tokio::test]
    async fn a_port_that_is_taken_for_ipv4_alone_is_taken() {
        let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = Listener::new(None, address.port()).open(greet).await.unwrap_err();
        assert!(matches!(error, ChallengeError::Listen { address: told, .. } if told == address), "{error}");
    }
}
