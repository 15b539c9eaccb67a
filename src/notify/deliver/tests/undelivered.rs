//! What a server did not take, a signal cut short, or nobody can remember.

use super::*;

#[tokio::test]
async fn p18_what_a_signal_kept_from_being_sent_is_owed_and_sent_with_the_next_run() {
    let owners: [(&str, &[&str]); 3] =
        [("a", &["ann@example.org"]), ("b", &["bob@example.org"]), ("c", &["zoe@example.org"])];
    let mut world = World::new(&owners, &[]);
    world.webhook = true;
    *world.town.stops_after.lock().unwrap() = Some(1);
    let rows = ["a", "b", "c"].map(|app| (app, Verdict::InvalidSecret, OK));
    insta::assert_snapshot!(world.night("2026-11-01", &rows).await, @r"
    ann@example.org: +a invalid-secret critical
    message-undelivered: mail: 2 messages could not be sent (the run was stopped); to be sent with the next run
    message-undelivered: hook: 1 message could not be sent (the run was stopped); to be sent with the next run
    ");
    let owed = world.state.owed().unwrap();
    assert_eq!(owed.len(), 3, "two people and the webhook: {owed:?}");
    (world.town.stop, *world.town.stops_after.lock().unwrap()) = (CancellationToken::new(), None);
    insta::assert_snapshot!(world.night("2026-11-02", &rows).await, @r"
    bob@example.org: +b invalid-secret critical
    zoe@example.org: +c invalid-secret critical
    hook: +a invalid-secret critical, +b invalid-secret critical, +c invalid-secret critical
    ");
    assert_eq!(world.state.owed().unwrap(), HashMap::new());
}

#[tokio::test]
async fn what_was_not_taken_is_sent_with_the_next_run_once_as_it_stands_then() {
    let mut world = World::new(&[("payroll", &["ann@example.org"]), ("etl", &["ann@example.org"])], &[]);
    world.answer("ann@example.org", Sent::Kept("450 4.2.0 greylisted".to_owned()));
    let rows = |etl| [("payroll", Verdict::InvalidSecret, OK), ("etl", etl, OK)];
    insta::assert_snapshot!(world.night("2026-11-01", &rows(Verdict::Unreachable)).await, @"
    ann@example.org FAILS: +payroll invalid-secret critical, +etl unreachable unknown
    message-undelivered: mail: the message to ann@example.org was not taken (450 4.2.0 greylisted); it is sent with the next run
    ");
    // What ended in between was never told: not a word about it.
    insta::assert_snapshot!(world.night("2026-11-02", &rows(Verdict::Valid)).await, @"
    ann@example.org FAILS: +payroll invalid-secret critical
    message-undelivered: mail: the message to ann@example.org was not taken (450 4.2.0 greylisted); it is sent with the next run; owed since 2026-11-01
    ");
    world.answer("ann@example.org", Sent::Accepted);
    assert_eq!(
        world.night("2026-11-03", &rows(Verdict::Valid)).await,
        "ann@example.org: +payroll invalid-secret critical"
    );
    assert_eq!(world.night("2026-11-04", &rows(Verdict::Valid)).await, "");
    assert!(world.state.owed().unwrap().is_empty());
}

/// A debt of more than a day is on every report, also of a run that sends nothing.
#[tokio::test]
async fn m1_what_is_owed_for_more_than_a_day_is_named_by_a_run_that_sends_nothing() {
    let mut world = World::new(&[("payroll", &["ann@example.org"]), ("etl", &[])], &[]);
    world.webhook = true;
    world.answer("ann@example.org", Sent::Kept("450".to_owned()));
    world.answer("hook", Sent::Kept("503".to_owned()));
    let broken = [("payroll", Verdict::InvalidSecret, OK)];
    world.night("2026-11-01", &broken).await;
    let channel = |name: &str| Channel {
        name: name.to_owned(),
        kind: ChannelKind::Webhook { url: SecretRef::Env("URL".to_owned()), signing_key: None },
    };
    let notify = Notify { channels: vec![channel("mail"), channel("hook")], ..Notify::default() };
    let mut said = |now: &str, notify: &Notify| -> Vec<String> {
        overdue(notify, &mut world.state, at(now)).into_iter().map(|one| one.message).collect()
    };
    assert!(said("2026-11-02T03:00:00Z", &notify).is_empty());
    insta::assert_debug_snapshot!(said("2026-11-02T03:00:01Z", &notify), @r#"
    [
        "hook: a message is owed since 2026-11-01; this run was told to send none",
        "mail: a message to ann@example.org is owed since 2026-11-01; this run was told to send none",
    ]
    "#);
    assert!(said("2026-11-03T00:00:00Z", &Notify::default()).is_empty(), "a channel that is gone owes nothing");
    // A partial run says nothing of what it does not see; a full one knows that nothing is left to tell.
    world.run("2026-11-02", &[("etl", Verdict::Valid, OK)], true).await;
    assert_eq!(world.state.owed().unwrap().len(), 2);
    world.night("2026-11-03", &[("payroll", Verdict::Valid, OK)]).await;
    assert!(world.state.owed().unwrap().is_empty());
}

#[tokio::test]
async fn an_address_refused_for_good_holds_nobody_up_and_is_tried_with_its_next_news() {
    let apps: [(&str, &[&str]); 2] =
        [("payroll", &["gone@example.org", "zoe@example.org"]), ("etl", &["gone@example.org"])];
    let mut world = World::new(&apps, &[]);
    world.answer("gone@example.org", Sent::Refused("550 5.1.1 no such user".to_owned()));
    let rows = |etl| [("payroll", Verdict::InvalidSecret, OK), ("etl", etl, OK)];
    insta::assert_snapshot!(world.night("2026-11-01", &rows(Verdict::Valid)).await, @"
    gone@example.org FAILS: +payroll invalid-secret critical
    zoe@example.org: +payroll invalid-secret critical
    address-refused: mail: gone@example.org was refused for good (550 5.1.1 no such user); it is tried again with its next message
    ");
    assert_eq!(world.night("2026-11-02", &rows(Verdict::Valid)).await, "");
    world.answer("gone@example.org", Sent::Accepted);
    let news = world.night("2026-11-03", &rows(Verdict::AppDisabled)).await;
    assert_eq!(news, "gone@example.org: +etl app-disabled critical, +payroll invalid-secret critical");
    assert_eq!(world.night("2026-11-04", &rows(Verdict::AppDisabled)).await, "");
}

#[tokio::test]
async fn a_channel_that_is_down_is_reported_once_and_stops_no_other() {
    let mut world = World::new(&[("payroll", &["ann@example.org", "bob@example.org"])], &["root@example.org"]);
    world.webhook = true;
    world.answer("ann@example.org", Sent::Down("smtp.example.org:587 refused the authentication (535)".to_owned()));
    let rows = [("payroll", Verdict::InvalidSecret, OK)];
    insta::assert_snapshot!(world.night("2026-11-01", &rows).await, @"
    ann@example.org FAILS: +payroll invalid-secret critical
    hook: +payroll invalid-secret critical
    message-undelivered: mail: 3 messages could not be sent (smtp.example.org:587 refused the authentication (535)); to be sent with the next run
    ");
    world.answer("ann@example.org", Sent::Accepted);
    insta::assert_snapshot!(world.night("2026-11-02", &rows).await, @"
    ann@example.org: +payroll invalid-secret critical
    bob@example.org: +payroll invalid-secret critical
    root@example.org: +payroll invalid-secret critical
    ");
}

/// The server took the message, the note of it is lost (here: the state goes back to before).
#[tokio::test]
async fn killed_between_acceptance_and_note_the_same_message_goes_again_with_the_same_id() {
    let mut world = World::new(&[("payroll", &["ann@example.org"]), ("etl", &["ann@example.org"])], &[]);
    let rows = |etl| [("payroll", Verdict::InvalidSecret, OK), ("etl", etl, OK)];
    world.night("2026-11-01", &rows(Verdict::Valid)).await;
    let forget = |world: &mut World| {
        let told = world.state.told().unwrap().into_iter().map(News::Forgets).collect::<Vec<_>>();
        world.state.tell(&told).unwrap();
    };
    forget(&mut world);
    world.night("2026-11-02", &rows(Verdict::Valid)).await;
    forget(&mut world);
    world.night("2026-11-03", &rows(Verdict::Unreachable)).await;
    let ids = world.ids();
    assert_eq!(ids[0], ids[1], "a repetition is recognised");
    assert_ne!(ids[1], ids[2], "with news in it, it is another message");
}

#[tokio::test]
async fn a_state_that_cannot_be_written_costs_duplicates_and_no_message() {
    let mut world = World::new(&[("payroll", &["ann@example.org"])], &[]);
    let rows = [("payroll", Verdict::InvalidSecret, OK)];
    world.state.refuse_news();
    let said = world.night("2026-11-01", &rows).await;
    assert!(said.starts_with("ann@example.org: +payroll invalid-secret critical\nstate-unavailable: "), "{said}");
    assert!(world.night("2026-11-02", &rows).await.starts_with("ann@example.org: +payroll"));
}
