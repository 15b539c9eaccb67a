use super::*;
use crate::inventory::TokenEndpoint;

const SAID: &str = "Invalid client or Invalid client credentials";

fn meaning(status: u16, error: &str, said: &str) -> Meaning {
    let body = serde_json::json!({"error": error, "error_description": said}).to_string();
    Keycloak.read(&Reply::parse(status, body.as_bytes()).0, Sent::default())
}

#[test]
fn the_realm_is_addressed_below_the_base() {
    let fields = |base: &str| Fields {
        base_url: Some(base.parse().unwrap()),
        realm: Some("corp".to_owned()),
        ..Fields::default()
    };
    for (base, token) in [
        ("https://sso.example.org", "https://sso.example.org/realms/corp/protocol/openid-connect/token"),
        ("https://sso.example.org/auth/", "https://sso.example.org/auth/realms/corp/protocol/openid-connect/token"),
    ] {
        let endpoints = Keycloak.endpoints(&fields(base)).unwrap();
        assert_eq!(endpoints.token, TokenEndpoint::Known(token.parse().unwrap()));
        assert_eq!(endpoints.management, Some(base.parse().unwrap()));
    }
    assert_eq!(Keycloak.endpoints(&Fields::default()).unwrap_err().field, "base_url");
    assert_eq!(Keycloak.endpoints(&Fields { realm: None, ..fields("https://x.org") }).unwrap_err().field, "realm");
}

#[test]
fn answers_of_version_26_are_read() {
    let policy = Meaning::PolicyBlocked { authenticated: true };
    for (status, error, said, expected) in [
        (401, "unauthorized_client", SAID, Meaning::SecretRefused),
        (401, "invalid_client", SAID, Meaning::ClientUnknown),
        (401, "unauthorized_client", "Client not enabled to retrieve service account", policy),
        (401, "unauthorized_client", "Public client not allowed to retrieve service account", Meaning::RequestRefused),
        (400, "invalid_client", "Parameter client_assertion_type is missing", Meaning::RequestRefused),
        (
            400,
            "invalid_client",
            "Client authentication with signed JWT failed: Signature on JWT token failed validation",
            Meaning::AssertionRefused,
        ),
        (400, "invalid_client", "Unable to load public key", Meaning::AssertionRefused),
        (400, "invalid_client", "Token is not active", Meaning::AssertionRefused),
        (400, "invalid_client", "Token reuse detected", Meaning::AssertionRefused),
        (400, "invalid_client", "Token jti claim is required", Meaning::AssertionRefused),
        (400, "invalid_client", "Invalid token audience", Meaning::AssertionRefused),
        (400, "invalid_client", "Multiple audiences not allowed", Meaning::AssertionRefused),
        (400, "invalid_scope", "Invalid scopes: nope", Meaning::ScopeRefused),
        (400, "unsupported_grant_type", "Unsupported grant_type", Meaning::RequestRefused),
        (404, "Realm does not exist", "For more on this error consult the server log.", Meaning::TenantUnknown),
        (404, "Unable to find matching target resource method", "", Meaning::NotATokenAnswer),
    ] {
        assert_eq!(meaning(status, error, said), expected, "{status} {error} {said}");
    }
}

#[test]
fn the_hmac_of_a_wrong_secret_is_a_wrong_secret() {
    let said = "Client authentication with client secret signed JWT failed: Signature on JWT token by client secret  failed validation";
    assert_eq!(meaning(400, "unauthorized_client", said), Meaning::SecretRefused);
    let said = "Client authentication with client secret signed JWT failed: Missing ID on the token";
    assert_eq!(meaning(400, "unauthorized_client", said), Meaning::AssertionRefused);
}

#[test]
fn answers_of_older_versions_are_read() {
    for (error, said, expected) in [
        ("unauthorized_client", "Invalid client secret", Meaning::SecretRefused),
        ("unauthorized_client", "Invalid client credentials", Meaning::SecretRefused),
        ("unauthorized_client", "INVALID_CREDENTIALS: Invalid client credentials", Meaning::SecretRefused),
        (
            "unauthorized_client",
            "Client not enabled to retrieve service account",
            Meaning::PolicyBlocked { authenticated: true },
        ),
        (
            "unauthorized_client",
            "UNKNOWN_CLIENT: Client was not identified by any client authenticator",
            Meaning::RequestRefused,
        ),
        ("invalid_client", "Could not find client", Meaning::ClientUnknown),
        ("invalid_client", "Client is not enabled", Meaning::ClientDisabled),
        ("invalid_client", "Missing client_id parameter", Meaning::RequestRefused),
    ] {
        assert_eq!(meaning(400, error, said), expected, "{error} {said}");
    }
}

#[test]
fn a_sentence_cut_off_is_not_guessed() {
    let whole = format!(r#"{{"error":"unauthorized_client","error_description":"{SAID}"}}"#);
    for (cut, expected) in
        [(30, Meaning::NotATokenAnswer), (70, Meaning::NotATokenAnswer), (whole.len() - 1, Meaning::SecretRefused)]
    {
        let reply = Reply::parse(401, &whole.as_bytes()[..cut]).0;
        assert_eq!(Keycloak.read(&reply, Sent::default()), expected, "{cut}");
    }
}
