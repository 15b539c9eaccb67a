//! Auth0 (providers.md sections 7, 8b): `access_denied` means a wrong secret or, with other sentences, a policy that is looked
//! at once the secret was accepted.

use super::{
    Endpoints, FieldFault, Fields, Meaning, Provider, Reply, Sent,
    address::{https, missing, token, under},
    oauth_error,
};
use crate::inventory::AuthMethod;

pub struct Auth0;

impl Provider for Auth0 {
    fn name(&self) -> &'static str {
        "auth0"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["domain", "authority"]
    }

    fn endpoints(&self, fields: &Fields) -> Result<Endpoints, FieldFault> {
        let domain =
            fields.domain.as_deref().map(|domain| https("domain", domain, "example.eu.auth0.com")).transpose()?;
        let token = token(fields.token_endpoint.as_ref(), || {
            let base = fields.authority.as_ref().or(domain.as_ref());
            let base =
                base.ok_or_else(|| missing("domain", "write the tenant's domain, such as example.eu.auth0.com"))?;
            under("domain", base, &["oauth", "token"])
        })?;
        Ok(Endpoints { token, management: domain })
    }

    fn allows(&self, method: AuthMethod) -> bool {
        method != AuthMethod::ClientSecretJwt
    }

    fn read(&self, reply: &Reply, sent: Sent) -> Meaning {
        if reply.has_token || reply.status == 429 || reply.status >= 500 {
            return oauth_error::read(reply, sent);
        }
        sentence(reply, sent).unwrap_or_else(|| oauth_error::read(reply, sent))
    }
}

/// Its known sentences.
pub(super) fn sentence(reply: &Reply, sent: Sent) -> Option<Meaning> {
    let denied = reply.error.as_deref() == Some("access_denied");
    let unauthorized = reply.description.as_deref() == Some("Unauthorized");
    if denied && (unauthorized || (reply.description.is_none() && reply.status == 401)) {
        Some(oauth_error::refused(sent))
    } else if denied && (reply.says("service not enabled within domain") || reply.says("is not authorized to access")) {
        Some(Meaning::PolicyBlocked { authenticated: true })
    } else if denied && reply.says("no audience parameter was provided") {
        Some(Meaning::RequestRefused)
    } else if reply.texts.iter().any(|text| text.starts_with("unknown client:")) {
        Some(Meaning::ClientUnknown)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::TokenEndpoint;

    #[test]
    fn the_domain_gives_both_addresses() {
        let fields = Fields { domain: Some("example.eu.auth0.com".to_owned()), ..Fields::default() };
        let endpoints = Auth0.endpoints(&fields).unwrap();
        assert_eq!(endpoints.token, TokenEndpoint::Known("https://example.eu.auth0.com/oauth/token".parse().unwrap()));
        assert_eq!(endpoints.management.unwrap().as_str(), "https://example.eu.auth0.com/");
    }

    #[test]
    fn only_unauthorized_points_at_the_secret() {
        let meaning = |status, error: &str, said: &str| {
            let body = serde_json::json!({"error": error, "error_description": said}).to_string();
            Auth0.read(&Reply::parse(status, body.as_bytes()).0, Sent::default())
        };
        let policy = |authenticated| Meaning::PolicyBlocked { authenticated };
        for (status, error, said, expected) in [
            (401, "access_denied", "Unauthorized", Meaning::SecretRefused),
            (403, "access_denied", "Service not enabled within domain: https://api.example.org", policy(true)),
            (
                403,
                "access_denied",
                r#"Client is not authorized to access "https://api.example.org". You need to create a "client-grant"."#,
                policy(true),
            ),
            (
                403,
                "access_denied",
                "No audience parameter was provided, and no default audience has been configured",
                Meaning::RequestRefused,
            ),
            (403, "unauthorized_client", "Grant type 'client_credentials' not allowed for the client.", policy(false)),
            (403, "access_denied", "Some new rule.", policy(false)),
            (401, "invalid_client", "Client authentication failed", Meaning::SecretRefused),
            (429, "too_many_requests", "Global limit has been reached", Meaning::Throttled),
        ] {
            assert_eq!(meaning(status, error, said), expected, "{said}");
        }
    }
}
