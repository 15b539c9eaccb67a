//! Judgement: what the observations and the dates mean. Pure; knows no HTTP and no channel.

mod dates;
mod explain;
mod finding;
mod guide;
mod judge;
mod message;
mod origin;
mod policy;
pub mod product;
mod remedy;
mod rotation;
mod summary;
mod verdict;

pub use explain::{Explanation, explain, near};
pub use finding::{Finding, FindingCode, UnknownCode};
pub use judge::{Ours, Recall, assess};
pub use policy::{NeverPolicy, Policy};
pub use rotation::{HandOver, Progress, Standing};
pub use summary::Summary;
pub use verdict::{Severity, Verdict};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::inventory::Subject;

/// The judgement of one credential: what reports show and messages tell.
#[derive(Debug, Clone)]
pub struct Assessment<'a> {
    pub subject: Subject<'a>,
    pub test: Test,
    pub expiry: Expiry,
    /// The worst of verdict and findings.
    pub severity: Severity,
    pub findings: Vec<Finding>,
    /// `None`: credwatch has nothing to do with its renewal.
    pub rotation: Option<Box<Standing>>,
}

impl Assessment<'_> {
    /// The provider's id of the credential in use: the one credwatch made, else the declared one.
    #[must_use]
    pub fn secret_id(&self) -> Option<&str> {
        let own = self.rotation.as_ref().and_then(|standing| standing.key_id.as_deref());
        own.or(self.subject.credential.secret_id.as_deref())
    }

    #[must_use]
    pub fn progress(&self) -> Option<&Progress> {
        self.rotation.as_ref()?.progress.as_ref()
    }

    #[must_use]
    pub fn hand_over(&self) -> Option<&HandOver> {
        self.rotation.as_ref()?.hand_over.as_ref()
    }
}

/// How the test ended (`test` in the report).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Test {
    pub verdict: Verdict,
    /// `null`: the answer says nothing about the secret.
    pub secret_accepted: Option<bool>,
    pub http_status: Option<u16>,
    pub error: Option<String>,
    pub error_codes: Vec<u64>,
    pub trace_id: Option<String>,
    pub correlation_id: Option<String>,
    /// Token requests sent.
    pub attempts: u32,
    /// Milliseconds of the last attempt.
    pub latency_ms: Option<u64>,
    pub token_lifetime_seconds: Option<u64>,
}

/// When the credential ends (`expiry` in the report).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Expiry {
    #[serde(with = "crate::assess::rfc3339")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub at: Option<DateTime<Utc>>,
    pub never: bool,
    /// floor((at - now) / 86,400 s); negative once past.
    pub days_left: Option<i64>,
    pub source: Option<ExpirySource>,
}

/// Who says when the credential ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpirySource {
    Declared,
    Certificate,
    Provider,
}

/// `2026-11-01T00:00:00Z`, or null.
pub mod rfc3339 {
    use chrono::{DateTime, Utc};
    use serde::{Serialize, Serializer};

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(crate::clock::rfc3339).serialize(serializer)
    }
}
