//! The provider behind the traits of production code.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    fault::Op,
    line::{Line, Reply},
    provider::{By, Kind, New},
    world::{App, Ms, World, fingerprints},
};
use crate::{
    management::{
        Capabilities, Constraints, CreateFault, Created, FaultKind, Listing, Management, ManagementFault, Order,
        Removed, Usage, UsageQuestion,
    },
    rotate::{TokenEndpoint, Trial, TrialOutcome},
    secret::Secret,
};

pub struct SimManagement {
    pub line: Line,
    pub app: usize,
    pub capabilities: Capabilities,
}

pub struct SimEndpoint {
    pub line: Line,
    pub app: usize,
}

fn fault(kind: FaultKind) -> ManagementFault {
    ManagementFault { kind, message: "the provider gave no usable answer".to_owned() }
}

fn throttled(pause: Option<Ms>) -> ManagementFault {
    fault(FaultKind::Throttled { retry_after: pause.map(Duration::from_millis) })
}

impl SimManagement {
    async fn look<T>(&self, op: Op, look: impl FnOnce(&mut World, usize) -> Option<T>) -> Result<T, ManagementFault> {
        let app = self.app;
        let is_down = |world: &mut World| {
            let now = world.now;
            world.apps.get(app).is_none_or(|app| app.provider.down_until > now)
        };
        let reply = self.line.look(op, app, |world| if is_down(world) { None } else { look(world, app) }).await;
        match reply {
            Reply::Done(Some(seen)) => Ok(seen),
            Reply::Throttled(pause) => Err(throttled(pause)),
            _ => Err(fault(FaultKind::NoAnswer)),
        }
    }
}

#[async_trait]
impl Management for SimManagement {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn list(&self) -> Result<Listing, ManagementFault> {
        let process = self.line.process;
        self.look(Op::List, |world, app| {
            let World { apps, rng, now, .. } = world;
            let listing = apps.get(app)?.provider.listing(rng, *now);
            world.saw_list(process, app, &listing);
            Some(listing)
        })
        .await
    }

    async fn constraints(&self) -> Result<Constraints, ManagementFault> {
        self.look(Op::Constraints, |world, app| {
            let provider = &world.apps.get(app)?.provider;
            let period = (provider.kind == Kind::Grace && provider.period > 0).then_some(provider.period);
            Some(Constraints { rotated_grace: period.map(Duration::from_millis), ..Constraints::default() })
        })
        .await
    }

    async fn create(&self, order: &Order) -> Result<Created, CreateFault> {
        let (process, app) = (self.line.process, self.app);
        let value = order.value.as_ref().map(|value| value.expose().to_owned());
        self.line.world.with(|world| world.sends_create(process, app, &order.marker, value.as_deref()));
        let end = u64::try_from((order.end - super::world::utc(0)).num_milliseconds()).unwrap_or_default();
        let marker = order.marker.clone();
        let made = move |world: &mut World| make(world, process, app, &marker, value.clone(), end);
        match self.line.act(Op::Create, app, true, made).await {
            Reply::Done(Some((key_id, value, end))) => {
                let id = self.capabilities.overlap == crate::management::Overlap::Full;
                self.line.world.with(|world| world.got_created(process, app, &key_id));
                let date = None;
                Ok(Created {
                    key_id: id.then_some(key_id),
                    value: Secret::new(value),
                    end: end.map(super::world::utc),
                    date,
                })
            }
            Reply::Done(None) | Reply::Refused => Err(CreateFault::Refused(fault(FaultKind::Refused))),
            Reply::Throttled(pause) => Err(CreateFault::Refused(throttled(pause))),
            Reply::Unknown => Err(CreateFault::Unknown("no answer in time".to_owned())),
        }
    }

    async fn remove(&self, key_id: &str) -> Result<Removed, ManagementFault> {
        let (process, app) = (self.line.process, self.app);
        self.line.world.with(|world| world.sends_remove(process, app, key_id));
        let id = key_id.to_owned();
        let removed = move |world: &mut World| {
            let World { apps, rng, now, .. } = world;
            let removed = apps.get_mut(app).is_some_and(|app| app.provider.remove(&id, rng, *now));
            world.note(|| format!("app {app}: {id} is removed ({removed})"));
            world.provider_changed(app, Some(process));
            removed
        };
        match self.line.act(Op::Remove, app, true, removed).await {
            Reply::Done(true) => Ok(Removed::Removed),
            Reply::Done(false) => Ok(Removed::Gone),
            Reply::Refused => Err(fault(FaultKind::Forbidden)),
            Reply::Throttled(pause) => Err(throttled(pause)),
            Reply::Unknown => Err(fault(FaultKind::NoAnswer)),
        }
    }

    async fn current(&self) -> Result<Secret, ManagementFault> {
        self.look(Op::Current, |world, app| {
            let provider = &world.apps.get(app)?.provider;
            Some(Secret::new(provider.find("current")?.value.to_string()))
        })
        .await
    }

    async fn usage(&self, question: &UsageQuestion<'_>) -> Result<Usage, ManagementFault> {
        self.look(Op::Usage, |world, app| {
            let since = question.since;
            let provider = &world.apps.get(app)?.provider;
            let is_ours = |request: &Option<String>| request.as_ref().is_some_and(|id| question.ours.contains(id));
            let is_shown = |at: &Ms| super::world::utc(*at) >= since;
            if !provider.uses.iter().any(|(at, id, by)| is_shown(at) && id == question.control && is_ours(by)) {
                return Some(Usage::CannotTell("our own sign-ins do not show".to_owned()));
            }
            let used =
                provider.uses.iter().filter(|(at, id, by)| is_shown(at) && id == question.key_id && !is_ours(by));
            Some(used.map(|(at, ..)| *at).max().map_or(Usage::Unused, |at| Usage::UsedAt(super::world::utc(at))))
        })
        .await
    }
}

/// The create arrives.
fn make(
    world: &mut World,
    process: usize,
    app: usize,
    marker: &str,
    value: Option<String>,
    end: Ms,
) -> Option<(String, String, Option<Ms>)> {
    let value = match value {
        Some(value) => world.value_for(app, value),
        None => world.fresh_value(app),
    };
    let print = world.print_of(&value).unwrap_or_else(|| fingerprints().of(&Secret::new(value.to_string())));
    let World { apps, rng, now, .. } = world;
    let App { provider, .. } = apps.get_mut(app)?;
    if matches!(provider.kind, Kind::ByValue(_)) && provider.standing(*now).any(|known| known.value == value) {
        return None;
    }
    let standing = provider.credentials.iter().filter(|known| known.gone.is_none()).count();
    if provider.is_full(u32::try_from(standing).unwrap_or(u32::MAX)) {
        world.note(|| format!("app {app}: the provider is full"));
        return None;
    }
    let end = (provider.kind != Kind::Gap).then_some(end);
    let new = New { value: value.clone(), print, label: Some(marker.to_owned()), by: By::Us, end };
    let id = provider.make(new, rng, *now);
    world.note(|| format!("app {app}: {id} is made as {marker}"));
    world.provider_changed(app, Some(process));
    world.made(app, marker);
    Some((id, value.to_string(), end))
}

#[async_trait]
impl TokenEndpoint for SimEndpoint {
    async fn try_value(&self, value: &Secret) -> Trial {
        let (process, app) = (self.line.process, self.app);
        self.line.world.with(|world| world.goes_to(app, value.expose(), "a token endpoint"));
        let request = format!("request-{}", self.line.world.with(|world| world.faults.calls()));
        let reply = self
            .line
            .look(Op::Try, app, |world| {
                let World { apps, rng, now, .. } = world;
                let outcome = apps
                    .get_mut(app)
                    .map_or(TrialOutcome::Unknown, |app| app.provider.trial(value.expose(), &request, rng, *now));
                world.saw_trial(process, app, value.expose(), &outcome);
                outcome
            })
            .await;
        let outcome = match reply {
            Reply::Done(outcome) => outcome,
            Reply::Throttled(pause) => TrialOutcome::Throttled { retry_after: pause.map(Duration::from_millis) },
            Reply::Refused | Reply::Unknown => TrialOutcome::NoEvidence("no answer in time".to_owned()),
        };
        Trial { outcome, request_ids: vec![request] }
    }
}
