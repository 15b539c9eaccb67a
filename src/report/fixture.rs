//! Reports for the tests of this folder.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use chrono::{DateTime, Utc};

use super::{Report, SCHEMA};
use crate::{
    assess::{
        Assessment, Expiry, ExpirySource, Finding, FindingCode, Progress, Severity,
        Severity::{Critical, Info, Ok as Fine, Unknown, Warning},
        Standing, Summary, Test, Verdict,
    },
    inventory::{App, AssertionAudience, AuthMethod, Credential, Key, Origin, Registration, Subject, TokenEndpoint},
    provider,
    rotate::Stage,
    run::{Incomplete, Run},
    secret::SecretRef,
};

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn run() -> Run {
    Run {
        id: "0193511e-1f00-7000-8000-000000000001".to_owned(),
        started_at: at("2026-11-21T02:00:00Z"),
        last_run: Some(at("2026-11-18T02:00:00Z")),
        finished_at: at("2026-11-21T02:00:04Z"),
        version: "0.1.0".to_owned(),
        inventory: vec!["inventory/apps.yaml".to_owned()],
        shard: None,
        incomplete: vec![Incomplete::new("mail-undelivered", "smtp.example.org did not answer; kept for the next run")],
    }
}

pub fn app(name: &str, label: Option<&str>) -> App {
    App {
        name: name.into(),
        registration: Registration {
            provider: provider::named("oauth2").unwrap(),
            tenant: None,
            token_endpoint: TokenEndpoint::Known("https://id.example.org/token".parse().unwrap()),
            management: None,
            realm: None,
        }
        .into(),
        client_id: format!("client-of-{name}"),
        auth_method: AuthMethod::ClientSecretPost,
        auth_method_is_usual: false,
        assertion_audience: AssertionAudience::TokenEndpoint,
        assertion_alg: None,
        scope: None,
        params: BTreeMap::new(),
        owners: Arc::from(["owner@example.org".to_owned()]),
        tags: Arc::from([]),
        notes: None,
        runbook: None,
        used_by: None,
        enabled: true,
        origin: Some(Origin { file: Path::new("inventory/apps.yaml").into(), line: 7 }),
        warn: None,
        critical: None,
        credentials: vec![Credential {
            label: label.map(Arc::from),
            key: Key::Secret(SecretRef::Env("CANARY_REFERENCE".to_owned())),
            secret_id: None,
            expires: None,
            created: None,
            rotate: None,
        }],
    }
}

pub fn assessment<'a>(app: &'a App, verdict: Verdict, expiry: Expiry, findings: Vec<Finding>) -> Assessment<'a> {
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Fine);
    Assessment {
        subject: Subject { app, credential: &app.credentials[0] },
        test: Test {
            verdict,
            secret_accepted: match verdict {
                Verdict::Valid => Some(true),
                Verdict::ExpiredSecret => Some(false),
                _ => None,
            },
            http_status: (verdict == Verdict::Valid).then_some(200),
            error: None,
            error_codes: vec![],
            trace_id: None,
            correlation_id: None,
            attempts: 1,
            latency_ms: Some(84),
            token_lifetime_seconds: None,
        },
        expiry,
        severity: worst.max(verdict.severity()),
        findings,
        rotation: None,
    }
}

pub fn progress() -> Progress {
    Progress {
        id: "01M7Q5CQG00000000000000007".to_owned(),
        stage: Stage::HandOver,
        since: "2026-11-15T02:00:00Z".to_owned(),
        age_days: 6,
        next: "person:ops@example.org still needs the new secret, due 2026-11-29".to_owned(),
        turn: "person:ops@example.org".to_owned(),
        command: Some("credwatch claim etl".to_owned()),
    }
}

pub fn ends(day: &str, days_left: i64) -> Expiry {
    Expiry {
        at: Some(at(&format!("{day}T00:00:00Z"))),
        never: false,
        days_left: Some(days_left),
        source: Some(ExpirySource::Declared),
    }
}

pub const NEVER: Expiry = Expiry { at: None, never: true, days_left: None, source: Some(ExpirySource::Declared) };
pub const UNDECLARED: Expiry = Expiry { at: None, never: false, days_left: None, source: None };

pub fn finding(code: FindingCode, severity: Severity, message: &str, remedy: &str) -> Finding {
    let since = Some(at("2026-11-02T02:00:04Z"));
    Finding { code, severity, message: message.to_owned(), remedy: remedy.to_owned(), since }
}

/// A small estate: one credential of each severity, and one that never ends.
pub fn with_report<T>(use_it: impl FnOnce(&Report<'_>) -> T) -> T {
    let mut puzzel = app("puzzel-office365", None);
    puzzel.used_by = Some("puzzel".into());
    puzzel.runbook = "https://wiki.example.org/puzzel".parse().ok();
    puzzel.credentials[0].secret_id = Some("6befd701-d38a-45b1-bbad-79ddca296f85".to_owned());
    Arc::make_mut(&mut puzzel.registration).tenant = Some("example.org".to_owned());
    let apps = [
        app("warehouse-pipeline", None),
        puzzel,
        app("historian", Some("line-1")),
        app("historian", Some("line-2")),
        app("graph-sync", None),
        app("deskpro", None),
    ];
    let mut expired = assessment(
        &apps[1],
        Verdict::ExpiredSecret,
        ends("2026-11-01", -21),
        vec![finding(
            FindingCode::ExpiredSecret,
            Critical,
            "The secret has expired (AADSTS7000222).",
            "Create a new client secret under Certificates & secrets, then enter it in Puzzel under Organisation > Office 365.",
        )],
    );
    expired.test.error = Some("invalid_client".to_owned());
    expired.test.error_codes = vec![7_000_222];
    expired.test.http_status = Some(401);
    expired.test.trace_id = Some("6a1b".to_owned());
    let mut expiring = assessment(
        &apps[2],
        Verdict::Valid,
        ends("2026-12-03", 11),
        vec![finding(FindingCode::Expiring, Warning, "The secret ends in 11 days.", "Create its successor now.")],
    );
    expiring.rotation = Some(Box::new(Standing { progress: Some(progress()), ..Standing::default() }));
    let credentials = [
        assessment(&apps[0], Verdict::Valid, ends("2027-09-01", 283), vec![]),
        expired,
        expiring,
        assessment(
            &apps[3],
            Verdict::Valid,
            NEVER,
            vec![finding(FindingCode::NeverExpires, Warning, "The secret never ends.", "Give its successor an end.")],
        ),
        assessment(
            &apps[4],
            Verdict::Unreachable,
            ends("2027-03-01", 99),
            vec![finding(
                FindingCode::Unreachable,
                Unknown,
                "id.example.org did not answer within 30 s.",
                "Look at the network, then run it again.",
            )],
        ),
        assessment(
            &apps[5],
            Verdict::Valid,
            UNDECLARED,
            vec![finding(
                FindingCode::ExpiryUndeclared,
                Info,
                "Nobody has said when it ends.",
                "Write `expires` into the inventory.",
            )],
        ),
    ];
    use_it(&report(&credentials))
}

pub fn report<'a>(credentials: &'a [Assessment<'a>]) -> Report<'a> {
    Report {
        schema: SCHEMA,
        run: run(),
        summary: Summary::of(credentials),
        management: &[],
        credentials,
        last_success: Some(at("2026-11-20T02:00:05Z")),
        earlier_success: Some(at("2026-11-19T02:00:05Z")),
    }
}
