//! Providers whose value can be read again (kinds B and C, rotation.md section 8): a lost answer is read back, never repeated.

use chrono::TimeDelta;

use super::{Case, Found, Look, Source, Step, Why, rest, rest_until};
use crate::{
    management::Overlap,
    rotate::{
        AttemptEnd, Event, Rotation, TrialOutcome,
        history::{Attempt, Made},
    },
    secret::Fingerprint,
};

/// How long an unknown outcome has to stay without effect before the call is sent again.
const UNCHANGED: TimeDelta = TimeDelta::hours(24);

impl<'a> Case<'a> {
    /// Nothing is live but the newest value: kind C, and kind B without a policy.
    pub(super) fn has_gap(&self) -> Result<bool, Step> {
        match self.policy.capabilities.overlap {
            Overlap::Full => Ok(false),
            Overlap::None => Ok(true),
            Overlap::RotatedGrace => Ok(self.constraints()?.rotated_grace.is_none_or(|grace| grace.is_zero())),
        }
    }

    /// What a plan asks of a provider without (full) overlap.
    pub(super) fn overlap_is_planned(&self) -> Result<(), Step> {
        if self.policy.capabilities.overlap == Overlap::Full {
            return Ok(());
        }
        let constraints = self.constraints()?;
        let failed = |why: String| rest(Why::PlanFailed(why));
        if self.has_gap()? {
            if self.policy.allow_gap {
                return Ok(());
            }
            return Err(failed(match self.policy.capabilities.overlap {
                Overlap::RotatedGrace => "the realm has no client policy with the executor `secret-rotation`, so the old secret \
                                          dies at once: set one up, or accept an outage with `allow_gap: true` and a `window`"
                    .to_owned(),
                _ => "this provider replaces the secret at once: accept an outage with `allow_gap: true` and a `window`"
                    .to_owned(),
            }));
        }
        match constraints.rotated_grace {
            Some(grace) if grace <= self.policy.grace => Err(failed(format!(
                "the provider accepts the old secret for {} h only: `rotated-expiration-period` must be longer than the grace ({} h)",
                grace.as_secs() / 3600,
                self.policy.grace.as_secs() / 3600,
            ))),
            _ => Ok(()),
        }
    }

    fn current(&self, after: std::time::Duration) -> Result<Fingerprint, Step> {
        let seen = self.sight().current.iter().rev().find(|seen| seen.at >= after);
        match seen.map(|seen| &seen.what) {
            None => Err(Step::Look(Look::Current)),
            Some(Ok(value)) => Ok(*value),
            Some(Err(fault)) => Err(rest(Why::Provider(fault.message.clone()))),
        }
    }

    /// Sent, and no answer: what the provider holds now says what became of it.
    pub(super) fn settle_by_reading(&self, rotation: &'a Rotation, attempt: &'a Attempt) -> Found {
        let current = self.current(self.sight().created_at.unwrap_or_default())?;
        let old = rotation.plan.as_ref().and_then(|plan| plan.fingerprint);
        if Some(current) != old {
            let event = Event::Created { attempt: attempt.number, key_id: None, end: None, fingerprint: current };
            return Ok(Self::record(rotation, event));
        }
        if self.is_ahead(attempt.at) {
            let why = "the clock was ahead when it was sent".to_owned();
            return Ok(Self::record(rotation, Event::CreateUnknown { attempt: attempt.number, why }));
        }
        let again_at = attempt.at + UNCHANGED;
        if self.now.wall < again_at {
            let why = "the answer to the create was lost, and nothing has changed so far".to_owned();
            // What an earlier run lost, that run has told as its own failure; this one waits.
            let why = if attempt.run == self.run { Why::AttemptFailed(why) } else { Why::NextRun(why) };
            return Ok(rest_until(why, again_at));
        }
        Ok(Self::record(rotation, Event::AttemptClosed { attempt: attempt.number, how: AttemptEnd::Absent }))
    }

    /// Where the new value can be had before a store holds it; `None`: nowhere any more.
    pub(super) fn source_of_new(
        &self,
        rotation: &'a Rotation,
        attempt: &Attempt,
        made: &Made,
    ) -> Result<Option<Source>, Step> {
        self.is_newest(rotation, attempt, made)?;
        if self.sight().held == Some(made.fingerprint) {
            return Ok(Some(Source::Held));
        }
        Ok(self.policy.capabilities.readable.then_some(Source::Current))
    }

    /// A proxy that sends the call again, or a person, makes yet another one: what was answered is no longer what stays, and
    /// the newest is delivered in its place.
    pub(super) fn is_newest(&self, rotation: &'a Rotation, attempt: &Attempt, made: &Made) -> Result<(), Step> {
        if !self.policy.capabilities.readable {
            return Ok(());
        }
        let current = self.current(self.sight().created_at.unwrap_or_default().max(self.fresh_from()))?;
        if current == made.fingerprint {
            return Ok(());
        }
        if rotation.plan.as_ref().is_some_and(|plan| plan.fingerprint == Some(current)) {
            return Err(rest(Why::NoEvidence("the provider shows the old secret as the one in force".to_owned())));
        }
        let event = Event::Created { attempt: attempt.number, key_id: None, end: None, fingerprint: current };
        Err(Self::record(rotation, event))
    }

    /// Whether to deliver at once, without waiting for every replica: the old value is dead already.
    pub(super) fn is_urgent(&self, rotation: &'a Rotation, since: std::time::Duration) -> Result<bool, Step> {
        if self.policy.capabilities.overlap == Overlap::Full {
            return Ok(false);
        }
        if self.has_gap()? {
            return Ok(true);
        }
        let old = rotation.plan.as_ref().and_then(|plan| plan.fingerprint);
        let (Some(old), Some(primary)) = (old, self.policy.places.first()) else { return Ok(true) };
        match self.reading(&primary.address, std::time::Duration::ZERO)? {
            Ok(reading) if reading.fingerprint == Some(old) => {}
            _ => return Ok(true),
        }
        let outcome = self.trial(Source::Store(primary.address.clone()), old, since)?;
        Ok(matches!(outcome, TrialOutcome::Unknown | TrialOutcome::Expired))
    }

    /// The id under which the provider keeps what was replaced, where it has no ids of its own.
    pub(super) fn rotated(&self) -> Option<&'static str> {
        (self.policy.capabilities.overlap == Overlap::RotatedGrace).then_some(ROTATED)
    }
}

/// Kind B: the one value that is not the current one.
const ROTATED: &str = "rotated";
