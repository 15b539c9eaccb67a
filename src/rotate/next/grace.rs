//! The grace (row 7): both credentials live while consumers pick the new value up, and every run looks again.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Case, Found, Source, Step, Why, ack::DRIFTS, rest, rest_until};
use crate::rotate::{
    ClosedBecause, Event, Place, Rotation, TrialOutcome,
    history::{Acked, Made},
};
use crate::{management::Overlap, secret::Fingerprint};

impl<'a> Case<'a> {
    /// Not every store is acknowledged: how long that may go on.
    pub(super) fn hold_on(&self, rotation: &'a Rotation, made: &'a Made, why: Why) -> Found {
        match self.successor_is_due(made) {
            true => Ok(self.close(rotation, ClosedBecause::SuccessorDue)),
            false => Ok(rest(why)),
        }
    }

    /// Every store acknowledged: looks at each once in a run, and waits for the grace to pass.
    pub(super) fn grace(&self, rotation: &'a Rotation, made: &'a Made) -> Result<(), Step> {
        let Some(acked) = self.last_ack(rotation) else { return Ok(()) };
        let until = acked.at + self.grace_of(rotation);
        if rotation.grace_until.is_none() {
            return Err(Self::record(rotation, Event::GraceStarted { until }));
        }
        for place in self.policy.places.iter().filter(|place| place.is_readable()) {
            let store = &place.address;
            let Some(state) = rotation.store(store) else { continue };
            let reading = match self.reading(store, self.sight().last_write().unwrap_or_default())? {
                Ok(reading) => reading,
                Err(fault) => return Err(rest(Why::Store { store: store.clone(), why: fault.to_string() })),
            };
            if reading.fingerprint != Some(made.fingerprint) {
                if state.drifts >= DRIFTS {
                    return Err(self.fight(rotation, store));
                }
                return Err(Self::drifted(rotation, store, reading.fingerprint));
            }
            if state.acked.as_ref().is_some_and(|acked| acked.version != reading.version || self.is_ahead(acked.at)) {
                // Moved by a neighbour, and still ours: no drift, and the grace goes on. Or the clock was ahead: it begins anew.
                let event =
                    Event::StoreAcked { store: store.clone(), version: reading.version.clone(), requests: Vec::new() };
                return Err(Self::record(rotation, event));
            }
        }
        for place in self.policy.places.iter().filter(|place| !place.is_readable()) {
            let acked = rotation.store(&place.address).and_then(|state| state.acked.as_ref());
            if acked.is_some_and(|acked| self.is_ahead(acked.at)) {
                let event = Event::StoreAcked { store: place.address.clone(), version: None, requests: Vec::new() };
                return Err(Self::record(rotation, event));
            }
        }
        self.successor_lives(rotation, made)?;
        self.saw_all_good(rotation, made.fingerprint)?;
        if self.successor_is_due(made) {
            return Err(self.close(rotation, ClosedBecause::SuccessorDue));
        }
        if self.now.wall < until && !self.predecessor_is_long_dead(rotation) {
            if self.policy.capabilities.overlap == Overlap::Full {
                // What a late call of an earlier attempt made goes as soon as it shows.
                self.no_leftover(self.fresh_list()?)?;
            }
            return Err(rest_until(Why::Grace, until));
        }
        Ok(())
    }

    /// A stamp of a time that is still to come: the clock that set it was ahead, and what it began is timed anew.
    pub(super) fn is_ahead(&self, at: DateTime<Utc>) -> bool {
        at > self.now.wall + TimeDelta::minutes(5)
    }

    /// Notes once per run, and not more often than `run_gap`, that every store holds what is to stay.
    pub(super) fn saw_all_good(&self, rotation: &'a Rotation, stays: Fingerprint) -> Result<(), Step> {
        let gap = TimeDelta::from_std(self.limits.run_gap).unwrap_or(TimeDelta::MAX);
        let counts = rotation
            .good
            .last()
            .is_none_or(|last| last.run != self.run && (self.now.wall - last.at >= gap || self.is_ahead(last.at)));
        if !counts {
            return Ok(());
        }
        let Some(primary) = self.policy.places.first() else { return Ok(()) };
        match self.trial(Self::try_store(primary), stays, self.fresh_from())? {
            TrialOutcome::Accepted => {
                // A listing first, so that the record carries the provider's clock.
                self.fresh_list()?;
                Err(Self::record(
                    rotation,
                    Event::StoresGood { run: self.run.to_owned(), requests: self.sight().requests.clone() },
                ))
            }
            TrialOutcome::NoEvidence(why) | TrialOutcome::Wrong(why) => Err(rest(Why::NoEvidence(why.clone()))),
            _ => Err(rest(Why::NoEvidence("the value in the stores was not accepted just now".to_owned()))),
        }
    }

    pub(in crate::rotate) fn last_ack(&self, rotation: &'a Rotation) -> Option<&'a Acked> {
        let asked = self.policy.places.iter().filter(|place| !self.is_passed_over(rotation, place));
        rotation.acked_since(asked.map(|place| place.address.as_str()))
    }

    /// The longest pick-up time; never shorter than it was when the rotation was planned.
    pub(in crate::rotate) fn grace_of(&self, rotation: &Rotation) -> TimeDelta {
        let planned = rotation.plan.as_ref().map_or(0, |plan| plan.grace);
        let grace = self.policy.grace.max(std::time::Duration::from_secs(planned));
        TimeDelta::from_std(grace).unwrap_or(TimeDelta::MAX)
    }

    /// Expired for more than a day, by both clocks.
    pub(in crate::rotate) fn predecessor_is_long_dead(&self, rotation: &Rotation) -> bool {
        let Some(end) = rotation.plan.as_ref().and_then(|plan| plan.predecessor_end) else { return false };
        let is_past = |now: DateTime<Utc>| now - end > TimeDelta::hours(24);
        is_past(self.now.wall) && self.sight().provider_date().is_some_and(is_past)
    }

    /// The successor would have to be replaced itself: what holds this rotation open must not let it expire.
    pub(super) fn successor_is_due(&self, made: &Made) -> bool {
        let before = TimeDelta::from_std(self.policy.before).unwrap_or(TimeDelta::MAX);
        let is_due = |now: DateTime<Utc>| made.end.is_some_and(|end| now >= end - before);
        // Not by a clock that the provider's contradicts.
        is_due(self.now.wall) && self.sight().provider_date().is_none_or(is_due)
    }

    pub(super) fn close(&self, rotation: &Rotation, why: ClosedBecause) -> Step {
        if let Some(step) = self.tidy(rotation) {
            return step;
        }
        let is_acked = |address: &str| rotation.store(address).is_some_and(|state| state.acked.is_some());
        let unacked = self.policy.places.iter().filter(|place| !is_acked(&place.address));
        let unacked = unacked.map(|place| place.address.clone()).collect();
        let kept = rotation.predecessor().cloned();
        Self::record(rotation, Event::Closed { kept, why, unacked })
    }

    /// Copies of what was there before are dropped before a rotation ends.
    pub(super) fn tidy(&self, rotation: &Rotation) -> Option<Step> {
        let given = rotation.stores.iter().filter(|state| !state.given.is_empty());
        let mut configured = given.filter(|state| {
            self.policy.places.iter().any(|place| place.address == state.address && place.abilities.is_some())
        });
        let left = configured.find(|state| !self.sight().tidied.contains(&state.address))?;
        Some(Step::Tidy(left.address.clone()))
    }

    /// Nor does a copy outlive a rotation for long that could not be dropped at its end, or was made after it.
    pub(super) fn tidy_after(&self) -> Result<(), Step> {
        let is_left = |place: &&Place| {
            let store = &place.address;
            let has_copy =
                self.sight().writes_to(store) > 0 || self.history.copies_left().any(|(_, left, _)| left == store);
            place.abilities.is_some() && has_copy && !self.sight().tidied.contains(store)
        };
        match self.policy.places.iter().find(is_left) {
            Some(place) => Err(Step::Tidy(place.address.clone())),
            None => Ok(()),
        }
    }

    pub(in crate::rotate) fn try_store(place: &Place) -> Source {
        Source::Store(place.address.clone())
    }
}
