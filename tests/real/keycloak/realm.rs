//! A realm as its administrator sees it, a client's secret in a file, and the inventory that rotates it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::TimeDelta;
use credwatch::clock;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::{night::Night, server::Server};

pub struct Realm {
    pub base: String,
    pub name: &'static str,
    manager: String,
    client: reqwest::Client,
    runtime: Runtime,
}

/// What a client has at Keycloak, which goes on showing a rotated secret that has expired.
#[derive(Debug)]
pub struct Secrets {
    pub current: String,
    pub rotated: Option<String>,
}

impl Realm {
    pub fn new(server: &Server, name: &'static str) -> Self {
        Self {
            base: server.tells("HTTP"),
            name,
            manager: server.tells("MANAGER"),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    fn ask(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        })
    }

    fn token(&self, client_id: &str, secret: &str) -> Option<String> {
        let url = format!("{}/realms/{}/protocol/openid-connect/token", self.base, self.name);
        let form = [("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", secret)];
        let (_, body) = self.ask(self.client.post(url).form(&form));
        body["access_token"].as_str().map(str::to_owned)
    }

    pub fn is_live(&self, client_id: &str, secret: &str) -> bool {
        self.token(client_id, secret).is_some()
    }

    fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let token = self.token("manager", &self.manager).expect("the manager signs in");
        let url = format!("{}/admin/realms/{}/clients{path}", self.base, self.name);
        let request = self.client.request(method, url).bearer_auth(token);
        self.ask(body.into_iter().fold(request, |request, body| request.json(body)))
    }

    /// Keycloak's own id of a client.
    fn id(&self, client_id: &str) -> String {
        let (_, found) = self.admin(Method::GET, &format!("?clientId={client_id}"), None);
        found[0]["id"].as_str().unwrap().to_owned()
    }

    pub fn secrets(&self, client_id: &str) -> Secrets {
        let path = format!("/{}/client-secret", self.id(client_id));
        let value = |path: &str| self.admin(Method::GET, path, None).1["value"].as_str().map(str::to_owned);
        Secrets { current: value(&path).unwrap(), rotated: value(&format!("{path}/rotated")) }
    }

    pub fn regenerate(&self, client_id: &str) -> String {
        let (_, made) = self.admin(Method::POST, &format!("/{}/client-secret", self.id(client_id)), None);
        made["value"].as_str().unwrap().to_owned()
    }

    /// A new client, in place of what an earlier run of the test left, and its secret.
    pub fn add(&self, client_id: &str) -> String {
        let (_, left) = self.admin(Method::GET, &format!("?clientId={client_id}"), None);
        if let Some(id) = left[0]["id"].as_str() {
            self.admin(Method::DELETE, &format!("/{id}"), None);
        }
        let client = json!({"clientId": client_id, "serviceAccountsEnabled": true, "standardFlowEnabled": false});
        assert_eq!(self.admin(Method::POST, "", Some(&client)).0, 201);
        self.secrets(client_id).current
    }

    /// An inventory over this realm as it is reached at `base`, its settings with times short enough for a test, and the
    /// manager's secret.
    pub fn watched(&self, night: &mut Night, base: &str, entries: &str) {
        let realm = self.name;
        night.secret("MANAGER", &self.manager);
        night.inventory(&format!(
            "version: 1\ndefaults: {{provider: keycloak, base_url: '{base}', realm: {realm}}}\napps:\n{entries}"
        ));
        night.settings(&format!(
            "
version: 1
management:
  - {{provider: keycloak, base_url: '{base}', realm: {realm}, client_id: manager, secret: 'env:MANAGER'}}
rotation: {{live_deadline: 10s, live_spacing: 50ms, live_for: 100ms, settle: 100ms, run_gap: 1ms}}
"
        ));
    }
}

/// The file a consumer reads its secret from.
pub struct Store {
    _folder: TempDir,
    path: PathBuf,
}

impl Store {
    pub fn new(secret: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, secret).unwrap();
        Self { _folder: folder, path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn holds(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    /// The inventory's entry of a client whose secret ends in ten days and is rotated into this file.
    pub fn entry(&self, client_id: &str, rotate: &str) -> String {
        let path = self.path.display();
        let expires = (clock::now() + TimeDelta::days(10)).date_naive();
        format!(
            "  - {{name: {client_id}, client_id: {client_id}, secret: 'file:{path}', expires: {expires}, \
             rotate: {{before: 20d, deliver_to: ['file:{path}'], {rotate}}}}}\n"
        )
    }
}
