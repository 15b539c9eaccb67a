//! An app from its own fields and the defaults: what must be there, and what fits together.

use std::{collections::HashSet, hash::Hash, sync::Arc};

use super::{
    credential::{self, CredentialSet},
    fields::Fields,
    model::{App, AuthMethod, SigningAlgorithm},
    registration::{self, Registrations},
};
use crate::{
    assess::Policy,
    period::Period,
    provider::Provider,
    yaml::{At, Check, FaultCode},
};

/// What the apps of a file have in common.
pub struct Common {
    pub defaults: Fields,
    pub registrations: Registrations,
    /// `policy.warn` of the settings.
    pub usual_warn: Period,
    texts: HashSet<Arc<str>>,
    lists: HashSet<Arc<[String]>>,
}

/// More different ones than this are kept apart: what hardly any two apps share is not worth remembering.
const MOST_SHARED: usize = 4096;

/// The same value as it was met first, so that what many apps say alike is in memory once.
fn shared<T: Eq + Hash + ?Sized>(met: &mut HashSet<Arc<T>>, value: Arc<T>) -> Arc<T> {
    if let Some(first) = met.get(&value) {
        return Arc::clone(first);
    }
    if met.len() < MOST_SHARED {
        met.insert(Arc::clone(&value));
    }
    value
}

impl Common {
    pub fn new(policy: &Policy) -> Self {
        Self {
            defaults: Fields::default(),
            registrations: Registrations::default(),
            usual_warn: policy.warn,
            texts: HashSet::new(),
            lists: HashSet::new(),
        }
    }
}

/// Builds one app; what is wrong is noted.
pub fn app(name: Arc<str>, own: Fields, common: &mut Common, at: &At<'_>, check: &mut Check<'_>) -> Option<App> {
    check_thresholds(&own, common, at, check);
    let Common { defaults, registrations, texts, lists, .. } = common;
    let defaults = &*defaults;
    let advice = "say where it is registered, as in `provider: entra`; for all apps of the file under `defaults`";
    let provider = own.provider.or(defaults.provider).or_else(|| missing("provider", advice, at, check));
    let client_id = own.client_id.clone().or_else(|| defaults.client_id.clone());
    let advice = "the id that the provider gave the app (Entra: Application ID)";
    let client_id = client_id.or_else(|| missing("client_id", advice, at, check));
    let params = own.params.clone().or_else(|| defaults.params.clone()).unwrap_or_default();
    let registration = provider.and_then(|provider| {
        registration::note_foreign(provider, &own.registration, at, check);
        let has_resource_param = params.contains_key("resource");
        let found = registrations.of(provider, &own.registration, &defaults.registration, has_resource_param);
        found.map_err(|fault| registration::note(fault, &own.registration, at, check)).ok()
    });
    let credentials = credential::inherited(&own, defaults, at, check);
    let auth_method = auth_method(provider, &own, defaults, &credentials, at, check);
    let assertion_alg = assertion_alg(auth_method, &own, defaults, at, check);
    let audience = own.assertion_audience.or(defaults.assertion_audience).unwrap_or_default();
    let credentials = credential::finished(credentials, at, check);
    let (registration, scope) = registration?;
    Some(App {
        name,
        registration,
        client_id: client_id?,
        auth_method,
        auth_method_is_usual: own.auth_method.or(defaults.auth_method).is_none(),
        assertion_audience: audience,
        assertion_alg,
        scope: scope.map(|scope| shared(texts, scope)),
        params,
        owners: shared(lists, own.owners.or_else(|| defaults.owners.clone()).unwrap_or_default()),
        tags: shared(lists, own.tags.or_else(|| defaults.tags.clone()).unwrap_or_default()),
        notes: own.notes.or_else(|| defaults.notes.clone()),
        runbook: own.runbook.or_else(|| defaults.runbook.clone()),
        used_by: own.used_by.or_else(|| defaults.used_by.clone()).map(|product| shared(texts, product.into())),
        enabled: own.enabled.or(defaults.enabled).unwrap_or(true),
        warn: own.warn.or(defaults.warn),
        critical: own.critical.or(defaults.critical),
        credentials,
        origin: None,
    })
}

/// Notes a field that neither the app nor the defaults have, unless the value there is a noted fault already.
pub fn missing<T>(field: &'static str, advice: impl Into<String>, at: &At<'_>, check: &mut Check<'_>) -> Option<T> {
    if check.notes.has(&At::Root.key("defaults").key(field)) {
        return None;
    }
    check.missing(&at.key(field), advice.into())
}

const fn uses_secret(method: AuthMethod) -> bool {
    matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost | AuthMethod::ClientSecretJwt)
}

fn auth_method(
    provider: Option<&'static dyn Provider>,
    own: &Fields,
    defaults: &Fields,
    credentials: &CredentialSet,
    at: &At<'_>,
    check: &mut Check<'_>,
) -> AuthMethod {
    let (secret, certificate) = (credentials.any("secret"), credentials.any("certificate"));
    let usual = match provider {
        Some(provider) if secret || !certificate => provider.secret_method(),
        _ => AuthMethod::PrivateKeyJwt,
    };
    let method = own.auth_method.or(defaults.auth_method).unwrap_or(usual);
    if let Some(provider) = provider.filter(|provider| !provider.allows(method)) {
        let message = format!("clients of `{}` cannot authenticate in this way", provider.name());
        let advice =
            "remove `auth_method` for the usual one, or check `provider` and what the client proves itself with";
        check.notes.add(&at.key("auth_method"), FaultCode::ConflictingFields, message, advice);
    }
    let mut conflict = |key: &str, message: &'static str, advice: &'static str| {
        check.notes.add(&at.key(key), FaultCode::ConflictingFields, message, advice);
    };
    match (secret, certificate) {
        // Both in one credential is that credential's own fault.
        (true, true) if credentials.in_list => conflict(
            "credentials",
            "some of these are secrets and some certificates, which are sent in different ways",
            "make two entries with names of their own",
        ),
        // An unknown provider has no usual method that could be at odds with anything.
        (true, false) if !uses_secret(method) && (provider.is_some() || own.auth_method.is_some()) => conflict(
            "auth_method",
            "this method needs `certificate`, and there is a `secret`",
            "write a `client_secret_...` method, or `certificate` instead of `secret`",
        ),
        (false, true) if uses_secret(method) => conflict(
            "auth_method",
            "this method needs `secret`, and there is a `certificate`",
            "write `private_key_jwt` or `tls_client_auth`, or `secret` instead of `certificate`",
        ),
        _ => {}
    }
    method
}

/// The app's own algorithm must fit its method; one of the defaults that does not is meant for others.
fn assertion_alg(
    method: AuthMethod,
    own: &Fields,
    defaults: &Fields,
    at: &At<'_>,
    check: &mut Check<'_>,
) -> Option<SigningAlgorithm> {
    use SigningAlgorithm::{HS256, HS384, HS512};
    let fits = |algorithm: &SigningAlgorithm| match method {
        AuthMethod::ClientSecretJwt => matches!(algorithm, HS256 | HS384 | HS512),
        AuthMethod::PrivateKeyJwt => !matches!(algorithm, HS256 | HS384 | HS512),
        _ => false,
    };
    let conflict = own.assertion_alg.is_some_and(|algorithm| !fits(&algorithm));
    if conflict {
        let (message, advice) = match method {
            AuthMethod::ClientSecretJwt => ("`client_secret_jwt` signs with the secret", "one of HS256, HS384, HS512"),
            AuthMethod::PrivateKeyJwt => {
                ("`private_key_jwt` signs with a private key", "an RS, PS or ES algorithm, or EdDSA")
            }
            _ => ("this app's `auth_method` signs nothing", "remove it, or write the `auth_method` it is meant for"),
        };
        check.notes.add(&at.key("assertion_alg"), FaultCode::ConflictingFields, message, advice);
    }
    own.assertion_alg.or(defaults.assertion_alg).filter(fits)
}

/// Accepted, for `critical` decides then; but nobody means it.
fn check_thresholds(own: &Fields, common: &Common, at: &At<'_>, check: &mut Check<'_>) {
    let defaults = &common.defaults;
    let Some(critical) = own.critical.or(defaults.critical) else { return };
    if critical > own.warn.or(defaults.warn).unwrap_or(common.usual_warn) {
        let defaults_alone = own.warn.is_none() && own.critical.is_none();
        let at_defaults = At::Root.key("defaults");
        let at = if defaults_alone { &at_defaults } else { at };
        let (key, message) = if own.critical.is_none() && !defaults_alone {
            ("warn", "`critical` begins before this, so nothing is a warning first")
        } else {
            ("critical", "this begins before `warn`, so nothing is a warning first")
        };
        let advice = "`critical` is the shorter of the two (without any: warn 30d, critical 7d)";
        check.notes.warn(&at.key(key), FaultCode::CriticalBeforeWarn, message, advice);
    }
}
