//! One kept-alive HTTP/1.1 connection, over TLS to the ACME server; everything asked over it has a deadline.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::failure::Failure;

/// A server that takes longer for one answer, on a machine however busy, does not answer at all.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where a server listens and how it shows who it is.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    tls: Option<TlsConnector>,
}

/// A connection to an endpoint, made again when the server closed it.
pub(crate) struct Connection {
    endpoint: Endpoint,
    sender: SendRequest<Full<Bytes>>,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Endpoint {
    /// Plain HTTP.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// HTTPS with a certificate from this CA.
    pub(crate) fn tls(address: SocketAddr, ca: CertificateDer<'static>) -> Result<Self, Failure> {
        let unfit = |error: rustls::Error| Failure::Nonconforming(format!("the CA's certificate: {error}"));
        let mut roots = RootCertStore::empty();
        roots.add(ca).map_err(unfit)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address, tls: Some(TlsConnector::from(Arc::new(config))) })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let connecting = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                None => handshake(stream).await,
                Some(tls) => {
                    let name = ServerName::from(self.address.ip());
                    handshake(tls.connect(name, stream).await?).await
                }
            }
        };
        in_time("a connection", connecting).await
    }
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(endpoint: Endpoint) -> Result<Self, Failure> {
        let sender = endpoint.connect().await?;
        Ok(Self { endpoint, sender })
    }

    /// Sends a request and reads the answer; `path` may be an absolute URL.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<Answer, Failure> {
        if self.sender.is_closed() {
            self.sender = self.endpoint.connect().await?;
        }
        let what = format!("{method} {path}");
        let path = path.strip_prefix("https://").map_or(path, |rest| &rest[rest.find('/').unwrap_or(0)..]);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.endpoint.address.to_string())
            .header(USER_AGENT, "server-mock-bench")
            .header(CONTENT_TYPE, content_type)
            .body(Full::from(body))
            .map_err(|error| Failure::Nonconforming(format!("{what}: {error}")))?;
        let asked = async {
            self.sender.ready().await?;
            let (head, body) = self.sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let answer = in_time(&what, asked).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        Err(Failure::Refused { what, status: answer.status.as_u16(), body, nonce: nonce(&answer) })
    }
}

/// The nonce that an answer brings (RFC 8555 §6.5).
pub(crate) fn nonce(answer: &Answer) -> Option<String> {
    answer.header("replay-nonce").map(str::to_owned)
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // What breaks it is told to whoever waits for an answer.
    tokio::spawn(connection);
    Ok(sender)
}

async fn in_time<T>(what: &str, asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let hangs = |_| Failure::Hangs { what: what.to_owned(), deadline: DEADLINE };
    timeout(DEADLINE, asked).await.map_err(hangs)?
}
