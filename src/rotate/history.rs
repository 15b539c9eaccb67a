//! The journal replayed: what is known of every rotation of one credential. Pure.

mod rotation;
mod stores;

pub use rotation::{Attempt, Back, End, Forward, Held, Made, Rotation, Stamp};
pub(super) use stores::REWRITES;
pub use stores::{Acked, HandOver, Intent, StoreState};

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{Event, Marker, Record};
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
    /// Why the last run that looked began nothing, and since when: there is more in the world than the journal knows.
    pub behind: Option<(String, DateTime<Utc>)>,
    /// Our own sign-ins with the credentials of this app.
    pub requests: Vec<String>,
    /// What the app's other credentials were given, by their own journals: listed with this one's, and none of its business.
    pub beside: Vec<Marker>,
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
            Event::Adopted { key_ids, .. } => {
                self.adopted.extend(key_ids.iter().cloned());
                self.behind = None;
                // What a person says stays is no old secret of ours.
                let stays = |id: &KeyId| key_ids.contains(id);
                self.rotations.iter_mut().for_each(|rotation| rotation.candidates.retain(|id| !stays(id)));
            }
            Event::Behind { why } => {
                let since = self.behind.as_ref().map_or(record.at, |(_, since)| *since);
                self.behind = Some((why.clone(), since));
            }
            Event::CaughtUp {} | Event::Planned(_) | Event::Resolved { .. } => self.behind = None,
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
            None if is_of_no_rotation(&record.event) => return Ok(()),
            None => {
                // At most one is under way.
                self.rotations.iter_mut().for_each(Rotation::give_way);
                self.rotations.push(Rotation::begin(record));
                self.rotations.len() - 1
            }
        };
        let candidates = match &record.event {
            Event::Planned(plan) => {
                let may_be = plan.candidates.as_ref().unwrap_or(&plan.baseline).iter();
                Some(may_be.filter(|id| !self.made(id) && !self.adopted.contains(id)).cloned().collect())
            }
            _ => None,
        };
        let Some(rotation) = self.rotations.get_mut(place) else { return Ok(()) };
        rotation.candidates = candidates.unwrap_or_else(|| std::mem::take(&mut rotation.candidates));
        rotation.take(record)
    }

    /// Whether an attempt of ours came to this.
    fn made(&self, key_id: &str) -> bool {
        let mut made = self.rotations.iter().flat_map(|one| &one.attempts).filter_map(|one| one.created.as_ref());
        made.any(|made| made.key_id.as_deref() == Some(key_id))
    }

    /// Where new records belong: the rotation that is under way, else the last one.
    #[must_use]
    pub fn newest(&self) -> Option<&Rotation> {
        self.open().or_else(|| self.rotations.last())
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

    /// Copies of what stores held before that could not be removed: each with its rotation, its store, and why not.
    pub fn copies_left(&self) -> impl Iterator<Item = (&Rotation, &str, &str)> {
        let stores = self.rotations.iter().rev().flat_map(|one| one.stores.iter().map(move |store| (one, store)));
        stores.filter_map(|(one, store)| Some((one, store.address.as_str(), store.copy_left.as_deref()?)))
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

/// Said of the credential: noted with its newest rotation, or where there is none, with a name of its own.
const fn is_of_no_rotation(event: &Event) -> bool {
    matches!(event, Event::Adopted { .. } | Event::Behind { .. } | Event::CaughtUp {})
}
