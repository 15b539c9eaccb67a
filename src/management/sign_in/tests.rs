#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};
use wiremock::{
    Match, Mock, MockServer, Request, ResponseTemplate,
    matchers::{header, method, path, query_param, query_param_is_missing},
};

use super::*;
use crate::{
    api::Api,
    period::Period,
    provider::AssertionProfile,
    secret::{Resolver, SecretRef},
    settings::Http,
};

const HEADER: &str = "canary-header-5Rt8YbN2wXq6ZkP0LmC4vGd7Hs";
const RESOURCE: &str = "https://graph.microsoft.com";

fn api() -> Api {
    Api::new(&Http { timeout: Period::from_secs(5), ..Http::default() }, None).unwrap()
}

fn secrets(variables: &[(&str, &str)]) -> Arc<Resolver> {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    Arc::new(Resolver::with_environment(Vec::new(), variables))
}

fn identity(metadata: &str, client_id: Option<&str>, variables: &[(&str, &str)]) -> SignIn<ManagedIdentity> {
    SignIn::new(ManagedIdentity {
        api: api(),
        secrets: secrets(variables),
        metadata: metadata.parse().unwrap(),
        client_id: client_id.map(str::to_owned),
        resource: RESOURCE.to_owned(),
    })
}

fn client(server: &MockServer, proof: Proof, variables: &[(&str, &str)]) -> SignIn<ClientSignIn> {
    SignIn::new(ClientSignIn {
        api: api(),
        secrets: secrets(variables),
        token_endpoint: endpoint(server),
        client_id: "rotator".to_owned(),
        proof,
        scope: Some(format!("{RESOURCE}/.default")),
        audience: None,
    })
}

fn endpoint(server: &MockServer) -> Url {
    format!("{}/tenant/oauth2/v2.0/token", server.uri()).parse().unwrap()
}

async fn answering(status: u16, body: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(AnyRequest).respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(&server).await;
    server
}

struct AnyRequest;

impl Match for AnyRequest {
    fn matches(&self, _: &Request) -> bool {
        true
    }
}

async fn form(server: &MockServer) -> HashMap<String, String> {
    let requests = server.received_requests().await.unwrap();
    form_urlencoded::parse(&requests.last().unwrap().body).into_owned().collect()
}

fn env(name: &str) -> SecretRef {
    SecretRef::Env(name.to_owned())
}

/// Kind and words of a fault, without a trace of what proves who we are.
fn told(token: Result<Arc<Secret>, ManagementFault>) -> String {
    let fault = token.unwrap_err();
    let told = format!("{:?}: {fault}", fault.kind);
    assert!(!told.contains("canary") && !told.contains("PRIVATE KEY"), "a secret is in a text");
    told
}

#[tokio::test]
async fn a_certificate_signs_an_assertion_that_entra_finds_the_key_for() {
    let server = answering(200, json!({ "access_token": "token-1", "expires_in": 3599 })).await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap();
    let pem = key.serialize_pem() + &certificate.pem();
    let proof = Proof::Certificate { pem: env("PEM"), profile: AssertionProfile::Entra };
    let access = client(&server, proof, &[("PEM", &pem)]);
    assert_eq!(access.token(false).await.unwrap().expose(), "token-1");

    let form = form(&server).await;
    let mut names: Vec<&str> = form.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["client_assertion", "client_assertion_type", "client_id", "grant_type", "scope"]);
    let parts: Vec<&str> = form["client_assertion"].split('.').collect();
    let read = |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    let (head, claims) = (read(parts[0]), read(parts[1]));
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()));
    assert_eq!((&head["alg"], &head["x5t#S256"]), (&json!("PS256"), &json!(thumbprint)));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("rotator"), &json!("rotator")));
    assert_eq!(claims["aud"], endpoint(&server).as_str());
}

#[tokio::test]
async fn what_cannot_prove_who_we_are_is_told_with_its_place_and_nothing_is_sent() {
    let server = answering(200, json!({ "access_token": "token-1" })).await;
    let bare = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let proof = |name| Proof::Certificate { pem: env(name), profile: AssertionProfile::Entra };
    let said = told(client(&server, proof("PEM"), &[("PEM", &bare)]).token(false).await);
    insta::assert_snapshot!(said, @"SignIn: signing in to the management API: there is no certificate in the PEM; Entra finds the key by its thumbprint (env:PEM)");
    let said = told(client(&server, proof("NONE"), &[]).token(false).await);
    insta::assert_snapshot!(said, @"SignIn: signing in to the management API: what proves who we are cannot be read: the variable is not set (env:NONE)");
    for (value, expected) in
        [(" canary ", "there is white space around it (env:SECRET)"), ("", "it is empty (env:SECRET)")]
    {
        let said = told(client(&server, Proof::Secret(env("SECRET")), &[("SECRET", value)]).token(false).await);
        assert!(said.ends_with(expected), "{said}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_machine_asks_the_metadata_service_once_until_its_token_is_refused() {
    let server = MockServer::start().await;
    let body =
        json!({ "access_token": "token-1", "expires_in": "3599", "expires_on": "1506484173", "token_type": "Bearer" });
    Mock::given(method("GET"))
        .and(path("/metadata/identity/oauth2/token"))
        .and(header("metadata", "true"))
        .and(query_param("api-version", "2018-02-01"))
        .and(query_param("resource", RESOURCE))
        .and(query_param_is_missing("client_id"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .expect(2)
        .mount(&server)
        .await;
    let access = identity(&server.uri(), None, &[("IDENTITY_ENDPOINT", "")]);
    for refused in [false, false, true, false] {
        assert_eq!(access.token(refused).await.unwrap().expose(), "token-1");
    }
}

#[tokio::test]
async fn an_app_service_is_asked_with_its_header_for_the_identity_that_is_named() {
    let server = MockServer::start().await;
    let end = clock::now().timestamp() + 3600;
    Mock::given(method("GET"))
        .and(path("/msi/token"))
        .and(header("x-identity-header", HEADER))
        .and(query_param("api-version", "2019-08-01"))
        .and(query_param("resource", RESOURCE))
        .and(query_param("client_id", "ours"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "access_token": "token-2", "expires_on": end.to_string() })),
        )
        .expect(1)
        .mount(&server)
        .await;
    let endpoint = format!("{}/msi/token", server.uri());
    let access =
        identity("http://127.0.0.1:1", Some("ours"), &[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", HEADER)]);
    for _ in 0..2 {
        assert_eq!(access.token(false).await.unwrap().expose(), "token-2");
    }
    assert!(server.received_requests().await.unwrap().iter().all(|request| !request.headers.contains_key("metadata")));
}

#[tokio::test]
async fn an_identity_is_asked_for_nowhere_else_and_the_header_stays_here() {
    for endpoint in
        ["https://evil.example/msi/token", "https://169.254.129.2:8081/msi/token", "http://10.0.0.1/msi/token"]
    {
        let access =
            identity("http://127.0.0.1:1", None, &[("IDENTITY_ENDPOINT", endpoint), ("IDENTITY_HEADER", HEADER)]);
        let said = told(access.token(false).await);
        assert!(said.contains("over http on this machine or its link (169.254.0.0/16), and nowhere else"), "{said}");
    }
    let server = answering(200, json!({ "access_token": "token-1" })).await;
    let arc = identity(&server.uri(), None, &[("IDENTITY_ENDPOINT", &server.uri())]);
    insta::assert_snapshot!(told(arc.token(false).await), @"SignIn: signing in to the management API: IDENTITY_ENDPOINT is set and IDENTITY_HEADER is not, as on Azure Arc, which is not supported; sign in with `certificate` or `secret`");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_the_metadata_service_says_instead_of_a_token() {
    for (status, body, expected) in [
        (
            400,
            json!({ "error": "invalid_request", "error_description": "Identity not found" }),
            "SignIn: signing in to the management API: our own sign-in is refused: invalid_request",
        ),
        (404, json!({}), "NotSent: signing in to the management API: the managed identity's endpoint answers HTTP 404"),
        (410, json!({}), "NotSent: signing in to the management API: the managed identity's endpoint answers HTTP 410"),
        (408, json!({}), "NotSent: signing in to the management API: the token endpoint answers HTTP 408"),
        (429, json!({}), "NotSent: signing in to the management API: the token endpoint answers HTTP 429"),
        (500, json!({}), "NotSent: signing in to the management API: the token endpoint answers HTTP 500"),
        (
            200,
            json!({ "access_token": "" }),
            "NotSent: signing in to the management API: the token endpoint's answer is none",
        ),
        (200, json!({}), "NotSent: signing in to the management API: the token endpoint's answer is none"),
    ] {
        let server = answering(status, body).await;
        let access = identity(&server.uri(), None, &[]);
        assert_eq!(told(access.token(false).await), expected);
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "asked once");
    }
}

#[tokio::test]
async fn a_token_of_no_or_a_short_life_is_used_once() {
    for body in [
        json!({ "access_token": "t" }),
        json!({ "access_token": "t", "expires_in": 60 }),
        json!({ "access_token": "t", "expires_in": "soon" }),
        json!({ "access_token": "t", "expires_in": -1 }),
        json!({ "access_token": "t", "expires_on": 5 }),
    ] {
        let server = answering(200, body.clone()).await;
        let access = client(&server, Proof::Secret(env("SECRET")), &[("SECRET", "canary-secret")]);
        for _ in 0..2 {
            access.token(false).await.unwrap();
        }
        assert_eq!(server.received_requests().await.unwrap().len(), 2, "{body}");
    }
}

#[tokio::test]
async fn a_refusal_that_throws_the_secret_back_does_not_show_it() {
    for (body, expected) in [
        (json!({ "error": "invalid_client", "error_codes": [7_000_215] }), "invalid_client AADSTS7000215"),
        (json!({ "error": "canary-secret", "error_description": "canary-secret" }), "no reason that is known"),
        (json!("canary-secret"), "no reason that is known"),
    ] {
        let server = answering(401, body).await;
        let said =
            told(client(&server, Proof::Secret(env("SECRET")), &[("SECRET", "canary-secret")]).token(false).await);
        assert_eq!(said, format!("SignIn: signing in to the management API: our own sign-in is refused: {expected}"));
    }
}

#[tokio::test]
async fn a_redirect_of_the_token_endpoint_is_not_followed() {
    let (server, other) = (MockServer::start().await, answering(200, json!({ "access_token": "t" })).await);
    let away = ResponseTemplate::new(307).insert_header("location", other.uri());
    Mock::given(AnyRequest).respond_with(away).mount(&server).await;
    let said = told(client(&server, Proof::Secret(env("SECRET")), &[("SECRET", "canary-secret")]).token(false).await);
    assert!(said.ends_with("answers with a redirect, which is not followed"), "{said}");
    let said = told(identity(&server.uri(), None, &[]).token(false).await);
    assert!(said.ends_with("answers with a redirect, which is not followed"), "{said}");
    assert!(other.received_requests().await.unwrap().is_empty());
}
