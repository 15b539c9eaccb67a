//! What each record adds to what is known of its rotation.

use super::{
    AttemptEnd, Event, Record,
    history::{Attempt, Back, Contradiction, End, Forward, HandOver, Held, Made, Rotation, Stamp},
};

impl Rotation {
    pub(super) fn take(&mut self, record: &Record) -> Result<(), Contradiction> {
        if let Event::Audited { .. } | Event::Behind { .. } | Event::CaughtUp {} = record.event {
            // Nothing came of it.
            return Ok(());
        }
        self.at = record.at;
        match &record.event {
            Event::Planned(plan) => {
                self.repair |= plan.repair;
                self.planned_at = Some(record.at);
                self.plan = Some((**plan).clone());
            }
            Event::CreateIntent { .. }
            | Event::Created { .. }
            | Event::CreateUnknown { .. }
            | Event::CreateRefused { .. }
            | Event::AttemptClosed { .. }
            | Event::Live { .. } => return self.take_attempt(record),
            Event::RemoveIntent { .. } | Event::OrphanRemoved { .. } | Event::OrphanLeft { .. } => {
                self.take_removal(record);
            }
            Event::StoreIntent { .. }
            | Event::StoreWritten { .. }
            | Event::StoreRefused { .. }
            | Event::StoreFenced { .. }
            | Event::PredecessorSeen { .. }
            | Event::StoreAcked { .. }
            | Event::StoreDrift { .. }
            | Event::CopyLeft { .. }
            | Event::CopyGone { .. } => self.take_store(record),
            Event::HandOver { .. } | Event::Claimed { .. } | Event::Revealed { .. } | Event::Confirmed { .. } => {
                self.take_person(record);
            }
            Event::GraceStarted { until } => self.grace_until = Some(*until),
            Event::StoresGood { run, .. } => {
                // Seen under a clock that was ahead: such a run counts for nothing.
                self.good.retain(|good| good.at <= record.at);
                self.good.push(Stamp { run: run.clone(), at: record.at, provider: record.provider_date });
            }
            Event::GateHeld { by, why } => {
                let since = self.held.as_ref().map_or(record.at, |held| held.since.min(record.at));
                self.held = Some(Held { by: by.clone(), why: why.clone(), since });
            }
            Event::RetireIntent { key_id, .. } => self.retiring = Some(key_id.clone()),
            Event::Retired { key_id, .. } => {
                self.retiring = None;
                self.retired = Some((key_id.clone(), record.at));
            }
            Event::Repair { .. } => self.repair = true,
            Event::RetireAsked { .. } => self.ask_for_removal(),
            Event::PredecessorNamed { key_id, .. } => self.named = Some(key_id.clone()),
            Event::Adopted { .. } | Event::Audited { .. } | Event::Behind { .. } | Event::CaughtUp {} => {}
            Event::Blocked { reason, why } => self.blocked = Some((*reason, why.clone(), record.at)),
            Event::Resolved { .. } => self.resolve(),
            Event::RollingBack { who } => {
                self.back = Some(Back { who: who.clone(), at: record.at });
                // What was acknowledged was the other value.
                for store in &mut self.stores {
                    store.acked = None;
                }
                self.restart_grace();
                // And whoever vouched, did so for the other one.
                self.retire_asked = false;
                self.forward = None;
            }
            Event::RollingForward { why } => {
                self.forward = self.back.take().map(|back| Forward { who: back.who, why: why.clone() });
                self.retire_asked = false;
            }
            Event::RolledBack { kept, .. } => self.finish(record, End::RolledBack { kept: kept.clone() }),
            Event::Closed { kept, why, unacked } => {
                self.finish(record, End::Closed { kept: kept.clone(), why: *why, unacked: unacked.clone() });
            }
            Event::Done { old_refused } => self.finish(record, End::Done { old_refused: *old_refused }),
        }
        Ok(())
    }

    fn finish(&mut self, record: &Record, end: End) {
        self.end = Some(end);
        self.ended_at = Some(record.at);
        self.reopened = None;
        // What was blocked and then ended is over; the look after its end may block it anew.
        self.blocked = None;
    }

    /// What a rotation kept at its end may still be asked for: it goes on from there, through the same gate.
    fn ask_for_removal(&mut self) {
        self.retire_asked = true;
        let keeps = match &self.end {
            Some(End::Closed { .. }) => self.predecessor().is_some(),
            Some(End::RolledBack { kept }) => kept.is_some(),
            Some(End::Done { .. }) | None => false,
        };
        if keeps && self.retired.is_none() {
            self.reopened = self.end.take().map(|end| (end, self.ended_at.take()));
            self.held = None;
        }
    }

    /// Another rotation begins.
    pub(super) fn give_way(&mut self) {
        self.overtaken = true;
        if let Some((end, at)) = self.reopened.take().filter(|_| self.end.is_none()) {
            (self.end, self.ended_at) = (Some(end), at);
        }
    }

    /// A person has looked: what counted towards a block counts anew.
    fn resolve(&mut self) {
        self.blocked = None;
        for store in &mut self.stores {
            store.drifts = 0;
        }
        for attempt in &mut self.attempts {
            if attempt.closed == Some(AttemptEnd::NeverLive) {
                attempt.closed = Some(AttemptEnd::Removed);
            }
            // And who was asked which one may be ours has said.
            if attempt.closed.is_some() {
                attempt.unknown = None;
            }
        }
    }

    fn take_attempt(&mut self, record: &Record) -> Result<(), Contradiction> {
        if let Event::CreateIntent { attempt, marker, run, fingerprint } = &record.event {
            if self.attempt().is_some() || self.attempts.iter().any(|known| known.number == *attempt) {
                return Err(Contradiction(format!("attempt {attempt} was begun while another was open")));
            }
            self.attempts.push(Attempt {
                number: *attempt,
                marker: marker.clone(),
                run: run.clone(),
                at: record.at,
                offered: *fingerprint,
                created: None,
                earlier: Vec::new(),
                unknown: None,
                live_in: None,
                live_at: None,
                placed: false,
                closed: None,
                refused: None,
                left: None,
                taken_back: None,
                removing: Vec::new(),
                removed: Vec::new(),
            });
            return Ok(());
        }
        let (Event::Created { attempt: number, .. }
        | Event::CreateUnknown { attempt: number, .. }
        | Event::CreateRefused { attempt: number, .. }
        | Event::AttemptClosed { attempt: number, .. }
        | Event::Live { attempt: number, .. }) = &record.event
        else {
            return Ok(());
        };
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.number == *number) else {
            return Err(Contradiction(format!("attempt {number} was never begun")));
        };
        match &record.event {
            Event::Created { key_id, end, fingerprint, .. } => {
                if let Some(earlier) = attempt.created.take().filter(|made| made.fingerprint != *fingerprint) {
                    attempt.earlier.push(earlier.fingerprint);
                    attempt.placed = false;
                    attempt.live_in = None;
                    // What people have or vouch for is the earlier one: they are asked anew.
                    for store in self.stores.iter_mut().filter(|store| store.hand_over.is_some()) {
                        (store.hand_over, store.acked) = (None, None);
                    }
                }
                attempt.created = Some(Made { key_id: key_id.clone(), end: *end, fingerprint: *fingerprint });
            }
            Event::CreateUnknown { why, .. } => {
                attempt.unknown = Some(why.clone());
                attempt.at = attempt.at.min(record.at);
            }
            Event::CreateRefused { why, .. } => attempt.refused = Some(why.clone()),
            Event::AttemptClosed { how, .. } => attempt.closed = Some(*how),
            Event::Live { run, last, .. } => {
                attempt.live_in = Some(run.clone());
                attempt.live_at = Some(*last);
            }
            _ => {}
        }
        Ok(())
    }

    fn take_removal(&mut self, record: &Record) {
        let (Event::RemoveIntent { attempt: number, .. }
        | Event::OrphanRemoved { attempt: number, .. }
        | Event::OrphanLeft { attempt: number, .. }) = &record.event
        else {
            return;
        };
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.number == *number) else { return };
        match &record.event {
            Event::RemoveIntent { key_id, why, .. } => {
                attempt.taken_back = Some(*why);
                if !attempt.removing.contains(key_id) {
                    attempt.removing.push(key_id.clone());
                }
            }
            Event::OrphanRemoved { key_id, .. } => {
                attempt.left = None;
                attempt.removing.retain(|id| id != key_id);
                attempt.removed.push(key_id.clone());
            }
            Event::OrphanLeft { key_id, why, .. } => {
                attempt.left = Some((key_id.clone(), why.clone()));
                // The clock may have been ahead when it was made.
                attempt.at = attempt.at.min(record.at);
            }
            _ => {}
        }
    }

    fn take_store(&mut self, record: &Record) {
        let (Event::StoreIntent { store, .. }
        | Event::StoreWritten { store, .. }
        | Event::StoreRefused { store, .. }
        | Event::StoreFenced { store, .. }
        | Event::PredecessorSeen { store, .. }
        | Event::StoreAcked { store, .. }
        | Event::StoreDrift { store, .. }
        | Event::CopyLeft { store, .. }
        | Event::CopyGone { store }) = &record.event
        else {
            return;
        };
        // By derivation, not by a record of its own: a crash in between cannot keep a grace that no longer holds.
        if matches!(record.event, Event::StoreIntent { .. } | Event::StoreDrift { .. }) {
            self.restart_grace();
        }
        let place = self.place_of(store);
        let Some(state) = self.stores.get_mut(place) else { return };
        let begins_anew = state.take(record);
        if let Event::StoreWritten { fingerprint, .. } = &record.event
            && let Some(attempt) = self.attempts.last_mut()
            && attempt.created.as_ref().is_some_and(|made| made.fingerprint == *fingerprint)
        {
            attempt.placed = true;
        }
        if begins_anew {
            self.restart_grace();
        }
    }

    fn restart_grace(&mut self) {
        self.grace_until = None;
        self.good.clear();
        self.held = None;
    }

    fn take_person(&mut self, record: &Record) {
        match &record.event {
            Event::HandOver { store, due } => {
                let place = self.place_of(store);
                let Some(state) = self.stores.get_mut(place) else { return };
                state.hand_over = Some(HandOver {
                    due: *due,
                    opened_at: record.at,
                    claimed: None,
                    revealed: None,
                    confirmed: Vec::new(),
                });
            }
            Event::Claimed { store, who } | Event::Revealed { store, who } | Event::Confirmed { store, who } => {
                let is_going_back = self.back.is_some();
                let place = self.place_of(store);
                let Some(hand) = self.stores.get_mut(place).and_then(|state| state.hand_over.as_mut()) else { return };
                let stamp = (who.clone(), record.at);
                match &record.event {
                    Event::Claimed { .. } => hand.claimed = Some(stamp),
                    // Recorded before it is shown, and with a roll-back before it in the journal it was not shown.
                    Event::Revealed { .. } if is_going_back => {}
                    // The value may have been put in at any time since the first time it was shown; what was said before
                    // that was said of nothing.
                    Event::Revealed { .. } if hand.revealed.is_none() => {
                        hand.revealed = Some(stamp);
                        hand.confirmed.clear();
                    }
                    Event::Revealed { .. } => {}
                    _ => hand.confirmed.push(stamp),
                }
            }
            _ => {}
        }
    }
}
