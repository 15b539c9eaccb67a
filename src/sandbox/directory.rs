//! What the sandbox knows: apps and their credentials.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Utc};
use tokio::time::Instant;
use uuid::Uuid;

use super::trouble::held;
use crate::{clock, secret::Secret};

#[derive(Debug, Default)]
pub struct Directory {
    apps: Mutex<Vec<App>>,
    replicas: Mutex<Replicas>,
}

/// Token requests go to them in turn.
#[derive(Debug, Default)]
struct Replicas {
    lags: Vec<Duration>,
    asked: usize,
}

impl Directory {
    pub fn register(&self, app: App) {
        self.apps().push(app);
    }

    /// As many replicas of Entra's token endpoint as there are lags: each learns of a change so much later. None: one without a lag.
    pub fn replicate(&self, lags: &[Duration]) {
        *held(&self.replicas) = Replicas { lags: lags.to_vec(), asked: 0 };
    }

    /// The lag of the replica whose turn it is.
    pub(super) fn next_lag(&self) -> Duration {
        let mut replicas = held(&self.replicas);
        let turn = replicas.asked.checked_rem(replicas.lags.len()).unwrap_or_default();
        replicas.asked = replicas.asked.wrapping_add(1);
        replicas.lags.get(turn).copied().unwrap_or_default()
    }

    /// Exclusive access: one request sees one state.
    pub(super) fn apps(&self) -> MutexGuard<'_, Vec<App>> {
        // A panic in another request leaves whole entries behind: they are pushed and removed in one step.
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose manners an app's endpoint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    Entra,
    Aveva,
}

#[derive(Debug)]
pub struct App {
    pub platform: Platform,
    pub tenant: String,
    pub client_id: String,
    pub name: String,
    pub enabled: bool,
    pub credentials: Vec<Credential>,
}

impl App {
    /// The credential of that value, whether it still holds or not, as a replica with this lag sees it.
    pub(super) fn credential(&self, value: &str, lag: Duration) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.value.expose() == value && credential.is_known(lag))
    }
}

#[derive(Debug)]
pub struct Credential {
    /// Entra's `keyId`, AVEVA's secret id.
    pub key_id: String,
    /// Entra's `displayName`.
    pub label: Option<String>,
    pub start: DateTime<Utc>,
    /// `None`: never.
    pub end: Option<DateTime<Utc>>,
    /// It sits on the service principal.
    pub on_principal: bool,
    /// Of the SAML signing certificate that this is the password of: no client secret then.
    pub certificate: Option<String>,
    value: Secret,
    /// `None`: since ever.
    added: Option<Instant>,
    removed: Option<Instant>,
}

impl Credential {
    /// A new secret with the platform's shape.
    #[must_use]
    pub fn issue(platform: Platform, key_id: String, end: Option<DateTime<Utc>>) -> Self {
        Self::of(random_secret(platform), key_id, end)
    }

    /// One of this value, known everywhere since ever.
    #[must_use]
    pub fn of(value: Secret, key_id: String, end: Option<DateTime<Utc>>) -> Self {
        Self {
            key_id,
            label: None,
            start: clock::now(),
            end,
            on_principal: false,
            certificate: None,
            value,
            added: None,
            removed: None,
        }
    }

    #[must_use]
    pub const fn value(&self) -> &Secret {
        &self.value
    }

    /// Replicas learn of it from now on.
    pub(super) fn add(mut self) -> Self {
        self.added = Some(Instant::now());
        self
    }

    pub(super) fn remove(&mut self) {
        self.removed = Some(Instant::now());
    }

    pub(super) const fn is_removed(&self) -> bool {
        self.removed.is_some()
    }

    pub(super) fn is_known(&self, lag: Duration) -> bool {
        self.certificate.is_none()
            && self.added.is_none_or(|at| at.elapsed() >= lag)
            && self.removed.is_none_or(|at| at.elapsed() < lag)
    }

    pub(super) fn has_ended(&self, now: DateTime<Utc>) -> bool {
        self.end.is_some_and(|end| end <= now)
    }
}

/// 244 random bits: with a tilde in it as Entra's have (providers.md section 2), or plain base64.
#[must_use]
pub(super) fn random_secret(platform: Platform) -> Secret {
    let bytes = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    Secret::new(match platform {
        Platform::Entra => {
            let mut text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
            text.insert_str(3, "8Q~");
            text
        }
        Platform::Aveva => BASE64_STANDARD.encode(bytes),
    })
}
