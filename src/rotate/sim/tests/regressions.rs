//! What models of these rules have found, each as a story of its own.

use super::super::{
    fault::{At, Fault, Op, What},
    happening::{Happening, Which},
    play::{Story, is_blocked, play},
    provider::{Date, Kind, Lags},
    scenario::{AppSpec, Scenario},
    store::Sort,
    world::{BEGIN, DAY, HOUR, MINUTE, SECOND, utc},
};
use crate::rotate::{BlockReason, Event, Record, Why};

/// The first night's run begins here.
const NIGHT: u64 = HOUR;

fn spec(stores: &[Sort]) -> AppSpec {
    AppSpec { stores: stores.to_vec(), ..AppSpec::default() }
}

fn story(scenario: &Scenario) -> Story {
    let story = play(scenario, None, true);
    assert!(story.violations.is_empty(), "{:?}\n{}", story.violations, story.trace.join("\n"));
    story
}

fn is_done(story: &Story) -> bool {
    story.records.iter().all(|records| records.iter().any(|record| matches!(record.event, Event::Done { .. })))
}

fn done(scenario: &Scenario) -> Story {
    let story = story(scenario);
    assert!(is_done(&story), "{}", story.trace.join("\n"));
    story
}

fn blocked_for(story: &Story) -> Option<BlockReason> {
    story.records.iter().flatten().rev().find_map(|record| match record.event {
        Event::Blocked { reason, .. } => Some(reason),
        _ => None,
    })
}

fn at(op: Op, nth: u32, what: What) -> Fault {
    Fault { at: At::Nth(op, nth), what }
}

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

fn ends_with(story: &Story, is_it: fn(&Event) -> bool) -> bool {
    story.records[0].iter().any(|record| is_it(&record.event))
}

const fn is_undone(event: &Event) -> bool {
    matches!(event, Event::RolledBack { kept: None, .. })
}

#[test]
fn an_abort_before_anybody_was_shown_the_value_waits_for_nobody() {
    let spec = AppSpec { person: None, without_usage: false, ..spec(&[Sort::Cas, Sort::Person]) };
    let story = story(&Scenario::new(vec![spec]).when(DAY / 2, Happening::Abort { app: 0 }));
    assert!(ends_with(&story, is_undone), "{}", story.trace.join("\n"));
    let undone = story.records[0].iter().find(|record| is_undone(&record.event)).unwrap().at;
    assert!(undone < utc(BEGIN + 5 * DAY), "{}", story.trace.join("\n"));
}

#[test]
fn an_abort_of_what_a_store_never_got_is_undone_whatever_that_store_holds() {
    let spec = AppSpec { empty: vec![1], ..spec(&[Sort::File, Sort::Cas]) };
    let killed = Fault { at: At::Append("store-written", 0), what: What::KillAfter };
    let story = story(&Scenario::new(vec![spec]).with(&[killed]).when(DAY / 2, Happening::Abort { app: 0 }));
    assert!(ends_with(&story, is_undone), "{}", story.trace.join("\n"));
}

#[test]
fn a_person_says_that_what_cannot_be_read_has_the_old_value_again() {
    let scenario = Scenario::new(vec![AppSpec { person: None, ..spec(&[Sort::File, Sort::Blind]) }])
        .when(DAY, Happening::Abort { app: 0 })
        .when(DAY + HOUR, Happening::RetireAsked { app: 0 })
        .when(2 * DAY, Happening::Reverted { app: 0, store: 1, times: 1, every: DAY })
        .when(2 * DAY + HOUR, Happening::RetireAsked { app: 0 });
    let story = story(&scenario);
    assert!(ends_with(&story, is_undone), "{}", story.trace.join("\n"));
}

#[test]
fn an_abort_that_goes_forward_after_all_takes_nothing_away_unasked() {
    let handed = AppSpec { person: None, tells_usage: true, ..spec(&[Sort::Cas, Sort::Person]) };
    let shown = Scenario::new(vec![handed])
        .when(DAY / 2, Happening::Reveals { app: 0, store: 1 })
        .when(DAY / 2 + MINUTE, Happening::Abort { app: 0 });
    let short = Scenario::new(vec![AppSpec { ends_in: 15 * DAY, ..spec(&[Sort::Cas]) }]);
    let short = short.when(DAY / 2, Happening::Abort { app: 0 });
    for scenario in [shown, short] {
        let story = story(&scenario);
        assert!(ends_with(&story, |event| matches!(event, Event::RollingForward { .. })), "{}", story.trace.join("\n"));
        let retired = |record: &&Record| matches!(record.event, Event::RetireIntent { .. });
        let dead = BEGIN + 16 * DAY;
        assert!(!story.records[0].iter().any(|one| retired(&one) && one.at < utc(dead)), "{}", story.trace.join("\n"));
    }
    let asked = Scenario::new(vec![AppSpec { ends_in: 15 * DAY, ..spec(&[Sort::Cas]) }])
        .when(DAY / 2, Happening::Abort { app: 0 })
        .when(2 * DAY, Happening::RetireAsked { app: 0 });
    let story = done(&asked);
    let last = story.records[0].last().unwrap().at;
    assert!(last < utc(BEGIN + 10 * DAY), "{}", story.trace.join("\n"));
}

#[test]
fn what_a_rotation_kept_at_its_end_goes_when_a_person_asks_for_it() {
    let kept = AppSpec { retire: false, ..spec(&[Sort::Cas, Sort::File]) };
    let story = done(&Scenario::new(vec![kept]).when(6 * DAY, Happening::RetireAsked { app: 0 }));
    assert!(ends_with(&story, |event| matches!(event, Event::Closed { kept: Some(_), .. })), "{:?}", story.left);
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

fn creates(story: &Story) -> Vec<chrono::DateTime<chrono::Utc>> {
    let sent = story.records[0].iter().filter(|record| matches!(record.event, Event::CreateIntent { .. }));
    sent.map(|record| record.at).collect()
}

#[test]
fn a_list_that_stays_stale_past_the_settle_time_leaves_nothing_standing() {
    let late = Happening::Late { app: 0, lists: 20 * HOUR, knows: 0, lasts: 20 * HOUR };
    let again = Happening::Run { host: 0 };
    let story = done(&Scenario::new(vec![spec(&[Sort::Cas])]).when(0, late).when(NIGHT + 2 * HOUR, again));
    assert!(matches!(story.left[0], (0, Why::AttemptFailed(_))), "{:?}", story.left);
    // It is taken back by its id before another one is made.
    let mut standing = 0;
    for record in &story.records[0] {
        match record.event {
            Event::Created { .. } => standing += 1,
            Event::OrphanRemoved { .. } => standing -= 1,
            _ => {}
        }
        assert!(standing <= 1, "{}", story.trace.join("\n"));
    }
}

#[test]
fn no_second_create_is_sent_while_the_first_may_still_appear() {
    let late = Happening::Late { app: 0, lists: 0, knows: 10 * HOUR, lasts: 11 * HOUR };
    let again = |hours: u64| (NIGHT + hours * HOUR, Happening::Run { host: 0 });
    let mut scenario = Scenario::new(vec![spec(&[Sort::Cas])]).when(0, late);
    scenario.happenings.extend([again(1), again(3), again(12)]);
    let story = done(&scenario);
    assert!(matches!(story.left[0], (0, Why::OrphanLeft { .. })), "{:?}", story.left);
    let sent = creates(&story);
    let removed = story.records[0].iter().find(|record| matches!(record.event, Event::OrphanRemoved { .. })).unwrap();
    assert!(sent.len() == 2 && removed.at < sent[1], "{}", story.trace.join("\n"));
    assert!((removed.at - sent[0]).num_hours() >= 10, "{}", story.trace.join("\n"));
}

#[test]
fn one_that_appears_after_its_successor_was_delivered_is_removed_as_soon_as_it_is_listed() {
    // Neither listed nor known for days, which is longer than anything waits.
    let late = Happening::Late { app: 0, lists: 0, knows: 60 * HOUR, lasts: 20 * HOUR };
    let spec = AppSpec { grace: 7 * DAY, ..spec(&[Sort::Cas]) };
    let story = done(&Scenario::new(vec![spec]).when(0, late));
    let gone =
        story.records[0].iter().filter(|record| matches!(record.event, Event::OrphanRemoved { .. })).last().unwrap();
    let retired = story.records[0].iter().find(|record| matches!(record.event, Event::RetireIntent { .. })).unwrap();
    assert!(creates(&story).len() == 2 && gone.at < retired.at, "{}", story.trace.join("\n"));
}

#[test]
fn a_create_without_a_usable_answer_is_a_failure_of_this_run() {
    for kind in [Kind::Labelled, Kind::Grace, Kind::Gap] {
        for what in [What::Unanswered, What::LateApply(2 * HOUR)] {
            let spec = AppSpec { kind, ..spec(&[Sort::Cas]) };
            let story = done(&Scenario::new(vec![spec]).with(&[at(Op::Create, 0, what)]));
            assert!(matches!(story.left[0], (0, Why::AttemptFailed(_))), "{:?}", story.left);
        }
    }
}

#[test]
fn a_marker_that_nobody_knows_is_told_on_a_night_on_which_nothing_is_due() {
    let idle = AppSpec { ends_in: 80 * DAY, ..spec(&[Sort::Cas]) };
    let story = story(&Scenario::new(vec![idle]).when(2 * DAY + 2 * HOUR, Happening::CopyAdds { app: 0 }));
    let behind = |why: &Why| matches!(why, Why::Blocked { reason: BlockReason::StateBehind, .. });
    let told: Vec<bool> = story.left.iter().map(|(_, why)| behind(why)).collect();
    assert_eq!(told[..5], [false, false, false, true, true], "{:?}", story.left);
}

#[test]
fn a_marker_that_nobody_knows_is_told_during_the_grace() {
    let spec = AppSpec { grace: 7 * DAY, ..spec(&[Sort::Cas]) };
    let story = story(&Scenario::new(vec![spec]).when(2 * DAY + 2 * HOUR, Happening::CopyAdds { app: 0 }));
    assert!(matches!(story.left[2], (0, Why::Grace)), "{:?}", story.left);
    assert!(matches!(story.left[3], (0, Why::Blocked { reason: BlockReason::StateBehind, .. })), "{:?}", story.left);
}

#[test]
fn clocks_that_differ_are_told_during_the_grace() {
    let spec = AppSpec { grace: 7 * DAY, ..spec(&[Sort::Cas]) };
    let date = Happening::Date { app: 0, date: Date::Off(600_000), lasts: DAY };
    let story = story(&Scenario::new(vec![spec]).when(2 * DAY + 2 * HOUR, date));
    assert!(matches!(story.left[2], (0, Why::Grace)), "{:?}", story.left);
    assert!(matches!(story.left[3], (0, Why::ClockSkew(_))), "{:?}", story.left);
}

#[test]
fn a_defect_that_shows_with_one_app_is_that_apps_alone() {
    for op in [Op::List, Op::Create, Op::Try, Op::Read, Op::Write] {
        for nth in 0..4 {
            done(&Scenario::new(vec![spec(&[Sort::Cas]), spec(&[Sort::File])]).with(&[at(op, nth, What::Panics)]));
        }
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
