//! The journal replayed: what is known of every rotation of one credential. Pure.

mod stores;

pub(super) use stores::REWRITES;
pub use stores::{Acked, HandOver, Intent, StoreState};

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{
    Address, AttemptEnd, BlockReason, ClosedBecause, Event, Gate, Marker, Planned, Record, RemovalReason, RotationId,
};
use crate::{management::KeyId, secret::Fingerprint};

/// A journal that contradicts itself. Never treated as empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Contradiction(pub String);

/// Every rotation of one credential, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub rotations: Vec<Rotation>,
    /// What a person said is known, whatever the journal says.
    pub adopted: Vec<KeyId>,
    /// Our own sign-ins with the credentials of this app.
    pub requests: Vec<String>,
    /// What the app's other credentials were given, by their own journals: listed with this one's, and none of its business.
    pub beside: Vec<Marker>,
}

/// One rotation as its records tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    pub id: RotationId,
    pub begun_at: DateTime<Utc>,
    /// When something last happened.
    pub at: DateTime<Utc>,
    pub plan: Option<Planned>,
    pub planned_at: Option<DateTime<Utc>>,
    pub attempts: Vec<Attempt>,
    pub stores: Vec<StoreState>,
    /// Runs that found every store good since the last acknowledgement.
    pub good: Vec<Stamp>,
    pub grace_until: Option<DateTime<Utc>>,
    pub held: Option<Held>,
    pub named: Option<KeyId>,
    pub retire_asked: bool,
    /// An id whose removal was announced, and is not seen gone yet.
    pub retiring: Option<KeyId>,
    pub retired: Option<(KeyId, DateTime<Utc>)>,
    pub repair: bool,
    pub back: Option<Back>,
    /// It was called off, and had to go on all the same.
    pub forward: Option<Forward>,
    pub blocked: Option<(BlockReason, String, DateTime<Utc>)>,
    pub end: Option<End>,
    pub ended_at: Option<DateTime<Utc>>,
    /// How it had ended, until a person asked for the removal of what it kept.
    pub reopened: Option<(End, Option<DateTime<Utc>>)>,
}

/// One create and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub number: u32,
    pub marker: Marker,
    pub run: String,
    pub at: DateTime<Utc>,
    /// Of the value we sent, where the provider takes one.
    pub offered: Option<Fingerprint>,
    pub created: Option<Made>,
    /// Values this attempt had before the provider was found to have made yet another one.
    pub earlier: Vec<Fingerprint>,
    /// Sent, and nobody knew at first what came of it: why.
    pub unknown: Option<String>,
    pub live_in: Option<String>,
    pub live_at: Option<DateTime<Utc>>,
    /// A store was seen to hold it: from then on the stores are the only source, and nothing but the gate removes it.
    pub placed: bool,
    pub closed: Option<AttemptEnd>,
    /// Refused, which closed it too.
    pub refused: Option<String>,
    /// What could not be removed, and why not.
    pub left: Option<(KeyId, String)>,
    /// Why its removal was announced last.
    pub taken_back: Option<RemovalReason>,
    /// Ids whose removal under this attempt's marker was announced.
    pub removing: Vec<KeyId>,
    pub removed: Vec<KeyId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub key_id: Option<KeyId>,
    pub end: Option<DateTime<Utc>>,
    pub fingerprint: Fingerprint,
}

/// A moment by both clocks, in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    pub run: String,
    pub at: DateTime<Utc>,
    pub provider: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub by: Vec<Gate>,
    pub why: String,
    pub since: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    pub who: String,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// Who called it off.
    pub who: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Done { old_refused: Option<bool> },
    Closed { kept: Option<KeyId>, why: ClosedBecause, unacked: Vec<Address> },
    RolledBack { kept: Option<KeyId> },
}

/// Whose value a fingerprint is, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    Key(KeyId),
    /// A predecessor whose id nobody knows, or a provider without ids.
    Nameless,
}

impl History {
    /// # Errors
    /// What the records contradict themselves in.
    pub fn replay(records: &[Record]) -> Result<Self, Contradiction> {
        let mut history = Self::default();
        for record in records {
            history.take(record)?;
        }
        Ok(history)
    }

    fn take(&mut self, record: &Record) -> Result<(), Contradiction> {
        match &record.event {
            Event::Adopted { key_ids, .. } => self.adopted.extend(key_ids.iter().cloned()),
            Event::Live { requests, .. }
            | Event::StoreAcked { requests, .. }
            | Event::StoresGood { requests, .. }
            | Event::Audited { requests } => {
                self.requests.extend(requests.iter().cloned());
            }
            _ => {}
        }
        let place = match self.rotations.iter().position(|rotation| rotation.id == record.rotation) {
            Some(place) => place,
            None if matches!(record.event, Event::Adopted { .. }) => return Ok(()),
            None => {
                // At most one is under way.
                self.rotations.iter_mut().for_each(Rotation::close_again);
                self.rotations.push(Rotation::begin(record));
                self.rotations.len() - 1
            }
        };
        match self.rotations.get_mut(place) {
            Some(rotation) => rotation.take(record),
            None => Ok(()),
        }
    }

    /// The rotation that is under way.
    #[must_use]
    pub fn open(&self) -> Option<&Rotation> {
        self.rotations.iter().find(|rotation| rotation.end.is_none())
    }

    /// The newest one that waits for `resolve`, be it over or not.
    #[must_use]
    pub fn blocked(&self) -> Option<&Rotation> {
        self.rotations.iter().rev().find(|rotation| rotation.blocked.is_some())
    }

    /// The last one that put a successor in.
    #[must_use]
    pub fn last_finished(&self) -> Option<&Rotation> {
        self.rotations.iter().rev().find(|rotation| match &rotation.end {
            Some(End::Done { .. } | End::Closed { .. }) => rotation.successor().is_some(),
            _ => false,
        })
    }

    /// The attempt a marker belongs to; `None`: this journal did not write it.
    #[must_use]
    pub fn attempt_of(&self, marker: &Marker) -> Option<(&Rotation, &Attempt)> {
        self.rotations.iter().find_map(|rotation| {
            let attempt = rotation.attempts.iter().find(|attempt| attempt.marker == *marker)?;
            Some((rotation, attempt))
        })
    }

    /// Whose value this is.
    #[must_use]
    pub fn owner(&self, fingerprint: Fingerprint) -> Option<Owner> {
        self.rotations.iter().rev().find_map(|rotation| rotation.owner(fingerprint))
    }

    /// The newest credential of ours that nobody holds and that could not be removed, and why not.
    #[must_use]
    pub fn left_over(&self) -> Option<(&KeyId, &str)> {
        let mut newest_first = self.rotations.iter().rev().flat_map(|rotation| rotation.attempts.iter().rev());
        let (key_id, why) = newest_first.find_map(|attempt| attempt.left.as_ref())?;
        Some((key_id, why))
    }

    /// Creates announced within.
    #[must_use]
    pub fn attempts_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> usize {
        let attempts = self.rotations.iter().flat_map(|rotation| &rotation.attempts);
        attempts.filter(|attempt| attempt.at > from && attempt.at <= to).count()
    }

    /// Ids that finished rotations left at the provider on purpose.
    #[must_use]
    pub fn keeps(&self, key_id: &str) -> bool {
        self.rotations.iter().any(|rotation| match &rotation.end {
            Some(End::Closed { kept, .. } | End::RolledBack { kept }) => kept.as_deref() == Some(key_id),
            _ => false,
        })
    }
}

impl Rotation {
    fn begin(record: &Record) -> Self {
        Self {
            id: record.rotation,
            begun_at: record.at,
            at: record.at,
            plan: None,
            planned_at: None,
            attempts: Vec::new(),
            stores: Vec::new(),
            good: Vec::new(),
            grace_until: None,
            held: None,
            named: None,
            retire_asked: false,
            retiring: None,
            retired: None,
            repair: false,
            back: None,
            forward: None,
            blocked: None,
            end: None,
            ended_at: None,
            reopened: None,
        }
    }

    /// The newest attempt that is not over.
    #[must_use]
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.closed.is_none() && attempt.refused.is_none())
    }

    /// What the newest attempt made, where it stands.
    #[must_use]
    pub fn successor(&self) -> Option<&Made> {
        self.attempt().and_then(|attempt| attempt.created.as_ref())
    }

    /// The predecessor's id: as planned, or as a person named it.
    #[must_use]
    pub fn predecessor(&self) -> Option<&KeyId> {
        self.named.as_ref().or_else(|| self.plan.as_ref().and_then(|plan| plan.predecessor.as_ref()))
    }

    /// Whether a person may name this id as the predecessor's: a removal goes by it.
    ///
    /// # Errors
    /// Why it cannot be the predecessor.
    pub fn may_be_predecessor(&self, key_id: &str) -> Result<(), String> {
        let Some(plan) = &self.plan else { return Err("nothing is planned yet".to_owned()) };
        match &plan.predecessor {
            Some(known) if known != key_id => Err(format!("the old secret is known: it is {known}")),
            None if !plan.baseline.iter().any(|listed| listed == key_id) => Err(format!(
                "the provider did not list that id when the rotation was planned; it listed {}",
                plan.baseline.join(", ")
            )),
            _ => Ok(()),
        }
    }

    #[must_use]
    pub fn store(&self, address: &str) -> Option<&StoreState> {
        self.stores.iter().find(|store| store.address == address)
    }

    /// Whether this store may have the rotation's value.
    #[must_use]
    pub fn may_have_it(&self, address: &str) -> bool {
        self.store(address).is_some_and(StoreState::may_have_it)
    }

    /// Whether a person has been shown the value.
    #[must_use]
    pub fn is_revealed(&self) -> bool {
        self.stores.iter().any(|store| store.hand_over.as_ref().is_some_and(|hand| hand.revealed.is_some()))
    }

    /// Whether any store was ever told to take this attempt's value.
    #[must_use]
    pub fn was_given(&self, attempt: u32) -> bool {
        self.stores.iter().any(|store| store.given.contains(&attempt))
    }

    /// The last acknowledgement, once every one of these stores has one.
    #[must_use]
    pub fn acked_since<'a>(&'a self, addresses: impl Iterator<Item = &'a str>) -> Option<&'a Acked> {
        let mut last: Option<&Acked> = None;
        for address in addresses {
            let acked = self.store(address)?.acked.as_ref()?;
            last = last.filter(|last| last.at >= acked.at).or(Some(acked));
        }
        last
    }

    fn owner(&self, fingerprint: Fingerprint) -> Option<Owner> {
        let name = |key_id: Option<&KeyId>| key_id.map_or(Owner::Nameless, |id| Owner::Key(id.clone()));
        let made = self.attempts.iter().filter_map(|attempt| attempt.created.as_ref());
        if let Some(made) = made.clone().find(|made| made.fingerprint == fingerprint) {
            return Some(name(made.key_id.as_ref()));
        }
        if self.attempts.iter().any(|attempt| attempt.earlier.contains(&fingerprint)) {
            return Some(Owner::Nameless);
        }
        let plan = self.plan.as_ref()?;
        (plan.fingerprint == Some(fingerprint)).then(|| name(self.predecessor()))
    }

    pub(super) fn place_of(&mut self, address: &str) -> usize {
        self.stores.iter().position(|store| store.address == address).unwrap_or_else(|| {
            self.stores.push(StoreState { address: address.to_owned(), ..StoreState::default() });
            self.stores.len() - 1
        })
    }
}
