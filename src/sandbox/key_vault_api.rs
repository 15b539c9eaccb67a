//! The REST surface of the Key Vault double.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, RawQuery, Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, HOST, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    key_vault::{Attributes, Held, KeyVault, Mishap},
    token,
};
use crate::secret::Secret;

const AUDIENCE: &str = "https://vault.azure.net";

/// Whose vault it is.
const TENANT: &str = "7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11";

/// Versions on one page.
const PAGE: usize = 25;

/// Bytes of a value, tags of a secret, characters of a tag.
const LIMITS: (usize, usize, usize) = (25 * 1024, 15, 256);

type Vault = State<Arc<KeyVault>>;

/// `PUT /secrets/NAME`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    value: String,
    #[serde(rename = "contentType")]
    content_type: Option<String>,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

pub(super) fn router(vault: Arc<KeyVault>) -> Router {
    Router::new()
        .route("/secrets/{name}", get(current).put(put))
        .route("/secrets/{name}/versions", get(versions))
        .route("/secrets/{name}/{version}", get(version))
        .route("/deletedsecrets/{name}", get(deleted))
        .layer(middleware::from_fn(admit))
        .with_state(vault)
}

/// A token for this audience and a version of the API that there is.
async fn admit(request: Request, next: Next) -> Response {
    let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let claims = bearer.and_then(|token| BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok());
    let claims: Option<Value> = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if claims.is_none_or(|claims| claims["aud"] != AUDIENCE) {
        let challenge =
            format!("Bearer authorization=\"https://login.microsoftonline.com/{TENANT}\", resource=\"{AUDIENCE}\"");
        return ([(WWW_AUTHENTICATE, challenge)], refusal(StatusCode::UNAUTHORIZED, "Unauthorized", None))
            .into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    if !query.split('&').any(|part| matches!(part, "api-version=7.4" | "api-version=7.5" | "api-version=7.6")) {
        return refusal(StatusCode::BAD_REQUEST, "BadParameter", None);
    }
    next.run(request).await
}

async fn current(State(vault): Vault, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let state = vault.state();
    shown(state.versions(&name).last(), &name, &headers)
}

async fn version(State(vault): Vault, Path((name, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let state = vault.state();
    shown(state.versions(&name).iter().find(|held| held.id == id), &name, &headers)
}

/// By id, which is in no order of time.
async fn versions(
    State(vault): Vault,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let state = vault.state();
    let query = query.unwrap_or_default();
    let skip = query.split('&').find_map(|part| part.strip_prefix("$skiptoken=")?.parse().ok()).unwrap_or(0);
    let mut all: Vec<_> = state.versions(&name).iter().collect();
    all.sort_by(|one, other| one.id.cmp(&other.id));
    let next = (all.len() > skip + PAGE)
        .then(|| format!("{}/versions?api-version=7.4&$skiptoken={}", base(&name, &headers), skip + PAGE));
    let page: Vec<_> = all.into_iter().skip(skip).take(PAGE).map(|held| bundle(held, &name, &headers)).collect();
    token::json(&json!({ "value": page, "nextLink": next })).into_response()
}

async fn deleted(State(vault): Vault, Path(name): Path<String>) -> Response {
    if vault.state().is_deleted(&name) {
        return token::json(&json!({ "recoveryId": format!("/deletedsecrets/{name}") })).into_response();
    }
    refusal(StatusCode::NOT_FOUND, "SecretNotFound", None)
}

async fn put(State(vault): Vault, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let mut state = vault.state();
    if state.is_deleted(&name) {
        return refusal(StatusCode::CONFLICT, "Conflict", Some("ObjectIsDeletedButRecoverable"));
    }
    let fits = |put: &Put| {
        put.value.len() <= LIMITS.0
            && put.tags.len() <= LIMITS.1
            && put.tags.values().all(|tag| tag.chars().count() <= LIMITS.2)
    };
    let Some(put) = serde_json::from_slice::<Put>(&body).ok().filter(fits) else {
        return refusal(StatusCode::BAD_REQUEST, "BadParameter", None);
    };
    let Put { value, content_type, attributes, tags } = put;
    let held = Held { content_type, attributes, tags, ..Held::new(Secret::new(value)) };
    let mut reply = bundle(&held, &name, &headers);
    reply["value"] = held.value.expose().into();
    let reply = token::json(&reply).into_response();
    match state.mishap() {
        Some(Mishap::Throttled) => {
            return ([(RETRY_AFTER, "1")], refusal(StatusCode::TOO_MANY_REQUESTS, "Throttled", None)).into_response();
        }
        Some(Mishap::LateApply) => {
            state.add_late(&name, held);
            return broken();
        }
        Some(Mishap::LostReply) => {
            state.add(&name, held);
            return broken();
        }
        Some(Mishap::Overtaken(theirs)) => {
            state.add(&name, Held::new(theirs));
            state.add(&name, held);
        }
        Some(Mishap::Followed(theirs)) => {
            state.add(&name, held);
            state.add(&name, Held::new(theirs));
        }
        None => drop(state.add(&name, held)),
    }
    reply
}

fn shown(held: Option<&Held>, name: &str, headers: &HeaderMap) -> Response {
    let Some(held) = held else { return refusal(StatusCode::NOT_FOUND, "SecretNotFound", None) };
    if held.attributes.enabled == Some(false) {
        return refusal(StatusCode::FORBIDDEN, "Forbidden", Some("SecretDisabled"));
    }
    let mut shown = bundle(held, name, headers);
    shown["value"] = held.value.expose().into();
    token::json(&shown).into_response()
}

/// Without its value.
fn bundle(held: &Held, name: &str, headers: &HeaderMap) -> Value {
    let Attributes { enabled, exp, nbf } = held.attributes;
    json!({
        "id": format!("{}/{}", base(name, headers), held.id),
        "contentType": held.content_type,
        "attributes": {
            "enabled": enabled.unwrap_or(true), "exp": exp, "nbf": nbf, "created": held.created, "updated": held.created,
            "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
        },
        "tags": held.tags,
    })
}

fn base(name: &str, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("http://{host}/secrets/{name}")
}

fn refusal(status: StatusCode, code: &str, inner: Option<&str>) -> Response {
    let inner = inner.map(|code| json!({ "code": code }));
    (status, token::json(&json!({"error": {"code": code, "message": code, "innererror": inner}}))).into_response()
}

/// The head of an answer, and the connection ends.
fn broken() -> Response {
    let end = stream::once(async { Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset)) });
    Body::from_stream(end).into_response()
}
