//! Findings: what is wrong with a credential, each with a stable code.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::Severity;

/// One thing somebody should know or do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    pub code: FindingCode,
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do, in the product where the credential is used.
    pub remedy: String,
    /// When a run first saw it; filled from the state, else the run's own time.
    #[serde(with = "super::rfc3339")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub since: Option<DateTime<Utc>>,
}

/// Stable kebab-case codes; scripts and the state rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingCode {
    InvalidSecret,
    ExpiredSecret,
    SecretIdInsteadOfValue,
    AppNotFound,
    TenantNotFound,
    AppDisabled,
    PrincipalMissing,
    PolicyBlocked,
    BadRequest,
    BadScope,
    Throttled,
    Transient,
    AssertionInvalid,
    Other,
    Unreachable,
    BadResponse,
    Activating,
    Unreadable,
    Expiring,
    Expired,
    NeverExpires,
    LifetimeTooLong,
    ExpiryUndeclared,
    DeclaredDateWrong,
    SecretHasWhitespace,
    SecretEmpty,
    HostNotAllowed,
    InternalError,
}
