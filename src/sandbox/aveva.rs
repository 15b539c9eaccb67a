//! The AVEVA-shaped token endpoint, an IdentityServer (providers.md section 5): 400 for every refusal, without a reason.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    directory::{Directory, Platform},
    token,
    token_request::TokenRequest,
};
use crate::clock;

pub(super) async fn token(State(directory): State<Arc<Directory>>, headers: HeaderMap, body: Bytes) -> Response {
    let response = match grant(&directory, &TokenRequest::read(&headers, &body)) {
        Ok(body) => token::json(&body).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, token::json(&json!({ "error": error }))).into_response(),
    };
    ([(CACHE_CONTROL, "no-store, no-cache, max-age=0")], response).into_response()
}

fn grant(directory: &Directory, request: &TokenRequest) -> Result<Value, &'static str> {
    let (Some(client_id), Some(secret)) = (request.client_id(), request.client_secret()) else {
        return Err("invalid_client");
    };
    let now = clock::now();
    let apps = directory.apps();
    let app = apps
        .iter()
        .find(|app| app.platform == Platform::Aveva && app.client_id == client_id && app.enabled)
        .filter(|app| app.credential(secret, Duration::ZERO).is_some_and(|credential| !credential.has_ended(now)))
        .ok_or("invalid_client")?;
    match request.field("grant_type") {
        None => Err("invalid_request"),
        Some("client_credentials") => {
            let token = token::mint("https://datahub.example/identity", "ocsapi", client_id, &app.tenant, now);
            Ok(json!({ "access_token": token, "expires_in": token::LIFETIME, "token_type": "Bearer" }))
        }
        Some(_) => Err("unsupported_grant_type"),
    }
}
