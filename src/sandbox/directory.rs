//! What the sandbox knows: apps and their credentials.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::secret::Secret;

#[derive(Debug, Default)]
pub struct Directory {
    apps: Mutex<Vec<App>>,
}

impl Directory {
    pub fn register(&self, app: App) {
        self.apps().push(app);
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
    /// The credential of that value, whether it still holds or not.
    pub(super) fn credential(&self, value: &str) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.value.expose() == value)
    }
}

#[derive(Debug)]
pub struct Credential {
    /// Entra's `keyId`, AVEVA's secret id.
    pub key_id: String,
    /// `None`: never.
    pub end: Option<DateTime<Utc>>,
    value: Secret,
}

impl Credential {
    /// A new secret with the platform's shape.
    #[must_use]
    pub fn issue(platform: Platform, key_id: String, end: Option<DateTime<Utc>>) -> Self {
        Self { key_id, end, value: random_secret(platform) }
    }

    #[must_use]
    pub const fn value(&self) -> &Secret {
        &self.value
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
