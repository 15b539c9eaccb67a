//! The client for what is no token request: messages and pings.

use std::{path::Path, sync::Arc};

use reqwest::{Client, ClientBuilder, redirect};
use zeroize::Zeroizing;

use super::{
    SetupFault, Unreachable,
    dns::Guarded,
    fault::{self, Fault},
    proxy,
    tls::Trust,
    transport::{AGENT, BODY_LIMIT, CONNECT_TIMEOUT},
};
use crate::settings;

/// A client with the TLS, proxy, name rules and deadlines of the token requests, and no redirects. Show none of its
/// errors without `without_url`.
///
/// # Errors
/// The CA file, the proxy or the system's certificates cannot be used.
pub fn http_client(http: &settings::Http, ca: Option<&Path>) -> Result<Client, SetupFault> {
    client(http, ca, |builder| builder)
}

/// [`http_client`] that keeps no connection: each request goes out on a fresh one, so that none is sent twice by a pool.
///
/// # Errors
/// The CA file, the proxy or the system's certificates cannot be used.
pub fn http_client_once(http: &settings::Http, ca: Option<&Path>) -> Result<Client, SetupFault> {
    client(http, ca, |builder| builder.pool_max_idle_per_host(0))
}

/// Why a request of such a client failed, in words that may be shown.
#[must_use]
pub fn why(error: &reqwest::Error, host: &str) -> String {
    let fault = if error.is_connect() {
        fault::of_connection(error, host, false)
    } else if error.is_timeout() {
        fault::timeout(host, false)
    } else {
        fault::unreachable(Unreachable::Broken, host, "the connection broke before the answer was complete")
    };
    match fault {
        Fault::Unreachable(reason) => reason.sentence().to_owned(),
        Fault::BadAnswer(_) | Fault::Unreadable(_) | Fault::Offline => format!("no connection can be made ({host})"),
    }
}

/// The body of an answer as far as 256 KiB after decompression; `None`: it is longer.
///
/// # Errors
/// Those of the connection.
pub async fn body(response: &mut reqwest::Response) -> reqwest::Result<Option<Zeroizing<Vec<u8>>>> {
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(4096);
    // Room for all of it at once, where that is known: a buffer that grows leaves copies of what it holds behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected.min(BODY_LIMIT)));
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > BODY_LIMIT {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

fn client(
    http: &settings::Http,
    ca: Option<&Path>,
    more: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client, SetupFault> {
    let route = proxy::route(http.proxy.as_ref(), |name| std::env::var_os(name))?;
    let timeout = http.timeout.as_std();
    let mut builder = Client::builder()
        .user_agent(AGENT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(Arc::new(Guarded::new(route.as_ref())))
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .tls_backend_preconfigured(Trust::new(ca)?.anonymous()?);
    if let Some(route) = &route {
        builder = builder.proxy(route.rule().map_err(|_| SetupFault::Proxy { variable: "http.proxy" })?);
    }
    more(builder).build().map_err(|_| SetupFault::Tls)
}
