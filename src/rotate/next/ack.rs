//! Acknowledgement (row 6): the value as read from the store, accepted by the token endpoint.

use super::{Case, Source, Step, Why};
use crate::rotate::{
    BlockReason, Event, Rotation, TrialOutcome,
    hand_over::{Part, is_person},
    history::{Attempt, HandOver, Made},
};

/// Drifts of one store before a person has to look.
pub(super) const DRIFTS: u32 = 3;

impl<'a> Case<'a> {
    /// What is not acknowledged yet, and why.
    pub(super) fn acknowledge(
        &self,
        rotation: &'a Rotation,
        _: &'a Attempt,
        made: &'a Made,
    ) -> Result<Option<Why>, Step> {
        let mut missing = None;
        for place in &self.policy.places {
            let state = rotation.store(&place.address);
            if state.is_some_and(|state| state.acked.is_some()) {
                continue;
            }
            if !place.is_readable() {
                if place.abilities.is_some() && state.is_none_or(|state| state.given.is_empty()) {
                    continue;
                }
                missing = missing.or(self.by_person(rotation, &place.address)?);
                continue;
            }
            let Some(state) = state.filter(|state| state.written == Some(made.fingerprint)) else { continue };
            if state.drifts >= DRIFTS {
                return Err(self.fight(rotation, &place.address));
            }
            let reading = match self.reading(&place.address, self.last_write_to(&place.address))? {
                Ok(reading) => reading,
                Err(fault) => {
                    missing = missing.or(Some(Why::Store { store: place.address.clone(), why: fault.to_string() }));
                    continue;
                }
            };
            if reading.fingerprint != Some(made.fingerprint) {
                return Err(Self::drifted(rotation, &place.address, reading.fingerprint));
            }
            let source = Source::Store(place.address.clone());
            match self.trial(source, made.fingerprint, self.fresh_from())? {
                TrialOutcome::Accepted => {
                    return Err(Self::record(
                        rotation,
                        Event::StoreAcked {
                            store: place.address.clone(),
                            version: reading.version.clone(),
                            requests: self.sight().requests.clone(),
                        },
                    ));
                }
                _ => self.successor_lives(rotation, made)?,
            }
        }
        Ok(missing)
    }

    pub(super) fn last_write_to(&self, store: &str) -> std::time::Duration {
        let last = self.sight().writes.iter().rev().find(|(known, _)| known == store);
        last.map(|(_, at)| *at).unwrap_or_default()
    }

    pub(super) fn fight(&self, rotation: &Rotation, store: &str) -> Step {
        let why = format!("{store} was put back {DRIFTS} times: something else writes there");
        Self::block(rotation, BlockReason::StoreFight, why)
    }

    /// A person, or a store that cannot be read: somebody says that it is there, and it counts only with evidence.
    fn by_person(&self, rotation: &'a Rotation, store: &str) -> Result<Option<Why>, Step> {
        let Some(hand) = rotation.store(store).and_then(|state| state.hand_over.as_ref()) else {
            let due = self.now.wall + chrono::TimeDelta::from_std(self.policy.abandon_after).unwrap_or_default();
            return Err(Self::record(rotation, Event::HandOver { store: store.to_owned(), due }));
        };
        if hand.part(store) == Part::Said || self.is_seen_in_use(rotation, store, hand)? {
            return Err(Self::record(
                rotation,
                Event::StoreAcked { store: store.to_owned(), version: None, requests: Vec::new() },
            ));
        }
        if self.now.wall > hand.due {
            let why = format!("nobody has confirmed that {store} has the new secret");
            return Err(Self::block(rotation, BlockReason::HandoverOverdue, why));
        }
        Ok(Some(Why::Person { store: store.to_owned() }))
    }

    /// The sign-in log shows the new credential in use by somebody else than us, after a person was shown it or a program took it.
    fn is_seen_in_use(&self, rotation: &Rotation, store: &str, hand: &HandOver) -> Result<bool, Step> {
        let key_id = rotation.successor().and_then(|made| made.key_id.clone());
        let taken = match &hand.revealed {
            Some((_, at)) => Some(*at),
            None if is_person(store) => None,
            None => rotation.store(store).and_then(|state| state.written_at),
        };
        let (Some(key_id), Some(since)) = (key_id, taken) else { return Ok(false) };
        if !self.policy.capabilities.tells_usage {
            return Ok(false);
        }
        match self.sight().usage(&key_id) {
            None => Err(self.ask_usage(key_id.clone(), key_id, since)),
            Some(seen) => Ok(matches!(seen, Ok(crate::management::Usage::UsedAt(at)) if *at > since)),
        }
    }
}
