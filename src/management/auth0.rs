//! Auth0's Management API (providers.md section 7): one secret, which can be read and replaced, with no overlap.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{
    Capabilities, Constraints, CreateFault, Created, FaultKind, Holder, KeyId, Label, Listed, Listing, Management,
    ManagementFault, Order, Overlap, Removed, Usage, UsageQuestion,
    rest::{Access, Rest},
};
use crate::{api::Api, secret::Secret};

/// The only credential there is; it has no id of its own.
const CURRENT: &str = "current";

pub struct Auth0 {
    rest: Rest,
    client_id: String,
}

/// Of a client object, what matters here. `client_secret` is there with the scope `read:client_keys`.
#[derive(Deserialize)]
struct Client {
    client_id: String,
    client_secret: Option<String>,
    token_endpoint_auth_method: Option<String>,
    /// `{}` or null unless the client signs with keys of its own.
    client_authentication_methods: Option<Value>,
}

impl Auth0 {
    /// `domain` is `https://DOMAIN`.
    pub fn new(api: Api, access: Arc<dyn Access>, domain: Url, client_id: &str) -> Self {
        Self { rest: Rest { name: "Auth0", api, access, base: domain }, client_id: client_id.to_owned() }
    }

    /// What a token for this API is asked for.
    #[must_use]
    pub fn audience(domain: &Url) -> String {
        domain.join("/api/v2/").map_or_else(|_| domain.to_string(), String::from)
    }

    fn url(&self, last: &[&str]) -> Url {
        self.rest.url(&[&["api", "v2", "clients", self.client_id.as_str()], last].concat())
    }

    async fn client(&self) -> Result<(Client, Option<chrono::DateTime<chrono::Utc>>), ManagementFault> {
        let doing = "reading the client";
        let (client, answer) = self.rest.get::<Client>(self.url(&[]), doing).await?;
        if client.client_id != self.client_id {
            return Err(self.rest.unreadable(doing));
        }
        Ok((client, answer.date()))
    }

    fn refused(&self, said: &str) -> ManagementFault {
        self.rest.fault(FaultKind::Refused, said)
    }
}

#[async_trait]
impl Management for Auth0 {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::None,
            readable: true,
            label: Label::Readable,
            limit: None,
            removal_delay: Duration::ZERO,
            live_deadline: None,
            tells_usage: false,
        }
    }

    async fn list(&self) -> Result<Listing, ManagementFault> {
        let (client, date) = self.client().await?;
        let current = Listed {
            id: KeyId::from(CURRENT),
            label: None,
            start: None,
            end: None,
            hint: None,
            fingerprint: None,
            on: Holder::Application,
            is_secret: client.has_secret(),
            active: true,
        };
        Ok(Listing { credentials: vec![current], date })
    }

    async fn constraints(&self) -> Result<Constraints, ManagementFault> {
        let (client, _) = self.client().await?;
        let forbidden = (!client.has_secret()).then(|| "this client does not sign in with a secret".to_owned());
        Ok(Constraints { forbidden, ..Constraints::default() })
    }

    async fn create(&self, _: &Order) -> Result<Created, CreateFault> {
        let (client, _) = self.client().await.map_err(CreateFault::Refused)?;
        if !client.has_secret() {
            return Err(CreateFault::Refused(self.refused("this client does not sign in with a secret")));
        }
        let (client, answer) = self.rest.make::<Client>(self.url(&["rotate-secret"]), None).await?;
        match client.client_secret.filter(|value| !value.is_empty()) {
            Some(value) => Ok(Created { key_id: None, value: Secret::new(value), end: None, date: answer.date() }),
            None => Err(CreateFault::Unknown("Auth0: the answer to making a secret holds none".to_owned())),
        }
    }

    async fn remove(&self, _: &str) -> Result<Removed, ManagementFault> {
        Err(self.refused("the one secret of a client can be replaced, not removed"))
    }

    async fn current(&self) -> Result<Secret, ManagementFault> {
        let (client, _) = self.client().await?;
        client.client_secret.filter(|value| !value.is_empty()).map(Secret::new).ok_or_else(|| {
            let said = "the client is shown without its secret; give credwatch's client the scope read:client_keys";
            self.rest.fault(FaultKind::Forbidden, said)
        })
    }

    async fn usage(&self, _: &UsageQuestion<'_>) -> Result<Usage, ManagementFault> {
        Ok(Usage::CannotTell("Auth0 does not say when a secret was used".to_owned()))
    }
}

impl Client {
    fn has_secret(&self) -> bool {
        let has_keys = match &self.client_authentication_methods {
            Some(Value::Object(methods)) => !methods.is_empty(),
            Some(Value::Null) | None => false,
            Some(_) => true,
        };
        !has_keys && self.token_endpoint_auth_method.as_deref() != Some("none")
    }
}
