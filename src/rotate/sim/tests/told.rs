//! What shows late, what comes to nothing, and what every run has to say.

use super::{
    super::{
        fault::{Op, What},
        happening::{Happening, Which},
        play::Story,
        provider::{Date, Kind},
        scenario::{AppSpec, Scenario},
        store::Sort,
        world::{BEGIN, DAY, HOUR, utc},
    },
    stories::*,
};
use crate::rotate::{BlockReason, End, Event, History, Known, Why};

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
    let gone = story.records[0].iter().rfind(|record| matches!(record.event, Event::OrphanRemoved { .. })).unwrap();
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
fn a_run_that_waits_for_what_an_earlier_one_lost_does_not_fail() {
    for kind in [Kind::Grace, Kind::Gap] {
        let spec = AppSpec { kind, ..spec(&[Sort::Cas]) };
        let again = Happening::Run { host: 0 };
        let scenario = Scenario::new(vec![spec]).with(&[at(Op::Create, 0, What::Unanswered)]);
        let story = done(&scenario.when(NIGHT + 2 * HOUR, again));
        assert!(matches!(story.left[1], (0, Why::NextRun(_))), "{:?}", story.left);
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
fn an_old_secret_that_only_a_person_can_name_is_told_as_long_as_it_is_there() {
    let nameless = || {
        let spec = AppSpec { declared: false, strangers: 1, ends_in: 29 * DAY, ..spec(&[Sort::Cas]) };
        Scenario::new(vec![spec])
    };
    let is_told = |story: &Story, day: u64| {
        let upto = utc(BEGIN + day * DAY);
        let records: Vec<_> = story.records[0].iter().filter(|record| record.at < upto).cloned().collect();
        Known { history: History::replay(&records).unwrap(), rest: None }.unnamed(upto).is_some()
    };
    let held = story(&nameless());
    assert!(ends_with(&held, |event| matches!(event, Event::Closed { kept: None, .. })), "{}", held.trace.join("\n"));
    let told: Vec<bool> = [2, 5, 12, 20, 24].map(|day| is_told(&held, day)).to_vec();
    assert_eq!(told, [false, true, true, true, true], "{}", held.trace.join("\n"));
    for day in [6, 21] {
        let named = done(&nameless().when(day * DAY, Happening::Named { app: 0 }));
        assert!(is_told(&named, day) && !is_told(&named, day + 3), "{}", named.trace.join("\n"));
        let removes = |which| Happening::StrangerRemoves { app: 0, which };
        let gone = nameless().when(day * DAY, removes(Which::Predecessor)).when(day * DAY, removes(Which::Stranger));
        let gone = story(&gone.when((day + 2) * DAY, Happening::Bumped { app: 0, store: 0 }));
        assert!(is_told(&gone, day) && !is_told(&gone, day + 3), "{}", gone.trace.join("\n"));
        let one = story(&nameless().when(day * DAY, removes(Which::Stranger)));
        assert!(is_told(&one, day + 3), "{}", one.trace.join("\n"));
    }
}

#[test]
fn what_was_kept_and_then_removed_in_the_portal_is_not_told_any_more() {
    let kept = AppSpec { retire: false, ..spec(&[Sort::Cas]) };
    let removed = Happening::StrangerRemoves { app: 0, which: Which::Predecessor };
    let story = story(&Scenario::new(vec![kept]).when(8 * DAY, removed));
    let history = History::replay(&story.records[0]).unwrap();
    assert!(matches!(history.rotations[0].end, Some(End::Closed { kept: Some(_), .. })), "{}", story.trace.join("\n"));
    assert!(history.noteworthy().is_none(), "{}", story.trace.join("\n"));
}

#[test]
fn a_marker_that_nobody_knows_stands_in_the_journal_until_it_is_gone() {
    let idle = || Scenario::new(vec![AppSpec { ends_in: 80 * DAY, ..spec(&[Sort::Cas]) }]);
    let adds = Happening::CopyAdds { app: 0 };
    let behind = |story: &Story| History::replay(&story.records[0]).unwrap().behind.is_some();
    let noted = |story: &Story| story.records[0].iter().filter(|one| matches!(one.event, Event::Behind { .. })).count();
    let stays = story(&idle().when(2 * DAY + 2 * HOUR, adds.clone()));
    assert!(behind(&stays) && noted(&stays) == 1, "{}", stays.trace.join("\n"));
    let removes = Happening::StrangerRemoves { app: 0, which: Which::Stranger };
    let gone = story(&idle().when(2 * DAY + 2 * HOUR, adds).when(4 * DAY + 2 * HOUR, removes));
    assert!(!behind(&gone) && noted(&gone) == 1, "{}", gone.trace.join("\n"));
}

#[test]
fn a_plan_waits_as_the_run_does_that_it_foresees() {
    let throttled: Vec<_> = (0..6).map(|nth| at(Op::List, nth, What::Throttle(Some(60_000)))).collect();
    let scenario = Scenario { dry_runs: true, ..Scenario::new(vec![spec(&[Sort::Cas])]).with(&throttled) };
    let story = story(&scenario);
    let first: Vec<_> = story.left[..2].iter().map(|(_, why)| matches!(why, Why::Provider(_))).collect();
    assert_eq!(first, [true, true], "{:?}", story.left);
}

#[test]
fn a_copy_that_could_not_be_dropped_at_the_end_is_told_and_dropped_by_a_later_run() {
    let failed = at(Op::Tidy, 0, What::Error);
    let later = Happening::Bumped { app: 0, store: 0 };
    let story = done(&Scenario::new(vec![spec(&[Sort::File])]).with(&[failed]).when(8 * DAY, later));
    let records = &story.records[0];
    let place = |is_it: fn(&Event) -> bool| records.iter().position(|record| is_it(&record.event)).unwrap();
    let left = place(|event| matches!(event, Event::CopyLeft { .. }));
    let over = place(|event| matches!(event, Event::Done { .. }));
    let gone = place(|event| matches!(event, Event::CopyGone { .. }));
    assert!(left < over && over < gone, "{}", story.trace.join("\n"));
}
