//! What others do to the world while a rotation is under way: people, other tools, clocks, and the state's own fate.

use super::{
    provider::{By, Date, New},
    store::Sort,
    world::{DAY, Ms, World, fingerprints, utc},
};
use crate::{
    rotate::{Entry, Event, Record, RotationId},
    secret::Secret,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    StrangerAdds {
        app: usize,
    },
    /// A person removes something in the portal.
    StrangerRemoves {
        app: usize,
        which: Which,
    },
    /// A GitOps writer puts back what a store held before, every so often.
    Reverted {
        app: usize,
        store: usize,
        times: u32,
        every: Ms,
    },
    /// Somebody writes a value of their own into a store.
    Overwritten {
        app: usize,
        store: usize,
    },
    Emptied {
        app: usize,
        store: usize,
    },
    /// A neighbour in the same object changes: the version moves, the value stays.
    Bumped {
        app: usize,
        store: usize,
    },
    StoreDown {
        app: usize,
        store: usize,
        lasts: Ms,
    },
    ProviderDown {
        app: usize,
        lasts: Ms,
    },
    /// A host's wall clock moves, milliseconds.
    Clock {
        host: usize,
        by: i64,
        lasts: Ms,
    },
    Date {
        app: usize,
        date: Date,
        lasts: Ms,
    },
    /// The state is put back to what it was this long ago.
    Restored {
        age: Ms,
    },
    /// A second process begins, here or on another host.
    Run {
        host: usize,
    },
    Abort {
        app: usize,
    },
    RetireAsked {
        app: usize,
    },
    Resolved {
        app: usize,
    },
    /// A person claims a hand-over and is shown the value, and does no more.
    Reveals {
        app: usize,
        store: usize,
    },
    /// A consumer goes on using the old credential until this long from now.
    LateConsumer {
        app: usize,
        lasts: Ms,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Predecessor,
    Successor,
    Stranger,
}

impl Happening {
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::StrangerAdds { .. } => "a stranger adds a secret",
            Self::StrangerRemoves { which: Which::Predecessor, .. } => "a stranger removes the predecessor",
            Self::StrangerRemoves { which: Which::Successor, .. } => "a stranger removes the successor",
            Self::StrangerRemoves { which: Which::Stranger, .. } => "a stranger removes their own",
            Self::Reverted { .. } => "a store is reverted",
            Self::Overwritten { .. } => "a store is overwritten",
            Self::Emptied { .. } => "a store is emptied",
            Self::Bumped { .. } => "a store's version moves",
            Self::StoreDown { .. } => "a store is down",
            Self::ProviderDown { .. } => "the provider is down",
            Self::Clock { .. } => "a clock jumps",
            Self::Date { .. } => "the provider's date lies",
            Self::Restored { .. } => "the state is restored",
            Self::Run { .. } => "a second run",
            Self::Abort { .. } => "a person aborts",
            Self::RetireAsked { .. } => "a person asks for the removal",
            Self::Resolved { .. } => "a person resolves",
            Self::LateConsumer { .. } => "a late consumer",
            Self::Reveals { .. } => "a person looks only",
        }
    }

    /// Nothing that a crash or a network does: a person may have to look after it.
    #[must_use]
    pub const fn is_contrary(&self) -> bool {
        !matches!(
            self,
            Self::StrangerAdds { .. }
                | Self::StrangerRemoves { which: Which::Stranger, .. }
                | Self::Bumped { .. }
                | Self::StoreDown { .. }
                | Self::ProviderDown { .. }
                | Self::Run { .. }
                | Self::RetireAsked { .. }
                | Self::Resolved { .. }
                | Self::Abort { .. }
                | Self::LateConsumer { .. }
                | Self::Reveals { .. }
        )
    }
}

impl World {
    pub fn happen(&mut self, happening: &Happening) {
        self.disturb();
        self.note(|| format!("happens: {happening:?}"));
        *self.coverage.happened.entry(happening.name()).or_default() += 1;
        let now = self.now;
        match happening {
            Happening::StrangerAdds { app } => self.stranger_adds(*app),
            Happening::StrangerRemoves { app, which } => self.stranger_removes(*app, *which),
            Happening::Reverted { app, store, times, every } => self.revert(*app, *store, *times, *every),
            Happening::Overwritten { app, store } => {
                let value = self.fresh_value();
                self.put(*app, *store, Some(value));
            }
            Happening::Emptied { app, store } => self.put(*app, *store, None),
            Happening::Bumped { app, store } => {
                if let Some(shelf) = self.apps.get_mut(*app).and_then(|app| app.shelves.get_mut(*store)) {
                    shelf.version += 1;
                }
            }
            Happening::StoreDown { app, store, lasts } => {
                if let Some(shelf) = self.apps.get_mut(*app).and_then(|app| app.shelves.get_mut(*store)) {
                    shelf.down_until = now + lasts;
                }
                self.disturbed_at = self.disturbed_at.max(now + lasts);
            }
            Happening::ProviderDown { app, lasts } => {
                if let Some(app) = self.apps.get_mut(*app) {
                    app.provider.down_until = now + lasts;
                }
                self.disturbed_at = self.disturbed_at.max(now + lasts);
            }
            Happening::Clock { host, by, lasts } => {
                let (host, by) = (*host, *by);
                self.jump(host, by);
                self.later(now + lasts, move |world| world.jump(host, -by));
                self.disturbed_at = self.disturbed_at.max(now + lasts);
            }
            Happening::Date { app, date, lasts } => {
                let index = *app;
                if let Some(known) = self.apps.get_mut(index) {
                    let before = std::mem::replace(&mut known.provider.date, *date);
                    self.later(now + lasts, move |world| {
                        world.disturb();
                        if let Some(known) = world.apps.get_mut(index) {
                            known.provider.date = before;
                        }
                    });
                }
                self.disturbed_at = self.disturbed_at.max(now + lasts);
            }
            Happening::Restored { age } => {
                let since = utc(now.saturating_sub(*age));
                self.restored = true;
                self.disk.records.retain(|(_, record)| record.at < since);
            }
            Happening::Run { host } => self.wanted.push(*host),
            Happening::Abort { app } => self.by_person(*app, |of_it| {
                let sent = of_it.iter().any(|record| matches!(record.event, Event::RetireIntent { .. }));
                (!sent).then(|| Event::RollingBack { who: "ops".to_owned() })
            }),
            Happening::RetireAsked { app } => {
                self.by_person(*app, |_| Some(Event::RetireAsked { who: "ops".to_owned() }));
            }
            Happening::Resolved { app } => {
                self.by_person(*app, |_| Some(Event::Resolved { who: "ops".to_owned(), note: "looked at".to_owned() }));
            }
            Happening::LateConsumer { app, lasts } => self.consumer(*app, now + lasts),
            Happening::Reveals { app, store } => {
                let store = super::scenario::AppSpec::address(*store);
                let who = || "ops".to_owned();
                self.by_person(*app, |_| Some(Event::Claimed { store: store.clone(), who: who() }));
                self.by_person(*app, |of_it| {
                    let back = of_it.iter().any(|record| matches!(record.event, Event::RollingBack { .. }));
                    (!back).then(|| Event::Revealed { store: store.clone(), who: who() })
                });
            }
        }
    }

    fn jump(&mut self, host: usize, by: i64) {
        self.disturb();
        self.note(|| format!("the clock of host {host} jumps by {by} ms"));
        if let Some(clock) = self.clocks.get_mut(host) {
            *clock += by;
        }
    }

    fn stranger_adds(&mut self, app: usize) {
        let value = self.fresh_value();
        let Self { apps, rng, now, .. } = self;
        let Some(known) = apps.get_mut(app) else { return };
        if known.provider.has_overlap() {
            let print = fingerprints().of(&Secret::new(value.to_string()));
            let end = Some(*now + 300 * DAY);
            known.provider.make(New { value, print, label: None, by: By::Stranger, end }, rng, *now);
        }
        self.provider_changed(app, None);
    }

    fn stranger_removes(&mut self, app: usize, which: Which) {
        let Self { apps, rng, now, .. } = self;
        let Some(known) = apps.get_mut(app) else { return };
        let mut standing = known.provider.standing(*now).cloned().collect::<Vec<_>>();
        if which != Which::Predecessor {
            standing.reverse();
        }
        let by = match which {
            Which::Predecessor => By::Initial,
            Which::Successor => By::Us,
            Which::Stranger => By::Stranger,
        };
        if let Some(found) = standing.into_iter().find(|standing| standing.by == by)
            && known.provider.has_overlap()
        {
            known.provider.remove(&found.id, rng, *now);
            known.truth.taken.push(found.value);
        }
        self.provider_changed(app, None);
    }

    fn put(&mut self, app: usize, store: usize, value: Option<std::sync::Arc<str>>) {
        let now = self.now;
        if let Some(shelf) = self.apps.get_mut(app).and_then(|app| app.shelves.get_mut(store)) {
            shelf.put(value, true, now);
        }
        self.store_changed(app, store, None);
    }

    fn revert(&mut self, app: usize, store: usize, times: u32, every: Ms) {
        let Some(known) = self.apps.get(app) else { return };
        let first = known.provider.credentials.first().map(|first| first.value.clone());
        let holds = known.shelves.get(store).and_then(|shelf| shelf.value.clone());
        if holds.is_some() && holds != first {
            self.put(app, store, first);
        }
        self.disturb();
        if times > 1 {
            let at = self.now + every;
            self.later(at, move |world| world.revert(app, store, times - 1, every));
        }
    }

    fn consumer(&mut self, app: usize, until: Ms) {
        let now = self.now;
        let Some(known) = self.apps.get_mut(app) else { return };
        let first = known.provider.credentials.first().map(|first| first.id.clone());
        known.provider.uses.extend(first.map(|id| (now, id, None)));
        if now + DAY / 4 < until {
            self.later(now + DAY / 4, move |world| world.consumer(app, until));
        }
        self.disturb();
    }

    /// A person's step: an append without the lock, if there is something to append it to.
    pub(super) fn by_person(&mut self, app: usize, say: impl FnOnce(&[Record]) -> Option<Event>) {
        let records = self.records(app);
        let Some(rotation) = open_rotation(&records) else { return };
        let of_it: Vec<Record> = records.into_iter().filter(|record| record.rotation == rotation).collect();
        let Some(event) = say(&of_it) else { return };
        let Some(identity) = self.apps.get(app).map(|app| app.identity.clone()) else { return };
        let at = utc(self.now.saturating_add_signed(self.clocks[0]));
        let entry = Entry { identity: &identity, rotation, epoch: None, at, provider_date: None, event: &event };
        self.disk.push(&entry);
        self.note(|| format!("{identity}: a person: {event:?}"));
        *self.coverage.happened.entry(super::disk::name_of(&event)).or_default() += 1;
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
        let back = of_it.iter().any(|record| matches!(record.event, Event::RollingBack { .. }));
        let of_store = |record: &&&Record| match &record.event {
            Event::Claimed { store, .. } | Event::Revealed { store, .. } | Event::Confirmed { store, .. } => {
                store == address
            }
            _ => false,
        };
        let done = |name: &str| {
            since.iter().filter(of_store).filter(|record| super::disk::name_of(&record.event) == name).count()
        };
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

/// The rotation that has no end in the journal.
#[must_use]
pub fn open_rotation(records: &[Record]) -> Option<RotationId> {
    let last = records.iter().rev().find(|record| matches!(record.event, Event::Planned(_)))?.rotation;
    let is_over = records.iter().any(|record| {
        record.rotation == last
            && matches!(record.event, Event::Done { .. } | Event::Closed { .. } | Event::RolledBack { .. })
    });
    (!is_over).then_some(last)
}
