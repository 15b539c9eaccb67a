//! The registry: from an app of the inventory to the management of its credentials. A new provider is a line here.

use std::sync::Arc;

use thiserror::Error;
use url::Url;

use super::{
    Access, Auth0, Aveva, Entra, Hook, Keycloak, Management, OKTA_SCOPE, Okta, hook_of_app,
    sign_in::{ClientSignIn, METADATA_SERVICE, ManagedIdentity, Proof, SignIn},
};
use crate::{
    api::Api,
    hook,
    inventory::{App, AuthMethod, Credential, Key, Subject, TokenEndpoint},
    probe,
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
    credential: &'a Credential,
    entry: &'a settings::Management,
    settings: &'a Settings,
    secrets: &'a Arc<Resolver>,
    api: &'a Api,
    root: Url,
    fingerprint_key: &'a [u8; 32],
}

type Open = fn(&Opening<'_>) -> Result<Box<dyn Management>, OpenFault>;

static KINDS: &[(&str, Open)] =
    &[("entra", entra), ("aveva", aveva), ("keycloak", keycloak), ("okta", okta), ("auth0", auth0)];

/// # Errors
/// No entry of `management:` fits, or nobody can sign in as it says.
pub fn open(
    Subject { app, credential }: Subject<'_>,
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
    // Where our own token goes is the settings' word alone; a client's own token goes where its secret does.
    let root = match entry.key {
        ManagementKey::SelfManaged => app.registration.management.clone(),
        _ => entry_root(entry),
    };
    let root = root.ok_or_else(|| OpenFault("nobody knows where the management API is".to_owned()))?;
    open(&Opening { app, credential, entry, settings, secrets, api, root, fingerprint_key })
}

/// The entry of the same place, else the only one of the provider that names no place.
pub(super) fn entry<'s>(app: &App, settings: &'s Settings) -> Option<&'s settings::Management> {
    let registration = &app.registration;
    let same = |one: Option<&str>, other: Option<&str>| match (one, other) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (None, _) => true,
        (Some(_), None) => false,
    };
    let fits = |entry: &&settings::Management| {
        // Entra's API is one for all tenants of a cloud; clients that manage themselves may be anywhere.
        let anywhere =
            registration.provider.name() == "entra" || (entry.key == ManagementKey::SelfManaged && !names_host(entry));
        entry.provider.name() == registration.provider.name()
            && same(entry.fields.tenant.as_deref(), registration.tenant.as_deref())
            && same(entry.fields.realm.as_deref(), registration.realm.as_deref())
            && (anywhere || entry_root(entry) == registration.management)
    };
    let fitting: Vec<_> = settings.management.iter().filter(fits).collect();
    let named = |entry: &&&settings::Management| {
        entry.fields.tenant.is_some() || entry.fields.realm.is_some() || names_host(entry)
    };
    fitting.iter().find(named).or(fitting.first()).copied()
}

fn names_host(entry: &settings::Management) -> bool {
    let fields = &entry.fields;
    fields.region.is_some() || fields.base_url.is_some() || fields.domain.is_some() || fields.graph.is_some()
}

/// Where the entry itself says that the API is.
fn entry_root(entry: &settings::Management) -> Option<Url> {
    entry.provider.endpoints(&entry.fields).ok().and_then(|endpoints| endpoints.management)
}

/// An entry's sign-in to another API than the management's, such as a store's.
///
/// # Errors
/// The entry does not say how or where to sign in.
pub fn sign_in(
    entry: &settings::Management,
    scope: &str,
    settings: &Settings,
    secrets: &Arc<Resolver>,
    api: &Api,
) -> Result<Arc<dyn Access>, OpenFault> {
    if entry.key == ManagementKey::ManagedIdentity {
        let identity = managed_identity(entry, Arc::clone(secrets), api.clone(), Some(scope))?;
        return Ok(Arc::new(SignIn::new(identity)));
    }
    let client = (proof(entry)?, entry.client_id.clone(), token_endpoint(entry)?);
    client_sign_in(client, settings, secrets, api, (Some(scope.to_owned()), None))
}

/// What names the API in the request for a token, as scope or, for Auth0, as audience.
pub(super) fn asks_for(provider: &str, root: &Url) -> (Option<String>, Option<String>) {
    match provider {
        "entra" => (Some(format!("{}/.default", root.as_str().trim_end_matches('/'))), None),
        "okta" => (Some(OKTA_SCOPE.to_owned()), None),
        "auth0" => (None, Some(Auth0::audience(root))),
        _ => (None, None),
    }
}

/// The sign-in that the entry describes, or the client's own.
fn access(opening: &Opening<'_>) -> Result<Arc<dyn Access>, OpenFault> {
    let Opening { app, entry, settings, secrets, api, root, .. } = opening;
    let (scope, audience) = asks_for(app.registration.provider.name(), root);
    if entry.key == ManagementKey::ManagedIdentity {
        let identity = managed_identity(entry, Arc::clone(secrets), (*api).clone(), scope.as_deref())?;
        return Ok(Arc::new(SignIn::new(identity)));
    }
    let client = match entry.key {
        ManagementKey::SelfManaged => {
            (own_proof(opening)?, Some(app.client_id.clone()), app.registration.token_endpoint.clone())
        }
        _ => (proof(entry)?, entry.client_id.clone(), token_endpoint(entry)?),
    };
    client_sign_in(client, settings, secrets, api, (scope, audience))
}

fn token_endpoint(entry: &settings::Management) -> Result<TokenEndpoint, OpenFault> {
    let no_endpoint = |_| OpenFault("the `management` entry does not say where to sign in".to_owned());
    entry.provider.endpoints(&entry.fields).map(|endpoints| endpoints.token).map_err(no_endpoint)
}

fn client_sign_in(
    (proof, client_id, token): (Proof, Option<String>, TokenEndpoint),
    settings: &Settings,
    secrets: &Arc<Resolver>,
    api: &Api,
    (scope, audience): (Option<String>, Option<String>),
) -> Result<Arc<dyn Access>, OpenFault> {
    let TokenEndpoint::Known(token_endpoint) = token else {
        return Err(OpenFault("the `management` entry names an issuer; name the token endpoint".to_owned()));
    };
    if settings.allow.as_ref().is_some_and(|list| !probe::allows(list, &token_endpoint)) {
        let host = token_endpoint.host_str().unwrap_or_default();
        return Err(OpenFault(format!("the settings' `allow` does not list {host}, where the management signs in")));
    }
    let client_id = client_id.ok_or_else(|| OpenFault("the `management` entry has no `client_id`".to_owned()))?;
    let (api, secrets) = (api.clone(), Arc::clone(secrets));
    Ok(Arc::new(SignIn::new(ClientSignIn { api, secrets, token_endpoint, client_id, proof, scope, audience })))
}

fn proof(entry: &settings::Management) -> Result<Proof, OpenFault> {
    let proof = match &entry.key {
        ManagementKey::Secret(reference) => return Ok(Proof::Secret(reference.clone())),
        ManagementKey::FederatedToken(reference) => Proof::Federated(reference.clone()),
        ManagementKey::Certificate(pem) => Proof::Certificate { pem: pem.clone(), profile: entry.provider.assertion() },
        ManagementKey::ManagedIdentity | ManagementKey::SelfManaged => {
            return Err(OpenFault("the `management` entry has no `secret`".to_owned()));
        }
    };
    if !entry.provider.allows(AuthMethod::PrivateKeyJwt) {
        let provider = entry.provider.name();
        return Err(OpenFault(format!("clients of provider {provider} sign in with a `secret` and nothing else")));
    }
    Ok(proof)
}

/// The secret that is rotated, which may have changed since the last sign-in.
fn own_proof(opening: &Opening<'_>) -> Result<Proof, OpenFault> {
    if opening.entry.provider.name() != "aveva" {
        let why = "`self: true` is for provider aveva, whose clients may manage their own secrets; \
                   give the `management` entry a `client_id` and a `secret`";
        return Err(OpenFault(why.to_owned()));
    }
    match &opening.credential.key {
        Key::Secret(reference) => Ok(Proof::Secret(reference.clone())),
        Key::Certificate { .. } | Key::Undeclared => {
            Err(OpenFault("there is no `secret` that the client could sign in with".to_owned()))
        }
    }
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

fn entra(opening: &Opening<'_>) -> Result<Box<dyn Management>, OpenFault> {
    let access = access(opening)?;
    Ok(Box::new(Entra::new(opening.api.clone(), access, opening.root.clone(), &opening.app.client_id)))
}

fn aveva(opening: &Opening<'_>) -> Result<Box<dyn Management>, OpenFault> {
    let tenant = opening.app.registration.tenant.as_deref();
    let tenant = tenant.ok_or_else(|| OpenFault("write the `tenant` of the app into the inventory".to_owned()))?;
    let access = access(opening)?;
    Ok(Box::new(Aveva::new(opening.api.clone(), access, opening.root.clone(), tenant, &opening.app.client_id)))
}

fn keycloak(opening: &Opening<'_>) -> Result<Box<dyn Management>, OpenFault> {
    let realm = opening.app.registration.realm.as_deref();
    let realm = realm.ok_or_else(|| OpenFault("the app names no realm".to_owned()))?;
    let access = access(opening)?;
    Ok(Box::new(Keycloak::new(opening.api.clone(), access, opening.root.clone(), realm, &opening.app.client_id)))
}

fn okta(opening: &Opening<'_>) -> Result<Box<dyn Management>, OpenFault> {
    let access = access(opening)?;
    let key = *opening.fingerprint_key;
    Ok(Box::new(Okta::new(opening.api.clone(), access, opening.root.clone(), &opening.app.client_id, key)))
}

fn auth0(opening: &Opening<'_>) -> Result<Box<dyn Management>, OpenFault> {
    let access = access(opening)?;
    Ok(Box::new(Auth0::new(opening.api.clone(), access, opening.root.clone(), &opening.app.client_id)))
}
