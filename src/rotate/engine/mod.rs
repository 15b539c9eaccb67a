//! The shell: asks the core for the next step, does it, and asks again.

mod budget;
mod eyes;
mod hands;

pub use budget::Budget;

use std::{collections::BTreeMap, time::Duration};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use self::{eyes::Eyes, hands::Values};
use super::{
    Address, Allowance, BlockReason, Case, Clock, Dice, Entry, Event, History, Journal, JournalFault, Limits, Marker,
    Moment, Planned, Policy, Rest, Rotation, RotationId, Sight, Step, TokenEndpoint, Why, identity::beside, next,
};
use crate::{
    management::{Management, Overlap},
    probe::isolation::Isolated,
    secret::Fingerprints,
    store::Store,
};

/// A run of credwatch that advances rotations.
pub struct Engine<'a> {
    pub journal: &'a dyn Journal,
    pub clock: &'a dyn Clock,
    pub dice: &'a dyn Dice,
    pub fingerprints: Fingerprints<'a>,
    pub limits: Limits,
    pub budget: Budget,
    /// The run's id.
    pub run: &'a str,
    /// Of the lock this run holds.
    pub epoch: u64,
    /// No step begins later than this, measured from the engine's beginning.
    pub deadline: Duration,
    pub cancel: CancellationToken,
    /// One removal at a time: each is verified before the next is sent.
    pub retiring: Mutex<()>,
}

/// One credential that opted in, and everything it is made of.
pub struct Target<'a> {
    /// Names the credential at its provider, whatever the inventory calls it.
    pub identity: String,
    /// Credentials of one app are served one after another.
    pub group: String,
    /// What throttles and fails together.
    pub tenant: String,
    pub policy: Policy,
    pub management: &'a dyn Management,
    pub endpoint: &'a dyn TokenEndpoint,
    /// By the addresses of the policy's places; a person has none.
    pub stores: &'a [(Address, Box<dyn Store>)],
    /// A person asked for it now.
    pub early: bool,
}

/// How far a run came with one credential.
#[derive(Debug)]
pub struct Outcome {
    pub rest: Rest,
    /// The journal as it stands now.
    pub history: History,
    /// Effects were sent in this run.
    pub acted: bool,
}

/// What a run would do.
#[derive(Debug)]
pub enum Foresight {
    /// A rotation would begin.
    Begins(Box<Planned>),
    /// A rotation that is under way would go on with this.
    GoesOn {
        rotation: Box<Rotation>,
        next: Box<Step>,
    },
    Rests(Rest),
}

/// From here on a difference between this machine's clock and a provider's is worth a word, seconds.
const SKEW_TOLD: i64 = 60;

/// More steps than any run needs: a fault of ours must not become a hot loop.
const STEPS: usize = 20_000;

/// What the loop carries from step to step.
struct Progress<'e> {
    sight: Sight,
    values: Values,
    fresh: RotationId,
    dice: f64,
    wall: chrono::DateTime<chrono::Utc>,
    begun: Duration,
    last: Duration,
    acted: bool,
    turn: Option<MutexGuard<'e, ()>>,
    /// Credentials of one app take turns: these stay as they are meanwhile.
    beside: Vec<Marker>,
}

impl<'a> Engine<'a> {
    /// Advances every credential as far as this run can; apps wait side by side. Gaps first, then what is unfinished, oldest first.
    pub async fn advance_all(&self, targets: &[Target<'_>]) -> Vec<Outcome> {
        let mut groups: BTreeMap<(u8, u64, &str), Vec<usize>> = BTreeMap::new();
        let mut urgency: BTreeMap<&str, (u8, u64)> = BTreeMap::new();
        for target in targets {
            let rank = self.urgency(target);
            let known = urgency.entry(target.group.as_str()).or_insert(rank);
            *known = rank.min(*known);
        }
        for (index, target) in targets.iter().enumerate() {
            let (kind, age) = urgency.get(target.group.as_str()).copied().unwrap_or((2, 0));
            groups.entry((kind, age, target.group.as_str())).or_default().push(index);
        }
        let mut running = FuturesUnordered::new();
        for members in groups.into_values() {
            running.push(async move {
                let mut outcomes = Vec::with_capacity(members.len());
                for index in members {
                    if let Some(target) = targets.get(index) {
                        // A defect that shows with one app is that app's alone (I12).
                        let outcome = match Isolated::new(self.advance(target)).await {
                            Ok(outcome) => outcome,
                            Err(place) => self.outcome(target, &self.progress(target), why(Why::Internal(place))),
                        };
                        outcomes.push((index, outcome));
                    }
                }
                outcomes
            });
        }
        let mut done = Vec::with_capacity(targets.len());
        while let Some(outcomes) = running.next().await {
            done.extend(outcomes);
        }
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn urgency(&self, target: &Target<'_>) -> (u8, u64) {
        let records = self.journal.of(&target.identity).unwrap_or_default();
        match History::replay(&records).unwrap_or_default().open() {
            None => (2, 0),
            Some(open) => {
                let age = u64::try_from(open.begun_at.timestamp()).unwrap_or_default();
                (u8::from(target.policy.capabilities.overlap == Overlap::Full), age)
            }
        }
    }

    /// Advances one credential as far as this run can.
    pub async fn advance(&self, target: &Target<'_>) -> Outcome {
        let mut progress = self.progress(target);
        for _ in 0..STEPS {
            if self.cancel.is_cancelled() {
                return self.outcome(target, &progress, why(Why::Interrupted));
            }
            let now = self.now(&mut progress);
            if now.elapsed.saturating_sub(progress.begun) > self.deadline {
                return self.outcome(target, &progress, why(Why::Interrupted));
            }
            let step = match self.decide(target, &progress, now, self.budget.allowance(target)) {
                Ok(step) => step,
                Err(rest) => return self.outcome(target, &progress, rest),
            };
            if let Err(rest) = self.perform(target, &mut progress, step).await {
                return self.outcome(target, &progress, rest);
            }
        }
        let rest = why(Why::NextRun("this run took more steps than it should".to_owned()));
        self.outcome(target, &progress, rest)
    }

    /// What [`Self::advance`] would do first that changes anything. Looks only, and waits as a run does: what is refused twice
    /// and then done is no refusal.
    pub async fn foresee(&self, target: &Target<'_>) -> Foresight {
        let mut progress = self.progress(target);
        for _ in 0..STEPS {
            let now = self.now(&mut progress);
            if self.cancel.is_cancelled() || now.elapsed.saturating_sub(progress.begun) > self.deadline {
                return Foresight::Rests(why(Why::Interrupted));
            }
            let step = match self.decide(target, &progress, now, Allowance::everything(target.early)) {
                Ok(step) => step,
                Err(rest) => return Foresight::Rests(rest),
            };
            match step {
                Step::Look(look) => {
                    let Progress { sight, values, .. } = &mut progress;
                    self.eyes(target).look(look, sight, values, now).await;
                }
                Step::Wait(pause) => self.pause(pause).await,
                // Nothing that anybody would miss.
                Step::Tidy(store) => progress.sight.tidied.push(store),
                Step::Rest(rest) => return Foresight::Rests(rest),
                Step::Record { event: Event::Planned(plan), .. } => return Foresight::Begins(plan),
                step => {
                    let records = self.journal.of(&target.identity).unwrap_or_default();
                    let history = History::replay(&records).unwrap_or_default();
                    return match history.open() {
                        Some(open) => Foresight::GoesOn { rotation: Box::new(open.clone()), next: Box::new(step) },
                        None => Foresight::Rests(why(Why::NextRun(
                            "the stores of the last rotation are looked after".to_owned(),
                        ))),
                    };
                }
            }
        }
        Foresight::Rests(why(Why::NextRun("it could not be foreseen".to_owned())))
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = self.clock.sleep(pause) => {}
            () = self.cancel.cancelled() => {}
        }
    }

    fn progress<'e>(&'e self, target: &Target<'_>) -> Progress<'e> {
        let wall = self.clock.wall();
        let roll = self.dice.roll();
        let unix_ms = u64::try_from(wall.timestamp_millis()).unwrap_or_default();
        let begun = self.clock.elapsed();
        Progress {
            sight: Sight::default(),
            values: Values::default(),
            fresh: RotationId::new(unix_ms, roll),
            dice: f64::from(u16::try_from(roll & 0xffff).unwrap_or_default()) / 65_536.0,
            wall,
            begun,
            last: begun,
            acted: false,
            turn: None,
            beside: beside(self.journal, &target.identity),
        }
    }

    /// Strictly later than before: what was seen before an effect never looks as if it was seen after it.
    fn now(&self, progress: &mut Progress<'_>) -> Moment {
        let elapsed = self.clock.elapsed().max(progress.last + Duration::from_nanos(1));
        progress.last = elapsed;
        let wall = self.clock.wall();
        let passed = i64::try_from((elapsed - progress.begun).as_secs()).unwrap_or(i64::MAX);
        let stepped = (wall - progress.wall).num_seconds().saturating_sub(passed);
        Moment { wall, elapsed, stepped }
    }

    fn decide(
        &self,
        target: &Target<'_>,
        progress: &Progress<'_>,
        now: Moment,
        allow: Allowance,
    ) -> Result<Step, Rest> {
        let corrupt = |text: String| why(Why::Blocked { reason: BlockReason::StateCorrupt, why: text });
        let records = self.journal.of(&target.identity).map_err(|fault| match fault {
            JournalFault::Corrupt { .. } => corrupt(fault.to_string()),
            JournalFault::Stale | JournalFault::Io(_) => why(Why::Journal(fault.to_string())),
        })?;
        let mut history = History::replay(&records).map_err(|fault| corrupt(fault.to_string()))?;
        history.beside.clone_from(&progress.beside);
        let installation = self.journal.installation();
        Ok(next(&Case {
            history: &history,
            sight: &progress.sight,
            policy: &target.policy,
            limits: &self.limits,
            allow,
            now,
            run: self.run,
            installation: &installation,
            fresh: progress.fresh,
            dice: progress.dice,
        }))
    }

    const fn eyes<'t>(&'t self, target: &'t Target<'t>) -> Eyes<'t> {
        Eyes { clock: self.clock, fingerprints: self.fingerprints, target }
    }

    fn append(
        &self,
        target: &Target<'_>,
        progress: &Progress<'_>,
        rotation: RotationId,
        event: &Event,
    ) -> Result<(), Rest> {
        let entry = Entry {
            identity: &target.identity,
            rotation,
            epoch: Some(self.epoch),
            at: self.clock.wall(),
            provider_date: progress.sight.provider_date(),
            event,
        };
        fault_point!("record.{}.before", crate::fault_points::kind(event));
        self.journal.append(entry).map_err(|fault| why(Why::Journal(fault.to_string())))?;
        fault_point!("record.{}.after", crate::fault_points::kind(event));
        Ok(())
    }

    fn outcome(&self, target: &Target<'_>, progress: &Progress<'_>, rest: Rest) -> Outcome {
        if let Some(seconds) = progress.sight.skew().filter(|seconds| seconds.abs() > SKEW_TOLD) {
            tracing::warn!(app = %target.policy.app, seconds, "this machine's clock and the provider's differ");
        }
        let replayed = || History::replay(&self.journal.of(&target.identity).unwrap_or_default()).unwrap_or_default();
        let mut history = replayed();
        if let Some(event) = standing(&rest.why, &history, &progress.sight) {
            let rotation = history.newest().map_or(progress.fresh, |rotation| rotation.id);
            // What cannot be noted is found again by the next run.
            if self.append(target, progress, rotation, &event).is_ok() {
                history = replayed();
            }
        }
        Outcome { rest, history, acted: progress.acted }
    }
}

/// What a run that goes no further leaves for those that only read the journal.
fn standing(why: &Why, history: &History, sight: &Sight) -> Option<Event> {
    let known = history.behind.as_ref().map(|(why, _)| why);
    match why {
        Why::Blocked { reason: BlockReason::StateBehind, why } if history.blocked().is_none() && known != Some(why) => {
            Some(Event::Behind { why: why.clone() })
        }
        why if why.is_calm() && sight.list().is_some() && known.is_some() => Some(Event::CaughtUp {}),
        _ => None,
    }
}

fn why(why: Why) -> Rest {
    Rest { why, until: None }
}
