//! The HTTP side: reading only, nothing to log in to, nothing to change.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
        uri::Authority,
    },
    middleware::{Next, from_fn, map_response},
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
    let is_local = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let router = if is_local { router(status).layer(from_fn(refuse_borrowed_names)) } else { router(status) };
    // axum's server never fails: accept errors are logged and tried again.
    let _ = axum::serve(Gate::new(listener), router).with_graceful_shutdown(stop.cancelled_owned()).await;
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

/// A web site may let its own name lead to this machine (DNS rebinding), and its script would then read the report as its
/// own. On loopback nobody needs a name but `localhost`; a request without `Host` is no browser's.
async fn refuse_borrowed_names(request: Request, next: Next) -> Response {
    if request.headers().get(HOST).is_none_or(is_own) {
        return next.run(request).await;
    }
    let advice = "this address answers to `localhost` and to IP addresses; a proxy before it must set `Host`\n";
    (StatusCode::MISDIRECTED_REQUEST, advice).into_response()
}

fn is_own(host: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    let name = authority.host().trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
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

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;
    use crate::clock;

    #[tokio::test]
    async fn a_name_bent_to_this_machine_reads_nothing() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_board, status) = watch::channel(Status::new(clock::now()));
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, status, stop.clone()));
        for (host, code) in [
            ("Host: 127.0.0.1:9464\r\n", 200),
            ("Host: LocalHost:9464\r\n", 200),
            ("Host: [::1]:9464\r\n", 200),
            ("Host: evil.example:9464\r\n", 421),
            ("Host: localhost.evil.example\r\n", 421),
            ("Host: 127.0.0.1.evil.example\r\n", 421),
            ("Host: \r\n", 421),
        ] {
            let mut client = TcpStream::connect(address).await.unwrap();
            let request = format!("GET /healthz HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
            client.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{host}{answer}");
        }
        stop.cancel();
        server.await.unwrap();
    }
}
