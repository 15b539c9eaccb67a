//! The wire: one exchange over HTTP with every limit it must keep.

use std::{collections::HashMap, ffi::OsString, fs, io, path::Path, sync::Arc, time::Duration};

use reqwest::{
    Certificate, Client, ClientBuilder, Identity,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    redirect,
};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use url::Url;
use zeroize::Zeroizing;

use super::{
    BadAnswer, SetupFault, Unreachable, Unreadable,
    dns::{self, Guarded},
    fault::{self, Fault},
    proxy::{self, Route},
    request::host_of,
};
use crate::{secret::Secret, settings};

/// Longest body that is read, after decompression, bytes.
pub(super) const BODY_LIMIT: usize = 256 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("credwatch/", env!("CARGO_PKG_VERSION"));

/// One request and what holds for it.
pub(super) struct Request<'a> {
    pub(super) url: &'a Url,
    /// Posted as a form; `None` = GET.
    pub(super) form: Option<&'a str>,
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
    /// May hold a token.
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// The way out.
#[async_trait::async_trait]
pub(super) trait Wire: Send + Sync {
    async fn exchange(&self, request: Request<'_>) -> Result<Response, Fault>;
}

/// HTTP by reqwest: one client for all, and one for each TLS identity.
pub(super) struct Transport {
    setup: Setup,
    client: Client,
    identities: Mutex<HashMap<[u8; 32], Client>>,
}

/// What every client is built from.
struct Setup {
    roots: Vec<Certificate>,
    route: Option<Route>,
    timeout: Duration,
    per_host: usize,
}

impl Transport {
    /// # Errors
    /// The CA file, the proxy or the system's certificates cannot be used.
    pub(super) fn new(http: &settings::Http, ca: Option<&Path>) -> Result<Self, SetupFault> {
        let setup = Setup::new(http, ca, |name| std::env::var_os(name))?;
        let client = setup.client(|builder| builder)?;
        Ok(Self { setup, client, identities: Mutex::default() })
    }

    async fn identified(&self, pem: &Secret) -> Result<Client, Fault> {
        let digest = Sha256::digest(pem.expose().as_bytes()).into();
        let mut identities = self.identities.lock().await;
        if let Some(client) = identities.get(&digest) {
            return Ok(client.clone());
        }
        let unusable = |reason: &str| Fault::Unreadable(Unreadable::BadKey(reason.to_owned()));
        let identity = Identity::from_pem(pem.expose().as_bytes());
        let identity =
            identity.map_err(|_| unusable("the PEM needs a certificate and its private key, unencrypted"))?;
        let client = self.setup.client(|builder| builder.identity(identity));
        let client =
            client.map_err(|_| unusable("the certificate and the private key in the PEM do not fit together"))?;
        identities.insert(digest, client.clone());
        Ok(client)
    }
}

/// A client for what is not a token request (webhooks, pings): the same TLS, proxy, name rules and deadlines, no
/// redirects. Show none of its errors without `without_url`; read its answers by [`body`].
///
/// # Errors
/// The CA file, the proxy or the system's certificates cannot be used.
pub fn http_client(http: &settings::Http, ca: Option<&Path>) -> Result<Client, SetupFault> {
    Setup::new(http, ca, |name| std::env::var_os(name))?.client(|builder| builder)
}

/// [`http_client`] that keeps no connection: each request goes out on a fresh one, so that none is sent twice by a pool.
///
/// # Errors
/// The CA file, the proxy or the system's certificates cannot be used.
pub fn http_client_once(http: &settings::Http, ca: Option<&Path>) -> Result<Client, SetupFault> {
    Setup::new(http, ca, |name| std::env::var_os(name))?.client(|builder| builder.pool_max_idle_per_host(0))
}

/// Why a request of [`http_client`] failed, in words that may be shown.
#[must_use]
pub fn why(error: &reqwest::Error, host: &str) -> String {
    match fault::of(error, host, None, false) {
        Fault::Unreachable(reason) => reason.sentence().to_owned(),
        Fault::BadAnswer(_) => format!("the answer is no answer of an API ({host})"),
        Fault::Unreadable(_) | Fault::Offline => format!("no connection can be made ({host})"),
    }
}

/// The body of an answer as far as 256 KiB after decompression; `None`: it is longer.
///
/// # Errors
/// Those of the connection.
pub async fn body(response: &mut reqwest::Response) -> reqwest::Result<Option<Zeroizing<Vec<u8>>>> {
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(4096);
    // Room for all of it at once, where that is known: a buffer that grows leaves copies of the token behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected.min(BODY_LIMIT)));
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > BODY_LIMIT {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

impl Setup {
    fn new(
        http: &settings::Http,
        ca: Option<&Path>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SetupFault> {
        Ok(Self {
            roots: ca.map(roots).transpose()?.unwrap_or_default(),
            route: proxy::route(http.proxy.as_ref(), variable)?,
            timeout: http.timeout.as_std(),
            per_host: http.per_host,
        })
    }

    fn client(&self, more: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, SetupFault> {
        let names = Guarded { proxy: self.route.as_ref().and_then(|route| route.proxy.host_str()).map(str::to_owned) };
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            // 307 and 308 would post the secret to wherever the answer says.
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(Arc::new(names))
            .connect_timeout(CONNECT_TIMEOUT.min(self.timeout))
            .timeout(self.timeout)
            .pool_max_idle_per_host(self.per_host.max(1))
            .tls_certs_merge(self.roots.clone());
        if let Some(route) = &self.route {
            builder = builder.proxy(route.rule().map_err(|_| SetupFault::Proxy { variable: "http.proxy" })?);
        }
        // The reason is not shown, for it is the library's; without extra certificates there is only one.
        more(builder).build().map_err(|_| SetupFault::Tls)
    }

    fn is_proxied(&self, url: &Url) -> bool {
        self.route.is_some() && !dns::is_this_machine(url)
    }
}

fn roots(path: &Path) -> Result<Vec<Certificate>, SetupFault> {
    let fault = |reason: String| SetupFault::Ca { path: path.to_owned(), reason };
    let pem = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => fault("there is no such file".to_owned()),
        kind => fault(format!("it cannot be read: {kind}")),
    })?;
    let roots = Certificate::from_pem_bundle(&pem).map_err(|_| fault("it is not readable PEM".to_owned()))?;
    if roots.is_empty() { Err(fault("there is no certificate in it".to_owned())) } else { Ok(roots) }
}

#[async_trait::async_trait]
impl Wire for Transport {
    async fn exchange(&self, request: Request<'_>) -> Result<Response, Fault> {
        let host = host_of(request.url);
        if dns::is_forbidden(request.url) {
            return Err(fault::unreachable(Unreachable::ForbiddenAddress, &host, fault::forbidden()));
        }
        let client = match request.identity {
            Some(pem) => self.identified(pem).await?,
            None => self.client.clone(),
        };
        let mut builder = match request.form {
            Some(form) => client
                .post(request.url.clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.to_owned()),
            None => client.get(request.url.clone()),
        };
        builder = builder.header(ACCEPT, "application/json").header("client-request-id", request.id);
        if let Some(value) = request.authorization.and_then(|value| HeaderValue::from_str(value).ok()) {
            let mut value = value;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        let proxied = self.setup.is_proxied(request.url);
        let mut status = None;
        let exchange = async {
            let failed = |error: &reqwest::Error, status| fault::of(error, &host, status, proxied);
            let mut response = builder.send().await.map_err(|error| failed(&error, None))?;
            let code = response.status().as_u16();
            status = Some(code);
            if response.status().is_redirection() {
                return Err(Fault::BadAnswer(BadAnswer::Redirect { status: code }));
            }
            let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let retry_after = retry_after.map(str::to_owned);
            match body(&mut response).await {
                Ok(Some(body)) => Ok(Response { status: code, retry_after, body }),
                Ok(None) => Err(Fault::BadAnswer(BadAnswer::TooLarge { status: code })),
                Err(error) => Err(failed(&error, Some(code))),
            }
        };
        match tokio::time::timeout(request.timeout, exchange).await {
            Ok(done) => done,
            Err(_) => Err(fault::timeout(&host, status.is_some())),
        }
    }
}
