//! What one test saw: facts only, nothing judged.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    provider::Meaning,
    secret::{Fingerprint, Unreadable},
};

/// What happened to one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub outcome: Outcome,
    /// Token requests sent.
    pub attempts: u32,
    /// Of the last attempt, from sending to the end of its answer.
    pub latency: Option<Duration>,
    /// The `client-request-id` we sent, or the server's own correlation id.
    pub correlation_id: Option<String>,
    /// End of the certificate, where the credential is one that could be read.
    pub certificate_end: Option<DateTime<Utc>>,
    /// Tells the next run whether the value changed.
    pub fingerprint: Option<Fingerprint>,
}

impl Observation {
    /// An observation of something that never got as far as the network.
    #[must_use]
    pub fn local(outcome: Outcome) -> Self {
        Self { outcome, attempts: 0, latency: None, correlation_id: None, certificate_end: None, fingerprint: None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    NotTested(NotTested),
    /// The reference gave no usable value; nothing was sent.
    Unreadable(Unreadable),
    /// The value has the shape of the provider's secret id; nothing was sent.
    SecretId,
    Unreachable(Unreachable),
    BadAnswer(BadAnswer),
    Answered(Answer),
    /// A fault of ours, caught: `file:line` of the panic and nothing else.
    Internal {
        location: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTested {
    Offline,
    Disabled,
    NothingDeclared,
    /// The settings' `allow` list does not hold this host.
    HostNotAllowed {
        host: String,
    },
    /// The run was ended before this credential was judged.
    Interrupted,
}

/// Why no answer came. Each carries a sentence without addresses' queries or foreign secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreachable {
    Dns(String),
    Connect(String),
    Tls(String),
    Timeout(String),
    /// The name resolved to a loopback, link-local or unspecified address.
    ForbiddenAddress(String),
    /// The connection broke in mid-answer.
    Broken(String),
    /// The issuer's metadata could not be had or named no token endpoint.
    Discovery(String),
}

impl Unreachable {
    /// The sentence alone.
    #[must_use]
    pub fn sentence(&self) -> &str {
        match self {
            Self::Dns(why)
            | Self::Connect(why)
            | Self::Tls(why)
            | Self::Timeout(why)
            | Self::ForbiddenAddress(why)
            | Self::Broken(why)
            | Self::Discovery(why) => why,
        }
    }
}

/// An answer that is not a token endpoint's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadAnswer {
    Redirect {
        status: u16,
    },
    TooLarge {
        status: u16,
    },
    NotJson {
        status: u16,
        what: String,
    },
    /// It ended before its announced end.
    Truncated {
        status: u16,
    },
    /// It could not be read as far as its status; the sentence says why.
    NotHttp {
        what: String,
    },
}

/// A token endpoint's answer, redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub meaning: Meaning,
    pub status: u16,
    pub error: Option<String>,
    pub error_codes: Vec<u64>,
    /// The server's sentence, cleaned and shortened, with every trace of the secret removed.
    pub description: Option<String>,
    pub trace_id: Option<String>,
    /// Lifetime of the token, seconds.
    pub token_lifetime: Option<u64>,
    /// Told by the server on a throttled answer, seconds.
    pub retry_after: Option<u64>,
}
