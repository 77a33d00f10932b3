//! A handler that panics is a mistake of ours, and the client is told so: without an answer it would look like a
//! broken connection, and clients try those again.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;

use crate::model::{Problem, ProblemType};

/// Answers for whoever can't any more. The panic itself has been reported by then.
pub(super) async fn catch(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answer.unwrap_or_else(|_| {
        Problem::new(ProblemType::ServerInternal, "the server broke down over this request").into_response()
    })
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use tower_service::Service;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let router = Router::new().route("/", get(|| async { panic!("on purpose") as () }));
        let mut router: Router = router.layer(middleware::from_fn(catch));
        let response = router.call(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}
