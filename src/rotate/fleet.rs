//! From the inventory's opt-in to what the engine works on.

use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::{Address, Limits, Place, Policy, ProbedEndpoint, Target, identity};
use crate::{
    api::Api,
    inventory::{Destination, Expires, Inventory, Rotation, Subject},
    management::{self, Management},
    probe,
    schedule::Schedule,
    secret::Resolver,
    settings::{RotationLimits, Settings},
    store::{Keyring, Store},
};

/// One credential that opted in, with everything it is made of; or why it cannot be.
pub struct Member<'a> {
    pub subject: Subject<'a>,
    pub identity: String,
    pub policy: Policy,
    pub management: Box<dyn Management>,
    pub endpoint: ProbedEndpoint<'a>,
    pub stores: Vec<(Address, Box<dyn Store>)>,
    pub early: bool,
}

/// What cannot be rotated as things are, in words that name the remedy.
pub struct Unfit<'a> {
    pub subject: Subject<'a>,
    pub why: String,
}

/// What every member is opened with.
pub struct Opening<'s> {
    pub(super) settings: &'s Settings,
    secrets: Arc<Resolver>,
    options: probe::Options,
    pub(super) fingerprint_key: [u8; 32],
    early: bool,
}

impl<'s> Opening<'s> {
    /// What the settings say, for the installation with that key; `early`: start now, however far the end is.
    #[must_use]
    pub fn new(
        settings: &'s Settings,
        secrets: &Arc<Resolver>,
        fingerprint_key: [u8; 32],
        early: bool,
        cancel: &CancellationToken,
    ) -> Self {
        let options = probe::Options { fingerprint_key: Some(fingerprint_key), ..probe::Options::of(settings, cancel) };
        Self { settings, secrets: Arc::clone(secrets), options, fingerprint_key, early }
    }

    /// Everything in the inventory that opted in.
    ///
    /// # Errors
    /// No HTTP client can be set up.
    pub async fn muster<'a>(&self, inventory: &'a Inventory) -> anyhow::Result<(Vec<Member<'a>>, Vec<Unfit<'a>>)> {
        let api = Api::new(&self.settings.http, self.settings.ca.as_deref())
            .context("the HTTP client could not be set up")?;
        let keyring = Keyring::new(self.settings, &self.secrets, &api);
        let (mut members, mut unfit) = (Vec::new(), Vec::new());
        for subject in inventory.subjects() {
            let Some(rotation) = &subject.credential.rotate else { continue };
            match self.member(subject, rotation, &api, &keyring).await {
                Ok(member) => members.push(member),
                Err(why) => unfit.push(Unfit { subject, why }),
            }
        }
        Ok((members, unfit))
    }

    async fn member<'a>(
        &self,
        subject: Subject<'a>,
        rotation: &Rotation,
        api: &Api,
        keyring: &Keyring,
    ) -> Result<Member<'a>, String> {
        let management = management::open(subject, self.settings, &self.secrets, api, &self.fingerprint_key)
            .map_err(|fault| fault.to_string())?;
        let (mut stores, mut places) = (Vec::new(), Vec::new());
        for delivery in &rotation.deliver_to {
            let address = address(&delivery.to);
            let opened = match &delivery.to {
                Destination::Person(_) => None,
                to => {
                    let label = subject.credential.label.as_deref();
                    let opened = keyring.open(to, delivery.in_place, subject.app, label).await;
                    Some(opened.map_err(|fault| format!("{address}: {fault}"))?)
                }
            };
            places.push(Place { address: address.clone(), abilities: opened.as_ref().map(|store| store.abilities()) });
            stores.extend(opened.map(|store| (address, store)));
        }
        let policy = self.policy(subject, rotation, places, management.capabilities());
        let endpoint = ProbedEndpoint { subject, options: self.options.clone(), secrets: Arc::clone(&self.secrets) };
        let identity = identity(subject);
        Ok(Member { subject, identity, policy, management, endpoint, stores, early: self.early })
    }

    fn policy(
        &self,
        subject: Subject<'_>,
        rotation: &Rotation,
        places: Vec<Place>,
        capabilities: management::Capabilities,
    ) -> Policy {
        Policy {
            app: subject.app.name.to_string(),
            label: subject.credential.label.as_deref().map(str::to_owned),
            declared_id: subject.credential.secret_id.clone(),
            declared_end: match subject.credential.expires {
                Some(Expires::At(at)) if !crate::clock::is_never(at) => Some(at),
                _ => None,
            },
            before: rotation.before.as_std(),
            lifetime: rotation.lifetime.as_std(),
            grace: rotation.grace.as_std(),
            retire: rotation.retire,
            retire_without_usage: rotation.retire_without_usage,
            abandon_after: rotation.abandon_after.as_std(),
            allow_gap: rotation.allow_gap,
            in_window: rotation.window.as_deref().is_none_or(|window| self.is_open(window)),
            frozen: rotation.frozen || self.settings.rotation.frozen,
            places,
            capabilities,
        }
    }

    /// Whether a firing lies within the last hour.
    fn is_open(&self, window: &str) -> bool {
        let now = crate::clock::now();
        let Ok(schedule) = Schedule::parse(window, self.settings.schedule.timezone) else { return false };
        schedule.next_after(now - chrono::TimeDelta::hours(1)).is_some_and(|at| at.to_utc() <= now)
    }
}

impl Member<'_> {
    #[must_use]
    pub fn target(&self) -> Target<'_> {
        let registration = &self.subject.app.registration;
        Target {
            identity: self.identity.clone(),
            group: format!("{}/{}", registration.provider.name(), self.subject.app.client_id),
            tenant: registration.tenant.clone().unwrap_or_else(|| registration.provider.name().to_owned()),
            policy: self.policy.clone(),
            management: &*self.management,
            endpoint: &self.endpoint,
            stores: &self.stores,
            early: self.early,
        }
    }
}

/// The first store of a credential, opened as a run opens it: where the value in force is kept.
///
/// # Errors
/// It cannot be opened, in words that name it.
pub async fn primary(
    subject: Subject<'_>,
    settings: &Settings,
    secrets: &Arc<Resolver>,
) -> anyhow::Result<(Address, Box<dyn Store>)> {
    let rotation = subject.credential.rotate.as_ref().context("the credential has no `rotate:` block")?;
    let delivery = rotation.deliver_to.first().context("`deliver_to` names no store")?;
    let api = Api::new(&settings.http, settings.ca.as_deref()).context("the HTTP client could not be set up")?;
    let (address, label) = (address(&delivery.to), subject.credential.label.as_deref());
    let keyring = Keyring::new(settings, secrets, &api);
    let opened = keyring.open(&delivery.to, delivery.in_place, subject.app, label).await;
    let opened = opened.with_context(|| address.clone())?;
    Ok((address, opened))
}

/// As the inventory writes it.
fn address(to: &Destination) -> Address {
    match to {
        Destination::Store(store) => store.to_string(),
        Destination::Hook(name) => format!("hook:{name}"),
        Destination::Person(who) => format!("person:{who}"),
    }
}

impl From<&RotationLimits> for Limits {
    fn from(limits: &RotationLimits) -> Self {
        Self {
            live_deadline: limits.live_deadline.as_std(),
            live_spacing: limits.live_spacing.as_std(),
            live_for: limits.live_for.as_std(),
            settle: limits.settle.as_std(),
            run_gap: limits.run_gap.as_std(),
        }
    }
}
