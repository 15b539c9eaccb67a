//! Any other OAuth 2 server: RFC 6749, and the sentences of well-known servers.

mod servers;

use super::{
    Endpoints, FieldFault, Fields, Meaning, Provider, Reply, Sent, address::missing, auth0, entra, keycloak,
    oauth_error,
};
use crate::inventory::{AuthMethod, TokenEndpoint};

pub struct OAuth2;

impl Provider for OAuth2 {
    fn name(&self) -> &'static str {
        "oauth2"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["issuer", "authority"]
    }

    fn endpoints(&self, fields: &Fields) -> Result<Endpoints, FieldFault> {
        let known = fields.token_endpoint.clone().map(TokenEndpoint::Known);
        let issuer = || fields.issuer.clone().or_else(|| fields.authority.clone());
        let token = known.or_else(|| Some(TokenEndpoint::Discover { issuer: issuer()? }));
        let advice = "write the address tokens are asked at, or `issuer` to have it read from the issuer's metadata";
        Ok(Endpoints { token: token.ok_or_else(|| missing("token_endpoint", advice))?, management: None })
    }

    /// What RFC 8414 section 2 assumes of a server that does not say, and RFC 6749 section 2.3.1 demands of every server.
    fn secret_method(&self) -> AuthMethod {
        AuthMethod::ClientSecretBasic
    }

    fn read(&self, reply: &Reply, sent: Sent) -> Meaning {
        if reply.has_token || reply.status == 429 || (502..=504).contains(&reply.status) {
            return oauth_error::read(reply, sent);
        }
        // An inventory may name Entra's token endpoint instead of the provider.
        if reply.error_codes.iter().any(|code| entra::aadsts(*code).is_some()) {
            return entra::read(reply, sent);
        }
        servers::sentence(reply, sent)
            .or_else(|| keycloak_sentence(reply, sent))
            .or_else(|| auth0::sentence(reply, sent))
            .unwrap_or_else(|| oauth_error::read(reply, sent))
    }
}

/// Keycloak by its own unmistakable words.
fn keycloak_sentence(reply: &Reply, sent: Sent) -> Option<Meaning> {
    let both = reply.says(keycloak::BOTH);
    match reply.error.as_deref() {
        Some("unauthorized_client") if both => Some(oauth_error::refused(sent)),
        Some("invalid_client") if both => Some(Meaning::ClientUnknown),
        Some("unauthorized_client" | "Realm does not exist") => keycloak::sentence(reply),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
