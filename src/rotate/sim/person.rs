//! A person, slow, by the rules of a hand-over: claims, is shown the value, types it in, and confirms; a second one confirms too.

use super::{
    disk::name_of,
    store::Sort,
    world::{Ms, World, utc},
};
use crate::rotate::{Entry, Event, Record, RotationId};

impl World {
    /// A person's step: an append without the lock, if there is something to append it to.
    pub(super) fn by_person(&mut self, app: usize, say: impl FnOnce(&[Record]) -> Option<Event>) {
        let records = self.records(app);
        let Some(rotation) = open_rotation(&records) else { return };
        self.says(app, rotation, records, say);
    }

    /// The same of the last rotation, be it over or not.
    pub(super) fn by_person_after(&mut self, app: usize, say: impl FnOnce(&[Record]) -> Option<Event>) {
        let records = self.records(app);
        let Some(rotation) = last_rotation(&records) else { return };
        self.says(app, rotation, records, say);
    }

    fn says(
        &mut self,
        app: usize,
        rotation: RotationId,
        records: Vec<Record>,
        say: impl FnOnce(&[Record]) -> Option<Event>,
    ) {
        let of_it: Vec<Record> = records.into_iter().filter(|record| record.rotation == rotation).collect();
        let Some(event) = say(&of_it) else { return };
        let Some(identity) = self.apps.get(app).map(|app| app.identity.clone()) else { return };
        let at = utc(self.now.saturating_add_signed(self.clocks[0]));
        let entry = Entry { identity: &identity, rotation, epoch: None, at, provider_date: None, event: &event };
        self.disk.push(&entry);
        self.note(|| format!("{identity}: a person: {event:?}"));
        *self.coverage.happened.entry(name_of(&event)).or_default() += 1;
    }

    /// A person looks in, does the next step of a hand-over, and comes back.
    pub(super) fn person(&mut self, app: usize, each: Ms) {
        let at = self.now + each;
        self.later(at, move |world| world.person(app, each));
        let Some(known) = self.apps.get(app) else { return };
        let handed = known
            .shelves
            .iter()
            .enumerate()
            .filter(|(_, shelf)| shelf.sort == Sort::Person || shelf.sort == Sort::Blind);
        let handed: Vec<_> = handed.map(|(index, shelf)| (index, shelf.address.clone(), shelf.sort)).collect();
        for (index, address, sort) in handed {
            self.hand_over(app, index, &address, sort);
        }
    }

    fn hand_over(&mut self, app: usize, index: usize, address: &str, sort: Sort) {
        let records = self.records(app);
        let Some(rotation) = open_rotation(&records) else { return };
        let of_it: Vec<&Record> = records.iter().filter(|record| record.rotation == rotation).collect();
        let opened =
            of_it.iter().rposition(|record| matches!(&record.event, Event::HandOver { store, .. } if store == address));
        let Some(opened) = opened else { return };
        let since = of_it.get(opened..).unwrap_or_default();
        let made = of_it.iter().rev().find_map(|record| match &record.event {
            Event::Created { fingerprint, .. } => self.value_of(*fingerprint),
            _ => None,
        });
        let back = goes_back(of_it.iter().map(|record| &record.event));
        let of_store = |record: &&&Record| match &record.event {
            Event::Claimed { store, .. } | Event::Revealed { store, .. } | Event::Confirmed { store, .. } => {
                store == address
            }
            _ => false,
        };
        let done = |name: &str| since.iter().filter(of_store).filter(|record| name_of(&record.event) == name).count();
        let store = address.to_owned();
        let (claimed, revealed, confirmed) = (done("claimed"), done("revealed"), done("confirmed"));
        let Some(known) = self.apps.get(app) else { return };
        let holds = known.shelves.get(index).and_then(|shelf| shelf.value.clone());
        let primary = known.shelves.first().and_then(|shelf| shelf.value.clone());
        if sort == Sort::Blind {
            if confirmed == 0 && holds == made && made.is_some() {
                self.by_person(app, |_| Some(Event::Confirmed { store, who: "ops".to_owned() }));
            }
        } else if claimed == 0 {
            self.by_person(app, |_| Some(Event::Claimed { store, who: "ops".to_owned() }));
        } else if revealed == 0 {
            if !back && primary == made && made.is_some() {
                self.by_person(app, |_| Some(Event::Revealed { store, who: "ops".to_owned() }));
            }
        } else if holds != made {
            let now = self.now;
            if let Some(known) = self.apps.get_mut(app) {
                if let Some(shelf) = known.shelves.get_mut(index) {
                    shelf.put(made, false, now);
                }
                known.truth.reaches(index, now);
            }
            self.store_changed(app, index, None);
        } else if confirmed < 2 {
            let who = if confirmed == 0 { "ops" } else { "owner" }.to_owned();
            self.by_person(app, |_| Some(Event::Confirmed { store, who }));
        }
    }
}

/// A roll-back stands, and was not turned forward again.
pub(super) fn goes_back<'a>(events: impl DoubleEndedIterator<Item = &'a Event>) -> bool {
    let mut turns =
        events.rev().filter(|event| matches!(event, Event::RollingBack { .. } | Event::RollingForward { .. }));
    matches!(turns.next(), Some(Event::RollingBack { .. }))
}

/// The rotation that has no end in the journal.
#[must_use]
pub fn open_rotation(records: &[Record]) -> Option<RotationId> {
    let last = last_rotation(records)?;
    let (mut is_over, mut keeps) = (false, false);
    for record in records.iter().filter(|record| record.rotation == last) {
        match &record.event {
            Event::Done { .. } => (is_over, keeps) = (true, false),
            Event::Closed { kept, .. } | Event::RolledBack { kept, .. } => (is_over, keeps) = (true, kept.is_some()),
            Event::PredecessorNamed { .. } => keeps = true,
            // What was kept is asked for after all.
            Event::RetireAsked { .. } if keeps => is_over = false,
            _ => {}
        }
    }
    (!is_over).then_some(last)
}

fn last_rotation(records: &[Record]) -> Option<RotationId> {
    Some(records.iter().rev().find(|record| matches!(record.event, Event::Planned(_)))?.rotation)
}
