//! Removing an attempt of our own that no store can hold (rotation.md section 4): by its id, on reads of this run, and never on
//! the journal's word alone.

use std::time::Duration;

use chrono::TimeDelta;

use super::{Case, Effect, FRESH, Found, Look, Source, Step, Why, rest};
use crate::{
    management::{FaultKind, Listing, Overlap, Removed},
    rotate::{
        BlockReason, Event, RemovalReason, Rotation, TrialOutcome,
        history::{Attempt, Owner},
    },
    secret::Fingerprint,
};

/// How long markers are watched for.
const WATCH: TimeDelta = TimeDelta::days(7);

impl<'a> Case<'a> {
    pub(super) fn remove_own(
        &self,
        rotation: &'a Rotation,
        attempt: &'a Attempt,
        key_id: &str,
        why: RemovalReason,
    ) -> Found {
        if let Some(step) = self.after_removal(rotation, attempt, key_id)? {
            return Ok(step);
        }
        if self.sight().given_up.iter().any(|id| id == key_id) {
            let why = attempt.left.as_ref().map(|(_, why)| why.clone()).unwrap_or_default();
            return Ok(rest(Why::OrphanLeft { key_id: key_id.to_owned(), why }));
        }
        let keep = |why: String| self.leave(rotation, attempt, key_id, why);
        let unreadable = rotation.stores.iter().find(|store| {
            let place = self.policy.places.iter().find(|place| place.address == store.address);
            store.given.contains(&attempt.number) && !place.is_some_and(|place| place.is_readable())
        });
        if let Some(store) = unreadable {
            return Ok(keep(format!("{} was given it and cannot be read", store.address)));
        }
        if rotation.stores.iter().any(|store| store.intent.as_ref().is_some_and(|open| open.attempt == attempt.number))
        {
            return Ok(keep("a write that carries it may still be under way".to_owned()));
        }
        // Since this run's last write, and never older than what counts as fresh.
        let since = self.sight().last_write().unwrap_or_default().max(self.fresh_from());
        let listing = match self.list_since(since) {
            Ok(listing) => listing,
            Err(Step::Rest(super::Rest { why: Why::Provider(why), .. })) => return Ok(keep(why)),
            Err(step) => return Err(step),
        };
        for place in self.policy.places.iter().filter(|place| place.is_readable()) {
            let holds = match self.reading(&place.address, since)? {
                Ok(reading) => reading.fingerprint,
                Err(fault) => return Ok(keep(format!("{}: {fault}", place.address))),
            };
            let Some(holds) = holds else {
                if self.may_replace(rotation, &place.address, None) {
                    continue;
                }
                return Ok(Self::block(
                    rotation,
                    BlockReason::StateBehind,
                    format!("{} is empty, which was not planned", place.address),
                ));
            };
            if let Some(step) = self.is_of_another(rotation, attempt, key_id, &place.address, holds, listing, since)? {
                return Ok(step);
            }
        }
        // What is not listed may be there all the same: the answer to its removal says more than a list does.
        if !lists(listing, key_id) && !self.is_gone(Duration::ZERO, |listing| lists(listing, key_id))? {
            return Ok(keep("the provider's list is not steady".to_owned()));
        }
        Ok(Step::Effect {
            rotation: rotation.id,
            intent: Event::RemoveIntent { attempt: attempt.number, key_id: key_id.to_owned(), why },
            effect: Effect::Remove { key_id: key_id.to_owned() },
        })
    }

    /// Removes what is left over of own attempts; nothing new is made beside what could not be removed.
    pub(super) fn no_leftover(&self, listing: &'a Listing) -> Result<(), Step> {
        if let Some((rotation, attempt, key_id)) = self.leftover(listing) {
            let (Ok(step) | Err(step)) = self.remove_own(rotation, attempt, &key_id, RemovalReason::Orphan);
            return Err(match step {
                // A rotation that is over cannot be blocked: the finding is said anew by each run.
                Step::Record { event: Event::Blocked { reason, why }, .. } if rotation.end.is_some() => {
                    rest(Why::Blocked { reason, why })
                }
                step => step,
            });
        }
        if let Some((rotation, attempt, key_id)) = self.vanished(listing)
            && self.is_gone(Duration::ZERO, |listing| lists(listing, key_id))?
        {
            return Err(self.removed(rotation, attempt, key_id));
        }
        match self.sight().given_up.first() {
            Some(left) => {
                let why = "a new one is not made beside it".to_owned();
                Err(rest(Why::OrphanLeft { key_id: left.clone(), why }))
            }
            None => Ok(()),
        }
    }

    /// A gateway may apply a call long after nobody waits for it any more: for a week each run looks for what came of it,
    /// and for what a rotation left behind that another one has overtaken.
    pub(super) fn work_off(&self) -> Result<(), Step> {
        let since = self.now.wall - WATCH;
        let is_recent = |rotation: &Rotation| {
            rotation.ended_at.is_some_and(|at| at > since) || rotation.attempts.iter().any(|attempt| attempt.at > since)
        };
        if self.policy.capabilities.overlap != Overlap::Full {
            return Ok(());
        }
        if self.history.rotations.iter().any(is_recent) {
            return self.no_leftover(self.fresh_list()?);
        }
        // Due or not, one look a night: what is ours and not known here is told by each run (I15). No answer is no news.
        match self.sight().lists.last().map(|seen| &seen.what) {
            None => Err(Step::Look(Look::List)),
            Some(Ok(listing)) => self.no_leftover(listing),
            Some(Err(_)) => Ok(()),
        }
    }

    /// What a store holds must be another credential than the one to be removed, and that one listed and live.
    #[allow(clippy::too_many_arguments)]
    fn is_of_another(
        &self,
        rotation: &'a Rotation,
        attempt: &'a Attempt,
        key_id: &str,
        store: &str,
        holds: Fingerprint,
        listing: &Listing,
        since: Duration,
    ) -> Result<Option<Step>, Step> {
        let is_it = attempt
            .created
            .as_ref()
            .is_some_and(|made| made.fingerprint == holds && made.key_id.as_deref() == Some(key_id));
        let owner = self.history.owner(holds);
        let behind = |why: String| Ok(Some(Self::block(rotation, BlockReason::StateBehind, why)));
        if is_it || owner == Some(Owner::Key(key_id.to_owned())) {
            return behind(format!("{store} holds the value of {key_id}, which this state calls undelivered"));
        }
        let Some(owner) = owner else {
            return behind(format!("{store} holds a value that this state does not know"));
        };
        let is_predecessor = rotation.plan.as_ref().is_some_and(|plan| plan.fingerprint == Some(holds));
        if is_predecessor && rotation.repair {
            return Ok(None);
        }
        if let Owner::Key(named) = &owner
            && !listing.credentials.iter().any(|listed| listed.id == *named && listed.active)
        {
            let is_there =
                |listing: &Listing| listing.credentials.iter().any(|listed| listed.id == *named && listed.active);
            if !self.is_gone(Duration::ZERO, is_there)? {
                return Ok(Some(self.leave(
                    rotation,
                    attempt,
                    key_id,
                    format!("{named}, which {store} holds, was not listed"),
                )));
            }
            if is_predecessor {
                let why = format!("the provider no longer lists the predecessor {named}");
                return Ok(Some(Self::record(rotation, Event::Repair { why })));
            }
            return behind(format!("{store} holds the value of {named}, which the provider no longer lists"));
        }
        match self.trial(Source::Store(store.to_owned()), holds, since)? {
            TrialOutcome::Accepted => Ok(None),
            TrialOutcome::Unknown | TrialOutcome::Expired if is_predecessor => {
                let why = "the token endpoint refuses the predecessor".to_owned();
                Ok(Some(Self::record(rotation, Event::Repair { why })))
            }
            TrialOutcome::Unknown | TrialOutcome::Expired => {
                Ok(Some(self.leave(rotation, attempt, key_id, format!("the value in {store} is refused"))))
            }
            TrialOutcome::Throttled { .. } => {
                Ok(Some(self.leave(rotation, attempt, key_id, "the token endpoint is busy".to_owned())))
            }
            TrialOutcome::NoEvidence(why) | TrialOutcome::Wrong(why) => {
                Ok(Some(self.leave(rotation, attempt, key_id, why.clone())))
            }
        }
    }

    /// What a removal of this run came to.
    fn after_removal(&self, rotation: &Rotation, attempt: &Attempt, key_id: &str) -> Result<Option<Step>, Step> {
        let Some((_, sent)) = self.sight().removals.iter().rev().find(|(id, _)| id == key_id) else { return Ok(None) };
        match &sent.what {
            Ok(answer) => {
                if !lists(self.list_since(sent.at)?, key_id) {
                    let step = match answer {
                        Removed::Gone if self.may_still_appear(attempt, key_id) => {
                            let why = "the provider made it, and neither lists nor knows it yet";
                            self.leave(rotation, attempt, key_id, why.to_owned())
                        }
                        Removed::Gone | Removed::Removed => self.removed(rotation, attempt, key_id),
                    };
                    return Ok(Some(step));
                }
                if self.now.elapsed.saturating_sub(sent.at) > self.limits.settle.max(FRESH) {
                    return Ok(Some(self.leave(
                        rotation,
                        attempt,
                        key_id,
                        "it is still listed after its removal".to_owned(),
                    )));
                }
                Err(self.list_again())
            }
            // Refused, and not listed either: there is nothing to remove.
            Err(fault)
                if matches!(fault.kind, FaultKind::Forbidden | FaultKind::Refused)
                    && !self.may_still_appear(attempt, key_id)
                    && self.is_gone(Duration::ZERO, |listing| lists(listing, key_id)) == Ok(true) =>
            {
                Ok(Some(self.removed(rotation, attempt, key_id)))
            }
            Err(fault) => Ok(Some(self.leave(rotation, attempt, key_id, fault.message.clone()))),
        }
    }

    /// The provider said that it made it, lately, and this run has never seen it listed: a list, or a replica, may be behind.
    fn may_still_appear(&self, attempt: &Attempt, key_id: &str) -> bool {
        let was_made = attempt.created.as_ref().is_some_and(|made| made.key_id.as_deref() == Some(key_id));
        let gap = TimeDelta::from_std(self.limits.run_gap).unwrap_or(TimeDelta::MAX);
        was_made
            && self.now.wall - attempt.at < gap
            && !self.sight().listings().any(|(listing, _)| lists(listing, key_id))
    }

    fn removed(&self, rotation: &Rotation, attempt: &Attempt, key_id: &str) -> Step {
        Self::record(rotation, Event::OrphanRemoved { attempt: attempt.number, key_id: key_id.to_owned() })
    }

    /// Not in this run: reported, and tried again by the next.
    fn leave(&self, rotation: &Rotation, attempt: &Attempt, key_id: &str, why: String) -> Step {
        if self.sight().given_up.iter().any(|id| id == key_id) {
            return rest(Why::OrphanLeft { key_id: key_id.to_owned(), why });
        }
        Self::record(rotation, Event::OrphanLeft { attempt: attempt.number, key_id: key_id.to_owned(), why })
    }
}

fn lists(listing: &Listing, key_id: &str) -> bool {
    listing.credentials.iter().any(|listed| listed.id == key_id)
}
