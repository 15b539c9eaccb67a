//! What is known of each store, and of the person who is one.

use chrono::{DateTime, Utc};

use super::super::{Address, Writing};
use crate::{secret::Fingerprint, store::Version};

/// Rewrites of a store after a rotation's end (rotation.md, row 9).
pub(in crate::rotate) const REWRITES: u32 = 3;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreState {
    pub address: Address,
    /// Announced and not known to be over.
    pub intent: Option<Intent>,
    /// What it holds as far as we know: ours since, or none of ours.
    pub written: Option<Fingerprint>,
    /// When that was last seen after a write of ours.
    pub written_at: Option<DateTime<Utc>>,
    pub acked: Option<Acked>,
    pub drifts: u32,
    pub rewrites: u32,
    pub refused: Option<String>,
    /// Attempts it was ever given.
    pub given: Vec<u32>,
    /// Runs that read the predecessor behind the open intent.
    pub predecessor_seen: Vec<(String, DateTime<Utc>)>,
    pub hand_over: Option<HandOver>,
}

impl StoreState {
    /// After a rotation's end an earlier value was put back once more than it is mended: a person has to look.
    #[must_use]
    pub const fn is_given_up(&self) -> bool {
        self.drifts > REWRITES && self.written.is_none()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    pub what: Writing,
    pub attempt: u32,
    pub fingerprint: Fingerprint,
    pub version_before: Option<Version>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acked {
    pub version: Option<Version>,
    /// Since when, by both clocks; a moved version does not change it.
    pub at: DateTime<Utc>,
    pub provider: Option<DateTime<Utc>>,
}

/// A person's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    pub due: DateTime<Utc>,
    pub opened_at: DateTime<Utc>,
    pub claimed: Option<(String, DateTime<Utc>)>,
    /// To whom it was shown first.
    pub revealed: Option<(String, DateTime<Utc>)>,
    /// Everybody who confirmed since then, in order.
    pub confirmed: Vec<(String, DateTime<Utc>)>,
}
