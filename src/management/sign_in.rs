//! How credwatch itself signs in to a management API, with a token kept until shortly before its end.

mod client;
mod identity;
#[cfg(test)]
mod tests;

pub use client::{ClientSignIn, Proof};
pub use identity::{METADATA_SERVICE, ManagedIdentity};

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};

use super::{Access, FaultKind, ManagementFault};
use crate::{
    api::{Answer, CallFault},
    clock,
    secret::Secret,
};

/// One way to a token.
#[async_trait]
pub trait Grant: Send + Sync {
    /// Asks for a token, once.
    async fn ask(&self) -> Result<Answer, ManagementFault>;
}

pub struct SignIn<G> {
    grant: G,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: Arc<Secret>,
    until: Instant,
}

/// A token that ends sooner than this is not used any more.
const MARGIN: Duration = Duration::from_secs(60);
/// However long a token says that it lasts.
const LONGEST: Duration = Duration::from_secs(86_400);

/// RFC 6749 section 5.2, and what servers answer with besides.
const ERRORS: [&str; 9] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
    "invalid_resource",
    "unauthorized",
];

#[derive(Deserialize)]
struct Granted {
    #[serde(deserialize_with = "secret")]
    access_token: Secret,
    #[serde(default)]
    expires_in: Value,
    /// App Service tells the end instead, in seconds since 1970.
    #[serde(default)]
    expires_on: Value,
}

#[derive(Deserialize)]
struct Refused {
    error: Option<String>,
    #[serde(default)]
    error_codes: Vec<u64>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

impl<G: Grant> SignIn<G> {
    pub fn new(grant: G) -> Self {
        Self { grant, kept: Mutex::new(None) }
    }
}

#[async_trait]
impl<G: Grant> Access for SignIn<G> {
    async fn token(&self, refused: bool) -> Result<Arc<Secret>, ManagementFault> {
        let mut kept = self.kept.lock().await;
        if refused {
            *kept = None;
        }
        if let Some(known) = kept.as_ref().filter(|known| known.until > Instant::now()) {
            return Ok(Arc::clone(&known.token));
        }
        // Of the time that the answer took, nobody knows which part the token has lived for already.
        let asked = Instant::now();
        let granted = read(&self.grant.ask().await?)?;
        let lasts = granted.lasts(clock::now()).saturating_sub(MARGIN).min(LONGEST);
        let token = Arc::new(granted.access_token);
        *kept = Some(Kept { token: Arc::clone(&token), until: asked + lasts });
        Ok(token)
    }
}

impl Granted {
    /// Zero where nothing is said: the token is good for one call.
    fn lasts(&self, now: DateTime<Utc>) -> Duration {
        let on = |end: u64| end.checked_sub(u64::try_from(now.timestamp()).ok()?);
        let told = count(&self.expires_in).or_else(|| count(&self.expires_on).and_then(on));
        Duration::from_secs(told.unwrap_or_default())
    }
}

/// Managed identities write numbers as text.
fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn read(answer: &Answer) -> Result<Granted, ManagementFault> {
    if answer.is_success() {
        let granted = answer.json::<Granted>().filter(|granted| !granted.access_token.expose().is_empty());
        return granted.ok_or_else(|| fault_of(FaultKind::NotSent, "the token endpoint's answer is none"));
    }
    if matches!(answer.status, 408 | 429 | 500..) {
        let why = format!("the token endpoint answers HTTP {}", answer.status);
        return Err(fault_of(FaultKind::NotSent, &why));
    }
    let refused = answer.json::<Refused>().unwrap_or(Refused { error: None, error_codes: Vec::new() });
    let codes: Vec<String> = refused.error_codes.iter().map(|code| format!("AADSTS{code}")).collect();
    let said = refused.error.unwrap_or_default();
    // Any other text may be what was sent, thrown back.
    let error = ERRORS.iter().find(|known| **known == said).copied().unwrap_or("no reason that is known");
    let why = format!("our own sign-in is refused: {error} {}", codes.join(" "));
    Err(fault_of(FaultKind::SignIn, why.trim_end()))
}

/// Nothing was asked of the management API yet, whatever became of this request.
fn not_asked(fault: CallFault) -> ManagementFault {
    let (CallFault::NotSent(why) | CallFault::NoAnswer(why)) = fault;
    fault_of(FaultKind::NotSent, &why)
}

fn fault_of(kind: FaultKind, why: &str) -> ManagementFault {
    ManagementFault { kind, message: format!("signing in to the management API: {why}") }
}
