use super::*;
use crate::rotate::{Event, History, fixture::*};

const BLIND: &str = "hook:blind";

fn after(steps: &[(&str, &str)]) -> History {
    let mut events = handed_over("etl", "2026-11-20", "2026-12-04");
    events.push(("2026-11-20", Event::HandOver { store: BLIND.to_owned(), due: on("2026-12-04") }));
    for (step, who) in steps {
        let (store, who) = (PERSON.to_owned(), (*who).to_owned());
        let event = match *step {
            "claim" => Event::Claimed { store, who },
            "reveal" => Event::Revealed { store, who },
            "confirm" => Event::Confirmed { store, who },
            "confirm-blind" => Event::Confirmed { store: BLIND.to_owned(), who },
            "abort" => Event::RollingBack { who },
            "forward" => Event::RollingForward { why: who },
            "conflict" => blocked(BlockReason::StoreConflict),
            "overdue" => blocked(BlockReason::HandoverOverdue),
            _ => Event::StoreAcked { store, version: None, requests: vec![] },
        };
        events.push(("2026-11-21", event));
    }
    known(events).history
}

fn of<'h>(history: &'h History, store: &str) -> Part<'h> {
    let hand = history.open().unwrap().store(store).unwrap().hand_over.as_ref().unwrap();
    hand.part(store)
}

fn text<T: std::fmt::Debug>(result: Result<T, String>) -> String {
    result.map_or_else(|why| why, |permit| format!("{permit:?}"))
}

#[test]
fn one_persons_word_is_not_enough_and_another_ones_is() {
    let shown = [("claim", "ann"), ("reveal", "ann")];
    let then = |more: &[(&str, &str)]| of(&after(&[&shown, more].concat()), PERSON) == Part::Said;
    assert!(!then(&[]));
    assert!(!then(&[("confirm", "ann")]));
    assert!(!then(&[("confirm", "bob")]));
    assert!(!then(&[("confirm", "ann"), ("confirm", " Ann ")]));
    assert!(then(&[("confirm", "ann"), ("confirm", "bob")]));
}

#[test]
fn what_was_confirmed_before_it_was_shown_counts_for_nothing() {
    let early = after(&[("claim", "ann"), ("confirm", "ann"), ("confirm", "bob"), ("reveal", "ann")]);
    assert_eq!(of(&early, PERSON), Part::Confirm);
    let again = after(&[("claim", "ann"), ("reveal", "ann"), ("confirm", "ann"), ("reveal", "ann")]);
    assert_eq!(of(&again, PERSON), Part::Witness { first: "ann" });
}

#[test]
fn a_value_whose_showing_came_after_a_roll_back_was_not_shown() {
    let back = after(&[("claim", "ann"), ("abort", "bob"), ("reveal", "ann")]);
    assert!(!back.open().unwrap().is_revealed());
    let back = after(&[("claim", "ann"), ("reveal", "ann"), ("abort", "bob")]);
    assert!(back.open().unwrap().is_revealed());
    let forward = after(&[("claim", "ann"), ("abort", "bob"), ("reveal", "ann"), ("forward", "why")]);
    assert_eq!(of(&forward, PERSON), Part::Reveal { claimed_by: "ann" });
}

#[test]
fn a_store_that_a_program_wrote_wants_one_persons_word() {
    assert_eq!(of(&after(&[]), BLIND), Part::Confirm);
    assert_eq!(of(&after(&[("confirm-blind", "ann")]), BLIND), Part::Said);
}

#[test]
fn who_may_claim() {
    let claim =
        |steps: &[(&str, &str)], named, who, over| text(after(steps).open().unwrap().may_claim(named, who, over));
    let lines = [
        claim(&[], None, "ann", false),
        claim(&[("claim", "ann")], None, "ann", false),
        claim(&[("claim", "ann")], None, "bob", false),
        claim(&[("claim", "ann")], None, "bob", true),
        claim(&[], Some(BLIND), "ann", false),
        claim(&[], Some("person:x@example.org"), "ann", false),
        claim(&[("acked", "")], Some(PERSON), "ann", false),
        claim(&[("abort", "ann")], None, "ann", false),
        claim(&[("conflict", "")], None, "ann", false),
        claim(&[("overdue", "")], None, "ann", false),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    Take("person:ops@example.org")
    Taken("you claimed it 2026-11-21T03:00:00Z; next: reveal")
    ann claimed it 2026-11-21T03:00:00Z; if that came to nothing, claim it with --take-over
    Take("person:ops@example.org")
    a program wrote the new secret to hook:blind: nobody has to type it; see that it works there, then confirm it
    `person:x@example.org` waits for nobody; these do: person:ops@example.org
    this rotation waits for nobody to put the new secret in
    the rotation is being called off: the new secret is not to be used
    the rotation is blocked (store_conflict): something is in the way
    Take("person:ops@example.org")
    "#);
}

#[test]
fn who_may_be_shown_the_value() {
    let reveal = |steps: &[(&str, &str)], who| text(after(steps).open().unwrap().may_reveal(None, who));
    let lines = [
        reveal(&[], "ann"),
        reveal(&[("claim", "ann")], "bob"),
        reveal(&[("claim", "ann")], "ann"),
        reveal(&[("claim", "ann"), ("reveal", "ann")], "ann"),
        reveal(&[("claim", "ann"), ("reveal", "ann"), ("abort", "bob")], "ann"),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    nobody has claimed it; claim it first, so that two people do not both put it in
    ann claimed it 2026-11-21T03:00:00Z; if that came to nothing, claim it with --take-over
    "person:ops@example.org"
    "person:ops@example.org"
    the rotation is being called off: the new secret is not to be used
    "#);
}

#[test]
fn who_may_confirm() {
    let confirm = |steps: &[(&str, &str)], named, who| text(after(steps).open().unwrap().may_confirm(named, who));
    let shown = [("claim", "ann"), ("reveal", "ann")];
    let lines = [
        confirm(&[], None, "ann"),
        confirm(&[], Some(BLIND), "ann"),
        confirm(&[], Some(PERSON), "ann"),
        confirm(&shown, Some(PERSON), "ann"),
        confirm(&[&shown[..], &[("confirm", "ann")]].concat(), Some(PERSON), "ann"),
        confirm(&[&shown[..], &[("confirm", "ann")]].concat(), Some(PERSON), "bob"),
        confirm(&[&shown[..], &[("confirm", "ann"), ("confirm", "bob")]].concat(), Some(PERSON), "eve"),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    several places wait for a person; name one with --store: person:ops@example.org, hook:blind
    Take("hook:blind")
    the new secret has been shown to nobody yet, so nobody can have put it in; reveal it first
    Take("person:ops@example.org")
    ann has confirmed it already; a second person has to, who has seen that it works
    Take("person:ops@example.org")
    Taken("it is confirmed; the next run takes note")
    "#);
}
