//! Stores' clients with bugs in them.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{super::store::SimStore, Sabotage};
use crate::{
    secret::Secret,
    store::{Abilities, Before, Content, Store, StoreFault, Version, Writable, Write, WriteFault},
};

pub struct BentStore {
    bug: Sabotage,
    inner: SimStore,
    /// What was written, as this client remembers it.
    memory: Mutex<Option<(Version, String)>>,
}

impl BentStore {
    pub const fn new(bug: Sabotage, inner: SimStore) -> Self {
        Self { bug, inner, memory: Mutex::new(None) }
    }

    fn remembered(&self) -> Option<(Version, String)> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, version: &Version, value: &str) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some((version.clone(), value.to_owned()));
    }

    /// A value that once was acknowledged here, according to the world's memory of it.
    fn acknowledged(&self) -> Option<(Version, String)> {
        let (app, index) = (self.inner.app, self.inner.index);
        self.inner.line.world.with(|world| {
            let address = world.apps.get(app)?.shelves.get(index)?.address.clone();
            let records = world.records(app);
            let version = records.iter().rev().find_map(|record| match &record.event {
                crate::rotate::Event::StoreAcked { store, version, .. } if *store == address => version.clone(),
                _ => None,
            })?;
            let made = records.iter().rev().find_map(|record| match &record.event {
                crate::rotate::Event::Created { fingerprint, .. } => Some(*fingerprint),
                _ => None,
            })?;
            Some((version, world.value_of(made)?.to_string()))
        })
    }
}

fn content(known: (Version, String)) -> Content {
    Content { version: Some(known.0), value: Some(Secret::new(known.1)) }
}

#[async_trait]
impl Store for BentStore {
    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    async fn read(&self) -> Result<Content, StoreFault> {
        let known = match self.bug {
            Sabotage::AckOnWrite | Sabotage::WriteSwallowed | Sabotage::AbortLeavesNew => self.remembered(),
            Sabotage::ValueKept if self.inner.index == 0 => self.remembered(),
            Sabotage::DriftIgnored => self.acknowledged(),
            _ => None,
        };
        match known {
            Some(known) => Ok(content(known)),
            None => self.inner.read().await,
        }
    }

    async fn write(&self, write: Write<'_>) -> Result<Version, WriteFault> {
        let swallows = match self.bug {
            Sabotage::WriteSwallowed => true,
            Sabotage::AbortLeavesNew => write.idempotency.contains("/back-"),
            _ => false,
        };
        if swallows {
            let version = Version("v99".to_owned());
            self.remember(&version, write.value.expose());
            return Ok(version);
        }
        if self.bug == Sabotage::Overwrite {
            let held = self.inner.read().await.map_err(|fault| WriteFault::Refused(fault.to_string()))?;
            let fingerprints = write.before.fingerprints;
            let fingerprint = held.value.as_ref().map(|value| fingerprints.of(value));
            let before = Before { version: held.version.as_ref(), fingerprint, fingerprints };
            let any = Version("*".to_owned());
            return self.inner.write(Write { before: Before { version: Some(&any), ..before }, ..write }).await;
        }
        let written = self.inner.write(write).await;
        if let Ok(version) = &written
            && self.bug != Sabotage::AbortLeavesNew
        {
            self.remember(version, write.value.expose());
        }
        written
    }

    async fn previous(&self) -> Result<Content, StoreFault> {
        self.inner.previous().await
    }

    async fn forget_previous(&self) -> Result<(), StoreFault> {
        self.inner.forget_previous().await
    }

    async fn writable(&self) -> Writable {
        let process = self.inner.line.process;
        let is_dry =
            self.inner.line.world.with(|world| world.processes.get(process).is_some_and(|process| process.is_dry));
        if self.bug == Sabotage::DryRunWrites
            && is_dry
            && let Ok(held) = self.inner.read().await
            && let Some(value) = &held.value
        {
            let fingerprints = super::super::world::fingerprints();
            let before =
                Before { version: held.version.as_ref(), fingerprint: Some(fingerprints.of(value)), fingerprints };
            let written = self.inner.write(Write { value, before, idempotency: "a try", key_id: None }).await;
            return if written.is_ok() { Writable::Yes } else { Writable::Unknown };
        }
        self.inner.writable().await
    }
}
