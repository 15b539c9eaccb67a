//! Whose credential is listed, and whose value a store holds.

use super::{Case, Step, Why, rest};
use crate::{
    management::{KeyId, Listed, Listing},
    rotate::{
        BlockReason, History, Marker, Rotation, RotationId,
        history::{Attempt, End, Made},
    },
    secret::Fingerprint,
    text::word,
};

/// What a listed credential is to us.
pub(super) enum Whose<'a> {
    /// Made by an attempt in this journal.
    Ours { rotation: &'a Rotation, attempt: &'a Attempt },
    /// Carries a marker that this journal did not write.
    Unknown,
    /// A person's or another tool's.
    Foreign,
}

impl<'a> Case<'a> {
    pub(super) fn whose(&self, listed: &Listed) -> Whose<'a> {
        if let Some(offered) = listed.fingerprint
            && let Some((rotation, attempt)) = self.offered(offered)
        {
            return Whose::Ours { rotation, attempt };
        }
        let Some(marker) = listed.label.as_deref().and_then(|label| label.parse::<Marker>().ok()) else {
            return Whose::Foreign;
        };
        match self.history.attempt_of(&marker) {
            Some((rotation, attempt)) => Whose::Ours { rotation, attempt },
            None if self.history.adopted.contains(&listed.id) || self.history.beside.contains(&marker) => {
                Whose::Foreign
            }
            None => Whose::Unknown,
        }
    }

    /// The attempt that sent this value, where values are made by us.
    fn offered(&self, value: Fingerprint) -> Option<(&'a Rotation, &'a Attempt)> {
        let history: &'a History = self.history;
        history.rotations.iter().find_map(|rotation| {
            let attempt = rotation.attempts.iter().find(|attempt| attempt.offered == Some(value))?;
            Some((rotation, attempt))
        })
    }

    /// A marker of ours that the journal does not know: the state is behind reality, or there are two masters (I15).
    pub(super) fn no_unknown_marker(&self, listing: &Listing) -> Result<(), Step> {
        match listing.credentials.iter().find(|listed| matches!(self.whose(listed), Whose::Unknown)) {
            None => Ok(()),
            Some(listed) => Err(rest(Why::Blocked {
                reason: BlockReason::StateBehind,
                why: format!(
                    "the provider lists {} with a marker of credwatch that this state does not know: it may be in use; \
                     `credwatch adopt {} {}` says that it is known",
                    listed.id,
                    word(&self.policy.app),
                    word(&listed.id),
                ),
            })),
        }
    }

    /// The rotations whose markers are listed and unknown here.
    pub(in crate::rotate) fn unknown_markers(&self, listing: &Listing) -> impl Iterator<Item = RotationId> {
        let unknown = listing.credentials.iter().filter(|listed| matches!(self.whose(listed), Whose::Unknown));
        unknown.filter_map(|listed| Some(listed.label.as_deref()?.parse::<Marker>().ok()?.rotation))
    }

    /// Ids that stand under one attempt's marker.
    pub(super) fn marked(&self, listing: &Listing, number: u32, rotation: &Rotation) -> Vec<KeyId> {
        let of_attempt = |listed: &&Listed| matches!(self.whose(listed), Whose::Ours { rotation: of, attempt } if of.id == rotation.id && attempt.number == number);
        listing.credentials.iter().filter(of_attempt).map(|listed| listed.id.clone()).collect()
    }

    /// A listed credential of ours that is neither a predecessor, nor a successor in use, nor kept on purpose, nor part of
    /// what is under way: worked off before any create.
    pub(super) fn leftover(&self, listing: &Listing) -> Option<(&'a Rotation, &'a Attempt, KeyId)> {
        listing.credentials.iter().find_map(|listed| {
            let Whose::Ours { rotation, attempt } = self.whose(listed) else { return None };
            let is_named = |made: &Made| made.key_id.as_ref() == Some(&listed.id);
            let is_open =
                rotation.end.is_none() && rotation.attempt().is_some_and(|open| open.number == attempt.number);
            let in_use = attempt.created.as_ref().is_some_and(is_named)
                && attempt.closed.is_none()
                && attempt.refused.is_none()
                && !self.is_superseded(rotation);
            let is_predecessor = self
                .history
                .rotations
                .iter()
                .any(|other| other.end.is_none() && other.predecessor() == Some(&listed.id));
            let spared = is_open
                || in_use
                || is_predecessor
                || self.history.keeps(&listed.id)
                || self.history.adopted.contains(&listed.id)
                || self.sight().given_up.contains(&listed.id);
            (!spared).then(|| (rotation, attempt, listed.id.clone()))
        })
    }

    /// What could not be removed, and is not listed any more: somebody else removed it. What is under way is found out where it is.
    pub(super) fn vanished(&self, listing: &Listing) -> Option<(&'a Rotation, &'a Attempt, &'a str)> {
        let history: &'a History = self.history;
        let attempts = history
            .rotations
            .iter()
            .flat_map(|rotation| rotation.attempts.iter().map(move |attempt| (rotation, attempt)));
        let mut left = attempts.filter_map(|(rotation, attempt)| {
            let (key_id, _) = attempt.left.as_ref()?;
            let made = attempt.created.as_ref();
            let is_open =
                rotation.end.is_none() && rotation.attempt().is_some_and(|open| open.number == attempt.number);
            let is_its_own = made.is_none_or(|made| made.key_id.as_ref() == Some(key_id));
            let is_listed = listing.credentials.iter().any(|listed| listed.id == *key_id);
            let is_seen_to = is_listed || (is_open && is_its_own);
            (!is_seen_to).then_some((rotation, attempt, key_id.as_str()))
        });
        left.next()
    }

    /// A later rotation is over, and every store has its successor.
    fn is_superseded(&self, rotation: &Rotation) -> bool {
        let Some(last) = self.history.last_finished().filter(|last| last.id != rotation.id) else { return false };
        let everywhere = match &last.end {
            Some(End::Closed { unacked, .. }) => unacked.is_empty(),
            end => end.is_some(),
        };
        rotation.end.is_some() && everywhere
    }

    /// Whether a store may hold this before a write of ours (I9): the predecessor, a value of an earlier own rotation, or
    /// nothing where nothing was planned.
    pub(super) fn may_replace(&self, rotation: &Rotation, store: &str, holds: Option<Fingerprint>) -> bool {
        let Some(plan) = &rotation.plan else { return false };
        match holds {
            Some(value) => plan.fingerprint == Some(value) || self.history.owner(value).is_some(),
            None => {
                let planned = plan.stores.iter().find(|planned| planned.store == store);
                planned.is_none_or(|planned| planned.fingerprint.is_none())
            }
        }
    }
}
