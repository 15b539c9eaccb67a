//! The production engine, set into the simulated world.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{
    disk::SimJournal,
    line::Line,
    management::{SimEndpoint, SimManagement},
    play::DEADLINE,
    sabotage::Sabotage,
    scenario::{AppSpec, LIMITS, Scenario},
    store::SimStore,
    world::fingerprints,
};
use crate::{
    management::Management,
    rotate::{Address, Budget, Clock, Engine, Foresight, Policy, Target, TokenEndpoint, Why, told},
    store::Store,
};

/// One process from its beginning to its end: which app it left, and why.
pub async fn run(line: Line, scenario: Scenario, sabotage: Option<Sabotage>, is_dry: bool) -> Vec<(usize, Why)> {
    let name = format!("run-{}", line.process);
    let epoch = line.world.with(|world| world.processes.get(line.process).map_or(0, |process| process.epoch));
    let journal = Sabotage::journal(sabotage, SimJournal { line: line.clone() });
    let providers: Vec<Box<dyn Management>> = scenario
        .apps
        .iter()
        .enumerate()
        .map(|(app, spec)| {
            let capabilities = spec.policy("", None, None).capabilities;
            Sabotage::management(sabotage, SimManagement { line: line.clone(), app, capabilities })
        })
        .collect();
    let endpoints: Vec<Box<dyn TokenEndpoint>> = (0..scenario.apps.len())
        .map(|app| Sabotage::endpoint(sabotage, SimEndpoint { line: line.clone(), app }))
        .collect();
    let engine = Engine {
        journal: journal.as_ref(),
        clock: &line,
        dice: &line,
        fingerprints: fingerprints(),
        limits: Sabotage::limits(sabotage, LIMITS),
        budget: Budget::new(10, 10),
        run: &name,
        epoch,
        deadline: Duration::from_millis(DEADLINE),
        cancel: CancellationToken::new(),
        retiring: Mutex::new(()),
    };
    let stores: Vec<Vec<(Address, Box<dyn Store>)>> = scenario
        .apps
        .iter()
        .enumerate()
        .map(|(app, spec)| {
            let stores = spec.stores.iter().enumerate().filter_map(|(index, sort)| {
                let store = SimStore { line: line.clone(), app, index, abilities: sort.abilities()? };
                Some((AppSpec::address(index), Sabotage::store(sabotage, store)))
            });
            stores.collect()
        })
        .collect();
    let mut targets = Vec::new();
    for (app, spec) in scenario.apps.iter().enumerate() {
        let (Some(management), Some(endpoint), Some(stores)) =
            (providers.get(app), endpoints.get(app), stores.get(app))
        else {
            continue;
        };
        let identity = format!("app-{app}");
        let declared = spec.declared.then(|| "key-1".to_owned());
        let mut policy = spec.policy(&identity, declared, scenario.end_of(app));
        Sabotage::policy(sabotage, &mut policy);
        targets.push(Target {
            identity: identity.clone(),
            group: identity.clone(),
            tenant: identity,
            policy,
            management: management.as_ref(),
            endpoint: endpoint.as_ref(),
            stores,
            early: false,
        });
    }
    if !is_dry {
        let mut outcomes = Box::pin(engine.advance_all(&targets)).await;
        Sabotage::report(sabotage, &mut outcomes);
        let now = Clock::wall(&line);
        for (app, (outcome, target)) in outcomes.iter().zip(&targets).enumerate() {
            let policy = Policy { app: "an app".to_owned(), ..target.policy.clone() };
            let told = told::outcome(&policy, outcome, now);
            line.world.with(|world| world.reported(line.process, app, outcome, &told, now));
        }
        return outcomes.into_iter().map(|outcome| outcome.rest.why).enumerate().collect();
    }
    let mut seen = Vec::new();
    for (app, target) in targets.iter().enumerate() {
        if let Foresight::Rests(rest) = Box::pin(engine.foresee(target)).await {
            seen.push((app, rest.why));
        }
    }
    seen
}
