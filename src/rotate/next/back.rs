//! The way back (rotation.md section 8): the old value into the stores again, and only then, through the same gate, the new
//! one away.

use chrono::TimeDelta;

use super::{Case, Effect, Found, Look, Source, Step, Why, finish::is_lost, rest, rest_until};
use crate::{
    management::{Listing, Overlap},
    rotate::{
        Event, Place, Rotation, TrialOutcome, Writing,
        gate::{self, Question, Verdict},
        history::Made,
    },
    secret::Fingerprint,
};

/// What a predecessor must still live beyond the grace, to be worth going back to.
const SPARE: TimeDelta = TimeDelta::days(14);
const PATIENCE: TimeDelta = TimeDelta::days(14);
const WRITES: usize = 3;

impl<'a> Case<'a> {
    pub(super) fn roll_back(&self, rotation: &'a Rotation, made: &'a Made) -> Found {
        let forward = |why: &str| self.forward(rotation, made, why);
        if rotation.is_revealed() && rotation.retiring.is_none() {
            return forward("a person has been shown the new value");
        }
        if self.policy.capabilities.overlap != Overlap::Full {
            return forward("the provider does not let the old value live on");
        }
        let Some(old) = rotation.plan.as_ref().and_then(|plan| plan.fingerprint) else {
            return forward("there is no old value to go back to");
        };
        let end = rotation.plan.as_ref().and_then(|plan| plan.predecessor_end);
        if end.is_some_and(|end| end < self.now.wall + self.grace_of(rotation) + SPARE) {
            return forward("the old secret ends too soon");
        }
        if !self.restore(rotation, made)? {
            return forward("the old secret is not accepted any more");
        }
        if let Some(why) = self.acknowledge_old(rotation, old)? {
            let since = rotation.back.as_ref().map_or(self.now.wall, |back| back.at);
            if self.now.wall - since >= PATIENCE {
                let why = "not every store was said to have the old value again, for 14 days".to_owned();
                return Ok(Self::record(rotation, Event::RolledBack { kept: made.key_id.clone(), why }));
            }
            return Ok(rest(why));
        }
        self.retire_new(rotation, made, old)
    }

    /// The way back is closed: on from a store that still holds the new value; where none does, a new rotation is due.
    fn forward(&self, rotation: &'a Rotation, made: &'a Made, why: &str) -> Found {
        match self.source_of(rotation, made) {
            Ok(_) => Ok(Self::record(rotation, Event::RollingForward { why: why.to_owned() })),
            Err(step) if is_lost(&step) => {
                let why = format!("{why}, and no store holds the new one");
                Ok(Self::record(rotation, Event::RolledBack { kept: made.key_id.clone(), why }))
            }
            Err(step) => Err(step),
        }
    }

    /// Puts the predecessor back into every readable store that holds the successor. `false`: it is dead or not to be had.
    pub(super) fn restore(&self, rotation: &'a Rotation, made: &'a Made) -> Result<bool, Step> {
        let Some(old) = rotation.plan.as_ref().and_then(|plan| plan.fingerprint) else { return Ok(false) };
        for place in self.policy.places.iter().filter(|place| place.is_readable()) {
            let store = &place.address;
            let reading = match self.reading(store, self.last_write_to(store))? {
                Ok(reading) => reading,
                Err(fault) => return Err(rest(Why::Store { store: store.clone(), why: fault.to_string() })),
            };
            let state = rotation.store(store);
            if reading.fingerprint == Some(old) {
                if state.is_some_and(|state| state.intent.is_some() || state.written != Some(old)) {
                    return Err(Self::written(rotation, store, old, reading));
                }
                continue;
            }
            if reading.fingerprint != Some(made.fingerprint) {
                if self.is_untouched(rotation, store, reading.fingerprint) {
                    continue;
                }
                return Err(self.conflict(rotation, store));
            }
            let Some(source) = self.source_of_old(store, old)? else { return Ok(false) };
            match self.trial(source.clone(), old, self.fresh_from())? {
                TrialOutcome::Accepted => {}
                TrialOutcome::Unknown | TrialOutcome::Expired => return Ok(false),
                TrialOutcome::Throttled { .. } => {
                    return Err(rest(Why::NoEvidence("the token endpoint is busy".to_owned())));
                }
                TrialOutcome::NoEvidence(why) | TrialOutcome::Wrong(why) => {
                    return Err(rest(Why::NoEvidence(why.clone())));
                }
            }
            let nth = self.sight().writes_to(store) + 1;
            if nth > WRITES {
                return Err(rest(Why::Store {
                    store: store.clone(),
                    why: "it does not take the old value".to_owned(),
                }));
            }
            let number = rotation.attempt().map_or(0, |attempt| attempt.number);
            return Err(Step::Effect {
                rotation: rotation.id,
                intent: Event::StoreIntent {
                    store: store.clone(),
                    what: Writing::Restore,
                    attempt: number,
                    fingerprint: old,
                    version_before: reading.version.clone(),
                },
                effect: Effect::Write {
                    store: store.clone(),
                    source,
                    before: reading.version.clone(),
                    expected: reading.fingerprint,
                    idempotency: format!("{}/{number}/{}/back-{nth}", rotation.id, self.run),
                    key_id: rotation.predecessor().cloned(),
                },
            });
        }
        Ok(true)
    }

    /// It never got the new value, and holds what it held before: nothing to put back.
    fn is_untouched(&self, rotation: &Rotation, store: &str, holds: Option<Fingerprint>) -> bool {
        !rotation.may_have_it(store) && self.may_replace(rotation, store, holds)
    }

    /// On the way back nobody has to acknowledge for what never got the new value, nor for what a person says does not have it
    /// (any more) where that cannot be read.
    pub(in crate::rotate) fn is_passed_over(&self, rotation: &Rotation, place: &Place) -> bool {
        let is_vouched_for = !place.is_readable() && rotation.retire_asked;
        rotation.back.is_some() && (is_vouched_for || !rotation.may_have_it(&place.address))
    }

    /// Whether a place that cannot be read may have the new value.
    pub(in crate::rotate) fn is_anywhere_unseen(&self, rotation: &Rotation) -> bool {
        let mut unseen = self.policy.places.iter().filter(|place| !place.is_readable());
        unseen.any(|place| rotation.may_have_it(&place.address))
    }

    /// The store's own copy of before, or another store that still has it.
    fn source_of_old(&self, store: &str, old: Fingerprint) -> Result<Option<Source>, Step> {
        let seen = self.sight().previous.iter().rev().find(|(known, _)| known == store);
        let Some((_, seen)) = seen else { return Err(Step::Look(Look::Previous(store.to_owned()))) };
        if seen.what == Some(old) {
            return Ok(Some(Source::Previous(store.to_owned())));
        }
        let another = self
            .sight()
            .readings
            .iter()
            .rev()
            .find(|(_, seen)| seen.what.as_ref().is_ok_and(|reading| reading.fingerprint == Some(old)));
        Ok(another.map(|(store, _)| Source::Store(store.clone())))
    }

    fn acknowledge_old(&self, rotation: &'a Rotation, old: Fingerprint) -> Result<Option<Why>, Step> {
        for place in &self.policy.places {
            let state = rotation.store(&place.address);
            if state.is_some_and(|state| state.acked.is_some()) {
                continue;
            }
            if !place.is_readable() {
                if self.is_passed_over(rotation, place) {
                    continue;
                }
                return Ok(Some(Why::Person { store: place.address.clone() }));
            }
            let reading = match self.reading(&place.address, self.last_write_to(&place.address))? {
                Ok(reading) => reading,
                Err(fault) => return Ok(Some(Why::Store { store: place.address.clone(), why: fault.to_string() })),
            };
            if reading.fingerprint != Some(old) {
                if self.is_untouched(rotation, &place.address, reading.fingerprint) {
                    continue;
                }
                return Err(Self::drifted(rotation, &place.address, reading.fingerprint));
            }
            match self.trial(Case::try_store(place), old, self.fresh_from())? {
                TrialOutcome::Accepted => {
                    let event = Event::StoreAcked {
                        store: place.address.clone(),
                        version: reading.version.clone(),
                        requests: self.sight().requests.clone(),
                    };
                    return Err(Self::record(rotation, event));
                }
                _ => return Ok(Some(Why::NoEvidence("the old secret was not accepted just now".to_owned()))),
            }
        }
        Ok(None)
    }

    /// The gate with the two ids exchanged, after the whole grace.
    fn retire_new(&self, rotation: &'a Rotation, made: &'a Made, old: Fingerprint) -> Found {
        let kept = |why: &str| {
            Ok(Self::record(rotation, Event::RolledBack { kept: made.key_id.clone(), why: why.to_owned() }))
        };
        let Some(new) = &made.key_id else { return kept("the provider has no ids to remove it by") };
        if let Some(step) = self.after_retire(rotation, new)? {
            return Ok(step);
        }
        self.saw_all_good(rotation, old)?;
        let acked = self.acked_again(rotation);
        if let Some(until) = acked.map(|at| at + self.grace_of(rotation))
            && self.now.wall < until
        {
            return Ok(rest_until(Why::Grace, until));
        }
        let has_it = |listing: &Listing| listing.credentials.iter().any(|listed| listed.id == *new);
        if !has_it(self.fresh_list()?) && self.is_gone(std::time::Duration::ZERO, has_it)? {
            return Ok(Self::record(rotation, Event::RolledBack { kept: None, why: "it is gone".to_owned() }));
        }
        let question = Question { goes: new, stays: old, stays_id: rotation.predecessor().map(String::as_str) };
        match gate::examine(self, rotation, question)? {
            Verdict::Passed { evidence } => Ok(Step::Effect {
                rotation: rotation.id,
                intent: Event::RetireIntent { key_id: new.clone(), evidence },
                effect: Effect::Remove { key_id: new.clone() },
            }),
            Verdict::Held { by, why } => match &rotation.held {
                Some(held) if self.now.wall - held.since >= PATIENCE => kept("the gate held for 14 days"),
                Some(held) if held.by == by && !self.is_ahead(held.since) => Ok(rest(Why::GateHeld { by, why })),
                _ => Ok(Self::record(rotation, Event::GateHeld { by, why })),
            },
        }
    }

    fn acked_again(&self, rotation: &'a Rotation) -> Option<chrono::DateTime<chrono::Utc>> {
        rotation.stores.iter().filter_map(|state| state.acked.as_ref()).map(|acked| acked.at).max()
    }
}
