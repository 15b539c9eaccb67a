//! Kills, one for each installation, and what plain runs make of it.

use std::{
    collections::BTreeSet,
    fs,
    process::ExitStatus,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use crate::home::{Home, ROTATE};

/// Installations at work side by side.
const SIDE_BY_SIDE: usize = 12;
const KILLS_AT_REQUESTS: u64 = 60;
/// Runs that a rotation is given to come to where it is to be killed.
const RUNS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two runs.
const PAUSE: Duration = Duration::from_millis(150);

/// Works all jobs off and tells of those that failed.
fn all<T: Sync>(jobs: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) -> Vec<String> {
    let (next, failed) = (Mutex::new(jobs.iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let Some(job) = next.lock().unwrap().next() else { return };
                    if let Err(why) = work(job) {
                        failed.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(9)
}

/// Runs with the fault until it strikes.
fn kill_at(home: &Home, fault: &str) -> Result<(), String> {
    for _ in 0..RUNS {
        let output = home.start(Some(fault)).wait_with_output().unwrap();
        let killed = was_killed(output.status);
        let ended = home.ended(&output)?;
        if killed {
            return home.check_leaks();
        }
        if ended.said.contains("verifying") {
            break;
        }
        thread::sleep(PAUSE);
    }
    Err("it is never reached".to_owned())
}

/// What has happened before the kill.
type Prelude = fn(&Home) -> Result<(), String>;

const JOURNEYS: [(&str, Prelude); 3] =
    [("plain", |_| Ok(())), ("orphan", |home| kill_at(home, "create.answered")), ("roll-back", call_off)];

/// What the second store of two passes as well, by number within the run.
const SECOND: [&str; 4] =
    ["record.store-intent.after:2", "store.written:2", "record.store-written.after:2", "record.store-acked.after:2"];

fn call_off(home: &Home) -> Result<(), String> {
    kill_at(home, "record.grace-started.after")?;
    let ended = home.ended(&home.command(&["abort", "etl", "--as", "tester"]).output().unwrap())?;
    if ended.code == Some(0) { Ok(()) } else { Err(format!("{ended:?}")) }
}

/// All points passed from there to the end.
fn points(prelude: Prelude) -> BTreeSet<String> {
    let home = Home::new();
    prelude(&home).unwrap();
    let trace = home.path("trace");
    for _ in 0..RUNS {
        let output = home.command(&ROTATE).env("CREDWATCH_FAULT_TRACE", &trace).output().unwrap();
        if home.ended(&output).unwrap().said.contains("verifying") {
            break;
        }
        thread::sleep(PAUSE);
    }
    let trace = fs::read_to_string(trace).unwrap();
    // Whether a run comes before the end of the grace is a matter of milliseconds.
    trace.lines().filter(|point| !point.starts_with("record.gate-held")).map(str::to_owned).collect()
}

#[test]
fn killed_at_every_point_of_a_rotation_it_is_finished_by_plain_runs() {
    let (mut known, mut jobs) = (BTreeSet::new(), Vec::new());
    for (journey, prelude) in JOURNEYS {
        let passed = points(prelude);
        jobs.extend(passed.difference(&known).map(|point| (journey, prelude, point.clone())));
        known.extend(passed);
    }
    let list: Vec<_> = jobs.iter().map(|(journey, _, point)| format!("{journey} {point}")).collect();
    insta::assert_snapshot!(list.join("\n"), @"
    plain create.answered
    plain file.copied
    plain file.filled
    plain file.kept
    plain file.overwritten
    plain file.renamed
    plain record.create-intent.after
    plain record.create-intent.before
    plain record.created.after
    plain record.created.before
    plain record.grace-started.after
    plain record.grace-started.before
    plain record.live.after
    plain record.live.before
    plain record.planned.after
    plain record.planned.before
    plain record.retire-intent.after
    plain record.retire-intent.before
    plain record.retired.after
    plain record.retired.before
    plain record.store-acked.after
    plain record.store-acked.before
    plain record.store-intent.after
    plain record.store-intent.before
    plain record.store-written.after
    plain record.store-written.before
    plain record.stores-good.after
    plain record.stores-good.before
    plain remove.answered
    plain store.written
    orphan record.attempt-closed.after
    orphan record.attempt-closed.before
    orphan record.create-unknown.after
    orphan record.create-unknown.before
    orphan record.remove-intent.after
    orphan record.remove-intent.before
    roll-back record.rolled-back.after
    roll-back record.rolled-back.before
    roll-back store.tidied
    ");
    let (journey, prelude) = JOURNEYS[0];
    jobs.extend(SECOND.map(|point| (journey, prelude, point.to_owned())));
    let failed = all(&jobs, |(journey, prelude, point)| {
        let home = Home::new();
        let result = home.watched(|| {
            prelude(&home)?;
            kill_at(&home, point)?;
            home.finish()
        });
        result.map_err(|why| format!("{journey} {point}: {why}"))
    });
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn killed_at_random_requests_it_is_finished_by_plain_runs() {
    let usual = {
        let home = Home::new();
        home.finish().unwrap();
        home.tenant.requests()
    };
    let seed = std::env::var("CREDWATCH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("CREDWATCH_SEED={seed}");
    let mut rng = Rng(seed);
    let jobs: Vec<(usize, Duration)> =
        (0..KILLS_AT_REQUESTS).map(|_| (1 + rng.below(usual), Duration::from_micros(rng.below(5001) as u64))).collect();
    let failed = all(&jobs, |(request, later)| {
        let home = Home::new();
        let result = home.watched(|| kill_after(&home, *request, *later).and_then(|()| home.finish()));
        result.map_err(|why| format!("request {request} + {later:?} of seed {seed}: {why}"))
    });
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Kills whichever run is at work that much later than the tenant has seen that many requests.
fn kill_after(home: &Home, request: usize, later: Duration) -> Result<(), String> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let mut child = home.start(None);
        while child.try_wait().unwrap().is_none() {
            if home.tenant.await_request(request, Duration::from_millis(20)) {
                thread::sleep(later);
                child.kill().unwrap();
                break;
            }
        }
        let ended = home.ended(&child.wait_with_output().unwrap())?;
        if home.tenant.requests() >= request || ended.said.contains("verifying") {
            return home.check_leaks();
        }
        thread::sleep(PAUSE);
    }
    Err("that many requests never came".to_owned())
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}
