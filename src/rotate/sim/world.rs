//! The world around a rotation: its time, what is still to happen, and everybody in it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    task::Waker,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    coverage::Coverage, disk::Disk, fault::Faults, observer::Notes, provider::Provider, rng::Rng, scenario::AppSpec,
    store::Shelf,
};
use crate::{
    rotate::Why,
    secret::{Fingerprint, Fingerprints, Secret},
};

/// True time, milliseconds since long before the scenario.
pub type Ms = u64;

pub const SECOND: Ms = 1000;
pub const MINUTE: Ms = 60 * SECOND;
pub const HOUR: Ms = 60 * MINUTE;
pub const DAY: Ms = 24 * HOUR;

/// When a scenario begins, so that things can be older than it.
pub const BEGIN: Ms = 1000 * DAY;

/// True time as an honest clock shows it: day 1000 is 2026-03-01.
#[must_use]
pub fn utc(at: Ms) -> DateTime<Utc> {
    const ZERO: i64 = 1_772_323_200_000 - 1000 * 86_400_000;
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ZERO.saturating_add_unsigned(at))
}

const KEY: [u8; 32] = [7; 32];

#[must_use]
pub const fn fingerprints() -> Fingerprints<'static> {
    Fingerprints::new(&KEY)
}

type Effect = Box<dyn FnOnce(&mut World) + Send>;

pub struct World {
    pub now: Ms,
    pub rng: Rng,
    pub apps: Vec<App>,
    pub disk: Disk,
    /// How far each host's wall clock is off, milliseconds.
    pub clocks: [i64; 2],
    /// One of them was off at some time.
    pub jumped: bool,
    pub processes: Vec<Process>,
    /// Processes that somebody wants started, by host.
    pub wanted: Vec<usize>,
    pub faults: Faults,
    /// When anything last went wrong.
    pub disturbed_at: Ms,
    pub violations: Vec<Violation>,
    pub coverage: Coverage,
    pub trace: Option<Vec<String>>,
    /// Every value there ever was, for the leak scan.
    pub values: Vec<(Arc<str>, Fingerprint)>,
    /// Whose each value is, by app.
    pub homes: BTreeMap<Arc<str>, usize>,
    /// The state was put back to an earlier one.
    pub restored: bool,
    /// Why the last run left each app.
    pub rests: Vec<Option<Why>>,
    /// Why each run left each app.
    pub left: Vec<(usize, Why)>,
    timers: BTreeMap<(Ms, u64), Waker>,
    later: BTreeMap<(Ms, u64), Effect>,
    order: u64,
}

pub struct App {
    pub spec: AppSpec,
    pub identity: String,
    pub provider: Provider,
    pub shelves: Vec<Shelf>,
    pub truth: super::observer::Truth,
    /// Something went wrong that concerns it.
    pub troubled: bool,
}

/// One run of the program.
pub struct Process {
    pub host: usize,
    pub epoch: u64,
    pub started: Ms,
    pub is_dead: bool,
    pub is_over: bool,
    pub paused_until: Ms,
    /// A dry run: nothing may change.
    pub is_dry: bool,
    /// By app.
    pub notes: Vec<Notes>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant, as the design numbers it.
    pub id: &'static str,
    pub what: String,
}

impl World {
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self {
            now: BEGIN,
            rng: Rng::new(seed),
            apps: Vec::new(),
            disk: Disk::default(),
            clocks: [0, 0],
            jumped: false,
            processes: Vec::new(),
            wanted: Vec::new(),
            faults,
            disturbed_at: BEGIN,
            violations: Vec::new(),
            coverage: Coverage::default(),
            trace: None,
            values: Vec::new(),
            homes: BTreeMap::new(),
            restored: false,
            rests: Vec::new(),
            left: Vec::new(),
            timers: BTreeMap::new(),
            later: BTreeMap::new(),
            order: 0,
        }
    }

    pub fn later(&mut self, at: Ms, effect: impl FnOnce(&mut Self) + Send + 'static) {
        self.order += 1;
        self.later.insert((at, self.order), Box::new(effect));
    }

    pub(super) fn set_timer(&mut self, at: Ms, waker: Waker) {
        self.order += 1;
        self.timers.insert((at, self.order), waker);
    }

    /// Goes to the next moment at which anything happens, at the latest to `until`. `false`: nothing happens before it.
    pub fn step(&mut self, until: Ms) -> bool {
        let timer = self.timers.keys().next().map(|(at, _)| *at);
        let effect = self.later.keys().next().map(|(at, _)| *at);
        let Some(at) = timer.into_iter().chain(effect).min().filter(|at| *at <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(at);
        if effect.is_some_and(|effect| effect <= at) {
            if let Some((_, effect)) = self.later.pop_first() {
                effect(self);
            }
            return true;
        }
        if let Some((_, waker)) = self.timers.pop_first() {
            waker.wake();
        }
        true
    }

    /// Remembers a value, so that it is found wherever it should not be.
    pub fn value(&mut self, text: String) -> Arc<str> {
        let value: Arc<str> = text.into();
        if !self.values.iter().any(|(known, _)| *known == value) {
            let print = fingerprints().of(&Secret::new(value.to_string()));
            self.values.push((value.clone(), print));
        }
        value
    }

    pub fn fresh_value(&mut self, app: usize) -> Arc<str> {
        let text = self.rng.canary();
        self.value_for(app, text)
    }

    /// A value of this app's.
    pub fn value_for(&mut self, app: usize, text: String) -> Arc<str> {
        let value = self.value(text);
        self.homes.entry(value.clone()).or_insert(app);
        value
    }

    #[must_use]
    pub fn print_of(&self, value: &str) -> Option<Fingerprint> {
        self.values.iter().find(|(known, _)| **known == *value).map(|(_, print)| *print)
    }

    #[must_use]
    pub fn value_of(&self, print: Fingerprint) -> Option<Arc<str>> {
        self.values.iter().find(|(_, known)| *known == print).map(|(value, _)| value.clone())
    }

    pub fn violate(&mut self, id: &'static str, what: impl Into<String>) {
        let what = what.into();
        self.note(|| format!("!! {id}: {what}"));
        self.violations.push(Violation { id, what });
    }

    /// Something went wrong now: what is due after the last of it is counted from here.
    pub fn disturb(&mut self) {
        self.disturbed_at = self.disturbed_at.max(self.now);
    }

    /// Something goes wrong for this app; `None`: for all.
    pub fn trouble(&mut self, app: Option<usize>) {
        for (index, known) in self.apps.iter_mut().enumerate() {
            known.troubled |= app.is_none_or(|app| app == index);
        }
    }

    pub fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let at = self.now - BEGIN;
            let (day, rest) = (at / DAY, at % DAY);
            trace.push(format!("{day:>3}d {:>8.1}s  {}", f64::from(u32::try_from(rest).unwrap_or(0)) / 1000.0, text()));
        }
    }
}

/// The world as everybody in it shares it.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<World>>);

impl Shared {
    #[must_use]
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
