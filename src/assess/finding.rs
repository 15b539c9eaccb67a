//! Findings: what is wrong with a credential, each with a stable code.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;

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
    RotationUnderWay,
    RotationHandover,
    RotationBlocked,
    RotationFailed,
    OrphanLeft,
    PredecessorKept,
    PredecessorStillAccepted,
}

/// Not the name of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no finding has this code")]
pub struct UnknownCode;

impl FindingCode {
    pub const ALL: [Self; 35] = [
        Self::InvalidSecret,
        Self::ExpiredSecret,
        Self::SecretIdInsteadOfValue,
        Self::AppNotFound,
        Self::TenantNotFound,
        Self::AppDisabled,
        Self::PrincipalMissing,
        Self::PolicyBlocked,
        Self::BadRequest,
        Self::BadScope,
        Self::Throttled,
        Self::Transient,
        Self::AssertionInvalid,
        Self::Other,
        Self::Unreachable,
        Self::BadResponse,
        Self::Activating,
        Self::Unreadable,
        Self::Expiring,
        Self::Expired,
        Self::NeverExpires,
        Self::LifetimeTooLong,
        Self::ExpiryUndeclared,
        Self::DeclaredDateWrong,
        Self::SecretHasWhitespace,
        Self::SecretEmpty,
        Self::HostNotAllowed,
        Self::InternalError,
        Self::RotationUnderWay,
        Self::RotationHandover,
        Self::RotationBlocked,
        Self::RotationFailed,
        Self::OrphanLeft,
        Self::PredecessorKept,
        Self::PredecessorStillAccepted,
    ];

    /// As reports write it.
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
            Self::RotationUnderWay => "rotation-under-way",
            Self::RotationHandover => "rotation-handover",
            Self::RotationBlocked => "rotation-blocked",
            Self::RotationFailed => "rotation-failed",
            Self::OrphanLeft => "orphan-left",
            Self::PredecessorKept => "predecessor-kept",
            Self::PredecessorStillAccepted => "predecessor-still-accepted",
        }
    }
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for FindingCode {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.into_iter().find(|code| code.name() == text).ok_or(UnknownCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_serde_writes_and_read_back() {
        for code in FindingCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
            assert_eq!(code.name().parse(), Ok(code));
        }
        assert_eq!("expired_secret".parse::<FindingCode>(), Err(UnknownCode));
    }
}
