//! One GET, as validators do it: own resolver, mapped ports, everything bounded, no trust in certificates.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use bytes::Bytes;
use http::{
    Request, StatusCode,
    header::{ACCEPT, CONNECTION, HOST, LOCATION, USER_AGENT},
};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{
    connect::{connect, shown_error},
    dns::Resolver,
    tls,
};
use crate::model::{Problem, ProblemType};

/// The longest URL that is fetched; with it every problem's detail is bounded.
pub(super) const URL_MAX: usize = 2000;
/// The most bytes of a body that are read; a key authorization has about 90.
const BODY_MAX: usize = 4096;
/// The most bytes of an answer's head.
const HEAD_MAX: usize = 16 * 1024;
const AGENT: &str = concat!("server-mock/", env!("CARGO_PKG_VERSION"), " (ACME validation)");

/// Fetches from hosts that only the given resolver knows.
pub(super) struct Fetcher {
    resolver: Resolver,
    http_port: u16,
    tls_port: u16,
    tls: TlsConnector,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// What was asked.
    pub(super) url: Url,
    /// Who was asked.
    pub(super) address: SocketAddr,
    pub(super) status: StatusCode,
    location: Option<Vec<u8>>,
    /// The body's beginning.
    pub(super) body: Vec<u8>,
    /// Whether that is the whole body.
    pub(super) complete: bool,
}

impl Answer {
    /// The `Location` of a redirect that CAs follow (CA/Browser Forum Baseline Requirements §3.2.2.4.19).
    pub(super) fn redirect(&self) -> Option<&[u8]> {
        let redirects = matches!(self.status.as_u16(), 301 | 302 | 307 | 308);
        self.location.as_deref().filter(|_| redirects)
    }
}

impl Fetcher {
    pub(super) fn new(resolver: Resolver, http_port: u16, tls_port: u16) -> Result<Self, rustls::Error> {
        let tls = TlsConnector::from(Arc::new(tls::trusting_config()?));
        Ok(Self { resolver, http_port, tls_port, tls })
    }

    /// One GET without following redirects.
    ///
    /// # Errors
    /// A `dns`, `connection` or `tls` problem.
    pub(super) async fn get(&self, url: &Url) -> Result<Answer, Problem> {
        let (address, stream) = self.connect(url).await?;
        if url.scheme() == "http" {
            return exchange(url, address, stream).await;
        }
        let name = server_name(url)?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| {
            let detail = format!("{url} at {address}: the TLS handshake failed: {}", shown_error(&error));
            Problem::new(ProblemType::Tls, detail)
        })?;
        exchange(url, address, stream).await
    }

    /// A connection to the first of the host's addresses that accepts one.
    async fn connect(&self, url: &Url) -> Result<(SocketAddr, TcpStream), Problem> {
        let port = match url.port_or_known_default() {
            Some(443) => self.tls_port,
            _ => self.http_port,
        };
        connect(&self.addresses(url).await?, port, url.as_str()).await
    }

    async fn addresses(&self, url: &Url) -> Result<Vec<IpAddr>, Problem> {
        match url.host() {
            Some(Host::Domain(name)) => self.resolver.addresses(name).await,
            Some(Host::Ipv4(address)) => Ok(vec![address.into()]),
            Some(Host::Ipv6(address)) => Ok(vec![address.into()]),
            None => Err(no_host(url)),
        }
    }
}

fn no_host(url: &Url) -> Problem {
    Problem::new(ProblemType::Connection, format!("{url} names no host"))
}

fn server_name(url: &Url) -> Result<ServerName<'static>, Problem> {
    match url.host() {
        Some(Host::Ipv4(address)) => Ok(IpAddr::from(address).into()),
        Some(Host::Ipv6(address)) => Ok(IpAddr::from(address).into()),
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(|_| no_host(url)),
        None => Err(no_host(url)),
    }
}

/// Sends the request and reads the answer, as far as the bounds allow.
async fn exchange<S>(url: &Url, address: SocketAddr, stream: S) -> Result<Answer, Problem>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| {
        let detail = format!("{url} at {address}: no complete HTTP answer: {}", shown_error(&error));
        Problem::new(ProblemType::Connection, detail)
    };
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_MAX);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Dropped, and so ended, with this function, whatever its way out.
    let mut driver = JoinSet::new();
    driver.spawn(connection);

    let response = sender.send_request(request(url)?).await.map_err(broken)?;
    let status = response.status();
    let location = response.headers().get(LOCATION).map(|value| value.as_bytes().to_vec());
    let (body, complete) = read(response.into_body()).await.map_err(broken)?;
    Ok(Answer { url: url.clone(), address, status, location, body, complete })
}

/// The `Host` is what a client of the real port 80 or 443 sends, so without the port that stands in for it.
fn request(url: &Url) -> Result<Request<Empty<Bytes>>, Problem> {
    let host = match (url.host_str(), url.port()) {
        (Some(host), None) => host.to_owned(),
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (None, _) => return Err(no_host(url)),
    };
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    Request::get(target)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|error| Problem::new(ProblemType::Connection, format!("{url} can't be asked for: {error}")))
}

async fn read(mut incoming: Incoming) -> Result<(Vec<u8>, bool), hyper::Error> {
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = BODY_MAX - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok((body, false));
        }
    }
    Ok((body, true))
}
