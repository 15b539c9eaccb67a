//! After the removal (row 9), and what every later run looks after.

use chrono::TimeDelta;

use super::{Case, Found, Look, Source, Step, Why, rest, rest_until};
use crate::rotate::{
    Event, Rotation, TrialOutcome,
    history::{Attempt, Made, REWRITES},
};

/// A removal may take this long to be noticed; it is verified no sooner.
const VERIFY_AFTER: TimeDelta = TimeDelta::hours(1);
/// An old value that is still accepted after this long is reported, and not waited for any longer.
const STILL_ACCEPTED: TimeDelta = TimeDelta::hours(24);

/// How long the stores of a finished rotation are looked after.
const WATCH: TimeDelta = TimeDelta::days(30);

impl<'a> Case<'a> {
    pub(super) fn finish(&self, rotation: &'a Rotation) -> Found {
        let Some((_, at)) = &rotation.retired else { return Ok(rest(Why::Finished)) };
        if rotation.back.is_some() {
            if let Some(step) = self.tidy(rotation) {
                return Ok(step);
            }
            let why = "called off; the stores have the old value".to_owned();
            return Ok(Self::record(rotation, Event::RolledBack { kept: None, why }));
        }
        let Some((attempt, made)) = rotation.attempt().and_then(|attempt| Some((attempt, attempt.created.as_ref()?)))
        else {
            return Ok(rest(Why::Finished));
        };
        self.look_after(rotation, attempt, made)?;
        let delay = TimeDelta::from_std(self.policy.capabilities.removal_delay).unwrap_or(VERIFY_AFTER);
        let verify_at = *at + VERIFY_AFTER.max(delay);
        if self.now.wall < verify_at && !self.is_ahead(*at) {
            let why = "the removal is verified an hour after it".to_owned();
            return Ok(rest_until(Why::NextRun(why), verify_at));
        }
        let old_refused = self.old_is_refused(rotation)?;
        if old_refused == Some(false) && self.now.wall - *at < STILL_ACCEPTED {
            return Ok(rest(Why::NextRun("the token endpoint still accepts the removed secret".to_owned())));
        }
        if let Some(step) = self.tidy(rotation) {
            return Ok(step);
        }
        Ok(Self::record(rotation, Event::Done { old_refused }))
    }

    /// Every store still holds the successor, and it is accepted; a store that went back gets it again.
    fn look_after(&self, rotation: &'a Rotation, attempt: &'a Attempt, made: &'a Made) -> Result<(), Step> {
        for place in self.policy.places.iter().filter(|place| place.is_readable()) {
            let store = &place.address;
            let Some(state) = rotation.store(store).filter(|state| state.written == Some(made.fingerprint)) else {
                continue;
            };
            match self.reading(store, self.last_write_to(store))? {
                Ok(reading) if reading.fingerprint == Some(made.fingerprint) => {}
                Ok(reading) if state.drifts < REWRITES && self.may_replace(rotation, store, reading.fingerprint) => {
                    return Err(Self::drifted(rotation, store, reading.fingerprint));
                }
                Ok(_) => return Err(self.conflict(rotation, store)),
                Err(fault) => return Err(rest(Why::Store { store: store.clone(), why: fault.to_string() })),
            }
        }
        let undelivered = self.deliver(rotation, attempt, made)?;
        let unacked = self.acknowledge(rotation, attempt, made)?;
        if let Some(why) = undelivered.or(unacked) {
            return Err(rest(why));
        }
        self.successor_lives(rotation, made)
    }

    /// `None`: the old value is not at hand.
    fn old_is_refused(&self, rotation: &'a Rotation) -> Result<Option<bool>, Step> {
        let Some(old) = rotation.plan.as_ref().and_then(|plan| plan.fingerprint) else { return Ok(None) };
        for place in self.policy.places.iter().filter(|place| place.is_readable()) {
            let store = &place.address;
            let Some((_, seen)) = self.sight().previous.iter().rev().find(|(known, _)| known == store) else {
                return Err(Step::Look(Look::Previous(store.clone())));
            };
            if seen.what == Some(old) {
                return Ok(match self.trial(Source::Previous(store.clone()), old, self.fresh_from())? {
                    TrialOutcome::Unknown | TrialOutcome::Expired => Some(true),
                    TrialOutcome::Accepted => Some(false),
                    _ => None,
                });
            }
        }
        Ok(None)
    }

    /// A rotation that is over: its stores are looked after for 30 days, and as long as something of it is kept on purpose.
    pub(super) fn watch(&self) -> Result<(), Step> {
        let Some(rotation) = self.history.last_finished() else { return Ok(()) };
        let Some((attempt, made)) = rotation.attempt().and_then(|attempt| Some((attempt, attempt.created.as_ref()?)))
        else {
            return Ok(());
        };
        // Said once; until a person has looked, only a new rotation mends it.
        if rotation.blocked.is_some() {
            return Ok(());
        }
        let is_kept = !rotation.left_behind().is_empty();
        let is_old = rotation.ended_at.is_none_or(|at| self.now.wall - at > WATCH);
        if is_old && !is_kept {
            return Ok(());
        }
        for place in self.policy.places.iter().filter(|place| place.is_readable()) {
            let store = &place.address;
            let Some(state) = rotation.store(store).filter(|state| !state.given.is_empty()) else { continue };
            let Ok(reading) = self.reading(store, self.last_write_to(store))? else { continue };
            let Some(holds) = reading.fingerprint else { continue };
            if holds == made.fingerprint {
                if state.intent.is_some() || state.written != Some(holds) {
                    return Err(Self::written(rotation, store, holds, reading));
                }
                continue;
            }
            // A value that is nobody's of ours is a person's doing, and the inventory's business again.
            let is_earlier = self.history.owner(holds).is_some();
            if !is_earlier || state.is_given_up() || self.source_of(rotation, made).is_err_and(|step| is_lost(&step)) {
                continue;
            }
            if state.written == Some(made.fingerprint) {
                return Err(Self::drifted(rotation, store, Some(holds)));
            }
            if self.sight().writes_to(store) == 0 {
                self.successor_lives(rotation, made)?;
                let source = self.source_of(rotation, made)?;
                return Err(self.write(rotation, attempt, made, store, source, reading));
            }
        }
        Ok(())
    }
}

/// No store holds it: there is nothing to write from.
pub(super) fn is_lost(step: &Step) -> bool {
    matches!(step, Step::Record { event: Event::Blocked { .. }, .. })
}
