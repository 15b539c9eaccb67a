//! An AVEVA tenant: its token endpoint, an IdentityServer (400 for every refusal, without a reason), and whose tokens are
//! out (providers.md section 5).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    directory::{Credential, Directory, Platform},
    token,
    token_request::TokenRequest,
    trouble::{Troubles, held},
};
use crate::clock;

/// The management of the directory's clients, on top of what the directory knows.
#[derive(Debug)]
pub struct Aveva {
    pub(super) directory: Arc<Directory>,
    pub(super) ledger: Mutex<Ledger>,
    pub troubles: Troubles,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Clients with the role Tenant Administrator; any other may manage its own secrets alone.
    pub administrators: BTreeSet<String>,
    pub passes: Vec<Pass>,
    /// By client and secret id.
    pub descriptions: BTreeMap<(String, String), String>,
    /// With their clients; deleted, and accepted until authentication hears of it.
    pub deleted: Vec<(String, Credential)>,
    pub last_id: i32,
}

/// A token that was issued.
#[derive(Debug)]
pub(super) struct Pass {
    pub token: String,
    pub client_id: String,
    pub tenant: String,
}

impl Aveva {
    pub(super) fn new(directory: Arc<Directory>) -> Self {
        Self { directory, ledger: Mutex::default(), troubles: Troubles::default() }
    }

    pub fn make_administrator(&self, client_id: &str) {
        self.ledger().administrators.insert(client_id.to_owned());
    }

    /// The hour is over: what was deleted is not accepted any more.
    pub fn settle(&self) {
        self.ledger().deleted.clear();
    }

    /// Ids of a client's secrets.
    pub fn secrets(&self, client_id: &str) -> Vec<String> {
        let apps = self.directory.apps();
        let own = apps.iter().filter(|app| app.platform == Platform::Aveva && app.client_id == client_id);
        own.flat_map(|app| &app.credentials).map(|credential| credential.key_id.clone()).collect()
    }

    /// To be taken after the directory, never before.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        held(&self.ledger)
    }
}

pub(super) async fn token(State(aveva): State<Arc<Aveva>>, headers: HeaderMap, body: Bytes) -> Response {
    let response = match grant(&aveva, &TokenRequest::read(&headers, &body)) {
        Ok(body) => token::json(&body).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, token::json(&json!({ "error": error }))).into_response(),
    };
    ([(CACHE_CONTROL, "no-store, no-cache, max-age=0")], response).into_response()
}

fn grant(aveva: &Aveva, request: &TokenRequest) -> Result<Value, &'static str> {
    let (Some(client_id), Some(secret)) = (request.client_id(), request.client_secret()) else {
        return Err("invalid_client");
    };
    let now = clock::now();
    let apps = aveva.directory.apps();
    let mut ledger = aveva.ledger();
    let app = apps
        .iter()
        .find(|app| app.platform == Platform::Aveva && app.client_id == client_id && app.enabled)
        .filter(|app| {
            let deleted =
                ledger.deleted.iter().filter(|(owner, _)| owner == client_id).map(|(_, credential)| credential);
            let mut known = app.credentials.iter().chain(deleted);
            known.any(|credential| {
                credential.value().expose() == secret
                    && credential.is_known(Duration::ZERO)
                    && !credential.has_ended(now)
            })
        })
        .ok_or("invalid_client")?;
    match request.field("grant_type") {
        None => Err("invalid_request"),
        Some("client_credentials") => {
            let token = token::mint("https://datahub.example/identity", "ocsapi", client_id, &app.tenant, now);
            let pass = Pass { token: token.clone(), client_id: client_id.to_owned(), tenant: app.tenant.clone() };
            ledger.passes.push(pass);
            Ok(json!({ "access_token": token, "expires_in": token::LIFETIME, "token_type": "Bearer" }))
        }
        Some(_) => Err("unsupported_grant_type"),
    }
}
