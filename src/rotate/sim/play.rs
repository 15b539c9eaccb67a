//! Plays a scenario: nights come, runs advance the rotations, and when nothing goes wrong any more everything has to come to an end.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::{
    coverage::Coverage,
    engine,
    fault::{Op, What},
    line::Line,
    observer::Notes,
    person::open_rotation,
    sabotage::Sabotage,
    scenario::Scenario,
    world::{BEGIN, DAY, HOUR, MINUTE, Ms, Process, Shared, Violation, World},
};
use crate::rotate::{Event, Record, Why};

/// What came of a scenario.
#[derive(Debug, Default)]
pub struct Story {
    pub violations: Vec<Violation>,
    pub coverage: Coverage,
    pub fired: Vec<(Op, What)>,
    pub unfit: bool,
    pub trace: Vec<String>,
    /// The last record of each app.
    pub lasts: Vec<Option<Record>>,
    pub records: Vec<Vec<Record>>,
    /// Why each run left each app.
    pub left: Vec<(usize, Why)>,
}

impl Story {
    #[must_use]
    pub fn violates(&self, id: &str) -> bool {
        self.violations.iter().any(|violation| violation.id == id)
    }
}

/// Ends with why each app was left.
type Run = Pin<Box<dyn Future<Output = Vec<(usize, Why)>>>>;

/// A run of the program, as its executor sees it.
struct Task {
    process: usize,
    future: Run,
    woken: Arc<Flag>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Longest story.
const LONGEST: Ms = 90 * DAY;
/// Steps of the world without a night in between: beyond it something spins.
const STEPS: u32 = 200_000;

#[must_use]
pub fn play(scenario: &Scenario, sabotage: Option<Sabotage>, trace: bool) -> Story {
    let mut world = scenario.world();
    world.trace = trace.then(Vec::new);
    let world = Shared::new(world);
    let mut tasks: Vec<Task> = Vec::new();
    let mut night = BEGIN + HOUR;
    let patience = scenario.patience();
    let mut calm = 0;
    let mut steps = 0;
    loop {
        for host in world.with(|world| std::mem::take(&mut world.wanted)) {
            tasks.extend(begin(&world, scenario, sabotage, host, false));
        }
        poll(&world, &mut tasks);
        if world.with(|world| !world.violations.is_empty()) {
            break;
        }
        if tasks.iter().any(|task| is_ready(&world, task)) {
            continue;
        }
        steps += 1;
        if steps > STEPS {
            world.with(|world| world.violate("I10", "a run does not come to an end"));
            break;
        }
        if world.with(|world| world.step(night)) {
            continue;
        }
        // Night falls.
        steps = 0;
        if tasks.is_empty() && world.with(|world| is_settled(world)) {
            calm += 1;
        } else {
            calm = 0;
        }
        let (now, disturbed) = world.with(|world| (world.now, world.disturbed_at));
        if (calm > 2 && now > disturbed + DAY) || now > disturbed.max(BEGIN) + patience || now > BEGIN + LONGEST {
            break;
        }
        if scenario.dry_runs {
            tasks.extend(begin(&world, scenario, sabotage, 0, true));
        }
        tasks.extend(begin(&world, scenario, sabotage, 0, false));
        let late = world.with(|world| world.rng.below(HOUR));
        night = night - night % DAY + DAY + late;
    }
    drop(tasks);
    finish(&world, scenario)
}

fn finish(world: &Shared, scenario: &Scenario) -> Story {
    world.with(|world| {
        if world.violations.is_empty() {
            super::verdict::judge(world, scenario);
        }
        let fired = std::mem::take(&mut world.faults.fired);
        for (op, what) in &fired {
            world.coverage.fired(*op, *what);
        }
        world.coverage.calls += u64::from(world.faults.calls());
        let records: Vec<Vec<Record>> = (0..world.apps.len()).map(|app| world.records(app)).collect();
        Story {
            violations: std::mem::take(&mut world.violations),
            fired,
            unfit: world.faults.unfit,
            trace: world.trace.take().unwrap_or_default(),
            lasts: records.iter().map(|records| records.last().cloned()).collect(),
            records,
            left: std::mem::take(&mut world.left),
            coverage: std::mem::take(&mut world.coverage),
        }
    })
}

/// Every rotation that began is over or waits for a person.
fn is_settled(world: &World) -> bool {
    (0..world.apps.len()).all(|app| {
        let records = world.records(app);
        !records.is_empty()
            && (open_rotation(&records).is_none() || is_blocked(&records))
            && world.leftovers(app).is_empty()
    })
}

#[must_use]
pub fn is_blocked(records: &[Record]) -> bool {
    let last =
        records.iter().rev().find(|record| matches!(record.event, Event::Blocked { .. } | Event::Resolved { .. }));
    last.is_some_and(|record| matches!(record.event, Event::Blocked { .. }))
}

fn is_ready(world: &Shared, task: &Task) -> bool {
    task.woken.0.load(Ordering::Relaxed)
        && world.with(|world| {
            world.processes.get(task.process).is_none_or(|process| process.is_dead || process.paused_until <= world.now)
        })
}

fn poll(world: &Shared, tasks: &mut Vec<Task>) {
    let mut index = 0;
    while let Some(task) = tasks.get_mut(index) {
        if !is_ready(world, task) {
            index += 1;
            continue;
        }
        task.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(task.woken.clone());
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        let process = task.process;
        let is_dead = world.with(|world| world.processes.get(process).is_none_or(|process| process.is_dead));
        if is_dead {
            drop(tasks.remove(index));
        } else if let Poll::Ready(rests) = polled {
            drop(tasks.remove(index));
            world.with(|world| over(world, process, &rests));
        } else {
            index += 1;
        }
    }
}

fn over(world: &mut World, process: usize, rests: &[(usize, Why)]) {
    if let Some(process) = world.processes.get_mut(process) {
        process.is_over = true;
    }
    for (app, why) in rests {
        world.note(|| format!("process {process} leaves app {app}: {why:?}"));
        if world.rests.len() <= *app {
            world.rests.resize(app + 1, None);
        }
        if let Some(rest) = world.rests.get_mut(*app) {
            *rest = Some(why.clone());
        }
        world.leaves(*app, why);
        world.left.push((*app, why.clone()));
        let text = format!("{why:?}");
        world.leaks("an outcome", &text);
        if let Why::NextRun(text) = why
            && text.contains("more steps than it should")
        {
            world.violate("I10", "a run goes round in circles");
        }
    }
}

/// Starts a run; `None`: another one holds the lock.
fn begin(world: &Shared, scenario: &Scenario, sabotage: Option<Sabotage>, host: usize, is_dry: bool) -> Option<Task> {
    let process = world.with(|world| {
        let process = world.processes.len();
        world.processes.push(Process {
            host,
            epoch: 0,
            started: world.now,
            is_dead: false,
            is_over: false,
            paused_until: 0,
            is_dry,
            notes: vec![Notes::default(); world.apps.len()],
        });
        let epoch = if is_dry { Some(world.disk.epoch) } else { world.acquire(process) };
        let Some(epoch) = epoch else {
            *world.coverage.happened.entry("a run finds another one working").or_default() += 1;
            if let Some(process) = world.processes.last_mut() {
                process.is_over = true;
            }
            return None;
        };
        if let Some(process) = world.processes.last_mut() {
            process.epoch = epoch;
        }
        world.coverage.runs += 1;
        world.note(|| format!("process {process} begins on host {host}, epoch {epoch}, dry {is_dry}"));
        Some(process)
    })?;
    let line = Line { world: world.clone(), process };
    let future = Box::pin(engine::run(line, scenario.clone(), sabotage, is_dry));
    Some(Task { process, future, woken: Arc::new(Flag(AtomicBool::new(true))) })
}

/// A run's own deadline.
pub const DEADLINE: Ms = 120 * MINUTE;
