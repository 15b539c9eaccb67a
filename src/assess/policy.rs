//! The limits a judgement uses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::period::Period;

/// `policy` of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Expiring from this long before the end.
    pub warn: Period,
    /// Critical from this long before the end.
    pub critical: Period,
    /// Longest accepted lifetime, from `created` to the end.
    pub max_lifetime: Period,
    /// Severity of a credential without an end.
    pub never: NeverPolicy,
    /// How long after its creation a refused secret counts as not yet active.
    pub activation: Period,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            warn: Period::from_days(30),
            critical: Period::from_days(7),
            max_lifetime: Period::from_days(730),
            never: NeverPolicy::Warning,
            activation: Period::from_minutes(15),
        }
    }
}

/// Severity of a credential that never expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NeverPolicy {
    Ok,
    Info,
    Warning,
    Critical,
}

impl NeverPolicy {
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Ok => Severity::Ok,
            Self::Info => Severity::Info,
            Self::Warning => Severity::Warning,
            Self::Critical => Severity::Critical,
        }
    }
}
