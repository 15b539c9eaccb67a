//! Identity providers: where each one's token endpoint is, what a request to it needs, what its answers mean.
//!
//! A new provider costs one file here and one line in [`PROVIDERS`]. A provider reads an answer into a
//! [`Meaning`]; it judges nothing.

mod address;
mod auth0;
mod aveva;
mod entra;
mod keycloak;
mod lenient;
mod oauth2;
mod oauth_error;
mod okta;
mod reply;
#[cfg(test)]
mod tests;

pub use entra::{Aadsts, aadsts, aadsts_codes};
pub use reply::{Reply, Tokens};

use std::fmt;

use url::Url;

use crate::inventory::{AuthMethod, TokenEndpoint};

/// Every provider, by the name the inventory uses.
pub static PROVIDERS: &[&dyn Provider] =
    &[&entra::Entra, &aveva::Aveva, &keycloak::Keycloak, &okta::Okta, &auth0::Auth0, &oauth2::OAuth2];

/// The provider of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Provider> {
    PROVIDERS.iter().copied().find(|provider| provider.name() == name)
}

/// Every name, in that order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    PROVIDERS.iter().map(|provider| provider.name()).collect()
}

/// What credwatch must know of an identity provider to test a credential.
pub trait Provider: Send + Sync {
    /// As `provider:` in the inventory.
    fn name(&self) -> &'static str;

    /// The fields of [`Fields`] that mean something here, besides `token_endpoint`; any other is a user's mistake.
    fn fields(&self) -> &'static [&'static str];

    /// Where the app's token endpoint and management API are.
    ///
    /// # Errors
    /// The field that is missing or wrong, with advice.
    fn endpoints(&self, fields: &Fields) -> Result<Endpoints, FieldFault>;

    /// The method for a client secret where the inventory names none.
    fn secret_method(&self) -> AuthMethod {
        AuthMethod::ClientSecretPost
    }

    /// Whether the provider knows this method at all.
    fn allows(&self, _method: AuthMethod) -> bool {
        true
    }

    /// The scope where the inventory names none.
    fn default_scope(&self, _fields: &Fields) -> Option<String> {
        None
    }

    /// How a certificate's assertion is signed and labelled.
    fn assertion(&self) -> AssertionProfile {
        AssertionProfile::Rfc7523
    }

    /// Whether a value has the shape of this provider's secret *id*, which people paste in the secret's place.
    fn is_secret_id(&self, _value: &str) -> bool {
        false
    }

    /// What an answer of this provider's token endpoint means.
    fn read(&self, reply: &Reply, sent: Sent) -> Meaning;
}

/// What the answered request proved itself with, as far as an answer's meaning depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// A key of the client's own (`private_key_jwt`, `tls_client_auth`): an `invalid_client` then says nothing about a
    /// secret. False for `client_secret_jwt`, whose key *is* the secret.
    pub assertion: bool,
}

impl Sent {
    #[must_use]
    pub const fn by(method: AuthMethod) -> Self {
        Self { assertion: matches!(method, AuthMethod::PrivateKeyJwt | AuthMethod::TlsClientAuth) }
    }
}

impl fmt::Debug for dyn Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The fields of an inventory entry that say where an app is registered, as written.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    pub tenant: Option<String>,
    pub cloud: Option<String>,
    pub authority: Option<Url>,
    pub graph: Option<Url>,
    pub region: Option<String>,
    pub base_url: Option<Url>,
    pub realm: Option<String>,
    pub domain: Option<String>,
    pub authorization_server: Option<String>,
    pub issuer: Option<Url>,
    pub token_endpoint: Option<Url>,
    /// `params.resource` is set.
    pub has_resource_param: bool,
    pub scope: Option<String>,
}

/// What [`Provider::endpoints`] derives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    pub token: TokenEndpoint,
    pub management: Option<Url>,
}

/// A field the provider cannot work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    pub field: &'static str,
    pub kind: FieldFaultKind,
    /// What to write instead; never repeats the value.
    pub advice: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldFaultKind {
    Missing,
    Invalid,
}

/// How an assertion names its certificate and which algorithm it prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionProfile {
    /// `kid` where declared; RS256 for RSA keys.
    Rfc7523,
    /// `x5t#S256` and PS256 (providers.md section 2); the certificate is required.
    Entra,
}

/// What a token endpoint's answer says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// A token was issued.
    Token,
    SecretRefused,
    SecretExpired,
    ClientUnknown,
    TenantUnknown,
    ClientDisabled,
    PrincipalMissing,
    /// A policy stopped the request; `authenticated` when the provider checks the credential before it.
    PolicyBlocked {
        authenticated: bool,
    },
    RequestRefused,
    ScopeRefused,
    AssertionRefused,
    Throttled,
    /// The server's own fault.
    ServerFault,
    /// No answer of a token endpoint at all (HTML, truncated, a 200 without a token).
    NotATokenAnswer,
    /// A refusal nobody has described.
    Unknown,
}
