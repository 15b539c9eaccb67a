//! Entra's refusals: code, OAuth error, HTTP status, sentence (providers.md sections 2 and 3).

use axum::{
    http::{HeaderName, StatusCode},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::token;

#[derive(Debug)]
pub(super) enum EntraFault {
    MissingParameter(&'static str),
    MissingCredential,
    UnsupportedGrant(String),
    TenantNotFound(String),
    AppNotFound { client_id: String, tenant: String },
    AppDisabled { client_id: String, name: String },
    InvalidSecret { client_id: String },
    ExpiredSecret { client_id: String },
    InvalidScope(String),
}

impl EntraFault {
    const fn code(&self) -> u32 {
        match self {
            Self::MissingParameter(_) => 900_144,
            Self::MissingCredential => 7_000_216,
            Self::UnsupportedGrant(_) => 70_003,
            Self::TenantNotFound(_) => 90_002,
            Self::AppNotFound { .. } => 700_016,
            Self::AppDisabled { .. } => 7_000_112,
            Self::InvalidSecret { .. } => 7_000_215,
            Self::ExpiredSecret { .. } => 7_000_222,
            Self::InvalidScope(_) => 1_002_012,
        }
    }

    const fn error(&self) -> (StatusCode, &'static str) {
        match self {
            Self::MissingParameter(_) | Self::TenantNotFound(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::UnsupportedGrant(_) => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::AppNotFound { .. } | Self::AppDisabled { .. } => (StatusCode::BAD_REQUEST, "unauthorized_client"),
            Self::InvalidScope(_) => (StatusCode::BAD_REQUEST, "invalid_scope"),
            Self::MissingCredential | Self::InvalidSecret { .. } | Self::ExpiredSecret { .. } => {
                (StatusCode::UNAUTHORIZED, "invalid_client")
            }
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::MissingParameter(name) => format!("The request body must contain the following parameter: '{name}'."),
            Self::MissingCredential => "'client_assertion', 'client_secret' or 'request' is required for the \
                                        'client_credentials' grant type."
                .to_owned(),
            Self::UnsupportedGrant(grant) => format!("The app requested an unsupported grant type '{grant}'."),
            Self::TenantNotFound(tenant) => format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
                 correct cloud. Check with your subscription administrator, this may happen if there are no active \
                 subscriptions for the tenant."
            ),
            Self::AppNotFound { client_id, tenant } => format!(
                "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if \
                 the application has not been installed by the administrator of the tenant or consented to by any user in \
                 the tenant. You may have sent your authentication request to the wrong tenant."
            ),
            Self::AppDisabled { client_id, name } => format!("Application '{client_id}'({name}) is disabled."),
            Self::InvalidSecret { client_id } => format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
                 not the client secret ID, for a secret added to app '{client_id}'."
            ),
            Self::ExpiredSecret { client_id } => format!(
                "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new \
                 keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added \
                 security: https://aka.ms/certCreds."
            ),
            Self::InvalidScope(scope) => format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
                 /.default suffixed to the resource identifier (application ID URI)."
            ),
        }
    }

    /// The answer; `correlation_id` is the caller's `client-request-id` where it sent one.
    pub(super) fn answer(&self, correlation_id: Uuid, now: DateTime<Utc>) -> Response {
        let ((status, error), code, trace_id) = (self.error(), self.code(), Uuid::new_v4());
        let timestamp = now.format("%Y-%m-%d %H:%M:%SZ").to_string();
        let body = json!({
            "error": error,
            "error_description": format!(
                "AADSTS{code}: {} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}",
                self.sentence()
            ),
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace_id.to_string(),
            "correlation_id": correlation_id.to_string(),
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        });
        let ids = [("x-ms-request-id", trace_id), ("client-request-id", correlation_id)]
            .map(|(name, id)| (HeaderName::from_static(name), id.to_string()));
        (status, ids, token::json(&body)).into_response()
    }
}
