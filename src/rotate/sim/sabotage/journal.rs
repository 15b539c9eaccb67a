//! Journals that lie.

use std::sync::{Mutex, PoisonError};

use super::{super::disk::SimJournal, Sabotage};
use crate::rotate::{Entry, Event, Journal, JournalFault, Record};

pub struct BentJournal {
    bug: Sabotage,
    inner: SimJournal,
    /// What is not durable yet.
    held: Mutex<Vec<(String, Record)>>,
}

impl BentJournal {
    pub const fn new(bug: Sabotage, inner: SimJournal) -> Self {
        Self { bug, inner, held: Mutex::new(Vec::new()) }
    }

    fn held<T>(&self, work: impl FnOnce(&mut Vec<(String, Record)>) -> T) -> T {
        work(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn flush(&self) -> Result<(), JournalFault> {
        for (identity, record) in self.held(std::mem::take) {
            let Record { rotation, epoch, at, provider_date, event, .. } = &record;
            let (rotation, epoch, at, provider_date) = (*rotation, *epoch, *at, *provider_date);
            self.inner.append(Entry { identity: &identity, rotation, epoch, at, provider_date, event })?;
        }
        Ok(())
    }

    fn hold(&self, entry: &Entry<'_>) -> Record {
        let Entry { rotation, epoch, at, provider_date, event, .. } = *entry;
        let record = Record { rotation, sequence: 0, epoch, at, provider_date, event: event.clone() };
        self.held(|held| held.push((entry.identity.to_owned(), record.clone())));
        record
    }
}

impl Journal for BentJournal {
    fn installation(&self) -> String {
        self.inner.installation()
    }

    fn of(&self, identity: &str) -> Result<Vec<Record>, JournalFault> {
        let mut records = self.inner.of(identity)?;
        self.held(|held| {
            records.extend(held.iter().filter(|(of, _)| of == identity).map(|(_, record)| record.clone()));
        });
        if self.bug == Sabotage::RemoveBeforeAck {
            records = acknowledged(records);
        }
        Ok(records)
    }

    fn identities(&self) -> Result<Vec<String>, JournalFault> {
        self.inner.identities()
    }

    fn append(&self, entry: Entry<'_>) -> Result<Record, JournalFault> {
        match self.bug {
            Sabotage::NotSynced => {
                self.flush()?;
                Ok(self.hold(&entry))
            }
            Sabotage::CreatedAfterDelivery => {
                if matches!(entry.event, Event::StoreWritten { .. }) {
                    self.flush()?;
                }
                let holds = matches!(entry.event, Event::Created { .. }) || self.held(|held| !held.is_empty());
                if holds { Ok(self.hold(&entry)) } else { self.inner.append(entry) }
            }
            Sabotage::StaleEpoch => {
                let epoch = self.inner.line.world.with(|world| world.disk.epoch);
                self.inner.append(Entry { epoch: entry.epoch.map(|_| epoch), ..entry })
            }
            _ => self.inner.append(entry),
        }
    }
}

/// As if every store had acknowledged, and long ago, once one was written.
fn acknowledged(records: Vec<Record>) -> Vec<Record> {
    let plan = records.iter().rev().find_map(|record| match &record.event {
        Event::Planned(plan) => Some(plan.clone()),
        _ => None,
    });
    let (Some(plan), Some(written)) =
        (plan, records.iter().position(|record| matches!(record.event, Event::StoreWritten { .. })))
    else {
        return records;
    };
    let Some(like) = records.get(written).cloned() else { return records };
    let Event::StoreWritten { fingerprint, .. } = &like.event else { return records };
    let fingerprint = *fingerprint;
    let at = like.at - chrono::TimeDelta::days(30);
    let mut bent = Vec::new();
    for store in plan.stores {
        for event in [
            Event::StoreWritten { store: store.store.clone(), fingerprint, version: None },
            Event::StoreAcked { store: store.store.clone(), version: None, requests: Vec::new() },
        ] {
            bent.push(Record { at, provider_date: like.provider_date.map(|_| at), event, ..like.clone() });
        }
    }
    for day in 0..5 {
        let event = Event::StoresGood { run: format!("night-{day}"), requests: Vec::new() };
        bent.push(Record { at: at + chrono::TimeDelta::days(day), event, ..like.clone() });
    }
    let mut records = records;
    records.splice(written + 1..=written, bent);
    records
}
