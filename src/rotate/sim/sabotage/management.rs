//! Providers' clients with bugs in them.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{
    super::{
        disk::INSTALLATION,
        management::{SimEndpoint, SimManagement},
        world::utc,
    },
    Sabotage,
};
use crate::{
    management::{
        Capabilities, Constraints, CreateFault, Created, FaultKind, Listing, Management, ManagementFault, Order,
        Removed, Usage, UsageQuestion,
    },
    rotate::{Event, Marker, TokenEndpoint, Trial, TrialOutcome},
    secret::Secret,
};

pub struct BentManagement {
    pub bug: Sabotage,
    pub inner: SimManagement,
}

impl BentManagement {
    /// Listed ids of ours that the journal has no attempt for.
    fn strays(&self, listing: &Listing) -> Vec<String> {
        let app = self.inner.app;
        let known = self.inner.line.world.with(|world| world.records(app));
        let is_stray = |label: &str| {
            let Ok(marker) = label.parse::<Marker>() else { return false };
            INSTALLATION.starts_with(&marker.installation)
                && !known
                    .iter()
                    .any(|record| matches!(&record.event, Event::CreateIntent { marker: of, .. } if *of == marker))
        };
        let strays = listing.credentials.iter().filter(|listed| listed.label.as_deref().is_some_and(is_stray));
        strays.map(|listed| listed.id.clone()).collect()
    }
}

#[async_trait]
impl Management for BentManagement {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn list(&self) -> Result<Listing, ManagementFault> {
        let app = self.inner.app;
        if self.bug == Sabotage::OldEvidence {
            let old =
                self.inner.line.world.with(|world| world.apps.get(app).and_then(|app| app.truth.old_list.clone()));
            if let Some(mut old) = old {
                old.date = Some(self.inner.line.world.with(|world| utc(world.now)));
                return Ok(old);
            }
        }
        let is_silenced = self.inner.line.world.with(|world| world.apps.iter().any(|app| app.troubled));
        if self.bug == Sabotage::SharedFate && is_silenced {
            return Err(ManagementFault { kind: FaultKind::NoAnswer, message: "no answer".to_owned() });
        }
        let mut listing = match self.inner.list().await {
            Ok(listing) => listing,
            Err(fault) if self.bug == Sabotage::NotFoundIsGone && fault.kind == FaultKind::NoAnswer => {
                Listing { credentials: Vec::new(), date: None }
            }
            Err(fault) => return Err(fault),
        };
        match self.bug {
            Sabotage::LocalClockOnly => listing.date = Some(crate::rotate::Clock::wall(&self.inner.line)),
            Sabotage::UnknownMarkerReaped => {
                for stray in self.strays(&listing) {
                    self.inner.remove(&stray).await?;
                    listing.credentials.retain(|listed| listed.id != stray);
                }
            }
            Sabotage::UnknownMarkerHidden => {
                let strays = self.strays(&listing);
                listing.credentials.retain(|listed| !strays.contains(&listed.id));
            }
            Sabotage::OldEvidence => {
                // The last listing before anything went out with it, kept for good.
                let copy = listing.clone();
                self.inner.line.world.with(|world| {
                    let is_grace =
                        world.records(app).iter().any(|record| matches!(record.event, Event::GraceStarted { .. }));
                    if let Some(app) = world.apps.get_mut(app).filter(|_| is_grace) {
                        app.truth.old_list = Some(copy);
                    }
                });
            }
            _ => {}
        }
        Ok(listing)
    }

    async fn constraints(&self) -> Result<Constraints, ManagementFault> {
        self.inner.constraints().await
    }

    async fn create(&self, order: &Order) -> Result<Created, CreateFault> {
        match self.inner.create(order).await {
            Err(CreateFault::Unknown(_)) if self.bug == Sabotage::CreateRetried => self.inner.create(order).await,
            Err(CreateFault::Unknown(message)) if self.bug == Sabotage::LostReplyIgnored => {
                Err(CreateFault::Refused(ManagementFault { kind: FaultKind::Refused, message }))
            }
            Ok(created) if self.bug == Sabotage::ErrorPrintsRequest => {
                Err(CreateFault::Unknown(format!("an answer that is none: {}", created.value.expose())))
            }
            outcome => outcome,
        }
    }

    async fn remove(&self, key_id: &str) -> Result<Removed, ManagementFault> {
        if self.bug == Sabotage::AllButNewest {
            let listing = self.inner.list().await?;
            let newest = listing.credentials.iter().max_by_key(|listed| listed.start).map(|listed| listed.id.clone());
            for listed in listing.credentials.iter().filter(|listed| Some(&listed.id) != newest.as_ref()) {
                self.inner.remove(&listed.id).await?;
            }
            return Ok(Removed::Removed);
        }
        self.inner.remove(key_id).await
    }

    async fn current(&self) -> Result<Secret, ManagementFault> {
        self.inner.current().await
    }

    async fn usage(&self, question: &UsageQuestion<'_>) -> Result<Usage, ManagementFault> {
        self.inner.usage(question).await
    }
}

/// One success stands for all that follow.
pub struct BentEndpoint {
    inner: SimEndpoint,
    accepted: Mutex<Vec<String>>,
}

impl BentEndpoint {
    pub const fn new(inner: SimEndpoint) -> Self {
        Self { inner, accepted: Mutex::new(Vec::new()) }
    }
}

#[async_trait]
impl TokenEndpoint for BentEndpoint {
    async fn try_value(&self, value: &Secret) -> Trial {
        let known = |list: &mut Vec<String>| list.iter().any(|known| known == value.expose());
        if known(&mut self.accepted.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Trial { outcome: TrialOutcome::Accepted, request_ids: Vec::new() };
        }
        let trial = self.inner.try_value(value).await;
        if trial.outcome == TrialOutcome::Accepted {
            self.accepted.lock().unwrap_or_else(PoisonError::into_inner).push(value.expose().to_owned());
        }
        trial
    }
}
