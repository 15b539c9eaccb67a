//! Connections that stay open: one for all of an HTTP/2 host, no more than are needed of an HTTP/1.1 host.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Uri, uri::PathAndQuery};
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioExecutor;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use url::{Position, Url};

use super::{
    Unreachable,
    connect::{AnyError, Connector, Paced},
    fault::{self, Fault},
    pace::Pace,
    request::host_of,
};

pub(super) type Body = Full<Bytes>;

/// With more connections than this open, those to hosts that nobody asks just now are closed: a process may have 1024
/// files open where nobody said otherwise.
const MOST_OPEN: usize = 512;

/// So many to an HTTP/1.1 host are opened at once; a further one only when none has come free for as long as its [`Pace`]
/// says.
const AT_ONCE: usize = 8;

/// Longest head of an answer in HTTP/1.1, bytes; also the most that is read at once.
const HEAD_LIMIT: usize = 64 * 1024;

/// The connections of one TLS identity.
pub(super) struct Pool {
    connector: Connector,
    timeout: Duration,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

/// One scheme, name and port.
pub(super) struct Host {
    pub(super) origin: Uri,
    /// Value of the `Host` header.
    pub(super) name: HeaderValue,
    is_proxied: bool,
    idle: Mutex<Vec<Http1>>,
    /// Told of each that comes free.
    freed: Notify,
    /// Shared by every HTTP/1.1 connection to it, those on their way included.
    open: Arc<()>,
    speaks: watch::Sender<Speaks>,
    opened: AtomicU64,
    pub(super) pace: Pace,
}

/// What is known of a host's HTTP.
enum Speaks {
    Unknown,
    /// The first connection is on its way; the others wait for what it says, or an HTTP/2 host would be sent a
    /// handshake by each of them.
    Asked,
    Http1,
    Http2 {
        number: u64,
        sender: http2::SendRequest<Body>,
    },
}

/// A connection to ask on, and whether nobody did before.
pub(super) struct Line {
    pub(super) http: Http,
    pub(super) is_new: bool,
}

pub(super) enum Http {
    One(Http1),
    Two { number: u64, sender: http2::SendRequest<Body> },
}

/// Both halves: the connection moves only where it is polled, which saves a task and its wake-ups for each.
pub(super) struct Http1 {
    pub(super) sender: http1::SendRequest<Body>,
    pub(super) connection: Box<http1::Connection<Paced, Body>>,
    _open: Arc<()>,
}

impl Pool {
    /// `timeout` is that of a connection: name, TCP, proxy and TLS.
    pub(super) fn new(connector: Connector, timeout: Duration) -> Self {
        Self { connector, timeout, hosts: Mutex::default() }
    }

    /// # Errors
    /// The URL is none that HTTP can carry.
    pub(super) fn host(&self, url: &Url) -> Result<Arc<Host>, Fault> {
        let origin = &url[..Position::BeforePath];
        let mut hosts = lock(&self.hosts);
        if let Some(host) = hosts.get(origin) {
            return Ok(Arc::clone(host));
        }
        if hosts.values().map(|host| 1 + lock(&host.idle).len()).sum::<usize>() > MOST_OPEN {
            hosts.retain(|_, host| Arc::strong_count(host) > 1);
        }
        let shown = host_of(url);
        let unusable = || fault::unreachable(Unreachable::Connect, shown, "this is no address to connect to");
        let uri: Uri = origin.parse().map_err(|_| unusable())?;
        let host = Arc::new(Host {
            is_proxied: self.connector.is_proxied(&uri),
            origin: uri,
            name: HeaderValue::from_str(shown).map_err(|_| unusable())?,
            idle: Mutex::default(),
            freed: Notify::new(),
            open: Arc::default(),
            speaks: watch::Sender::new(Speaks::Unknown),
            opened: AtomicU64::new(0),
            pace: Pace::default(),
        });
        hosts.insert(origin.to_owned(), Arc::clone(&host));
        Ok(host)
    }

    /// A connection that is open as far as this side knows.
    pub(super) async fn line(&self, host: &Host) -> Result<Line, Fault> {
        let mut waiting = None;
        loop {
            if let Some(connection) = host.idle() {
                return Ok(Line { http: Http::One(connection), is_new: false });
            }
            let first = match host.turn() {
                Turn::Share(http) => return Ok(Line { http, is_new: false }),
                Turn::Wait => {
                    // The sender lives as long as the host: this cannot fail.
                    let _ = host.speaks.subscribe().wait_for(|speaks| !matches!(speaks, Speaks::Asked)).await;
                    continue;
                }
                Turn::First => Some(First(host)),
                Turn::Own => {
                    // The host's own is no connection.
                    let open = Arc::strong_count(&host.open) - 1;
                    let since = *waiting.get_or_insert_with(Instant::now);
                    let until = since + host.pace.patience(open);
                    let freed = async { tokio::time::timeout_at(until, host.freed.notified()).await.is_ok() };
                    // An answer that came meanwhile may say that waiting is worth it.
                    if open >= AT_ONCE && (freed.await || since + host.pace.patience(open) > Instant::now()) {
                        continue;
                    }
                    None
                }
            };
            let opened = tokio::time::timeout(self.timeout, self.open(host)).await;
            drop(first);
            return match opened {
                Ok(Ok(http)) => Ok(Line { http, is_new: true }),
                Ok(Err(error)) => Err(fault::of_connection(&*error, &host.shown(), host.is_proxied)),
                Err(_) => Err(fault::timeout(&host.shown(), false)),
            };
        }
    }

    async fn open(&self, host: &Host) -> Result<Http, AnyError> {
        let open = Arc::clone(&host.open);
        let begun = Instant::now();
        let stream = self.connector.connect(&host.origin).await?;
        host.pace.opened(begun.elapsed());
        if !stream.is_http2() {
            let (sender, connection) = http1::Builder::new().max_buf_size(HEAD_LIMIT).handshake(stream).await?;
            return Ok(Http::One(Http1 { sender, connection: Box::new(connection), _open: open }));
        }
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
        // It ends with its last sender; how it ended, each request on it is told.
        tokio::spawn(async move { drop(connection.await) });
        let number = host.opened.fetch_add(1, Ordering::Relaxed);
        host.speaks.send_replace(Speaks::Http2 { number, sender: sender.clone() });
        Ok(Http::Two { number, sender })
    }
}

enum Turn {
    Share(Http),
    Wait,
    First,
    Own,
}

impl Host {
    pub(super) fn shown(&self) -> String {
        self.name.to_str().unwrap_or_default().to_owned()
    }

    /// The whole URI, for HTTP/2; a path without one would be a fault of ours.
    pub(super) fn uri(&self, path: PathAndQuery) -> Uri {
        let mut parts = self.origin.clone().into_parts();
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).unwrap_or_default()
    }

    fn turn(&self) -> Turn {
        let mut turn = Turn::Own;
        self.speaks.send_if_modified(|speaks| {
            turn = match speaks {
                Speaks::Http1 => Turn::Own,
                Speaks::Asked => Turn::Wait,
                Speaks::Http2 { number, sender } if !sender.is_closed() => {
                    Turn::Share(Http::Two { number: *number, sender: sender.clone() })
                }
                Speaks::Unknown | Speaks::Http2 { .. } => {
                    *speaks = Speaks::Asked;
                    Turn::First
                }
            };
            false
        });
        turn
    }

    fn idle(&self) -> Option<Http1> {
        loop {
            let mut connection = lock(&self.idle).pop()?;
            // What the server closed meanwhile says so here.
            if connection.is_open() {
                return Some(connection);
            }
        }
    }

    /// Takes a connection back whose answer has been read to its end.
    pub(super) fn keep(&self, mut connection: Http1) {
        if connection.is_open() {
            lock(&self.idle).push(connection);
            self.freed.notify_one();
        }
    }

    /// A connection died idle, and those beside it most likely did too.
    pub(super) fn forget_idle(&self) {
        lock(&self.idle).clear();
    }

    /// Nobody else is to ask on this HTTP/2 connection.
    pub(super) fn forget(&self, number: u64) {
        self.speaks.send_if_modified(|speaks| {
            let is_it = matches!(speaks, Speaks::Http2 { number: current, .. } if *current == number);
            if is_it {
                *speaks = Speaks::Unknown;
            }
            is_it
        });
    }
}

/// The first connection to a host, until it is there or has failed: then everybody goes on.
struct First<'h>(&'h Host);

impl Drop for First<'_> {
    fn drop(&mut self) {
        self.0.speaks.send_if_modified(|speaks| {
            let is_open = matches!(speaks, Speaks::Asked);
            if is_open {
                *speaks = Speaks::Http1;
            }
            is_open
        });
    }
}

impl Http1 {
    fn is_open(&mut self) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let polled = std::pin::Pin::new(&mut self.connection).poll(&mut context);
        polled.is_pending() && self.sender.is_ready()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
