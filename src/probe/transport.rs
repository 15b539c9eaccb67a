//! The wire: one exchange over HTTP with every limit it must keep.

use std::{
    collections::HashMap,
    io::{self, Read},
    path::Path,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use futures::future::{Either, select};
use http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT},
    uri::PathAndQuery,
};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use sha2::{Digest, Sha256};
use tokio::{sync::Mutex, time::Instant};
use url::{Position, Url};

use super::{
    BadAnswer, SetupFault, Unreachable,
    connect::Connector,
    dns::{self, Guarded},
    fault::{self, Fault},
    pool::{Body, Host, Http, Http1, Line, Pool},
    proxy::{self, Route},
    request::host_of,
    tls::Trust,
};
use crate::{
    secret::{Secret, Wiped},
    settings,
};

/// Longest body that is read, before and after decompression, bytes.
pub(super) const BODY_LIMIT: usize = 256 * 1024;

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) const AGENT: &str = concat!("credwatch/", env!("CARGO_PKG_VERSION"));

/// One request and what holds for it.
pub(super) struct Request<'a> {
    pub(super) url: &'a Url,
    /// Posted as a form; `None` = GET.
    pub(super) form: Option<Bytes>,
    pub(super) authorization: Option<&'a str>,
    /// PEM of the TLS client certificate.
    pub(super) identity: Option<&'a Secret>,
    /// Sent as `client-request-id`: what the provider's support asks for.
    pub(super) id: &'a str,
    /// From now to the last byte of the answer.
    pub(super) timeout: Duration,
}

/// A whole answer.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) content_type: Option<String>,
    /// May hold a token.
    pub(super) body: Wiped,
}

/// The way out.
#[async_trait::async_trait]
pub(super) trait Wire: Send + Sync {
    async fn exchange(&self, request: Request<'_>) -> Result<Response, Fault>;
}

/// HTTP/1.1 and HTTP/2 on connections of our own: a set of them for all, and one for each TLS identity.
pub(super) struct Transport {
    trust: Trust,
    route: Option<Route>,
    timeout: Duration,
    anonymous: Pool,
    identified: Mutex<HashMap<[u8; 32], Arc<Pool>>>,
}

impl Transport {
    /// # Errors
    /// The CA file, the proxy or the system's certificates cannot be used.
    pub(super) fn new(http: &settings::Http, ca: Option<&Path>) -> Result<Self, SetupFault> {
        let route = proxy::route(http.proxy.as_ref(), |name| std::env::var_os(name))?;
        let (trust, timeout) = (Trust::new(ca)?, CONNECT_TIMEOUT.min(http.timeout.as_std()));
        let anonymous = pool(trust.anonymous()?, route.as_ref(), timeout);
        Ok(Self { trust, route, timeout, anonymous, identified: Mutex::default() })
    }

    async fn identified(&self, pem: &Secret) -> Result<Arc<Pool>, Fault> {
        let digest = Sha256::digest(pem.expose().as_bytes()).into();
        let mut identified = self.identified.lock().await;
        if let Some(known) = identified.get(&digest) {
            return Ok(Arc::clone(known));
        }
        let tls = self.trust.identified(pem.expose()).map_err(Fault::Unreadable)?;
        let made = Arc::new(pool(tls, self.route.as_ref(), self.timeout));
        identified.insert(digest, Arc::clone(&made));
        Ok(made)
    }

    async fn ask(&self, request: &Request<'_>, begun: &mut Option<u16>) -> Result<Response, Fault> {
        let own = match request.identity {
            Some(pem) => Some(self.identified(pem).await?),
            None => None,
        };
        let pool = own.as_deref().unwrap_or(&self.anonymous);
        let host = pool.host(request.url)?;
        let mut is_again = false;
        loop {
            let Line { http, is_new } = pool.line(&host).await?;
            let asked = Instant::now();
            let failed = match over(http, request, &host, begun).await {
                Ok(response) => {
                    host.pace.answered(asked.elapsed());
                    return Ok(response);
                }
                Err(Failed::For(fault)) => return Err(fault),
                Err(Failed::By(error)) => error,
            };
            // A server may close what it has kept open at any time (RFC 9112 section 9.3.1): nobody read this request.
            let is_stale = !is_new && !is_again && begun.is_none() && fault::is_unread(&failed);
            if !is_stale {
                return Err(fault::of_exchange(&failed, &host.shown(), *begun));
            }
            is_again = true;
            host.forget_idle();
        }
    }
}

fn pool(tls: rustls::ClientConfig, route: Option<&Route>, timeout: Duration) -> Pool {
    Pool::new(Connector::new(Guarded::new(route), tls, route.map(Route::matcher), timeout), timeout)
}

#[async_trait::async_trait]
impl Wire for Transport {
    async fn exchange(&self, request: Request<'_>) -> Result<Response, Fault> {
        if dns::is_forbidden(request.url) {
            return Err(fault::unreachable(Unreachable::ForbiddenAddress, host_of(request.url), fault::forbidden()));
        }
        let mut begun = None;
        match tokio::time::timeout(request.timeout, self.ask(&request, &mut begun)).await {
            Ok(done) => done,
            Err(_) => Err(fault::timeout(host_of(request.url), begun.is_some())),
        }
    }
}

/// Why an exchange came to nothing.
enum Failed {
    /// The connection's own reason.
    By(hyper::Error),
    /// What was read is refused.
    For(Fault),
}

impl From<hyper::Error> for Failed {
    fn from(error: hyper::Error) -> Self {
        Self::By(error)
    }
}

async fn over(http: Http, request: &Request<'_>, host: &Host, begun: &mut Option<u16>) -> Result<Response, Failed> {
    let path = PathAndQuery::try_from(&request.url[Position::BeforePath..Position::AfterQuery]);
    let path = path.unwrap_or_else(|_| PathAndQuery::from_static("/"));
    match http {
        Http::One(mut http) => {
            let mut message = message(request, path.into());
            message.headers_mut().insert(HOST, host.name.clone());
            let response = {
                let Http1 { sender, connection, .. } = &mut http;
                let answer = pin!(async { read(sender.send_request(message).await?, begun).await });
                match select(answer, connection).await {
                    Either::Left((done, _)) => done?,
                    // It is closed; what it brought lies ready.
                    Either::Right((_, answer)) => answer.await?,
                }
            };
            host.keep(http);
            Ok(response)
        }
        Http::Two { number, mut sender } => {
            // Until an answer comes this way nothing says that the connection lives.
            let mut doubt = Doubt { host, number: Some(number) };
            sender.ready().await?;
            let answer = sender.send_request(message(request, host.uri(path))).await?;
            doubt.number = None;
            read(answer, begun).await
        }
    }
}

/// An HTTP/2 connection under a request; one that ends without an answer, in whatever way, is asked on no more.
struct Doubt<'h> {
    host: &'h Host,
    number: Option<u64>,
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.host.forget(number);
        }
    }
}

fn message(request: &Request<'_>, uri: Uri) -> http::Request<Body> {
    let mut message = http::Request::new(Body::from(request.form.clone().unwrap_or_default()));
    *message.uri_mut() = uri;
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(request.id) {
        headers.insert("client-request-id", id);
    }
    if let Some(mut value) = request.authorization.and_then(|value| HeaderValue::from_str(value).ok()) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    if request.form.is_some() {
        *message.method_mut() = Method::POST;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    }
    *message.headers_mut() = headers;
    message
}

/// The answer to its last byte, as far as its limit. `begun` is told its status once that is known.
async fn read(mut answer: http::Response<Incoming>, begun: &mut Option<u16>) -> Result<Response, Failed> {
    let status = answer.status().as_u16();
    *begun = Some(status);
    // 307 and 308 would post the secret to wherever the answer says.
    if answer.status().is_redirection() {
        return Err(Failed::For(Fault::BadAnswer(BadAnswer::Redirect { status })));
    }
    let too_large = || Failed::For(Fault::BadAnswer(BadAnswer::TooLarge { status }));
    let expected = answer.body().size_hint().exact().and_then(|length| usize::try_from(length).ok()).unwrap_or(4096);
    if expected > BODY_LIMIT {
        return Err(too_large());
    }
    // Room for all of it at once, where that is known: a buffer that grows leaves copies of the token behind.
    let mut body = Wiped::with_capacity(expected);
    while let Some(frame) = answer.body_mut().frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if body.len() + data.len() > BODY_LIMIT {
            return Err(too_large());
        }
        body.extend_from_slice(&data);
    }
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    if header(CONTENT_ENCODING).is_some_and(|coding| matches!(coding.trim(), "gzip" | "x-gzip")) {
        let what = "a body whose compression is broken".to_owned();
        let broken = |_| Failed::For(Fault::BadAnswer(BadAnswer::NotJson { status, what }));
        body = unfolded(&body).map_err(broken)?.ok_or_else(too_large)?;
    }
    let header = |name| header(name).map(str::to_owned);
    Ok(Response { status, retry_after: header(RETRY_AFTER), content_type: header(CONTENT_TYPE), body })
}

/// Nobody is asked for compression, and some compress all the same. `None`: it is more than the limit.
fn unfolded(body: &[u8]) -> io::Result<Option<Wiped>> {
    let mut plain = Wiped::with_capacity(BODY_LIMIT);
    let limit = u64::try_from(BODY_LIMIT).unwrap_or(u64::MAX);
    MultiGzDecoder::new(body).take(limit + 1).read_to_end(&mut plain)?;
    Ok((plain.len() <= BODY_LIMIT).then_some(plain))
}
