//! What a person calls off, and what goes forward all the same.

use super::{
    super::{
        fault::{At, Fault, What},
        happening::Happening,
        play::Story,
        scenario::{AppSpec, Scenario},
        store::Sort,
        world::{BEGIN, DAY, HOUR, MINUTE, utc},
    },
    stories::*,
};
use crate::rotate::{Event, Record};

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
fn what_was_called_off_begins_again_unasked_only_once_there_would_be_no_way_back() {
    // 25 days are left: 16 of them are the grace and the time that a way back needs.
    let until = |day: u64| {
        let later = Happening::Bumped { app: 0, store: 0 };
        story(
            &Scenario::new(vec![spec(&[Sort::Cas])]).when(DAY / 2, Happening::Abort { app: 0 }).when(day * DAY, later),
        )
    };
    let plans = |story: &Story| {
        let planned = story.records[0].iter().filter(|record| matches!(record.event, Event::Planned(_)));
        planned.map(|record| record.at).collect::<Vec<_>>()
    };
    let rests = until(6);
    assert!(ends_with(&rests, is_undone) && plans(&rests).len() == 1, "{}", rests.trace.join("\n"));
    let again = until(12);
    assert!(plans(&again).last().is_some_and(|at| *at >= utc(BEGIN + 9 * DAY)), "{}", again.trace.join("\n"));
    assert!(is_done(&again), "{}", again.trace.join("\n"));
}
