//! What is known of each store, and of the person who is one.

use chrono::{DateTime, Utc};

use super::super::{Address, Event, Record, Writing};
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
    /// Why its copy of what was there before is still there.
    pub copy_left: Option<String>,
}

impl StoreState {
    /// Adds one record of this store. `true`: the grace begins anew.
    pub(in crate::rotate) fn take(&mut self, record: &Record) -> bool {
        match &record.event {
            Event::StoreIntent { what, attempt, fingerprint, version_before, .. } => {
                let intent = Intent {
                    what: *what,
                    attempt: *attempt,
                    fingerprint: *fingerprint,
                    version_before: version_before.clone(),
                    at: record.at,
                };
                self.announce(intent);
            }
            Event::StoreWritten { fingerprint, .. } => {
                self.intent = None;
                self.written = Some(*fingerprint);
                self.written_at = Some(record.at);
            }
            Event::StoreRefused { why, .. } => {
                self.intent = None;
                self.refused = Some(why.clone());
            }
            Event::StoreFenced { .. } => self.intent = None,
            Event::PredecessorSeen { run, .. } => self.predecessor_seen.push((run.clone(), record.at)),
            Event::StoreAcked { version, .. } => return self.acknowledge(version.as_ref(), record),
            Event::CopyLeft { why, .. } => self.copy_left = Some(why.clone()),
            Event::CopyGone { .. } => self.copy_left = None,
            Event::StoreDrift { .. } => {
                self.acked = None;
                self.written = None;
                self.drifts += 1;
            }
            _ => {}
        }
        false
    }

    fn announce(&mut self, intent: Intent) {
        if intent.what == Writing::Deliver {
            if self.given.contains(&intent.attempt) {
                self.rewrites += 1;
            } else {
                self.given.push(intent.attempt);
            }
        }
        self.acked = None;
        self.written = None;
        self.refused = None;
        self.predecessor_seen.clear();
        self.intent = Some(intent);
    }

    fn acknowledge(&mut self, version: Option<&Version>, record: &Record) -> bool {
        let now = Acked { version: version.cloned(), at: record.at, provider: record.provider_date };
        match &mut self.acked {
            Some(acked) if record.at >= acked.at => {
                acked.version = now.version;
                false
            }
            // The clock was ahead when the grace began: it begins now.
            Some(acked) => {
                *acked = now;
                true
            }
            None => {
                self.acked = Some(now);
                false
            }
        }
    }

    /// Whether it may have the rotation's value: a write was announced, or a person was shown it. Both are recorded before they happen.
    #[must_use]
    pub fn may_have_it(&self) -> bool {
        !self.given.is_empty() || self.hand_over.as_ref().is_some_and(|hand| hand.revealed.is_some())
    }

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
