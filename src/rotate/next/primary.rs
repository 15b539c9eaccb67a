//! From a new value in memory to the primary store (rows 3 and 4), and what is left when the process that had it is gone.

use super::{Case, Effect, Found, Source, Step, Why, activate::Liveness, rest};
use crate::{
    rotate::{
        AttemptEnd, BlockReason, Event, Reading, RemovalReason, Rotation, Writing,
        history::{Attempt, Made},
    },
    secret::Fingerprint,
};

/// Writes of one run to the primary while the value is in memory.
const WRITES: usize = 3;

impl<'a> Case<'a> {
    pub(super) fn towards_primary(&self, rotation: &'a Rotation, attempt: &'a Attempt, made: &'a Made) -> Found {
        let Some(source) = self.source_of_new(rotation, attempt, made)? else {
            return self.recover(rotation, attempt, made);
        };
        // A value that was read back is timed from its first reading in this run: `elapsed` may count from the machine's start.
        let read_back = self.sight().current.first().map_or(self.now.elapsed, |seen| seen.at);
        let since = self.sight().created_at.unwrap_or(read_back);
        if rotation.back.is_some() && made.key_id.is_some() {
            return self.discard(rotation, attempt, made, RemovalReason::Aborted);
        }
        if let Some(key_id) = &made.key_id
            && self.is_given_back(key_id)
        {
            return self.discard(rotation, attempt, made, attempt.taken_back.unwrap_or(RemovalReason::Orphan));
        }
        if self.is_urgent(rotation, since)? {
            return self.write_primary(rotation, attempt, made, source);
        }
        self.listed_once(rotation, attempt, made, since)?;
        if attempt.live_in.as_deref() != Some(self.run) {
            return match self.liveness(source, made.fingerprint, since) {
                Liveness::NotYet(step) => Ok(step),
                Liveness::GivenUp => self.discard(rotation, attempt, made, RemovalReason::NeverLive),
                Liveness::Live { accepted, first, last } => Ok(Self::record(
                    rotation,
                    Event::Live {
                        attempt: attempt.number,
                        run: self.run.to_owned(),
                        accepted,
                        first,
                        last,
                        requests: self.sight().requests.clone(),
                    },
                )),
            };
        }
        // Between the create and the first delivery another master may have made one too.
        let live_at = self.sight().trial(made.fingerprint).map_or(since, |seen| seen.at);
        self.listed_once(rotation, attempt, made, live_at)?;
        self.write_primary(rotation, attempt, made, source)
    }

    /// The new id is listed under our marker, and nothing else is.
    fn listed_once(
        &self,
        rotation: &'a Rotation,
        attempt: &'a Attempt,
        made: &'a Made,
        since: std::time::Duration,
    ) -> Result<(), Step> {
        let listing = self.list_since(since)?;
        if let Some(theirs) = self.unknown_markers(listing).min() {
            // Two masters: the later one takes its own back and stops.
            return if theirs < rotation.id {
                Err(self.discard(rotation, attempt, made, RemovalReason::TwoMasters).unwrap_or_else(|step| step))
            } else {
                Ok(())
            };
        }
        let Some(key_id) = &made.key_id else { return Ok(()) };
        let marked = self.marked(listing, attempt.number, rotation);
        if !listing.credentials.iter().any(|listed| listed.id == *key_id) {
            // A stale list: wait, but not for ever.
            let deadline = self.limits.live_deadline.max(self.limits.settle);
            if self.now.elapsed.saturating_sub(since) > deadline {
                let why = RemovalReason::NeverListed;
                return Err(self.discard(rotation, attempt, made, why).unwrap_or_else(|step| step));
            }
            return Err(self.list_again());
        }
        let given_up = |id: &&String| **id != *key_id && !self.sight().given_up.contains(id);
        match marked.iter().find(given_up) {
            Some(duplicate) => Err(self.remove_own(rotation, attempt, duplicate, RemovalReason::Duplicate)?),
            None => Ok(()),
        }
    }

    /// Taken back in this run, or tried to: gone through with, whatever is listed or accepted meanwhile.
    fn is_given_back(&self, key_id: &str) -> bool {
        let sight = self.sight();
        sight.removals.iter().any(|(id, _)| id == key_id) || sight.given_up.iter().any(|id| id == key_id)
    }

    fn write_primary(&self, rotation: &'a Rotation, attempt: &'a Attempt, made: &'a Made, source: Source) -> Found {
        let Some(primary) = self.policy.places.first() else {
            return Ok(rest(Why::PlanFailed("there is no store to deliver to".to_owned())));
        };
        let store = &primary.address;
        let live_at = self
            .sight()
            .trial(made.fingerprint)
            .map_or_else(|| self.sight().created_at.unwrap_or_default(), |seen| seen.at);
        let reading = match self.reading(store, self.sight().last_write().unwrap_or(live_at).max(live_at))? {
            Ok(reading) => reading,
            Err(fault) => return Ok(rest(Why::Store { store: store.clone(), why: fault.to_string() })),
        };
        if reading.fingerprint == Some(made.fingerprint) {
            return Ok(Self::written(rotation, store, made.fingerprint, reading));
        }
        if !self.may_replace(rotation, store, reading.fingerprint) {
            return Ok(self.conflict(rotation, store));
        }
        if self.sight().writes_to(store) >= WRITES {
            return self.discard(rotation, attempt, made, RemovalReason::Undelivered);
        }
        Ok(self.write(rotation, attempt, made, store, source, reading))
    }

    /// One delivery: the intent, and the write that only lands on what was read.
    pub(super) fn write(
        &self,
        rotation: &Rotation,
        attempt: &Attempt,
        made: &Made,
        store: &str,
        source: Source,
        reading: &Reading,
    ) -> Step {
        let nth = self.sight().writes_to(store) + 1;
        Step::Effect {
            rotation: rotation.id,
            intent: Event::StoreIntent {
                store: store.to_owned(),
                what: Writing::Deliver,
                attempt: attempt.number,
                fingerprint: made.fingerprint,
                version_before: reading.version.clone(),
            },
            effect: Effect::Write {
                store: store.to_owned(),
                source,
                before: reading.version.clone(),
                expected: reading.fingerprint,
                idempotency: format!("{}/{}/{}/{nth}", rotation.id, attempt.number, self.run),
                key_id: made.key_id.clone(),
            },
        }
    }

    /// A store was read and holds this.
    pub(super) fn written(rotation: &Rotation, store: &str, value: Fingerprint, reading: &Reading) -> Step {
        let event =
            Event::StoreWritten { store: store.to_owned(), fingerprint: value, version: reading.version.clone() };
        Self::record(rotation, event)
    }

    pub(super) fn conflict(&self, rotation: &Rotation, store: &str) -> Step {
        let read = self.sight().reading(store).and_then(|seen| seen.what.as_ref().ok());
        let why = match read.map(|reading| reading.fingerprint) {
            Some(None) => format!("{store} is not there any more, and was when this rotation was planned"),
            _ => {
                format!("{store} holds a value that is neither the old one nor one of ours: somebody else writes there")
            }
        };
        Self::block(rotation, BlockReason::StoreConflict, why)
    }

    /// A new process: the value is gone from memory, and the primary alone says how far it got.
    fn recover(&self, rotation: &'a Rotation, attempt: &'a Attempt, made: &'a Made) -> Found {
        let Some(primary) = self.policy.places.first() else {
            return Ok(rest(Why::PlanFailed("there is no store to deliver to".to_owned())));
        };
        let store = &primary.address;
        match self.reading(store, self.sight().last_write().unwrap_or_default())? {
            Err(fault) => Ok(rest(Why::Store { store: store.clone(), why: fault.to_string() })),
            Ok(reading) if reading.fingerprint == Some(made.fingerprint) => {
                Ok(Self::written(rotation, store, made.fingerprint, reading))
            }
            Ok(reading) if self.may_replace(rotation, store, reading.fingerprint) => {
                let why = if rotation.back.is_some() { RemovalReason::Aborted } else { RemovalReason::Orphan };
                self.discard(rotation, attempt, made, why)
            }
            Ok(_) => Ok(self.conflict(rotation, store)),
        }
    }

    /// Takes an attempt back that no store holds; the next run, or this one if it made none yet, begins another.
    pub(super) fn discard(
        &self,
        rotation: &'a Rotation,
        attempt: &'a Attempt,
        made: &'a Made,
        why: RemovalReason,
    ) -> Found {
        let Some(key_id) = &made.key_id else {
            let why = "the new secret is not in the first store yet, and the next run delivers it";
            return Ok(rest(Why::AttemptFailed(why.to_owned())));
        };
        self.fence(rotation, attempt)?;
        if !attempt.removed.contains(key_id) {
            return self.remove_own(rotation, attempt, key_id, why);
        }
        let how = match attempt.taken_back.unwrap_or(why) {
            RemovalReason::NeverLive | RemovalReason::NeverListed => AttemptEnd::NeverLive,
            _ => AttemptEnd::Removed,
        };
        Ok(Self::record(rotation, Event::AttemptClosed { attempt: attempt.number, how }))
    }
}
