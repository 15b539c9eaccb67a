//! Removing the predecessor (row 8): only through the whole gate, on evidence of this run.

use chrono::TimeDelta;

use super::{Case, Effect, Found, Look, Step, Why, rest};
use crate::{
    management::{KeyId, Listing, Overlap, Removed},
    rotate::{
        BlockReason, ClosedBecause, Event, Gate, Rotation,
        gate::{self, Question, Verdict},
        history::Made,
    },
};

/// A gate that holds this long is left to a person.
const PATIENCE: TimeDelta = TimeDelta::days(14);

impl<'a> Case<'a> {
    pub(super) fn retire(&self, rotation: &'a Rotation, made: &'a Made) -> Found {
        if self.has_gap()? {
            let how = "it was overwritten".to_owned();
            return Ok(Self::record(rotation, Event::Retired { key_id: "overwritten".to_owned(), how }));
        }
        if !self.policy.retire && !rotation.retire_asked && rotation.retiring.is_none() {
            return Ok(self.close(rotation, ClosedBecause::RetireNotWanted));
        }
        let Some(old) = rotation.predecessor().map(String::as_str).or(self.rotated()) else {
            if self.are_gone(&rotation.candidates)? {
                return Ok(Self::found_gone(rotation, &rotation.candidates));
            }
            return self.held(rotation, vec![Gate::G5], "nobody knows which id the old secret has; name it".to_owned());
        };
        if let Some(step) = self.after_retire(rotation, old)? {
            return Ok(step);
        }
        let has_it = |listing: &Listing| listing.credentials.iter().any(|listed| listed.id == old && listed.active);
        if !has_it(self.fresh_list()?) {
            return match self.is_gone(std::time::Duration::ZERO, has_it)? {
                true => {
                    let how = "the provider no longer lists it".to_owned();
                    Ok(Self::record(rotation, Event::Retired { key_id: old.to_owned(), how }))
                }
                false => Ok(Step::Look(Look::List)),
            };
        }
        let question = Question { goes: old, stays: made.fingerprint, stays_id: made.key_id.as_deref() };
        match gate::examine(self, rotation, question)? {
            Verdict::Held { by, why } => self.held(rotation, by, why),
            Verdict::Passed { evidence } => Ok(Step::Effect {
                rotation: rotation.id,
                intent: Event::RetireIntent { key_id: old.to_owned(), evidence },
                effect: Effect::Remove { key_id: old.to_owned() },
            }),
        }
    }

    /// What a rotation kept at its end, and somebody has removed since: nothing is left to tell of it.
    pub(super) fn kept_and_gone(&self) -> Result<(), Step> {
        // The night's one look has been taken; no answer is no news.
        if self.policy.capabilities.overlap != Overlap::Full || self.sight().list().is_none() {
            return Ok(());
        }
        for rotation in &self.history.rotations {
            let left = rotation.left_behind();
            if self.are_gone(left)? {
                return Err(Self::found_gone(rotation, left));
            }
        }
        Ok(())
    }

    /// Whether the provider steadily lists none of these, if there are any.
    fn are_gone(&self, ids: &[KeyId]) -> Result<bool, Step> {
        let has_one =
            |listing: &Listing| listing.credentials.iter().any(|listed| ids.contains(&listed.id) && listed.active);
        let is_sought = !ids.is_empty() && self.policy.capabilities.overlap == Overlap::Full;
        Ok(is_sought && !has_one(self.fresh_list()?) && self.is_gone(std::time::Duration::ZERO, has_one)?)
    }

    fn found_gone(rotation: &Rotation, ids: &[KeyId]) -> Step {
        let how = "the provider no longer lists it".to_owned();
        Self::record(rotation, Event::Retired { key_id: ids.join(", "), how })
    }

    fn held(&self, rotation: &'a Rotation, by: Vec<Gate>, why: String) -> Found {
        match &rotation.held {
            Some(held) if self.now.wall - held.since >= PATIENCE => Ok(self.close(rotation, ClosedBecause::GateHeld)),
            Some(held) if held.by == by && !self.is_ahead(held.since) => Ok(rest(Why::GateHeld { by, why })),
            _ => Ok(Self::record(rotation, Event::GateHeld { by, why })),
        }
    }

    /// A removal that was sent in this run: the list says whether it came true.
    pub(super) fn after_retire(&self, rotation: &'a Rotation, key_id: &str) -> Result<Option<Step>, Step> {
        let Some((_, sent)) = self.sight().removals.iter().rev().find(|(id, _)| id == key_id) else { return Ok(None) };
        let listing = self.list_since(sent.at)?;
        if !listing.credentials.iter().any(|listed| listed.id == key_id) {
            let how = match &sent.what {
                Ok(Removed::Removed) => "removed",
                Ok(Removed::Gone) => "it was gone already",
                Err(_) => "removed; the answer was lost",
            };
            let event = Event::Retired { key_id: key_id.to_owned(), how: how.to_owned() };
            return Ok(Some(Self::record(rotation, event)));
        }
        if let Err(fault) = &sent.what {
            return Ok(Some(rest(Why::Provider(fault.message.clone()))));
        }
        if self.now.elapsed.saturating_sub(sent.at) > self.limits.settle {
            return Ok(Some(rest(Why::NextRun(format!("{key_id} is removed and still listed")))));
        }
        Err(self.list_again())
    }

    /// Somebody removed the successor in the portal.
    pub(super) fn successor_gone(&self, rotation: &'a Rotation, made: &'a Made, why: &str) -> Step {
        match self.restore(rotation, made) {
            Err(step) => step,
            Ok(restored) => {
                let stands =
                    if restored { "the old one is back in the stores" } else { "the stores hold a dead value" };
                Self::block(rotation, BlockReason::SuccessorGone, format!("the new credential: {why}; {stands}"))
            }
        }
    }
}
