//! Whole nights on a state in memory: what is learned, what is due, who hears it.

mod hand_over;
mod undelivered;

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

/// `serve` runs the job on any worker.
#[test]
fn delivering_may_move_between_threads() {
    fn movable<F: Future + Send>(
        _: impl FnOnce(Desk<'static>, &'static mut dyn State, &'static Tonight<'static>) -> F,
    ) {
    }
    movable(|desk, state, tonight| async move { deliver(&desk, state, tonight, &CancellationToken::new()).await });
}
