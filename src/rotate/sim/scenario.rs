//! One story: the apps, what goes wrong, and when. Everything in it follows from these data and one seed.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    fault::{Fault, Faults},
    happening::Happening,
    observer::Truth,
    provider::{By, Date, Kind, Lags, New, Provider},
    store::{Shelf, Sort},
    world::{App, BEGIN, DAY, Ms, World, fingerprints, utc},
};
use crate::{
    rotate::{Limits, Place, Policy},
    secret::Secret,
};

#[derive(Debug, Clone)]
pub struct Scenario {
    pub seed: u64,
    pub apps: Vec<AppSpec>,
    pub faults: Vec<Fault>,
    pub happenings: Vec<(Ms, Happening)>,
    /// A dry run before each run.
    pub dry_runs: bool,
}

#[derive(Debug, Clone)]
pub struct AppSpec {
    pub kind: Kind,
    /// The first is the primary.
    pub stores: Vec<Sort>,
    pub lags: Lags,
    pub limit: Option<u32>,
    pub grace: Ms,
    pub retire: bool,
    pub without_usage: bool,
    pub tells_usage: bool,
    pub hints: bool,
    /// The inventory says which id the predecessor has.
    pub declared: bool,
    /// Credentials of somebody else, from the beginning.
    pub strangers: u32,
    /// The predecessor ends this long after the beginning.
    pub ends_in: Ms,
    /// Kind B: how long the old one lives on.
    pub period: Ms,
    pub date_missing: bool,
    /// What a person needs for each step; `None`: it is never done.
    pub person: Option<Ms>,
    /// Stores that hold nothing at the beginning.
    pub empty: Vec<usize>,
    /// Stores that spend no version on a write of what they hold.
    pub lazy: bool,
}

impl Default for AppSpec {
    fn default() -> Self {
        Self {
            kind: Kind::Labelled,
            stores: vec![Sort::Cas],
            lags: Lags::default(),
            limit: None,
            grace: 2 * DAY,
            retire: true,
            without_usage: true,
            tells_usage: false,
            hints: false,
            declared: true,
            strangers: 0,
            ends_in: 25 * DAY,
            period: 5 * DAY,
            date_missing: false,
            person: Some(DAY / 4),
            empty: Vec::new(),
            lazy: false,
        }
    }
}

const SECONDS: fn(u64) -> std::time::Duration = std::time::Duration::from_secs;

/// The settings' defaults.
pub const LIMITS: Limits = Limits {
    live_deadline: SECONDS_15M,
    live_spacing: std::time::Duration::from_secs(10),
    live_for: std::time::Duration::from_secs(120),
    settle: std::time::Duration::from_secs(300),
    run_gap: std::time::Duration::from_secs(20 * 3600),
};
const SECONDS_15M: std::time::Duration = std::time::Duration::from_secs(900);

impl AppSpec {
    #[must_use]
    pub fn address(index: usize) -> String {
        format!("store-{index}")
    }

    #[must_use]
    pub fn policy(&self, name: &str, declared_id: Option<String>, end: Option<DateTime<Utc>>) -> Policy {
        let provider = self.provider();
        let place =
            |(index, sort): (usize, &Sort)| Place { address: Self::address(index), abilities: sort.abilities() };
        Policy {
            app: name.to_owned(),
            label: None,
            declared_id,
            declared_end: end,
            before: SECONDS(30 * 86_400),
            lifetime: SECONDS(180 * 86_400),
            grace: SECONDS(self.grace / 1000),
            retire: self.retire,
            retire_without_usage: self.without_usage,
            abandon_after: SECONDS(14 * 86_400),
            allow_gap: self.kind == Kind::Gap || self.period == 0,
            in_window: true,
            frozen: false,
            places: self.stores.iter().enumerate().map(place).collect(),
            capabilities: provider.capabilities(),
        }
    }

    fn provider(&self) -> Provider {
        let mut provider = Provider::new(self.kind, self.lags.clone(), self.limit, self.period);
        provider.hints = self.hints;
        provider.tells_usage = self.tells_usage;
        if self.date_missing {
            provider.date = Date::Missing;
        }
        provider
    }

    /// Days within which an undisturbed rotation has to be over, as nightly runs advance it.
    #[must_use]
    pub fn patience(&self) -> Ms {
        let mut patience = 6 * DAY + self.grace;
        if self.date_missing || !self.kind_has_overlap() {
            patience += 3 * DAY;
        }
        let may_hold = self.retire && (!self.declared || (!self.without_usage));
        if may_hold {
            patience += 16 * DAY;
        }
        if self.stores.iter().any(|sort| matches!(sort, Sort::Person | Sort::Blind)) {
            patience += self.person.map_or(16 * DAY, |each| each * 6);
        }
        if self.period > 0 && self.kind == Kind::Grace {
            patience += self.period;
        }
        patience
    }

    const fn kind_has_overlap(&self) -> bool {
        matches!(self.kind, Kind::Labelled | Kind::ByValue(_))
    }
}

impl Scenario {
    #[must_use]
    pub fn new(apps: Vec<AppSpec>) -> Self {
        Self { seed: 1, apps, faults: Vec::new(), happenings: Vec::new(), dry_runs: false }
    }

    #[must_use]
    pub fn with(mut self, faults: &[Fault]) -> Self {
        self.faults = faults.to_vec();
        self
    }

    #[must_use]
    pub fn when(mut self, after: Ms, happening: Happening) -> Self {
        self.happenings.push((after, happening));
        self
    }

    /// The world at its beginning.
    #[must_use]
    pub fn world(&self) -> World {
        let mut world = World::new(self.seed, Faults::new(self.faults.clone()));
        for (index, spec) in self.apps.iter().enumerate() {
            let app = Self::app(&mut world, index, spec);
            world.apps.push(app);
        }
        for (after, happening) in &self.happenings {
            let happening = happening.clone();
            let at = BEGIN + after;
            world.disturbed_at = world.disturbed_at.max(at);
            world.later(at, move |world| world.happen(&happening));
        }
        let persons = self.apps.iter().enumerate().filter_map(|(app, spec)| Some((app, spec.person?)));
        for (app, each) in persons {
            world.later(BEGIN + each, move |world| world.person(app, each));
        }
        world
    }

    fn app(world: &mut World, index: usize, spec: &AppSpec) -> App {
        let value = world.fresh_value(index);
        let mut provider = spec.provider();
        // Long known everywhere.
        let then = BEGIN - 100 * DAY;
        let mut add = |world: &mut World, value: Arc<str>, by: By, made: Ms, end: Ms| {
            let print = fingerprints().of(&Secret::new(value.to_string()));
            let new = New { value, print, label: None, by, end: Some(end) };
            provider.make(new, &mut world.rng, made)
        };
        add(world, value.clone(), By::Initial, then, BEGIN + spec.ends_in);
        for nth in 0..spec.strangers {
            let strange = world.fresh_value(index);
            let made = then + Ms::from(nth) * DAY;
            add(world, strange, By::Stranger, made, BEGIN + 300 * DAY);
        }
        let shelf = |(place, sort): (usize, &Sort)| {
            let held = (!spec.empty.contains(&place)).then(|| value.clone());
            let mut shelf = Shelf::new(AppSpec::address(place), *sort, held, then);
            shelf.lazy = spec.lazy;
            shelf
        };
        let shelves = spec.stores.iter().enumerate().map(shelf).collect();
        let identity = format!("app-{index}");
        App { spec: spec.clone(), identity, provider, shelves, truth: Truth::default(), troubled: false }
    }

    /// The longest that any app may take after the last disturbance.
    #[must_use]
    pub fn patience(&self) -> Ms {
        // A gate that holds, because of what somebody did, is left to a person after 14 days.
        let held = if self.happenings.is_empty() { 0 } else { 17 * DAY };
        self.apps.iter().map(AppSpec::patience).max().unwrap_or_default() + held
    }

    #[must_use]
    pub fn end_of(&self, app: usize) -> Option<DateTime<Utc>> {
        self.apps.get(app).map(|spec| utc(BEGIN + spec.ends_in))
    }
}
