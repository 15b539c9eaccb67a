use super::*;

fn meaning(status: u16, body: &str) -> Meaning {
    OAuth2.read(&Reply::parse(status, body.as_bytes()).0, Sent::default())
}

fn oauth(error: &str, said: &str) -> String {
    serde_json::json!({"error": error, "error_description": said}).to_string()
}

#[test]
fn the_endpoint_is_given_or_discovered() {
    let mut fields = Fields { issuer: Some("https://id.example.org/".parse().unwrap()), ..Fields::default() };
    assert!(matches!(OAuth2.endpoints(&fields).unwrap().token, TokenEndpoint::Discover { .. }));
    fields.token_endpoint = Some("https://id.example.org/token".parse().unwrap());
    assert!(matches!(OAuth2.endpoints(&fields).unwrap().token, TokenEndpoint::Known(_)));
    assert_eq!(OAuth2.endpoints(&Fields::default()).unwrap_err().field, "token_endpoint");
}

#[test]
fn words_of_the_protocol_come_before_the_status() {
    let policy = Meaning::PolicyBlocked { authenticated: false };
    for status in [200, 400, 401, 403, 500] {
        for (error, expected) in [
            ("invalid_client", Meaning::SecretRefused),
            ("unauthorized_client", policy),
            ("access_denied", policy),
            ("invalid_scope", Meaning::ScopeRefused),
            ("invalid_target", Meaning::ScopeRefused),
            ("invalid_request", Meaning::RequestRefused),
            ("unsupported_grant_type", Meaning::RequestRefused),
            ("temporarily_unavailable", Meaning::ServerFault),
            ("invalid_grant", Meaning::Unknown),
        ] {
            assert_eq!(
                meaning(status, &oauth(error, "New prose changes nothing, client secret expired, unknown client.")),
                expected,
                "{status} {error}"
            );
        }
    }
}

#[test]
fn an_assertions_refusal_is_told_from_a_secrets() {
    let reply = Reply::parse(401, oauth("invalid_client", "Client authentication failed: client_secret").as_bytes()).0;
    assert_eq!(OAuth2.read(&reply, Sent::by(AuthMethod::PrivateKeyJwt)), Meaning::AssertionRefused);
    assert_eq!(OAuth2.read(&reply, Sent::by(AuthMethod::ClientSecretJwt)), Meaning::SecretRefused);
}

#[test]
fn well_known_servers_say_more_than_their_error() {
    use Meaning::{
        AssertionRefused, ClientDisabled, ClientUnknown, RequestRefused, SecretExpired, SecretRefused, TenantUnknown,
    };
    for (server, status, body, expected) in [
        ("oidc-provider", 400, oauth("invalid_client", "could not authenticate the client - its client secret is expired"), SecretExpired),
        ("oidc-provider", 401, oauth("invalid_client", "client authentication failed"), SecretRefused),
        ("Spring", 401, oauth("invalid_client", "Client authentication failed: client_id"), ClientUnknown),
        ("Spring", 401, oauth("invalid_client", "Client authentication failed: client_secret"), SecretRefused),
        ("Spring", 401, oauth("invalid_client", "Client authentication failed: client_secret_expires_at"), SecretExpired),
        ("Spring", 401, oauth("invalid_client", "Client authentication failed: client_assertion"), AssertionRefused),
        ("AD FS", 400, oauth("invalid_client", "MSIS9607: The 'client_id' parameter in the request is invalid."), ClientUnknown),
        ("AD FS", 400, oauth("invalid_client", "MSIS9622: Client authentication failed."), SecretRefused),
        ("WSO2", 401, oauth("invalid_client", "A valid OAuth client could not be found for client_id: x"), ClientUnknown),
        ("WSO2", 401, oauth("invalid_client", "Client credentials are invalid."), SecretRefused),
        ("WSO2", 401, oauth("invalid_client", "Oauth application is not in active state"), ClientDisabled),
        ("Hydra", 401, oauth("invalid_client", "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method)."), SecretRefused),
        ("UAA", 401, oauth("unauthorized", "Bad credentials"), SecretRefused),
        ("UAA", 401, oauth("unauthorized", "No client with requested id: x"), ClientUnknown),
        ("Google", 401, oauth("invalid_client", "The OAuth client was not found."), ClientUnknown),
        ("Google", 401, oauth("invalid_client", "The provided client secret is invalid."), SecretRefused),
        ("Salesforce", 400, oauth("invalid_client_id", "client identifier invalid"), ClientUnknown),
        ("Salesforce", 400, oauth("invalid_client", "invalid client credentials"), SecretRefused),
        ("Spotify", 400, oauth("invalid_client", "Invalid client secret"), SecretRefused),
        ("Cognito", 400, oauth("invalid_client", "invalid_client_secret"), SecretRefused),
        ("PingFederate", 401, oauth("invalid_client", "Invalid client or client credentials."), SecretRefused),
        ("ServiceNow", 401, oauth("server_error", "access_denied"), SecretRefused),
        ("Zoho", 200, oauth("invalid_client", ""), SecretRefused),
        ("Zoho", 400, oauth("Access Denied", "You have made too many requests continuously. Please try again after some time."), Meaning::Throttled),
        ("Zoho", 400, oauth("Access Denied", ""), Meaning::Throttled),
        ("Slack", 200, r#"{"ok":false,"error":"bad_client_secret"}"#.to_owned(), SecretRefused),
        ("Slack", 200, r#"{"ok":false,"error":"invalid_client_id"}"#.to_owned(), ClientUnknown),
        ("GitHub", 200, oauth("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."), SecretRefused),
        ("Apigee", 500, r#"{"fault":{"faultstring":"Invalid client identifier {0}","detail":{"errorcode":"oauth.v2.InvalidClientIdentifier"}}}"#.to_owned(), ClientUnknown),
        ("Apigee", 401, r#"{"ErrorCode":"invalid_client","Error":"ClientId is Invalid"}"#.to_owned(), ClientUnknown),
        ("Apigee", 401, r#"{"ErrorCode":"invalid_client","Error":"Client credentials are invalid"}"#.to_owned(), SecretRefused),
        ("MongoDB Atlas", 401, r#"{"detail":"This resource requires authentication.","error":401,"reason":"Unauthorized"}"#.to_owned(), SecretRefused),
        ("UiPath", 400, r#"{"error":{"code":4,"message":"Invalid client credentials"}}"#.to_owned(), SecretRefused),
        ("Zoom", 400, r#"{"reason":"Invalid client_id or client_secret","error":"invalid_client"}"#.to_owned(), SecretRefused),
        ("Dropbox", 400, r#"{"error":"invalid_client: Invalid client_id or client_secret"}"#.to_owned(), SecretRefused),
        ("France Travail", 400, oauth("invalid_client", "Client authentication failed"), SecretRefused),
        ("Twitch", 403, r#"{"status":403,"message":"invalid client secret"}"#.to_owned(), SecretRefused),
        ("Twitch", 400, r#"{"status":400,"message":"invalid client"}"#.to_owned(), ClientUnknown),
        ("Twitter", 403, r#"{"errors":[{"code":99,"message":"Unable to verify your credentials","label":"authenticity_token_error"}]}"#.to_owned(), SecretRefused),
        ("Reddit", 401, r#"{"message":"Unauthorized","error":401}"#.to_owned(), SecretRefused),
        ("Keycloak", 401, oauth("unauthorized_client", "Invalid client or Invalid client credentials"), SecretRefused),
        ("Keycloak", 401, oauth("invalid_client", "Invalid client or Invalid client credentials"), ClientUnknown),
        ("Keycloak", 404, oauth("Realm does not exist", ""), TenantUnknown),
        ("Auth0", 401, oauth("access_denied", "Unauthorized"), SecretRefused),
        ("Entra", 401, oauth("invalid_client", "AADSTS7000222: The provided client secret keys are expired."), SecretExpired),
        ("Hydra", 401, oauth("invalid_client", "The OAuth 2.0 Client supports client authentication method 'client_secret_basic', but method 'client_secret_post' was requested."), RequestRefused),
    ] {
        assert_eq!(meaning(status, &body), expected, "{server}: {body}");
    }
}
