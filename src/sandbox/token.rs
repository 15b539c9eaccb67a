//! The tokens the sandbox hands out: signed JWTs that nobody accepts.

use axum::{http::header::CONTENT_TYPE, response::IntoResponse};
use chrono::{DateTime, Utc};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

/// Seconds, one less than the hour as Entra counts it.
pub(super) const LIFETIME: i64 = 3599;

/// A token with the claims people look for.
pub(super) fn mint(issuer: &str, audience: &str, client_id: &str, tenant: &str, now: DateTime<Utc>) -> String {
    let claims: Value = json!({
        "iss": issuer, "aud": audience, "appid": client_id, "tid": tenant, "sub": client_id,
        "iat": now.timestamp(), "nbf": now.timestamp(), "exp": now.timestamp() + LIFETIME,
    });
    // The key is thrown away. HMAC over JSON cannot fail, and an empty token would be seen at once.
    let key = EncodingKey::from_secret(Uuid::new_v4().as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap_or_default()
}

pub(super) fn json(body: &Value) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string())
}
