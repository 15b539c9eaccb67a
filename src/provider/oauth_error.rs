//! What an answer means by RFC 6749 alone: the `error` member first, then the status. Status codes mislead (Apigee
//! answers 500 for an unknown client, Twitch 403 for a wrong secret, Slack 200 for any error).

use super::{Meaning, Reply, Sent};

/// Words of RFC 6749 section 5.2, RFC 8707 and Entra that also stand in logs and exceptions.
const PROTOCOL: [&str; 15] = [
    "invalid_client",
    "unauthorized_client",
    "invalid_grant",
    "invalid_scope",
    "invalid_request",
    "invalid_resource",
    "invalid_target",
    "invalid_tenant",
    "invalid_instance",
    "unsupported_grant_type",
    "access_denied",
    "interaction_required",
    "temporarily_unavailable",
    "server_error",
    "too_many_requests",
];

/// The meaning where nothing more specific is known.
pub(super) fn read(reply: &Reply, sent: Sent) -> Meaning {
    if reply.has_token {
        return Meaning::Token;
    }
    match reply.status {
        429 => return Meaning::Throttled,
        // A gateway's word about itself, whatever stands in the body.
        502..=504 => return Meaning::ServerFault,
        _ => {}
    }
    let error = reply.error.as_deref().map(normal);
    match error.as_deref().and_then(|error| meaning(error, reply.status, sent)) {
        Some(meaning) => meaning,
        None => by_status(reply, sent),
    }
}

/// An `invalid_client`: the secret was refused, or the key that took its place.
pub(super) fn refused(sent: Sent) -> Meaning {
    if sent.assertion { Meaning::AssertionRefused } else { Meaning::SecretRefused }
}

fn by_status(reply: &Reply, sent: Sent) -> Meaning {
    match reply.status {
        500..=599 => Meaning::ServerFault,
        200..=399 | 404 | 405 => Meaning::NotATokenAnswer,
        _ if !reply.speaks() => Meaning::NotATokenAnswer,
        401 => refused(sent),
        _ => Meaning::Unknown,
    }
}

/// Whether a word decides by itself.
pub(super) fn is_known(error: &str) -> bool {
    meaning(&normal(error), 400, Sent::default()).is_some()
}

/// Whether a text is a word of the protocol and nothing else.
pub(super) fn is_protocol(text: &str) -> bool {
    PROTOCOL.contains(&text)
}

/// The first word of the protocol in a text.
pub(super) fn first_in(text: &str) -> Option<&'static str> {
    let whole = |word: &str, at: usize| {
        let outside = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let (before, rest) = text.split_at(at);
        outside(before.chars().next_back()) && outside(rest.chars().nth(word.len()))
    };
    let place = |word: &&str| text.match_indices(*word).map(|(at, _)| at).find(|at| whole(word, *at));
    PROTOCOL.iter().filter_map(|word| Some((place(word)?, *word))).min().map(|(_, word)| word)
}

/// `Access Denied` and `invalid_client: Invalid client_id or client_secret` (Dropbox) as one word.
fn normal(error: &str) -> String {
    let word = error.split(": ").next().unwrap_or(error).trim();
    word.to_ascii_lowercase().replace([' ', '-'], "_")
}

fn meaning(error: &str, status: u16, sent: Sent) -> Option<Meaning> {
    Some(match error {
        "invalid_client"
        | "invalid_client_credentials"
        | "incorrect_client_credentials"
        | "bad_client_credentials"
        | "bad_client_secret"
        | "invalid_client_secret"
        | "invalid_secret"
        | "invalid_credentials"
        | "bad_credentials" => refused(sent),
        "invalid_client_id" | "bad_client_id" | "client_not_found" | "unknown_client" => Meaning::ClientUnknown,
        "client_secret_expired" | "expired_client_secret" => Meaning::SecretExpired,
        "client_disabled" | "inactive_client" => Meaning::ClientDisabled,
        "invalid_client_assertion" | "invalid_assertion" => Meaning::AssertionRefused,
        "unauthorized_client" | "access_denied" | "invalid_app_access" => {
            Meaning::PolicyBlocked { authenticated: false }
        }
        "invalid_scope" | "invalid_target" | "invalid_resource" | "invalid_audience" => Meaning::ScopeRefused,
        "invalid_request" | "unsupported_grant_type" => Meaning::RequestRefused,
        "invalid_tenant" => Meaning::TenantUnknown,
        "too_many_requests" | "slow_down" | "rate_limit_exceeded" | "rate_limited" | "ratelimited" => {
            Meaning::Throttled
        }
        // ServiceNow answers wrong credentials with server_error and 401: no outage.
        "server_error" if status == 401 => refused(sent),
        "server_error" | "temporarily_unavailable" => Meaning::ServerFault,
        // About a user's sign-in or a code, not about this client's credential.
        "invalid_grant" | "invalid_token" | "interaction_required" | "invalid_instance" => Meaning::Unknown,
        _ => return None,
    })
}
