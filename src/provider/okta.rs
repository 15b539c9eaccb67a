//! Okta (providers.md section 7): OAuth's shape from the token endpoint, its own (`errorCode`, `errorSummary`) from the gateway
//! before it.

use super::{
    Endpoints, FieldFault, Fields, Meaning, Provider, Reply, Sent,
    address::{https, missing, token, under},
    oauth_error,
};
use crate::inventory::AuthMethod;

pub struct Okta;

impl Provider for Okta {
    fn name(&self) -> &'static str {
        "okta"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["domain", "authorization_server", "authority"]
    }

    fn endpoints(&self, fields: &Fields) -> Result<Endpoints, FieldFault> {
        let domain = fields.domain.as_deref().map(|domain| https("domain", domain, "example.okta.com")).transpose()?;
        let token = token(fields.token_endpoint.as_ref(), || {
            let base = fields.authority.as_ref().or(domain.as_ref());
            let base =
                base.ok_or_else(|| missing("domain", "write the organisation's domain, such as example.okta.com"))?;
            // Without an authorization server it is the organisation's own.
            match fields.authorization_server.as_deref() {
                Some(server) => under("domain", base, &["oauth2", server, "v1", "token"]),
                None => under("domain", base, &["oauth2", "v1", "token"]),
            }
        })?;
        Ok(Endpoints { token, management: domain })
    }

    fn allows(&self, method: AuthMethod) -> bool {
        method != AuthMethod::TlsClientAuth
    }

    fn read(&self, reply: &Reply, sent: Sent) -> Meaning {
        let error = reply.error.as_deref();
        match error {
            _ if reply.has_token => Meaning::Token,
            Some("E0000047") => Meaning::Throttled,
            // The authorization server in the address does not exist.
            Some("E0000007") => Meaning::TenantUnknown,
            Some("E0000021") => Meaning::RequestRefused,
            _ if reply.status == 429 => Meaning::Throttled,
            Some("invalid_client") if reply.says("invalid value for 'client_id'") => Meaning::ClientUnknown,
            Some("invalid_client") if reply.says("must use the private_key_jwt") => Meaning::RequestRefused,
            Some("invalid_client") if reply.says("client_assertion") => Meaning::AssertionRefused,
            _ => oauth_error::read(reply, sent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inventory::TokenEndpoint, provider::FieldFaultKind};

    fn endpoint(fields: &Fields) -> Result<String, FieldFault> {
        Okta.endpoints(fields).map(|endpoints| match endpoints.token {
            TokenEndpoint::Known(url) => url.to_string(),
            TokenEndpoint::Discover { .. } => panic!("discovery"),
        })
    }

    #[test]
    fn without_an_authorization_server_the_organisations_own_is_asked() {
        let mut fields = Fields { domain: Some("example.okta.com".to_owned()), ..Fields::default() };
        assert_eq!(endpoint(&fields).unwrap(), "https://example.okta.com/oauth2/v1/token");
        fields.authorization_server = Some("default".to_owned());
        assert_eq!(endpoint(&fields).unwrap(), "https://example.okta.com/oauth2/default/v1/token");
        fields.token_endpoint = Some("http://127.0.0.1:9400/token".parse().unwrap());
        assert_eq!(endpoint(&fields).unwrap(), "http://127.0.0.1:9400/token");
        assert_eq!(endpoint(&Fields::default()).unwrap_err().kind, FieldFaultKind::Missing);
    }

    #[test]
    fn both_shapes_of_error_are_read() {
        let meaning = |status, body: &str| Okta.read(&Reply::parse(status, body.as_bytes()).0, Sent::default());
        let oauth = |error: &str, said: &str| format!(r#"{{"error":"{error}","error_description":"{said}"}}"#);
        let own = |code: &str, said: &str| {
            format!(
                r#"{{"errorCode":"{code}","errorSummary":"{said}","errorLink":"{code}","errorId":"oae","errorCauses":[]}}"#
            )
        };
        for (status, body, expected) in [
            (
                401,
                oauth("invalid_client", "The client secret supplied for a confidential client is invalid."),
                Meaning::SecretRefused,
            ),
            (
                401,
                oauth(
                    "invalid_client",
                    "Client authentication failed. Either the client or the client credentials are invalid.",
                ),
                Meaning::SecretRefused,
            ),
            (400, own("invalid_client", "Invalid value for 'client_id' parameter."), Meaning::ClientUnknown),
            (401, oauth("invalid_client", "Invalid value for 'client_id' parameter."), Meaning::ClientUnknown),
            (401, oauth("invalid_request", "Cannot supply multiple client credentials."), Meaning::RequestRefused),
            (400, oauth("invalid_scope", "One or more scopes are not configured."), Meaning::ScopeRefused),
            (401, oauth("invalid_client", "The client_assertion signature is invalid."), Meaning::AssertionRefused),
            (429, own("E0000047", "API call exceeded rate limit due to too many requests."), Meaning::Throttled),
            (404, own("E0000007", "Not found: Resource not found: nope (AuthorizationServer)"), Meaning::TenantUnknown),
            (500, own("E0000009", "Internal Server Error"), Meaning::ServerFault),
            (
                400,
                oauth("access_denied", "Policy evaluation failed for this request."),
                Meaning::PolicyBlocked { authenticated: false },
            ),
        ] {
            assert_eq!(meaning(status, &body), expected, "{body}");
        }
    }
}
