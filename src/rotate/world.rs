//! What a rotation needs of the world besides [`crate::management`] and [`crate::store`], behind traits: the binary
//! and the simulator drive the same code.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{Event, Record, RotationId};
use crate::secret::Secret;

/// The token endpoint of one app.
#[async_trait]
pub trait TokenEndpoint: Send + Sync {
    /// Asks for a token with this value, on a fresh connection. One request, no retry.
    async fn try_value(&self, value: &Secret) -> Trial;
}

/// What one token request said about the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub outcome: TrialOutcome,
    /// Our `client-request-id` and the server's own id of the request: what usage evidence leaves out.
    pub request_ids: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrialOutcome {
    Accepted,
    /// The secret is not known (Entra 7000215): a new one may be, in a while.
    Unknown,
    /// Known, and over (Entra 7000222): never "not yet".
    Expired,
    /// Slower; no evidence.
    Throttled {
        retry_after: Option<Duration>,
    },
    /// No answer, a 5xx, an answer that is none: no evidence.
    NoEvidence(String),
    /// Refused for another reason: the request is wrong, not the secret.
    Wrong(String),
}

/// Time. Wall time may jump; `elapsed` never does and counts suspend.
#[async_trait]
pub trait Clock: Send + Sync {
    fn wall(&self) -> DateTime<Utc>;
    /// Since some fixed moment of this run.
    fn elapsed(&self) -> Duration;
    async fn sleep(&self, duration: Duration);
}

/// Chance.
pub trait Dice: Send + Sync {
    fn roll(&self) -> u128;
}

/// The append-only event table. Every append is durable when it returns.
pub trait Journal: Send + Sync {
    /// Id of this installation; its first eight characters stand in markers.
    fn installation(&self) -> String;

    /// Every record of one credential ([`super::identity()`]), oldest first.
    ///
    /// # Errors
    /// [`JournalFault::Corrupt`] where a sequence is broken or a record cannot be read: never "nothing there".
    fn of(&self, identity: &str) -> Result<Vec<Record>, JournalFault>;

    /// Every credential that has records.
    ///
    /// # Errors
    /// It cannot be read.
    fn identities(&self) -> Result<Vec<String>, JournalFault>;

    /// Appends the next record of a rotation and returns it.
    ///
    /// # Errors
    /// [`JournalFault::Stale`] where another holder has taken over since `epoch`.
    fn append(&self, entry: Entry<'_>) -> Result<Record, JournalFault>;
}

/// What is appended.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub identity: &'a str,
    pub rotation: RotationId,
    /// The lock's epoch; `None` for what a person does, who holds no lock.
    pub epoch: Option<u64>,
    pub at: DateTime<Utc>,
    /// The provider's latest `Date` header in this run.
    pub provider_date: Option<DateTime<Utc>>,
    pub event: &'a Event,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalFault {
    #[error("another run has taken over; this one stops")]
    Stale,
    #[error("the journal of {identity} is damaged ({reason}); restore the state from a backup, or settle it by hand")]
    Corrupt { identity: String, reason: String },
    #[error("the state could not be written: {0}")]
    Io(String),
}
