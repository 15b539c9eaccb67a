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

impl FindingCode {
    /// As reports and the state write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidSecret => "invalid-secret",
            Self::ExpiredSecret => "expired-secret",
            Self::SecretIdInsteadOfValue => "secret-id-instead-of-value",
            Self::AppNotFound => "app-not-found",
            Self::TenantNotFound => "tenant-not-found",
            Self::AppDisabled => "app-disabled",
            Self::PrincipalMissing => "principal-missing",
            Self::PolicyBlocked => "policy-blocked",
            Self::BadRequest => "bad-request",
            Self::BadScope => "bad-scope",
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::AssertionInvalid => "assertion-invalid",
            Self::Other => "other",
            Self::Unreachable => "unreachable",
            Self::BadResponse => "bad-response",
            Self::Activating => "activating",
            Self::Unreadable => "unreadable",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::NeverExpires => "never-expires",
            Self::LifetimeTooLong => "lifetime-too-long",
            Self::ExpiryUndeclared => "expiry-undeclared",
            Self::DeclaredDateWrong => "declared-date-wrong",
            Self::SecretHasWhitespace => "secret-has-whitespace",
            Self::SecretEmpty => "secret-empty",
            Self::HostNotAllowed => "host-not-allowed",
            Self::InternalError => "internal-error",
        }
    }
}
