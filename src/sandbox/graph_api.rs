//! The REST surface of Microsoft Graph.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{
        HeaderMap, Method, StatusCode, Uri,
        header::{AUTHORIZATION, CONTENT_TYPE, DATE, HOST, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
    routing::any,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    graph::{AppPolicy, Graph, Object, Refusal, Wish},
    token::{json as answer, verified},
};
use crate::clock;

const READ: [&str; 2] = ["Application.Read.All", "Application.ReadWrite.All"];
const WRITE: [&str; 1] = ["Application.ReadWrite.All"];
const READ_POLICY: [&str; 1] = ["Policy.Read.All"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Add {
    #[serde(default)]
    password_credential: New,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct New {
    display_name: Option<String>,
    start_date_time: Option<DateTime<Utc>>,
    end_date_time: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Remove {
    key_id: String,
}

impl Remove {
    fn is_sound(&self) -> bool {
        Uuid::parse_str(&self.key_id).is_ok()
    }
}

pub(super) fn router(graph: Arc<Graph>) -> Router {
    Router::new().route("/v1.0/{*path}", any(call)).with_state(graph)
}

async fn call(State(graph): State<Arc<Graph>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let skew = graph.clock_skew();
    let mut response = answered(&graph, &method, &uri, &headers, &body);
    let date = (clock::now() + skew).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    // Without this line the server's own clock says it.
    response.headers_mut().extend(date.parse().ok().map(|date| (DATE, date)));
    response
}

fn answered(graph: &Arc<Graph>, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
    let Some((caller, tenant)) = caller(headers) else {
        return fault(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", "Access token validation failure.");
    };
    let path = uri.path().trim_start_matches("/v1.0/");
    let (head, action) = path.split_once('/').map_or((path, None), |(head, action)| (head, Some(action)));
    let (needed, owned): (&[&str], _) = match (method, head, action) {
        (_, "policies", _) | (_, _, Some("appManagementPolicies")) => (&READ_POLICY, None),
        (&Method::GET, ..) => (&READ, addressed(head)),
        _ => (&WRITE, addressed(head)),
    };
    let may = graph.may(&caller, needed) || owned.is_some_and(|(app, _)| graph.may_own(&caller, &app));
    if !may || graph.forbids(action) {
        let said = "Insufficient privileges to complete the operation.";
        return fault(StatusCode::FORBIDDEN, "Authorization_RequestDenied", said);
    }
    let shared = Arc::clone(graph);
    if (method.as_str(), path) == ("GET", "policies/defaultAppManagementPolicy") {
        return graph.read_troubles.around(move || answer(&policy(shared.policy())).into_response(), throttled);
    }
    let (Some((client_id, is_principal)), true) = (addressed(head), query_is_sound(uri)) else {
        let said = format!("Resource not found for the segment '{head}'.");
        return fault(StatusCode::BAD_REQUEST, "Request_BadRequest", &said);
    };
    let work = match (method.as_str(), action) {
        ("GET", None) => {
            let selected = selected(uri);
            let read = move || match shared.object(Object { client_id: &client_id, tenant: &tenant, is_principal }) {
                Ok(object) => answer(&only(object, &selected)).into_response(),
                Err(refusal) => refused(refusal),
            };
            return graph.read_troubles.around(read, throttled);
        }
        ("GET", Some("appManagementPolicies")) => {
            let own = shared.own_policy(&client_id, is_principal);
            let read =
                move || answer(&json!({ "value": own.map(own_policy).into_iter().collect::<Value>() })).into_response();
            return graph.read_troubles.around(read, throttled);
        }
        ("POST", Some("addPassword")) => read::<Add>(headers, body).map(Work::Add),
        ("POST", Some("removePassword")) => read::<Remove>(headers, body).filter(Remove::is_sound).map(Work::Remove),
        _ => {
            return fault(
                StatusCode::METHOD_NOT_ALLOWED,
                "Request_BadRequest",
                "Specified HTTP method is not allowed.",
            );
        }
    };
    let Some(work) = work else {
        return fault(StatusCode::BAD_REQUEST, "Request_BadRequest", "Invalid property in the request's body.");
    };
    let change = move || work.done(&shared, Object { client_id: &client_id, tenant: &tenant, is_principal });
    graph.troubles.around(change, throttled)
}

enum Work {
    Add(Add),
    Remove(Remove),
}

impl Work {
    fn done(self, graph: &Graph, object: Object<'_>) -> Response {
        let done = match self {
            Self::Add(Add { password_credential: New { display_name, start_date_time, end_date_time } }) => {
                let wish = Wish { label: display_name, start: start_date_time, end: end_date_time };
                graph.add(object, wish).map(|added| answer(&added).into_response())
            }
            Self::Remove(Remove { key_id }) => {
                graph.remove(object, &key_id).map(|()| StatusCode::NO_CONTENT.into_response())
            }
        };
        done.unwrap_or_else(refused)
    }
}

/// Client id and tenant of whoever shows a token that was issued for this API.
fn caller(headers: &HeaderMap) -> Option<(String, String)> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let token = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let claims = verified(token, &format!("http://{host}"))?;
    let text = |name: &str| claims[name].as_str().map(str::to_owned);
    Some((text("appid")?, text("tid")?))
}

/// Client id and kind of object in `applications(appId='...')`.
fn addressed(segment: &str) -> Option<(String, bool)> {
    let (kind, id) = segment.split_once("(appId='")?;
    let is_principal = match kind {
        "applications" => false,
        "servicePrincipals" => true,
        _ => return None,
    };
    Some((id.strip_suffix("')")?.to_owned(), is_principal))
}

/// Nothing but `$select`, and of properties that there are.
fn query_is_sound(uri: &Uri) -> bool {
    const KNOWN: [&str; 7] =
        ["id", "appId", "displayName", "signInAudience", "createdDateTime", "passwordCredentials", "keyCredentials"];
    uri.query().is_none_or(|query| query.starts_with("$select=") && !query.contains('&'))
        && selected(uri).is_none_or(|names| names.iter().all(|name| KNOWN.contains(&name.as_str())))
}

fn selected(uri: &Uri) -> Option<Vec<String>> {
    let names = uri.query()?.strip_prefix("$select=")?;
    Some(names.split(',').map(str::to_owned).collect())
}

fn only(object: Value, selected: &Option<Vec<String>>) -> Value {
    let (Value::Object(all), Some(names)) = (&object, selected) else { return object };
    let kept = all.iter().filter(|(name, _)| names.contains(name));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

fn read<'a, T: Deserialize<'a>>(headers: &HeaderMap, body: &'a [u8]) -> Option<T> {
    let is_json = headers.get(CONTENT_TYPE)?.to_str().ok()?.starts_with("application/json");
    serde_json::from_slice(body).ok().filter(|_| is_json)
}

fn restrictions(policy: AppPolicy) -> Vec<Value> {
    let restriction = |kind: &str, lifetime: Option<i64>| {
        let lifetime = lifetime.map(|days| format!("P{days}D"));
        json!({ "restrictionType": kind, "state": "enabled", "maxLifetime": lifetime, "restrictForAppsCreatedAfterDateTime": null })
    };
    let addition = policy.no_new_secrets.then(|| restriction("passwordAddition", None));
    let lifetime = policy.max_days.map(|days| restriction("passwordLifetime", Some(days)));
    addition.into_iter().chain(lifetime).collect()
}

fn own_policy(policy: AppPolicy) -> Value {
    let restrictions = json!({ "passwordCredentials": restrictions(policy), "keyCredentials": [] });
    json!({ "id": Uuid::nil().to_string(), "displayName": "Of this app", "isEnabled": true, "restrictions": restrictions })
}

fn policy(policy: AppPolicy) -> Value {
    let restrictions = restrictions(policy);
    json!({
        "id": "00000000-0000-0000-0000-000000000000", "displayName": "Default app management tenant policy",
        "isEnabled": !restrictions.is_empty(),
        "applicationRestrictions": { "passwordCredentials": restrictions, "keyCredentials": [] },
        "servicePrincipalRestrictions": { "passwordCredentials": restrictions, "keyCredentials": [] },
    })
}

fn refused(refusal: Refusal) -> Response {
    let (status, code, said) = match refusal {
        Refusal::NoObject => (
            StatusCode::NOT_FOUND,
            "Request_ResourceNotFound",
            "Resource does not exist or one of its queried reference-property objects are not present.",
        ),
        Refusal::NoKey => (StatusCode::BAD_REQUEST, "Request_BadRequest", "No password credential found with keyId."),
        Refusal::TooMany => (
            StatusCode::BAD_REQUEST,
            "Request_BadRequest",
            "The number of password credentials exceeds what this object may have.",
        ),
        Refusal::Lifetime => (
            StatusCode::BAD_REQUEST,
            "CredentialInvalidLifetimeAsPerAppPolicy",
            "Credential lifetime exceeds the max value allowed as per assigned policy.",
        ),
        Refusal::Forbidden => (
            StatusCode::BAD_REQUEST,
            "CredentialTypeNotAllowedAsPerAppPolicy",
            "Credential type not allowed as per assigned policy.",
        ),
        Refusal::Dates => {
            (StatusCode::BAD_REQUEST, "Request_BadRequest", "Key credential end date is before its start date.")
        }
    };
    fault(status, code, said)
}

fn throttled(seconds: u32) -> Response {
    let said = fault(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "Too many requests.");
    ([(RETRY_AFTER, seconds.to_string())], said).into_response()
}

fn fault(status: StatusCode, code: &str, said: &str) -> Response {
    let (date, id) = (clock::now().format("%Y-%m-%dT%H:%M:%S").to_string(), Uuid::new_v4().to_string());
    let inner = json!({ "date": date, "request-id": id, "client-request-id": id });
    (status, answer(&json!({ "error": { "code": code, "message": said, "innerError": inner } }))).into_response()
}
