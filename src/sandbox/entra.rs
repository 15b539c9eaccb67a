//! The Entra-shaped token endpoints.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    directory::{Directory, Platform},
    entra_fault::EntraFault,
    token,
    token_request::TokenRequest,
};
use crate::clock;

/// v2 names what the token is for by `scope`.
pub(super) async fn v2(
    State(directory): State<Arc<Directory>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&headers, |now| {
        let request = TokenRequest::read(&headers, &body);
        let client_id = authenticate(&directory, &tenant, &request, now)?;
        let scope = request.field("scope").ok_or(EntraFault::MissingParameter("scope"))?;
        let resource = scope.strip_suffix("/.default").ok_or_else(|| EntraFault::InvalidScope(scope.to_owned()))?;
        let token = token::mint(&format!("https://sts.windows.net/{tenant}/"), resource, client_id, &tenant, now);
        Ok(json!({
            "token_type": "Bearer", "expires_in": token::LIFETIME, "ext_expires_in": token::LIFETIME, "access_token": token,
        }))
    })
}

/// v1 names it by `resource` and sends its numbers as strings.
pub(super) async fn v1(
    State(directory): State<Arc<Directory>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&headers, |now| {
        let request = TokenRequest::read(&headers, &body);
        let client_id = authenticate(&directory, &tenant, &request, now)?;
        let resource = request.field("resource").ok_or(EntraFault::MissingParameter("resource"))?;
        let token = token::mint(&format!("https://sts.windows.net/{tenant}/"), resource, client_id, &tenant, now);
        let lifetime = token::LIFETIME.to_string();
        Ok(json!({
            "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime,
            "expires_on": (now.timestamp() + token::LIFETIME).to_string(), "not_before": now.timestamp().to_string(),
            "resource": resource, "access_token": token,
        }))
    })
}

fn answer(headers: &HeaderMap, respond: impl FnOnce(DateTime<Utc>) -> Result<Value, EntraFault>) -> Response {
    let sent = headers.get("client-request-id").and_then(|id| id.to_str().ok());
    let correlation_id = sent.and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::new_v4);
    let now = clock::now();
    let response =
        respond(now).map_or_else(|fault| fault.answer(correlation_id, now), |body| token::json(&body).into_response());
    ([(CACHE_CONTROL, "no-store, no-cache")], response).into_response()
}

/// Checks in Entra's order: the request's shape, the tenant, the app, the secret (providers.md section 3).
fn authenticate<'a>(
    directory: &Directory,
    tenant: &str,
    request: &'a TokenRequest,
    now: DateTime<Utc>,
) -> Result<&'a str, EntraFault> {
    match request.field("grant_type") {
        None => return Err(EntraFault::MissingParameter("grant_type")),
        Some("client_credentials") => {}
        Some(other) => return Err(EntraFault::UnsupportedGrant(other.to_owned())),
    }
    let client_id = request.client_id().ok_or(EntraFault::MissingParameter("client_id"))?;
    let secret = request.client_secret().ok_or(EntraFault::MissingCredential)?;

    let apps = directory.apps();
    let mut in_tenant =
        apps.iter().filter(|app| app.platform == Platform::Entra && app.tenant.eq_ignore_ascii_case(tenant)).peekable();
    if in_tenant.peek().is_none() {
        return Err(EntraFault::TenantNotFound(tenant.to_owned()));
    }
    let app = in_tenant
        .find(|app| app.client_id.eq_ignore_ascii_case(client_id))
        .ok_or_else(|| EntraFault::AppNotFound { client_id: client_id.to_owned(), tenant: tenant.to_owned() })?;
    if !app.enabled {
        return Err(EntraFault::AppDisabled { client_id: app.client_id.clone(), name: app.name.clone() });
    }
    match app.credential(secret, directory.next_lag()) {
        None => Err(EntraFault::InvalidSecret { client_id: app.client_id.clone() }),
        Some(credential) if credential.has_ended(now) => {
            Err(EntraFault::ExpiredSecret { client_id: app.client_id.clone() })
        }
        Some(_) => Ok(client_id),
    }
}
