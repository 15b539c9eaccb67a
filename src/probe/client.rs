//! The client for what is no token request: messages and pings.

use std::{path::Path, sync::Arc};

use reqwest::{Client, redirect};

use super::{
    SetupFault,
    dns::Guarded,
    proxy,
    tls::Trust,
    transport::{AGENT, CONNECT_TIMEOUT},
};
use crate::settings;

/// A client with the TLS, proxy, name rules and deadlines of the token requests, and no redirects. Show none of its
/// errors without `without_url`.
///
/// # Errors
/// The CA file, the proxy or the system's certificates cannot be used.
pub fn http_client(http: &settings::Http, ca: Option<&Path>) -> Result<Client, SetupFault> {
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
    builder.build().map_err(|_| SetupFault::Tls)
}
