//! The systems that rotation works on: stores, hooks and management APIs.

use std::collections::BTreeMap;

use super::{
    model::{Hook, Management, ManagementKey, Vault, Verb},
    raw, read,
};
use crate::{
    inventory,
    provider::{self, FieldFaultKind, Provider},
    secret::SecretRef,
    yaml::{At, Check, FaultCode, Text},
};

pub fn vault(raw: raw::Vault, check: &mut Check<'_>) -> Option<Vault> {
    let at = At::Root.key("vault");
    let address = match raw.address {
        None => check.missing(&at.key("address"), "the URL of the server, as in `https://vault.example.org:8200`"),
        text => check.root(&at.key("address"), text),
    };
    let token = match raw.token {
        None => check.missing(&at.key("token"), "a reference, as in `env:VAULT_TOKEN`"),
        text => check.reference(&at.key("token"), text),
    };
    let token = token.filter(|token| is_outside(token, &at.key("token"), check));
    Some(Vault { address: address?, token: token? })
}

/// The way into a store cannot lie in a store.
fn is_outside(reference: &SecretRef, at: &At<'_>, check: &mut Check<'_>) -> bool {
    let outside = !matches!(reference, SecretRef::Store { .. });
    if !outside {
        let advice = "write an `env:`, `file:` or `exec:` reference";
        check.notes.add(at, FaultCode::InvalidValue, "what opens a store cannot lie in a store", advice);
    }
    outside
}

/// As an entry of `management` for Entra, which has a key more and says so itself.
pub fn azure_key_vault(raw: raw::AzureKeyVault, check: &mut Check<'_>) -> Option<Management> {
    let at = At::Root.key("azure_key_vault");
    let raw::AzureKeyVault {
        tenant,
        cloud,
        authority,
        client_id,
        secret,
        certificate,
        federated_token,
        managed_identity,
    } = raw;
    let raw = raw::Management {
        provider: Some("entra".into()),
        tenant,
        cloud,
        authority,
        client_id,
        secret,
        certificate,
        federated_token,
        managed_identity,
        ..raw::Management::default()
    };
    let entry = sign_in(raw, &at, Door::KeyVault, check)?;
    let key = match &entry.key {
        ManagementKey::Secret(key) => Some(("secret", key)),
        ManagementKey::Certificate(key) => Some(("certificate", key)),
        ManagementKey::FederatedToken(key) => Some(("federated_token", key)),
        ManagementKey::ManagedIdentity | ManagementKey::SelfManaged => None,
    };
    let fits = key.is_none_or(|(name, key)| is_outside(key, &at.key(name), check));
    fits.then_some(entry)
}

pub fn hooks(raw: BTreeMap<String, raw::Hook>, check: &mut Check<'_>) -> BTreeMap<String, Hook> {
    let at = At::Root.key("hooks");
    let hook = |(name, raw): (String, raw::Hook)| {
        let hook = hook(raw, &at.key(&name), check)?;
        Some((name, hook))
    };
    raw.into_iter().filter_map(hook).collect()
}

fn hook(raw: raw::Hook, at: &At<'_>, check: &mut Check<'_>) -> Option<Hook> {
    let (at_program, at_verbs) = (at.key("program"), at.key("verbs"));
    let (mut program, mut verbs) = (Vec::new(), Vec::new());
    match raw.program.filter(|parts| !parts.is_empty()) {
        None => drop(check.missing::<()>(&at_program, "a list: the absolute path of the program, then its arguments")),
        Some(parts) => {
            for (index, text) in parts.into_iter().enumerate() {
                let at = at_program.index(index);
                let first = index == 0;
                program.extend(if first { read::program(&at, Some(text), check) } else { check.line(&at, Some(text)) });
            }
        }
    }
    match raw.verbs.filter(|verbs| !verbs.is_empty()) {
        None => drop(check.missing::<()>(&at_verbs, "what it can do: read, write, create, list, remove")),
        Some(names) => {
            for (index, text) in names.into_iter().enumerate() {
                verbs.extend(check.choice::<Verb>(&at_verbs.index(index), Some(text)));
            }
        }
    }
    Some(Hook { program, verbs })
}

pub fn management(raw: Vec<raw::Management>, check: &mut Check<'_>) -> Vec<Management> {
    let at = At::Root.key("management");
    let each = raw.into_iter().enumerate();
    each.filter_map(|(index, raw)| sign_in(raw, &at.index(index), Door::Management, check)).collect()
}

/// What an entry signs in to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Which may let each client manage itself.
    Management,
    KeyVault,
}

impl Door {
    /// The ways in, as an entry spells them.
    const fn keys(self) -> &'static str {
        match self {
            Self::Management => "certificate, federated_token, managed_identity: true, self: true",
            Self::KeyVault => "certificate, federated_token, managed_identity: true",
        }
    }
}

fn sign_in(mut raw: raw::Management, at: &At<'_>, door: Door, check: &mut Check<'_>) -> Option<Management> {
    let key = key(&mut raw, at, door, check);
    let provider = named(raw.provider, &at.key("provider"), check);
    let fields = provider::Fields {
        tenant: check.line(&at.key("tenant"), raw.tenant),
        cloud: check.line(&at.key("cloud"), raw.cloud),
        authority: check.root(&at.key("authority"), raw.authority),
        graph: check.root(&at.key("graph"), raw.graph),
        region: check.line(&at.key("region"), raw.region),
        base_url: check.root(&at.key("base_url"), raw.base_url),
        realm: check.line(&at.key("realm"), raw.realm),
        domain: check.line(&at.key("domain"), raw.domain),
        token_endpoint: check.endpoint(&at.key("token_endpoint"), raw.token_endpoint),
        ..provider::Fields::default()
    };
    let client_id = check.line(&at.key("client_id"), raw.client_id);
    let entry = Management { provider: provider?, fields, client_id, key: key? };
    check_provider(&entry, door, at, check);
    Some(entry)
}

/// The one way to sign in.
fn key(raw: &mut raw::Management, at: &At<'_>, door: Door, check: &mut Check<'_>) -> Option<ManagementKey> {
    let mut reference =
        |key, text: Option<_>, way: fn(SecretRef) -> ManagementKey| (key, check.reference(&at.key(key), text).map(way));
    let references = [
        reference("secret", raw.secret.take(), ManagementKey::Secret),
        reference("certificate", raw.certificate.take(), ManagementKey::Certificate),
        reference("federated_token", raw.federated_token.take(), ManagementKey::FederatedToken),
    ];
    let mut flag = |key, text: Option<_>, way| (key, check.flag(&at.key(key), text).unwrap_or(false).then_some(way));
    let flags = [
        flag("managed_identity", raw.managed_identity.take(), ManagementKey::ManagedIdentity),
        flag("self", raw.self_managed.take(), ManagementKey::SelfManaged),
    ];
    let keys: Vec<_> = references.into_iter().chain(flags).collect();
    let faulty = keys.iter().any(|(key, _)| check.notes.has(&at.key(key)));
    let mut given = keys.into_iter().filter_map(|(name, key)| Some((name, key?)));
    let key = given.next();
    if let Some((name, _)) = given.next() {
        let advice = format!("keep one of secret, {}", door.keys().replace(": true", ""));
        let message = "there is more than one way to sign in here";
        check.notes.add(&at.key(name), FaultCode::ConflictingFields, message, advice);
    }
    if key.is_none() && !faulty {
        check.missing::<()>(&at.key("secret"), format!("or {}", door.keys()));
    }
    key.map(|(_, key)| key)
}

fn named(name: Option<Text>, at: &At<'_>, check: &mut Check<'_>) -> Option<&'static dyn Provider> {
    let Some(name) = name else {
        return check.missing(at, "the provider whose management API this is for");
    };
    let found = provider::named(&name);
    if found.is_none() {
        let advice = "one of entra, aveva, keycloak, okta, auth0";
        check.notes.add(at, FaultCode::UnknownProvider, "credwatch does not know this provider", advice);
    }
    found
}

fn check_provider(entry: &Management, door: Door, at: &At<'_>, check: &mut Check<'_>) {
    let Management { provider, fields, client_id, key } = entry;
    for field in inventory::written(fields).into_iter().filter(|field| !provider.fields().contains(field)) {
        let advice = format!("remove it; this provider knows {}", provider.fields().join(", "));
        check.notes.add(&at.key(field), FaultCode::ForeignField, "the provider has no use for this", advice);
    }
    // Each client that manages itself brings its own registration from the inventory.
    if *key == ManagementKey::SelfManaged {
        return;
    }
    if client_id.is_none() && *key != ManagementKey::ManagedIdentity {
        check.missing::<()>(&at.key("client_id"), "the client that credwatch signs in as");
    }
    match provider.endpoints(fields) {
        Ok(endpoints) if endpoints.management.is_some() || door == Door::KeyVault => {}
        Ok(_) => {
            let advice = "entra, aveva, keycloak, okta and auth0 have one; `graph` or `base_url` says where it is";
            let message = "credwatch knows no management API here";
            check.notes.add(&at.key("provider"), FaultCode::InvalidValue, message, advice);
        }
        Err(fault) => {
            let at = at.key(fault.field);
            match fault.kind {
                FieldFaultKind::Missing => drop(check.missing::<()>(&at, fault.advice)),
                FieldFaultKind::Invalid => {
                    check.notes.add(&at, FaultCode::InvalidValue, "the provider cannot work with this", fault.advice);
                }
            }
        }
    }
}
