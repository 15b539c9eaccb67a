//! What the audits of secrets in real stores share: the apps, and a token endpoint that knows their secrets.

use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, body_string_contains},
};

use crate::night::Night;

const TOKEN: &str = r#"{"access_token":"canary-access-2f7d91c4e8","token_type":"Bearer","expires_in":3599}"#;

/// Lets in whoever has one of these secrets.
pub async fn endpoint(secrets: &[&str]) -> MockServer {
    let server = MockServer::start().await;
    for secret in secrets {
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let known = Mock::given(body_string_contains(format!("client_secret={encoded}")));
        known.respond_with(ResponseTemplate::new(200).set_body_raw(TOKEN, "application/json")).mount(&server).await;
    }
    let refusal = ResponseTemplate::new(401).set_body_raw(r#"{"error":"invalid_client"}"#, "application/json");
    Mock::given(any()).respond_with(refusal).with_priority(9).mount(&server).await;
    server
}

/// One app for each of these names and references.
pub fn inventory(night: &Night, endpoint: &MockServer, apps: &[(&str, &str)]) {
    let mut text = "version: 1\napps:\n".to_owned();
    for (name, reference) in apps {
        text.push_str(&format!(
            "  - {{name: {name}, provider: oauth2, token_endpoint: '{}/token', auth_method: client_secret_post, \
             client_id: {name}, secret: '{reference}', expires: 2099-01-01, created: 2098-06-01}}\n",
            endpoint.uri()
        ));
    }
    night.inventory(&text);
}
