//! What owners read.

use super::*;

fn entra(meaning: Meaning, code: u64) -> Observation {
    let mut observation = answered(meaning);
    if let Outcome::Answered(answer) = &mut observation.outcome {
        answer.error_codes = vec![code];
    }
    observation
}

#[test]
fn messages_carry_the_facts_and_no_control_characters() {
    let first = |app: &App, observation: &Observation| judged(app, observation).findings[0].message.clone();
    let past = declared("2026-11-01T00:00:00Z");
    let expired = entra(Meaning::SecretExpired, 7_000_222);
    insta::assert_snapshot!(first(&past, &expired), @"The secret expired on 2026-11-01, 21 days ago (AADSTS7000222, HTTP 401).");
    insta::assert_snapshot!(first(&app(), &expired), @"The server says that the secret has expired (AADSTS7000222, HTTP 401).");
    let wrong = entra(Meaning::SecretRefused, 7_000_215);
    insta::assert_snapshot!(first(&past, &wrong), @"The server refuses the secret (AADSTS7000215, HTTP 401); its declared end was 2026-11-01, so it has probably expired.");
    insta::assert_snapshot!(first(&app(), &wrong), @"The server refuses the secret as wrong (AADSTS7000215, HTTP 401).");
    insta::assert_snapshot!(first(&app(), &answered(Meaning::ClientUnknown)), @"No app with the client id 167071a1-0c9c-43c1-9c45-6dfd400a33ed is known in tenant example.org (invalid_client, HTTP 401).");
    insta::assert_snapshot!(first(&app(), &answered(Meaning::TenantUnknown)), @"Tenant example.org is not known at login.microsoftonline.com (invalid_client, HTTP 401).");
    insta::assert_snapshot!(first(&app(), &answered(Meaning::Unknown)), @r#"The server refuses the request for a reason credwatch does not know (invalid_client, HTTP 401): "Server's own words�."."#);
    insta::assert_snapshot!(first(&app(), &answered(Meaning::ServerFault)), @"login.microsoftonline.com failed, which says nothing about the secret (invalid_client, HTTP 401).");
    insta::assert_snapshot!(first(&declared("2026-11-22T01:00:00Z"), &offline()), @"The secret expires on 2026-11-22, in less than a day.");
    insta::assert_snapshot!(first(&declared(NOW), &offline()), @"The secret expired on 2026-11-21, less than a day ago.");
    insta::assert_snapshot!(first(&past, &answered(Meaning::Token)), @"The inventory says that the secret ended on 2026-11-01, but the server still accepts it.");
    insta::assert_snapshot!(first(&declared("2299-12-31T00:00:00Z"), &offline()), @"The secret never expires (its end is 2299-12-31).");
    let away = Observation::local(Outcome::Unreadable(Unreadable::Unresolved(
        "the variable PUZZEL_SECRET is not set".to_owned(),
    )));
    insta::assert_snapshot!(first(&app(), &away), @"The variable PUZZEL_SECRET is not set.");
    let page = Outcome::BadAnswer(BadAnswer::NotJson { status: 200, what: "a web page".to_owned() });
    insta::assert_snapshot!(first(&app(), &Observation::local(page)), @"The answer is not a token endpoint's (HTTP 200): a web page.");
    let internal = Observation::local(Outcome::Internal { location: "src/probe/run.rs:12".to_owned() });
    insta::assert_snapshot!(first(&app(), &internal), @"credwatch itself failed on this credential, at src/probe/run.rs:12.");
}

#[test]
fn a_pause_is_told_in_words_people_read() {
    for (seconds, said) in [
        (0, "0 s"),
        (119, "119 s"),
        (121, "3 min"),
        (7_200, "2 h"),
        (86_400, "24 h"),
        (1_000_000, "12 days"),
        (31_536_000, "more than a year"),
        (u64::MAX, "more than a year"),
    ] {
        let mut observation = answered(Meaning::Throttled);
        if let Outcome::Answered(answer) = &mut observation.outcome {
            answer.retry_after = Some(seconds);
        }
        let message = judged(&app(), &observation).findings[0].message.clone();
        assert!(message.contains(&format!(" and asks for a pause of {said} (")), "{message}");
    }
}

#[test]
fn a_changed_value_is_named_as_the_likely_slip() {
    let recall = Recall { value_changed: true, ..Recall::default() };
    let assessment = judged_with(&app(), &answered(Meaning::SecretRefused), &Policy::default(), &recall);
    let said =
        "The server refuses the secret as wrong (invalid_client, HTTP 401); the value is not the one of the last run.";
    assert_eq!(assessment.findings[0].message, said);
}

#[test]
fn a_remedy_names_provider_product_and_place() {
    let remedy = |app: &App, observation: &Observation| judged(app, observation).findings[0].remedy.clone();
    let text = remedy(&declared("2026-11-01T00:00:00Z"), &entra(Meaning::SecretExpired, 7_000_222));
    for part in [
        "Certificates & secrets",
        "167071a1-0c9c-43c1-9c45-6dfd400a33ed",
        "Puzzel Office 365 Connector",
        "the variable PUZZEL_SECRET",
        "`expires`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = remedy(&app(), &entra(Meaning::SecretRefused, 7_000_215));
    assert!(text.contains("expired"), "{text}");
    let mut app = app();
    app.runbook = Some("https://wiki.example.org/rotate".parse().unwrap());
    let text = remedy(&app, &answered(Meaning::TenantUnknown));
    assert!(text.ends_with("Runbook: https://wiki.example.org/rotate") && !text.contains("Puzzel"), "{text}");
}
