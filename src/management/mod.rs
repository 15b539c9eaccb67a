//! Management APIs of identity providers: the credentials of an app are listed, made and removed here.
//!
//! A new provider costs one file here and one line in the registry. Nothing here decides anything: what may be
//! made or removed, and when, is the rotation's to say.

mod auth0;
mod aveva;
mod entra;
mod hook;
mod keycloak;
mod okta;
mod open;
mod own;
mod rest;
mod sign_in;
#[cfg(all(test, feature = "sandbox"))]
mod tests;

pub use auth0::Auth0;
pub use aveva::Aveva;
pub use entra::Entra;
pub use hook::{Hook, of_app as hook_of_app};
pub use keycloak::Keycloak;
pub use okta::{Okta, SCOPE as OKTA_SCOPE};
pub use open::{OpenFault, open, sign_in};
pub use own::{own_apps, own_end};
pub use rest::Access;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::secret::Secret;

/// The provider's id of one credential of an app (Entra: `keyId`, AVEVA and Okta: secret id).
pub type KeyId = String;

/// The management of one app's credentials.
#[async_trait]
pub trait Management: Send + Sync {
    fn capabilities(&self) -> Capabilities;

    /// Every credential of the app as the provider shows it now.
    ///
    /// # Errors
    /// No whole list: a listing is never partial.
    async fn list(&self) -> Result<Listing, ManagementFault>;

    /// What the provider's policies and limits allow for a new credential.
    ///
    /// # Errors
    /// They could not be read; a right that is missing for this alone is `Ok` with `None`.
    async fn constraints(&self) -> Result<Constraints, ManagementFault>;

    /// Makes a credential (kinds B and C: replaces the one there is). One request on a fresh connection, sent once.
    ///
    /// # Errors
    /// [`CreateFault::Refused`] only where nothing was or will be made.
    async fn create(&self, order: &Order) -> Result<Created, CreateFault>;

    /// Removes one credential by its id (Okta: deactivates, then deletes; Keycloak: the rotated secret). Sent once; an id that is not there is `Gone`.
    ///
    /// # Errors
    /// Not removed, or nobody knows.
    async fn remove(&self, key_id: &str) -> Result<Removed, ManagementFault>;

    /// The value in force, where the provider lets it be read ([`Capabilities::readable`]).
    ///
    /// # Errors
    /// It could not be read; a provider without such a call refuses.
    async fn current(&self) -> Result<Secret, ManagementFault>;

    /// Whether a credential was used since `since`, by requests other than those of ours that are named.
    ///
    /// # Errors
    /// It could not be asked.
    async fn usage(&self, question: &UsageQuestion<'_>) -> Result<Usage, ManagementFault>;
}

/// What the engine branches on; never on a provider's name (rotation.md section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    pub overlap: Overlap,
    /// The value in force can be read again ([`Management::current`]).
    pub readable: bool,
    pub label: Label,
    /// Most live credentials an app may have; `None`: no small fixed number. An app's own limit stands in [`Constraints`].
    pub limit: Option<u32>,
    /// How long a removal may take to be noticed by the token endpoint.
    pub removal_delay: Duration,
    /// How long the token endpoint may need to know a new value; `None`: the settings' `live_deadline`.
    pub live_deadline: Option<Duration>,
    /// [`Management::usage`] can give proof of non-use.
    pub tells_usage: bool,
}

/// Which values are live after a create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// Kind A: old and new, until the old one is removed.
    Full,
    /// Kind B: the old one for the provider's own period.
    RotatedGrace,
    /// Kind C: the new one only.
    None,
}

/// Where a marker of ours is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// In a field that the provider keeps and lists.
    Kept,
    /// Nowhere; the value is made by us and sent (Okta), so that [`Listed::fingerprint`]s can be compared.
    ByValue,
    /// Nowhere; the value can be read.
    Readable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub credentials: Vec<Listed>,
    /// The provider's `Date` header.
    pub date: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: KeyId,
    /// The label as the provider keeps it; ours is a marker, anybody else's any text.
    pub label: Option<String>,
    pub start: Option<DateTime<Utc>>,
    /// `None`: never, or not told.
    pub end: Option<DateTime<Utc>>,
    /// The first characters of the value (Entra: 3).
    pub hint: Option<String>,
    /// Set where the provider's list carries the value itself, as Okta's may.
    pub fingerprint: Option<crate::secret::Fingerprint>,
    pub on: Holder,
    /// A SAML signing certificate's password and the like: listed, and no client secret.
    pub is_secret: bool,
    /// Deactivated: not accepted, still listed.
    pub active: bool,
}

/// Which object a credential sits on (Entra has two for one app).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    #[default]
    Application,
    ServicePrincipal,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constraints {
    /// Longest lifetime a policy allows.
    pub max_lifetime: Option<Duration>,
    /// Secrets are forbidden altogether, in the provider's words made harmless.
    pub forbidden: Option<String>,
    /// This app's own limit, where it differs from [`Capabilities::limit`].
    pub limit: Option<u32>,
    /// Kind B: how long the provider accepts the old value after a create; `None`: not at all.
    pub rotated_grace: Option<Duration>,
    /// Kind B: lifetime that the provider's policy gives a new value.
    pub fixed_lifetime: Option<Duration>,
    /// What holds in place of all this for a secret on the service principal, where that has any.
    pub on_principal: Option<Box<Self>>,
}

impl Constraints {
    #[must_use]
    pub fn on(&self, holder: Holder) -> &Self {
        self.on_principal.as_deref().filter(|_| holder == Holder::ServicePrincipal).unwrap_or(self)
    }
}

/// What to make.
#[derive(Debug)]
pub struct Order {
    /// Stands in the provider's label, where there is one.
    pub marker: String,
    pub end: DateTime<Utc>,
    pub on: Holder,
    /// Made by us and sent, where the provider wants it so ([`Label::ByValue`]).
    pub value: Option<Secret>,
}

#[derive(Debug)]
pub struct Created {
    /// `None` where the provider has no ids (Keycloak, Auth0).
    pub key_id: Option<KeyId>,
    pub value: Secret,
    /// As the provider set it; `None`: never, or not told.
    pub end: Option<DateTime<Utc>>,
    /// The provider's `Date` header.
    pub date: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    Removed,
    /// There was nothing of that id.
    Gone,
}

pub struct UsageQuestion<'a> {
    /// Has it been used?
    pub key_id: &'a str,
    pub since: DateTime<Utc>,
    /// Our own sign-ins: `x-ms-request-id`s and `client-request-id`s.
    pub ours: &'a [String],
    /// The positive control: our sign-ins with this one must show,
    pub control: &'a str,
    /// and one of them since then: a log that lags behind shows nothing of the last days.
    pub control_since: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// Proof of non-use: the log shows our own sign-ins and none of anybody else's with this id.
    Unused,
    UsedAt(DateTime<Utc>),
    /// With the reason.
    CannotTell(String),
}

/// A call that gave no result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ManagementFault {
    pub kind: FaultKind,
    /// What happened, in words that may be shown: no value, no token, no foreign text as it came.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Certainly not sent: no connection, no name, no TLS.
    NotSent,
    /// Sent, and no usable answer: a timeout, a reset, 5xx, an unreadable body.
    NoAnswer,
    /// 429, with the pause it asks for.
    Throttled { retry_after: Option<Duration> },
    /// 401, or our own sign-in was refused.
    SignIn,
    /// 403.
    Forbidden,
    /// The app is not there.
    NotFound,
    /// 409, 412, "concurrent requests": again after a new look.
    Conflict,
    /// Any other definite no.
    Refused,
}

/// How a create failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CreateFault {
    /// Nothing was made, now or later.
    #[error(transparent)]
    Refused(ManagementFault),
    /// Something may have been made.
    #[error("{0}")]
    Unknown(String),
}
