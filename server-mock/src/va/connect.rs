//! Connections for validators: to the first address that accepts one, within bounds.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpStream, time::timeout};

use super::shown;
use crate::model::{Problem, ProblemType};

/// How long one address may take to accept a connection, so that the next still has its chance.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How many of a name's addresses are tried, of each family, so that neither can hide the other.
const ADDRESSES_MAX: usize = 2;

/// A connection to the first of the addresses that accepts one, IPv6 before IPv4. `target` names what is asked, for people.
///
/// # Errors
/// A `connection` problem that says how each address failed.
pub(super) async fn connect(
    addresses: &[IpAddr],
    port: u16,
    target: &str,
) -> Result<(SocketAddr, TcpStream), Problem> {
    let mut failures = Vec::new();
    let family = |v4: bool| addresses.iter().filter(move |ip| ip.is_ipv4() == v4).take(ADDRESSES_MAX);
    for ip in family(false).chain(family(true)).copied() {
        let address = SocketAddr::new(ip, port);
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok((address, stream)),
            Ok(Err(error)) => failures.push(format!("{address}: {}", shown_error(&error))),
            Err(_) => failures.push(format!("{address}: timed out")),
        }
    }
    let detail = format!("{target}: could not connect ({})", failures.join("; "));
    Err(Problem::new(ProblemType::Connection, detail))
}

/// An error with its causes, in one line.
pub(super) fn shown_error(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    shown(text.as_bytes())
}
