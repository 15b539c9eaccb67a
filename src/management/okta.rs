//! Okta's client secrets (providers.md section 7): at most two, both accepted while active; an active one cannot be deleted.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::{
    Capabilities, Constraints, CreateFault, Created, FaultKind, Holder, Label, Listed, Listing, Management,
    ManagementFault, Order, Overlap, Removed, Usage, UsageQuestion,
    rest::{Access, Rest},
};
use crate::{
    api::Api,
    secret::{Fingerprints, Secret},
};

/// What a token for this API is asked for.
pub const SCOPE: &str = "okta.apps.manage";

pub struct Okta {
    rest: Rest,
    /// Okta gives an app and its OAuth client the same id.
    app_id: String,
    fingerprint_key: [u8; 32],
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    status: Status,
    client_secret: Option<Value>,
    created: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct New<'a> {
    client_secret: &'a str,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Active,
    Inactive,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct Value(Secret);

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self(Secret::new(value))
    }
}

impl Okta {
    /// `domain` is `https://DOMAIN`; listed values become fingerprints under this key.
    pub fn new(api: Api, access: Arc<dyn Access>, domain: Url, client_id: &str, fingerprint_key: [u8; 32]) -> Self {
        let rest = Rest { name: "Okta", api, access, base: domain };
        Self { rest, app_id: client_id.to_owned(), fingerprint_key }
    }

    fn url(&self, last: &[&str]) -> Url {
        self.rest.url(&[&["api", "v1", "apps", self.app_id.as_str(), "credentials", "secrets"], last].concat())
    }

    async fn entries(&self) -> Result<(Vec<Entry>, Option<DateTime<Utc>>), ManagementFault> {
        let (entries, answer) = self.rest.get(self.url(&[]), "listing the secrets").await?;
        Ok((entries, answer.date()))
    }

    /// Sends once; a secret that is not there any more is `Gone`.
    async fn change(&self, method: Method, url: Url, doing: &str) -> Result<Removed, ManagementFault> {
        let answer = self.rest.send(method, url, None, false).await?;
        match self.rest.accept(&answer, doing) {
            Ok(_) => Ok(Removed::Removed),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(Removed::Gone),
            Err(fault) => Err(fault),
        }
    }
}

#[async_trait]
impl Management for Okta {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Full,
            readable: false,
            label: Label::ByValue,
            limit: Some(2),
            removal_delay: Duration::ZERO,
            live_deadline: None,
            tells_usage: false,
        }
    }

    async fn list(&self) -> Result<Listing, ManagementFault> {
        let (entries, date) = self.entries().await?;
        let prints = Fingerprints::new(&self.fingerprint_key);
        let listed = |entry: Entry| Listed {
            label: None,
            start: entry.created,
            // Okta's secrets do not end by themselves.
            end: None,
            hint: None,
            fingerprint: entry.client_secret.map(|value| prints.of(&value.0)),
            on: Holder::Application,
            is_secret: true,
            active: entry.status == Status::Active,
            id: entry.id,
        };
        Ok(Listing { credentials: entries.into_iter().map(listed).collect(), date })
    }

    async fn constraints(&self) -> Result<Constraints, ManagementFault> {
        Ok(Constraints::default())
    }

    async fn create(&self, order: &Order) -> Result<Created, CreateFault> {
        let Some(value) = &order.value else {
            let said = "no value was made that could be sent";
            return Err(CreateFault::Refused(self.rest.fault(FaultKind::Refused, said)));
        };
        // Room for all of it at once: a buffer that grows leaves copies behind.
        let mut sent = Zeroizing::new(Vec::with_capacity(value.expose().len() * 6 + 64));
        if serde_json::to_writer(&mut *sent, &New { client_secret: value.expose() }).is_err() {
            return Err(CreateFault::Refused(self.rest.fault(FaultKind::Refused, "the value cannot be sent as JSON")));
        }
        let (entry, answer) = self.rest.make::<Entry>(self.url(&[]), Some(sent)).await?;
        let value = entry.client_secret.map_or_else(|| Secret::new(value.expose().to_owned()), |made| made.0);
        Ok(Created { key_id: Some(entry.id), value, end: None, date: answer.date() })
    }

    async fn remove(&self, key_id: &str) -> Result<Removed, ManagementFault> {
        let (entries, _) = self.entries().await?;
        let Some(entry) = entries.iter().find(|entry| entry.id == key_id) else { return Ok(Removed::Gone) };
        if entry.status == Status::Active {
            let url = self.url(&[key_id, "lifecycle", "deactivate"]);
            if self.change(Method::POST, url, "deactivating a secret").await? == Removed::Gone {
                return Ok(Removed::Gone);
            }
        }
        self.change(Method::DELETE, self.url(&[key_id]), "deleting a secret").await
    }

    async fn current(&self) -> Result<Secret, ManagementFault> {
        Err(self.rest.fault(FaultKind::Refused, "an app may have two secrets, so none of them is the current one"))
    }

    async fn usage(&self, _: &UsageQuestion<'_>) -> Result<Usage, ManagementFault> {
        Ok(Usage::CannotTell("Okta does not say which secret was used".to_owned()))
    }
}
