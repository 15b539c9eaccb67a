//! An Entra tenant with one app: its token endpoint and the part of Microsoft Graph a rotation uses, and the truth about both.

use std::{
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime, task::AbortHandle};
use uuid::Uuid;

pub const ID: &str = "d0070a32-58f9-456f-933e-cf72e5638957";
pub const CLIENT: &str = "167071a1-0c9c-43c1-9c45-6dfd400a33ed";
pub const MANAGER: &str = "0d4ad62c-1c60-4a4a-9fd3-5bd1d4a1f0f5";

/// A new secret is accepted this much later.
const LAG: Duration = Duration::from_millis(120);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

pub struct Tenant {
    inner: Arc<Inner>,
    address: String,
    server: AbortHandle,
    /// Ids of what was there before and is not the app's own.
    pub strangers: Vec<String>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<Truth>,
    asked: Condvar,
}

#[derive(Default)]
struct Truth {
    credentials: Vec<Credential>,
    requests: usize,
    creates: usize,
    /// All that nobody may find elsewhere.
    canaries: Vec<String>,
}

#[derive(Clone)]
pub struct Credential {
    pub id: String,
    pub label: String,
    pub value: String,
    end: DateTime<Utc>,
    live_from: Instant,
}

impl Tenant {
    /// With a secret of the app that ends soon, and a stranger's.
    pub fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let (listener, address) = RUNTIME.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            (listener, format!("http://{address}"))
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let server = RUNTIME.spawn(async { axum::serve(listener, router).await }).abort_handle();
        let now = DateTime::<Utc>::from(std::time::SystemTime::now());
        let mut truth = inner.truth();
        truth.canaries = vec![secret(), secret()];
        // Soon enough to be due, and late enough to go back to.
        truth.add("by hand", now + TimeDelta::days(20), Duration::ZERO);
        let stranger = truth.add("somebody else's", now + TimeDelta::days(300), Duration::ZERO).id;
        drop(truth);
        Self { inner, address, server, strangers: vec![stranger] }
    }

    pub fn url(&self) -> &str {
        &self.address
    }

    /// The secret of credwatch's own registration.
    pub fn managers_secret(&self) -> String {
        self.inner.truth().canaries[0].clone()
    }

    pub fn credentials(&self) -> Vec<Credential> {
        self.inner.truth().credentials.clone()
    }

    pub fn accepts(&self, value: &str) -> bool {
        self.inner.truth().accepts(value)
    }

    /// Every value that was ever made here.
    pub fn canaries(&self) -> Vec<String> {
        self.inner.truth().canaries.clone()
    }

    pub fn creates(&self) -> usize {
        self.inner.truth().creates
    }

    pub fn requests(&self) -> usize {
        self.inner.truth().requests
    }

    /// Waits until the `number`th request has come in; `false`: not in time.
    pub fn await_request(&self, number: usize, patience: Duration) -> bool {
        let truth = self.inner.truth();
        let (truth, _) = self.inner.asked.wait_timeout_while(truth, patience, |truth| truth.requests < number).unwrap();
        truth.requests >= number
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Inner {
    fn truth(&self) -> MutexGuard<'_, Truth> {
        self.state.lock().unwrap()
    }
}

impl Truth {
    fn add(&mut self, label: &str, end: DateTime<Utc>, lag: Duration) -> Credential {
        let credential = Credential {
            id: Uuid::new_v4().to_string(),
            label: label.to_owned(),
            // No two begin alike: which one a store holds is told by the first three characters.
            value: format!("{:03}{}", self.credentials.len() + self.creates, secret()),
            end,
            live_from: Instant::now() + lag,
        };
        self.canaries.push(credential.value.clone());
        self.credentials.push(credential.clone());
        credential
    }

    fn accepts(&self, value: &str) -> bool {
        self.credentials.iter().any(|known| known.value == value && known.live_from <= Instant::now())
    }
}

impl Credential {
    fn shown(&self) -> Value {
        json!({"keyId": self.id, "displayName": self.label, "hint": self.value[..3], "secretText": null, "customKeyIdentifier": null,
            "startDateTime": "2026-01-01T00:00:00Z", "endDateTime": self.end.to_rfc3339_opts(SecondsFormat::Secs, true)})
    }
}

/// 40 characters, as Entra's are.
fn secret() -> String {
    format!("{}~{}", &Uuid::new_v4().simple().to_string()[..19], &Uuid::new_v4().simple().to_string()[..20])
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut truth = inner.truth();
    truth.requests += 1;
    inner.asked.notify_all();
    if uri.path().ends_with("/oauth2/v2.0/token") {
        return token(&truth, &body);
    }
    if headers.get("authorization").map(|value| value.as_bytes())
        != Some(format!("Bearer {}", truth.canaries[1]).as_bytes())
    {
        return fault(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", "Access token is empty.");
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let application = format!("/v1.0/applications(appId='{CLIENT}')");
    let path = uri.path().replace("%27", "'").replace("%28", "(").replace("%29", ")").replace("%3D", "=");
    match (method.as_str(), path.strip_prefix(&application)) {
        ("GET", Some("")) => {
            let shown: Vec<Value> = truth.credentials.iter().map(Credential::shown).collect();
            let object = json!({"id": Uuid::nil().to_string(), "appId": CLIENT, "signInAudience": "AzureADMyOrg",
                "passwordCredentials": shown, "keyCredentials": []});
            reply(StatusCode::OK, &object)
        }
        ("POST", Some("/addPassword")) => {
            truth.creates += 1;
            let wanted = &body["passwordCredential"];
            let end = wanted["endDateTime"].as_str().and_then(|end| end.parse().ok()).unwrap();
            let made = truth.add(wanted["displayName"].as_str().unwrap(), end, LAG);
            let mut shown = made.shown();
            shown["secretText"] = json!(made.value);
            reply(StatusCode::OK, &shown)
        }
        ("POST", Some("/removePassword")) => {
            let before = truth.credentials.len();
            truth.credentials.retain(|known| body["keyId"] != known.id.as_str());
            if truth.credentials.len() == before {
                let text = "No password credential found with keyId.";
                return fault(StatusCode::BAD_REQUEST, "Request_BadRequest", text);
            }
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", None) if path.starts_with("/v1.0/servicePrincipals(") => {
            fault(StatusCode::NOT_FOUND, "Request_ResourceNotFound", "Resource does not exist.")
        }
        _ => fault(StatusCode::FORBIDDEN, "Authorization_RequestDenied", "Insufficient privileges."),
    }
}

fn token(truth: &Truth, body: &[u8]) -> Response {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let secret = field("client_secret");
    let accepted = match field("client_id") {
        CLIENT => truth.accepts(secret),
        MANAGER => truth.canaries[0] == secret,
        _ => false,
    };
    if accepted {
        let token = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": truth.canaries[1]});
        return reply(StatusCode::OK, &token);
    }
    let text = "AADSTS7000215: Invalid client secret provided.";
    let body = json!({"error": "invalid_client", "error_description": text, "error_codes": [7_000_215],
        "trace_id": Uuid::nil().to_string(), "correlation_id": Uuid::nil().to_string()});
    reply(StatusCode::UNAUTHORIZED, &body)
}

fn fault(status: StatusCode, code: &str, text: &str) -> Response {
    reply(status, &json!({"error": {"code": code, "message": text}}))
}

fn reply(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
