//! Sockets that systemd listens on for us (sd_listen_fds(3)): ports below 1024 without root.

use std::io;
use std::net::TcpListener;
use std::sync::OnceLock;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// All that were handed over; they stay open for the next challenge of this run.
static SOCKETS: OnceLock<Vec<TcpListener>> = OnceLock::new();

/// The sockets for this port, IPv4 and IPv6. None when nothing was handed over.
///
/// # Errors
/// When one can't be used.
pub(super) fn listeners(port: u16) -> io::Result<Vec<TcpListener>> {
    let sockets = SOCKETS.get_or_init(take_all).iter();
    let fitting = sockets.filter(|socket| socket.local_addr().is_ok_and(|address| address.port() == port));
    let duplicate = |socket: &TcpListener| {
        let socket = socket.try_clone()?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    fitting.map(duplicate).collect()
}

/// Called once: afterwards the descriptors are ours, and hooks don't inherit them.
fn take_all() -> Vec<TcpListener> {
    let sockets = sd_listen_fds::get().unwrap_or_else(|error| {
        tracing::warn!("what systemd hands over can't be used: {error}");
        Vec::new()
    });
    let sockets = sockets.into_iter().map(|(_, socket)| TcpListener::from(socket));
    sockets
        .inspect(|socket| {
            if let Err(error) = fcntl(socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) {
                tracing::debug!(%error, "a descriptor stays open for hooks");
            }
        })
        .collect()
}
