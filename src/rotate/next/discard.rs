//! Attempts whose outcome nobody knows, and writes that may still land (rotation.md section 5).

use std::time::Duration;

use super::{Case, Effect, Found, Source, Step, Why, rest};
use crate::{
    management::{Label, Listed, Listing},
    rotate::{
        AttemptEnd, BlockReason, Event, FencedBy, RemovalReason, Rotation, Writing,
        history::{Attempt, Intent},
    },
    store::Fence,
};

/// How often a run writes the predecessor again to make a late write miss.
const FENCES: usize = 3;

impl<'a> Case<'a> {
    /// An attempt that was announced, and nothing was heard of it: found by its marker, or found absent. Never sent again.
    pub(super) fn settle(&self, rotation: &'a Rotation, attempt: &'a Attempt) -> Found {
        if attempt.unknown.is_none() {
            let why = "the process ended before the answer was recorded".to_owned();
            return Ok(Self::record(rotation, Event::CreateUnknown { attempt: attempt.number, why }));
        }
        if self.policy.capabilities.readable {
            return self.settle_by_reading(rotation, attempt);
        }
        // Only looks after the create was sent: in the run that sent it, after its fault.
        let since = self.sight().created_at.unwrap_or_default();
        let is_there = |listing: &Listing| !self.marked(listing, attempt.number, rotation).is_empty();
        if self.is_gone(since, is_there)? {
            if let Some(step) = self.unidentified(rotation, self.list_since(since)?) {
                return Ok(step);
            }
            let how = if attempt.removed.is_empty() { AttemptEnd::Absent } else { AttemptEnd::Removed };
            return Ok(Self::record(rotation, Event::AttemptClosed { attempt: attempt.number, how }));
        }
        let listing = self.list_since(since)?;
        let marked = self.marked(listing, attempt.number, rotation);
        let Some(key_id) = marked.iter().find(|id| !self.sight().given_up.contains(id)).or(marked.first()) else {
            return Ok(Step::Look(super::Look::List));
        };
        self.remove_own(rotation, attempt, key_id, RemovalReason::Orphan)
    }

    /// The same of an attempt that was called absent, and may have come true since: asked before another plan forgets what was
    /// listed before it.
    pub(super) fn no_late_stranger(&self, rotation: &Rotation, listing: &Listing) -> Result<(), Step> {
        let is_lost = |attempt: &Attempt| attempt.unknown.is_some() && attempt.closed == Some(AttemptEnd::Absent);
        if !rotation.attempts.iter().any(is_lost) {
            return Ok(());
        }
        self.unidentified(rotation, listing).map_or(Ok(()), Err)
    }

    /// Where neither a label nor a value is listed, an id that was not there before may be ours: a person has to say.
    fn unidentified(&self, rotation: &Rotation, listing: &Listing) -> Option<Step> {
        let baseline = rotation.plan.as_ref().map(|plan| plan.baseline.as_slice()).unwrap_or_default();
        let made = self.history.rotations.iter().flat_map(|rotation| &rotation.attempts);
        let known: Vec<_> = made.filter_map(|attempt| attempt.created.as_ref()?.key_id.as_ref()).collect();
        let may_be_ours = |listed: &&Listed| {
            listed.fingerprint.is_none()
                && !baseline.contains(&listed.id)
                && !known.contains(&&listed.id)
                && !self.history.adopted.contains(&listed.id)
        };
        let begun = |listed: &Listed| match listed.start {
            Some(start) => format!("{} of {}", listed.id, crate::clock::rfc3339(start)),
            None => listed.id.clone(),
        };
        let ids: Vec<_> = listing.credentials.iter().filter(may_be_ours).map(begun).collect();
        if self.policy.capabilities.label != Label::ByValue || ids.is_empty() {
            return None;
        }
        let why = format!("the answer to the create was lost; one of these may be ours: {}", ids.join(", "));
        Some(Self::block(rotation, BlockReason::OrphanUnidentified, why))
    }

    /// Closes every open intent that carries this attempt's value.
    pub(super) fn fence(&self, rotation: &'a Rotation, attempt: &'a Attempt) -> Result<(), Step> {
        for state in &rotation.stores {
            let Some(intent) = state.intent.as_ref().filter(|intent| intent.attempt == attempt.number) else {
                continue;
            };
            let place = self.policy.places.iter().find(|place| place.address == state.address);
            let fence = place.and_then(|place| place.abilities).map_or(Fence::Time, |abilities| abilities.fence);
            match fence {
                Fence::Lock => {
                    let event = Event::StoreFenced { store: state.address.clone(), how: FencedBy::Lock };
                    return Err(Self::record(rotation, event));
                }
                Fence::Rewrite => self.fence_by_rewrite(rotation, attempt, &state.address, intent)?,
                Fence::Time => self.fence_by_time(rotation, &state.address)?,
            }
        }
        Ok(())
    }

    fn fence_by_rewrite(
        &self,
        rotation: &Rotation,
        attempt: &Attempt,
        store: &str,
        intent: &Intent,
    ) -> Result<(), Step> {
        let reading = match self.reading(store, self.sight().last_write().unwrap_or_default())? {
            Ok(reading) => reading,
            Err(fault) => return Err(rest(Why::Store { store: store.to_owned(), why: fault.to_string() })),
        };
        let Some(holds) = reading.fingerprint else { return self.fence_by_time(rotation, store) };
        if let Some(made) = &attempt.created
            && holds == made.fingerprint
        {
            // It landed after all.
            return Err(Self::written(rotation, store, holds, reading));
        }
        if reading.version != intent.version_before {
            // Another version than the one the late write is bound to: it can only miss.
            let event = Event::StoreFenced { store: store.to_owned(), how: FencedBy::Rewrite };
            return Err(Self::record(rotation, event));
        }
        if !self.may_replace(rotation, store, Some(holds)) {
            return Err(self.conflict(rotation, store));
        }
        let nth = self.sight().writes_to(store) + 1;
        if nth > FENCES {
            return Err(rest(Why::Store {
                store: store.to_owned(),
                why: "it does not take the old value again".to_owned(),
            }));
        }
        Err(Step::Effect {
            rotation: rotation.id,
            intent: Event::StoreIntent {
                store: store.to_owned(),
                what: Writing::Fence,
                attempt: attempt.number,
                fingerprint: holds,
                version_before: reading.version.clone(),
            },
            effect: Effect::Write {
                store: store.to_owned(),
                source: Source::Store(store.to_owned()),
                before: reading.version.clone(),
                expected: Some(holds),
                idempotency: format!("{}/{}/{}/fence-{nth}", rotation.id, attempt.number, self.run),
                key_id: None,
            },
        })
    }

    /// Two runs, far apart, have to read the predecessor.
    fn fence_by_time(&self, rotation: &Rotation, store: &str) -> Result<(), Step> {
        let state = rotation.store(store);
        let seen = state.map(|state| state.predecessor_seen.as_slice()).unwrap_or_default();
        let gap = chrono::TimeDelta::from_std(self.limits.run_gap).unwrap_or(chrono::TimeDelta::MAX);
        let far_apart = seen.first().zip(seen.last()).is_some_and(|(first, last)| last.1 - first.1 >= gap);
        if far_apart {
            let event = Event::StoreFenced { store: store.to_owned(), how: FencedBy::Time };
            return Err(Self::record(rotation, event));
        }
        let waits = || rest(Why::NextRun(format!("a write to {store} may still be under way")));
        match self.reading(store, self.sight().last_write().unwrap_or(Duration::ZERO))? {
            Err(fault) => Err(rest(Why::Store { store: store.to_owned(), why: fault.to_string() })),
            Ok(reading) if !self.may_replace(rotation, store, reading.fingerprint) => {
                Err(self.conflict(rotation, store))
            }
            Ok(_) if seen.iter().any(|(run, _)| run == self.run) => Err(waits()),
            Ok(_) => {
                let event = Event::PredecessorSeen { store: store.to_owned(), run: self.run.to_owned() };
                Err(Self::record(rotation, event))
            }
        }
    }
}
