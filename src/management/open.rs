//! The registry: from an app of the inventory to the management of its credentials. A new provider is a line here.

use std::sync::Arc;

use thiserror::Error;
use url::Url;

use super::{
    Access, Auth0, Entra, Hook, Keycloak, Management, OKTA_SCOPE, Okta, hook_of_app,
    sign_in::{ClientSignIn, METADATA_SERVICE, ManagedIdentity, Proof, SignIn},
};
use crate::{
    api::Api,
    hook,
    inventory::{App, AuthMethod, TokenEndpoint},
    secret::Resolver,
    settings::{self, ManagementKey, Settings},
};

/// Why an app's credentials cannot be managed, and what to write in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct OpenFault(String);

/// What a provider's line works with.
struct Opening<'a> {
    app: &'a App,
    entry: &'a settings::Management,
    secrets: &'a Arc<Resolver>,
    api: &'a Api,
    root: Url,
    fingerprint_key: &'a [u8; 32],
}

type Open = fn(&Opening<'_>) -> Result<Box<dyn Management>, OpenFault>;

static KINDS: &[(&str, Open)] = &[("entra", entra), ("keycloak", keycloak), ("okta", okta), ("auth0", auth0)];

/// # Errors
/// No entry of `management:` fits, or this build cannot sign in as it says.
pub fn open(
    app: &App,
    settings: &Settings,
    secrets: &Arc<Resolver>,
    api: &Api,
    fingerprint_key: &[u8; 32],
) -> Result<Box<dyn Management>, OpenFault> {
    if let Some(known) = hook_of_app(&app.name, &settings.hooks) {
        let subject = hook::Subject { app: app.name.to_string(), label: None, client_id: app.client_id.clone() };
        return Ok(Box::new(Hook::new(known, subject)));
    }
    let provider = app.registration.provider.name();
    let Some((_, open)) = KINDS.iter().find(|(name, _)| *name == provider) else {
        return Err(OpenFault(format!(
            "secrets of provider {provider} are rotated by a hook: define one named like the app with the verbs create, list and remove"
        )));
    };
    let entry = entry(app, settings).ok_or_else(|| {
        let tenant = app.registration.tenant.as_deref().map(|tenant| format!(", tenant: {tenant}")).unwrap_or_default();
        OpenFault(format!("add an entry to `management:` in the settings, as in `{{provider: {provider}{tenant}, client_id: ..., secret: env:...}}`"))
    })?;
    let root = entry_root(entry).or_else(|| app.registration.management.clone());
    let root = root.ok_or_else(|| OpenFault("nobody knows where the management API is".to_owned()))?;
    open(&Opening { app, entry, secrets, api, root, fingerprint_key })
}

/// The entry of the same place, else the only one of the provider that names no place.
fn entry<'s>(app: &App, settings: &'s Settings) -> Option<&'s settings::Management> {
    let registration = &app.registration;
    let mut of_provider =
        settings.management.iter().filter(|entry| entry.provider.name() == registration.provider.name());
    let same = |one: Option<&str>, other: Option<&str>| match (one, other) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (None, _) => true,
        (Some(_), None) => false,
    };
    of_provider.find(|entry| {
        let root = entry_root(entry);
        same(entry.fields.tenant.as_deref(), registration.tenant.as_deref())
            && same(entry.fields.realm.as_deref(), registration.realm.as_deref())
            && (root.is_none() || registration.provider.name() == "entra" || root == registration.management)
    })
}

/// Where the entry itself says that the API is.
fn entry_root(entry: &settings::Management) -> Option<Url> {
    entry.provider.endpoints(&entry.fields).ok().and_then(|endpoints| endpoints.management)
}

fn access(
    opening: &Opening<'_>,
    scope: Option<String>,
    audience: Option<String>,
) -> Result<Arc<dyn Access>, OpenFault> {
    signed_in(opening.entry, opening.secrets, opening.api, scope, audience)
}

/// The sign-in that the entry describes.
fn signed_in(
    entry: &settings::Management,
    secrets: &Arc<Resolver>,
    api: &Api,
    scope: Option<String>,
    audience: Option<String>,
) -> Result<Arc<dyn Access>, OpenFault> {
    let (api, secrets) = (api.clone(), Arc::clone(secrets));
    let proof = match &entry.key {
        ManagementKey::Secret(reference) => Proof::Secret(reference.clone()),
        ManagementKey::FederatedToken(reference) => Proof::Federated(reference.clone()),
        ManagementKey::Certificate(pem) => Proof::Certificate { pem: pem.clone(), profile: entry.provider.assertion() },
        ManagementKey::ManagedIdentity => {
            let identity = managed_identity(entry, secrets, api, scope.as_deref())?;
            return Ok(Arc::new(SignIn::new(identity)));
        }
        ManagementKey::SelfManaged => return Err(unsupported("self")),
    };
    if !matches!(proof, Proof::Secret(_)) && !entry.provider.allows(AuthMethod::PrivateKeyJwt) {
        let provider = entry.provider.name();
        return Err(OpenFault(format!("clients of provider {provider} sign in with a `secret` and nothing else")));
    }
    let no_endpoint = |_| OpenFault("the `management` entry does not say where to sign in".to_owned());
    let endpoints = entry.provider.endpoints(&entry.fields).map_err(no_endpoint)?;
    let TokenEndpoint::Known(token_endpoint) = endpoints.token else {
        return Err(OpenFault("the `management` entry names an issuer; name the token endpoint".to_owned()));
    };
    let client_id = entry.client_id.clone();
    let client_id = client_id.ok_or_else(|| OpenFault("the `management` entry has no `client_id`".to_owned()))?;
    Ok(Arc::new(SignIn::new(ClientSignIn { api, secrets, token_endpoint, client_id, proof, scope, audience })))
}

fn managed_identity(
    entry: &settings::Management,
    secrets: Arc<Resolver>,
    api: Api,
    scope: Option<&str>,
) -> Result<ManagedIdentity, OpenFault> {
    let no_identity =
        || OpenFault("a managed identity is for provider entra; sign in with `secret` or `certificate`".to_owned());
    // The v1 form of the same: an API by its name, without what is asked of it.
    let resource = scope.and_then(|scope| scope.strip_suffix("/.default")).filter(|_| entry.provider.name() == "entra");
    let resource = resource.ok_or_else(no_identity)?.to_owned();
    let metadata = METADATA_SERVICE.parse().map_err(|_| no_identity())?;
    Ok(ManagedIdentity { api, secrets, metadata, client_id: entry.client_id.clone(), resource })
}

fn unsupported(key: &str) -> OpenFault {
    OpenFault(format!(
        "`{key}` of a `management` entry is not in this version; sign in with `secret` or `federated_token`"
    ))
}

fn entra(opening: &Opening<'_>) -> Result<Box<dyn Management>, OpenFault> {
    let scope = format!("{}/.default", opening.root.as_str().trim_end_matches('/'));
    let access = access(opening, Some(scope), None)?;
    Ok(Box::new(Entra::new(opening.api.clone(), access, opening.root.clone(), &opening.app.client_id)))
}

fn keycloak(opening: &Opening<'_>) -> Result<Box<dyn Management>, OpenFault> {
    let realm = opening.app.registration.realm.as_deref();
    let realm = realm.ok_or_else(|| OpenFault("the app names no realm".to_owned()))?;
    let access = access(opening, None, None)?;
    Ok(Box::new(Keycloak::new(opening.api.clone(), access, opening.root.clone(), realm, &opening.app.client_id)))
}

fn okta(opening: &Opening<'_>) -> Result<Box<dyn Management>, OpenFault> {
    let access = access(opening, Some(OKTA_SCOPE.to_owned()), None)?;
    let key = *opening.fingerprint_key;
    Ok(Box::new(Okta::new(opening.api.clone(), access, opening.root.clone(), &opening.app.client_id, key)))
}

fn auth0(opening: &Opening<'_>) -> Result<Box<dyn Management>, OpenFault> {
    let access = access(opening, None, Some(Auth0::audience(&opening.root)))?;
    Ok(Box::new(Auth0::new(opening.api.clone(), access, opening.root.clone(), &opening.app.client_id)))
}
