//! What credwatch itself signs in with, described as an app of the inventory is: so it is tested, judged and told as one.
//! Without it nothing rotates, and no design rotates it yet (rotation.md section 10).

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    Listed, Management,
    open::{asks_for, entry, open},
};
use crate::{
    api::Api,
    inventory::{App, AssertionAudience, AuthMethod, Credential, Inventory, Key, Registration, Subject},
    secret::{Resolver, Secret},
    settings::{self, ManagementKey, Settings},
};

/// As reports name it; the label tells which entry of the settings it is.
const NAME: &str = "credwatch itself";

/// What the rotations of this inventory sign in with, in the settings' order, as far as it can end: an identity of the
/// platform does not, and a client that manages itself stands in the inventory.
#[must_use]
pub fn own_apps(inventory: &Inventory, settings: &Settings) -> Vec<App> {
    let rotated = inventory.subjects().filter(|subject| subject.credential.rotate.is_some());
    let managed = rotated.filter(|subject| super::hook_of_app(&subject.app.name, &settings.hooks).is_none());
    let used: Vec<_> = managed.filter_map(|subject| entry(subject.app, settings)).collect();
    let mut apps: Vec<App> = Vec::new();
    for entry in settings.management.iter().filter(|entry| used.iter().any(|used| std::ptr::eq(*used, *entry))) {
        let known = |app: &App| apps.iter().any(|known| label(known) == label(app));
        if let Some(app) = app(entry, settings).filter(|app| !known(app)) {
            apps.push(app);
        }
    }
    apps
}

fn label(app: &App) -> Option<&str> {
    app.credentials.first()?.label.as_deref()
}

/// The same request as the sign-in's own.
fn app(entry: &settings::Management, settings: &Settings) -> Option<App> {
    let (key, auth_method) = match &entry.key {
        ManagementKey::Secret(reference) => (Key::Secret(reference.clone()), AuthMethod::ClientSecretPost),
        ManagementKey::Certificate(pem) => {
            (Key::Certificate { pem: pem.clone(), key_id: None }, AuthMethod::PrivateKeyJwt)
        }
        ManagementKey::FederatedToken(_) | ManagementKey::ManagedIdentity | ManagementKey::SelfManaged => return None,
    };
    let (provider, fields) = (entry.provider, &entry.fields);
    let client_id = entry.client_id.clone()?;
    let endpoints = provider.endpoints(fields).ok()?;
    let (scope, audience) = asks_for(provider.name(), endpoints.management.as_ref()?);
    let registration = Registration {
        provider,
        tenant: fields.tenant.clone(),
        token_endpoint: endpoints.token,
        management: endpoints.management,
        realm: fields.realm.clone(),
    };
    // One client may be known in several tenants.
    let is_same =
        |other: &&settings::Management| other.provider.name() == provider.name() && other.client_id == entry.client_id;
    let place = fields.tenant.as_deref().or(fields.realm.as_deref());
    let place = place.filter(|_| settings.management.iter().filter(is_same).count() > 1);
    let place = place.map(|place| format!(" in {place}")).unwrap_or_default();
    let label = format!("{} {client_id}{place}", provider.name());
    let credential =
        Credential { label: Some(label.into()), key, secret_id: None, expires: None, created: None, rotate: None };
    Some(App {
        name: NAME.into(),
        registration: Arc::new(registration),
        client_id,
        auth_method,
        auth_method_is_usual: false,
        assertion_audience: AssertionAudience::default(),
        assertion_alg: None,
        scope: scope.map(Arc::from),
        params: audience.map(|audience| BTreeMap::from([("audience".to_owned(), audience)])).unwrap_or_default(),
        owners: Arc::default(),
        tags: Arc::default(),
        notes: None,
        runbook: None,
        used_by: None,
        enabled: true,
        warn: None,
        critical: None,
        credentials: vec![credential],
        origin: None,
    })
}

/// When a secret that was just accepted ends, by its provider's own list; `None`: it cannot be told, as without the right
/// to read our own client. A certificate tells it itself.
pub async fn own_end(
    subject: Subject<'_>,
    settings: &Settings,
    secrets: &Arc<Resolver>,
    api: &Api,
    fingerprint_key: &[u8; 32],
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let Key::Secret(reference) = &subject.credential.key else { return None };
    let management = open(subject, settings, secrets, api, fingerprint_key).ok()?;
    let value = secrets.resolve(reference).await.ok()?;
    let listing = management.list().await.ok()?;
    earliest(in_force(&*management, &listing.credentials, &value).await, &value, now)
}

/// Of a provider whose secrets can be read, the first listed is the one in force: ours, unless an older one is.
async fn in_force<'l>(management: &dyn Management, listed: &'l [Listed], value: &Secret) -> &'l [Listed] {
    let is_ours = management.capabilities().readable
        && management.current().await.is_ok_and(|current| current.expose() == value.expose());
    if is_ours { listed.get(..1).unwrap_or_default() } else { listed }
}

/// The first to end of those that may be ours. One that has ended is not: ours was accepted.
fn earliest(listed: &[Listed], value: &Secret, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let begins = |hint: &String| value.expose().starts_with(hint.as_str());
    let may_be_ours = |one: &&Listed| one.is_secret && one.active && one.hint.as_ref().is_none_or(begins);
    listed.iter().filter(may_be_ours).filter_map(|one| one.end).filter(|end| *end > now).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::management::Holder;

    fn listed(id: &str, hint: Option<&str>, end: Option<&str>) -> Listed {
        Listed {
            id: id.to_owned(),
            label: None,
            start: None,
            end: end.map(|end| end.parse().unwrap()),
            hint: hint.map(str::to_owned),
            fingerprint: None,
            on: Holder::Application,
            is_secret: true,
            active: true,
        }
    }

    #[test]
    fn of_those_that_may_be_ours_the_first_to_end_counts() {
        let (june, july, past) = ("2027-06-01T00:00:00Z", "2027-07-01T00:00:00Z", "2026-01-01T00:00:00Z");
        let value = Secret::new("abcdef-canary".to_owned());
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let not_active = Listed { active: false, ..listed("off", Some("abc"), Some(june)) };
        let no_secret = Listed { is_secret: false, ..listed("saml", Some("abc"), Some(june)) };
        for (all, end) in [
            (vec![listed("a", Some("xyz"), Some(june)), listed("b", Some("abc"), Some(july))], Some(july)),
            (vec![listed("a", Some("abc"), Some(july)), listed("b", Some("abc"), Some(june))], Some(june)),
            (vec![listed("a", None, Some(july)), listed("b", Some("abc"), Some(past))], Some(july)),
            (vec![not_active, no_secret, listed("a", Some("abc"), None)], None),
            (vec![], None),
        ] {
            assert_eq!(earliest(&all, &value, now), end.map(|end| end.parse().unwrap()));
        }
    }
}
