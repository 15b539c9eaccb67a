//! One rotation: its plan, its attempts, its stores, its end.

use std::slice;

use chrono::{DateTime, Utc};

use super::{Acked, Owner, StoreState};
use crate::{
    management::KeyId,
    rotate::{
        Address, AttemptEnd, BlockReason, ClosedBecause, Gate, Marker, Planned, Record, RemovalReason, RotationId,
    },
    secret::Fingerprint,
};

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
    /// Ids that may be the predecessor's: listed when it was planned, and made by nobody of us.
    pub candidates: Vec<KeyId>,
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
    /// Another rotation began after it: what it kept can no longer be asked for.
    pub overtaken: bool,
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

impl Rotation {
    pub(super) fn begin(record: &Record) -> Self {
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
            candidates: Vec::new(),
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
            overtaken: false,
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
            None if !self.candidates.iter().any(|listed| listed == key_id) => {
                Err(format!("that id is none of those that the old secret may have: {}", self.candidates.join(", ")))
            }
            _ => Ok(()),
        }
    }

    /// Whether the predecessor can go only once a person has said which of the [candidates](Self::candidates) it is.
    #[must_use]
    pub fn needs_a_name(&self) -> bool {
        let has_ids = self.successor().is_some_and(|made| made.key_id.is_some());
        has_ids && self.predecessor().is_none() && self.back.is_none() && !self.candidates.is_empty()
    }

    /// Ids one of which is that of an old secret that lives on until a person says which; none before the time has come.
    #[must_use]
    pub fn unnamed(&self) -> &[KeyId] {
        let is_time = match &self.end {
            None => self.held.as_ref().is_some_and(|held| held.by.contains(&Gate::G5)),
            Some(End::Closed { kept, .. }) => kept.is_none(),
            Some(End::Done { .. } | End::RolledBack { .. }) => false,
        };
        // In a repair the old one is dead.
        let lives = self.retired.is_none() && !self.repair;
        if is_time && lives && self.needs_a_name() { &self.candidates } else { &[] }
    }

    /// What it left at the provider when it ended: this one, or one of these.
    #[must_use]
    pub fn left_behind(&self) -> &[KeyId] {
        if self.retired.is_some() {
            return &[];
        }
        match &self.end {
            Some(End::Closed { kept: Some(kept), .. } | End::RolledBack { kept: Some(kept) }) => slice::from_ref(kept),
            Some(End::Closed { .. }) => self.named.as_ref().map_or(self.unnamed(), slice::from_ref),
            Some(End::Done { .. } | End::RolledBack { .. }) | None => &[],
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

    pub(super) fn owner(&self, fingerprint: Fingerprint) -> Option<Owner> {
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

    pub(in crate::rotate) fn place_of(&mut self, address: &str) -> usize {
        self.stores.iter().position(|store| store.address == address).unwrap_or_else(|| {
            self.stores.push(StoreState { address: address.to_owned(), ..StoreState::default() });
            self.stores.len() - 1
        })
    }
}
