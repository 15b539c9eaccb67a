//! Every planted bug is found, and by what it breaks.

use super::super::{
    fault::{At, Fault, Op, What},
    happening::Happening,
    play::play,
    random,
    sabotage::Sabotage,
    scenario::{AppSpec, Scenario},
    store::Sort,
    world::{DAY, HOUR, MINUTE, SECOND},
};

fn two() -> AppSpec {
    AppSpec { stores: vec![Sort::Cas, Sort::Cas], ..AppSpec::default() }
}

fn one(at: At, what: What) -> Scenario {
    Scenario::new(vec![two()]).with(&[Fault { at, what }])
}

/// A story that shows the bug, and the invariants of which at least one has to break.
fn shows(bug: Sabotage) -> (Scenario, &'static [&'static str]) {
    let calm = Scenario::new(vec![two()]);
    let hour = i64::try_from(HOUR).unwrap();
    match bug {
        Sabotage::CreateRetried => (one(At::Nth(Op::Create, 0), What::LostReply), &["I8"]),
        Sabotage::CreatedAfterDelivery => (calm, &["I8"]),
        Sabotage::NotSynced => (calm, &["I8"]),
        Sabotage::AckOnWrite => (Scenario::new(vec![AppSpec::default()]), &["ack"]),
        Sabotage::RemoveBeforeAck => {
            let spec = AppSpec { stores: vec![Sort::Cas, Sort::Person], person: None, ..AppSpec::default() };
            (Scenario::new(vec![spec]), &["I2", "I14", "I7"])
        }
        Sabotage::AllButNewest => (Scenario::new(vec![AppSpec { strangers: 1, ..two() }]), &["I7", "I8"]),
        Sabotage::LocalClockOnly => {
            let jump = Happening::Clock { host: 0, by: 60 * 24 * hour, lasts: 5 * DAY };
            (Scenario::new(vec![AppSpec { grace: 7 * DAY, ..two() }]).when(DAY + DAY / 2, jump), &["I14"])
        }
        Sabotage::OneSuccess => (calm, &["N15"]),
        Sabotage::LostReplyIgnored => (one(At::Nth(Op::Create, 0), What::LostReply), &["outcome"]),
        Sabotage::UnknownMarkerReaped | Sabotage::UnknownMarkerHidden => {
            (calm.when(DAY / 2, Happening::Restored { age: DAY }), &["I7", "I8", "I15"])
        }
        Sabotage::StaleEpoch => {
            let paused = Fault { at: At::Nth(Op::List, 1), what: What::Pause(HOUR) };
            let second = Happening::Run { host: 1 };
            (calm.with(&[paused]).when(HOUR + 20 * MINUTE, second), &["I4", "I8"])
        }
        Sabotage::Overwrite => (foreign_write(), &["I9"]),
        Sabotage::OldEvidence => (calm, &["I2"]),
        Sabotage::ErrorPrintsRequest => (calm, &["I5"]),
        Sabotage::NotFoundIsGone => {
            let lost = Fault { at: At::Nth(Op::Create, 0), what: What::LostReply };
            let down = Happening::ProviderDown { app: 0, lasts: 20 * MINUTE };
            (calm.with(&[lost]).when(HOUR + 20 * SECOND, down), &["outcome"])
        }
        Sabotage::ValueKept => {
            let slow = Fault { at: At::Nth(Op::Read, 4), what: What::Delay(20 * SECOND) };
            let back = Happening::Reverted { app: 0, store: 0, times: 9, every: 10 * SECOND };
            (
                Scenario::new(vec![AppSpec { stores: vec![Sort::Plain, Sort::Cas], ..two() }])
                    .with(&[slow])
                    .when(HOUR + 60 * SECOND, back),
                &["I3", "ack"],
            )
        }
        Sabotage::DryRunWrites => (Scenario { dry_runs: true, ..calm }, &["I16"]),
        Sabotage::DriftIgnored => (
            calm.when(DAY + DAY / 2, Happening::Reverted { app: 0, store: 1, times: 1, every: DAY }),
            &["I2", "I7", "I1"],
        ),
        Sabotage::AbortLeavesNew => (calm.when(DAY + DAY / 2, Happening::Abort { app: 0 }), &["I2", "I7", "I1", "ack"]),
        Sabotage::NoGrace => (Scenario::new(vec![AppSpec { grace: 7 * DAY, ..two() }]), &["I14"]),
        Sabotage::WriteSwallowed => (calm, &["ack", "I2", "I3"]),
        Sabotage::LeftOutOfReports => (calm, &["I11"]),
        Sabotage::SharedFate => {
            let down = Happening::ProviderDown { app: 0, lasts: 30 * HOUR };
            (Scenario::new(vec![two(), two()]).when(MINUTE, down), &["I12"])
        }
        Sabotage::SharedEndpoint => (Scenario::new(vec![two(), two()]), &["I13"]),
    }
}

/// Somebody writes into a store between our look and our write.
fn foreign_write() -> Scenario {
    let slow = Fault { at: At::Nth(Op::Write, 0), what: What::Delay(25 * SECOND) };
    let mut all = Scenario::new(vec![two()]).with(&[slow]);
    for second in 0..20 {
        all = all.when(HOUR + 200 * SECOND + second * SECOND, Happening::Overwritten { app: 0, store: 0 });
    }
    all
}

#[test]
fn every_planted_bug_is_found_by_its_own_assertion() {
    let mut missed = Vec::new();
    for bug in Sabotage::ALL {
        let (scenario, ids) = shows(bug);
        let story = play(&scenario, Some(bug), true);
        if !ids.iter().any(|id| story.violates(id)) {
            let tail: Vec<_> = story.trace.iter().rev().take(40).rev().cloned().collect();
            missed.push(format!("{bug:?}: {:?}\n{}", story.violations, tail.join("\n")));
        }
    }
    assert!(missed.is_empty(), "{} missed\n{}", missed.len(), missed.join("\n----\n"));
}

#[test]
fn without_a_planted_bug_the_same_stories_are_survived() {
    for bug in Sabotage::ALL {
        let story = play(&shows(bug).0, None, true);
        assert!(story.violations.is_empty(), "{bug:?}: {:?}\n{}", story.violations, story.trace.join("\n"));
    }
}

/// The first of these random stories that a planted bug turns red.
fn reddens(seeds: std::ops::Range<u64>, bug: Sabotage) -> Option<u64> {
    seeds.into_iter().find(|seed| !play(&random::scenario(*seed), Some(bug), false).violations.is_empty())
}

#[test]
fn every_planted_bug_turns_the_random_level_red() {
    let missed: Vec<_> = Sabotage::ALL.into_iter().filter(|bug| reddens(0..400, *bug).is_none()).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
