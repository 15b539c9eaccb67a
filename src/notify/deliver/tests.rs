//! Whole nights on a state in memory: what is learned, what is due, who hears it.

use std::sync::{Arc, Mutex};

use super::*;
use crate::notify::carrier::Tried;
use crate::{
    assess::{Assessment, Finding, FindingCode, HandOver, Policy, Severity, Standing, Verdict},
    inventory::App,
    notify::event::Kind,
    secret::SecretRef,
    settings::{Channel, ChannelKind},
    state::{Night, Sqlite, fixture::*},
};

/// What the servers do, and what they took.
#[derive(Clone, Default)]
struct Town {
    heard: Arc<Mutex<Vec<String>>>,
    ids: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<HashMap<String, Sent>>>,
    stop: CancellationToken,
    /// The run is told to stop once so many messages were sent.
    stops_after: Arc<Mutex<Option<usize>>>,
}

struct Fake {
    town: Town,
    webhook: bool,
}

#[async_trait::async_trait]
impl Carrier for Fake {
    fn is_webhook(&self) -> bool {
        self.webhook
    }

    async fn send(&mut self, parcel: &Parcel<'_>) -> Tried {
        let Content::News(digest) = &parcel.content else { return Sent::Down("no test here".to_owned()).into() };
        let said: Vec<_> = digest.events.iter().map(in_words).collect();
        let to = if self.webhook { parcel.channel } else { parcel.to };
        let sent = self.town.answers.lock().unwrap().get(to).cloned().unwrap_or(Sent::Accepted);
        let mark = if sent == Sent::Accepted { "" } else { " FAILS" };
        self.town.heard.lock().unwrap().push(format!("{to}{mark}: {}", said.join(", ")));
        self.town.ids.lock().unwrap().push(parcel.id.clone());
        if self.town.stops_after.lock().unwrap().is_some_and(|most| most <= self.town.ids.lock().unwrap().len()) {
            self.town.stop.cancel();
        }
        sent.into()
    }

    async fn close(&mut self) {}
}

fn in_words(event: &Event<'_>) -> String {
    let (app, code, severity) = (event.app, event.code, event.severity.name());
    match event.kind {
        Kind::Opened => format!("+{app} {code} {severity}"),
        Kind::Worsened => {
            format!("!{app} {code} {severity}{}", event.days.map(|days| format!(" {days}d")).unwrap_or_default())
        }
        Kind::Resolved(ending) => format!("-{app} {code} {ending:?}"),
    }
}

struct World {
    town: Town,
    state: Sqlite,
    apps: Vec<App>,
    admins: Vec<String>,
    webhook: bool,
    /// What waits for a person.
    hand_over: Option<HandOver>,
    runs: usize,
}

type Row<'a> = (&'a str, Verdict, Option<&'a str>);

impl World {
    fn new(apps: &[(&str, &[&str])], admins: &[&str]) -> Self {
        Self {
            town: Town::default(),
            state: Sqlite::in_memory().unwrap(),
            apps: apps.iter().map(|(name, owners)| app(name, owners)).collect(),
            admins: admins.iter().map(|admin| (*admin).to_owned()).collect(),
            webhook: false,
            hand_over: None,
            runs: 0,
        }
    }

    fn answer(&self, to: &str, sent: Sent) {
        self.town.answers.lock().unwrap().insert(to.to_owned(), sent);
    }

    async fn night(&mut self, day: &str, rows: &[Row<'_>]) -> String {
        self.run(day, rows, false).await
    }

    /// Returns what was said and what could not be, one line each.
    async fn run(&mut self, day: &str, rows: &[Row<'_>], partial: bool) -> String {
        self.runs += 1;
        let (now, policy, run_id) = (at(day), Policy::default(), self.runs.to_string());
        let judge = |(name, verdict, end): &Row<'_>| {
            let app = self.apps.iter().find(|app| *app.name == **name).unwrap();
            judged(app, now, *verdict, *end)
        };
        let mut assessments: Vec<_> = rows.iter().map(judge).collect();
        if let Some(hand) = &self.hand_over {
            assessments.iter_mut().for_each(|assessment| wait_for(hand, assessment, now));
        }
        let night = Night { now, scope: (!partial).then_some("inventory"), offline: false };
        let mut memory = self.state.memory().unwrap();
        let changes = memory.learn(&night, assessments.iter_mut().map(|assessment| (assessment, None)));
        self.state.record(&run_id, &night, &changes).unwrap();
        let tonight = Tonight {
            run_id: &run_id,
            now,
            last_run: None,
            assessments: &assessments,
            memory: &memory,
            partial,
            policy: &policy,
        };
        let fake = |webhook| Box::new(Fake { town: self.town.clone(), webhook }) as Box<dyn Carrier>;
        let mut channels: Carriers<'_> = vec![("mail", fake(false))];
        if self.webhook {
            channels.push(("hook", fake(true)));
        }
        let incomplete = deliver_through(channels, &self.admins, &mut self.state, &tonight, &self.town.stop).await;
        let mut said = std::mem::take(&mut *self.town.heard.lock().unwrap());
        said.extend(incomplete.iter().map(|one| format!("{}: {}", one.code, one.message)));
        said.join("\n")
    }

    fn ids(&self) -> Vec<String> {
        self.town.ids.lock().unwrap().clone()
    }
}

/// As the judgement has it.
fn wait_for(hand: &HandOver, assessment: &mut Assessment<'_>, now: DateTime<Utc>) {
    let severity = if now > hand.due { Severity::Critical } else { Severity::Warning };
    let (message, remedy) = ("It waits.".to_owned(), "Put it in.".to_owned());
    let finding = Finding { code: FindingCode::RotationHandover, severity, message, remedy, since: None };
    assessment.findings.push(finding);
    assessment.severity = assessment.severity.max(severity);
    assessment.rotation = Some(Box::new(Standing { hand_over: Some(hand.clone()), ..Standing::default() }));
}

const OK: Option<&str> = Some("2030-01-01");

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
async fn an_expiring_credential_is_told_at_each_threshold_and_never_in_between() {
    let mut world = World::new(&[("payroll", &["ann@example.org"])], &[]);
    let mut said = String::new();
    let first = at("2026-11-01");
    for number in 0..=43 {
        let day = (first + TimeDelta::days(number)).format("%Y-%m-%d").to_string();
        let end = if number < 43 { "2026-12-12T12:00:00Z" } else { "2027-12-12" };
        let heard = world.night(&day, &[("payroll", Verdict::Valid, Some(end))]).await;
        if !heard.is_empty() {
            said += &format!("{day} {heard}\n");
        }
    }
    insta::assert_snapshot!(said, @r"
    2026-11-13 ann@example.org: +payroll expiring warning
    2026-11-29 ann@example.org: !payroll expiring warning 14d
    2026-12-06 ann@example.org: !payroll expiring critical 7d
    2026-12-12 ann@example.org: !payroll expiring critical 1d
    2026-12-13 ann@example.org: +payroll expired critical
    2026-12-14 ann@example.org: -payroll expired Mended
    ");
}

#[tokio::test]
async fn only_thresholds_within_warn_count_and_several_at_once_are_one_event() {
    let mut world = World::new(&[("narrow", &["ann@example.org"]), ("wide", &["bob@example.org"])], &[]);
    world.apps[0].warn = "20d".parse().ok();
    world.apps[1].warn = "95d".parse().ok();
    let mut said = String::new();
    for days_left in [100, 95, 90, 60, 30, 20, 14, 5, 1] {
        let day = (at("2026-12-31") - TimeDelta::days(days_left)).format("%Y-%m-%d").to_string();
        let end = Some("2026-12-31");
        let rows = [("narrow", Verdict::Valid, end), ("wide", Verdict::Valid, end)];
        said += &format!("{days_left} days left\n{}\n", world.night(&day, &rows).await);
    }
    insta::assert_snapshot!(said, @"
    100 days left

    95 days left
    bob@example.org: +wide expiring warning
    90 days left
    bob@example.org: !wide expiring warning 90d
    60 days left
    bob@example.org: !wide expiring warning 60d
    30 days left
    bob@example.org: !wide expiring warning 30d
    20 days left
    ann@example.org: +narrow expiring warning
    14 days left
    ann@example.org: !narrow expiring warning 14d
    bob@example.org: !wide expiring warning 14d
    5 days left
    ann@example.org: !narrow expiring critical 7d
    bob@example.org: !wide expiring critical 7d
    1 days left
    ann@example.org: !narrow expiring critical 1d
    bob@example.org: !wide expiring critical 1d
    ");
}

#[tokio::test]
async fn a_later_end_is_no_news_and_the_next_threshold_is() {
    let mut world = World::new(&[("payroll", &["ann@example.org"])], &[]);
    world.night("2026-11-01", &[("payroll", Verdict::Valid, Some("2026-11-05"))]).await;
    assert_eq!(world.night("2026-11-02", &[("payroll", Verdict::Valid, Some("2026-11-20"))]).await, "");
    let later = world.night("2026-11-08", &[("payroll", Verdict::Valid, Some("2026-11-20"))]).await;
    assert_eq!(later, "ann@example.org: !payroll expiring warning 14d");
}

#[tokio::test]
async fn one_message_per_person_owners_hear_of_their_own_and_admins_of_all() {
    let apps: [(&str, &[&str]); 4] = [
        ("payroll", &["ann@example.org", "Bob <BOB@example.org>"]),
        ("etl", &["bob@example.org", "bob@example.org"]),
        ("orphan", &[]),
        ("healthy", &["eve@example.org"]),
    ];
    let mut world = World::new(&apps, &["ann@example.org"]);
    world.webhook = true;
    let rows = [
        ("payroll", Verdict::InvalidSecret, OK),
        ("etl", Verdict::Unreachable, OK),
        ("orphan", Verdict::Valid, Some("2026-11-20")),
        ("healthy", Verdict::Valid, None),
    ];
    insta::assert_snapshot!(world.night("2026-11-01", &rows).await, @"
    ann@example.org: +payroll invalid-secret critical, +etl unreachable unknown, +orphan expiring warning
    Bob <BOB@example.org>: +payroll invalid-secret critical, +etl unreachable unknown
    hook: +payroll invalid-secret critical, +etl unreachable unknown, +orphan expiring warning
    ");
    assert_eq!(world.night("2026-11-02", &rows).await, "");
}

#[tokio::test]
async fn what_nobody_could_tell_is_not_resolved_and_a_replacement_is_told_once() {
    let mut world = World::new(&[("payroll", &["ann@example.org"])], &[]);
    world.webhook = true;
    let nights = [
        ("2026-11-01", Verdict::InvalidSecret),
        ("2026-11-02", Verdict::Unreachable),
        ("2026-11-03", Verdict::Throttled),
        ("2026-11-04", Verdict::Untested),
        ("2026-11-05", Verdict::Unreachable),
        ("2026-11-06", Verdict::InvalidSecret),
        ("2026-11-07", Verdict::ExpiredSecret),
        ("2026-11-08", Verdict::Valid),
    ];
    let mut said = String::new();
    for (day, verdict) in nights {
        said += &format!("{day} {}\n{}\n", verdict.name(), world.night(day, &[("payroll", verdict, OK)]).await);
    }
    insta::assert_snapshot!(said, @"
    2026-11-01 invalid_secret
    ann@example.org: +payroll invalid-secret critical
    hook: +payroll invalid-secret critical
    2026-11-02 unreachable
    ann@example.org: +payroll unreachable unknown
    hook: +payroll unreachable unknown
    2026-11-03 throttled
    ann@example.org: +payroll throttled unknown
    hook: +payroll throttled unknown
    2026-11-04 untested

    2026-11-05 unreachable

    2026-11-06 invalid_secret
    hook: -payroll throttled Replaced, -payroll unreachable Replaced
    2026-11-07 expired_secret
    ann@example.org: +payroll expired-secret critical
    hook: +payroll expired-secret critical, -payroll invalid-secret Replaced
    2026-11-08 valid
    ann@example.org: -payroll expired-secret Mended
    hook: -payroll expired-secret Mended
    ");
}

#[tokio::test]
async fn a_partial_run_resolves_nobody_elses_findings_and_a_full_one_says_what_left() {
    let mut world = World::new(&[("payroll", &["ann@example.org"]), ("etl", &["bob@example.org"])], &[]);
    world.night("2026-11-01", &[("payroll", Verdict::InvalidSecret, OK), ("etl", Verdict::InvalidSecret, OK)]).await;
    assert_eq!(world.run("2026-11-02", &[("payroll", Verdict::InvalidSecret, OK)], true).await, "");
    let full = world.night("2026-11-03", &[("payroll", Verdict::InvalidSecret, OK)]).await;
    assert_eq!(full, "bob@example.org: -etl invalid-secret Removed");
    assert_eq!(world.night("2026-11-04", &[("payroll", Verdict::InvalidSecret, OK)]).await, "");
}

#[tokio::test]
async fn a_new_owner_hears_of_what_stands_and_the_old_one_nothing_more() {
    let mut world = World::new(&[("payroll", &["ann@example.org"])], &[]);
    world.night("2026-11-01", &[("payroll", Verdict::InvalidSecret, OK)]).await;
    world.apps[0].owners = Arc::from(["bob@example.org".to_owned()]);
    let handed = world.night("2026-11-02", &[("payroll", Verdict::InvalidSecret, OK)]).await;
    assert_eq!(handed, "bob@example.org: +payroll invalid-secret critical");
    let mended = world.night("2026-11-03", &[("payroll", Verdict::Valid, OK)]).await;
    assert_eq!(mended, "bob@example.org: -payroll invalid-secret Mended");
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

/// M1: a debt of more than a day is on every report, also of a run that sends nothing.
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

/// Faults M3, M5: the server took the message, the note of it is lost (here: the state goes back to before).
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
async fn a_finding_that_comes_back_is_a_new_message() {
    let mut world = World::new(&[("payroll", &["ann@example.org"])], &[]);
    for (day, verdict) in [
        ("2026-11-01", Verdict::InvalidSecret),
        ("2026-11-02", Verdict::Valid),
        ("2026-11-03", Verdict::InvalidSecret),
        ("2026-11-04", Verdict::Valid),
    ] {
        world.night(day, &[("payroll", verdict, OK)]).await;
    }
    let mut ids = world.ids();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
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

/// `serve` runs the job on any worker.
#[test]
fn delivering_may_move_between_threads() {
    fn movable<F: Future + Send>(
        _: impl FnOnce(Desk<'static>, &'static mut dyn State, &'static Tonight<'static>) -> F,
    ) {
    }
    movable(|desk, state, tonight| async move { deliver(&desk, state, tonight, &CancellationToken::new()).await });
}

/// Opened at 03:04, as a night's run did.
fn hand_over() -> Option<HandOver> {
    let (opened_at, due) = (at("2026-11-01T03:04:00Z"), at("2026-11-15T03:04:00Z"));
    Some(HandOver { assignees: vec!["Ops <ops@example.org>".to_owned()], opened_at, due })
}

#[tokio::test]
async fn a_hand_over_is_told_at_its_opening_at_half_time_when_due_and_then_every_day() {
    let mut world = World::new(&[("etl", &["ann@example.org"])], &["boss@example.org"]);
    let mut said = String::new();
    let opened = at("2026-11-01T03:05:00Z");
    for number in 0..20 {
        world.hand_over = hand_over().filter(|_| number < 18);
        // No night begins at the same minute as the one before.
        let begun = opened + TimeDelta::days(number) + TimeDelta::seconds(97 * (number % 3) - 97);
        let day = begun.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let heard = world.night(&day, &[("etl", Verdict::Valid, OK)]).await;
        if !heard.is_empty() {
            said += &format!("{} {}\n", &day[..10], heard.replace('\n', "; "));
        }
    }
    insta::assert_snapshot!(said, @r"
    2026-11-01 ann@example.org: +etl rotation-handover warning; boss@example.org: +etl rotation-handover warning; Ops <ops@example.org>: +etl rotation-handover warning
    2026-11-08 ann@example.org: !etl rotation-handover warning; boss@example.org: !etl rotation-handover warning; Ops <ops@example.org>: !etl rotation-handover warning
    2026-11-15 ann@example.org: !etl rotation-handover critical; boss@example.org: !etl rotation-handover critical; Ops <ops@example.org>: !etl rotation-handover critical
    2026-11-16 ann@example.org: !etl rotation-handover critical; boss@example.org: !etl rotation-handover critical; Ops <ops@example.org>: !etl rotation-handover critical
    2026-11-17 ann@example.org: !etl rotation-handover critical; boss@example.org: !etl rotation-handover critical; Ops <ops@example.org>: !etl rotation-handover critical
    2026-11-18 ann@example.org: !etl rotation-handover critical; boss@example.org: !etl rotation-handover critical; Ops <ops@example.org>: !etl rotation-handover critical
    2026-11-19 ann@example.org: -etl rotation-handover Mended; boss@example.org: -etl rotation-handover Mended; ops@example.org: -etl rotation-handover Mended
    ");
}

#[tokio::test]
async fn who_puts_the_secret_in_hears_of_that_and_of_nothing_else() {
    let mut world = World::new(&[("etl", &["ann@example.org"])], &[]);
    world.hand_over = hand_over();
    insta::assert_snapshot!(world.night("2026-11-01", &[("etl", Verdict::AppDisabled, OK)]).await, @r"
    ann@example.org: +etl app-disabled critical, +etl rotation-handover warning
    Ops <ops@example.org>: +etl rotation-handover warning
    ");
    world.hand_over = None;
    insta::assert_snapshot!(world.night("2026-11-02", &[("etl", Verdict::AppDisabled, OK)]).await, @r"
    ann@example.org: -etl rotation-handover Mended
    ops@example.org: -etl rotation-handover Mended
    ");
}

#[tokio::test]
async fn a_reminder_that_could_not_be_sent_is_due_the_next_night() {
    let mut world = World::new(&[("etl", &[])], &[]);
    world.hand_over = hand_over();
    let rows: [Row<'_>; 1] = [("etl", Verdict::Valid, OK)];
    assert!(!world.night("2026-11-01", &rows).await.is_empty());
    world.answer("Ops <ops@example.org>", Sent::Kept("451".to_owned()));
    assert!(world.night("2026-11-08", &rows).await.contains("FAILS"));
    world.answer("Ops <ops@example.org>", Sent::Accepted);
    insta::assert_snapshot!(world.night("2026-11-09", &rows).await, @"Ops <ops@example.org>: !etl rotation-handover warning");
    assert_eq!(world.night("2026-11-10", &rows).await, "");
}
