//! Removals: only what may go, and only when it may (I2, I7, I8, I14).

use super::{
    super::{
        provider::By,
        store::Shelf,
        world::{DAY, MINUTE, Ms, World},
    },
    Notes,
};
use crate::rotate::{Event, Record, Writing};

/// Evidence for a removal may be this old.
const FRESH: Ms = 5 * MINUTE;

impl World {
    pub fn sends_remove(&mut self, process: usize, app: usize, key_id: &str) {
        self.must_not_act(process, "removes a credential");
        let records = self.records(app);
        let now = self.now;
        let epoch = self.processes.get(process).map(|process| process.epoch);
        let notes = self.notes(process, app).map(|notes| notes.clone()).unwrap_or_default();
        let Some(known) = self.apps.get(app) else { return };
        let Some(credential) = known.provider.find(key_id).filter(|known| known.gone.is_none()).cloned() else {
            return;
        };
        let others_live = known.provider.standing(now).filter(|other| other.id != credential.id).count();
        let of_it = |record: &&Record| match &record.event {
            Event::RetireIntent { key_id: id, .. } | Event::RemoveIntent { key_id: id, .. } => id == key_id,
            _ => false,
        };
        let intent = records.iter().rev().find(of_it).filter(|intent| intent.epoch == epoch);
        let took_back = notes.made.contains(&credential.id);
        let repairs = records.iter().any(|record| match &record.event {
            Event::Repair { .. } => true,
            Event::Planned(plan) => plan.repair,
            _ => false,
        });
        match intent.map(|intent| (&intent.event, intent)) {
            Some((Event::RetireIntent { .. }, intent)) => {
                self.retires(app, &notes, &records, intent, (key_id, &credential.value));
                if self.is_stale(process) {
                    self.violate("I4", format!("{key_id} is removed by a writer that was taken over"));
                }
            }
            None if !took_back => self.violate("I8", format!("{key_id} is removed without an intent")),
            _ => {
                if credential.by != By::Us {
                    self.violate("I7", format!("{key_id}, which is not ours, is removed"));
                }
                self.held_by_none(app, &notes, key_id, &credential.value);
            }
        }
        if others_live == 0 && credential.is_live(now) && !repairs {
            self.violate("I7", format!("{key_id} is the last live one"));
        }
    }

    /// No store may hold what is removed, unless somebody put it there after we looked.
    fn held_by_none(&mut self, app: usize, notes: &Notes, key_id: &str, value: &str) {
        let Some(known) = self.apps.get(app) else { return };
        let holders: Vec<String> = known
            .shelves
            .iter()
            .enumerate()
            .filter(|(_, shelf)| shelf.value.as_deref() == Some(value))
            .filter(|(index, shelf)| {
                !(shelf.foreign && notes.read(*index).is_some_and(|(_, at, _)| *at < shelf.changed))
            })
            .map(|(_, shelf)| shelf.address.clone())
            .collect();
        for address in holders {
            self.violate("I7", format!("{key_id} is removed, and {address} holds it"));
        }
    }

    fn retires(
        &mut self,
        app: usize,
        notes: &Notes,
        records: &[Record],
        intent: &Record,
        (key_id, value): (&str, &str),
    ) {
        let of_it: Vec<&Record> = records.iter().filter(|record| record.rotation == intent.rotation).collect();
        let made = of_it.iter().rev().find_map(|record| match &record.event {
            Event::Created { key_id, fingerprint, .. } => Some((key_id.clone(), *fingerprint)),
            _ => None,
        });
        let plan = of_it.iter().rev().find_map(|record| match &record.event {
            Event::Planned(plan) => Some(plan.clone()),
            _ => None,
        });
        let named = of_it.iter().rev().find_map(|record| match &record.event {
            Event::PredecessorNamed { key_id, .. } => Some(key_id.clone()),
            _ => None,
        });
        let (Some((made_id, made)), Some(plan)) = (made, plan) else {
            self.violate("I2", format!("{key_id} is retired by a rotation that made nothing"));
            return;
        };
        let is_back = made_id.as_deref() == Some(key_id);
        let is_predecessor = named.or(plan.predecessor).is_some_and(|known| known == key_id) || key_id == "rotated";
        if !is_back && !is_predecessor {
            self.violate("I7", format!("{key_id} is retired, and is not the recorded predecessor"));
        }
        let stays = if is_back { plan.fingerprint } else { Some(made) };
        let stays = stays.and_then(|print| self.value_of(print));
        let Some(stays) = stays else { return };
        self.held_by_none(app, notes, key_id, value);
        let passed_over = if is_back { self.passed_over(app, &of_it) } else { Vec::new() };
        self.evidence(app, notes, (&stays, value), key_id, &passed_over);
        self.grace_passed(app, &of_it, key_id, &passed_over);
        self.was_asked_for(app, &of_it, key_id);
        if notes.unknown_marker {
            self.violate("I15", format!("{key_id} is retired beside a marker that the journal does not know"));
        }
        let Some(known) = self.apps.get(app) else { return };
        let asked = of_it.iter().any(|record| matches!(record.event, Event::RetireAsked { .. }));
        let opted_in = is_back || known.spec.retire || asked;
        let lives = known.provider.is_live(&stays, self.now) || known.truth.taken.contains(&stays);
        if !opted_in {
            self.violate("I2", format!("{key_id} is retired, and nobody opted in"));
        }
        if !lives {
            self.violate("I2", format!("{key_id} is retired, and its successor is dead"));
        }
    }

    /// G1, G2, G6: all of it seen by this very process, and lately.
    fn evidence(
        &mut self,
        app: usize,
        notes: &Notes,
        (stays, goes): (&str, &str),
        key_id: &str,
        passed_over: &[usize],
    ) {
        let now = self.now;
        let is_fresh = |at: Ms| now - at <= FRESH;
        if !notes.listed.is_some_and(|(at, _)| is_fresh(at)) {
            self.violate("I2", format!("{key_id} is retired without a fresh listing"));
        }
        if !notes.accepted.iter().any(|(at, value)| is_fresh(*at) && **value == *stays) {
            self.violate("I2", format!("{key_id} is retired, and its successor was not tried just now"));
        }
        let Some(known) = self.apps.get(app) else { return };
        let shelves: Vec<_> = known
            .shelves
            .iter()
            .enumerate()
            .filter(|(_, shelf)| shelf.sort.abilities().is_some_and(|abilities| abilities.readable))
            .map(|(index, shelf)| (index, shelf.address.clone()))
            .collect();
        for (index, address) in shelves {
            match notes.read(index) {
                Some((_, at, Some(value))) if is_fresh(*at) && **value == *stays => {}
                Some((_, at, value))
                    if passed_over.contains(&index) && is_fresh(*at) && value.as_deref() != Some(goes) => {}
                _ => self.violate("I2", format!("{key_id} is retired, and {address} was not read with the new value")),
            }
        }
    }

    /// Places that need not acknowledge on the way back: they never got the value, or a person says that they do not have it.
    fn passed_over(&self, app: usize, of_it: &[&Record]) -> Vec<usize> {
        let Some(known) = self.apps.get(app) else { return Vec::new() };
        let turned = of_it.iter().rposition(|record| matches!(record.event, Event::RollingBack { .. }));
        let before = |place: usize| turned.is_some_and(|turned| place < turned);
        let asked = of_it.iter().rposition(|record| matches!(record.event, Event::RetireAsked { .. })) > turned;
        let got = |address: &str| {
            of_it.iter().enumerate().any(|(place, record)| match &record.event {
                Event::StoreIntent { store, what: Writing::Deliver, .. } => store == address,
                Event::Revealed { store, .. } => store == address && before(place),
                _ => false,
            })
        };
        let is_unseen = |shelf: &Shelf| !shelf.sort.abilities().is_some_and(|abilities| abilities.readable);
        let shelves = known.shelves.iter().enumerate();
        let passed = shelves.filter(|(_, shelf)| !got(&shelf.address) || (is_unseen(shelf) && asked));
        passed.map(|(index, _)| index).collect()
    }

    /// What a person called off and what went forward all the same takes nothing away unasked, unless it is dead anyway.
    fn was_asked_for(&mut self, app: usize, of_it: &[&Record], key_id: &str) {
        let forward = of_it.iter().rposition(|record| matches!(record.event, Event::RollingForward { .. }));
        let back = of_it.iter().rposition(|record| matches!(record.event, Event::RollingBack { .. }));
        let asked = of_it.iter().rposition(|record| matches!(record.event, Event::RetireAsked { .. }));
        let old = self.apps.get(app).and_then(|app| app.provider.find(key_id));
        let is_dead = old.is_some_and(|old| old.end.is_some_and(|end| end + DAY < self.now));
        if forward > back && asked < forward && !is_dead {
            self.violate("I2", format!("{key_id} is retired after an abort, and nobody asked"));
        }
    }

    /// G2, G3 and I14 in true time.
    fn grace_passed(&mut self, app: usize, of_it: &[&Record], key_id: &str, passed_over: &[usize]) {
        let now = self.now;
        let Some(known) = self.apps.get(app) else { return };
        let grace = known.spec.grace;
        let is_dead = known.provider.find(key_id).is_some_and(|old| old.end.is_some_and(|end| end + DAY < now));
        // A state put back to before a rewrite has forgotten the rewrite: the residual the design names.
        let restored = self.restored;
        // Without a provider's date, runs count the days: a clock that jumped makes one of them too many.
        let only_clock = known.spec.date_missing && self.jumped;
        let mut faults = Vec::new();
        for (index, shelf) in known.shelves.iter().enumerate().filter(|(index, _)| !passed_over.contains(index)) {
            let last = of_it.iter().rev().find(|record| match &record.event {
                Event::StoreIntent { store, .. }
                | Event::StoreDrift { store, .. }
                | Event::StoreAcked { store, .. } => *store == shelf.address,
                _ => false,
            });
            if !last.is_some_and(|record| matches!(record.event, Event::StoreAcked { .. })) {
                faults.push(("I2", format!("{key_id} is retired before {} acknowledged", shelf.address)));
            }
            let reached = known.truth.reached(index);
            if let Some(reached) = reached
                && now - reached + MINUTE < grace
                && !is_dead
                && !only_clock
                && !restored
            {
                let hours = (now - reached) / (60 * MINUTE);
                faults
                    .push(("I14", format!("{key_id} is retired {hours} h after {} got its successor", shelf.address)));
            }
        }
        let good = of_it.iter().filter(|record| matches!(record.event, Event::StoresGood { .. })).count();
        if good < 2 && !is_dead {
            faults.push(("I2", format!("{key_id} is retired, and {good} runs saw all stores good")));
        }
        for (id, what) in faults {
            self.violate(id, what);
        }
    }
}
