//! One message to one server, and its answer.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_net::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Message};
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::tcp::TcpClientStream;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::{DnsRequestSender as _, FirstAnswer as _};
use hickory_net::{DnsHandle as _, NetError};

use crate::core::text::printable;

/// How long a server has to answer. Within it a question is asked three times over UDP.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAnswer {
    /// Nothing came.
    #[error("it does not answer")]
    Silence,
    /// There is no way from this machine, for want of IPv6 perhaps.
    #[error("there is no route to it from here")]
    NoRoute,
    /// Something else came, or the system refused.
    #[error("{0}")]
    Other(String),
}

/// Asks over UDP, and over TCP when the answer is too long for that (RFC 1035 §4.2).
pub(super) async fn exchange(server: SocketAddr, message: Message) -> Result<DnsResponse, NoAnswer> {
    let request = || DnsRequest::new(message.clone(), DnsRequestOptions::default());
    let provider = TokioRuntimeProvider::default();
    let mut udp = UdpClientStream::builder(server, provider.clone()).with_timeout(Some(ANSWER_TIME)).build();
    let response = udp.send_message(request()).first_answer().await.map_err(no_answer)?;
    if !response.truncation {
        return Ok(response);
    }
    let tcp =
        TcpClientStream::exchange(server, None, ANSWER_TIME, None, provider).await.map_err(no_answer)?;
    tcp.send(request()).first_answer().await.map_err(no_answer)
}

fn no_answer(error: NetError) -> NoAnswer {
    const NO_ROUTE: [ErrorKind; 3] =
        [ErrorKind::NetworkUnreachable, ErrorKind::HostUnreachable, ErrorKind::AddrNotAvailable];
    match &error {
        NetError::Timeout => NoAnswer::Silence,
        NetError::Io(io) if io.kind() == ErrorKind::TimedOut => NoAnswer::Silence,
        NetError::Io(io) if NO_ROUTE.contains(&io.kind()) => NoAnswer::NoRoute,
        // A system without IPv6.
        NetError::Io(io) if io.raw_os_error() == Some(nix::libc::EAFNOSUPPORT) => NoAnswer::NoRoute,
        other => NoAnswer::Other(printable(&other.to_string()).into_owned()),
    }
}
