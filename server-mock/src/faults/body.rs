//! Answers whose body is not what it should be, whatever it is.

use std::{convert::Infallible, io};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use futures_util::stream;

use super::{
    Kind,
    layer::{read, with_body},
};

/// Spaces are sent in pieces of this size.
const PIECE: usize = 64 * 1024;
static SPACES: [u8; PIECE] = [b' '; PIECE];

/// Changes an answer's body, if that is the fault.
pub(super) async fn change(kind: &Kind, response: Response) -> Response {
    match kind {
        Kind::EmptyBody => with_body(response.into_parts().0, Body::empty()),
        Kind::Body(text) => with_body(response.into_parts().0, text.clone()),
        Kind::CutBody(length) => {
            let (parts, mut body) = read(response).await;
            body.truncate(*length);
            with_body(parts, body)
        }
        Kind::BrokenBody(length) => broken(response, *length).await,
        Kind::HugeBody(length) => {
            let (parts, body) = read(response).await;
            let spaces = length.saturating_sub(body.len());
            with_body(parts, Body::from_stream(padded(body, spaces)))
        }
        _ => response,
    }
}

/// The body announced whole, and broken off.
async fn broken(response: Response, length: usize) -> Response {
    let (parts, mut body) = read(response).await;
    let announced = HeaderValue::from(body.len().max(length + 1));
    body.truncate(length);
    let pieces = stream::unfold(Some(Bytes::from(body)), |piece| async move {
        match piece {
            Some(piece) => Some((Ok(piece), None)),
            None => {
                // Lets what was said so far leave.
                tokio::task::yield_now().await;
                Some((Err(io::Error::from(io::ErrorKind::BrokenPipe)), None))
            }
        }
    });
    let mut response = with_body(parts, Body::from_stream(pieces));
    response.headers_mut().insert(header::CONTENT_LENGTH, announced);
    response
}

/// The body, then so many spaces, which no JSON minds.
fn padded(body: Vec<u8>, spaces: usize) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold((Some(body), spaces), |(body, left)| async move {
        if let Some(body) = body {
            return Some((Ok(Bytes::from(body)), (None, left)));
        }
        let piece = left.min(PIECE);
        (piece > 0).then(|| (Ok(Bytes::from_static(&SPACES[..piece])), (None, left - piece)))
    })
}
