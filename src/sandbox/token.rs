//! The tokens the sandbox hands out: signed JWTs that nobody else accepts.

use std::sync::LazyLock;

use axum::{http::header::CONTENT_TYPE, response::IntoResponse};
use chrono::{DateTime, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use uuid::Uuid;

/// Seconds, one less than the hour as Entra counts it.
pub(super) const LIFETIME: i64 = 3599;

/// Made up at each start.
static KEY: LazyLock<[u8; 16]> = LazyLock::new(|| Uuid::new_v4().into_bytes());

/// A token with the claims people look for.
pub(super) fn mint(issuer: &str, audience: &str, client_id: &str, tenant: &str, now: DateTime<Utc>) -> String {
    let claims: Value = json!({
        "iss": issuer, "aud": audience, "appid": client_id, "tid": tenant, "sub": client_id,
        "iat": now.timestamp(), "nbf": now.timestamp(), "exp": now.timestamp() + LIFETIME,
    });
    // HMAC over JSON cannot fail, and an empty token would be seen at once.
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(&*KEY)).unwrap_or_default()
}

/// The claims of a token of ours for this audience that has not ended.
pub(super) fn verified(token: &str, audience: &str) -> Option<Value> {
    let mut validation = Validation::default();
    validation.set_audience(&[audience]);
    Some(jsonwebtoken::decode(token, &DecodingKey::from_secret(&*KEY), &validation).ok()?.claims)
}

pub(super) fn json(body: &Value) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string())
}
