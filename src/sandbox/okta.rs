//! An Okta organisation: its token endpoints, and the management of an app's client secrets (providers.md section 7).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::{any, post},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    token::json as answer,
    token_request::TokenRequest,
    trouble::{Troubles, held},
};
use crate::{clock, secret::Secret};

/// Apps by id, and whoever may manage them.
#[derive(Debug, Default)]
pub struct Okta {
    apps: Mutex<BTreeMap<String, Vec<OktaSecret>>>,
    /// Client id and secret of a service app with `okta.apps.manage`.
    manager: Mutex<Option<(String, Secret)>>,
    tokens: Mutex<Vec<String>>,
    pub troubles: Troubles,
}

#[derive(Debug)]
struct OktaSecret {
    id: String,
    value: Secret,
    active: bool,
    created: DateTime<Utc>,
}

/// An app never has more.
const LIMIT: usize = 2;

impl Okta {
    /// Registers an app with one secret; returns its id.
    pub fn register(&self, app: &str, value: Secret) -> String {
        let secret = OktaSecret::new(value);
        let id = secret.id.clone();
        held(&self.apps).entry(app.to_owned()).or_default().push(secret);
        id
    }

    pub fn set_manager(&self, client_id: &str, secret: Secret) {
        *held(&self.manager) = Some((client_id.to_owned(), secret));
    }

    /// Ids of an app's secrets, and whether each is active.
    pub fn secrets(&self, app: &str) -> Vec<(String, bool)> {
        let apps = held(&self.apps);
        apps.get(app).into_iter().flatten().map(|secret| (secret.id.clone(), secret.active)).collect()
    }

    fn is_open(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        sent.is_some_and(|sent| held(&self.tokens).iter().any(|token| token == sent))
    }

    fn create(&self, app: &str, value: Secret) -> Response {
        let mut apps = held(&self.apps);
        let Some(secrets) = apps.get_mut(app) else { return not_found(app) };
        if secrets.len() >= LIMIT {
            return refused("You've reached the maximum number of client secrets per client.");
        }
        let secret = OktaSecret::new(value);
        let shown = secret.shown();
        secrets.push(secret);
        (StatusCode::CREATED, answer(&shown)).into_response()
    }

    fn change(&self, app: &str, id: &str, change: &Change) -> Response {
        let mut apps = held(&self.apps);
        let Some(secrets) = apps.get_mut(app) else { return not_found(app) };
        let Some(place) = secrets.iter().position(|secret| secret.id == id) else { return not_found(id) };
        match (change, secrets.get_mut(place)) {
            (Change::Delete, Some(OktaSecret { active: true, .. })) => {
                refused("An active client secret can't be deleted.")
            }
            (Change::Delete, _) => {
                secrets.remove(place);
                StatusCode::NO_CONTENT.into_response()
            }
            (Change::Set { active }, Some(secret)) => {
                secret.active = *active;
                answer(&secret.shown()).into_response()
            }
            (Change::Set { .. }, None) => not_found(id),
        }
    }
}

enum Change {
    Set { active: bool },
    Delete,
}

impl OktaSecret {
    fn new(value: Secret) -> Self {
        Self { id: format!("ocs{}", Uuid::new_v4().simple()), value, active: true, created: clock::now() }
    }

    fn shown(&self) -> Value {
        let at = self.created.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({
            "id": self.id, "status": if self.active { "ACTIVE" } else { "INACTIVE" }, "client_secret": self.value.expose(),
            "secret_hash": "yk4SVx4sUWVJVbHt6M-UPA", "created": at, "lastUpdated": at, "_links": {},
        })
    }
}

pub(super) fn router(okta: Arc<Okta>) -> Router {
    Router::new()
        .route("/oauth2/v1/token", post(manager_token))
        .route("/oauth2/default/v1/token", post(app_token))
        .route("/api/v1/apps/{*path}", any(manage))
        .with_state(okta)
}

/// The organisation's own server: tokens for Okta's API alone.
async fn manager_token(State(okta): State<Arc<Okta>>, headers: HeaderMap, body: Bytes) -> Response {
    let request = TokenRequest::read(&headers, &body);
    let manager = held(&okta.manager);
    let is_manager = manager.as_ref().is_some_and(|(id, secret)| {
        request.client_id() == Some(id) && request.client_secret() == Some(secret.expose())
    });
    match request.field("scope") {
        _ if !is_manager => invalid_client(),
        Some("okta.apps.manage") => {
            let token = Uuid::new_v4().simple().to_string();
            held(&okta.tokens).push(token.clone());
            token_answer(&token, "okta.apps.manage")
        }
        _ => oauth_error(StatusCode::BAD_REQUEST, "invalid_scope", "One or more scopes are not configured."),
    }
}

async fn app_token(State(okta): State<Arc<Okta>>, headers: HeaderMap, body: Bytes) -> Response {
    let request = TokenRequest::read(&headers, &body);
    let (app, sent) = (request.client_id().unwrap_or_default(), request.client_secret().unwrap_or_default());
    let apps = held(&okta.apps);
    let accepts = |secret: &OktaSecret| secret.active && secret.value.expose() == sent;
    if apps.get(app).is_some_and(|secrets| secrets.iter().any(accepts)) {
        token_answer(&Uuid::new_v4().to_string(), request.field("scope").unwrap_or_default())
    } else {
        invalid_client()
    }
}

async fn manage(State(okta): State<Arc<Okta>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if !okta.is_open(&headers) {
        return fault(StatusCode::UNAUTHORIZED, "E0000011", "Invalid token provided");
    }
    let path = uri.path().trim_start_matches("/api/v1/apps/").to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let [app, "credentials", "secrets", rest @ ..] = segments.as_slice() else { return not_found(&path) };
    let (app, shared) = ((*app).to_owned(), Arc::clone(&okta));
    let throttled = |seconds| {
        let mut limited =
            fault(StatusCode::TOO_MANY_REQUESTS, "E0000047", "API call exceeded rate limit due to too many requests.");
        let reset = clock::now().timestamp() + i64::from(seconds);
        limited.headers_mut().insert("x-rate-limit-reset", reset.into());
        limited
    };
    let (id, change) = match (method.as_str(), rest) {
        ("GET", []) => {
            let apps = held(&okta.apps);
            let shown = |secrets: &Vec<OktaSecret>| secrets.iter().map(OktaSecret::shown).collect::<Value>();
            return apps.get(&app).map_or_else(|| not_found(&app), |secrets| answer(&shown(secrets)).into_response());
        }
        ("POST", []) => {
            let value = match serde_json::from_slice::<Value>(&body) {
                Ok(body) => {
                    body["client_secret"].as_str().filter(|value| (14..=100).contains(&value.len())).map(str::to_owned)
                }
                Err(_) => None,
            };
            let Some(value) = value else { return refused("client_secret: must be between 14 and 100 characters") };
            return okta.troubles.around(move || shared.create(&app, Secret::new(value)), throttled);
        }
        ("DELETE", [id]) => (*id, Change::Delete),
        ("POST", [id, "lifecycle", "activate"]) => (*id, Change::Set { active: true }),
        ("POST", [id, "lifecycle", "deactivate"]) => (*id, Change::Set { active: false }),
        _ => {
            return fault(
                StatusCode::METHOD_NOT_ALLOWED,
                "E0000022",
                "The endpoint does not support the provided HTTP method",
            );
        }
    };
    let id = id.to_owned();
    okta.troubles.around(move || shared.change(&app, &id, &change), throttled)
}

fn token_answer(token: &str, scope: &str) -> Response {
    answer(&json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": token, "scope": scope }))
        .into_response()
}

fn invalid_client() -> Response {
    let said = "The client secret supplied for a confidential client is invalid.";
    oauth_error(StatusCode::UNAUTHORIZED, "invalid_client", said)
}

fn oauth_error(status: StatusCode, error: &str, said: &str) -> Response {
    (status, answer(&json!({ "error": error, "error_description": said }))).into_response()
}

fn not_found(what: &str) -> Response {
    fault(StatusCode::NOT_FOUND, "E0000007", &format!("Not found: Resource not found: {what} (AppInstance)"))
}

fn refused(why: &str) -> Response {
    fault(StatusCode::BAD_REQUEST, "E0000001", &format!("Api validation failed: {why}"))
}

fn fault(status: StatusCode, code: &str, said: &str) -> Response {
    let body =
        json!({ "errorCode": code, "errorSummary": said, "errorLink": code, "errorId": "oae", "errorCauses": [] });
    (status, answer(&body)).into_response()
}
