//! How each of them changes the world.

use super::{
    super::{
        disk::INSTALLATION,
        person::goes_back,
        provider::{By, Date, New},
        scenario::AppSpec,
        store::Sort,
        world::{DAY, Ms, World, fingerprints, utc},
    },
    Happening, Which,
};
use crate::{
    rotate::{Event, Marker, RotationId},
    secret::Secret,
};

impl World {
    pub fn happen(&mut self, happening: &Happening) {
        self.disturb();
        self.trouble(happening.app());
        self.note(|| format!("happens: {happening:?}"));
        *self.coverage.happened.entry(happening.name()).or_default() += 1;
        let now = self.now;
        match happening {
            Happening::StrangerAdds { app } => self.stranger_adds(*app, None),
            Happening::CopyAdds { app } => {
                let marker = Marker::new(INSTALLATION, RotationId::new(1, 1), 1);
                self.stranger_adds(*app, Some(marker.to_string()));
            }
            Happening::StrangerRemoves { app, which } => self.stranger_removes(*app, *which),
            Happening::Reverted { app, store, times, every } => self.revert(*app, *store, *times, *every),
            Happening::Overwritten { app, store } => {
                let value = self.fresh_value(*app);
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
            Happening::Late { app, lists, knows, lasts } => {
                let index = *app;
                if let Some(app) = self.apps.get_mut(index) {
                    app.provider.late = (*lists, *knows);
                }
                self.later(now + lasts, move |world| {
                    if let Some(app) = world.apps.get_mut(index) {
                        app.provider.late = (0, 0);
                    }
                });
                self.disturbed_at = self.disturbed_at.max(now + lasts + lists.max(knows));
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
                    let own = if known.spec.date_missing { Date::Missing } else { Date::Off(0) };
                    known.provider.date = *date;
                    self.later(now + lasts, move |world| {
                        world.disturb();
                        if let Some(known) = world.apps.get_mut(index) {
                            known.provider.date = own;
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
            Happening::RetireAsked { app } => self.ask_for_removal(*app),
            Happening::Resolved { app } => {
                self.by_person(*app, |_| Some(Event::Resolved { who: "ops".to_owned(), note: "looked at".to_owned() }));
            }
            Happening::Named { app } => {
                let first = self.apps.get(*app).and_then(|app| app.provider.credentials.first());
                let Some(key_id) = first.map(|first| first.id.clone()) else { return };
                let who = || "ops".to_owned();
                self.by_person_after(*app, |_| Some(Event::PredecessorNamed { key_id, who: who() }));
                self.by_person_after(*app, |_| Some(Event::RetireAsked { who: who() }));
            }
            Happening::LateConsumer { app, lasts } => self.consumer(*app, now + lasts),
            Happening::Reveals { app, store } => {
                let store = AppSpec::address(*store);
                let who = || "ops".to_owned();
                self.by_person(*app, |_| Some(Event::Claimed { store: store.clone(), who: who() }));
                self.by_person(*app, |of_it| {
                    let back = goes_back(of_it.iter().map(|record| &record.event));
                    (!back).then(|| Event::Revealed { store: store.clone(), who: who() })
                });
            }
        }
    }

    /// On the way back somebody looks first whether what cannot be read still has the new value.
    fn ask_for_removal(&mut self, app: usize) {
        let records = self.records(app);
        let made = records.iter().rev().find_map(|record| match &record.event {
            Event::Created { fingerprint, .. } => Some(*fingerprint),
            _ => None,
        });
        let made = made.and_then(|print| self.value_of(print));
        let shelves = self.apps.get(app).map(|app| app.shelves.as_slice()).unwrap_or_default();
        let mut unseen = shelves.iter().filter(|shelf| matches!(shelf.sort, Sort::Person | Sort::Blind));
        let has_it = made.is_some() && unseen.any(|shelf| shelf.value == made);
        self.by_person_after(app, |of_it| {
            let back = goes_back(of_it.iter().map(|record| &record.event));
            (!back || !has_it).then(|| Event::RetireAsked { who: "ops".to_owned() })
        });
    }

    fn jump(&mut self, host: usize, by: i64) {
        self.disturb();
        self.jumped = true;
        self.note(|| format!("the clock of host {host} jumps by {by} ms"));
        if let Some(clock) = self.clocks.get_mut(host) {
            *clock += by;
        }
    }

    fn stranger_adds(&mut self, app: usize, label: Option<String>) {
        let value = self.fresh_value(app);
        let Self { apps, rng, now, .. } = self;
        let Some(known) = apps.get_mut(app) else { return };
        if known.provider.has_overlap() {
            let print = fingerprints().of(&Secret::new(value.to_string()));
            let end = Some(*now + 300 * DAY);
            known.provider.make(New { value, print, label, by: By::Stranger, end }, rng, *now);
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
}
