//! A connection to a host: its name checked, past or through the proxy, TLS, and which HTTP it speaks.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Uri, header::USER_AGENT};
use hyper::rt;
use hyper_rustls::HttpsConnector;
use hyper_util::client::{
    legacy::connect::{Connection, HttpConnector, proxy::Tunnel},
    proxy::matcher::Matcher,
};
use rustls::ClientConfig;
use tower_service::Service;

use super::{dns::Guarded, transport::AGENT};

pub(super) type AnyError = Box<dyn Error + Send + Sync>;

/// Bytes to and from a server, whatever they go through.
pub(super) trait Stream: rt::Read + rt::Write + Connection + Send + Unpin {}
impl<T: rt::Read + rt::Write + Connection + Send + Unpin> Stream for T {}

/// Reads in a row without a look at the clock.
const UNBROKEN: u32 = 8;

/// A stream that now and then waits although more lies ready: what sends faster than it is read must not keep the
/// deadlines from being seen.
pub(super) struct Paced {
    stream: Box<dyn Stream>,
    unbroken: u32,
}

impl Paced {
    pub(super) fn is_http2(&self) -> bool {
        self.stream.connected().is_negotiated_h2()
    }
}

impl rt::Read for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unbroken >= UNBROKEN {
            self.unbroken = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = Pin::new(&mut *self.stream).poll_read(context, buffer);
        self.unbroken = if polled.is_ready() { self.unbroken + 1 } else { 0 };
        polled
    }
}

impl rt::Write for Paced {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write_vectored(context, parts)
    }
}

pub(super) struct Connector {
    tcp: HttpConnector<Guarded>,
    tls: Arc<ClientConfig>,
    /// A proxy is spoken to in HTTP/1.1 alone.
    proxy_tls: Arc<ClientConfig>,
    proxy: Option<Matcher>,
}

impl Connector {
    /// `timeout` is that of one connection; a host with several addresses gets a share of it for each.
    pub(super) fn new(names: Guarded, tls: ClientConfig, proxy: Option<Matcher>, timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(names);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeout));
        let mut proxy_tls = tls.clone();
        proxy_tls.alpn_protocols.clear();
        Self { tcp, tls: Arc::new(tls), proxy_tls: Arc::new(proxy_tls), proxy }
    }

    pub(super) fn is_proxied(&self, uri: &Uri) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.intercept(uri).is_some())
    }

    pub(super) async fn connect(&self, uri: &Uri) -> Result<Paced, AnyError> {
        self.stream(uri).await.map(|stream| Paced { stream, unbroken: 0 })
    }

    async fn stream(&self, uri: &Uri) -> Result<Box<dyn Stream>, AnyError> {
        let Some(proxy) = self.proxy.as_ref().and_then(|proxy| proxy.intercept(uri)) else {
            let mut direct = HttpsConnector::from((self.tcp.clone(), Arc::clone(&self.tls)));
            return Ok(Box::new(direct.call(uri.clone()).await?));
        };
        let to_proxy = HttpsConnector::from((self.tcp.clone(), Arc::clone(&self.proxy_tls)));
        let agent = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static(AGENT))]);
        let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy).with_headers(agent);
        if let Some(login) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(login.clone());
        }
        let mut through = HttpsConnector::from((tunnel, Arc::clone(&self.tls)));
        Ok(Box::new(through.call(uri.clone()).await?))
    }
}
