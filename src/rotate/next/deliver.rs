//! Delivery to every store (row 5): each on its own, from a store that holds the successor, never over a third value.

use super::{Case, Source, Step, Why, rest};
use crate::{
    management::Listing,
    rotate::{
        BlockReason, Event, Place, Rotation, TrialOutcome,
        history::{Attempt, Made},
    },
};

impl<'a> Case<'a> {
    /// What could not be delivered in this run; the stores after it are served all the same.
    pub(super) fn deliver(
        &self,
        rotation: &'a Rotation,
        attempt: &'a Attempt,
        made: &'a Made,
    ) -> Result<Option<Why>, Step> {
        let mut trouble = None;
        let mut conflict = None;
        for place in self.policy.places.iter().filter(|place| place.abilities.is_some()) {
            let state = rotation.store(&place.address);
            if state.is_some_and(|state| state.written == Some(made.fingerprint) && state.intent.is_none()) {
                continue;
            }
            match self.deliver_to(rotation, attempt, made, place)? {
                Delivered::Conflict => conflict = conflict.or(Some(&place.address)),
                Delivered::Trouble(why) => trouble = trouble.or(Some(why)),
            }
        }
        match conflict {
            Some(store) => Err(self.conflict(rotation, store)),
            None => Ok(trouble),
        }
    }

    fn deliver_to(
        &self,
        rotation: &'a Rotation,
        attempt: &'a Attempt,
        made: &'a Made,
        place: &'a Place,
    ) -> Result<Delivered, Step> {
        let store = &place.address;
        let trouble = |why: String| Ok(Delivered::Trouble(Why::Store { store: store.clone(), why }));
        if !place.is_readable() {
            return self.deliver_blind(rotation, attempt, made, place);
        }
        let since = self.sight().writes.iter().rev().find(|(known, _)| known == store).map(|(_, at)| *at);
        let reading = match self.reading(store, since.unwrap_or_default())? {
            Ok(reading) => reading,
            Err(fault) => return trouble(fault.to_string()),
        };
        if reading.fingerprint == Some(made.fingerprint) {
            return Err(Self::written(rotation, store, made.fingerprint, reading));
        }
        if !self.may_replace(rotation, store, reading.fingerprint) {
            return Ok(Delivered::Conflict);
        }
        if since.is_some() {
            if Self::is_restored(rotation, store, made) && !self.has_gap()? {
                // The successor was gone when this store got the old value back: so must the stores after it.
                self.successor_lives(rotation, made)?;
            }
            let refused = rotation.store(store).and_then(|state| state.refused.clone());
            return trouble(refused.unwrap_or_else(|| "it does not show what was written".to_owned()));
        }
        // While nothing but the new value lives, delivering waits for nothing.
        if !self.has_gap()? {
            self.successor_lives(rotation, made)?;
        }
        let source = self.source_of(rotation, made)?;
        Err(self.write(rotation, attempt, made, store, source, reading))
    }

    /// The last write to this store put another value than the successor's there, or was to.
    fn is_restored(rotation: &Rotation, store: &str, made: &Made) -> bool {
        let Some(state) = rotation.store(store) else { return false };
        let last = state.intent.as_ref().map(|intent| intent.fingerprint).or(state.written);
        last.is_some_and(|value| value != made.fingerprint)
    }

    /// A store that cannot be read: written once per run, proved by use or by a person.
    fn deliver_blind(
        &self,
        rotation: &'a Rotation,
        attempt: &'a Attempt,
        made: &'a Made,
        place: &'a Place,
    ) -> Result<Delivered, Step> {
        let store = &place.address;
        if self.sight().writes_to(store) > 0 {
            let refused = rotation.store(store).and_then(|state| state.refused.clone());
            let why = refused.unwrap_or_else(|| "nobody knows whether it took the value".to_owned());
            return Ok(Delivered::Trouble(Why::Store { store: store.clone(), why }));
        }
        self.successor_lives(rotation, made)?;
        let source = self.source_of(rotation, made)?;
        let nothing = crate::rotate::Reading { version: None, fingerprint: None, hint: None };
        Err(self.write(rotation, attempt, made, store, source, &nothing))
    }

    /// Before a value is written anywhere it must be listed and accepted, in this run.
    pub(super) fn successor_lives(&self, rotation: &'a Rotation, made: &'a Made) -> Result<(), Step> {
        if let Some(attempt) = rotation.attempt() {
            self.is_newest(rotation, attempt, made)?;
        }
        if let Some(key_id) = &made.key_id {
            let has_it =
                |listing: &Listing| listing.credentials.iter().any(|listed| listed.id == *key_id && listed.active);
            let listing = self.fresh_list()?;
            if !has_it(listing) {
                return Err(match self.is_gone(std::time::Duration::ZERO, has_it)? {
                    true => self.successor_gone(rotation, made, "the provider no longer lists it"),
                    false => Step::Look(super::Look::List),
                });
            }
        }
        let source = self.source_of(rotation, made)?;
        match self.trial(source, made.fingerprint, self.fresh_from())? {
            TrialOutcome::Accepted => Ok(()),
            TrialOutcome::Unknown | TrialOutcome::Expired => Err(self.refused_after_live(rotation, made)),
            TrialOutcome::Throttled { .. } => Err(rest(Why::NoEvidence("the token endpoint is busy".to_owned()))),
            TrialOutcome::NoEvidence(why) | TrialOutcome::Wrong(why) => Err(rest(Why::NoEvidence(why.clone()))),
        }
    }

    /// It was accepted by every replica asked, and is refused now: lag, or somebody removed it. Lists decide which.
    fn refused_after_live(&self, rotation: &'a Rotation, made: &'a Made) -> Step {
        let Some(key_id) = &made.key_id else {
            return self.not_known_yet(rotation, made);
        };
        let has_it = |listing: &Listing| listing.credentials.iter().any(|listed| listed.id == *key_id && listed.active);
        match self.list_since(self.sight().trial(made.fingerprint).map_or(self.now.elapsed, |seen| seen.at)) {
            Err(step) => step,
            Ok(listing) if has_it(listing) => {
                rest(Why::NoEvidence("the token endpoint refuses the new secret, which the provider lists".to_owned()))
            }
            Ok(_) => match self.is_gone(std::time::Duration::ZERO, has_it) {
                Err(step) => step,
                Ok(true) => self.successor_gone(rotation, made, "the provider no longer lists it"),
                Ok(false) => rest(Why::NoEvidence("the provider's list is not steady".to_owned())),
            },
        }
    }

    /// No id to look for: asked again until the provider should know it.
    fn not_known_yet(&self, rotation: &'a Rotation, made: &'a Made) -> Step {
        let asked = self.sight().trials.iter().filter(|(of, _)| *of == made.fingerprint).map(|(_, seen)| seen.at);
        let (first, last) = (asked.clone().min().unwrap_or_default(), asked.max().unwrap_or_default());
        if self.now.elapsed.saturating_sub(first) > self.limits.live_deadline {
            return rest(Why::NoEvidence("the token endpoint refuses the new secret".to_owned()));
        }
        match self.source_of(rotation, made) {
            Err(step) => step,
            Ok(source) => self.after(last, self.limits.live_spacing, self.try_now(source)),
        }
    }

    /// A store of which this run knows that it holds the successor.
    pub(super) fn source_of(&self, rotation: &'a Rotation, made: &'a Made) -> Result<Source, Step> {
        let mut fault = None;
        for place in self.policy.places.iter().filter(|place| place.is_readable()) {
            match self.reading(&place.address, std::time::Duration::ZERO)? {
                Ok(reading) if reading.fingerprint == Some(made.fingerprint) => {
                    return Ok(Source::Store(place.address.clone()));
                }
                Ok(_) => {}
                Err(why) => fault = fault.or(Some((place.address.clone(), why.to_string()))),
            }
        }
        Err(match fault {
            // What cannot be read may still hold it.
            Some((store, why)) => rest(Why::Store { store, why }),
            None => Self::block(
                rotation,
                BlockReason::PrimaryLost,
                "no store holds the new value any more; the old credential stays",
            ),
        })
    }

    /// Drift: what was acknowledged, or written, is there no longer.
    pub(super) fn drifted(rotation: &Rotation, store: &str, found: Option<crate::secret::Fingerprint>) -> Step {
        Self::record(rotation, Event::StoreDrift { store: store.to_owned(), found })
    }
}

enum Delivered {
    Conflict,
    Trouble(Why),
}
