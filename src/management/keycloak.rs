//! Keycloak's admin API (providers.md section 6): one secret that can be read and regenerated; where a client policy rotates
//! secrets, the value before it is accepted for a while.

mod policy;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Deserialize;
use url::Url;

use super::{
    Capabilities, Constraints, CreateFault, Created, FaultKind, Holder, Label, Listed, Listing, Management,
    ManagementFault, Order, Overlap, Removed, Usage, UsageQuestion,
    rest::{Access, Rest},
};
use crate::{api::Api, clock, secret::Secret};
use policy::Rotation;

/// The two values a client may have; neither has an id of Keycloak's.
const CURRENT: &str = "current";
const ROTATED: &str = "rotated";

pub struct Keycloak {
    rest: Rest,
    realm: String,
    client_id: String,
}

/// Of a client representation, what matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    /// Keycloak's own id.
    id: String,
    client_id: String,
    #[serde(default)]
    public_client: bool,
    #[serde(default)]
    bearer_only: bool,
    client_authenticator_type: Option<String>,
    #[serde(default)]
    attributes: Attributes,
}

/// Epoch seconds, as text or number; 0 and absent: never.
#[derive(Deserialize, Default)]
struct Attributes {
    #[serde(rename = "client.secret.creation.time", default)]
    created: Seconds,
    #[serde(rename = "client.secret.expiration.time", default)]
    end: Seconds,
    #[serde(rename = "client.secret.rotated.creation.time", default)]
    rotated_created: Seconds,
    #[serde(rename = "client.secret.rotated.expiration.time", default)]
    rotated_end: Seconds,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(from = "serde_json::Value")]
struct Seconds(Option<i64>);

#[derive(Deserialize)]
struct ClientSecret {
    value: Option<String>,
}

impl Keycloak {
    /// `base` is the server's address, `/auth` included where it has that.
    pub fn new(api: Api, access: Arc<dyn Access>, base: Url, realm: &str, client_id: &str) -> Self {
        let rest = Rest { name: "Keycloak", api, access, base };
        Self { rest, realm: realm.to_owned(), client_id: client_id.to_owned() }
    }

    fn url(&self, below: &[&str]) -> Url {
        self.rest.url(&[&["admin", "realms", self.realm.as_str()], below].concat())
    }

    fn secret_url(&self, client: &Client, last: &[&str]) -> Url {
        self.url(&[&["clients", client.id.as_str(), "client-secret"], last].concat())
    }

    async fn client(&self) -> Result<(Client, Option<DateTime<Utc>>), ManagementFault> {
        let mut url = self.url(&["clients"]);
        url.query_pairs_mut().append_pair("clientId", &self.client_id);
        let (clients, answer) = self.rest.get::<Vec<Client>>(url, "looking the client up").await?;
        match clients.into_iter().find(|client| client.client_id == self.client_id) {
            Some(client) => Ok((client, answer.date())),
            None => {
                Err(self.rest.fault(FaultKind::NotFound, "the realm has no client of this id, or does not show it"))
            }
        }
    }

    async fn value(&self, url: Url, doing: &str) -> Result<Option<Secret>, ManagementFault> {
        match self.rest.get::<ClientSecret>(url, doing).await {
            Ok((secret, _)) => Ok(secret.value.filter(|value| !value.is_empty()).map(Secret::new)),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn rotated(&self, client: &Client) -> Result<Option<Secret>, ManagementFault> {
        self.value(self.secret_url(client, &[ROTATED]), "reading the rotated secret").await
    }

    /// `Ok(None)`: no right to see the realm's policies.
    async fn policy(&self, client: &Client) -> Result<Option<Rotation>, ManagementFault> {
        let read = async {
            let doing = "reading the client policies";
            let (policies, _) = self.rest.get(self.url(&["client-policies", "policies"]), doing).await?;
            let (profiles, _) = self.rest.get(self.url(&["client-policies", "profiles"]), doing).await?;
            Ok(policy::rotation(&policies, &profiles, client))
        };
        match read.await {
            Ok(rotation) => Ok(Some(rotation)),
            Err(ManagementFault { kind: FaultKind::Forbidden, .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

#[async_trait]
impl Management for Keycloak {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::RotatedGrace,
            readable: true,
            label: Label::Readable,
            limit: Some(2),
            removal_delay: Duration::ZERO,
            live_deadline: None,
            tells_usage: false,
        }
    }

    async fn list(&self) -> Result<Listing, ManagementFault> {
        let (client, date) = self.client().await?;
        // Keycloak sends no date, and shows a rotated value after its end, too.
        let now = date.unwrap_or_else(clock::now);
        let of = &client.attributes;
        let listed = |id: &str, start: Seconds, end: Seconds| Listed {
            id: id.to_owned(),
            label: None,
            start: start.time(),
            end: end.time(),
            hint: None,
            fingerprint: None,
            on: Holder::Application,
            is_secret: client.secret_fault().is_none(),
            active: end.time().is_none_or(|end| end > now),
        };
        let mut credentials = vec![listed(CURRENT, of.created, of.end)];
        if self.rotated(&client).await?.is_some() {
            credentials.push(listed(ROTATED, of.rotated_created, of.rotated_end));
        }
        Ok(Listing { credentials, date })
    }

    async fn constraints(&self) -> Result<Constraints, ManagementFault> {
        let (client, _) = self.client().await?;
        let policy = self.policy(&client).await?.unwrap_or_else(|| client.attributes.rotation());
        Ok(Constraints {
            forbidden: client.secret_fault().map(str::to_owned),
            rotated_grace: policy.rotated,
            fixed_lifetime: policy.lifetime,
            ..Constraints::default()
        })
    }

    async fn create(&self, _: &Order) -> Result<Created, CreateFault> {
        let (client, _) = self.client().await.map_err(CreateFault::Refused)?;
        // Keycloak would regenerate the unused secret of such a client, too.
        if let Some(why) = client.secret_fault() {
            return Err(CreateFault::Refused(self.rest.fault(FaultKind::Refused, why)));
        }
        let (made, answer) = self.rest.make::<ClientSecret>(self.secret_url(&client, &[]), None).await?;
        let Some(value) = made.value.filter(|value| !value.is_empty()).map(Secret::new) else {
            return Err(CreateFault::Unknown(self.rest.unreadable("making a secret").message));
        };
        // The end is a help; the value is what counts, and it must not be lost with a second answer.
        let end = self.client().await.ok().and_then(|(client, _)| client.attributes.end.time());
        Ok(Created { key_id: None, value, end, date: answer.date() })
    }

    async fn remove(&self, key_id: &str) -> Result<Removed, ManagementFault> {
        match key_id {
            ROTATED => {}
            CURRENT => {
                let said = "the secret in force can be regenerated, not removed";
                return Err(self.rest.fault(FaultKind::Refused, said));
            }
            _ => return Ok(Removed::Gone),
        }
        let (client, _) = self.client().await?;
        if self.rotated(&client).await?.is_none() {
            return Ok(Removed::Gone);
        }
        let answer = self.rest.send(Method::DELETE, self.secret_url(&client, &[ROTATED]), None, false).await?;
        match self.rest.accept(&answer, "removing the rotated secret") {
            Ok(_) => Ok(Removed::Removed),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(Removed::Gone),
            Err(fault) if answer.status == 500 => {
                let message = format!("{}, as it is without the right to manage this client, too", fault.message);
                Err(ManagementFault { message, ..fault })
            }
            Err(fault) => Err(fault),
        }
    }

    async fn current(&self) -> Result<Secret, ManagementFault> {
        let (client, _) = self.client().await?;
        let value = self.value(self.secret_url(&client, &[]), "reading the secret").await?;
        value.ok_or_else(|| self.rest.fault(FaultKind::NotFound, "the client has no secret"))
    }

    async fn usage(&self, _: &UsageQuestion<'_>) -> Result<Usage, ManagementFault> {
        Ok(Usage::CannotTell("Keycloak does not say which of two secrets was used".to_owned()))
    }
}

impl Client {
    /// Why this client's secret opens nothing.
    fn secret_fault(&self) -> Option<&'static str> {
        match self.client_authenticator_type.as_deref() {
            _ if self.public_client => Some("this client is public: its secret is never looked at"),
            _ if self.bearer_only => Some("this client is bearer-only: it never signs in"),
            Some("client-secret" | "client-secret-jwt") | None => None,
            Some(_) => Some("this client signs in with a key or certificate, not with a secret"),
        }
    }
}

impl Attributes {
    /// What the last regeneration was given, as far as it shows.
    fn rotation(&self) -> Rotation {
        let between = |start: Seconds, end: Seconds| {
            let seconds = end.0?.checked_sub(start.0?)?;
            u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
        };
        // The rotated value is stamped when it is set aside, so this is its whole period.
        Rotation { rotated: between(self.rotated_created, self.rotated_end), lifetime: between(self.created, self.end) }
    }
}

impl Seconds {
    fn time(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.0?, 0)
    }
}

impl From<serde_json::Value> for Seconds {
    fn from(value: serde_json::Value) -> Self {
        let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        Self(number.filter(|seconds| *seconds > 0))
    }
}
