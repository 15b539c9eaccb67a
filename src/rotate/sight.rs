//! What one run has seen of one credential so far. Nothing of it outlives the run: what another run saw is only in the
//! journal, and the journal is not believed without a fresh look.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use super::{Address, TrialOutcome};
use crate::{
    management::{Constraints, KeyId, Listing, ManagementFault, Removed, Usage},
    secret::{Fingerprint, Secret},
    store::{StoreFault, Version, Writable},
};

/// Everything this run saw, each with the moment it was seen (`at`: the clock that never jumps).
#[derive(Debug, Default)]
pub struct Sight {
    pub lists: Vec<Seen<Result<Listing, ManagementFault>>>,
    pub constraints: Option<Result<Constraints, ManagementFault>>,
    pub readings: Vec<(Address, Seen<Result<Reading, StoreFault>>)>,
    /// What stores keep of before our last write.
    pub previous: Vec<(Address, Seen<Option<Fingerprint>>)>,
    pub writable: Vec<(Address, Writable)>,
    pub trials: Vec<(Fingerprint, Seen<TrialOutcome>)>,
    /// By the credential that was asked about.
    pub usage: Vec<(KeyId, Seen<Result<Usage, ManagementFault>>)>,
    /// The value in force, where the provider lets it be read.
    pub current: Vec<Seen<Result<Fingerprint, ManagementFault>>>,
    /// The new value that this process still has in memory.
    pub held: Option<Fingerprint>,
    /// When this run's create was answered.
    pub created_at: Option<Duration>,
    /// Writes of this run, by store.
    pub writes: Vec<(Address, Duration)>,
    pub removals: Vec<(KeyId, Seen<Result<Removed, ManagementFault>>)>,
    /// Ids whose removal this run has given up.
    pub given_up: Vec<KeyId>,
    pub tidied: Vec<Address>,
    /// Our own token requests.
    pub requests: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<T> {
    /// Since some fixed moment of the run.
    pub at: Duration,
    pub wall: DateTime<Utc>,
    pub what: T,
}

/// What a store was seen to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub version: Option<Version>,
    /// `None`: absent.
    pub fingerprint: Option<Fingerprint>,
    pub hint: Option<Hint>,
}

/// The first characters of a value, to be held against the provider's `hint`. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Hint(Zeroizing<String>);

impl Hint {
    /// Entra tells three characters (providers.md section 4.1).
    const LENGTH: usize = 3;

    #[must_use]
    pub fn of(value: &Secret) -> Self {
        Self(Zeroizing::new(value.expose().chars().take(Self::LENGTH).collect()))
    }

    #[must_use]
    pub fn is(&self, hint: &str) -> bool {
        self.0.as_str() == hint
    }
}

impl fmt::Debug for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hint")
    }
}

impl Sight {
    /// The newest whole listing.
    #[must_use]
    pub fn list(&self) -> Option<(&Listing, Duration)> {
        self.lists.iter().rev().find_map(|seen| Some((seen.what.as_ref().ok()?, seen.at)))
    }

    /// Every whole listing, oldest first.
    pub fn listings(&self) -> impl DoubleEndedIterator<Item = (&Listing, Duration)> {
        self.lists.iter().filter_map(|seen| Some((seen.what.as_ref().ok()?, seen.at)))
    }

    #[must_use]
    pub fn reading(&self, address: &str) -> Option<&Seen<Result<Reading, StoreFault>>> {
        self.readings.iter().rev().find(|(known, _)| known == address).map(|(_, seen)| seen)
    }

    /// The newest answer about a value, and when it came.
    #[must_use]
    pub fn trial(&self, fingerprint: Fingerprint) -> Option<&Seen<TrialOutcome>> {
        self.trials.iter().rev().find(|(known, _)| *known == fingerprint).map(|(_, seen)| seen)
    }

    /// What the provider's sign-in log says about the use of one credential.
    #[must_use]
    pub fn usage(&self, key_id: &str) -> Option<&Result<Usage, ManagementFault>> {
        self.usage.iter().rev().find(|(known, _)| known == key_id).map(|(_, seen)| &seen.what)
    }

    /// When this run last wrote to any store.
    #[must_use]
    pub fn last_write(&self) -> Option<Duration> {
        self.writes.iter().map(|(_, at)| *at).max()
    }

    #[must_use]
    pub fn writes_to(&self, address: &str) -> usize {
        self.writes.iter().filter(|(known, _)| known == address).count()
    }

    /// How far this machine's clock was ahead of the provider's at the newest listing that told one, seconds.
    #[must_use]
    pub fn skew(&self) -> Option<i64> {
        self.lists.iter().rev().find_map(|seen| {
            let date = seen.what.as_ref().ok()?.date?;
            Some((seen.wall - date).num_seconds())
        })
    }

    /// The provider's clock at the newest listing that told one.
    #[must_use]
    pub fn provider_date(&self) -> Option<DateTime<Utc>> {
        self.listings().rev().find_map(|(listing, _)| listing.date)
    }
}
