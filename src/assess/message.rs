//! What is wrong, in one sentence with the facts. Server texts are shown cleaned; secrets are never at hand here.

use chrono::{DateTime, Utc};

use super::{
    Expiry, ExpirySource, FindingCode,
    dates::{MILLIS_A_DAY, created},
    judge::{Case, answer},
    rotation,
};
use crate::{
    inventory::{Expires, Key, TokenEndpoint},
    probe::{Answer, BadAnswer, NotTested, Outcome, Unreadable},
    text::{printable, shortened},
};

/// Longest piece of a server's text in a message, characters.
const QUOTE: usize = 200;

pub(super) fn of(case: &Case<'_>, code: FindingCode) -> String {
    use FindingCode as Code;
    let noun = noun(case);
    let in_words = |sentence: &str| format!("{sentence}{}.", told(case));
    let quoted = |sentence: &str| format!("{sentence}{}{}.", told(case), quote(case));
    match code {
        Code::InvalidSecret => invalid_secret(case),
        Code::ExpiredSecret => expired_secret(case),
        Code::SecretIdInsteadOfValue => {
            "The value is a GUID, the shape of a secret ID and never of a secret; nothing was sent.".to_owned()
        }
        Code::AppNotFound => in_words(&app_not_found(case)),
        Code::TenantNotFound => in_words(&tenant_not_found(case)),
        Code::AppDisabled => in_words("The app is disabled, so nothing can sign in as it"),
        Code::PrincipalMissing => {
            in_words("The app or the resource it asks for has no service principal in the tenant")
        }
        Code::PolicyBlocked => quoted(&policy_blocked(case)),
        Code::BadRequest => quoted(&format!("The server refuses the request itself, so the {noun} was not judged")),
        Code::BadScope => quoted(&format!("The server refuses the scope or resource, so the {noun} was not judged")),
        Code::Throttled => in_words(&throttled(case)),
        Code::Transient => in_words(&format!("{} failed, which says nothing about the {noun}", capital(&host(case)))),
        Code::AssertionInvalid => quoted("The server refuses the signed assertion or the client certificate"),
        Code::Other => quoted("The server refuses the request for a reason credwatch does not know"),
        Code::Activating => {
            in_words(&format!("The server refuses the {noun}, but it is so new that not every server may know it yet"))
        }
        Code::Unreachable | Code::BadResponse | Code::Unreadable => outcome(case),
        Code::HostNotAllowed => host_not_allowed(case),
        Code::SecretHasWhitespace => "White space stands before or after the value; nothing was sent.".to_owned(),
        Code::SecretEmpty => "The value is empty; nothing was sent.".to_owned(),
        Code::InternalError => internal_error(case),
        Code::Expiring => ends(case, "expires"),
        Code::Expired => ends(case, "expired"),
        Code::NeverExpires => never_expires(case),
        Code::LifetimeTooLong => lifetime(case),
        Code::ExpiryUndeclared => {
            format!("Nobody has written down when the {noun} expires, so nobody can be warned.")
        }
        Code::DeclaredDateWrong => declared_wrong(case),
        Code::RotationUnderWay
        | Code::RotationHandover
        | Code::RotationBlocked
        | Code::RotationFailed
        | Code::OrphanLeft
        | Code::PredecessorKept
        | Code::PredecessorStillAccepted => rotation::message(case, code),
    }
}

fn app_not_found(case: &Case<'_>) -> String {
    let tenant = tenant(case).map(|tenant| format!(" in {tenant}")).unwrap_or_default();
    format!("No app with the client id {} is known{tenant}", printable(&case.subject.app.client_id))
}

fn tenant_not_found(case: &Case<'_>) -> String {
    let tenant = tenant(case).unwrap_or_else(|| "The tenant".to_owned());
    format!("{} is not known at {}", capital(&tenant), host(case))
}

fn policy_blocked(case: &Case<'_>) -> String {
    let noun = noun(case);
    match case.accepted {
        Some(true) => format!("The {noun} was accepted, but a policy blocks the token"),
        _ => format!("A policy blocks the request, which says nothing about the {noun}"),
    }
}

fn throttled(case: &Case<'_>) -> String {
    let wait = answer(case.observation).and_then(|answer| answer.retry_after);
    let wait = wait.map(|seconds| format!(" and asks for a pause of {}", pause(seconds))).unwrap_or_default();
    format!("{} has had too many requests{wait}", capital(&host(case)))
}

fn host_not_allowed(case: &Case<'_>) -> String {
    let host = match &case.observation.outcome {
        Outcome::NotTested(NotTested::HostNotAllowed { host }) => Some(printable(host)),
        _ => None,
    };
    let (host, there) = host.map_or(("The endpoint".to_owned(), ""), |host| (host, " there"));
    format!("{host} is not on the `allow` list of the settings, so the {} was not sent{there}.", noun(case))
}

fn internal_error(case: &Case<'_>) -> String {
    let place = match &case.observation.outcome {
        Outcome::Internal { location } => format!(", at {}", printable(location)),
        _ => String::new(),
    };
    format!("credwatch itself failed on this credential{place}.")
}

fn ends(case: &Case<'_>, verb: &str) -> String {
    let (day, when) = day_and_distance(case);
    format!("The {} {verb} on {day}, {when}{}.", noun(case), stake(case))
}

fn never_expires(case: &Case<'_>) -> String {
    let end = case.expiry.at.map(|at| format!(" (its end is {})", day(at))).unwrap_or_default();
    format!("The {} never expires{end}.", noun(case))
}

/// A length of time in the largest unit that still says it roughly; a server may name any number of seconds.
fn pause(seconds: u64) -> String {
    let (minute, hour, day, year) = (60, 3_600, 86_400, 31_536_000);
    match seconds {
        _ if seconds < 2 * minute => format!("{seconds} s"),
        _ if seconds < 2 * hour => format!("{} min", seconds.div_ceil(minute)),
        _ if seconds < 2 * day => format!("{} h", seconds.div_ceil(hour)),
        _ if seconds < year => format!("{} days", seconds.div_ceil(day)),
        _ => "more than a year".to_owned(),
    }
}

/// What the owner calls it.
pub(super) fn noun(case: &Case<'_>) -> &'static str {
    match (&case.subject.credential.key, case.recall.ours) {
        (Key::Certificate { .. }, None) => "certificate",
        (Key::Secret(_) | Key::Undeclared, None) => "secret",
        (Key::Certificate { .. }, Some(_)) => "certificate that credwatch itself signs in with",
        (Key::Secret(_) | Key::Undeclared, Some(_)) => "secret that credwatch itself signs in with",
    }
}

/// What hangs on it, where that is more than itself.
fn stake(case: &Case<'_>) -> &'static str {
    if case.recall.ours.is_some() { "; without it no secret is rotated" } else { "" }
}

fn invalid_secret(case: &Case<'_>) -> String {
    let changed = if case.recall.value_changed { "; the value is not the one of the last run" } else { "" };
    let (told, noun) = (told(case), noun(case));
    match case.expiry {
        Expiry { at: Some(at), never: false, source, .. } if at <= case.now => {
            let declared = if source == Some(ExpirySource::Declared) { "declared " } else { "" };
            format!(
                "The server refuses the {noun}{told}; its {declared}end was {}, so it has probably expired{changed}.",
                day(at)
            )
        }
        _ => format!("The server refuses the {noun} as wrong{told}{changed}{}.", stake(case)),
    }
}

fn expired_secret(case: &Case<'_>) -> String {
    match case.expiry {
        Expiry { at: Some(at), .. } if at <= case.now => {
            let (day, when) = day_and_distance(case);
            format!("The {} expired on {day}, {when}{}{}.", noun(case), told(case), stake(case))
        }
        _ => format!("The server says that the {} has expired{}{}.", noun(case), told(case), stake(case)),
    }
}

fn lifetime(case: &Case<'_>) -> String {
    let noun = noun(case);
    let end = case.expiry.at.unwrap_or(case.now);
    let limit = case.policy.max_lifetime;
    match created(case) {
        Some(created) => {
            let days = (end - created).num_days();
            format!("The {noun} lives {days} days, from {} to {}; the policy allows {limit}.", day(created), day(end))
        }
        None => format!(
            "The {noun} still has {} days, until {}; the policy allows {limit} in all.",
            (end - case.now).num_days(),
            day(end)
        ),
    }
}

fn declared_wrong(case: &Case<'_>) -> String {
    let noun = noun(case);
    let declared = match case.subject.credential.expires {
        Some(Expires::At(at)) if at <= case.now => format!("The inventory says that the {noun} ended on {}", day(at)),
        Some(Expires::At(at)) => format!("The inventory says that the {noun} ends on {}", day(at)),
        Some(Expires::Never) | None => format!("The inventory says that the {noun} never ends"),
    };
    match (case.observation.certificate_end, case.accepted) {
        (Some(end), _) => format!("{declared}, but the certificate itself says {}.", day(end)),
        (None, Some(true)) => format!("{declared}, but the server still accepts it."),
        (None, _) => format!("{declared}, but the server says it has expired."),
    }
}

fn outcome(case: &Case<'_>) -> String {
    let sentence = match &case.observation.outcome {
        Outcome::Unreachable(gone) => printable(gone.sentence()),
        Outcome::Unreadable(Unreadable::Unresolved(why) | Unreadable::BadKey(why)) => printable(why),
        Outcome::BadAnswer(BadAnswer::Redirect { status }) => {
            format!("{} answers with a redirect (HTTP {status}), which credwatch never follows", host(case))
        }
        Outcome::BadAnswer(BadAnswer::TooLarge { status }) => {
            format!("the answer is far too large for a token (HTTP {status})")
        }
        Outcome::BadAnswer(BadAnswer::NotJson { status, what }) => {
            format!("the answer is not a token endpoint's (HTTP {status}): {}", shortened(what, QUOTE))
        }
        _ => format!("the answer is not a token endpoint's{}", told(case)),
    };
    format!("{}.", capital(sentence.trim_end_matches('.')))
}

/// ` (AADSTS7000215, HTTP 401)`: what support asks for first.
fn told(case: &Case<'_>) -> String {
    let Some(Answer { status, error, error_codes, .. }) = answer(case.observation) else { return String::new() };
    let codes = error_codes.iter().map(|code| format!("AADSTS{code}"));
    let error = error.iter().filter(|_| error_codes.is_empty()).map(|error| shortened(error, 60));
    let parts: Vec<String> = codes.chain(error).chain([format!("HTTP {status}")]).collect();
    format!(" ({})", parts.join(", "))
}

fn quote(case: &Case<'_>) -> String {
    let text = answer(case.observation).and_then(|answer| answer.description.as_deref());
    text.map(|text| format!(": \"{}\"", shortened(text.trim(), QUOTE))).unwrap_or_default()
}

pub(super) fn host(case: &Case<'_>) -> String {
    let (TokenEndpoint::Known(url) | TokenEndpoint::Discover { issuer: url }) =
        &case.subject.app.registration.token_endpoint;
    url.host_str().map_or_else(|| "the server".to_owned(), printable)
}

fn tenant(case: &Case<'_>) -> Option<String> {
    let registration = &case.subject.app.registration;
    let realm = registration.realm.as_ref().map(|realm| format!("realm {}", printable(realm)));
    realm.or_else(|| registration.tenant.as_ref().map(|tenant| format!("tenant {}", printable(tenant))))
}

fn capital(text: &str) -> String {
    // A host's name and a reference are spelt as they are.
    let mut letters = text.chars();
    let is_reference = text.split(' ').next().is_some_and(|word| word.contains(':'));
    match letters.next() {
        Some(first) if text.contains(' ') && !is_reference => first.to_uppercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

pub(super) fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

fn day_and_distance(case: &Case<'_>) -> (String, String) {
    let at = case.expiry.at.unwrap_or(case.now);
    let days = |days: u64| match days {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    // Counted as `days_left` is, so that a report never says both 9 and 10.
    let left = (at - case.now).num_milliseconds().div_euclid(MILLIS_A_DAY);
    let when = match u64::try_from(left) {
        Ok(left) if at > case.now => format!("in {}", days(left)),
        _ => format!("{} ago", days(left.unsigned_abs())),
    };
    (day(at), when)
}
