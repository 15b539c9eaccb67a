//! Making a new credential (row 2).

use chrono::TimeDelta;

use super::{Case, Effect, Found, Step, Why, rest};
use crate::rotate::{Attempt, AttemptEnd, BlockReason, Event, Marker, RemovalReason, Rotation};

/// A plan is good for this long.
const PLAN: TimeDelta = TimeDelta::hours(1);

const ATTEMPTS: usize = 3;
const ATTEMPTS_WITHIN: TimeDelta = TimeDelta::hours(24);

/// Attempts that never became live before a person has to look.
const NEVER_LIVE: usize = 3;

impl<'a> Case<'a> {
    pub(super) fn create(&self, rotation: &'a Rotation) -> Found {
        if rotation.back.is_some() {
            let why = "called off before anything was delivered".to_owned();
            return Ok(Self::record(rotation, Event::RolledBack { kept: None, why }));
        }
        let never = rotation.attempts.iter().filter(|attempt| attempt.closed == Some(AttemptEnd::NeverLive)).count();
        if never >= NEVER_LIVE {
            let why = format!("{never} new secrets were never listed, or never accepted by the token endpoint");
            return Ok(Self::block(rotation, BlockReason::NeverLive, why));
        }
        if rotation.attempts.iter().any(|attempt| attempt.run == self.run) {
            return Ok(rest(self.spent(rotation)));
        }
        if self.history.attempts_between(self.now.wall - ATTEMPTS_WITHIN, self.now.wall) >= ATTEMPTS {
            return Ok(rest(Why::Attempts));
        }
        if !self.policy.in_window {
            return Ok(rest(Why::OutsideWindow));
        }
        if !self.allow.create {
            return Ok(rest(Why::Budget("too many creates failed at this provider")));
        }
        let age = rotation.planned_at.map(|at| self.now.wall - at);
        if age.is_none_or(|age| age > PLAN || age < TimeDelta::zero()) {
            return self.plan(Some(rotation));
        }
        let Some(plan) = &rotation.plan else { return self.plan(Some(rotation)) };
        let listing = self.fresh_list()?;
        self.clock_is_sane()?;
        self.no_unknown_marker(listing)?;
        self.no_leftover(listing)?;
        self.has_room(listing)?;
        let number = rotation.attempts.last().map_or(1, |attempt| attempt.number + 1);
        let marker = Marker::new(self.installation, rotation.id, number);
        let intent = Event::CreateIntent {
            attempt: number,
            marker: marker.clone(),
            run: self.run.to_owned(),
            fingerprint: None,
        };
        let effect = Effect::Create { marker, end: plan.end, on: plan.holder };
        Ok(Step::Effect { rotation: rotation.id, intent, effect })
    }

    /// What became of this run's one attempt.
    fn spent(&self, rotation: &Rotation) -> Why {
        let last = rotation.attempts.last();
        if let Some(why) = last.and_then(|attempt| attempt.refused.clone()) {
            return Why::PlanFailed(why);
        }
        let primary = self.policy.places.first().and_then(|primary| rotation.store(&primary.address));
        let refused = primary.and_then(|state| Some((state.address.clone(), state.refused.clone()?)));
        match refused.filter(|_| last.is_some_and(|attempt| attempt.live_in.as_deref() == Some(self.run))) {
            Some((store, why)) => Why::Store { store, why },
            None => Why::AttemptFailed(last.map_or_else(String::new, Self::came_to)),
        }
    }

    fn came_to(attempt: &Attempt) -> String {
        if let Some(why) = &attempt.unknown {
            return match attempt.closed {
                Some(AttemptEnd::Absent) => format!("{why}; nothing came of it"),
                _ => format!("{why}; what came of it is removed again"),
            };
        }
        let why = match attempt.taken_back {
            Some(RemovalReason::NeverListed) => "the provider did not list the new secret, which it had just made",
            Some(RemovalReason::NeverLive) => "the token endpoint did not accept the new secret in time",
            Some(RemovalReason::Undelivered) => "the first store did not take the new secret",
            Some(RemovalReason::TwoMasters) => "another installation of credwatch made a secret for this app first",
            _ => "the new secret was of no use",
        };
        format!("{why}; it is removed again")
    }

    /// The provider's limit leaves room for one more, and for one that a person may need at once.
    pub(super) fn has_room(&self, listing: &crate::management::Listing) -> Result<(), Step> {
        let constraints = self.constraints()?;
        let Some(limit) = constraints.limit.or(self.policy.capabilities.limit) else { return Ok(()) };
        if self.policy.capabilities.overlap != crate::management::Overlap::Full {
            return Ok(());
        }
        let listed =
            u32::try_from(listing.credentials.iter().filter(|listed| listed.is_secret).count()).unwrap_or(u32::MAX);
        let headroom = u32::from(limit > 2);
        if limit <= 2 && !self.policy.retire {
            let why =
                format!("the provider allows {limit} secrets, and `retire` is not set: it would be full for ever");
            return Err(rest(Why::PlanFailed(why)));
        }
        if listed.saturating_add(1).saturating_add(headroom) > limit {
            let why =
                format!("the provider allows {limit} secrets and lists {listed}: remove one that is not used any more");
            return Err(rest(Why::PlanFailed(why)));
        }
        Ok(())
    }

    pub(super) fn constraints(&self) -> Result<&'a crate::management::Constraints, Step> {
        match &self.sight().constraints {
            None => Err(Step::Look(super::Look::Constraints)),
            Some(Ok(constraints)) => Ok(constraints),
            Some(Err(fault)) => Err(rest(Why::Provider(fault.message.clone()))),
        }
    }
}
