//! What the dates say, beside the answer.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Expiry, ExpirySource, FindingCode, Severity, Verdict,
    judge::{Case, Ours},
};
use crate::{
    clock::is_never,
    inventory::{Expires, Key, Subject},
    probe::{NotTested, Observation, Outcome},
    rotate::Own,
};

pub(super) const MILLIS_A_DAY: i64 = 86_400_000;

/// The end that counts: the certificate's own, else what the provider told of a value we made or sign in with, else the declared one.
pub(super) fn expiry(
    subject: Subject<'_>,
    observation: &Observation,
    own: Option<Own<'_>>,
    ours: Option<Ours>,
    now: DateTime<Utc>,
) -> Expiry {
    // The inventory's date is the predecessor's.
    let declared = subject.credential.expires.filter(|declared| own.is_none() || *declared == Expires::Never);
    let made = own.and_then(|own| own.made.end).or(ours.and_then(|ours| ours.end));
    let (at, source) = match (observation.certificate_end, made, declared) {
        (Some(end), ..) => (Some(end), Some(ExpirySource::Certificate)),
        (None, Some(end), _) => (Some(end), Some(ExpirySource::Provider)),
        (None, None, Some(Expires::At(end))) => (Some(end), Some(ExpirySource::Declared)),
        (None, None, Some(Expires::Never)) => (None, Some(ExpirySource::Declared)),
        (None, None, None) => (None, None),
    };
    let never = source.is_some() && at.is_none_or(is_never);
    let days_left = at.filter(|_| !never).map(|at| (at - now).num_milliseconds().div_euclid(MILLIS_A_DAY));
    Expiry { at, never, days_left, source }
}

/// What the dates give rise to. A secret the server calls expired has had its day: only a date that hid it is worth a word.
pub(super) fn findings(case: &Case<'_>) -> Vec<(FindingCode, Severity)> {
    let wrong = is_declared_wrong(case).then_some((FindingCode::DeclaredDateWrong, Severity::Warning));
    let other = match (case.expiry.source, end(case)) {
        // What nobody could have written down is no omission.
        (None, _) if case.recall.ours.is_some() => None,
        (None, _) => undeclared(case),
        _ if case.verdict == Verdict::ExpiredSecret => None,
        (Some(_), None) => {
            let severity = case.policy.never.severity();
            (severity > Severity::Ok).then_some((FindingCode::NeverExpires, severity))
        }
        (Some(_), Some(end)) if end <= case.now => expired(case),
        (Some(_), Some(end)) => expiring(case, end),
    };
    let long = is_too_long(case).then_some((FindingCode::LifetimeTooLong, Severity::Warning));
    wrong.into_iter().chain(other).chain(long).collect()
}

/// The end, unless it means never.
fn end(case: &Case<'_>) -> Option<DateTime<Utc>> {
    case.expiry.at.filter(|_| !case.expiry.never)
}

fn expired(case: &Case<'_>) -> Option<(FindingCode, Severity)> {
    let declared = case.expiry.source == Some(ExpirySource::Declared);
    let told = match case.accepted {
        // A declared date the server belies is the inventory's fault, not the secret's; a certificate's own date is a fact.
        Some(true) => declared,
        // The refusal's own message names the date.
        _ => case.verdict == Verdict::InvalidSecret,
    };
    (!told).then_some((FindingCode::Expired, Severity::Critical))
}

fn expiring(case: &Case<'_>, end: DateTime<Utc>) -> Option<(FindingCode, Severity)> {
    let app = case.subject.app;
    let warn = app.warn.unwrap_or(case.policy.warn);
    // An app that asks for a later warning than the policy's critical limit asks for a later alarm too.
    let usual = app.warn.map_or(case.policy.critical, |warn| case.policy.critical.min(warn));
    let critical = app.critical.unwrap_or(usual);
    let left = end - case.now;
    if left <= critical.as_delta() {
        Some((FindingCode::Expiring, Severity::Critical))
    } else {
        (left <= warn.as_delta()).then_some((FindingCode::Expiring, Severity::Warning))
    }
}

/// From its creation to its end; where nobody wrote down the creation, at least what is left.
fn is_too_long(case: &Case<'_>) -> bool {
    let Some(end) = end(case).filter(|end| *end > case.now && case.verdict != Verdict::ExpiredSecret) else {
        return false;
    };
    end - created(case).unwrap_or(case.now) > case.policy.max_lifetime.as_delta()
}

/// When the value in use was made, as far as anybody knows.
pub(super) fn created(case: &Case<'_>) -> Option<DateTime<Utc>> {
    case.own.map(|own| own.made_at).or(case.subject.credential.created)
}

/// A certificate that was not looked at may well carry its end.
fn undeclared(case: &Case<'_>) -> Option<(FindingCode, Severity)> {
    let unseen = matches!(
        case.observation.outcome,
        Outcome::Unreadable(_)
            | Outcome::NotTested(NotTested::Offline | NotTested::Disabled | NotTested::HostNotAllowed { .. })
    );
    let certificate = matches!(case.subject.credential.key, Key::Certificate { .. });
    (!(unseen && certificate)).then_some((FindingCode::ExpiryUndeclared, Severity::Info))
}

fn is_declared_wrong(case: &Case<'_>) -> bool {
    let Some(declared) = case.subject.credential.expires.filter(|_| case.own.is_none()) else { return false };
    let over = matches!(declared, Expires::At(at) if at <= case.now);
    match case.observation.certificate_end {
        Some(end) => !agree(declared, end),
        None if case.verdict == Verdict::ExpiredSecret => !over,
        None => over && case.accepted == Some(true),
    }
}

/// A declared day may be another time zone's: less than a day apart is the same date.
fn agree(declared: Expires, end: DateTime<Utc>) -> bool {
    match declared {
        Expires::Never => is_never(end),
        Expires::At(at) => (is_never(at) && is_never(end)) || (at - end).abs() < TimeDelta::days(1),
    }
}
