//! One call to a JSON API (management of providers, stores) with every limit it must keep: one deadline over connect, send
//! and body, no redirects, no retries, a fresh connection, 256 KiB of answer, and errors in words of our own.

use std::{path::Path, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{
    Client, Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use thiserror::Error;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    clock,
    probe::{self, SetupFault},
    secret::Secret,
    settings,
};

/// The way to JSON APIs.
#[derive(Clone)]
pub struct Api {
    client: Client,
    deadline: Duration,
}

/// One request.
pub struct Call<'a> {
    pub method: Method,
    pub url: Url,
    /// Sent as `Authorization: Bearer`.
    pub bearer: Option<&'a Secret>,
    /// Further headers; a sensitive value is marked so by the caller.
    pub headers: Vec<(&'static str, HeaderValue)>,
    pub body: Body,
}

#[derive(Default)]
pub enum Body {
    #[default]
    Empty,
    /// May hold a value.
    Json(Zeroizing<Vec<u8>>),
    /// `application/x-www-form-urlencoded`; may hold a value.
    Form(Zeroizing<String>),
}

/// A whole answer of any status below 300 or from 400 on.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// May hold a value.
    pub body: Zeroizing<Vec<u8>>,
}

/// Why there is no answer to read. The texts name hosts and reasons, never a value or a path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallFault {
    /// Nothing reached the server.
    #[error("{0}")]
    NotSent(String),
    /// It may have reached the server.
    #[error("{0}")]
    NoAnswer(String),
}

impl Api {
    /// # Errors
    /// The CA file, the proxy or the system's certificates cannot be used.
    pub fn new(http: &settings::Http, ca: Option<&Path>) -> Result<Self, SetupFault> {
        Ok(Self { client: probe::http_client_once(http, ca)?, deadline: http.timeout.as_std() })
    }

    /// Sends a request once and reads its answer whole.
    ///
    /// # Errors
    /// No answer, one that is longer than 256 KiB, or a redirect.
    pub async fn call(&self, call: Call<'_>) -> Result<Answer, CallFault> {
        if probe::is_forbidden(&call.url) {
            let host = call.url.host_str().unwrap_or_default();
            return Err(CallFault::NotSent(format!(
                "this address leads to this machine or to a metadata service ({host})"
            )));
        }
        self.send(call).await
    }

    /// The same to where a machine is told of its own identity; no proxy stands before plain http. `named_by_platform`: the
    /// environment names the place and carries the header that goes there.
    ///
    /// # Errors
    /// Those of [`Api::call`], or any other address.
    pub async fn ask_for_identity(&self, call: Call<'_>, named_by_platform: bool) -> Result<Answer, CallFault> {
        if !probe::is_identity_endpoint(&call.url, named_by_platform) {
            let host = call.url.host_str().unwrap_or_default();
            let link = if named_by_platform { "its link (169.254.0.0/16)" } else { "at 169.254.169.254" };
            return Err(CallFault::NotSent(format!(
                "a managed identity is asked for over http on this machine or {link}, and nowhere else ({host})"
            )));
        }
        self.send(call).await
    }

    async fn send(&self, call: Call<'_>) -> Result<Answer, CallFault> {
        let host = call.url.host_str().unwrap_or_default().to_owned();
        let request =
            self.request(call).map_err(|()| CallFault::NotSent(format!("the request cannot be built ({host})")))?;
        let exchange = async {
            let failed = |error: &reqwest::Error| {
                let sentence = probe::why(error, &host);
                // A connection that was never made carried nothing; anything later may have arrived.
                if error.is_connect() || error.is_builder() {
                    CallFault::NotSent(sentence)
                } else {
                    CallFault::NoAnswer(sentence)
                }
            };
            let mut response = self.client.execute(request).await.map_err(|error| failed(&error))?;
            let status = response.status();
            if status.is_redirection() || status.is_informational() {
                return Err(CallFault::NoAnswer(format!("{host} answers with a redirect, which is not followed")));
            }
            let headers = response.headers().clone();
            match probe::body(&mut response).await {
                Ok(Some(body)) => Ok(Answer { status: status.as_u16(), headers, body }),
                Ok(None) => Err(CallFault::NoAnswer(format!("the answer of {host} is longer than 256 KiB"))),
                Err(error) => Err(CallFault::NoAnswer(probe::why(&error, &host))),
            }
        };
        match tokio::time::timeout(self.deadline, exchange).await {
            Ok(done) => done,
            Err(_) => Err(CallFault::NoAnswer(format!("no answer came in time ({host})"))),
        }
    }

    fn request(&self, call: Call<'_>) -> Result<reqwest::Request, ()> {
        let mut builder = self.client.request(call.method, call.url).header(ACCEPT, "application/json");
        for (name, value) in call.headers {
            builder = builder.header(name, value);
        }
        if let Some(token) = call.bearer {
            let text = Zeroizing::new(format!("Bearer {}", token.expose()));
            let mut value = HeaderValue::from_str(&text).map_err(|_| ())?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        builder = match call.body {
            Body::Empty => builder,
            Body::Json(bytes) => builder.header(CONTENT_TYPE, "application/json").body(bytes.to_vec()),
            Body::Form(text) => {
                builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(text.as_bytes().to_vec())
            }
        };
        builder.build().map_err(|_| ())
    }
}

impl Answer {
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body as JSON; `None` where it is none.
    #[must_use]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The server's own clock (RFC 9110 section 6.6.1).
    #[must_use]
    pub fn date(&self) -> Option<DateTime<Utc>> {
        let text = self.headers.get(DATE)?.to_str().ok()?;
        DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc())
    }

    /// The pause it asks for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        probe::retry_after(text, clock::now()).map(Duration::from_secs)
    }
}
