//! An Auth0 tenant: its token endpoint, and the Management API's client with its one secret (providers.md section 7).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{
        HeaderMap, Method, StatusCode, Uri,
        header::{AUTHORIZATION, HOST},
    },
    response::{IntoResponse, Response},
    routing::{any, post},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    token::json as answer,
    token_request::TokenRequest,
    trouble::{Troubles, held},
};
use crate::{clock, secret::Secret};

/// Clients by id, and whoever may manage them.
#[derive(Debug, Default)]
pub struct Auth0 {
    clients: Mutex<BTreeMap<String, Client>>,
    manager: Mutex<Option<Manager>>,
    tokens: Mutex<Vec<String>>,
    pub troubles: Troubles,
}

#[derive(Debug)]
struct Client {
    secret: Secret,
    /// Signs with keys of its own.
    has_keys: bool,
}

#[derive(Debug)]
struct Manager {
    client_id: String,
    secret: Secret,
    scopes: Vec<String>,
}

impl Auth0 {
    pub fn register(&self, client_id: &str, secret: Secret, has_keys: bool) {
        held(&self.clients).insert(client_id.to_owned(), Client { secret, has_keys });
    }

    /// A machine-to-machine client with a grant for the Management API.
    pub fn set_manager(&self, client_id: &str, secret: Secret, scopes: &[&str]) {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        *held(&self.manager) = Some(Manager { client_id: client_id.to_owned(), secret, scopes });
    }

    fn is_open(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        sent.is_some_and(|sent| held(&self.tokens).iter().any(|token| token == sent))
    }

    fn may(&self, scope: &str) -> bool {
        held(&self.manager).as_ref().is_some_and(|manager| manager.scopes.iter().any(|known| known == scope))
    }

    fn shown(&self, client_id: &str, client: &Client) -> Value {
        let mut shown = json!({
            "client_id": client_id, "name": client_id, "app_type": "non_interactive", "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": if client.has_keys { Value::Null } else { json!("client_secret_post") },
        });
        if client.has_keys {
            shown["client_authentication_methods"] =
                json!({ "private_key_jwt": { "credentials": [{ "id": "cred_1" }] } });
        } else if self.may("read:client_keys") {
            shown["client_secret"] = json!(client.secret.expose());
        }
        shown
    }

    fn rotate(&self, client_id: &str) -> Response {
        let mut clients = held(&self.clients);
        let Some(client) = clients.get_mut(client_id) else { return unknown_client() };
        if client.has_keys {
            return fault(StatusCode::BAD_REQUEST, "invalid_body", "Cannot rotate the secret of this client");
        }
        client.secret = Secret::new([Uuid::new_v4(), Uuid::new_v4()].map(|id| id.simple().to_string()).concat());
        answer(&self.shown(client_id, client)).into_response()
    }
}

pub(super) fn router(auth0: Arc<Auth0>) -> Router {
    Router::new().route("/oauth/token", post(token)).route("/api/v2/clients/{*path}", any(manage)).with_state(auth0)
}

async fn token(State(auth0): State<Arc<Auth0>>, headers: HeaderMap, body: Bytes) -> Response {
    let request = TokenRequest::read(&headers, &body);
    let (id, sent) = (request.client_id().unwrap_or_default(), request.client_secret().unwrap_or_default());
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_management = request.field("audience").is_some_and(|it| it == format!("http://{host}/api/v2/"));
    let accepted = if is_management {
        let manager = held(&auth0.manager);
        manager.as_ref().is_some_and(|manager| manager.client_id == id && manager.secret.expose() == sent)
    } else {
        held(&auth0.clients).get(id).is_some_and(|client| !client.has_keys && client.secret.expose() == sent)
    };
    if !accepted {
        let body = json!({ "error": "access_denied", "error_description": "Unauthorized" });
        return (StatusCode::UNAUTHORIZED, answer(&body)).into_response();
    }
    let token = Uuid::new_v4().simple().to_string();
    if is_management {
        held(&auth0.tokens).push(token.clone());
    }
    answer(&json!({ "access_token": token, "expires_in": 86400, "token_type": "Bearer" })).into_response()
}

async fn manage(State(auth0): State<Arc<Auth0>>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !auth0.is_open(&headers) {
        return fault(StatusCode::UNAUTHORIZED, "invalid_token", "Invalid token");
    }
    let path: Vec<String> = uri.path().split('/').skip(4).map(str::to_owned).collect();
    let scope = if method == Method::GET { "read:clients" } else { "update:client_keys" };
    if !auth0.may(scope) {
        return fault(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            &format!("Insufficient scope, expected any of: {scope}"),
        );
    }
    match (method.as_str(), path.as_slice()) {
        ("GET", [id]) => {
            let clients = held(&auth0.clients);
            clients.get(id).map_or_else(unknown_client, |client| answer(&auth0.shown(id, client)).into_response())
        }
        ("POST", [id, verb]) if verb == "rotate-secret" => {
            let (id, shared) = (id.clone(), Arc::clone(&auth0));
            auth0.troubles.around(
                move || shared.rotate(&id),
                |seconds| {
                    let mut limited =
                        fault(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Global limit has been reached");
                    let reset = clock::now().timestamp() + i64::from(seconds);
                    limited.headers_mut().insert("x-ratelimit-reset", reset.into());
                    limited
                },
            )
        }
        _ => fault(StatusCode::NOT_FOUND, "not_found", "Not Found"),
    }
}

fn unknown_client() -> Response {
    fault(StatusCode::NOT_FOUND, "inexistent_client", "The client does not exist")
}

fn fault(status: StatusCode, code: &str, said: &str) -> Response {
    let error = status.canonical_reason().unwrap_or_default();
    let body = json!({ "statusCode": status.as_u16(), "error": error, "message": said, "errorCode": code });
    (status, answer(&body)).into_response()
}
