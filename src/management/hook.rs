//! A hook as the management of an app's credentials: for providers that credwatch does not know.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

use super::{
    Capabilities, Constraints, CreateFault, Created, FaultKind, Holder, Label, Listed, Listing, Management,
    ManagementFault, Order, Overlap, Removed, Usage, UsageQuestion,
};
use crate::{
    hook::{self, HookFault},
    secret::Secret,
    settings::{self, Verb},
};

pub struct Hook(hook::Hook);

/// The hook that manages the credentials of the app `name`: the one of its name, if it can do all of it.
#[must_use]
pub fn of_app<'a>(name: &str, hooks: &'a BTreeMap<String, settings::Hook>) -> Option<&'a settings::Hook> {
    let can =
        |hook: &&settings::Hook| [Verb::Create, Verb::List, Verb::Remove].iter().all(|it| hook.verbs.contains(it));
    hooks.get(name).filter(can)
}

impl Hook {
    #[must_use]
    pub fn new(hook: &settings::Hook, subject: hook::Subject) -> Self {
        Self(hook::Hook::new(&subject.app.clone(), hook, subject))
    }
}

#[async_trait]
impl Management for Hook {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Full,
            readable: false,
            label: Label::Kept,
            limit: None,
            removal_delay: Duration::ZERO,
            live_deadline: None,
            tells_usage: false,
        }
    }

    async fn list(&self) -> Result<Listing, ManagementFault> {
        let listing = self.0.list().await?;
        let listed = |one: hook::Listed| Listed {
            id: one.id,
            label: one.marker,
            start: one.start,
            end: one.end,
            hint: None,
            fingerprint: None,
            on: Holder::Application,
            is_secret: true,
            active: one.active,
        };
        Ok(Listing { credentials: listing.credentials.into_iter().map(listed).collect(), date: None })
    }

    async fn constraints(&self) -> Result<Constraints, ManagementFault> {
        Ok(Constraints::default())
    }

    async fn create(&self, order: &Order) -> Result<Created, CreateFault> {
        let made =
            self.0.create(hook::Create { marker: &order.marker, end: order.end }).await.map_err(
                |fault| match fault {
                    HookFault::Unknown(said) => CreateFault::Unknown(said),
                    other => CreateFault::Refused(other.into()),
                },
            )?;
        if made.value.expose().is_empty() {
            return Err(CreateFault::Unknown("the hook made a credential and gave an empty value".to_owned()));
        }
        Ok(Created { key_id: Some(made.id), value: made.value, end: made.end, date: None })
    }

    async fn remove(&self, key_id: &str) -> Result<Removed, ManagementFault> {
        Ok(if self.0.remove(key_id).await?.removed { Removed::Removed } else { Removed::Gone })
    }

    async fn current(&self) -> Result<Secret, ManagementFault> {
        let message = "a hook's verbs `create`, `list` and `remove` read no value".to_owned();
        Err(ManagementFault { kind: FaultKind::Refused, message })
    }

    async fn usage(&self, _: &UsageQuestion<'_>) -> Result<Usage, ManagementFault> {
        Ok(Usage::CannotTell("a hook does not say which credential was used".to_owned()))
    }
}

impl From<HookFault> for ManagementFault {
    fn from(fault: HookFault) -> Self {
        let kind = match fault {
            HookFault::NotStarted(_) => FaultKind::NotSent,
            HookFault::Later(_) => FaultKind::Throttled { retry_after: None },
            HookFault::Refused(_) => FaultKind::Refused,
            HookFault::Unknown(_) => FaultKind::NoAnswer,
        };
        Self { kind, message: fault.to_string() }
    }
}
