//! An app from its own fields and the defaults: what must be there, and what fits together.

use std::{collections::HashSet, sync::Arc};

use super::{
    fields::{CredentialFields, Fields},
    model::{App, AuthMethod, Credential, Expires, Key, Registration, SigningAlgorithm},
};
use crate::{
    provider::{self, FieldFaultKind, Provider},
    yaml::{At, Check, FaultCode},
};

/// Builds one app; what is wrong is noted.
pub fn app(name: Arc<str>, own: Fields, defaults: &Fields, at: &At<'_>, check: &mut Check<'_>) -> Option<App> {
    let advice = "say where it is registered, as in `provider: entra`; for all apps of the file under `defaults`";
    let provider = own.provider.or(defaults.provider).or_else(|| missing("provider", advice, at, check));
    let client_id = own.client_id.clone().or_else(|| defaults.client_id.clone());
    let advice = "the id that the provider gave the app (Entra: Application ID)";
    let client_id = client_id.or_else(|| missing("client_id", advice, at, check));
    let params = own.params.clone().or_else(|| defaults.params.clone()).unwrap_or_default();
    let has_resource = params.contains_key("resource");
    let registration = provider.and_then(|provider| registration(provider, has_resource, &own, defaults, at, check));
    let credentials = credential_fields(&own, defaults, at, check);
    let auth_method = auth_method(provider, &own, defaults, &credentials, at, check);
    let assertion_alg = assertion_alg(auth_method, &own, defaults, at, check);
    let audience = own.assertion_audience.or(defaults.assertion_audience).unwrap_or_default();
    check_thresholds(&own, defaults, at, check);
    let credentials = finished(credentials, at, check);
    let (registration, scope) = registration?;
    Some(App {
        name,
        registration,
        client_id: client_id?,
        auth_method,
        assertion_audience: audience,
        assertion_alg,
        scope,
        params,
        owners: own.owners.or_else(|| defaults.owners.clone()).unwrap_or_default(),
        tags: own.tags.or_else(|| defaults.tags.clone()).unwrap_or_default(),
        notes: own.notes.or_else(|| defaults.notes.clone()),
        runbook: own.runbook.or_else(|| defaults.runbook.clone()),
        used_by: own.used_by.or_else(|| defaults.used_by.clone()),
        enabled: own.enabled.or(defaults.enabled).unwrap_or(true),
        warn: own.warn.or(defaults.warn),
        critical: own.critical.or(defaults.critical),
        credentials,
    })
}

/// Notes a field that neither the app nor the defaults have, unless the value there is a noted fault already.
fn missing<T>(field: &'static str, advice: impl Into<String>, at: &At<'_>, check: &mut Check<'_>) -> Option<T> {
    if check.notes.has(&At::Root.key("defaults").key(field)) {
        return None;
    }
    check.missing(&at.key(field), advice.into())
}

/// The provider's own fields, as written, with those of the defaults that mean something to this provider.
fn registration(
    provider: &'static dyn Provider,
    has_resource_param: bool,
    own: &Fields,
    defaults: &Fields,
    at: &At<'_>,
    check: &mut Check<'_>,
) -> Option<(Registration, Option<String>)> {
    let known = provider.fields();
    for field in written(&own.registration).into_iter().filter(|field| !known.contains(field)) {
        let message = format!("`{}` has no use for this", provider.name());
        let advice = match known {
            [] => "remove it, or check `provider`".to_owned(),
            known => format!("remove it, or check `provider`; this one knows {}", known.join(", ")),
        };
        check.notes.add(&at.key(field), FaultCode::ForeignField, message, advice);
    }
    let mut fields = inherit(&own.registration, &defaults.registration, known);
    fields.has_resource_param = has_resource_param;
    let endpoints = match provider.endpoints(&fields) {
        Ok(endpoints) => endpoints,
        Err(fault) => {
            return match fault.kind {
                FieldFaultKind::Missing => missing(fault.field, fault.advice, at, check),
                FieldFaultKind::Invalid => {
                    let message = format!("`{}` cannot work with this", provider.name());
                    check.notes.add(&at.key(fault.field), FaultCode::InvalidValue, message, fault.advice);
                    None
                }
            };
        }
    };
    let scope = fields.scope.clone().or_else(|| provider.default_scope(&fields));
    let registration = Registration {
        provider,
        tenant: fields.tenant,
        token_endpoint: endpoints.token,
        management: endpoints.management,
        realm: fields.realm,
    };
    Some((registration, scope))
}

/// Every field that names where an app is registered.
macro_rules! registration_fields {
    ($apply:ident) => {
        $apply!(tenant, cloud, authority, graph, region, base_url, realm, domain, authorization_server, issuer)
    };
}

/// Those that are written, whether they mean something to a provider or not.
pub fn written(fields: &provider::Fields) -> Vec<&'static str> {
    macro_rules! list {
        ($($field:ident),*) => { [$((stringify!($field), fields.$field.is_some())),*] };
    }
    let all = registration_fields!(list);
    all.into_iter().filter(|(_, is_written)| *is_written).map(|(field, _)| field).collect()
}

fn inherit(own: &provider::Fields, defaults: &provider::Fields, known: &[&str]) -> provider::Fields {
    macro_rules! pick {
        ($($field:ident),*) => {
            provider::Fields {
                $($field: match &own.$field {
                    None if known.contains(&stringify!($field)) => defaults.$field.clone(),
                    value => value.clone(),
                },)*
                token_endpoint: own.token_endpoint.clone().or_else(|| defaults.token_endpoint.clone()),
                has_resource_param: false,
                scope: own.scope.clone().or_else(|| defaults.scope.clone()),
            }
        };
    }
    registration_fields!(pick)
}

/// The app's credentials with what they inherit: its list, or the one in its own entry.
fn credential_fields(own: &Fields, defaults: &Fields, at: &At<'_>, check: &mut Check<'_>) -> CredentialSet {
    let inherited = &defaults.own;
    if let Some(list) = &own.credentials {
        for key in &own.own.written {
            let advice = "move it into the item of the list that it belongs to";
            let message = format!("`{key}` and `credentials` exclude each other");
            check.notes.add(&at.key(key), FaultCode::ConflictingFields, message, advice);
        }
        let dated = |item: &CredentialFields| CredentialFields {
            expires: item.expires.or(inherited.expires),
            created: item.created.or(inherited.created),
            ..item.clone()
        };
        return CredentialSet { list: list.iter().map(dated).collect(), in_list: true };
    }
    if let (false, Some(list)) = (own.own.has_key(), &defaults.credentials) {
        return CredentialSet { list: list.clone(), in_list: true };
    }
    let mut one = own.own.clone();
    if !one.has_key() {
        one.written.extend(inherited.written.iter().filter(|key| matches!(**key, "secret" | "certificate")));
        one.secret.clone_from(&inherited.secret);
        one.certificate.clone_from(&inherited.certificate);
    }
    one.label = one.label.or_else(|| inherited.label.clone());
    one.key_id = one.key_id.or_else(|| inherited.key_id.clone());
    one.secret_id = one.secret_id.or_else(|| inherited.secret_id.clone());
    one.expires = one.expires.or(inherited.expires);
    one.created = one.created.or(inherited.created);
    one.rotate = one.rotate.or_else(|| inherited.rotate.clone());
    CredentialSet { list: vec![one], in_list: false }
}

struct CredentialSet {
    list: Vec<CredentialFields>,
    /// Written as items of `credentials`.
    in_list: bool,
}

impl CredentialSet {
    fn any(&self, key: &str) -> bool {
        self.list.iter().any(|credential| credential.written.contains(&key))
    }
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
        (true, false) if !uses_secret(method) => conflict(
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

fn check_thresholds(own: &Fields, defaults: &Fields, at: &At<'_>, check: &mut Check<'_>) {
    let (Some(warn), Some(critical)) = (own.warn.or(defaults.warn), own.critical.or(defaults.critical)) else { return };
    if critical > warn {
        let defaults_alone = own.warn.is_none() && own.critical.is_none();
        let at_defaults = At::Root.key("defaults");
        let at = if defaults_alone { &at_defaults } else { at };
        let key = if own.critical.is_none() && !defaults_alone { "warn" } else { "critical" };
        let advice = "`critical` is the shorter of the two";
        check.notes.add(&at.key(key), FaultCode::InvalidValue, "`critical` would begin before `warn`", advice);
    }
}

fn finished(credentials: CredentialSet, at: &At<'_>, check: &mut Check<'_>) -> Vec<Credential> {
    let at_list = at.key("credentials");
    let mut labels = HashSet::new();
    let mut all = Vec::with_capacity(credentials.list.len());
    for (index, fields) in credentials.list.into_iter().enumerate() {
        let at_item = at_list.index(index);
        let at = if credentials.in_list { &at_item } else { at };
        if fields.label.as_ref().is_some_and(|label| !labels.insert(Arc::clone(label))) {
            let advice = "give each credential of an app a label of its own";
            check.notes.add(&at.key("label"), FaultCode::DuplicateName, "this label is used above", advice);
        }
        all.push(credential(fields, at, check));
    }
    all
}

fn credential(fields: CredentialFields, at: &At<'_>, check: &mut Check<'_>) -> Credential {
    let mut conflict = |key: &str, message: &'static str, advice: &'static str| {
        check.notes.add(&at.key(key), FaultCode::ConflictingFields, message, advice);
    };
    let has = |key: &str| fields.written.contains(&key);
    if has("secret") && has("certificate") {
        conflict(
            "certificate",
            "`secret` and `certificate` exclude each other",
            "keep the one the client proves itself with",
        );
    } else if has("key_id") && has("secret") {
        conflict("key_id", "a secret has no `key_id`", "Entra's keyId of a secret is its `secret_id`");
    }
    if let (Some(created), Some(Expires::At(end))) = (fields.created, fields.expires)
        && created >= end
    {
        let advice = "one of the two dates is wrong";
        check.notes.add(&at.key("created"), FaultCode::InvalidValue, "this is not before `expires`", advice);
    }
    if let Some(rotation) = &fields.rotate {
        let reason = match &fields.secret {
            Some(secret) if rotation.delivers_to(secret) => None,
            Some(_) => Some("`secret` is not among these, so what is tested would not be what is rotated"),
            None if has("secret") => None,
            None => Some("there is no `secret` to rotate"),
        };
        if let Some(reason) = reason {
            let advice = "let `secret` name the first of the stores in `deliver_to`";
            check.notes.add(&at.key("rotate").key("deliver_to"), FaultCode::UnsafeRotation, reason, advice);
        }
    }
    let key = match (fields.secret, fields.certificate) {
        (Some(secret), _) => Key::Secret(secret),
        (None, Some(pem)) => Key::Certificate { pem, key_id: fields.key_id },
        (None, None) => Key::Undeclared,
    };
    Credential {
        label: fields.label,
        key,
        secret_id: fields.secret_id,
        expires: fields.expires,
        created: fields.created,
        rotate: fields.rotate,
    }
}
