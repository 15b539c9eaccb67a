//! What waits for a person.

use super::*;

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
