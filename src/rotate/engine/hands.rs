//! Acting: the intent is durable, then the effect goes out once, then its outcome is recorded.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{Engine, Progress, Target};
use crate::{
    management::{CreateFault, Label, Order},
    rotate::{Address, Effect, Event, History, Marker, Rest, RotationId, Seen, Source, Step},
    secret::{Fingerprint, Secret},
    store::{Before, Version, Write, WriteFault},
};

/// The values this run has in memory; wiped when it leaves the credential.
#[derive(Default)]
pub(super) struct Values {
    held: Option<Secret>,
    pub(super) current: Option<Secret>,
    read: Vec<(Address, Secret)>,
    previous: Vec<(Address, Secret)>,
}

impl Values {
    pub(super) fn get(&self, source: &Source) -> Option<&Secret> {
        let of = |list: &'_ [(Address, Secret)], store: &str| list.iter().position(|(known, _)| known == store);
        match source {
            Source::Held => self.held.as_ref(),
            Source::Current => self.current.as_ref(),
            Source::Store(store) => {
                of(&self.read, store).and_then(|place| self.read.get(place)).map(|(_, value)| value)
            }
            Source::Previous(store) => {
                of(&self.previous, store).and_then(|place| self.previous.get(place)).map(|(_, value)| value)
            }
        }
    }

    pub(super) fn keep_read(&mut self, store: &str, value: Option<Secret>) {
        self.read.retain(|(known, _)| known != store);
        self.read.extend(value.map(|value| (store.to_owned(), value)));
    }

    pub(super) fn keep_previous(&mut self, store: &str, value: Option<Secret>) {
        self.previous.retain(|(known, _)| known != store);
        self.previous.extend(value.map(|value| (store.to_owned(), value)));
    }
}

impl<'a> Engine<'a> {
    pub(super) async fn perform<'e>(
        &'e self,
        target: &Target<'_>,
        progress: &mut Progress<'e>,
        step: Step,
    ) -> Result<(), Rest> {
        match step {
            Step::Look(look) => {
                let now = self.now(progress);
                self.eyes(target).look(look, &mut progress.sight, &mut progress.values, now).await;
                Ok(())
            }
            Step::Record { rotation, event } => self.record(target, progress, rotation, &event),
            Step::Effect { rotation, intent, effect } => match effect {
                Effect::Create { marker, end, on } => {
                    let order = Order { marker: marker.to_string(), end, on, value: None };
                    self.create(target, progress, rotation, intent, &marker, order).await
                }
                Effect::Write { store, source, before, expected, idempotency, key_id } => {
                    self.append(target, progress, rotation, &intent)?;
                    let write = Delivery { store, source, before, expected, idempotency, key_id };
                    self.write(target, progress, rotation, write).await
                }
                Effect::Remove { key_id } => self.remove(target, progress, rotation, &intent, key_id).await,
            },
            Step::Tidy(store) => {
                progress.sight.tidied.push(store.clone());
                self.tidy(target, progress, store).await
            }
            Step::Wait(pause) => {
                self.pause(pause).await;
                Ok(())
            }
            Step::Rest(rest) => Err(rest),
        }
    }

    /// Lets a store drop its copy of before; what stays is noted, and tried again by the next run.
    async fn tidy(&self, target: &Target<'_>, progress: &Progress<'_>, store: Address) -> Result<(), Rest> {
        let dropped = match self.eyes(target).store(&store) {
            Some(known) => known.forget_previous().await,
            None => Ok(()),
        };
        fault_point!("store.tidied");
        let history = History::replay(&self.journal.of(&target.identity).unwrap_or_default()).unwrap_or_default();
        let left = history.copies_left().find(|(_, left, _)| *left == store);
        match (dropped, left) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some((rotation, ..))) => self.append(target, progress, rotation.id, &Event::CopyGone { store }),
            (Err(fault), left) => {
                tracing::warn!(app = %target.policy.app, %store, %fault, "the copy of the old value could not be removed");
                let why = fault.to_string();
                match (left, history.newest()) {
                    (None, Some(rotation)) => {
                        self.append(target, progress, rotation.id, &Event::CopyLeft { store, why })
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    fn record(
        &self,
        target: &Target<'_>,
        progress: &mut Progress<'_>,
        rotation: RotationId,
        event: &Event,
    ) -> Result<(), Rest> {
        self.append(target, progress, rotation, event)?;
        match event {
            Event::Planned(_) if rotation == progress.fresh => self.budget.started(),
            // From here on the primary store is the only source.
            Event::StoreWritten { .. } | Event::AttemptClosed { .. } => {
                progress.values.held = None;
                progress.sight.held = None;
            }
            Event::OrphanLeft { key_id, .. } => progress.sight.given_up.push(key_id.clone()),
            Event::Retired { .. } => progress.turn = None,
            _ => {}
        }
        Ok(())
    }

    async fn create(
        &self,
        target: &Target<'_>,
        progress: &mut Progress<'_>,
        rotation: RotationId,
        mut intent: Event,
        marker: &Marker,
        mut order: Order,
    ) -> Result<(), Rest> {
        if target.policy.capabilities.label == Label::ByValue {
            let value = self.new_value();
            if let Event::CreateIntent { fingerprint, .. } = &mut intent {
                *fingerprint = Some(self.fingerprints.of(&value));
            }
            order.value = Some(value);
        }
        self.append(target, progress, rotation, &intent)?;
        progress.acted = true;
        let answer = target.management.create(&order).await;
        fault_point!("create.answered");
        progress.sight.created_at = Some(self.now(progress).elapsed);
        let attempt = marker.attempt;
        let event = match answer {
            Ok(created) => {
                let fingerprint = self.eyes(target).fingerprint(&created.value);
                progress.values.held = Some(created.value);
                progress.sight.held = Some(fingerprint);
                Event::Created { attempt, key_id: created.key_id, end: created.end, fingerprint }
            }
            Err(CreateFault::Refused(fault)) => {
                self.budget.failed(&target.tenant);
                Event::CreateRefused { attempt, why: fault.message }
            }
            Err(CreateFault::Unknown(why)) => {
                self.budget.failed(&target.tenant);
                Event::CreateUnknown { attempt, why }
            }
        };
        match self.append(target, progress, rotation, &event) {
            Ok(()) => Ok(()),
            Err(rest) => {
                self.take_back(target, progress, &event).await;
                Err(rest)
            }
        }
    }

    /// The journal does not take `Created`: nobody else has the value, so that the credential goes at once.
    async fn take_back(&self, target: &Target<'_>, progress: &mut Progress<'_>, event: &Event) {
        progress.values.held = None;
        progress.sight.held = None;
        if let Event::Created { key_id: Some(key_id), .. } = event
            && let Err(fault) = target.management.remove(key_id).await
        {
            tracing::error!(app = %target.policy.app, key_id, %fault, "a new secret could neither be recorded nor removed");
        }
    }

    /// 256 random bits, where the value is ours to make.
    fn new_value(&self) -> Secret {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        bytes[..16].copy_from_slice(&self.dice.roll().to_be_bytes());
        bytes[16..].copy_from_slice(&self.dice.roll().to_be_bytes());
        Secret::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes))
    }

    async fn write(
        &self,
        target: &Target<'_>,
        progress: &mut Progress<'_>,
        rotation: RotationId,
        write: Delivery,
    ) -> Result<(), Rest> {
        let eyes = self.eyes(target);
        let outcome = match (eyes.store(&write.store), progress.values.get(&write.source)) {
            (Some(store), Some(value)) => {
                progress.acted = true;
                let fingerprints = self.fingerprints;
                let before = Before { version: write.before.as_ref(), fingerprint: write.expected, fingerprints };
                let key_id = write.key_id.as_deref();
                match store.write(Write { value, before, idempotency: &write.idempotency, key_id }).await {
                    Ok(_) if store.abilities().readable => None,
                    // Nothing will ever be read back from it: its own word is all there is.
                    Ok(version) => Some(Event::StoreWritten {
                        store: write.store.clone(),
                        fingerprint: fingerprints.of(value),
                        version: Some(version),
                    }),
                    Err(WriteFault::Refused(why)) => Some(Event::StoreRefused { store: write.store.clone(), why }),
                    Err(WriteFault::Unknown(why)) => {
                        tracing::warn!(app = %target.policy.app, store = %write.store, why, "nobody knows whether a write landed");
                        None
                    }
                }
            }
            _ => {
                let why = "there was nothing to write".to_owned();
                Some(Event::StoreRefused { store: write.store.clone(), why })
            }
        };
        fault_point!("store.written");
        let at = self.now(progress).elapsed;
        progress.sight.writes.push((write.store, at));
        match outcome {
            Some(event) => self.append(target, progress, rotation, &event),
            None => Ok(()),
        }
    }

    async fn remove<'e>(
        &'e self,
        target: &Target<'_>,
        progress: &mut Progress<'e>,
        rotation: RotationId,
        intent: &Event,
        key_id: String,
    ) -> Result<(), Rest> {
        let retires = matches!(intent, Event::RetireIntent { .. });
        if retires && progress.turn.is_none() {
            // Another app's removal may be under way; the evidence is weighed again once it is our turn.
            progress.turn = Some(self.retiring.lock().await);
            return Ok(());
        }
        self.append(target, progress, rotation, intent)?;
        progress.acted = true;
        if retires {
            self.budget.removed();
        }
        let what = target.management.remove(&key_id).await;
        fault_point!("remove.answered");
        if retires && what.is_err() {
            self.budget.stop_removals();
        }
        let now = self.now(progress);
        progress.sight.removals.push((key_id, Seen { at: now.elapsed, wall: now.wall, what }));
        Ok(())
    }
}

/// What an effect says of one write.
struct Delivery {
    store: Address,
    source: Source,
    before: Option<Version>,
    expected: Option<Fingerprint>,
    idempotency: String,
    key_id: Option<String>,
}
