//! Creates and store writes: an intent first, once, and over nothing that is somebody else's (I3, I4, I6, I8, I9, I15).

use super::super::{
    store::Sort,
    world::{World, utc},
};
use crate::{
    rotate::{AttemptEnd, Event, Record, Writing},
    store::Write,
};

impl World {
    pub fn sends_create(&mut self, process: usize, app: usize, marker: &str, value: Option<&str>) {
        self.must_not_act(process, "sends a create");
        if let Some(value) = value {
            self.value_for(app, value.to_owned());
            self.goes_to(app, value, "a provider");
        }
        let records = self.records(app);
        let intent = records.iter().rev().find(
            |record| matches!(&record.event, Event::CreateIntent { marker: of, .. } if of.to_string() == *marker),
        );
        let epoch = self.processes.get(process).map(|process| process.epoch);
        match intent {
            None => self.violate("I8", format!("{marker} is sent without a durable intent")),
            Some(intent) if intent.epoch != epoch => {
                self.violate("I8", format!("{marker}: an intent of another epoch"));
            }
            Some(_) => {}
        }
        if self.is_stale(process) {
            self.violate("I4", format!("{marker} is sent by a writer that was taken over"));
        }
        let (listed, unknown) =
            self.notes(process, app).map_or((None, false), |notes| (notes.listed, notes.unknown_marker));
        if unknown {
            self.violate("I15", format!("{marker} is sent beside a marker that the journal does not know"));
        }
        let Some(known) = self.apps.get_mut(app) else { return };
        let was_sent = known.truth.sent.iter().any(|sent| sent == marker);
        known.truth.sent.push(marker.to_owned());
        let (limit, overlaps) = (known.provider.limit, known.provider.has_overlap());
        // A state put back to before the intent knows no better where markers are not listed.
        if was_sent && !self.restored {
            self.violate("I8", format!("{marker} is sent a second time"));
        }
        if let (Some(limit), Some((_, listed)), true) = (limit, listed, overlaps) {
            let headroom = usize::from(limit > 2);
            if listed + 1 + headroom > usize::try_from(limit).unwrap_or(usize::MAX) {
                self.violate("I6", format!("{marker} is sent with {listed} of {limit} listed"));
            }
        }
    }

    pub fn sends_write(&mut self, process: usize, app: usize, index: usize, write: &Write<'_>) -> Option<Sort> {
        self.must_not_act(process, "writes to a store");
        let value = self.value(write.value.expose().to_owned());
        self.goes_to(app, &value, "a store");
        let print = self.print_of(&value)?;
        let records = self.records(app);
        let shelf = self.apps.get(app)?.shelves.get(index)?;
        let (address, sort) = (shelf.address.clone(), shelf.sort);
        let intent = records.iter().rev().find(|record| concerns(record, &address));
        let epoch = self.processes.get(process).map(|process| process.epoch);
        let what = match intent.map(|record| (record.epoch, &record.event)) {
            Some((of, Event::StoreIntent { what, fingerprint, .. })) if *fingerprint == print && of == epoch => *what,
            _ => {
                self.violate("I8", format!("{address} is written without an intent for it"));
                Writing::Deliver
            }
        };
        let now = self.now;
        let notes = self.notes(process, app)?;
        notes.written.push((index, now));
        let last_read = notes.read(index).cloned();
        let mut sources = notes.reads.iter().map(|(store, ..)| *store).collect::<Vec<_>>();
        sources.sort_unstable();
        sources.dedup();
        let is_read =
            sources.iter().any(|store| notes.read(*store).is_some_and(|(.., read)| read.as_deref() == Some(&*value)));
        let is_readable = sort.abilities().is_some_and(|abilities| abilities.readable);
        let placed = records
            .iter()
            .any(|record| matches!(&record.event, Event::StoreWritten { fingerprint, .. } if *fingerprint == print));
        // What the provider shows again may come from there at any time.
        let shown_again = index == 0 && self.apps.get(app).is_some_and(|app| !app.provider.has_overlap());
        if what == Writing::Deliver && (index > 0 || placed) && !is_read && !shown_again {
            self.violate("I3", format!("{address} gets a value that no store was read with"));
        }
        if is_readable {
            match last_read {
                None => self.violate("I9", format!("{address} is written unread")),
                Some((.., Some(held))) => {
                    let is_ours = self.print_of(&held).is_some_and(|held| Self::is_known_value(&records, held));
                    if !is_ours {
                        self.violate("I9", format!("{address} held somebody else's value when it was read"));
                    }
                }
                Some((.., None)) => {}
            }
        }
        Some(sort)
    }

    /// A write of ours takes effect.
    pub fn lands(&mut self, _process: usize, app: usize, index: usize, value: &str) {
        let records = self.records(app);
        let now = self.now;
        let Some(known) = self.apps.get(app) else { return };
        let Some(shelf) = known.shelves.get(index) else { return };
        let (held, sort, address) = (shelf.value.clone(), shelf.sort, shelf.address.clone());
        let first = known.shelves.iter().all(|shelf| shelf.value.as_deref() != Some(value));
        let (overlaps, everywhere) = (known.provider.has_overlap(), known.provider.is_live_everywhere(value, self.now));
        if sort.abilities().is_some_and(|abilities| abilities.compare_and_set)
            && let Some(held) = &held
            && !self.print_of(held).is_some_and(|held| Self::is_known_value(&records, held))
            && !self.restored
        {
            self.violate("I9", format!("somebody else's value in {address} is overwritten"));
        }
        if first && overlaps {
            self.coverage.deliveries += 1;
            self.coverage.early_deliveries += u64::from(!everywhere);
        }
        if held.as_deref() != Some(value)
            && let Some(known) = self.apps.get_mut(app)
        {
            known.truth.reaches(index, now);
        }
    }

    /// Each record as it becomes durable.
    pub fn appended(&mut self, process: usize, identity: &str, record: &Record) {
        self.must_not_act(process, "writes to the journal");
        let Some(app) = self.apps.iter().position(|app| app.identity == identity) else { return };
        self.leaks("the journal", &format!("{:?}", record.event));
        self.covers(app, record);
        match &record.event {
            Event::Live { .. } => self.claims_live(process, app),
            Event::StoreAcked { store, .. } => self.claims_ack(process, app, store),
            Event::CreateRefused { attempt, .. } | Event::AttemptClosed { attempt, how: AttemptEnd::Absent } => {
                self.claims_absent(app, record, *attempt);
            }
            Event::Retired { key_id, .. } => self.claims_gone(app, key_id),
            _ => {}
        }
        if record.epoch.is_some() && self.is_stale(process) {
            self.violate("I4", format!("a writer that was taken over appends at {}", utc(self.now)));
        }
    }
}

fn concerns(record: &Record, address: &str) -> bool {
    match &record.event {
        Event::StoreIntent { store, .. }
        | Event::StoreWritten { store, .. }
        | Event::StoreRefused { store, .. }
        | Event::StoreFenced { store, .. }
        | Event::StoreAcked { store, .. }
        | Event::StoreDrift { store, .. } => store == address,
        _ => false,
    }
}
