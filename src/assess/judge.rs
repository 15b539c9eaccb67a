//! From one observation to its judgement.

use chrono::{DateTime, Utc};

use super::{
    Assessment, Expiry, Finding, FindingCode, Policy, Severity, Test, Verdict, dates, message, remedy, rotation::Facts,
};
use crate::{
    inventory::Subject,
    probe::{Answer, BadAnswer, NotTested, Observation, Outcome, Unreadable},
    provider::Meaning,
    rotate::{Known, Own},
    secret::Fingerprint,
};

/// What earlier runs know of a credential; the default knows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recall<'r> {
    /// The value is not the one the last run saw.
    pub value_changed: bool,
    /// Of the value in use, as it was last seen.
    pub value: Option<Fingerprint>,
    /// Its rotations.
    pub known: Option<&'r Known>,
    /// It is what credwatch itself signs in with.
    pub ours: Option<Ours>,
}

/// A credential of credwatch's own: the settings name it, and no inventory says when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ours {
    /// As its provider tells it; `None`: not to be known.
    pub end: Option<DateTime<Utc>>,
}

/// Everything a judgement looks at.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) observation: &'a Observation,
    pub(super) policy: &'a Policy,
    pub(super) now: DateTime<Utc>,
    pub(super) recall: &'a Recall<'a>,
    /// The value in use, where we made it.
    pub(super) own: Option<Own<'a>>,
    pub(super) rotation: Option<&'a Facts<'a>>,
    pub(super) verdict: Verdict,
    /// `None`: the answer says nothing about the secret.
    pub(super) accepted: Option<bool>,
    pub(super) expiry: Expiry,
}

/// Judges one credential at `now`; pure. `since` of the findings is left open: only the state knows it.
#[must_use]
pub fn assess<'a>(
    subject: Subject<'a>,
    observation: &Observation,
    policy: &Policy,
    now: DateTime<Utc>,
    recall: &Recall<'_>,
) -> Assessment<'a> {
    let own = recall.value.and_then(|value| recall.known?.own(value));
    let facts = Facts::of(subject, recall.known, now);
    let verdict = verdict(subject, &observation.outcome, policy, now, own);
    let accepted = accepted(verdict, answer(observation));
    let expiry = dates::expiry(subject, observation, own, recall.ours, now);
    let rotation = facts.as_ref();
    let case = Case { subject, observation, policy, now, recall, own, rotation, verdict, accepted, expiry };
    let mut findings: Vec<Finding> = code(&case)
        .map(|(code, severity)| finding(&case, code, severity))
        .into_iter()
        .chain(dates::findings(&case).into_iter().map(|(code, severity)| finding(&case, code, severity)))
        .chain(
            rotation
                .iter()
                .flat_map(|facts| facts.findings(&case))
                .map(|(code, severity)| finding(&case, code, severity)),
        )
        .collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let severity = findings.iter().map(|finding| finding.severity).fold(verdict.severity(), Severity::max);
    let key_id = own.and_then(|own| own.made.key_id.as_ref());
    let standing = rotation.map(|facts| Box::new(facts.standing(key_id, now)));
    Assessment { subject, test: test(&case), expiry, severity, findings, rotation: standing }
}

fn verdict(
    subject: Subject<'_>,
    outcome: &Outcome,
    policy: &Policy,
    now: DateTime<Utc>,
    own: Option<Own<'_>>,
) -> Verdict {
    match outcome {
        Outcome::NotTested(_) => Verdict::Untested,
        Outcome::Unreadable(_) => Verdict::Unreadable,
        Outcome::SecretId => Verdict::SecretIdInsteadOfValue,
        Outcome::Unreachable(_) => Verdict::Unreachable,
        Outcome::BadAnswer(_) => Verdict::BadResponse,
        Outcome::Internal { .. } => Verdict::Other,
        Outcome::Answered(answer) => match of(answer.meaning) {
            // Providers spread a new secret over minutes. Only a *wrong* secret can be "not yet"; an expired one never is.
            Verdict::InvalidSecret if is_new(subject, policy, now, own) => Verdict::Activating,
            verdict => verdict,
        },
    }
}

pub(super) fn of(meaning: Meaning) -> Verdict {
    match meaning {
        Meaning::Token => Verdict::Valid,
        Meaning::SecretRefused => Verdict::InvalidSecret,
        Meaning::SecretExpired => Verdict::ExpiredSecret,
        Meaning::ClientUnknown => Verdict::AppNotFound,
        Meaning::TenantUnknown => Verdict::TenantNotFound,
        Meaning::ClientDisabled => Verdict::AppDisabled,
        Meaning::PrincipalMissing => Verdict::PrincipalMissing,
        Meaning::PolicyBlocked { .. } => Verdict::PolicyBlocked,
        Meaning::RequestRefused => Verdict::BadRequest,
        Meaning::ScopeRefused => Verdict::BadScope,
        Meaning::AssertionRefused => Verdict::AssertionInvalid,
        Meaning::Throttled => Verdict::Throttled,
        Meaning::ServerFault => Verdict::Transient,
        Meaning::NotATokenAnswer => Verdict::BadResponse,
        Meaning::Unknown => Verdict::Other,
    }
}

/// Made or rotated within the activation window. A `created` slightly ahead is another machine's clock.
fn is_new(subject: Subject<'_>, policy: &Policy, now: DateTime<Utc>, own: Option<Own<'_>>) -> bool {
    let window = policy.activation.as_delta();
    let made = [subject.credential.created, own.map(|own| own.new_at)];
    made.into_iter().flatten().any(|made| (now - made).abs() <= window)
}

/// Only what the provider is known to have checked counts.
fn accepted(verdict: Verdict, answer: Option<&Answer>) -> Option<bool> {
    match verdict {
        Verdict::Valid => Some(true),
        Verdict::InvalidSecret | Verdict::ExpiredSecret | Verdict::SecretIdInsteadOfValue => Some(false),
        Verdict::PolicyBlocked => {
            let authenticated = Meaning::PolicyBlocked { authenticated: true };
            answer.is_some_and(|answer| answer.meaning == authenticated).then_some(true)
        }
        _ => None,
    }
}

/// The finding for how the test ended; the more telling one where a verdict covers several causes.
fn code(case: &Case<'_>) -> Option<(FindingCode, Severity)> {
    let severity = case.verdict.severity();
    match &case.observation.outcome {
        Outcome::NotTested(NotTested::HostNotAllowed { .. }) => Some((FindingCode::HostNotAllowed, Severity::Critical)),
        Outcome::Unreadable(Unreadable::Whitespace) => Some((FindingCode::SecretHasWhitespace, severity)),
        Outcome::Unreadable(Unreadable::Empty) => Some((FindingCode::SecretEmpty, severity)),
        Outcome::Internal { .. } => Some((FindingCode::InternalError, severity)),
        _ => case.verdict.finding().map(|code| (code, severity)),
    }
}

fn finding(case: &Case<'_>, code: FindingCode, severity: Severity) -> Finding {
    Finding { code, severity, message: message::of(case, code), remedy: remedy::of(case, code), since: None }
}

pub(super) fn answer(observation: &Observation) -> Option<&Answer> {
    match &observation.outcome {
        Outcome::Answered(answer) => Some(answer),
        _ => None,
    }
}

fn test(case: &Case<'_>) -> Test {
    let observation = case.observation;
    let answer = answer(observation);
    let http_status = match &observation.outcome {
        Outcome::Answered(answer) => Some(answer.status),
        Outcome::BadAnswer(
            BadAnswer::Redirect { status } | BadAnswer::TooLarge { status } | BadAnswer::NotJson { status, .. },
        ) => Some(*status),
        _ => None,
    };
    Test {
        verdict: case.verdict,
        secret_accepted: case.accepted,
        http_status,
        error: answer.and_then(|answer| answer.error.clone()),
        error_codes: answer.map(|answer| answer.error_codes.clone()).unwrap_or_default(),
        trace_id: answer.and_then(|answer| answer.trace_id.clone()),
        correlation_id: observation.correlation_id.clone(),
        attempts: observation.attempts,
        latency_ms: observation.latency.map(|latency| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)),
        token_lifetime_seconds: answer.and_then(|answer| answer.token_lifetime),
    }
}

#[cfg(test)]
mod tests;
