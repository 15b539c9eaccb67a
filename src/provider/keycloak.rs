//! Keycloak (providers.md section 6). One HTTP status and two `error` words cover most outcomes, and which word means
//! what has changed over the versions, so its sentences decide where they are known.

use super::{
    Endpoints, FieldFault, Fields, Meaning, Provider, Reply, Sent,
    address::{missing, token, under},
    oauth_error,
};

pub struct Keycloak;

impl Provider for Keycloak {
    fn name(&self) -> &'static str {
        "keycloak"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["base_url", "realm", "authority"]
    }

    fn endpoints(&self, fields: &Fields) -> Result<Endpoints, FieldFault> {
        let base = fields.base_url.as_ref().or(fields.authority.as_ref());
        let token = token(fields.token_endpoint.as_ref(), || {
            let base = base.ok_or_else(|| {
                missing(
                    "base_url",
                    "write the server's address, such as https://sso.example.org (before version 17 with /auth)",
                )
            })?;
            let realm = fields.realm.as_deref().filter(|realm| !realm.is_empty());
            let realm = realm.ok_or_else(|| missing("realm", "write the realm the client is in"))?;
            let authority = fields.authority.as_ref().unwrap_or(base);
            under("base_url", authority, &["realms", realm, "protocol", "openid-connect", "token"])
        })?;
        Ok(Endpoints { token, management: base.cloned() })
    }

    fn read(&self, reply: &Reply, sent: Sent) -> Meaning {
        if reply.has_token || reply.status == 429 || (502..=504).contains(&reply.status) {
            return oauth_error::read(reply, sent);
        }
        sentence(reply).unwrap_or_else(|| match reply.error.as_deref() {
            // The sentence that would have decided was cut off.
            Some("unauthorized_client" | "invalid_client") if !reply.is_json && !reply.says(BOTH) => {
                Meaning::NotATokenAnswer
            }
            // Since version 20 or so: `unauthorized_client` is a wrong, missing or expired secret, `invalid_client` an
            // unknown or disabled client, both with the same description.
            Some("unauthorized_client") => oauth_error::refused(sent),
            Some("invalid_client") => Meaning::ClientUnknown,
            _ => oauth_error::read(reply, sent),
        })
    }
}

/// Says of both what `error` tells apart.
pub(super) const BOTH: &str = "invalid client or invalid client credentials";

const BY_SENTENCE: [(&str, Meaning); 22] = [
    ("realm does not exist", Meaning::TenantUnknown),
    // The secret is checked before this.
    ("client not enabled to retrieve service account", Meaning::PolicyBlocked { authenticated: true }),
    // A public client's secret is ignored: the answer says nothing about it.
    ("public client not allowed to retrieve service account", Meaning::RequestRefused),
    ("bearer-only client not allowed", Meaning::RequestRefused),
    ("client was not identified by any client authenticator", Meaning::RequestRefused),
    ("client_assertion_type is missing", Meaning::RequestRefused),
    ("missing client_id parameter", Meaning::RequestRefused),
    ("missing parameter: client_id", Meaning::RequestRefused),
    // client_secret_jwt: the secret is the key.
    ("signature on jwt token by client secret", Meaning::SecretRefused),
    ("signed jwt failed", Meaning::AssertionRefused),
    ("signature on jwt token failed validation", Meaning::AssertionRefused),
    ("unable to load public key", Meaning::AssertionRefused),
    ("token is not active", Meaning::AssertionRefused),
    ("token reuse detected", Meaning::AssertionRefused),
    ("token jti claim is required", Meaning::AssertionRefused),
    ("invalid token audience", Meaning::AssertionRefused),
    ("multiple audiences not allowed", Meaning::AssertionRefused),
    // Older versions.
    ("could not find client", Meaning::ClientUnknown),
    ("client is not enabled", Meaning::ClientDisabled),
    ("invalid client secret", Meaning::SecretRefused),
    ("invalid_credentials: invalid client credentials", Meaning::SecretRefused),
    ("invalid_client_credentials", Meaning::SecretRefused),
];

/// Known sentences, in the order that puts the more specific one first.
pub(super) fn sentence(reply: &Reply) -> Option<Meaning> {
    BY_SENTENCE.iter().find(|(sentence, _)| reply.says(sentence)).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests;
