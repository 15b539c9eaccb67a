//! The token request: the client credentials grant (RFC 6749 section 4.4.2) and the client's proof of itself.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use url::{Position, Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{
    Unreadable,
    assertion::Statement,
    discovery::Endpoint,
    key::{self, Certificate, SigningKey},
};
use crate::{
    inventory::{App, AssertionAudience, AuthMethod, Key},
    provider::Fields,
    secret::{Redactor, Secret, Wiped},
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a reference led to, read as far as its use needs.
pub(super) enum Material {
    Secret(Secret),
    Pem { pem: Secret, certificate: Option<Certificate>, key: Option<Box<SigningKey>> },
}

impl Material {
    /// Takes a PEM apart; the key is read only where something is `signed` with it.
    pub(super) fn of_pem(pem: Secret, signed: bool) -> Result<Self, Unreadable> {
        let certificate = key::certificate(pem.expose()).map_err(Unreadable::BadKey)?;
        let key = signed.then(|| key::signing_key(pem.expose())).transpose().map_err(Unreadable::BadKey)?;
        Ok(Self::Pem { pem, certificate, key: key.map(Box::new) })
    }

    pub(super) fn value(&self) -> &Secret {
        match self {
            Self::Secret(value) => value,
            Self::Pem { pem, .. } => pem,
        }
    }
}

/// A token request, ready to be sent. Every text in it may be or hold the secret.
pub(super) struct TokenRequest {
    /// Wiped when the last who holds it lets it go.
    pub(super) form: Bytes,
    /// Value of the `Authorization` header.
    pub(super) authorization: Option<Zeroizing<String>>,
    assertion: Option<Zeroizing<String>>,
}

impl TokenRequest {
    /// # Errors
    /// The key does not fit the method, or cannot sign.
    pub(super) fn new(
        app: &App,
        key: &Key,
        material: &Material,
        endpoint: &Endpoint,
        now: DateTime<Utc>,
    ) -> Result<Self, Unreadable> {
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(512));
        form.append_pair("grant_type", "client_credentials");
        let (mut authorization, mut assertion) = (None, None);
        let audience = match app.assertion_audience {
            AssertionAudience::TokenEndpoint => endpoint.url.as_str().into(),
            AssertionAudience::Issuer => Cow::from(endpoint.issuer()),
        };
        let statement = Statement { client_id: &app.client_id, audience: &audience, now };
        match (auth_method(app, endpoint), material) {
            // Never both ways in one request (RFC 6749 section 2.3; Okta answers 401 to it).
            (AuthMethod::ClientSecretBasic, Material::Secret(secret)) => {
                authorization = Some(basic(&app.client_id, secret.expose()));
            }
            (AuthMethod::ClientSecretPost, Material::Secret(secret)) => {
                form.append_pair("client_id", &app.client_id).append_pair("client_secret", secret.expose());
            }
            (AuthMethod::ClientSecretJwt, Material::Secret(secret)) => {
                assertion = Some(statement.by_secret(secret.expose(), app.assertion_alg));
            }
            (AuthMethod::PrivateKeyJwt, Material::Pem { certificate, key: Some(signing), .. }) => {
                let Key::Certificate { key_id, .. } = key else { return Err(misfit()) };
                let profile = app.registration.provider.assertion();
                let (certificate, key_id) = (certificate.as_ref(), key_id.as_deref());
                assertion = Some(statement.by_key(signing, certificate, key_id, profile, app.assertion_alg));
            }
            // RFC 8705 section 2: the certificate is shown in the handshake.
            (AuthMethod::TlsClientAuth, Material::Pem { .. }) => {
                form.append_pair("client_id", &app.client_id);
            }
            _ => return Err(misfit()),
        }
        let assertion = assertion.transpose().map_err(Unreadable::BadKey)?.map(Zeroizing::new);
        if let Some(assertion) = &assertion {
            form.append_pair("client_id", &app.client_id);
            form.append_pair("client_assertion_type", JWT_BEARER).append_pair("client_assertion", assertion);
        }
        if let Some(scope) = scope(app) {
            form.append_pair("scope", &scope);
        }
        form.extend_pairs(&app.params);
        let form = Wiped::from(form.finish().into_bytes());
        Ok(Self { form: Bytes::from_owner(form), authorization, assertion })
    }

    /// Finds every trace of what was sent.
    pub(super) fn redactor<'a>(&'a self, material: &'a Material) -> Redactor {
        let header = self.authorization.as_ref().and_then(|value| value.split(' ').nth(1));
        let assertion = self.assertion.as_ref().map(|assertion| assertion.as_str());
        Redactor::new([Some(material.value().expose()), header, assertion].into_iter().flatten())
    }
}

/// What the app declares; else what its issuer's metadata leaves of the usual method.
fn auth_method(app: &App, endpoint: &Endpoint) -> AuthMethod {
    match app.auth_method {
        AuthMethod::ClientSecretBasic if app.auth_method_is_usual && endpoint.only_post => AuthMethod::ClientSecretPost,
        method => method,
    }
}

/// Id and secret are form-encoded before they are joined (RFC 6749 section 2.3.1): a secret may hold a colon.
fn basic(client_id: &str, secret: &str) -> Zeroizing<String> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let joined = Zeroizing::new(format!("{}:{}", encoded(client_id), &*Zeroizing::new(encoded(secret))));
    Zeroizing::new(format!("Basic {}", &*Zeroizing::new(STANDARD.encode(joined.as_bytes()))))
}

fn scope(app: &App) -> Option<Cow<'_, str>> {
    if let Some(scope) = &app.scope {
        return Some((&**scope).into());
    }
    let fields = Fields {
        tenant: app.registration.tenant.clone(),
        graph: app.registration.management.clone(),
        has_resource_param: app.params.contains_key("resource"),
        ..Fields::default()
    };
    app.registration.provider.default_scope(&fields).map(Into::into)
}

fn misfit() -> Unreadable {
    Unreadable::BadKey("auth_method does not fit what the entry holds: a secret or a certificate".to_owned())
}

/// `host`, or `host:port` where the port is not the scheme's own.
pub(super) fn host_of(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_secret_are_form_encoded_before_they_are_joined() {
        // The characters that broke clients of a server that decodes as the RFC says.
        let header = basic("id:1", "s:p/%+ cret~ä*-._");
        let joined = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(String::from_utf8(joined).unwrap(), "id%3A1:s%3Ap%2F%25%2B+cret%7E%C3%A4*-._");
    }

    #[test]
    fn a_host_is_shown_with_a_port_of_its_own() {
        let shown = |url: &str| host_of(&url.parse().unwrap()).to_owned();
        assert_eq!(shown("https://id.example.org/token?x=1"), "id.example.org");
        assert_eq!(shown("http://127.0.0.1:9400/token"), "127.0.0.1:9400");
    }
}
