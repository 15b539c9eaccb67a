//! Microsoft Graph (providers.md section 4): an app's passwords sit on its application object or on its service principal.

mod policy;
mod sign_ins;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;
use zeroize::Zeroizing;

use super::{
    Capabilities, Constraints, CreateFault, Created, FaultKind, Holder, Label, Listed, Listing, Management,
    ManagementFault, Order, Overlap, Removed, Usage, UsageQuestion,
    rest::{Access, Rest},
};
use crate::{api::Api, clock, secret::Secret};
use policy::{OwnPolicies, Policy};

pub struct Entra {
    rest: Rest,
    client_id: String,
    seen: Mutex<Seen>,
}

/// What the last listing told besides the credentials.
#[derive(Default)]
struct Seen {
    /// Personal accounts allow two secrets at the most.
    has_personal_accounts: bool,
    /// Other tenants have principals of it too.
    is_multi_tenant: bool,
    created: Option<DateTime<Utc>>,
    on_principal: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    sign_in_audience: Option<String>,
    created_date_time: Option<DateTime<Utc>>,
    // Asked for by name, so always there: without them nobody knows what the object holds.
    password_credentials: Vec<Password>,
    key_credentials: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Password {
    key_id: String,
    display_name: Option<String>,
    hint: Option<String>,
    start_date_time: Option<DateTime<Utc>>,
    end_date_time: Option<DateTime<Utc>>,
    custom_key_identifier: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    usage: Option<String>,
    custom_key_identifier: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    key_id: String,
    secret_text: SecretText,
    end_date_time: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretText(Secret);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Add<'a> {
    password_credential: New<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct New<'a> {
    display_name: &'a str,
    end_date_time: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Remove<'a> {
    key_id: &'a str,
}

impl Entra {
    /// `graph` is the API's root, without a version.
    #[must_use]
    pub fn new(api: Api, access: Arc<dyn Access>, graph: Url, client_id: &str) -> Self {
        let rest = Rest { name: "Microsoft Graph", api, access, base: graph };
        Self { rest, client_id: client_id.to_owned(), seen: Mutex::default() }
    }

    fn url(&self, holder: Holder, call: Option<&str>) -> Url {
        let of_app = match holder {
            Holder::Application => format!("applications(appId='{}')", self.client_id),
            Holder::ServicePrincipal => format!("servicePrincipals(appId='{}')", self.client_id),
        };
        let segments: Vec<&str> = ["v1.0", &of_app].into_iter().chain(call).collect();
        self.rest.url(&segments)
    }

    async fn object(&self, holder: Holder) -> Result<(Object, Option<DateTime<Utc>>), ManagementFault> {
        let mut url = self.url(holder, None);
        url.set_query(Some("$select=id,appId,signInAudience,createdDateTime,passwordCredentials,keyCredentials"));
        if holder == Holder::ServicePrincipal {
            url.set_query(Some("$select=id,appId,passwordCredentials,keyCredentials"));
        }
        let (object, answer) = self.rest.get::<Object>(url, "reading the app").await?;
        Ok((object, answer.date()))
    }

    /// What the policy that holds for one of the app's objects says: its own, else the tenant's.
    async fn bound(&self, holder: Holder) -> Result<Constraints, ManagementFault> {
        let url = self.url(holder, Some("appManagementPolicies"));
        let own = self.policy::<OwnPolicies>(url, "reading the app's own management policy").await?;
        let restrictions = match own.and_then(OwnPolicies::in_force) {
            Some(restrictions) => Some(restrictions),
            None => {
                let url = self.rest.url(&["v1.0", "policies", "defaultAppManagementPolicy"]);
                let policy = self.policy::<Policy>(url, "reading the app management policy").await?;
                policy.map(|policy| policy.on(holder))
            }
        };
        let mut constraints = Constraints::default();
        if let Some(restrictions) = restrictions {
            // A principal is as old as its application, or younger.
            restrictions.bind(&mut constraints, self.seen(|seen| seen.created));
        }
        Ok(constraints)
    }

    /// `None`: not to be had with these rights; the create itself will say.
    async fn policy<T: DeserializeOwned>(&self, url: Url, doing: &str) -> Result<Option<T>, ManagementFault> {
        match self.rest.get::<T>(url, doing).await {
            Ok((policy, _)) => Ok(Some(policy)),
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Forbidden | FaultKind::Refused) => {
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    fn seen<T>(&self, work: impl FnOnce(&mut Seen) -> T) -> T {
        // Written whole: a panic elsewhere leaves it as it was.
        work(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Management for Entra {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            overlap: Overlap::Full,
            readable: false,
            label: Label::Kept,
            limit: None,
            removal_delay: Duration::ZERO,
            live_deadline: None,
            tells_usage: true,
        }
    }

    async fn list(&self) -> Result<Listing, ManagementFault> {
        let (application, date) = self.object(Holder::Application).await?;
        // An app without a service principal here, or rights to the application alone.
        let principal = match self.object(Holder::ServicePrincipal).await {
            Ok((principal, _)) => Some(principal),
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Forbidden) => None,
            Err(fault) => return Err(fault),
        };
        let audience = application.sign_in_audience.clone().unwrap_or_default();
        let created = application.created_date_time;
        let on_principal: Vec<Listed> =
            principal.map(|object| listed(object, Holder::ServicePrincipal)).unwrap_or_default();
        let mut credentials = listed(application, Holder::Application);
        self.seen(|seen| {
            seen.has_personal_accounts = audience.contains("PersonalMicrosoftAccount");
            seen.is_multi_tenant = !matches!(audience.as_str(), "" | "AzureADMyOrg");
            seen.created = created;
            seen.on_principal = on_principal.iter().map(|listed| listed.id.clone()).collect();
        });
        credentials.extend(on_principal);
        Ok(Listing { credentials, date })
    }

    async fn constraints(&self) -> Result<Constraints, ManagementFault> {
        let (personal, on_principal) = self.seen(|seen| (seen.has_personal_accounts, !seen.on_principal.is_empty()));
        let mut constraints = self.bound(Holder::Application).await?;
        constraints.limit = personal.then_some(2);
        if on_principal {
            constraints.on_principal = Some(Box::new(self.bound(Holder::ServicePrincipal).await?));
        }
        Ok(constraints)
    }

    async fn create(&self, order: &Order) -> Result<Created, CreateFault> {
        let body =
            Add { password_credential: New { display_name: &order.marker, end_date_time: clock::rfc3339(order.end) } };
        let json =
            serde_json::to_vec(&body).map(Zeroizing::new).map_err(|_| CreateFault::Refused(self.unwritable()))?;
        let (added, answer) = self.rest.make::<Added>(self.url(order.on, Some("addPassword")), Some(json)).await?;
        Ok(Created {
            key_id: Some(added.key_id),
            value: added.secret_text.0,
            end: added.end_date_time.filter(|end| !clock::is_never(*end)),
            date: answer.date(),
        })
    }

    async fn remove(&self, key_id: &str) -> Result<Removed, ManagementFault> {
        let on_principal = self.seen(|seen| seen.on_principal.iter().any(|id| id == key_id));
        let holder = if on_principal { Holder::ServicePrincipal } else { Holder::Application };
        let json = serde_json::to_vec(&Remove { key_id }).map(Zeroizing::new).map_err(|_| self.unwritable())?;
        let answer = self.rest.send(Method::POST, self.url(holder, Some("removePassword")), Some(json), false).await?;
        if answer.status == 404 || (answer.status == 400 && says_no_such_key(&answer.body)) {
            return Ok(Removed::Gone);
        }
        self.rest.accept(&answer, "removing a secret").map(|_| Removed::Removed)
    }

    async fn current(&self) -> Result<Secret, ManagementFault> {
        Err(self.rest.fault(FaultKind::Refused, "a secret's value cannot be read again"))
    }

    async fn usage(&self, question: &UsageQuestion<'_>) -> Result<Usage, ManagementFault> {
        let usage = sign_ins::usage(&self.rest, &self.client_id, question).await?;
        if usage == Usage::Unused && self.seen(|seen| seen.is_multi_tenant) {
            let why = "the app serves other tenants too, whose sign-ins this log does not show";
            return Ok(sign_ins::cannot_tell(why));
        }
        Ok(usage)
    }
}

impl Entra {
    fn unwritable(&self) -> ManagementFault {
        self.rest.fault(FaultKind::Refused, "the request cannot be written")
    }
}

/// Graph answers 400 for an id that is not there; its texts differ, the words do not.
fn says_no_such_key(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    text.contains("no password credential found") || text.contains("does not exist") || text.contains("not found")
}

fn listed(object: Object, on: Holder) -> Vec<Listed> {
    let signing: Vec<String> = object
        .key_credentials
        .into_iter()
        .filter(|key| key.usage.as_deref() == Some("Sign"))
        .filter_map(|key| key.custom_key_identifier)
        .collect();
    let each = object.password_credentials.into_iter();
    each.map(|password| Listed {
        // `addTokenSigningCertificate` makes a password too, which only opens the certificate's file.
        is_secret: password.custom_key_identifier.as_ref().is_none_or(|own| !signing.contains(own)),
        id: password.key_id,
        label: password.display_name,
        start: password.start_date_time,
        end: password.end_date_time.filter(|end| !clock::is_never(*end)),
        hint: password.hint,
        fingerprint: None,
        on,
        active: true,
    })
    .collect()
}
