//! Asking for what is not seen yet, with every repeat bounded.

use std::time::Duration;

use super::{Case, Look, Source, Step, Why, rest};
use crate::{
    management::{FaultKind, Listing},
    rotate::{Reading, Sight, TrialOutcome},
    secret::Fingerprint,
    store::StoreFault,
};

/// How often a look is taken in vain before the run leaves it.
const LOOKS: usize = 3;
const PAUSE: Duration = Duration::from_secs(5);

/// Entra refuses loops near 15 token requests in 5 minutes (AADSTS50196).
const TRIALS: usize = 10;
const TRIALS_WITHIN: Duration = Duration::from_secs(5 * 60);

/// Beyond this difference between our clock and the provider's nothing is made or removed, seconds.
const SKEW: i64 = 5 * 60;

impl<'a> Case<'a> {
    /// The sight as long as the decision lasts.
    pub(in crate::rotate) const fn sight(&self) -> &'a Sight {
        self.sight
    }

    /// A whole listing that is not older than `after`.
    pub(in crate::rotate) fn list_since(&self, after: Duration) -> Result<&'a Listing, Step> {
        let sight = self.sight();
        if let Some((listing, at)) = sight.list()
            && at >= after
        {
            return Ok(listing);
        }
        let mut faults = sight.lists.iter().rev().take_while(|seen| seen.what.is_err() && seen.at >= after);
        let Some(last) = faults.next() else { return Err(Step::Look(Look::List)) };
        let count = 1 + faults.count();
        let Err(fault) = &last.what else { return Err(Step::Look(Look::List)) };
        let pause = match fault.kind {
            FaultKind::Throttled { retry_after } => retry_after.unwrap_or(PAUSE).max(PAUSE),
            FaultKind::NotSent | FaultKind::NoAnswer | FaultKind::Conflict => PAUSE * u32::try_from(count).unwrap_or(1),
            FaultKind::SignIn | FaultKind::Forbidden | FaultKind::NotFound | FaultKind::Refused => Duration::MAX,
        };
        if count >= LOOKS || pause > LONGEST_PAUSE {
            return Err(rest(Why::Provider(fault.message.clone())));
        }
        Err(self.after(last.at, pause, Step::Look(Look::List)))
    }

    /// A listing of the last five minutes.
    pub(in crate::rotate) fn fresh_list(&self) -> Result<&'a Listing, Step> {
        self.list_since(self.fresh_from())
    }

    /// Since when what was seen still counts as evidence.
    pub(in crate::rotate) fn fresh_from(&self) -> Duration {
        self.now.elapsed.saturating_sub(super::FRESH)
    }

    /// What a store holds, seen not before `after`; a fault is an answer after the second try.
    pub(in crate::rotate) fn reading(
        &self,
        store: &str,
        after: Duration,
    ) -> Result<Result<&'a Reading, &'a StoreFault>, Step> {
        let look = Step::Look(Look::Read(store.to_owned()));
        let of_store = self.sight().readings.iter().rev().filter(|(known, seen)| known == store && seen.at >= after);
        let mut of_store = of_store.map(|(_, seen)| seen);
        let Some(last) = of_store.next() else { return Err(look) };
        match &last.what {
            Ok(reading) => Ok(Ok(reading)),
            Err(fault @ StoreFault::Unavailable(_)) if of_store.count() + 1 < LOOKS => {
                let _ = fault;
                Err(self.after(last.at, PAUSE, look))
            }
            Err(fault) => Ok(Err(fault)),
        }
    }

    /// What the token endpoint says about a value, asked not before `after`.
    pub(in crate::rotate) fn trial(
        &self,
        source: Source,
        value: Fingerprint,
        after: Duration,
    ) -> Result<&'a TrialOutcome, Step> {
        let mut trials = self.sight().trials.iter().rev().filter(|(of, seen)| *of == value && seen.at >= after);
        let Some((_, last)) = trials.next() else { return Err(self.try_now(source)) };
        match &last.what {
            TrialOutcome::NoEvidence(_) | TrialOutcome::Throttled { .. } => {
                let vain = 1 + trials.take_while(|(_, seen)| is_silent(&seen.what)).count();
                let pause = self.pause_after(&last.what);
                if vain >= LOOKS || pause > LONGEST_PAUSE {
                    return Ok(&last.what);
                }
                Err(self.after(last.at, pause, self.try_now(source)))
            }
            outcome => Ok(outcome),
        }
    }

    pub(super) fn pause_after(&self, outcome: &TrialOutcome) -> Duration {
        match outcome {
            TrialOutcome::Throttled { retry_after } => retry_after.unwrap_or(PAUSE).max(PAUSE),
            _ => PAUSE,
        }
    }

    /// A token request, or the wait that the provider's guard against loops demands.
    pub(super) fn try_now(&self, source: Source) -> Step {
        let from = self.now.elapsed.saturating_sub(TRIALS_WITHIN);
        let recent = self.sight().trials.iter().map(|(_, seen)| seen.at).filter(|at| *at >= from);
        match recent.clone().min() {
            Some(first) if recent.count() >= TRIALS => {
                Step::Wait((first + TRIALS_WITHIN + Duration::from_secs(1)).saturating_sub(self.now.elapsed))
            }
            _ => Step::Look(Look::Try(source)),
        }
    }

    /// `step`, but not before `pause` has passed since `from`.
    pub(super) fn after(&self, from: Duration, pause: Duration, step: Step) -> Step {
        let due = from.saturating_add(pause);
        if self.now.elapsed >= due { step } else { Step::Wait(due - self.now.elapsed) }
    }

    /// Whether all listings from `after` on, over `settle` and at least two, lack what `is_there` looks for. `false`: the newest
    /// has it.
    pub(super) fn is_gone(&self, after: Duration, is_there: impl Fn(&Listing) -> bool) -> Result<bool, Step> {
        let newest_first = self.sight().listings().rev().take_while(|(_, at)| *at >= after);
        let mut absent = newest_first.take_while(|(listing, _)| !is_there(listing)).map(|(_, at)| at);
        let Some(last) = absent.next() else {
            // Either nothing was listed yet, or it is there.
            return self.list_since(after).map(|_| false);
        };
        let first = absent.last().unwrap_or(last);
        if last > first && last - first >= self.limits.settle {
            return Ok(true);
        }
        Err(self.list_again())
    }

    /// Another listing, a gap after the last one.
    pub(super) fn list_again(&self) -> Step {
        let next = self.sight().list().map_or(self.now.elapsed, |(_, at)| at + (self.limits.settle / 5).max(MOMENT));
        if self.now.elapsed < next {
            return Step::Wait(next - self.now.elapsed);
        }
        self.list_since(next).err().unwrap_or(Step::Look(Look::List))
    }

    /// Neither clock is to be doubted, as far as can be told.
    pub(in crate::rotate) fn clock_is_sane(&self) -> Result<(), Step> {
        let skew = self.sight().skew().unwrap_or_default();
        let worst = if skew.abs() >= self.now.stepped.abs() { skew } else { self.now.stepped };
        if worst.abs() > SKEW { Err(rest(Why::ClockSkew(worst))) } else { Ok(()) }
    }
}

/// Two listings are never the same moment's.
const MOMENT: Duration = Duration::from_millis(1);

/// A longer pause is left to the next run.
const LONGEST_PAUSE: Duration = Duration::from_secs(2 * 60);

fn is_silent(outcome: &TrialOutcome) -> bool {
    matches!(outcome, TrialOutcome::NoEvidence(_) | TrialOutcome::Throttled { .. })
}
