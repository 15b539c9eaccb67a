//! The HTTP side: reading only, nothing to log in to, nothing to change.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

use super::{Status, connection::Gate, metrics};
use crate::clock::rfc3339;

type Board = State<watch::Receiver<Status>>;

/// The report page carries its own style and script, and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers until `stop` is cancelled and the requests under way are done.
pub(super) async fn serve(listener: TcpListener, status: watch::Receiver<Status>, stop: CancellationToken) {
    // axum's server never fails: accept errors are logged and tried again.
    let _ = axum::serve(Gate::new(listener), router(status)).with_graceful_shutdown(stop.cancelled_owned()).await;
}

pub(super) fn router(status: watch::Receiver<Status>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .with_state(status)
        .layer(map_response(harden))
}

async fn page(State(board): Board) -> Response {
    let status = board.borrow().clone();
    if let Some(report) = status.report {
        let page = axum::body::Bytes::from_owner(Page(report));
        return ([(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response();
    }
    let next = status
        .next_run
        .map_or_else(|| "one is under way".to_owned(), |at| format!("the next is due at {}", rfc3339(at)));
    (StatusCode::SERVICE_UNAVAILABLE, format!("no run has finished yet; {next}\n")).into_response()
}

/// Lends the page to the connection without a copy.
struct Page(Arc<super::Rendered>);

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        self.0.page.as_bytes()
    }
}

async fn ready(State(board): Board) -> Response {
    match board.borrow().fault() {
        None => "ready\n".into_response(),
        Some(fault) => (StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n")).into_response(),
    }
}

async fn scrape(State(board): Board) -> impl IntoResponse {
    let status = board.borrow().clone();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::text(&status))
}

async fn harden(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 6] = [
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    response.headers_mut().extend(HEADERS);
    response
}
