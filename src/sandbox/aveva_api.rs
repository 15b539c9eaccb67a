//! The secrets of an AVEVA client, as its management API lists, makes and deletes them (providers.md section 5).

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    aveva::{self, Aveva},
    directory::{App, Credential, Platform},
    token::json as answer,
};
use crate::clock;

const LIMIT: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct New {
    expiration: Option<DateTime<Utc>>,
    expires: Option<bool>,
    description: Option<String>,
}

pub(super) fn router(aveva: Arc<Aveva>) -> Router {
    let secrets = "/api/v1/Tenants/{tenant}/ClientCredentialClients/{client}/Secrets";
    Router::new()
        .route("/identity/connect/token", post(aveva::token))
        .route(secrets, get(list).post(add))
        .route(&format!("{secrets}/{{secret}}"), delete(remove))
        .with_state(aveva)
}

impl Aveva {
    /// Why not: no token of ours, another tenant's, or another client's without the administrator's role.
    fn refusal(&self, headers: &HeaderMap, tenant: &str, client: &str) -> Option<Response> {
        let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let ledger = self.ledger();
        let Some(pass) = sent.and_then(|sent| ledger.passes.iter().find(|pass| pass.token == sent)) else {
            return Some(refused(StatusCode::UNAUTHORIZED, "The token is not valid."));
        };
        let may = pass.client_id == client || ledger.administrators.contains(&pass.client_id);
        let opens = pass.tenant == tenant && may;
        (!opens).then(|| refused(StatusCode::FORBIDDEN, "The caller's roles do not allow this."))
    }

    /// Works on a client of the tenant, if there is one.
    fn on<T>(&self, tenant: &str, client: &str, work: impl FnOnce(&mut App) -> T) -> Option<T> {
        let mut apps = self.directory.apps();
        let mut own = apps.iter_mut().filter(|app| app.platform == Platform::Aveva && app.tenant == tenant);
        own.find(|app| app.client_id == client).map(work)
    }

    fn shown(&self, client: &str, credential: &Credential) -> Value {
        let key = (client.to_owned(), credential.key_id.clone());
        json!({
            "Id": credential.key_id.parse::<i32>().ok(), "Expiration": credential.end.map(clock::rfc3339),
            "Expires": credential.end.is_some(), "Description": self.ledger().descriptions.get(&key),
        })
    }

    fn add(&self, tenant: &str, client: &str, new: New) -> Response {
        let made = self.on(tenant, client, |app| {
            if app.credentials.len() >= LIMIT {
                return refused(StatusCode::BAD_REQUEST, "The client has the maximum number of secrets.");
            }
            let listed = app.credentials.iter().filter_map(|credential| credential.key_id.parse().ok()).max();
            let id = self.ledger().next_id(listed.unwrap_or(0));
            let credential = Credential::issue(Platform::Aveva, id.clone(), new.expiration);
            self.ledger().descriptions.extend(new.description.map(|text| ((client.to_owned(), id), text)));
            let mut shown = self.shown(client, &credential);
            shown["Secret"] = json!(credential.value().expose());
            app.credentials.push(credential);
            (StatusCode::CREATED, answer(&shown)).into_response()
        });
        made.unwrap_or_else(no_client)
    }

    fn remove(&self, tenant: &str, client: &str, secret: &str) -> Response {
        let removed = self.on(tenant, client, |app| {
            let Some(place) = app.credentials.iter().position(|credential| credential.key_id == secret) else {
                return refused(StatusCode::NOT_FOUND, "The secret was not found.");
            };
            self.ledger().deleted.push((client.to_owned(), app.credentials.remove(place)));
            StatusCode::NO_CONTENT.into_response()
        });
        removed.unwrap_or_else(no_client)
    }
}

impl aveva::Ledger {
    /// Never one that was there before.
    fn next_id(&mut self, listed: i32) -> String {
        self.last_id = self.last_id.max(listed).saturating_add(1);
        self.last_id.to_string()
    }
}

async fn list(
    State(aveva): State<Arc<Aveva>>,
    Path((tenant, client)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = aveva.refusal(&headers, &tenant, &client) {
        return refusal;
    }
    let shown = aveva.on(&tenant, &client, |app| {
        app.credentials.iter().map(|credential| aveva.shown(&client, credential)).collect::<Vec<_>>()
    });
    let Some(shown) = shown else { return no_client() };
    ([("total-count", shown.len().to_string())], answer(&Value::from(shown))).into_response()
}

async fn add(
    State(aveva): State<Arc<Aveva>>,
    Path((tenant, client)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = aveva.refusal(&headers, &tenant, &client) {
        return refusal;
    }
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let new = serde_json::from_slice::<New>(&body).ok().filter(|new| {
        let dated = new.expiration.is_some_and(|end| end > clock::now());
        is_json && if new.expires == Some(false) { new.expiration.is_none() } else { dated }
    });
    let Some(new) = new else { return refused(StatusCode::BAD_REQUEST, "The request is not valid.") };
    let shared = Arc::clone(&aveva);
    aveva.troubles.around(move || shared.add(&tenant, &client, new), throttled)
}

async fn remove(
    State(aveva): State<Arc<Aveva>>,
    Path((tenant, client, secret)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = aveva.refusal(&headers, &tenant, &client) {
        return refusal;
    }
    let shared = Arc::clone(&aveva);
    aveva.troubles.around(move || shared.remove(&tenant, &client, &secret), throttled)
}

fn no_client() -> Response {
    refused(StatusCode::NOT_FOUND, "The client was not found.")
}

fn throttled(seconds: u32) -> Response {
    let mut limited = refused(StatusCode::TOO_MANY_REQUESTS, "Too many requests.");
    limited.headers_mut().insert("retry-after", seconds.into());
    limited
}

fn refused(status: StatusCode, reason: &str) -> Response {
    let error = status.canonical_reason().unwrap_or_default();
    let body = json!({
        "OperationId": "00000000-0000-4000-8000-000000000000", "Error": error, "Reason": reason,
        "Resolution": "See the documentation.", "DynamicProperties": {},
    });
    (status, answer(&body)).into_response()
}
