//! AVEVA's client secrets (providers.md section 5): at most ten, all accepted; a deletion takes up to an hour to bite.

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
use crate::{api::Api, clock, secret::Secret};

pub struct Aveva {
    rest: Rest,
    tenant: String,
    client_id: String,
}

/// The documentation writes its names in Pascal case; servers of this make have answered in both.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(alias = "id")]
    id: i32,
    #[serde(alias = "expiration")]
    expiration: Option<DateTime<Utc>>,
    #[serde(alias = "expires")]
    expires: Option<bool>,
    #[serde(alias = "description")]
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    #[serde(alias = "id")]
    id: i32,
    #[serde(alias = "expiration")]
    expiration: Option<DateTime<Utc>>,
    #[serde(alias = "secret")]
    secret: Value,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct Value(Secret);

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self(Secret::new(value))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct New<'a> {
    expiration: String,
    expires: bool,
    description: &'a str,
}

/// A client never has more.
const LIMIT: u32 = 10;

impl Aveva {
    /// `base` is the region's root.
    #[must_use]
    pub fn new(api: Api, access: Arc<dyn Access>, base: Url, tenant: &str, client_id: &str) -> Self {
        let rest = Rest { name: "AVEVA", api, access, base };
        Self { rest, tenant: tenant.to_owned(), client_id: client_id.to_owned() }
    }

    fn url(&self, last: &[&str]) -> Url {
        let own = ["api", "v1", "Tenants", self.tenant.as_str(), "ClientCredentialClients", &self.client_id, "Secrets"];
        self.rest.url(&[own.as_slice(), last].concat())
    }
}

#[async_trait]
impl Management for Aveva {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Full,
            readable: false,
            label: Label::Kept,
            limit: Some(LIMIT),
            removal_delay: Duration::from_secs(3600),
            // That a new secret bites at once is written nowhere; what is changed may take the same hour.
            live_deadline: Some(Duration::from_secs(75 * 60)),
            tells_usage: false,
        }
    }

    async fn list(&self) -> Result<Listing, ManagementFault> {
        let doing = "listing the secrets";
        let mut url = self.url(&[]);
        url.set_query(Some("skip=0&count=100"));
        let (entries, answer) = self.rest.get::<Vec<Entry>>(url, doing).await?;
        let total = answer.headers.get("total-count").and_then(|total| total.to_str().ok()?.trim().parse().ok());
        // 207 is a part of the answer.
        if answer.status != 200 || total.is_some_and(|total: usize| total != entries.len()) {
            return Err(self.rest.fault(FaultKind::NoAnswer, "the list of secrets is not whole"));
        }
        let listed = |entry: Entry| Listed {
            id: entry.id.to_string(),
            label: entry.description,
            start: None,
            end: entry.expiration.filter(|end| entry.expires != Some(false) && !clock::is_never(*end)),
            hint: None,
            fingerprint: None,
            on: Holder::Application,
            is_secret: true,
            active: true,
        };
        Ok(Listing { credentials: entries.into_iter().map(listed).collect(), date: answer.date() })
    }

    async fn constraints(&self) -> Result<Constraints, ManagementFault> {
        Ok(Constraints::default())
    }

    async fn create(&self, order: &Order) -> Result<Created, CreateFault> {
        let new = New { expiration: clock::rfc3339(order.end), expires: true, description: &order.marker };
        let unwritable = |_| CreateFault::Refused(self.rest.fault(FaultKind::Refused, "the request cannot be written"));
        let json = serde_json::to_vec(&new).map(Zeroizing::new).map_err(unwritable)?;
        let (made, answer) = self.rest.make::<Made>(self.url(&[]), Some(json)).await?;
        Ok(Created {
            key_id: Some(made.id.to_string()),
            value: made.secret.0,
            end: made.expiration.filter(|end| !clock::is_never(*end)),
            date: answer.date(),
        })
    }

    async fn remove(&self, key_id: &str) -> Result<Removed, ManagementFault> {
        // A name in an id's place must lead nowhere else.
        if key_id.parse::<i32>().is_err() {
            return Err(self.rest.fault(FaultKind::Refused, "the id of a secret is a number here"));
        }
        let answer = self.rest.send(Method::DELETE, self.url(&[key_id]), None, false).await?;
        match self.rest.accept(&answer, "deleting a secret") {
            Ok(_) => Ok(Removed::Removed),
            // Also the answer for a client or a tenant that is not there.
            Err(fault) if fault.kind == FaultKind::NotFound => {
                let listed = self.list().await?.credentials.iter().any(|listed| listed.id == key_id);
                if listed { Err(fault) } else { Ok(Removed::Gone) }
            }
            Err(fault) => Err(fault),
        }
    }

    async fn current(&self) -> Result<Secret, ManagementFault> {
        Err(self.rest.fault(FaultKind::Refused, "a secret's value cannot be read again"))
    }

    async fn usage(&self, _: &UsageQuestion<'_>) -> Result<Usage, ManagementFault> {
        Ok(Usage::CannotTell("AVEVA does not say which secret was used".to_owned()))
    }
}
