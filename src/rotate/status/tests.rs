use super::*;
use crate::{
    rotate::{Event, fixture::*},
    text::argument,
};

fn said(mut events: Vec<(&'static str, Event)>, more: Vec<Event>, now: &str) -> String {
    let last = events.last().map_or("2026-11-20", |(day, _)| day);
    events.extend(more.into_iter().map(|event| (last, event)));
    let history = known(events).history;
    let Some(rotation) = history.noteworthy() else { return "nothing".to_owned() };
    let status = rotation.status("etl", on(now));
    format!("{} | {} | {:?} | {}", status.stage.name(), status.next, status.turn, status.command.unwrap_or_default())
}

fn opened(store: &str) -> Event {
    Event::HandOver { store: store.to_owned(), due: on("2026-12-04") }
}

fn claimed(who: &str) -> Event {
    Event::Claimed { store: PERSON.to_owned(), who: who.to_owned() }
}

fn revealed(who: &str) -> Event {
    Event::Revealed { store: PERSON.to_owned(), who: who.to_owned() }
}

fn confirmed(store: &str, who: &str) -> Event {
    Event::Confirmed { store: store.to_owned(), who: who.to_owned() }
}

#[test]
fn each_part_of_a_hand_over_names_the_next_command_and_whose_turn_it_is() {
    let after = |more: &[Event]| said(handed_over("etl", "2026-11-20", "2026-12-04"), more.to_vec(), "2026-11-21");
    let steps = [claimed("ann"), revealed("ann"), confirmed(PERSON, "ann"), confirmed(PERSON, "bob")];
    let lines: Vec<String> = (0..=steps.len()).map(|upto| after(&steps[..upto])).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    hand-over | person:ops@example.org still needs the new secret, due 2026-12-04 | Person("ops@example.org") | claim etl
    hand-over | ann has claimed it for person:ops@example.org, due 2026-12-04 | Person("ops@example.org") | reveal etl
    hand-over | person:ops@example.org has been shown the new secret, due 2026-12-04 | Person("ops@example.org") | confirm etl
    hand-over | ann has confirmed person:ops@example.org, and a second person has to, due 2026-12-04 | Admin | confirm etl
    hand-over | the next run takes the confirmation of person:ops@example.org | Run |
    "#);
}

#[test]
fn a_store_nobody_can_read_wants_a_confirmation_and_no_claim() {
    let text = said(placed("etl", "2026-11-20"), vec![opened("hook:blind")], "2026-11-21");
    insta::assert_snapshot!(text, @"hand-over | somebody has to see that the new secret in hook:blind works, due 2026-12-04 | Admin | confirm etl");
    let both = vec![opened("hook:blind"), opened(PERSON), confirmed("hook:blind", "ann")];
    insta::assert_snapshot!(said(placed("etl", "2026-11-20"), both, "2026-11-21"), @r#"hand-over | person:ops@example.org still needs the new secret, due 2026-12-04 | Person("ops@example.org") | claim etl --store person:ops@example.org"#);
}

#[test]
fn a_hand_over_that_blocks_can_still_be_done_and_then_be_resolved() {
    let late = |more: Vec<Event>| {
        let mut all = vec![blocked(BlockReason::HandoverOverdue)];
        all.extend(more);
        said(handed_over("etl", "2026-11-20", "2026-12-04"), all, "2026-12-05")
    };
    insta::assert_snapshot!(late(vec![]), @r#"blocked | blocked (handover_overdue): something is in the way | Person("ops@example.org") | claim etl"#);
    let done = vec![claimed("ann"), revealed("ann"), confirmed(PERSON, "ann"), confirmed(PERSON, "bob")];
    insta::assert_snapshot!(late(done), @"blocked | blocked (handover_overdue): something is in the way | Admin | resolve etl");
}

#[test]
fn what_was_blocked_after_its_end_is_blocked_and_not_done() {
    let ended = || Event::Done { old_refused: Some(true) };
    let gone = || blocked(BlockReason::SuccessorGone);
    let after = |more| said(placed("etl", "2026-11-20"), more, "2026-11-21");
    insta::assert_snapshot!(after(vec![ended(), gone()]), @"blocked | blocked (successor_gone): something is in the way | Admin | resolve etl");
    assert_eq!(after(vec![gone(), ended()]), "nothing");
    assert_eq!(after(vec![ended(), gone(), Event::Resolved { who: "ann".to_owned(), note: String::new() }]), "nothing");
}

#[test]
fn a_grace_that_ends_soon_is_told_with_its_time() {
    let grace = |now| {
        let begun = Event::GraceStarted { until: on("2026-11-27T15:30:00Z") };
        said(placed("etl", "2026-11-20"), vec![begun], now)
    };
    insta::assert_snapshot!(grace("2026-11-21"), @"grace | both secrets live until 2026-11-27, while consumers pick the new one up | Run |");
    insta::assert_snapshot!(grace("2026-11-26"), @"grace | both secrets live until 2026-11-27 15:30 UTC, while consumers pick the new one up | Run |");
}

#[test]
fn a_name_is_one_word_of_the_command() {
    let mut events = placed("two words", "2026-11-20");
    events.push(("2026-11-20", blocked(BlockReason::StoreFight)));
    let history = known(events).history;
    let status = history.noteworthy().unwrap().status(&argument("two words", Some("line 1")), on("2026-11-21"));
    assert_eq!(status.command.as_deref(), Some("resolve 'two words' --label 'line 1'"));
    let spaced = "file:/srv/my app/secret";
    let events = handed_over("etl", "2026-11-20", "2026-12-04").into_iter();
    let events = events.chain([("2026-11-20", Event::HandOver { store: spaced.to_owned(), due: on("2026-12-04") })]);
    let events =
        events.chain([("2026-11-20", Event::StoreAcked { store: PERSON.to_owned(), version: None, requests: vec![] })]);
    let history = known(events.collect()).history;
    let status = history.noteworthy().unwrap().status(&argument("it's", None), on("2026-11-21"));
    assert_eq!(status.command.as_deref(), Some(r"confirm 'it'\''s'"));
}

#[test]
fn an_abort_that_goes_forward_says_so_and_that_nothing_goes_unasked() {
    let back = Event::RollingBack { who: "ann".to_owned() };
    let forward = Event::RollingForward { why: "the old secret ends too soon".to_owned() };
    let after = |more: Vec<Event>, now: &str| {
        let events = [vec![back.clone(), forward.clone()], more].concat();
        said(placed("etl", "2026-11-20"), events, now)
    };
    insta::assert_snapshot!(after(vec![], "2026-11-21"), @"delivering | ann called it off, and it goes forward all the same because the old secret ends too soon; the next run delivers to the stores that do not have it yet | Run |");
    let over = Event::GraceStarted { until: on("2026-11-28") };
    insta::assert_snapshot!(after(vec![over.clone()], "2026-11-29"), @"retiring | ann called it off, and it goes forward all the same because the old secret ends too soon; the old secret stays until a person says that it may go | Admin | retire etl");
    let asked = Event::RetireAsked { who: "ann".to_owned() };
    insta::assert_snapshot!(after(vec![over, asked], "2026-11-29"), @"retiring | ann called it off, and it goes forward all the same because the old secret ends too soon; the next run removes the old secret | Run |");
}

#[test]
fn on_the_way_back_what_cannot_be_read_waits_for_a_persons_word() {
    let given = Event::StoreIntent {
        store: "hook:blind".to_owned(),
        what: crate::rotate::Writing::Deliver,
        attempt: 1,
        fingerprint: NEW,
        version_before: None,
    };
    let back = Event::RollingBack { who: "ann".to_owned() };
    let text = said(placed("etl", "2026-11-20"), vec![given, opened("hook:blind"), back.clone()], "2026-11-21");
    insta::assert_snapshot!(text, @"rolling-back | hook:blind may have the new value and cannot be read: once it has the old one again, say that the new one may go | Admin | retire etl");
    let unseen = said(handed_over("etl", "2026-11-20", "2026-12-04"), vec![claimed("ann"), back], "2026-11-21");
    insta::assert_snapshot!(unseen, @"rolling-back | the old value is put back everywhere, and the new one removed after the grace | Run |");
}

#[test]
fn an_old_secret_that_nobody_can_name_waits_for_a_person_and_says_which_ones_it_may_be() {
    let after = |more: Vec<Event>| said(nameless("etl", "2026-11-20"), more, "2026-11-29");
    let closed = |why| closed_with(None, why);
    let named = || Event::PredecessorNamed { key_id: "id-b".to_owned(), who: "ann".to_owned() };
    insta::assert_snapshot!(after(vec![held_for_a_name()]), @"retiring | the old secret stays: only a person knows which of these it is: id-a, id-b | Admin | retire etl --predecessor ID");
    insta::assert_snapshot!(after(vec![held_for_a_name(), closed(ClosedBecause::GateHeld)]), @"kept | the old secret is still at the provider: only a person knows which of these it is: id-a, id-b | Admin | retire etl --predecessor ID");
    insta::assert_snapshot!(after(vec![closed(ClosedBecause::RetireNotWanted), named()]), @"kept | the old secret id-b is still at the provider: `retire` is not set for it | Admin | retire etl");
    let gone = Event::Retired { key_id: "id-a, id-b".to_owned(), how: "not listed".to_owned() };
    assert_eq!(after(vec![closed(ClosedBecause::GateHeld), gone]), "nothing");
    let mut only = nameless("etl", "2026-11-20");
    if let Some((_, Event::Planned(plan))) = only.first_mut() {
        plan.baseline.truncate(1);
    }
    insta::assert_snapshot!(said(only, vec![held_for_a_name()], "2026-11-29"), @"retiring | the old secret stays: only a person knows whether it is id-a | Admin | retire etl --predecessor id-a");
}

#[test]
fn what_a_rotation_kept_that_was_called_off_is_told_too() {
    let back = Event::RollingBack { who: "ann".to_owned() };
    let over = Event::RolledBack { kept: Some("new-id".to_owned()), why: "the gate held".to_owned() };
    let text = said(placed("etl", "2026-11-20"), vec![back, over], "2026-11-29");
    insta::assert_snapshot!(text, @"kept | the new secret new-id is still at the provider: the rotation was called off | Admin | retire etl");
}
