//! What validations meet: a web server with the answers to http-01, and for Pebble, which has none, a DNS.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use server_mock::testbed::{DnsServer, DnsTable};
use tokio::net::{TcpListener, TcpStream};

use crate::{acme::AccountKey, failure::Failure};

/// Runs as long as the program.
pub(crate) struct Surroundings {
    pub(crate) http_port: u16,
    pub(crate) dns: SocketAddr,
    /// The one account key of the run: it registers at every server, so that the web server knows every answer.
    pub(crate) key: Arc<AccountKey>,
    _dns: DnsServer,
}

impl Surroundings {
    /// Listens on free ports of 127.0.0.1.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let table = Arc::new(DnsTable::default());
        table.set_default_ipv4(Some(Ipv4Addr::LOCALHOST));
        let dns = DnsServer::start((Ipv4Addr::LOCALHOST, 0).into(), table).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let http_port = listener.local_addr()?.port();
        let key = Arc::new(AccountKey::generate());
        tokio::spawn(accept(listener, key.clone()));
        Ok(Self { http_port, dns: dns.local_addr(), key, _dns: dns })
    }
}

async fn accept(listener: TcpListener, key: Arc<AccountKey>) {
    // A failure to accept is a validation that fails, which the tables show.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, key.clone()));
        }
    }
}

async fn serve(stream: TcpStream, key: Arc<AccountKey>) {
    let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&request, &key))));
    // Validators hang up when they have what they want.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The key authorization of whatever token is asked for (RFC 8555 §8.3).
fn answer(request: &Request<Incoming>, key: &AccountKey) -> Response<Full<Bytes>> {
    let token = request.uri().path().rsplit('/').next().unwrap_or_default();
    Response::new(Full::from(format!("{token}.{}", key.thumbprint)))
}
