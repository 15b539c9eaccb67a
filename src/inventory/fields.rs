//! The fields of an app or of the defaults, each valid by itself; nothing is compared here.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    Rotation,
    model::{AssertionAudience, AuthMethod, Expires, SigningAlgorithm},
    raw,
};
use crate::{
    period::Period,
    provider::{self, Provider},
    secret::SecretRef,
    yaml::{At, Check, FaultCode, Text},
};

#[derive(Default)]
pub struct Fields {
    pub provider: Option<&'static dyn Provider>,
    pub registration: provider::Fields,
    pub auth_method: Option<AuthMethod>,
    pub client_id: Option<String>,
    pub params: Option<BTreeMap<String, String>>,
    pub assertion_alg: Option<SigningAlgorithm>,
    pub assertion_audience: Option<AssertionAudience>,
    pub owners: Option<Arc<[String]>>,
    pub tags: Option<Arc<[String]>>,
    pub notes: Option<String>,
    pub runbook: Option<Url>,
    pub used_by: Option<String>,
    pub warn: Option<Period>,
    pub critical: Option<Period>,
    pub enabled: Option<bool>,
    /// The one credential that is written in the app's entry itself.
    pub own: CredentialFields,
    pub credentials: Option<Vec<CredentialFields>>,
}

#[derive(Default, Clone)]
pub struct CredentialFields {
    /// The keys that were written, valid or not.
    pub written: Vec<&'static str>,
    pub label: Option<Arc<str>>,
    pub secret: Option<SecretRef>,
    pub certificate: Option<SecretRef>,
    pub key_id: Option<String>,
    pub secret_id: Option<String>,
    pub expires: Option<Expires>,
    pub created: Option<DateTime<Utc>>,
    pub rotate: Option<Arc<Rotation>>,
}

impl Fields {
    pub fn read(raw: raw::App, at: &At<'_>, check: &mut Check<'_>) -> Self {
        let own = raw::Credential {
            label: raw.label,
            secret: raw.secret,
            certificate: raw.certificate,
            key_id: raw.key_id,
            secret_id: raw.secret_id,
            expires: raw.expires,
            created: raw.created,
            rotate: raw.rotate,
        };
        let registration = provider::Fields {
            tenant: check.line(&at.key("tenant"), raw.tenant),
            cloud: check.line(&at.key("cloud"), raw.cloud),
            authority: check.root(&at.key("authority"), raw.authority),
            graph: check.root(&at.key("graph"), raw.graph),
            region: check.line(&at.key("region"), raw.region),
            base_url: check.root(&at.key("base_url"), raw.base_url),
            realm: check.line(&at.key("realm"), raw.realm),
            domain: check.line(&at.key("domain"), raw.domain),
            authorization_server: check.line(&at.key("authorization_server"), raw.authorization_server),
            issuer: check.root(&at.key("issuer"), raw.issuer),
            token_endpoint: check.endpoint(&at.key("token_endpoint"), raw.token_endpoint),
            has_resource_param: false,
            scope: check.line(&at.key("scope"), raw.scope),
        };
        Self {
            provider: provider(raw.provider, &at.key("provider"), check),
            registration,
            auth_method: check.choice(&at.key("auth_method"), raw.auth_method),
            client_id: check.line(&at.key("client_id"), raw.client_id),
            params: params(&at.key("params"), raw.params, check),
            assertion_alg: check.choice(&at.key("assertion_alg"), raw.assertion_alg),
            assertion_audience: check.choice(&at.key("assertion_audience"), raw.assertion_audience),
            owners: check.addresses(&at.key("owners"), raw.owners),
            tags: check.list(&at.key("tags"), raw.tags),
            notes: raw.notes.map(String::from),
            runbook: check.page(&at.key("runbook"), raw.runbook),
            used_by: check.words(&at.key("used_by"), raw.used_by),
            warn: check.period(&at.key("warn"), raw.warn),
            critical: check.period(&at.key("critical"), raw.critical),
            enabled: check.flag(&at.key("enabled"), raw.enabled),
            own: CredentialFields::read(own, at, check),
            credentials: credentials(raw.credentials, &at.key("credentials"), check),
        }
    }
}

impl CredentialFields {
    fn read(raw: raw::Credential, at: &At<'_>, check: &mut Check<'_>) -> Self {
        let written = [
            ("label", raw.label.is_some()),
            ("secret", raw.secret.is_some()),
            ("certificate", raw.certificate.is_some()),
            ("key_id", raw.key_id.is_some()),
            ("secret_id", raw.secret_id.is_some()),
            ("expires", raw.expires.is_some()),
            ("created", raw.created.is_some()),
            ("rotate", raw.rotate.is_some()),
        ];
        Self {
            written: written.into_iter().filter(|(_, is_written)| *is_written).map(|(key, _)| key).collect(),
            label: check.words(&at.key("label"), raw.label).map(Arc::from),
            secret: check.reference(&at.key("secret"), raw.secret),
            certificate: check.reference(&at.key("certificate"), raw.certificate),
            key_id: check.line(&at.key("key_id"), raw.key_id),
            secret_id: check.line(&at.key("secret_id"), raw.secret_id),
            expires: match raw.expires {
                Some(text) if &*text == "never" => Some(Expires::Never),
                text => check.moment(&at.key("expires"), text).map(Expires::At),
            },
            created: check.moment(&at.key("created"), raw.created),
            rotate: raw.rotate.and_then(|raw| Rotation::read(raw, &at.key("rotate"), check)).map(Arc::new),
        }
    }

    /// Whether it says what the client proves itself with.
    pub fn has_key(&self) -> bool {
        self.written.iter().any(|key| matches!(*key, "secret" | "certificate"))
    }
}

fn credentials(raw: Option<Vec<raw::Credential>>, at: &At<'_>, check: &mut Check<'_>) -> Option<Vec<CredentialFields>> {
    let raw = raw?;
    if raw.is_empty() {
        let advice = "list the app's credentials, or remove the key";
        check.notes.add(at, FaultCode::InvalidValue, "this list is empty", advice);
    }
    let each = raw.into_iter().enumerate();
    Some(each.map(|(index, raw)| CredentialFields::read(raw, &at.index(index), check)).collect())
}

fn provider(text: Option<Text>, at: &At<'_>, check: &mut Check<'_>) -> Option<&'static dyn Provider> {
    let found = provider::named(&text?);
    if found.is_none() {
        let advice = format!("one of {}; `oauth2` fits every other server", provider::names().join(", "));
        check.notes.add(at, FaultCode::UnknownProvider, "credwatch does not know this provider", advice);
    }
    found
}

/// What the request says by itself cannot be said twice, and a secret is a reference in a field of its own.
fn params(at: &At<'_>, raw: Option<BTreeMap<String, Text>>, check: &mut Check<'_>) -> Option<BTreeMap<String, String>> {
    for name in raw.iter().flat_map(BTreeMap::keys) {
        let (code, message, advice) = match name.as_str() {
            "client_secret" | "client_assertion" => (
                FaultCode::SecretLooksInline,
                "a secret does not stand in the inventory",
                "write it as a reference: `secret` or `certificate`",
            ),
            "client_id" | "client_assertion_type" | "grant_type" => (
                FaultCode::InvalidValue,
                "the request has this by itself",
                "remove it; `client_id` and `auth_method` are fields of the app",
            ),
            _ => continue,
        };
        check.notes.add(&at.key(name), code, message, advice);
    }
    check.map(at, raw)
}
