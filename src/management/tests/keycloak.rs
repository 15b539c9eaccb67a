use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path, query_param},
};

use super::*;

const DAY: u64 = 24 * 60 * 60;

/// A realm that shows this client, with these policies or none to be seen.
async fn realm(client: Value, policies: Option<(Value, Value)>) -> (MockServer, Keycloak) {
    let server = MockServer::start().await;
    let admin = "/auth/admin/realms/corp";
    let shown = Mock::given(method("GET")).and(path(format!("{admin}/clients"))).and(query_param("clientId", "etl"));
    // A server that matches parts of ids shows a neighbour, too.
    let body = json!([{ "id": "uuid-2", "clientId": "etl-2" }, client]);
    shown.and(header("authorization", "Bearer t")).respond_with(answer(200, &body)).mount(&server).await;
    let (policies, profiles) = match policies {
        Some((policies, profiles)) => {
            (answer(200, &json!({ "policies": policies })), answer(200, &json!({ "profiles": profiles })))
        }
        None => (answer(403, &json!({})), answer(403, &json!({}))),
    };
    for (name, body) in [("policies", policies), ("profiles", profiles)] {
        let path = path(format!("{admin}/client-policies/{name}"));
        Mock::given(method("GET")).and(path).respond_with(body).mount(&server).await;
    }
    let base = format!("{}/auth", server.uri()).parse().unwrap();
    let keycloak = Keycloak::new(api(), Arc::new(Token("t".to_owned())), base, "corp", "etl");
    (server, keycloak)
}

fn answer(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn client(attributes: &Value) -> Value {
    json!({ "id": "uuid", "clientId": "etl", "clientAuthenticatorType": "client-secret", "secret": OLD, "attributes": attributes })
}

fn rotating(condition: &Value) -> (Value, Value) {
    let policies = json!([{ "name": "p", "enabled": true, "conditions": [condition], "profiles": ["rotate"] }]);
    let periods = json!({ "expiration-period": 10 * DAY, "rotated-expiration-period": (3 * DAY).to_string() });
    let profiles =
        json!([{ "name": "rotate", "executors": [{ "executor": "secret-rotation", "configuration": periods }] }]);
    (policies, profiles)
}

async fn periods(client: Value, policies: Option<(Value, Value)>) -> (Option<u64>, Option<u64>) {
    let (_server, keycloak) = realm(client, policies).await;
    let found = keycloak.constraints().await.unwrap();
    let days = |period: Option<Duration>| period.map(|period| period.as_secs() / DAY);
    (days(found.rotated_grace), days(found.fixed_lifetime))
}

#[tokio::test]
async fn the_policy_that_applies_gives_both_periods() {
    let kind = |kinds: &[&str]| json!({ "condition": "client-access-type", "configuration": { "type": kinds } });
    let any = json!({ "condition": "any-client", "configuration": {} });
    let none = json!({ "condition": "any-client", "configuration": { "is-negative-logic": "true" } });
    let plain = || client(&json!({}));
    assert_eq!(periods(plain(), Some(rotating(&kind(&["confidential"])))).await, (Some(3), Some(10)));
    assert_eq!(periods(plain(), Some(rotating(&any))).await, (Some(3), Some(10)));
    assert_eq!(periods(plain(), Some(rotating(&kind(&["public"])))).await, (None, None));
    assert_eq!(periods(plain(), Some(rotating(&none))).await, (None, None));
    assert_eq!(periods(plain(), Some((json!([]), json!([])))).await, (None, None));
}

#[tokio::test]
async fn where_the_policy_cannot_be_seen_or_judged_the_last_regeneration_tells() {
    let of_role = || json!({ "condition": "client-roles", "configuration": { "roles": ["r"] } });
    let seen = || {
        client(&json!({
            "client.secret.creation.time": "1795000000", "client.secret.expiration.time": (1_795_000_000 + 20 * DAY).to_string(),
            "client.secret.rotated.creation.time": 1_795_000_000, "client.secret.rotated.expiration.time": 1_795_000_000 + 4 * DAY,
        }))
    };
    assert_eq!(periods(seen(), None).await, (Some(4), Some(20)));
    assert_eq!(periods(seen(), Some(rotating(&of_role()))).await, (Some(4), Some(20)));
    assert_eq!(periods(client(&json!({})), Some(rotating(&of_role()))).await, (None, None));
}

#[tokio::test]
async fn a_rotated_value_that_has_ended_is_listed_and_not_active() {
    for (end, active) in [("1", false), ("4102444800", true)] {
        let attributes = json!({ "client.secret.expiration.time": "0", "client.secret.rotated.expiration.time": end });
        let (server, keycloak) = realm(client(&attributes), None).await;
        let rotated = path("/auth/admin/realms/corp/clients/uuid/client-secret/rotated");
        let body = json!({ "type": "secret", "value": OLD });
        Mock::given(method("GET")).and(rotated).respond_with(answer(200, &body)).mount(&server).await;
        let listing = keycloak.list().await.unwrap();
        let seen: Vec<_> = listing.credentials.iter().map(|one| (one.id.as_str(), one.active)).collect();
        assert_eq!(seen, [("current", true), ("rotated", active)]);
        assert_eq!(listing.credentials[0].end, None);
    }
}

#[tokio::test]
async fn a_client_without_use_for_a_secret_is_not_regenerated() {
    for change in [json!({ "publicClient": true }), json!({ "clientAuthenticatorType": "client-jwt" })] {
        let mut client = client(&json!({}));
        client.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (server, keycloak) = realm(client, None).await;
        assert!(told(keycloak.create(&order(None)).await).starts_with("refused, Refused"));
        assert!(server.received_requests().await.unwrap().iter().all(|request| request.method == "GET"));
        assert!(keycloak.constraints().await.unwrap().forbidden.is_some());
    }
}

#[tokio::test]
async fn an_answer_to_a_regeneration_that_is_none_leaves_it_unknown() {
    let secret = || path("/auth/admin/realms/corp/clients/uuid/client-secret");
    for (status, body, expected) in [
        (
            200,
            json!({ "type": "secret" }),
            "unknown: Keycloak: the answer to making a secret is not what its documentation describes",
        ),
        (200, json!(NEW), "unknown: Keycloak: the answer to making a secret is not what its documentation describes"),
        (502, json!({ "error": NEW }), "unknown: Keycloak: making a secret is answered with HTTP 502"),
        (403, json!({ "error": NEW }), "refused, Forbidden: Keycloak: making a secret is answered with HTTP 403"),
        (409, json!({}), "refused, Conflict: Keycloak: making a secret is answered with HTTP 409"),
    ] {
        let (server, keycloak) = realm(client(&json!({})), None).await;
        Mock::given(method("POST")).and(secret()).respond_with(answer(status, &body)).expect(1).mount(&server).await;
        assert_eq!(told(keycloak.create(&order(None)).await), expected);
    }
}

#[tokio::test]
async fn removing_the_rotated_value_without_the_right_says_what_a_500_may_mean() {
    let rotated = || path("/auth/admin/realms/corp/clients/uuid/client-secret/rotated");
    let (server, keycloak) = realm(client(&json!({})), None).await;
    assert_eq!(keycloak.remove("rotated").await, Ok(Removed::Gone));
    assert_eq!(keycloak.remove("current").await.unwrap_err().kind, FaultKind::Refused);
    let body = json!({ "type": "secret", "value": OLD });
    Mock::given(method("GET")).and(rotated()).respond_with(answer(200, &body)).mount(&server).await;
    Mock::given(method("DELETE")).and(rotated()).respond_with(answer(500, &json!({}))).expect(1).mount(&server).await;
    let fault = fault(&keycloak.remove("rotated").await.unwrap_err());
    insta::assert_snapshot!(fault, @"NoAnswer: Keycloak: removing the rotated secret is answered with HTTP 500, as it is without the right to manage this client, too");
}
