//! What models of these rules have found, each as a story of its own.

use super::{
    super::{
        fault::{At, Fault, Op, What},
        happening::{Happening, Which},
        play::{is_blocked, play},
        provider::{Kind, Lags},
        random,
        scenario::{AppSpec, Scenario},
        store::Sort,
        world::{DAY, HOUR, MINUTE, SECOND},
    },
    stories::*,
};
use crate::rotate::{BlockReason, Event, Writing};

#[test]
fn a_state_restored_from_before_the_delivery_removes_nothing_that_is_in_use() {
    for age in [HOUR, DAY, 2 * DAY] {
        for stores in [&[Sort::Cas][..], &[Sort::Plain, Sort::File]] {
            story(&Scenario::new(vec![spec(stores)]).when(DAY + 3 * MINUTE, Happening::Restored { age }));
        }
    }
    // Only what followed `Created` is forgotten.
    for after in 170..260 {
        let restored = Happening::Restored { age: (after - 100) * SECOND };
        let scenario = Scenario::new(vec![spec(&[Sort::Cas])]).when(NIGHT + after * SECOND, restored);
        story(&scenario);
    }
}

#[test]
fn a_primary_reverted_before_its_acknowledgement_is_not_acknowledged() {
    for second in 190..215 {
        let reverted = Happening::Reverted { app: 0, store: 0, times: 3, every: SECOND };
        story(&Scenario::new(vec![spec(&[Sort::Cas, Sort::Cas])]).when(NIGHT + second * SECOND, reverted));
    }
}

#[test]
fn a_duplicate_that_is_applied_late_does_not_take_the_delivered_one_away() {
    for later in [SECOND, MINUTE, HOUR, 30 * HOUR] {
        done(&Scenario::new(vec![spec(&[Sort::Cas, Sort::File])]).with(&[at(Op::Create, 0, What::Twice(later))]));
    }
}

#[test]
fn a_store_write_that_lands_after_the_crash_finds_its_credential_alive() {
    for sort in [Sort::Cas, Sort::Plain] {
        for later in [SECOND, MINUTE, HOUR, 23 * HOUR] {
            done(&Scenario::new(vec![spec(&[sort, Sort::Cas])]).with(&[at(Op::Write, 0, What::KillLate(later))]));
        }
    }
}

#[test]
fn a_rotation_whose_gate_never_opens_is_closed() {
    let held = AppSpec { without_usage: false, ..spec(&[Sort::Cas]) };
    let story = story(&Scenario::new(vec![held]));
    assert!(story.records[0].iter().any(|record| matches!(record.event, Event::Closed { kept: Some(_), .. })));
}

#[test]
fn a_version_that_a_neighbour_moves_each_day_does_not_hold_the_grace_up() {
    let mut scenario = Scenario::new(vec![spec(&[Sort::Cas])]);
    for day in 0..6 {
        scenario = scenario.when(DAY / 2 + day * DAY, Happening::Bumped { app: 0, store: 0 });
    }
    let story = done(&scenario);
    let starts = story.records[0].iter().filter(|record| matches!(record.event, Event::GraceStarted { .. })).count();
    assert_eq!(starts, 1);
}

#[test]
fn a_roll_back_onto_a_predecessor_that_soon_ends_goes_forward() {
    let short = AppSpec { ends_in: 12 * DAY, ..spec(&[Sort::Cas]) };
    done(&Scenario::new(vec![short]).when(DAY / 2, Happening::Abort { app: 0 }));
}

#[test]
fn a_roll_back_whose_predecessor_comes_near_its_end_meanwhile_is_over() {
    let short = AppSpec { ends_in: 24 * DAY, grace: 7 * DAY, ..spec(&[Sort::Cas]) };
    let story = story(&Scenario::new(vec![short]).when(DAY / 2, Happening::Abort { app: 0 }));
    assert!(story.records[0].iter().any(|record| matches!(record.event, Event::RolledBack { .. })));
}

#[test]
fn our_own_nightly_sign_ins_are_not_taken_for_the_consumers() {
    let spec = AppSpec { person: None, tells_usage: true, ..spec(&[Sort::Cas, Sort::Person]) };
    let story = story(&Scenario::new(vec![spec]).when(DAY / 2, Happening::Reveals { app: 0, store: 1 }));
    assert_eq!(blocked_for(&story), Some(BlockReason::HandoverOverdue));
}

#[test]
fn a_value_revealed_while_a_roll_back_begins_turns_it_forward() {
    let spec = AppSpec { person: None, ..spec(&[Sort::Cas, Sort::Person]) };
    let scenario = Scenario::new(vec![spec])
        .when(DAY / 2, Happening::Reveals { app: 0, store: 1 })
        .when(DAY / 2 + MINUTE, Happening::Abort { app: 0 });
    let story = story(&scenario);
    assert!(story.records[0].iter().any(|record| matches!(record.event, Event::RollingForward { .. })));
}

#[test]
fn a_successor_that_goes_missing_after_the_end_is_told_once() {
    for days in 9..14 {
        let back = Happening::Reverted { app: 0, store: 1, times: 1, every: DAY };
        let removed = Happening::StrangerRemoves { app: 0, which: Which::Successor };
        let scenario = Scenario::new(vec![spec(&[Sort::Cas, Sort::Cas])]);
        let story = play(&scenario.when(days * DAY, back).when(days * DAY, removed), None, true);
        let blocked = story.records.iter().flatten().filter(|one| matches!(one.event, Event::Blocked { .. }));
        assert!(blocked.count() <= 1, "{}", story.trace.join("\n"));
    }
}

#[test]
fn a_successor_removed_in_the_grace_gives_every_store_the_old_value_back_in_one_run() {
    for sort in [Sort::Cas, Sort::File, Sort::Plain] {
        let removed = Happening::StrangerRemoves { app: 0, which: Which::Successor };
        let scenario = Scenario::new(vec![spec(&[sort, sort, sort])]).when(DAY + DAY / 2, removed);
        let story = play(&scenario, None, true);
        let restores = story.records.iter().flatten().filter_map(|record| match &record.event {
            Event::StoreIntent { what: Writing::Restore, .. } => Some(record.epoch),
            _ => None,
        });
        let epochs: Vec<_> = restores.collect();
        assert_eq!(epochs.len(), 3, "{}", story.trace.join("\n"));
        assert!(epochs.windows(2).all(|two| two[0] == two[1]), "{epochs:?}");
    }
}

#[test]
fn a_read_back_of_the_predecessor_is_no_refusal_while_the_write_is_under_way() {
    for sort in [Sort::Cas, Sort::Plain] {
        for later in [31 * SECOND, MINUTE, HOUR] {
            done(&Scenario::new(vec![spec(&[sort, Sort::Cas])]).with(&[at(Op::Write, 0, What::LateApply(later))]));
        }
    }
}

#[test]
fn a_fence_that_spent_no_version_fences_nothing() {
    let lazy = AppSpec { lazy: true, ..spec(&[Sort::Cas]) };
    let scenario = Scenario::new(vec![lazy]).with(&[at(Op::Write, 0, What::KillLate(30 * HOUR))]);
    // Safe whatever happens; that the store never fences is the adapter's to mend.
    let story = play(&scenario, None, true);
    assert!(story.violations.iter().all(|found| found.id == "I10"), "{:?}", story.violations);
}

#[test]
fn a_credential_deleted_in_between_is_not_delivered_to_the_next_store() {
    for second in 190..230 {
        let removed = Happening::StrangerRemoves { app: 0, which: Which::Successor };
        let scenario = Scenario::new(vec![spec(&[Sort::Cas, Sort::Cas, Sort::File])]);
        story(&scenario.when(NIGHT + second * SECOND, removed));
    }
}

#[test]
fn an_orphan_is_removed_although_the_stores_have_moved_on() {
    let orphan = [at(Op::Create, 0, What::LateApply(HOUR)), at(Op::Remove, 0, What::Error)];
    done(&Scenario::new(vec![spec(&[Sort::Cas])]).with(&orphan));
}

#[test]
fn failures_night_after_night_do_not_use_the_attempts_up() {
    let faults: Vec<_> = (0..5).map(|nth| at(Op::Create, nth, What::Unanswered)).collect();
    done(&Scenario::new(vec![spec(&[Sort::Cas])]).with(&faults));
}

#[test]
fn a_crash_after_a_drift_rewrite_does_not_keep_the_old_grace() {
    for nth in 1..4 {
        for what in [What::KillBefore, What::KillAfter, What::LostReply] {
            let spec = AppSpec { grace: 3 * DAY, ..spec(&[Sort::Cas, Sort::Cas]) };
            let reverted = Happening::Reverted { app: 0, store: 1, times: 1, every: DAY };
            let fault = at(Op::Write, nth, what);
            done(&Scenario::new(vec![spec]).with(&[fault]).when(2 * DAY + DAY / 2, reverted));
        }
    }
}

#[test]
fn a_store_that_is_reverted_again_and_again_is_a_persons_matter() {
    let reverted = Happening::Reverted { app: 0, store: 0, times: 20, every: DAY };
    let story = story(&Scenario::new(vec![spec(&[Sort::Cas, Sort::Cas])]).when(DAY / 2, reverted));
    assert_eq!(blocked_for(&story), Some(BlockReason::StoreFight));
    assert!(is_blocked(&story.records[0]));
}

#[test]
fn a_create_that_a_proxy_repeats_is_delivered_anew_where_there_are_no_ids() {
    for kind in [Kind::Grace, Kind::Gap] {
        for later in [SECOND, HOUR, 30 * HOUR] {
            let spec = AppSpec { kind, ..spec(&[Sort::Cas, Sort::File]) };
            done(&Scenario::new(vec![spec]).with(&[at(Op::Create, 0, What::Twice(later))]));
        }
    }
}

#[test]
fn an_abort_leaves_the_new_one_standing_while_a_store_that_cannot_be_read_may_have_it() {
    let story = story(&Scenario::new(vec![spec(&[Sort::File, Sort::Blind])]).when(DAY, Happening::Abort { app: 0 }));
    assert!(story.records[0].iter().any(|record| matches!(record.event, Event::RolledBack { kept: Some(_), .. })));
}

#[test]
fn what_comes_true_late_and_carries_no_mark_is_a_persons_to_name() {
    let spec = AppSpec { kind: Kind::ByValue(false), limit: Some(2), ..spec(&[Sort::Cas]) };
    let late = Scenario::new(vec![spec]).with(&[at(Op::Create, 0, What::LateApply(HOUR))]);
    assert_eq!(blocked_for(&story(&late)), Some(BlockReason::OrphanUnidentified));
}

#[test]
fn a_store_with_a_strangers_value_is_mended_with_what_the_provider_shows() {
    let spec = AppSpec { kind: Kind::Grace, period: 0, ..spec(&[Sort::File]) };
    let killed = at(Op::Create, 1, What::KillBefore);
    story(&Scenario::new(vec![spec]).with(&[killed]).when(6 * DAY + HOUR, Happening::Overwritten { app: 0, store: 0 }));
}

#[test]
fn stories_that_once_were_red_are_survived() {
    let seeds =
        [10_969, 11_727, 13_423, 13_923, 14_259, 27_354, 34_702, 34_894, 36_734, 38_288, 40_474, 45_497, 48_572];
    for seed in seeds {
        let story = play(&random::scenario(seed), None, true);
        assert!(story.violations.is_empty(), "seed {seed}: {:?}\n{}", story.violations, story.trace.join("\n"));
    }
}

#[test]
fn an_abort_leaves_a_store_alone_that_was_empty_and_got_nothing() {
    let spec = AppSpec { empty: vec![1], ..spec(&[Sort::File, Sort::Cas]) };
    let killed = Fault { at: At::Append("store-written", 0), what: What::KillAfter };
    let story = story(&Scenario::new(vec![spec]).with(&[killed]).when(DAY / 2, Happening::Abort { app: 0 }));
    assert!(story.records[0].iter().any(|record| matches!(record.event, Event::RolledBack { .. })));
}

#[test]
fn a_rotation_that_began_under_a_clock_far_ahead_still_ends() {
    for date_missing in [false, true] {
        let spec = AppSpec { date_missing, ..spec(&[Sort::Plain]) };
        let by = 10 * 365 * 24 * 3_600_000;
        let jumped = story(&Scenario::new(vec![spec]).when(DAY / 2, Happening::Clock { host: 0, by, lasts: DAY }));
        assert!(date_missing || is_done(&jumped), "{}", jumped.trace.join("\n"));
        let ahead = AppSpec { date_missing, ..self::spec(&[Sort::Cas]) };
        story(&Scenario::new(vec![ahead]).when(0, Happening::Clock { host: 0, by, lasts: DAY }));
    }
}

#[test]
fn a_machine_asleep_in_the_middle_of_a_token_request_proves_nothing_by_it() {
    for nth in 1..8 {
        let lags = Lags { create: 4 * MINUTE, ..Lags::default() };
        let spec = AppSpec { lags, ..spec(&[Sort::Cas]) };
        done(&Scenario::new(vec![spec]).with(&[at(Op::Try, nth, What::Pause(20 * MINUTE))]));
    }
}

#[test]
fn a_holder_that_slept_past_its_lease_does_nothing_more() {
    for (op, nth) in [(Op::List, 1), (Op::Create, 0), (Op::Try, 3), (Op::Write, 0), (Op::Read, 3), (Op::Remove, 0)] {
        let spec = spec(&[Sort::Cas, Sort::Plain]);
        let second = Happening::Run { host: 1 };
        let scenario = Scenario::new(vec![spec]).with(&[at(op, nth, What::Pause(2 * HOUR))]);
        story(&scenario.when(NIGHT + 30 * MINUTE, second.clone()).when(4 * DAY + 2 * HOUR, second));
    }
}

#[test]
fn an_attempt_that_comes_to_nothing_is_taken_back_by_the_run_that_made_it() {
    let refusals: Vec<_> = (0..3).map(|nth| at(Op::Write, nth, What::Error)).collect();
    let refused = story(&Scenario::new(vec![spec(&[Sort::File, Sort::File])]).with(&refusals));
    let never_live = AppSpec { lags: Lags { create: DAY, ..Lags::default() }, ..spec(&[Sort::File]) };
    // It ends in BLOCKED, as it should.
    let never_live = play(&Scenario::new(vec![never_live]), None, true);
    for story in [refused, never_live] {
        let first = |is: fn(&Event) -> bool| story.records[0].iter().find(|record| is(&record.event)).unwrap().at;
        let sent = first(|event| matches!(event, Event::RemoveIntent { .. }));
        let closed = first(|event| matches!(event, Event::AttemptClosed { .. }));
        assert!((closed - sent).num_minutes() < 5, "{}", story.trace.join("\n"));
    }
}
