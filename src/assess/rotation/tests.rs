//! From a journal to findings, dates and words.

use super::*;
use crate::{
    assess::{Assessment, Policy, Recall, assess},
    inventory::{App, Expires},
    probe::{Answer, NotTested, Observation, Outcome},
    provider::Meaning,
    rotate::{AttemptEnd, BlockReason, ClosedBecause, Event, Rest, Why, fixture::*},
    secret::Fingerprint,
    state::fixture::app,
};

/// Opted in, with a declared end.
fn etl() -> App {
    let mut app = app("etl", &["ann@example.org"]);
    app.used_by = Some("SnapLogic".into());
    let credential = &mut app.credentials[0];
    credential.expires = Some(Expires::At(on("2026-12-20")));
    credential.secret_id = Some("old-id".to_owned());
    credential.rotate = Some(opted_in());
    app
}

fn answered(meaning: Meaning) -> Observation {
    Observation::local(Outcome::Answered(Answer {
        meaning,
        status: 200,
        error: None,
        error_codes: vec![],
        description: None,
        trace_id: None,
        token_lifetime: None,
        retry_after: None,
    }))
}

fn judged<'a>(app: &'a App, known: &Known, value: Fingerprint, day: &str) -> Assessment<'a> {
    let subject = Subject { app, credential: &app.credentials[0] };
    let recall = Recall { value: Some(value), known: Some(known), ..Recall::default() };
    assess(subject, &answered(Meaning::Token), &Policy::default(), on(day), &recall)
}

fn found(assessment: &Assessment<'_>) -> String {
    let all: Vec<_> = assessment.findings.iter().map(|one| format!("{}:{}", one.code, one.severity)).collect();
    all.join(" ")
}

fn and(mut events: Vec<(&'static str, Event)>, more: Vec<(&'static str, Event)>) -> Known {
    events.extend(more);
    known(events)
}

fn resting(events: Vec<(&'static str, Event)>, why: Why) -> Known {
    Known { rest: Some(Rest { why, until: None }), ..known(events) }
}

const BEGUN: &str = "2026-11-20";

fn closed() -> Event {
    let unacked = vec!["person:ops@example.org".to_owned()];
    Event::Closed { kept: Some("old-id".to_owned()), why: ClosedBecause::RetireNotWanted, unacked }
}

fn left() -> Event {
    Event::OrphanLeft { attempt: 1, key_id: "new-id".to_owned(), why: "HTTP 403".to_owned() }
}

#[test]
fn each_state_of_a_journal_has_its_findings() {
    let (app, under_way) = (etl(), "rotation-under-way:info");
    let handed = || handed_over("etl", BEGUN, "2026-12-04");
    let overdue = (BEGUN, blocked(BlockReason::HandoverOverdue));
    let done = |old_refused| vec![("2026-11-25", Event::Done { old_refused })];
    for (case, known, findings) in [
        ("planned", known(vec![(BEGUN, planned("etl"))]), "expiring:warning rotation-under-way:info"),
        ("placed", known(placed("etl", BEGUN)), under_way),
        (
            "blocked",
            and(placed("etl", BEGUN), vec![(BEGUN, blocked(BlockReason::StoreFight))]),
            "rotation-blocked:critical",
        ),
        ("handed over", known(handed()), "rotation-handover:warning"),
        ("late", known(handed_over("etl", BEGUN, "2026-11-24")), "rotation-handover:critical"),
        ("too late", and(handed(), vec![overdue]), "rotation-blocked:critical rotation-handover:warning"),
        ("orphan", and(made("etl", BEGUN), vec![(BEGUN, left())]), "orphan-left:warning rotation-under-way:info"),
        ("closed", and(placed("etl", BEGUN), vec![(BEGUN, closed())]), "predecessor-kept:info"),
        ("done", and(placed("etl", BEGUN), done(Some(true))), ""),
        ("still accepted", and(placed("etl", BEGUN), done(Some(false))), "predecessor-still-accepted:warning"),
    ] {
        assert_eq!(found(&judged(&app, &known, NEW, "2026-11-26")), findings, "{case}");
    }
}

#[test]
fn an_old_secret_without_a_name_is_a_warning_where_its_removal_is_wanted() {
    let app = etl();
    let after = |more: Vec<Event>| {
        let more = more.into_iter().map(|event| (BEGUN, event)).collect();
        found(&judged(&app, &and(nameless("etl", BEGUN), more), NEW, "2026-11-26"))
    };
    assert_eq!(after(vec![held_for_a_name()]), "predecessor-kept:warning rotation-under-way:info");
    assert_eq!(after(vec![closed_with(None, ClosedBecause::GateHeld)]), "predecessor-kept:warning");
    assert_eq!(after(vec![closed_with(None, ClosedBecause::SuccessorDue)]), "predecessor-kept:warning");
    assert_eq!(after(vec![closed_with(None, ClosedBecause::RetireNotWanted)]), "predecessor-kept:info");
    let named = Event::PredecessorNamed { key_id: "id-a".to_owned(), who: "ann".to_owned() };
    assert_eq!(after(vec![held_for_a_name(), named]), "rotation-under-way:info");
}

#[test]
fn what_kept_a_run_from_rotating_is_told_and_what_is_as_it_should_be_is_not() {
    let app = etl();
    let failed = "rotation-failed:warning";
    for (why, begin, go_on) in [
        (Why::PlanFailed("no room".to_owned()), failed, "rotation-failed:warning rotation-under-way:info"),
        (Why::Provider("HTTP 403".to_owned()), failed, "rotation-failed:warning rotation-under-way:info"),
        (Why::NoEvidence("busy".to_owned()), failed, "rotation-failed:warning rotation-under-way:info"),
        (Why::ClockSkew(-900), failed, "rotation-failed:warning rotation-under-way:info"),
        (Why::Attempts, failed, "rotation-failed:warning rotation-under-way:info"),
        (Why::NotDue, "", "rotation-under-way:info"),
        (Why::Grace, "", "rotation-under-way:info"),
        (Why::Interrupted, "", "rotation-under-way:info"),
        (Why::Budget("enough"), "", "rotation-under-way:info"),
        (
            Why::Blocked { reason: BlockReason::StateCorrupt, why: "record 2 was changed".to_owned() },
            "rotation-blocked:critical",
            "rotation-blocked:critical",
        ),
        (
            Why::OrphanLeft { key_id: "x".to_owned(), why: "HTTP 403".to_owned() },
            "orphan-left:warning",
            "orphan-left:warning rotation-under-way:info",
        ),
    ] {
        let case = format!("{why:?}");
        assert_eq!(found(&judged(&app, &resting(vec![], why.clone()), NEW, "2026-11-02")), begin, "{case}");
        assert_eq!(found(&judged(&app, &resting(placed("etl", BEGUN), why), NEW, "2026-11-26")), go_on, "{case}");
    }
}

#[test]
fn an_app_that_opted_out_in_the_middle_is_told() {
    let mut app = etl();
    app.credentials[0].rotate = None;
    let assessment = judged(&app, &known(placed("etl", BEGUN)), NEW, "2026-11-26");
    assert_eq!(found(&assessment), "rotation-failed:warning rotation-under-way:info");
}

#[test]
fn our_own_value_ends_when_the_provider_said_whatever_the_inventory_says() {
    let (app, known) = (etl(), known(placed("etl", BEGUN)));
    let new = judged(&app, &known, NEW, "2026-12-21");
    assert_eq!(
        (new.expiry.at, new.expiry.source),
        (Some(on("2027-05-20")), Some(super::super::ExpirySource::Provider))
    );
    assert_eq!((new.secret_id(), found(&new).as_str()), (Some("new-id"), "rotation-under-way:info"));
    let old = judged(&app, &known, OLD, "2026-12-19");
    assert_eq!((old.expiry.at, old.secret_id()), (Some(on("2026-12-20")), Some("old-id")));
    assert_eq!(found(&old), "expiring:critical rotation-under-way:info");
}

#[test]
fn without_an_end_from_the_provider_the_predecessors_date_does_not_count() {
    let mut events = made("etl", BEGUN);
    let created = Event::Created { attempt: 1, key_id: None, end: None, fingerprint: NEW };
    events.pop();
    events.push((BEGUN, created));
    let mut app = etl();
    let known = known(events);
    let assessment = judged(&app, &known, NEW, "2026-12-21");
    assert_eq!((assessment.expiry.at, assessment.secret_id()), (None, Some("old-id")));
    assert_eq!(found(&assessment), "expiry-undeclared:info rotation-under-way:info");
    app.credentials[0].expires = Some(Expires::Never);
    assert!(judged(&app, &known, NEW, "2026-12-21").expiry.never);
}

#[test]
fn an_end_that_rotation_takes_care_of_asks_nobody_to_make_a_secret() {
    let app = etl();
    let remedy = |known: &Known| judged(&app, known, OLD, "2026-12-01").findings[0].remedy.clone();
    assert!(remedy(&Known::default()).starts_with("Nothing by hand"));
    assert!(remedy(&known(placed("etl", BEGUN))).starts_with("Nothing by hand"));
    let stuck = remedy(&resting(vec![], Why::PlanFailed("no room".to_owned())));
    assert!(stuck.starts_with("Make a new one now"), "{stuck}");
}

#[test]
fn untested_credentials_keep_their_rotation() {
    let (app, known) = (etl(), known(placed("etl", BEGUN)));
    let subject = Subject { app: &app, credential: &app.credentials[0] };
    let recall = Recall { known: Some(&known), ..Recall::default() };
    let offline = Observation::local(Outcome::NotTested(NotTested::Offline));
    let assessment = assess(subject, &offline, &Policy::default(), on("2026-11-21"), &recall);
    assert_eq!(
        found(&assessment),
        "rotation-under-way:info expiring:warning".split(' ').rev().collect::<Vec<_>>().join(" ")
    );
}

/// Finding by finding, as people read it.
fn told(app: &App, known: &Known) -> String {
    let assessment = judged(app, known, NEW, "2026-11-26");
    let lines = assessment.findings.iter().map(|one| format!("{}: {}\n> {}", one.code, one.message, one.remedy));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_hand_over_names_product_steps_day_place_and_command() {
    insta::assert_snapshot!(told(&etl(), &known(handed_over("etl", BEGUN, "2026-12-04"))), @r#"
    rotation-handover: The new secret of etl (SnapLogic) waits for person:ops@example.org since 2026-11-20; its confirmation is due on 2026-12-04. The new value is kept in file:/etc/etl/secret.
    > Put the new secret in where the message says, and confirm it; the old one works meanwhile. Run `credwatch claim etl`; each step names the next one. In the SnapLogic OAuth2 account with this client id, replace "Client secret", have it fetch a new access token, and save; "401 - Authentication failed" means that the old value is still in use.
    "#);
    let claimed = Event::Claimed { store: PERSON.to_owned(), who: "ops".to_owned() };
    let late = and(handed_over("etl", BEGUN, "2026-11-24"), vec![(BEGUN, claimed)]);
    insta::assert_snapshot!(told(&etl(), &late), @r#"
    rotation-handover: The new secret of etl (SnapLogic) waits for person:ops@example.org since 2026-11-20; its confirmation has been overdue since 2026-11-24. The new value is kept in file:/etc/etl/secret.
    > Put the new secret in where the message says, and confirm it; the old one works meanwhile. Run `credwatch reveal etl`; each step names the next one. In the SnapLogic OAuth2 account with this client id, replace "Client secret", have it fetch a new access token, and save; "401 - Authentication failed" means that the old value is still in use.
    "#);
}

#[test]
fn a_block_names_the_reason_the_way_out_and_the_day_the_new_secret_dies() {
    let known = and(placed("etl", BEGUN), vec![(BEGUN, blocked(BlockReason::StoreConflict))]);
    insta::assert_snapshot!(told(&etl(), &known), @r"
    rotation-blocked: The rotation is blocked after 6 d, because a store holds a value that is neither the old nor the new secret: something is in the way. The new secret dies on 2027-05-20.
    > Mend what the message names; nothing is changed until then. Find out who else writes there, and leave one of the two secrets in the store. Then `credwatch resolve etl` lets it go on.
    ");
}

#[test]
fn the_other_findings_say_what_is_and_what_to_run() {
    let mut app = etl();
    app.name = "two words".into();
    insta::assert_snapshot!(told(&app, &known(placed("etl", BEGUN))), @r"
    rotation-under-way: The secret has been in rotation for 6 d (delivering): the next run delivers to the stores that do not have it yet.
    > Nothing, unless the message names somebody: each run with `--rotate` goes on by itself.
    ");
    insta::assert_snapshot!(told(&app, &resting(vec![], Why::ClockSkew(-900))), @r#"
    expiring: The secret expires on 2026-12-20, in 24 days.
    > Make a new one now, while the old one still works. In the Entra admin center open App registrations, the app client-of-etl, Certificates & secrets, "New client secret", and copy its Value at once: it is shown only now, and the Secret ID beside it is of no use. In the SnapLogic OAuth2 account with this client id, replace "Client secret", have it fetch a new access token, and save; "401 - Authentication failed" means that the old value is still in use. Then correct `expires` in the inventory.
    rotation-failed: The rotation of the secret could not begin in this run: this machine's clock and the provider's are 900 s apart, and nothing is made or removed while they are.
    > Remove what the message names; the next run with `--rotate` tries again. `credwatch plan 'two words'` shows what a run would do, and does none of it.
    "#);
    insta::assert_snapshot!(told(&app, &and(placed("etl", BEGUN), vec![(BEGUN, closed())])), @r"
    predecessor-kept: The app still has a secret it no longer uses at the provider (old-id): `retire` is not set for it. Not known to have the new secret: person:ops@example.org.
    > Make sure that nobody uses the old secret, and have it removed. `credwatch retire 'two words'` removes it once nothing speaks against it.
    ");
    let nameless = and(nameless("etl", BEGUN), vec![(BEGUN, closed_with(None, ClosedBecause::GateHeld))]);
    insta::assert_snapshot!(told(&app, &nameless), @r"
    predecessor-kept: The app still has its old secret at the provider, and only a person can say which one that is. It is one of these: id-a, id-b.
    > Make sure that nobody uses the old secret, and have it removed. `credwatch retire 'two words' --predecessor ID` names it, and it is removed once nothing speaks against it.
    ");
    insta::assert_snapshot!(told(&app, &and(made("etl", BEGUN), vec![(BEGUN, left())])), @r"
    orphan-left: The secret new-id, which nobody holds, is left at the provider and could not be removed: HTTP 403.
    > Remove what stands in the way of its removal; each run with `--rotate` tries again.
    rotation-under-way: The secret has been in rotation for 6 d (activating): the new secret is not in a store yet.
    > Nothing, unless the message names somebody: each run with `--rotate` goes on by itself.
    ");
    let done = Event::Done { old_refused: Some(false) };
    insta::assert_snapshot!(told(&app, &and(placed("etl", BEGUN), vec![(BEGUN, done)])), @r"
    predecessor-still-accepted: The old secret old-id was removed at the provider and is still accepted.
    > Look the app's secrets up at the provider: while the old value works, whoever has it can sign in.
    ");
    let held =
        Event::GateHeld { by: vec![crate::rotate::Gate::G4], why: "the provider cannot tell last use".to_owned() };
    insta::assert_snapshot!(told(&app, &and(placed("etl", BEGUN), vec![(BEGUN, held)])), @r"
    rotation-under-way: The secret has been in rotation for 6 d (retiring): the old secret stays: the provider cannot tell last use.
    > Nothing, unless the message names somebody: each run with `--rotate` goes on by itself. An admin: `credwatch retire 'two words'`, once it is certain that nobody uses the old secret.
    ");
}

#[test]
fn every_reason_to_block_has_words_and_a_way_out() {
    for reason in [
        BlockReason::StateCorrupt,
        BlockReason::StateBehind,
        BlockReason::StoreConflict,
        BlockReason::StoreFight,
        BlockReason::PrimaryLost,
        BlockReason::SuccessorGone,
        BlockReason::NeverLive,
        BlockReason::HandoverOverdue,
        BlockReason::OrphanUnidentified,
        BlockReason::AppGone,
    ] {
        let text = told(&etl(), &and(placed("etl", BEGUN), vec![(BEGUN, blocked(reason))]));
        assert!(text.contains("`credwatch resolve etl`") && text.contains("dies on 2027-05-20"), "{text}");
    }
}

#[test]
fn foreign_words_do_no_harm() {
    let why = Why::Provider(format!("\u{1b}[31m{}", "x".repeat(5_000)));
    let text = told(&etl(), &resting(vec![], why));
    assert!(!text.contains('\u{1b}') && text.len() < 1_500);
}

#[test]
fn the_report_says_where_a_rotation_stands() {
    let app = etl();
    let progress = |known: &Known| judged(&app, known, NEW, "2026-11-26").progress().cloned();
    let one = progress(&known(handed_over("etl", BEGUN, "2026-12-04"))).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&one).unwrap(), @r#"
    {
      "id": "01M7Q5CQG00000000000000007",
      "stage": "hand-over",
      "since": "2026-11-20T03:00:00Z",
      "age_days": 6,
      "next": "person:ops@example.org still needs the new secret, due 2026-12-04",
      "turn": "person:ops@example.org",
      "command": "credwatch claim etl"
    }
    "#);
    assert_eq!(progress(&Known::default()), None);
    assert_eq!(progress(&and(placed("etl", BEGUN), vec![(BEGUN, Event::Done { old_refused: None })])), None);
    let attempt = Event::AttemptClosed { attempt: 1, how: AttemptEnd::Absent };
    assert_eq!(progress(&and(made("etl", BEGUN), vec![(BEGUN, attempt)])).unwrap().stage, Stage::Planned);
}

#[test]
fn a_copy_of_the_old_secret_that_could_not_be_removed_is_told_and_asks_nobody_for_a_new_one() {
    let left = Event::CopyLeft { store: STORE.to_owned(), why: "its folder cannot be written to".to_owned() };
    let gone = Event::CopyGone { store: STORE.to_owned() };
    let done = Event::Done { old_refused: Some(true) };
    let known = and(placed("etl", BEGUN), vec![(BEGUN, left.clone()), (BEGUN, done.clone())]);
    insta::assert_snapshot!(told(&etl(), &known), @r"
    rotation-failed: A copy of the old secret is left beside file:/etc/etl/secret: its folder cannot be written to.
    > Remove what the message names; the next run with `--rotate` tries again. `credwatch plan etl` shows what a run would do, and does none of it.
    ");
    let known = and(placed("etl", BEGUN), vec![(BEGUN, left), (BEGUN, done), (BEGUN, gone)]);
    assert_eq!(told(&etl(), &known), "");
}
