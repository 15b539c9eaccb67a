//! The judgement, table by table: verdicts, dates, findings.

mod words;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::*;
use crate::{
    assess::{ExpirySource, NeverPolicy},
    inventory::{
        App, AssertionAudience, AuthMethod, Credential, Expires, Key, Registration, SigningAlgorithm, TokenEndpoint,
    },
    period::Period,
    probe::Unreachable,
    provider::named,
    rotate::fixture::{NEW, known, placed},
    secret::SecretRef,
};

const NOW: &str = "2026-11-21T02:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn app() -> App {
    let key = Key::Secret(SecretRef::Env("PUZZEL_SECRET".to_owned()));
    App {
        name: "puzzel-office365".into(),
        registration: Registration {
            provider: named("entra").unwrap(),
            tenant: Some("example.org".to_owned()),
            token_endpoint: TokenEndpoint::Known(
                "https://login.microsoftonline.com/example.org/oauth2/v2.0/token".parse().unwrap(),
            ),
            management: None,
            realm: None,
        }
        .into(),
        client_id: "167071a1-0c9c-43c1-9c45-6dfd400a33ed".to_owned(),
        auth_method: AuthMethod::ClientSecretPost,
        auth_method_is_usual: false,
        assertion_audience: AssertionAudience::TokenEndpoint,
        assertion_alg: None::<SigningAlgorithm>,
        scope: None,
        params: BTreeMap::new(),
        owners: [].into(),
        tags: [].into(),
        notes: None,
        runbook: None,
        used_by: Some("puzzel".into()),
        enabled: true,
        origin: None,
        warn: None,
        critical: None,
        credentials: vec![Credential { label: None, key, secret_id: None, expires: None, created: None, rotate: None }],
    }
}

fn declared(end: &str) -> App {
    let mut app = app();
    app.credentials[0].expires = Some(if end == "never" { Expires::Never } else { Expires::At(at(end)) });
    app
}

fn certificate(end: Option<&str>) -> App {
    let mut app = end.map_or_else(app, declared);
    app.credentials[0].key = Key::Certificate { pem: SecretRef::File(PathBuf::from("/etc/c.pem")), key_id: None };
    app
}

fn answered(meaning: Meaning) -> Observation {
    let outcome = Outcome::Answered(Answer {
        meaning,
        status: 401,
        error: Some("invalid_client".to_owned()),
        error_codes: vec![],
        description: Some("Server's own words\u{202e}.".to_owned()),
        trace_id: None,
        token_lifetime: None,
        retry_after: None,
    });
    Observation { attempts: 1, latency: Some(Duration::from_millis(84)), ..Observation::local(outcome) }
}

fn judged(app: &App, observation: &Observation) -> Assessment<'static> {
    judged_with(app, observation, &Policy::default(), &Recall::default())
}

fn judged_with(app: &App, observation: &Observation, policy: &Policy, recall: &Recall<'_>) -> Assessment<'static> {
    let app: &'static App = Box::leak(Box::new(app.clone()));
    let subject = Subject { app, credential: &app.credentials[0] };
    assess(subject, observation, policy, at(NOW), recall)
}

/// `code:severity` of every finding.
fn found(assessment: &Assessment<'_>) -> Vec<String> {
    assessment.findings.iter().map(|finding| format!("{}:{}", finding.code, finding.severity)).collect()
}

fn offline() -> Observation {
    Observation::local(Outcome::NotTested(NotTested::Offline))
}

#[test]
fn every_meaning_has_its_verdict_acceptance_and_finding() {
    let app = declared("2027-06-01T00:00:00Z");
    for (meaning, verdict, accepted, findings) in [
        (Meaning::Token, "valid", Some(true), ""),
        (Meaning::SecretRefused, "invalid_secret", Some(false), "invalid-secret:critical"),
        (Meaning::ClientUnknown, "app_not_found", None, "app-not-found:critical"),
        (Meaning::TenantUnknown, "tenant_not_found", None, "tenant-not-found:critical"),
        (Meaning::ClientDisabled, "app_disabled", None, "app-disabled:critical"),
        (Meaning::PrincipalMissing, "principal_missing", None, "principal-missing:critical"),
        (Meaning::AssertionRefused, "assertion_invalid", None, "assertion-invalid:critical"),
        (Meaning::PolicyBlocked { authenticated: true }, "policy_blocked", Some(true), "policy-blocked:warning"),
        (Meaning::PolicyBlocked { authenticated: false }, "policy_blocked", None, "policy-blocked:warning"),
        (Meaning::RequestRefused, "bad_request", None, "bad-request:unknown"),
        (Meaning::ScopeRefused, "bad_scope", None, "bad-scope:unknown"),
        (Meaning::Throttled, "throttled", None, "throttled:unknown"),
        (Meaning::ServerFault, "transient", None, "transient:unknown"),
        (Meaning::NotATokenAnswer, "bad_response", None, "bad-response:unknown"),
        (Meaning::Unknown, "other", None, "other:unknown"),
    ] {
        let assessment = judged(&app, &answered(meaning));
        assert_eq!(assessment.test.verdict.name(), verdict);
        assert_eq!(assessment.test.secret_accepted, accepted, "{verdict}");
        assert_eq!(found(&assessment).join(" "), findings, "{verdict}");
        assert_eq!(assessment.severity, assessment.test.verdict.severity(), "{verdict}");
        assert_eq!((assessment.test.http_status, assessment.test.latency_ms), (Some(401), Some(84)));
    }
}

#[test]
fn what_never_became_an_answer_is_judged_too() {
    let app = declared("2027-06-01T00:00:00Z");
    let host = "id.example.org".to_owned();
    for (outcome, verdict, findings, status) in [
        (Outcome::NotTested(NotTested::Offline), "untested", "", None),
        (Outcome::NotTested(NotTested::Disabled), "untested", "", None),
        (Outcome::NotTested(NotTested::NothingDeclared), "untested", "", None),
        (Outcome::NotTested(NotTested::HostNotAllowed { host }), "untested", "host-not-allowed:critical", None),
        (
            Outcome::Unreadable(Unreadable::Unresolved("env:X is not set".to_owned())),
            "unreadable",
            "unreadable:unknown",
            None,
        ),
        (
            Outcome::Unreadable(Unreadable::BadKey("no certificate".to_owned())),
            "unreadable",
            "unreadable:unknown",
            None,
        ),
        (Outcome::Unreadable(Unreadable::Whitespace), "unreadable", "secret-has-whitespace:unknown", None),
        (Outcome::Unreadable(Unreadable::Empty), "unreadable", "secret-empty:unknown", None),
        (Outcome::SecretId, "secret_id_instead_of_value", "secret-id-instead-of-value:critical", None),
        (
            Outcome::Unreachable(Unreachable::Timeout("no answer within 30 s".to_owned())),
            "unreachable",
            "unreachable:unknown",
            None,
        ),
        (Outcome::BadAnswer(BadAnswer::Redirect { status: 307 }), "bad_response", "bad-response:unknown", Some(307)),
        (Outcome::BadAnswer(BadAnswer::TooLarge { status: 200 }), "bad_response", "bad-response:unknown", Some(200)),
        (Outcome::Internal { location: "src/x.rs:1".to_owned() }, "other", "internal-error:unknown", None),
    ] {
        let assessment = judged(&app, &Observation::local(outcome));
        assert_eq!((assessment.test.verdict.name(), found(&assessment).join(" ").as_str()), (verdict, findings));
        assert_eq!((assessment.test.http_status, assessment.test.attempts), (status, 0), "{verdict}");
        let refused = verdict == "secret_id_instead_of_value";
        assert_eq!(assessment.test.secret_accepted, refused.then_some(false), "{verdict}");
    }
}

#[test]
fn only_a_wrong_secret_within_the_window_is_not_yet_active() {
    let made = |created: Option<&str>, rotated: Option<&'static str>, meaning| {
        let mut app = declared("2027-06-01T00:00:00Z");
        app.credentials[0].created = created.map(at);
        let known = rotated.map(|rotated| known(placed("puzzel-office365", rotated)));
        let recall = Recall { value: Some(NEW), known: known.as_ref(), ..Recall::default() };
        let assessment = judged_with(&app, &answered(meaning), &Policy::default(), &recall);
        (assessment.test.verdict, assessment.test.secret_accepted)
    };
    let activating = (Verdict::Activating, None);
    let invalid = (Verdict::InvalidSecret, Some(false));
    let refused = Meaning::SecretRefused;
    assert_eq!(made(Some("2026-11-21T01:45:00Z"), None, refused), activating);
    assert_eq!(made(Some("2026-11-21T02:01:00Z"), None, refused), activating);
    assert_eq!(made(None, Some("2026-11-21T01:50:00Z"), refused), activating);
    assert_eq!(made(Some("2026-11-21T01:44:59Z"), None, refused), invalid);
    assert_eq!(made(None, Some("2026-11-21T01:44:59Z"), refused), invalid);
    assert_eq!(made(Some("2027-01-01T00:00:00Z"), None, refused), invalid);
    assert_eq!(made(None, None, refused), invalid);
    assert_eq!(made(Some("2026-11-21T01:59:00Z"), None, Meaning::SecretExpired).0, Verdict::ExpiredSecret);
    assert_eq!(made(Some("2026-11-21T01:59:00Z"), None, Meaning::ClientUnknown).0, Verdict::AppNotFound);
}

#[test]
fn the_days_left_are_floored_and_never_has_none() {
    for (end, days, never, kept) in [
        ("2026-11-22T02:00:00Z", Some(1), false, true),
        ("2026-11-22T01:59:59Z", Some(0), false, true),
        ("2026-11-21T02:00:00Z", Some(0), false, true),
        ("2026-11-21T01:59:59Z", Some(-1), false, true),
        ("2026-11-01T00:00:00Z", Some(-21), false, true),
        ("2299-12-29T00:00:00Z", Some(99_748), false, true),
        ("2299-12-30T00:00:00Z", None, true, true),
        ("9999-12-31T00:00:00Z", None, true, true),
        ("never", None, true, false),
    ] {
        let expiry = judged(&declared(end), &offline()).expiry;
        assert_eq!((expiry.days_left, expiry.never, expiry.at.is_some()), (days, never, kept), "{end}");
        assert_eq!(expiry.source, Some(ExpirySource::Declared));
    }
    let expiry = judged(&app(), &offline()).expiry;
    assert_eq!(expiry, Expiry { at: None, never: false, days_left: None, source: None });
}

#[test]
fn the_dates_alone_give_these_findings() {
    for (end, findings) in [
        ("2026-12-22T02:00:00Z", ""),
        ("2026-12-21T02:00:00Z", "expiring:warning"),
        ("2026-11-28T02:00:01Z", "expiring:warning"),
        ("2026-11-28T02:00:00Z", "expiring:critical"),
        ("2026-11-21T02:00:01Z", "expiring:critical"),
        ("2026-11-21T02:00:00Z", "expired:critical"),
        ("2020-01-01T00:00:00Z", "expired:critical"),
        ("2028-11-20T02:00:00Z", ""),
        ("2028-11-20T02:00:01Z", "lifetime-too-long:warning"),
        ("2299-12-31T00:00:00Z", "never-expires:warning"),
        ("never", "never-expires:warning"),
    ] {
        for observation in [offline(), answered(Meaning::ServerFault)] {
            let dates: Vec<String> = found(&judged(&declared(end), &observation));
            let dates: Vec<String> = dates.into_iter().filter(|code| !code.starts_with("transient")).collect();
            assert_eq!(dates.join(" "), findings, "{end}");
        }
    }
    assert_eq!(found(&judged(&app(), &offline())), ["expiry-undeclared:info"]);
    assert_eq!(judged(&app(), &offline()).severity, Severity::Info);
}

#[test]
fn an_apps_own_limits_come_before_the_policys() {
    let with = |end: &str, warn: Option<u64>, critical: Option<u64>| {
        let mut app = declared(end);
        (app.warn, app.critical) = (warn.map(Period::from_days), critical.map(Period::from_days));
        found(&judged(&app, &offline())).join(" ")
    };
    assert_eq!(with("2027-01-10T02:00:00Z", Some(60), None), "expiring:warning");
    assert_eq!(with("2027-01-10T02:00:00Z", Some(60), Some(50)), "expiring:critical");
    assert_eq!(with("2026-11-26T02:00:00Z", Some(3), None), "");
    assert_eq!(with("2026-11-23T02:00:00Z", Some(3), None), "expiring:critical");
    assert_eq!(with("2026-12-10T02:00:00Z", None, Some(20)), "expiring:critical");
    let early = Policy { critical: Period::from_days(60), ..Policy::default() };
    let in_40_days = judged_with(&declared("2026-12-31T02:00:00Z"), &offline(), &early, &Recall::default());
    assert_eq!(found(&in_40_days), ["expiring:critical"], "`critical` decides, also before `warn`");
    let never = Policy { never: NeverPolicy::Ok, ..Policy::default() };
    assert!(judged_with(&declared("never"), &offline(), &never, &Recall::default()).findings.is_empty());
    let never = Policy { never: NeverPolicy::Critical, ..Policy::default() };
    assert_eq!(
        found(&judged_with(&declared("never"), &offline(), &never, &Recall::default())),
        ["never-expires:critical"]
    );
}

#[test]
fn a_lifetime_counts_from_its_creation_where_that_is_known() {
    let mut app = declared("2027-06-01T00:00:00Z");
    app.credentials[0].created = Some(at("2025-06-01T00:00:00Z"));
    assert_eq!(found(&judged(&app, &offline())), Vec::<String>::new());
    app.credentials[0].created = Some(at("2025-05-31T00:00:00Z"));
    let assessment = judged(&app, &offline());
    assert_eq!(found(&assessment), ["lifetime-too-long:warning"]);
    let said = "The secret lives 731 days, from 2025-05-31 to 2027-06-01; the policy allows 730d.";
    assert_eq!(assessment.findings[0].message, said);
}

#[test]
fn the_answer_and_the_date_are_held_against_each_other() {
    use Meaning::{PolicyBlocked, SecretExpired, SecretRefused, Token};
    let (past, future) = ("2026-11-01T00:00:00Z", "2027-03-01T00:00:00Z");
    for (end, meaning, findings) in [
        (past, SecretExpired, "expired-secret:critical"),
        (past, SecretRefused, "invalid-secret:critical"),
        (past, Token, "declared-date-wrong:warning"),
        (past, PolicyBlocked { authenticated: true }, "policy-blocked:warning declared-date-wrong:warning"),
        (past, PolicyBlocked { authenticated: false }, "expired:critical policy-blocked:warning"),
        (past, Meaning::ClientUnknown, "app-not-found:critical expired:critical"),
        (future, SecretExpired, "expired-secret:critical declared-date-wrong:warning"),
        ("never", SecretExpired, "expired-secret:critical declared-date-wrong:warning"),
        ("2299-12-31T00:00:00Z", SecretExpired, "expired-secret:critical declared-date-wrong:warning"),
        ("2026-11-25T00:00:00Z", SecretExpired, "expired-secret:critical declared-date-wrong:warning"),
        ("2026-11-25T00:00:00Z", SecretRefused, "invalid-secret:critical expiring:critical"),
        (future, Token, ""),
    ] {
        assert_eq!(found(&judged(&declared(end), &answered(meaning))).join(" "), findings, "{end} {meaning:?}");
    }
    let assessment = judged(&app(), &answered(SecretExpired));
    assert_eq!(found(&assessment), ["expired-secret:critical", "expiry-undeclared:info"]);
}

#[test]
fn a_certificates_own_end_is_the_one_that_counts() {
    let seen = |declared: Option<&str>, end: &str, meaning| {
        let observation = Observation { certificate_end: Some(at(end)), ..answered(meaning) };
        let assessment = judged(&certificate(declared), &observation);
        assert_eq!(assessment.expiry.source, Some(ExpirySource::Certificate));
        assert_eq!(assessment.expiry.at, Some(at(end)));
        found(&assessment).join(" ")
    };
    let far = "2027-03-01T14:22:11Z";
    assert_eq!(seen(None, far, Meaning::Token), "");
    assert_eq!(seen(Some("2027-03-01T00:00:00Z"), far, Meaning::Token), "");
    assert_eq!(seen(Some("2027-03-02T00:00:00Z"), far, Meaning::Token), "");
    assert_eq!(seen(Some("2027-03-03T00:00:00Z"), far, Meaning::Token), "declared-date-wrong:warning");
    assert_eq!(seen(Some("never"), far, Meaning::Token), "declared-date-wrong:warning");
    assert_eq!(seen(Some("never"), "9999-12-31T00:00:00Z", Meaning::Token), "never-expires:warning");
    assert_eq!(
        seen(Some("2027-03-01T00:00:00Z"), "2026-11-25T00:00:00Z", Meaning::Token),
        "expiring:critical declared-date-wrong:warning"
    );
    assert_eq!(seen(None, "2026-11-01T00:00:00Z", Meaning::Token), "expired:critical");
    assert_eq!(found(&judged(&certificate(None), &offline())), Vec::<String>::new());
    assert_eq!(found(&judged(&certificate(None), &answered(Meaning::Token))), ["expiry-undeclared:info"]);
}
