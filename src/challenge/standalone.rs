//! http-01 by our own web server (RFC 8555 §8.3).

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::listener::Listener;
use super::{ChallengeError, Proof, Solver};

const PATH: &str = "/.well-known/acme-challenge/";

/// The port that servers ask on.
const PORT: u16 = 80;

/// Key authorizations by token.
type Answers = Arc<Mutex<HashMap<String, String>>>;

/// Answers while at least one proof is presented.
pub(super) struct Standalone {
    answers: Answers,
    listener: Listener,
}

impl Standalone {
    /// On this address, or on port 80 of all addresses.
    pub(super) fn new(address: Option<SocketAddr>) -> Self {
        Self { answers: Answers::default(), listener: Listener::new(address, PORT) }
    }
}

#[async_trait]
impl Solver for Standalone {
    fn challenge_types(&self) -> &'static [&'static str] {
        &["http-01"]
    }

    async fn present(&self, proof: &Proof) -> Result<(), ChallengeError> {
        lock(&self.answers).insert(proof.token.to_string(), proof.key_authorization.clone());
        let answers = self.answers.clone();
        self.listener.open(move |stream| serve(stream, answers.clone())).await
    }

    async fn clean_up(&self, proof: &Proof) -> Result<(), ChallengeError> {
        lock(&self.answers).remove(proof.token.as_str());
        self.listener.close_when(|| lock(&self.answers).is_empty()).await;
        Ok(())
    }

    fn advice(&self, name: &str) -> String {
        let address = self.listener.address();
        if address.port() == PORT {
            format!("http://{name}/ must lead to this machine's port 80 from outside: check DNS and firewall")
        } else {
            format!("the server asks http://{name}/ on port 80: something must pass that on to {address}")
        }
    }
}

async fn serve(stream: TcpStream, answers: Answers) {
    let service = service_fn(|request| {
        let response = respond(&request, &answers);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.keep_alive(false);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "http-01 connection broke");
    }
}

fn respond(request: &Request<Incoming>, answers: &Answers) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let readable = matches!(*request.method(), Method::GET | Method::HEAD);
    let answer =
        path.strip_prefix(PATH).filter(|_| readable).and_then(|token| lock(answers).get(token).cloned());
    let found = answer.is_some();
    tracing::debug!(path = %crate::core::text::printable(path), found, "http-01 request");
    let mut response = Response::new(Full::from(answer.unwrap_or_default()));
    if !found {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

/// Nothing panics while this lock is held; should it, the map is whole all the same.
fn lock(answers: &Mutex<HashMap<String, String>>) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn free_address() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    async fn get(address: SocketAddr, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn it_listens_while_a_proof_is_presented() {
        let address = free_address().await;
        let standalone = Standalone::new(Some(address));
        standalone.present(&Proof::of_token("one")).await.unwrap();
        standalone.present(&Proof::of_token("two")).await.unwrap();
        assert!(
            get(address, "/.well-known/acme-challenge/one").await.unwrap().ends_with("\r\n\r\none.thumb")
        );
        assert!(get(address, "/.well-known/acme-challenge/x").await.unwrap().starts_with("HTTP/1.1 404"));
        assert!(get(address, "/").await.unwrap().starts_with("HTTP/1.1 404"));
        standalone.clean_up(&Proof::of_token("one")).await.unwrap();
        assert!(get(address, "/.well-known/acme-challenge/two").await.unwrap().ends_with("two.thumb"));
        standalone.clean_up(&Proof::of_token("two")).await.unwrap();
        assert!(get(address, "/").await.is_err(), "the port is free again");
    }

    #[tokio::test]
    async fn a_taken_port_is_told_with_its_address() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let proof = Proof::of_token("one");
        let error = Standalone::new(Some(address)).present(&proof).await.unwrap_err();
        assert!(matches!(error, ChallengeError::Listen { address: told, .. } if told == address));
    }
}
