//! Reads Entra's answers: AADSTS numbers, then `error` and status.

use super::codes::aadsts;
use crate::provider::{Meaning, Reply, Sent, oauth_error};

/// "Error validating credentials": only the envelope of a further number.
const ENVELOPE: u64 = 70002;

pub(in crate::provider) fn read(reply: &Reply, sent: Sent) -> Meaning {
    if reply.has_token {
        return Meaning::Token;
    }
    // Throttled app-only requests get plain text, without a number (providers.md section 2.1).
    if reply.status == 429 {
        return Meaning::Throttled;
    }
    by_codes(reply).unwrap_or_else(|| by_error(reply, sent))
}

fn by_codes(reply: &Reply) -> Option<Meaning> {
    let inner = reply.error_codes.iter().copied().filter(|code| *code != ENVELOPE);
    let known: Vec<Meaning> = inner.clone().filter_map(|code| meaning(code, reply)).collect();
    let decisive = known.iter().copied().find(|meaning| *meaning != Meaning::Unknown);
    let envelope = || (inner.count() == 0 && reply.error_codes.contains(&ENVELOPE)).then(|| envelope(reply));
    decisive.or_else(|| known.first().copied()).or_else(envelope)
}

/// A number's meaning; the texts decide where one number was used for several outcomes (providers.md sections 3, 8b).
fn meaning(code: u64, reply: &Reply) -> Option<Meaning> {
    let says = |words: &[&str]| words.iter().any(|word| reply.says(word));
    Some(match code {
        50012 if says(&["client is public"]) => Meaning::RequestRefused,
        50012 if says(&["assertion", "certificate", "thumbprint", "subject name"]) => Meaning::AssertionRefused,
        70001 if says(&["is disabled"]) => Meaning::ClientDisabled,
        70001 if says(&["not supported"]) => Meaning::RequestRefused,
        50001 if says(&["is disabled"]) => Meaning::ClientDisabled,
        65005 if says(&["invalid resource"]) => Meaning::ScopeRefused,
        90014 if says(&["field 'iss'", "field 'aud'", "field 'sub'", "field 'jti'", "field 'exp'"]) => {
            Meaning::AssertionRefused
        }
        _ => aadsts(code)?.meaning,
    })
}

fn envelope(reply: &Reply) -> Meaning {
    if reply.says("invalid client secret") {
        Meaning::SecretRefused
    } else if reply.says("does not exist or is not enabled for consumers") {
        Meaning::ClientUnknown
    } else {
        Meaning::RequestRefused
    }
}

fn by_error(reply: &Reply, sent: Sent) -> Meaning {
    if reply.status >= 500 {
        return Meaning::ServerFault;
    }
    let unnumbered = reply.error_codes.is_empty();
    match reply.error.as_deref() {
        // Beside a number nobody has described, invalid_client may mean anything; so it does where the number was cut off.
        Some("invalid_client") if !unnumbered => Meaning::Unknown,
        Some("invalid_client" | "unauthorized_client") if !reply.is_json => Meaning::NotATokenAnswer,
        Some("unauthorized_client") if unnumbered => Meaning::ClientUnknown,
        Some("unauthorized_client" | "access_denied") => Meaning::Unknown,
        _ if unnumbered => oauth_error::read(reply, sent),
        _ => match oauth_error::read(reply, sent) {
            Meaning::SecretRefused | Meaning::AssertionRefused | Meaning::NotATokenAnswer => Meaning::Unknown,
            meaning => meaning,
        },
    }
}
