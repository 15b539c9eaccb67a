//! Apps and judgements for the tests of memory and alerts.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    assess::{Assessment, Expiry, ExpirySource, Finding, FindingCode, Severity, Test, Verdict},
    inventory::{App, AssertionAudience, AuthMethod, Credential, Key, Origin, Registration, Subject, TokenEndpoint},
    period::Period,
    provider,
};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    let text = if text.contains('T') { text.to_owned() } else { format!("{text}T03:00:00Z") };
    text.parse().unwrap()
}

pub(crate) fn app(name: &str, owners: &[&str]) -> App {
    App {
        name: Arc::from(name),
        registration: Registration {
            provider: provider::named("entra").unwrap(),
            tenant: Some("contoso.example".to_owned()),
            token_endpoint: TokenEndpoint::Known("https://login.example.org/token".parse().unwrap()),
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
        owners: owners.iter().map(|owner| (*owner).to_owned()).collect(),
        tags: Arc::from([]),
        notes: None,
        runbook: None,
        used_by: None,
        enabled: true,
        origin: Some(Origin { file: std::path::Path::new("apps.yaml").into(), line: 1 }),
        warn: None,
        critical: None,
        credentials: vec![Credential {
            label: None,
            key: Key::Undeclared,
            secret_id: None,
            expires: None,
            created: None,
            rotate: None,
        }],
    }
}

/// What the judgement makes of a verdict and an end: expiring from the app's `warn` or 30 days on, critical from 7.
pub(crate) fn judged<'a>(app: &'a App, now: DateTime<Utc>, verdict: Verdict, end: Option<&str>) -> Assessment<'a> {
    let end = end.map(at);
    let left = end.map(|end| (end - now).num_seconds());
    let warn = app.warn.unwrap_or(Period::from_days(30)).as_delta().num_seconds();
    let mut findings = Vec::new();
    if let Some(code) = code_of(verdict) {
        findings.push(finding(code, verdict.severity(), &format!("The test ended as {}.", verdict.name())));
    }
    match left {
        Some(left) if left <= 0 => findings.push(finding(FindingCode::Expired, Severity::Critical, "It has expired.")),
        Some(left) if left <= warn => {
            let severity = if left <= 7 * 86_400 { Severity::Critical } else { Severity::Warning };
            findings.push(finding(FindingCode::Expiring, severity, "It expires soon."));
        }
        Some(_) => {}
        None => findings.push(finding(FindingCode::ExpiryUndeclared, Severity::Info, "No end is declared.")),
    }
    let severity = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok);
    Assessment {
        subject: Subject { app, credential: &app.credentials[0] },
        test: Test {
            verdict,
            secret_accepted: None,
            http_status: None,
            error: None,
            error_codes: Vec::new(),
            trace_id: None,
            correlation_id: None,
            attempts: 1,
            latency_ms: None,
            token_lifetime_seconds: None,
        },
        expiry: Expiry {
            at: end,
            never: false,
            days_left: left.map(|left| left.div_euclid(86_400)),
            source: end.map(|_| ExpirySource::Declared),
        },
        severity,
        findings,
        rotation: None,
    }
}

fn finding(code: FindingCode, severity: Severity, message: &str) -> Finding {
    let remedy = "Make a new secret and put it in its place.".to_owned();
    Finding { code, severity, message: message.to_owned(), remedy, since: None }
}

fn code_of(verdict: Verdict) -> Option<FindingCode> {
    Some(match verdict {
        Verdict::Valid | Verdict::Untested => return None,
        Verdict::InvalidSecret => FindingCode::InvalidSecret,
        Verdict::ExpiredSecret => FindingCode::ExpiredSecret,
        Verdict::Unreachable => FindingCode::Unreachable,
        Verdict::Throttled => FindingCode::Throttled,
        Verdict::AppDisabled => FindingCode::AppDisabled,
        Verdict::Activating => FindingCode::Activating,
        _ => FindingCode::Other,
    })
}
