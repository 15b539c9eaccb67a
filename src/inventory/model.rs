//! The valid inventory the rest of credwatch works on; reading guarantees what the types say.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use url::Url;

use super::Rotation;
use crate::{period::Period, provider::Provider, secret::SecretRef, yaml::Fault};

/// Everything read in one run, in the order it was written.
#[derive(Debug)]
pub struct Inventory {
    pub files: Vec<PathBuf>,
    pub apps: Vec<App>,
    /// What is accepted and had better be otherwise.
    pub warnings: Vec<Fault>,
}

impl Inventory {
    /// Every credential with its app, in the order it was written.
    pub fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        self.apps.iter().flat_map(|app| app.credentials.iter().map(move |credential| Subject { app, credential }))
    }
}

/// One credential and the app it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub app: &'a App,
    pub credential: &'a Credential,
}

/// One app registration.
#[derive(Debug, Clone)]
pub struct App {
    /// Unique over all files of a run.
    pub name: Arc<str>,
    /// Shared by the apps that are registered in the same place.
    pub registration: Arc<Registration>,
    pub client_id: String,
    pub auth_method: AuthMethod,
    /// Nobody chose it: an issuer's metadata may say that it takes another one.
    pub auth_method_is_usual: bool,
    /// `aud` of a signed assertion.
    pub assertion_audience: AssertionAudience,
    /// `None`: what the provider prefers.
    pub assertion_alg: Option<SigningAlgorithm>,
    pub scope: Option<Arc<str>>,
    /// Further form parameters of the token request, such as `resource` or `audience`.
    pub params: BTreeMap<String, String>,
    pub owners: Arc<[String]>,
    pub tags: Arc<[String]>,
    pub notes: Option<String>,
    pub runbook: Option<Url>,
    /// The product the credential is typed into; gives a remedy its steps.
    pub used_by: Option<Arc<str>>,
    /// `false`: stays listed, is not tested.
    pub enabled: bool,
    /// `None`: the policy of the settings.
    pub warn: Option<Period>,
    /// `None`: the policy of the settings.
    pub critical: Option<Period>,
    /// At least one.
    pub credentials: Vec<Credential>,
    /// Where its entry stands; `None` for one that was described without a file.
    pub origin: Option<Origin>,
}

/// A place in the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// As it was named or found in a named folder; shared by its apps.
    pub file: Arc<Path>,
    /// From 1.
    pub line: u32,
}

/// Where an app is registered: the provider and what it needs to find its endpoints.
#[derive(Debug, Clone)]
pub struct Registration {
    pub provider: &'static dyn Provider,
    pub tenant: Option<String>,
    pub token_endpoint: TokenEndpoint,
    /// Root of the management API (`graph` of Entra, `base_url` of AVEVA and Keycloak, `https://DOMAIN` of Okta and Auth0).
    pub management: Option<Url>,
    /// Keycloak's realm.
    pub realm: Option<String>,
}

/// Where tokens are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenEndpoint {
    Known(Url),
    /// Read from the issuer's metadata (RFC 8414, OpenID Connect Discovery).
    Discover {
        issuer: Url,
    },
}

/// One credential of an app.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Tells the credentials of one app apart; `None` where there is one.
    pub label: Option<Arc<str>>,
    pub key: Key,
    /// The provider's id of the credential (Entra: `keyId`).
    pub secret_id: Option<String>,
    /// `None`: not declared.
    pub expires: Option<Expires>,
    pub created: Option<DateTime<Utc>>,
    /// Opted in to rotation.
    pub rotate: Option<Arc<Rotation>>,
}

/// What the client proves itself with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A client secret, sent or used as the key of an HMAC assertion.
    Secret(SecretRef),
    /// PEM with a private key and, where the provider needs it, the certificate.
    Certificate { pem: SecretRef, key_id: Option<String> },
    /// Nothing declared: dates only.
    Undeclared,
}

impl Key {
    /// As reports name it (`kind`).
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Secret(_) | Self::Undeclared => "client_secret",
            Self::Certificate { .. } => "certificate",
        }
    }
}

/// A declared end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expires {
    Never,
    At(DateTime<Utc>),
}

/// How the client authenticates at the token endpoint (names of the IANA registry "OAuth Token Endpoint Authentication Methods").
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    ClientSecretBasic,
    ClientSecretPost,
    ClientSecretJwt,
    PrivateKeyJwt,
    TlsClientAuth,
}

/// `aud` of a client assertion: servers differ in which one they take (RFC 7523 section 3 allows the token endpoint).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    #[default]
    TokenEndpoint,
    Issuer,
}

/// JWS algorithms for client assertions (RFC 7518 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
pub enum SigningAlgorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}
