//! The built-in test DNS server, over UDP and TCP.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use hickory_proto::{
    op::{Edns, Metadata, OpCode, ResponseCode},
    rr::{DNSClass, Name, RData, Record, rdata::SOA},
};
use hickory_server::{
    Server,
    net::runtime::Time,
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageResponseBuilder,
};
use tokio::net::{TcpListener, UdpSocket};
use tracing::{debug, warn};

use super::{DnsTable, dns::Answer};

/// How long a TCP connection may stay silent.
const TCP_IDLE: Duration = Duration::from_secs(10);
/// How many answers may wait on one TCP connection.
const TCP_BACKLOG: usize = 32;
/// The most bytes of an answer over UDP, as resolvers agreed on in 2020; longer ones are asked for over TCP.
const UDP_PAYLOAD_MAX: u16 = 1232;
/// How often a free port is looked for that UDP and TCP both have.
const PORT_ATTEMPTS: usize = 32;

/// A running server.
pub struct DnsServer {
    server: Server<Handler>,
    address: SocketAddr,
}

impl DnsServer {
    /// Binds and serves the table; port 0 takes one that is free for UDP and TCP.
    ///
    /// # Errors
    /// When the address can't be bound.
    pub async fn start(address: SocketAddr, table: Arc<DnsTable>) -> io::Result<Self> {
        let (tcp, udp) = bind_both(address).await?;
        let address = tcp.local_addr()?;
        let mut server = Server::new(Handler { table });
        server.register_socket(udp);
        server.register_listener(tcp, TCP_IDLE, TCP_BACKLOG);
        Ok(Self { server, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and waits until that is done.
    pub async fn shutdown(mut self) {
        if let Err(error) = self.server.shutdown_gracefully().await {
            warn!(%error, "the test DNS did not end cleanly");
        }
    }
}

/// The same port twice. Another process may hold the UDP side of a port that TCP found free: then look on.
async fn bind_both(address: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    let mut attempts = if address.port() == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        let tcp = TcpListener::bind(address).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((tcp, udp)),
            Err(error) if attempts == 1 => return Err(error),
            Err(_) => attempts -= 1,
        }
    }
}

struct Handler {
    table: Arc<DnsTable>,
}

impl Handler {
    fn answer(&self, request: &Request) -> Answer {
        let refused = |code| Answer { code, records: Vec::new() };
        if request.metadata.op_code != OpCode::Query {
            return refused(ResponseCode::NotImp);
        }
        match request.request_info() {
            Ok(info) if info.query.query_class() == DNSClass::IN => {
                self.table.answer(info.query.name(), info.query.query_type())
            }
            Ok(_) => refused(ResponseCode::Refused),
            Err(_) => refused(ResponseCode::FormErr),
        }
    }
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response_handle: R,
    ) -> ResponseInfo {
        let answer = self.answer(request);
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = true;
        metadata.response_code = answer.code;
        // Resolvers tell "no such record" from a broken server by the SOA beside it (RFC 2308 §2).
        let soa = answer.records.is_empty().then(start_of_authority);
        let edns = request.edns.as_ref().map(|asked| {
            let mut edns = Edns::new();
            edns.set_max_payload(asked.max_payload().min(UDP_PAYLOAD_MAX));
            edns
        });
        let builder = MessageResponseBuilder::new(&request.queries, edns.as_ref());
        let response = builder.build(metadata, &answer.records, None, soa.as_ref(), None);
        let sent = response_handle.send_response(response).await;
        sent.unwrap_or_else(|error| {
            debug!(%error, client = %request.src(), "could not send a DNS answer");
            ResponseInfo::from(hickory_proto::op::Header { metadata, counts: Default::default() })
        })
    }
}

/// The test DNS holds the root, so that it is the authority of every name.
fn start_of_authority() -> Record {
    let soa = SOA::new(Name::root(), Name::root(), 1, 3600, 600, 86_400, 0);
    Record::from_rdata(Name::root(), 0, RData::SOA(soa))
}
