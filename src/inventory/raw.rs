//! An inventory file as it is written: the one place that knows its keys, for reading and for the schema.
//! Every field is optional here, so that a faulty file can be read as far as it goes.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use super::model::{AssertionAudience, AuthMethod, SigningAlgorithm};
use crate::{
    period::Period,
    provider,
    yaml::{Text, shape},
};

/// The app registrations whose credentials credwatch tests. Secrets are references, never values.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `version` and `apps`")]
#[schemars(title = "credwatch inventory")]
pub struct File<A> {
    /// Version of this format.
    #[schemars(required, with = "Option<shape::Version>")]
    pub version: Option<Text>,
    /// What all apps of this file share; an app's own value wins.
    pub defaults: Option<App>,
    /// One entry for each app registration.
    #[schemars(required)]
    pub apps: Option<A>,
}

impl<A> Default for File<A> {
    fn default() -> Self {
        Self { version: None, defaults: None, apps: None }
    }
}

/// One app registration.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with the fields of an app")]
pub struct App {
    /// What people call it; unique over all files.
    #[schemars(required)]
    pub name: Option<Text>,
    /// The identity provider it is registered with.
    #[schemars(with = "Option<String>", extend("enum" = provider::names()))]
    pub provider: Option<Text>,
    /// Entra: tenant id or verified domain. AVEVA: tenant id.
    pub tenant: Option<Text>,
    /// Entra: the national cloud.
    #[schemars(with = "Option<String>", extend("enum" = ["global", "usgov", "dod", "china", "bleu", "delos", "govsg"]))]
    pub cloud: Option<Text>,
    /// Entra: another login host.
    #[schemars(with = "Option<shape::Root>")]
    pub authority: Option<Text>,
    /// Entra: another root of Microsoft Graph.
    #[schemars(with = "Option<shape::Root>")]
    pub graph: Option<Text>,
    /// AVEVA: the region of the tenant.
    #[schemars(with = "Option<String>", extend("enum" = ["uswe", "euno", "auea", "jpea"]))]
    pub region: Option<Text>,
    /// AVEVA and Keycloak: the server.
    #[schemars(with = "Option<shape::Root>")]
    pub base_url: Option<Text>,
    /// Keycloak: the realm.
    pub realm: Option<Text>,
    /// Okta and Auth0: the domain of the organisation or tenant.
    pub domain: Option<Text>,
    /// Okta: the authorization server; absent = the org server.
    pub authorization_server: Option<Text>,
    /// oauth2: where the token endpoint is looked up by discovery.
    #[schemars(with = "Option<shape::Root>")]
    pub issuer: Option<Text>,
    /// Where tokens are asked for; overrides what the provider derives.
    #[schemars(with = "Option<shape::Endpoint>")]
    pub token_endpoint: Option<Text>,
    /// How the client authenticates; absent = what the provider prefers.
    #[schemars(with = "Option<AuthMethod>")]
    pub auth_method: Option<Text>,
    /// The client id (Entra: Application ID).
    pub client_id: Option<Text>,
    /// The scope to ask for; absent = what the provider needs.
    pub scope: Option<Text>,
    /// Further form parameters of the token request, such as `resource` or `audience`.
    #[schemars(with = "Option<shape::Parameters>")]
    pub params: Option<BTreeMap<String, Text>>,
    /// How a client assertion is signed; absent = what fits the key.
    #[schemars(with = "Option<SigningAlgorithm>")]
    pub assertion_alg: Option<Text>,
    /// What a client assertion names as its audience.
    #[schemars(with = "Option<AssertionAudience>")]
    pub assertion_audience: Option<Text>,
    /// E-mail addresses of the people who are told.
    #[schemars(with = "Option<Vec<shape::Address>>")]
    pub owners: Option<Vec<Text>>,
    /// Words to select by, as in `audit --tag billing`.
    #[schemars(with = "Option<Vec<shape::Filled>>")]
    pub tags: Option<Vec<Text>>,
    /// Anything the next person should know.
    #[schemars(with = "Option<shape::Notes>")]
    pub notes: Option<Text>,
    /// Where the procedure is described.
    #[schemars(with = "Option<shape::Page>")]
    pub runbook: Option<Text>,
    /// The product the credential is typed into (puzzel, deskpro, snaplogic, aveva, infusion, ...); gives a remedy its steps.
    pub used_by: Option<Text>,
    /// Warn from this long before the end.
    #[schemars(with = "Option<Period>")]
    pub warn: Option<Text>,
    /// Critical from this long before the end.
    #[schemars(with = "Option<Period>")]
    pub critical: Option<Text>,
    /// `false`: stays listed, is not tested.
    #[schemars(with = "Option<shape::Flag>")]
    pub enabled: Option<Text>,
    /// Several credentials of one app, instead of the fields below.
    #[schemars(length(min = 1))]
    pub credentials: Option<Vec<Credential>>,
    /// Tells the credential apart in reports.
    pub label: Option<Text>,
    /// Where the client secret lies.
    #[schemars(with = "Option<shape::Reference>")]
    pub secret: Option<Text>,
    /// Where the PEM with certificate and private key lies.
    #[schemars(with = "Option<shape::Reference>")]
    pub certificate: Option<Text>,
    /// `kid` of a client assertion.
    pub key_id: Option<Text>,
    /// The provider's id of the secret (Entra: Secret ID), never the secret itself.
    pub secret_id: Option<Text>,
    /// When it ends.
    #[schemars(with = "Option<shape::End>")]
    pub expires: Option<Text>,
    /// When it was made: a new secret may need minutes to become active.
    #[schemars(with = "Option<shape::Moment>")]
    pub created: Option<Text>,
    /// How it is replaced before it ends; absent = it is not.
    pub rotate: Option<Rotate>,
}

/// One of several credentials of an app.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with the fields of a credential")]
pub struct Credential {
    /// Tells the credentials of the app apart.
    pub label: Option<Text>,
    /// Where the client secret lies.
    #[schemars(with = "Option<shape::Reference>")]
    pub secret: Option<Text>,
    /// Where the PEM with certificate and private key lies.
    #[schemars(with = "Option<shape::Reference>")]
    pub certificate: Option<Text>,
    /// `kid` of a client assertion.
    pub key_id: Option<Text>,
    /// The provider's id of the secret (Entra: Secret ID), never the secret itself.
    pub secret_id: Option<Text>,
    /// When it ends.
    #[schemars(with = "Option<shape::End>")]
    pub expires: Option<Text>,
    /// When it was made.
    #[schemars(with = "Option<shape::Moment>")]
    pub created: Option<Text>,
    /// How it is replaced before it ends; absent = it is not.
    pub rotate: Option<Rotate>,
}

/// How a secret is replaced before it ends.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with the fields of `rotate`")]
pub struct Rotate {
    /// Start this long before the end (30d).
    #[schemars(with = "Option<Period>")]
    pub before: Option<Text>,
    /// Lifetime of the new secret (180d).
    #[schemars(with = "Option<Period>")]
    pub lifetime: Option<Text>,
    /// Where the new secret is delivered; the first is the primary and must be readable.
    #[schemars(required, length(min = 1))]
    pub deliver_to: Option<Vec<Destination>>,
    /// Longest time a consumer needs to pick it up (7d).
    #[schemars(with = "Option<Period>")]
    pub grace: Option<Text>,
    /// Remove the predecessor once that is safe.
    #[schemars(with = "Option<shape::Flag>")]
    pub retire: Option<Text>,
    /// Remove it although the provider cannot tell its last use.
    #[schemars(with = "Option<shape::Flag>")]
    pub retire_without_usage: Option<Text>,
    /// A hand-over that nobody confirms blocks after this long (14d).
    #[schemars(with = "Option<Period>")]
    pub abandon_after: Option<Text>,
    /// Providers without overlap: accept an outage inside `window`.
    #[schemars(with = "Option<shape::Flag>")]
    pub allow_gap: Option<Text>,
    /// Crontab line; effects only within the hour after it.
    #[schemars(with = "Option<String>")]
    pub window: Option<Text>,
    /// Observe only.
    #[schemars(with = "Option<shape::Flag>")]
    pub frozen: Option<Text>,
}

/// A store by its address alone, or with what holds for it.
#[derive(JsonSchema)]
#[serde(untagged)]
pub enum Destination {
    Address(#[schemars(with = "shape::Store")] Text),
    Store(Store),
}

/// A store and what holds for it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a store, or a mapping with `store`")]
pub struct Store {
    /// The store.
    #[schemars(required, with = "Option<shape::Store>")]
    pub store: Option<Text>,
    /// How long this one's consumers need to pick the secret up.
    #[schemars(with = "Option<Period>")]
    pub pick_up: Option<Text>,
    /// Write into the file itself (bind mounts), not beside it.
    #[schemars(with = "Option<shape::Flag>")]
    pub in_place: Option<Text>,
}

/// Hand-written, for `untagged` would hide both the place and the key of a fault.
impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DestinationVisitor)
    }
}

struct DestinationVisitor;

impl<'de> Visitor<'de> for DestinationVisitor {
    type Value = Destination;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a store, or a mapping with `store`,")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Destination, E> {
        Ok(Destination::Address(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Destination, A::Error> {
        Store::deserialize(de::value::MapAccessDeserializer::new(map)).map(Destination::Store)
    }
}
