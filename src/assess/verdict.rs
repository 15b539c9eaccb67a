//! The closed set of test verdicts and severities.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::FindingCode;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Valid,
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
    Untested,
}

/// How bad it is; ordered from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Ok,
    Info,
    Warning,
    /// Could not tell.
    Unknown,
    Critical,
}

impl Verdict {
    pub const ALL: [Self; 20] = [
        Self::Valid,
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
        Self::Untested,
    ];

    /// As reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::InvalidSecret => "invalid_secret",
            Self::ExpiredSecret => "expired_secret",
            Self::SecretIdInsteadOfValue => "secret_id_instead_of_value",
            Self::AppNotFound => "app_not_found",
            Self::TenantNotFound => "tenant_not_found",
            Self::AppDisabled => "app_disabled",
            Self::PrincipalMissing => "principal_missing",
            Self::PolicyBlocked => "policy_blocked",
            Self::BadRequest => "bad_request",
            Self::BadScope => "bad_scope",
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::AssertionInvalid => "assertion_invalid",
            Self::Other => "other",
            Self::Unreachable => "unreachable",
            Self::BadResponse => "bad_response",
            Self::Activating => "activating",
            Self::Unreadable => "unreadable",
            Self::Untested => "untested",
        }
    }

    /// Severity of the verdict alone, findings aside.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Valid | Self::Untested => Severity::Ok,
            Self::InvalidSecret
            | Self::ExpiredSecret
            | Self::SecretIdInsteadOfValue
            | Self::AppNotFound
            | Self::TenantNotFound
            | Self::AppDisabled
            | Self::PrincipalMissing
            | Self::AssertionInvalid => Severity::Critical,
            Self::PolicyBlocked | Self::Activating => Severity::Warning,
            Self::BadRequest
            | Self::BadScope
            | Self::Throttled
            | Self::Transient
            | Self::Unreachable
            | Self::BadResponse
            | Self::Unreadable
            | Self::Other => Severity::Unknown,
        }
    }

    /// The finding that says so; none where nothing is wrong or nothing was tried.
    #[must_use]
    pub const fn finding(self) -> Option<FindingCode> {
        Some(match self {
            Self::Valid | Self::Untested => return None,
            Self::InvalidSecret => FindingCode::InvalidSecret,
            Self::ExpiredSecret => FindingCode::ExpiredSecret,
            Self::SecretIdInsteadOfValue => FindingCode::SecretIdInsteadOfValue,
            Self::AppNotFound => FindingCode::AppNotFound,
            Self::TenantNotFound => FindingCode::TenantNotFound,
            Self::AppDisabled => FindingCode::AppDisabled,
            Self::PrincipalMissing => FindingCode::PrincipalMissing,
            Self::PolicyBlocked => FindingCode::PolicyBlocked,
            Self::BadRequest => FindingCode::BadRequest,
            Self::BadScope => FindingCode::BadScope,
            Self::Throttled => FindingCode::Throttled,
            Self::Transient => FindingCode::Transient,
            Self::AssertionInvalid => FindingCode::AssertionInvalid,
            Self::Other => FindingCode::Other,
            Self::Unreachable => FindingCode::Unreachable,
            Self::BadResponse => FindingCode::BadResponse,
            Self::Activating => FindingCode::Activating,
            Self::Unreadable => FindingCode::Unreadable,
        })
    }

    /// The run could not tell whether the credential works: exit code 3.
    #[must_use]
    pub const fn is_inconclusive(self) -> bool {
        matches!(self.severity(), Severity::Unknown) || matches!(self, Self::Activating)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Severity {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Critical => "critical",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_serde_writes() {
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.name());
        }
    }

    #[test]
    fn a_verdicts_finding_has_its_name_with_hyphens() {
        for verdict in Verdict::ALL {
            match verdict.finding() {
                Some(code) => assert_eq!(code.name(), verdict.name().replace('_', "-")),
                None => assert_eq!(verdict.severity(), Severity::Ok),
            }
        }
    }

    #[test]
    fn unknown_is_worse_than_warning_and_better_than_critical() {
        assert!(Severity::Critical > Severity::Unknown && Severity::Unknown > Severity::Warning);
    }
}
