//! The tenants' Microsoft Graph: who may use it, its policies, and what it makes of an app's passwords (providers.md section 4).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use chrono::{DateTime, Months, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    directory::{App, Credential, Directory, Platform},
    trouble::{Troubles, held},
};
use crate::{clock, secret::Secret};

#[derive(Debug)]
pub struct Graph {
    directory: Arc<Directory>,
    rules: Mutex<Rules>,
    /// For requests that change something.
    pub troubles: Troubles,
    /// For requests that read.
    pub read_troubles: Troubles,
}

#[derive(Debug, Default)]
struct Rules {
    /// Application permissions by client id.
    grants: BTreeMap<String, Vec<String>>,
    policy: AppPolicy,
    /// By client id and whether it is the principal's.
    own_policies: BTreeMap<(String, bool), AppPolicy>,
    /// Owner and owned, by client id.
    owners: BTreeSet<(String, String)>,
    no_removals: bool,
    /// How far the answers' `Date` is ahead.
    skew: TimeDelta,
    /// `signInAudience` by client id, where it is not the default.
    audiences: BTreeMap<String, String>,
    limit: Option<usize>,
    stale_listings: usize,
    /// By object: what it held before its last change, and how many listings still show that.
    stale: BTreeMap<(String, bool), (Value, usize)>,
}

/// `defaultAppManagementPolicy`, as far as it is about client secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct AppPolicy {
    pub no_new_secrets: bool,
    pub max_days: Option<i64>,
}

/// One of an app's passwords as it is at the moment, its value too.
#[derive(Debug)]
pub struct Password {
    pub key_id: String,
    pub label: Option<String>,
    pub value: Secret,
}

/// Which of an app's two objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Object<'a> {
    pub(super) client_id: &'a str,
    pub(super) tenant: &'a str,
    pub(super) is_principal: bool,
}

/// What `addPassword` is asked for.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) label: Option<String>,
    pub(super) start: Option<DateTime<Utc>>,
    pub(super) end: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal {
    NoObject,
    NoKey,
    TooMany,
    Lifetime,
    Forbidden,
    Dates,
}

/// An app open to personal accounts has no more (providers.md section 4.2).
const PERSONAL_LIMIT: usize = 2;

impl Graph {
    pub(super) fn of(directory: Arc<Directory>) -> Self {
        Self { directory, rules: Mutex::default(), troubles: Troubles::default(), read_troubles: Troubles::default() }
    }

    /// Gives a client of the directory these application permissions: `Application.Read.All`,
    /// `Application.ReadWrite.All`, `Policy.Read.All`, or `Application.ReadWrite.OwnedBy` for the apps that it owns.
    pub fn grant(&self, client_id: &str, roles: &[&str]) {
        let roles = roles.iter().map(|&role| role.to_owned()).collect();
        held(&self.rules).grants.insert(client_id.to_owned(), roles);
    }

    pub fn set_policy(&self, policy: AppPolicy) {
        held(&self.rules).policy = policy;
    }

    /// One that holds for one object of an app in place of the tenant's.
    pub fn set_own_policy(&self, client_id: &str, is_principal: bool, policy: AppPolicy) {
        held(&self.rules).own_policies.insert((client_id.to_owned(), is_principal), policy);
    }

    /// Makes the service principal of one client an owner of another's objects.
    pub fn set_owner(&self, owner: &str, client_id: &str) {
        held(&self.rules).owners.insert((owner.to_owned(), client_id.to_owned()));
    }

    /// Whether nobody may remove a password, whatever else they may.
    pub fn forbid_removals(&self, forbidden: bool) {
        held(&self.rules).no_removals = forbidden;
    }

    /// From now on answers are dated so much later than it is.
    pub fn set_clock_skew(&self, skew: TimeDelta) {
        held(&self.rules).skew = skew;
    }

    /// As in `AzureADandPersonalMicrosoftAccount`.
    pub fn set_audience(&self, client_id: &str, audience: &str) {
        held(&self.rules).audiences.insert(client_id.to_owned(), audience.to_owned());
    }

    /// No object may have more passwords.
    pub fn set_limit(&self, limit: usize) {
        held(&self.rules).limit = Some(limit);
    }

    /// After each change of an object its next listings, so many, show what it held before.
    pub fn set_stale_listings(&self, count: usize) {
        held(&self.rules).stale_listings = count;
    }

    /// What an app's two objects hold in truth, the oldest first.
    #[must_use]
    pub fn passwords(&self, client_id: &str) -> Vec<Password> {
        let apps = self.directory.apps();
        let of_app = apps.iter().filter(|app| app.client_id == client_id).flat_map(|app| &app.credentials);
        let present = of_app.filter(|credential| !credential.is_removed());
        let shown = |credential: &Credential| Password {
            key_id: credential.key_id.clone(),
            label: credential.label.clone(),
            value: Secret::new(credential.value().expose().to_owned()),
        };
        present.map(shown).collect()
    }

    pub(super) fn may(&self, client_id: &str, any_of: &[&str]) -> bool {
        held(&self.rules).grants.get(client_id).into_iter().flatten().any(|role| any_of.contains(&role.as_str()))
    }

    pub(super) fn may_own(&self, caller: &str, client_id: &str) -> bool {
        let owns = held(&self.rules).owners.contains(&(caller.to_owned(), client_id.to_owned()));
        owns && self.may(caller, &["Application.ReadWrite.OwnedBy"])
    }

    pub(super) fn forbids(&self, action: Option<&str>) -> bool {
        action == Some("removePassword") && held(&self.rules).no_removals
    }

    pub(super) fn clock_skew(&self) -> TimeDelta {
        held(&self.rules).skew
    }

    pub(super) fn own_policy(&self, client_id: &str, is_principal: bool) -> Option<AppPolicy> {
        held(&self.rules).own_policies.get(&(client_id.to_owned(), is_principal)).copied()
    }

    pub(super) fn policy(&self) -> AppPolicy {
        held(&self.rules).policy
    }

    pub(super) fn object(&self, object: Object<'_>) -> Result<Value, Refusal> {
        let mut apps = self.directory.apps();
        let shown = self.shown(find(&mut apps, object)?, object);
        let mut rules = held(&self.rules);
        match rules.stale.get_mut(&object.key()) {
            Some((before, left @ 1..)) => {
                *left -= 1;
                Ok(before.clone())
            }
            _ => Ok(shown),
        }
    }

    fn shown(&self, app: &App, object: Object<'_>) -> Value {
        let of_object = || {
            let all = app.credentials.iter();
            all.filter(|credential| credential.on_principal == object.is_principal && !credential.is_removed())
        };
        let keys = of_object().filter_map(|credential| credential.certificate.as_ref()).flat_map(|thumbprint| {
            ["Sign", "Verify"].map(|usage| {
                json!({ "keyId": Uuid::new_v4().to_string(), "type": "AsymmetricX509Cert", "usage": usage, "customKeyIdentifier": thumbprint })
            })
        });
        let mut shown = json!({
            "id": Uuid::new_v4().to_string(), "appId": app.client_id, "displayName": app.name,
            "createdDateTime": "2024-03-01T09:00:00Z",
            "passwordCredentials": of_object().map(password).collect::<Value>(), "keyCredentials": keys.collect::<Value>(),
        });
        if !object.is_principal {
            let rules = held(&self.rules);
            let audience = rules.audiences.get(&app.client_id).map_or("AzureADMyOrg", String::as_str);
            shown["signInAudience"] = audience.into();
        }
        shown
    }

    pub(super) fn add(&self, object: Object<'_>, wish: Wish) -> Result<Value, Refusal> {
        let start = wish.start.unwrap_or_else(clock::now);
        let end = wish.end.or_else(|| start.checked_add_months(Months::new(24))).ok_or(Refusal::Dates)?;
        if end <= start {
            return Err(Refusal::Dates);
        }
        let own = self.own_policy(object.client_id, object.is_principal);
        let policy = own.unwrap_or_else(|| self.policy());
        if policy.no_new_secrets {
            return Err(Refusal::Forbidden);
        }
        if policy.max_days.is_some_and(|days| end - start > TimeDelta::days(days)) {
            return Err(Refusal::Lifetime);
        }
        let mut apps = self.directory.apps();
        let app = find(&mut apps, object)?;
        let before = self.shown(app, object);
        let count = before["passwordCredentials"].as_array().map_or(0, Vec::len);
        let is_personal = before["signInAudience"].as_str().is_some_and(|audience| audience.contains("Personal"));
        let limit = if is_personal { Some(PERSONAL_LIMIT) } else { held(&self.rules).limit };
        if limit.is_some_and(|limit| count >= limit) {
            return Err(Refusal::TooMany);
        }
        let mut credential = Credential::issue(Platform::Entra, Uuid::new_v4().to_string(), Some(end)).add();
        (credential.label, credential.start, credential.on_principal) = (wish.label, start, object.is_principal);
        let mut added = password(&credential);
        added["secretText"] = credential.value().expose().into();
        app.credentials.push(credential);
        self.changed(object, before);
        Ok(added)
    }

    pub(super) fn remove(&self, object: Object<'_>, key_id: &str) -> Result<(), Refusal> {
        let mut apps = self.directory.apps();
        let app = find(&mut apps, object)?;
        let before = self.shown(app, object);
        let is_meant = |credential: &&mut Credential| {
            credential.on_principal == object.is_principal
                && !credential.is_removed()
                && credential.key_id.eq_ignore_ascii_case(key_id)
        };
        app.credentials.iter_mut().find(is_meant).ok_or(Refusal::NoKey)?.remove();
        self.changed(object, before);
        Ok(())
    }

    fn changed(&self, object: Object<'_>, before: Value) {
        let mut rules = held(&self.rules);
        let listings = rules.stale_listings;
        rules.stale.insert(object.key(), (before, listings));
    }
}

impl Object<'_> {
    fn key(&self) -> (String, bool) {
        (self.client_id.to_ascii_lowercase(), self.is_principal)
    }
}

fn find<'a>(apps: &'a mut [App], object: Object<'_>) -> Result<&'a mut App, Refusal> {
    let is_it = |app: &&mut App| {
        app.platform == Platform::Entra
            && app.client_id.eq_ignore_ascii_case(object.client_id)
            && app.tenant.eq_ignore_ascii_case(object.tenant)
    };
    apps.iter_mut().find(is_it).ok_or(Refusal::NoObject)
}

/// As a listing shows it.
fn password(credential: &Credential) -> Value {
    json!({
        "customKeyIdentifier": credential.certificate, "displayName": credential.label, "keyId": credential.key_id,
        "startDateTime": clock::rfc3339(credential.start),
        "endDateTime": credential.end.map_or_else(|| "2299-12-31T00:00:00Z".to_owned(), clock::rfc3339),
        "hint": credential.value().expose().chars().take(3).collect::<String>(), "secretText": null,
    })
}
