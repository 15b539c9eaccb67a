//! The token endpoint of an issuer, by its metadata (RFC 8414, OpenID Connect Discovery 1.0).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use super::{
    Unreachable, dns,
    fault::{self, Fault},
    request::host_of,
    transport::{Request, Wire},
};

/// Where a token is asked for, and whose word it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) url: Url,
    /// For clients that prove themselves by TLS (`mtls_endpoint_aliases`, RFC 8705 section 5).
    pub(super) tls_url: Option<Url>,
    /// As its metadata name it; `None`: it is declared.
    issuer: Option<String>,
    /// Its metadata lists `client_secret_post` and not `client_secret_basic`.
    pub(super) only_post: bool,
}

impl Endpoint {
    pub(super) fn declared(url: &Url) -> Self {
        Self { url: url.clone(), tls_url: None, issuer: None, only_post: false }
    }

    /// Of a declared endpoint what is left without the paths servers use.
    pub(super) fn issuer(&self) -> String {
        const PATHS: [(&str, &str); 7] = [
            ("/protocol/openid-connect/token", ""),
            ("/oauth2/v2.0/token", "/v2.0"),
            ("/oauth2/v1/token", ""),
            ("/v1/token", ""),
            ("/oauth2/token", ""),
            ("/oauth/token", "/"),
            ("/token", ""),
        ];
        let bare = self.url.as_str().split(['?', '#']).next().unwrap_or_default();
        let derived = || PATHS.iter().find_map(|(end, left)| Some(format!("{}{left}", bare.strip_suffix(end)?)));
        self.issuer.clone().or_else(derived).unwrap_or_else(|| bare.to_owned())
    }
}

#[derive(Deserialize)]
struct Metadata {
    issuer: Option<String>,
    token_endpoint: Option<String>,
    /// Where it is absent, `client_secret_basic` is meant (RFC 8414 section 2).
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    mtls_endpoint_aliases: Aliases,
}

#[derive(Default, Deserialize)]
struct Aliases {
    token_endpoint: Option<String>,
}

/// What one run has learned of its issuers; each is asked once, however many apps name it.
#[derive(Default)]
pub(super) struct Issuers(Mutex<HashMap<Url, Arc<Asked>>>);

/// Empty while nobody has an answer that stands.
type Asked = OnceCell<Result<Endpoint, Fault>>;

impl Issuers {
    /// The issuer's token endpoint. A failure is kept for the others only once `is_last` says that nobody tries again.
    ///
    /// # Errors
    /// What stands for all its credentials.
    pub(super) async fn endpoint(
        &self,
        wire: &dyn Wire,
        issuer: &Url,
        id: &str,
        timeout: Duration,
        is_last: impl Fn(&Fault) -> bool,
    ) -> Result<Endpoint, Fault> {
        let cell = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(issuer.clone()).or_default().clone();
        let asked = cell.get_or_try_init(|| async {
            match ask(wire, issuer, id, timeout).await {
                Err(fault) if !is_last(&fault) => Err(fault),
                asked => Ok(asked),
            }
        });
        asked.await?.clone()
    }
}

/// Both well-known places; the second where the first has nothing.
async fn ask(wire: &dyn Wire, issuer: &Url, id: &str, timeout: Duration) -> Result<Endpoint, Fault> {
    let mut reason = Err(discovery(issuer, "the issuer publishes no metadata"));
    for url in places(issuer) {
        let request = Request { url: &url, form: None, authorization: None, identity: None, id, timeout };
        let response = match wire.exchange(request).await {
            Ok(response) => response,
            Err(Fault::BadAnswer(_)) => continue,
            Err(fault) => return Err(fault),
        };
        if response.status >= 500 || response.status == 429 {
            reason = Err(fault::unreachable(
                Unreachable::Broken,
                host_of(issuer),
                "the issuer's metadata cannot be had now",
            ));
        } else if response.status == 200
            && let Ok(metadata) = serde_json::from_slice::<Metadata>(&response.body)
        {
            return endpoint(issuer, metadata).map_err(|sentence| discovery(issuer, sentence));
        }
    }
    reason
}

/// RFC 8414 section 3.1 puts its name before the issuer's path, OpenID behind it.
fn places(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    [format!("{path}/.well-known/openid-configuration"), format!("/.well-known/oauth-authorization-server{path}")].map(
        |path| {
            let mut url = issuer.clone();
            url.set_path(&path);
            url
        },
    )
}

fn endpoint(issuer: &Url, metadata: Metadata) -> Result<Endpoint, &'static str> {
    let named = metadata.issuer.ok_or("the issuer's metadata names no issuer")?;
    // Section 3.3: metadata of another issuer must not be used. Only the slash at the end is forgiven.
    let is_same =
        Url::parse(&named).is_ok_and(|url| url.as_str().trim_end_matches('/') == issuer.as_str().trim_end_matches('/'));
    if !is_same {
        return Err("the issuer's metadata is that of another issuer");
    }
    let url = metadata.token_endpoint.ok_or("the issuer's metadata names no token endpoint")?;
    let url = safe(issuer, &url).ok_or("the issuer's metadata names a token endpoint that is not https")?;
    let tls_url = metadata.mtls_endpoint_aliases.token_endpoint.and_then(|url| safe(issuer, &url));
    let methods = metadata.token_endpoint_auth_methods_supported.unwrap_or_default();
    let takes = |method: &str| methods.iter().any(|listed| listed == method);
    let only_post = takes("client_secret_post") && !takes("client_secret_basic");
    Ok(Endpoint { url, tls_url, issuer: Some(named), only_post })
}

/// What a secret may be sent to: https, and on this machine only what an issuer on this machine names.
fn safe(issuer: &Url, url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let is_safe = match dns::is_this_machine(&url) {
        true => matches!(url.scheme(), "http" | "https") && dns::is_this_machine(issuer),
        false => url.scheme() == "https",
    };
    (is_bare && is_safe).then_some(url)
}

fn discovery(issuer: &Url, sentence: &str) -> Fault {
    fault::unreachable(Unreachable::Discovery, host_of(issuer), sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn metadata_lies_at_either_place() {
        let shown = |issuer: &str| places(&url(issuer)).map(String::from);
        assert_eq!(
            shown("https://id.example.org/realms/corp/"),
            [
                "https://id.example.org/realms/corp/.well-known/openid-configuration",
                "https://id.example.org/.well-known/oauth-authorization-server/realms/corp",
            ]
        );
        assert_eq!(shown("https://id.example.org")[0], "https://id.example.org/.well-known/openid-configuration");
    }

    #[test]
    fn only_the_issuers_own_metadata_with_a_safe_endpoint_is_used() {
        let issuer = url("https://id.example.org/a");
        let read =
            |json: &str| endpoint(&issuer, serde_json::from_str(json).unwrap()).map(|found| found.url.to_string());
        let good = r#"{"issuer": "https://id.example.org/a/", "token_endpoint": "https://tokens.example.org/t"}"#;
        assert_eq!(read(good).as_deref(), Ok("https://tokens.example.org/t"));
        for (json, reason) in [
            ("{}", "the issuer's metadata names no issuer"),
            (r#"{"issuer": "https://id.example.org"}"#, "the issuer's metadata is that of another issuer"),
            (r#"{"issuer": "https://id.example.org/a"}"#, "the issuer's metadata names no token endpoint"),
        ] {
            assert_eq!(read(json).unwrap_err(), reason);
        }
        for endpoint in [
            "http://id.example.org/t",
            "https://u:p@id.example.org/t",
            "ftp://127.0.0.1/t",
            "file:///t",
            "t",
            "http://10.0.0.1/t",
            "https://127.0.0.1/t",
            "http://localhost/t",
        ] {
            let json = format!(r#"{{"issuer": "https://id.example.org/a", "token_endpoint": "{endpoint}"}}"#);
            assert_eq!(
                read(&json).unwrap_err(),
                "the issuer's metadata names a token endpoint that is not https",
                "{endpoint}"
            );
        }
    }

    #[test]
    fn the_issuer_of_a_declared_endpoint_is_what_stands_before_its_path() {
        for (endpoint, issuer) in [
            (
                "https://sso.example.org/realms/corp/protocol/openid-connect/token",
                "https://sso.example.org/realms/corp",
            ),
            ("https://dev.okta.com/oauth2/v1/token", "https://dev.okta.com"),
            ("https://dev.okta.com/oauth2/default/v1/token", "https://dev.okta.com/oauth2/default"),
            ("https://x.auth0.com/oauth/token", "https://x.auth0.com/"),
            ("http://127.0.0.1:9401/token", "http://127.0.0.1:9401"),
            ("https://login.microsoftonline.com/t/oauth2/v2.0/token", "https://login.microsoftonline.com/t/v2.0"),
        ] {
            assert_eq!(Endpoint::declared(&url(endpoint)).issuer(), issuer);
        }
    }
}
