//! Sentences of well-known servers that say more than their `error` and status (providers.md section 8b). Prose that is
//! not listed here changes nothing.

use self::Says::{Exactly, Holds, Starts};
use crate::provider::{Meaning, Reply, Sent, oauth_error};

/// How a sentence is found, in lower case.
enum Says {
    Holds(&'static str),
    Starts(&'static str),
    Exactly(&'static str),
}

/// Decide before the `error` member.
const SPECIFIC: [(Says, Meaning); 29] = [
    // oidc-provider
    (Holds("its client secret is expired"), Meaning::SecretExpired),
    // Spring Authorization Server names the parameter that failed
    (Holds("client authentication failed: client_secret_expires_at"), Meaning::SecretExpired),
    (Holds("client authentication failed: client_id"), Meaning::ClientUnknown),
    (Holds("client authentication failed: client_secret"), Meaning::SecretRefused),
    (Holds("client authentication failed: client_assertion"), Meaning::AssertionRefused),
    (Holds("client authentication failed: authentication_method"), Meaning::RequestRefused),
    (Holds("client authentication failed: credentials"), Meaning::RequestRefused),
    // AD FS
    (Holds("msis9607"), Meaning::ClientUnknown),
    // WSO2
    (Holds("a valid oauth client could not be found for client_id"), Meaning::ClientUnknown),
    (Holds("is not in active state"), Meaning::ClientDisabled),
    // Apigee
    (Holds("invalid client identifier"), Meaning::ClientUnknown),
    (Holds("invalidclientidentifier"), Meaning::ClientUnknown),
    (Exactly("clientid is invalid"), Meaning::ClientUnknown),
    // Google
    (Starts("the oauth client was not found"), Meaning::ClientUnknown),
    // Salesforce
    (Exactly("client identifier invalid"), Meaning::ClientUnknown),
    (Holds("no client credentials user enabled"), Meaning::PolicyBlocked { authenticated: false }),
    (Holds("request not supported on this domain"), Meaning::RequestRefused),
    // Cloud Foundry UAA
    (Starts("no client with requested id"), Meaning::ClientUnknown),
    // Ory Hydra
    (Holds("the requested oauth 2.0 client does not exist"), Meaning::ClientUnknown),
    (Holds("supports client authentication method"), Meaning::RequestRefused),
    // OpenIddict
    (Holds("the specified 'client_id' is invalid"), Meaning::ClientUnknown),
    // Adobe
    (Exactly("invalid client_id parameter"), Meaning::ClientUnknown),
    // Genesys
    (Starts("client not found:"), Meaning::ClientUnknown),
    // Okta behind a custom domain
    (Starts("invalid value for 'client_id' parameter"), Meaning::ClientUnknown),
    (Starts("the client_assertion"), Meaning::AssertionRefused),
    // Microsoft, personal accounts
    (Starts("the client does not exist or is not enabled for consumers"), Meaning::ClientUnknown),
    // HubSpot
    (Exactly("bad_client_id"), Meaning::ClientUnknown),
    (Exactly("bad_client_secret"), Meaning::SecretRefused),
    // Zoho throttles with HTTP 400
    (Holds("you have made too many requests continuously"), Meaning::Throttled),
];

/// Decide where no word of the protocol stands in `error`.
const WORDLESS: [(Says, Meaning); 9] = [
    // Twitch
    (Exactly("invalid client"), Meaning::ClientUnknown),
    (Exactly("invalid client secret"), Meaning::SecretRefused),
    // Twitter
    (Holds("unable to verify your credentials"), Meaning::SecretRefused),
    // Facebook
    (Holds("error validating client secret"), Meaning::SecretRefused),
    // Zoom, Dropbox, UiPath and gateways that answer in their own shape
    (Holds("invalid client_id or client_secret"), Meaning::SecretRefused),
    (Holds("invalid client id or client secret"), Meaning::SecretRefused),
    (Holds("invalid client credentials"), Meaning::SecretRefused),
    (Holds("bad client credentials"), Meaning::SecretRefused),
    (Holds("client authentication failed"), Meaning::SecretRefused),
];

pub(super) fn sentence(reply: &Reply, sent: Sent) -> Option<Meaning> {
    let specific = SPECIFIC.iter().find(|(says, _)| says.is_in(reply)).map(|(_, meaning)| *meaning);
    let wordless = || {
        let silent = !reply.error.as_deref().is_some_and(oauth_error::is_known);
        WORDLESS.iter().find(|(says, _)| silent && says.is_in(reply)).map(|(_, meaning)| *meaning)
    };
    // Zoho again, without its sentence: nobody else writes `error` so.
    let zoho =
        || (reply.status == 400 && reply.error.as_deref() == Some("Access Denied")).then_some(Meaning::Throttled);
    match zoho().or(specific).or_else(wordless)? {
        Meaning::SecretRefused => Some(oauth_error::refused(sent)),
        meaning => Some(meaning),
    }
}

impl Says {
    fn is_in(&self, reply: &Reply) -> bool {
        match self {
            Holds(sentence) => reply.says(sentence),
            Starts(sentence) => reply.texts.iter().any(|text| text.starts_with(sentence)),
            Exactly(sentence) => reply.texts.iter().any(|text| text.trim_end_matches('.') == *sentence),
        }
    }
}
