//! `credwatch.yaml` as it is written: the one place that knows its keys, for reading and for the schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::model::{SmtpTls, Verb};
use crate::{
    assess::NeverPolicy,
    period::Period,
    yaml::{Text, shape},
};

/// How credwatch works. All of it is optional; every secret is a reference, never a value.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `version`")]
#[schemars(title = "credwatch settings")]
pub struct File {
    /// Version of this format.
    #[schemars(required, with = "Option<shape::Version>")]
    pub version: Option<Text>,
    /// Where runs are remembered: `sqlite:PATH`; absent = under the XDG state folder.
    #[schemars(with = "Option<String>", regex(pattern = "^sqlite:.+$"))]
    pub state: Option<Text>,
    /// Hosts that may receive a secret, without port; `*.` = one or more labels. Absent = each app's own endpoint.
    #[schemars(with = "Option<Vec<shape::Host>>")]
    pub allow: Option<Vec<Text>>,
    /// Programs that `exec:` references may run.
    pub exec: Option<Vec<Exec>>,
    /// PEM file of a private CA, in addition to the system's, for every TLS connection.
    pub ca: Option<Text>,
    pub http: Option<Http>,
    pub schedule: Option<Schedule>,
    pub policy: Option<Policy>,
    pub serve: Option<Serve>,
    /// Limits of rotation; the defaults are meant to stay.
    pub rotation: Option<Rotation>,
    /// The server of `vault:` references and deliveries.
    pub vault: Option<Vault>,
    /// How credwatch signs in to Azure Key Vault; absent = as `management` says it for Entra, if that is one way.
    pub azure_key_vault: Option<AzureKeyVault>,
    /// Programs that deliver or make secrets, by name; one that can create, list and remove manages the app of its own name.
    pub hooks: Option<BTreeMap<String, Hook>>,
    /// How credwatch itself signs in to the providers' management APIs, which a rotation needs.
    pub management: Option<Vec<Management>>,
    pub notify: Option<Notify>,
}

/// A program and the variables it may see.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `program`")]
pub struct Exec {
    /// Its absolute path.
    #[schemars(required, with = "Option<shape::Program>")]
    pub program: Option<Text>,
    /// Variables it sees besides PATH, HOME and LANG.
    #[schemars(with = "Option<Vec<shape::Variable>>")]
    pub env: Option<Vec<Text>>,
}

/// Requests to token endpoints.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with the fields of `http`")]
pub struct Http {
    /// Absent = the proxy variables of the environment.
    #[schemars(with = "Option<shape::Page>")]
    pub proxy: Option<Text>,
    /// For one credential, with all attempts and waits.
    #[schemars(with = "Option<Period>")]
    pub timeout: Option<Text>,
    /// Requests under way at once.
    #[schemars(with = "Option<shape::Count<1, 4_096>>")]
    pub concurrency: Option<Text>,
    /// The same, to one host.
    #[schemars(with = "Option<shape::Count<1, 4_096>>")]
    pub per_host: Option<Text>,
}

/// When `serve` audits.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `cron` and `timezone`")]
pub struct Schedule {
    /// Crontab line: minute, hour, day, month, weekday.
    #[schemars(with = "Option<String>")]
    pub cron: Option<Text>,
    /// As in `Europe/Oslo`.
    #[schemars(with = "Option<String>")]
    pub timezone: Option<Text>,
}

/// What is judged how.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with the fields of `policy`")]
pub struct Policy {
    /// Warn from this long before the end; apps may override it.
    #[schemars(with = "Option<Period>")]
    pub warn: Option<Text>,
    /// Critical from this long before the end; apps may override it.
    #[schemars(with = "Option<Period>")]
    pub critical: Option<Text>,
    /// Longest accepted lifetime.
    #[schemars(with = "Option<Period>")]
    pub max_lifetime: Option<Text>,
    /// Severity of a credential that never expires.
    #[schemars(with = "Option<NeverPolicy>")]
    pub never: Option<Text>,
    /// How long a new secret may be refused because it is not active yet.
    #[schemars(with = "Option<Period>")]
    pub activation: Option<Text>,
}

/// The pages of `serve`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `listen`")]
pub struct Serve {
    /// Address and port.
    #[schemars(with = "Option<String>")]
    pub listen: Option<Text>,
}

/// Limits of rotation.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with the fields of `rotation`")]
pub struct Rotation {
    /// How long a token endpoint may need to know a new secret (15m).
    #[schemars(with = "Option<Period>")]
    pub live_deadline: Option<Text>,
    /// Between two tries of a new secret (10s).
    #[schemars(with = "Option<Period>")]
    pub live_spacing: Option<Text>,
    /// How long it must be accepted without a refusal before it is delivered (2m).
    #[schemars(with = "Option<Period>")]
    pub live_for: Option<Text>,
    /// How long listings may lag behind before what they lack counts as gone (5m).
    #[schemars(with = "Option<Period>")]
    pub settle: Option<Text>,
    /// How far apart two runs are whose looks at the stores count as two (20h).
    #[schemars(with = "Option<Period>")]
    pub run_gap: Option<Text>,
    /// Most rotations that one run starts (10).
    #[schemars(with = "Option<shape::Count<0, 10_000>>")]
    pub max_rotations: Option<Text>,
    /// Share of the opted-in credentials that one run may remove (10%).
    #[schemars(with = "Option<String>", regex(pattern = "^(100|[0-9]{1,2})%$"))]
    pub max_removals: Option<Text>,
    /// How long one run rotates (2h).
    #[schemars(with = "Option<Period>")]
    pub run_deadline: Option<Text>,
    /// Observe only.
    #[schemars(with = "Option<shape::Flag>")]
    pub frozen: Option<Text>,
}

/// HashiCorp Vault or OpenBao.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `address` and `token`")]
pub struct Vault {
    #[schemars(required, with = "Option<shape::Root>")]
    pub address: Option<Text>,
    /// Not itself in a store.
    #[schemars(required, with = "Option<shape::Reference>")]
    pub token: Option<Text>,
}

/// The client that may use secrets of Azure Key Vault, and one way to prove it: not itself in a store.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `tenant` and `client_id`")]
pub struct AzureKeyVault {
    /// The vaults' own.
    #[schemars(required)]
    pub tenant: Option<Text>,
    pub cloud: Option<Text>,
    #[schemars(with = "Option<shape::Root>")]
    pub authority: Option<Text>,
    pub client_id: Option<Text>,
    #[schemars(with = "Option<shape::Reference>")]
    pub secret: Option<Text>,
    #[schemars(with = "Option<shape::Reference>")]
    pub certificate: Option<Text>,
    /// A token of another issuer, as workload identity federation takes it.
    #[schemars(with = "Option<shape::Reference>")]
    pub federated_token: Option<Text>,
    #[schemars(with = "Option<shape::Flag>")]
    pub managed_identity: Option<Text>,
}

/// A program that takes one JSON object on stdin and answers one on stdout.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `program` and `verbs`")]
pub struct Hook {
    /// The absolute path and its arguments; the verb comes last.
    #[schemars(required, length(min = 1))]
    pub program: Option<Vec<Text>>,
    /// What it can do.
    #[schemars(required, with = "Option<Vec<Verb>>", length(min = 1))]
    pub verbs: Option<Vec<Text>>,
}

/// One sign-in to a management API.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `provider`")]
pub struct Management {
    #[schemars(required, with = "Option<String>", extend("enum" = ["entra", "aveva", "keycloak", "okta", "auth0"]))]
    pub provider: Option<Text>,
    pub tenant: Option<Text>,
    pub cloud: Option<Text>,
    #[schemars(with = "Option<shape::Root>")]
    pub authority: Option<Text>,
    #[schemars(with = "Option<shape::Root>")]
    pub graph: Option<Text>,
    pub region: Option<Text>,
    #[schemars(with = "Option<shape::Root>")]
    pub base_url: Option<Text>,
    pub realm: Option<Text>,
    pub domain: Option<Text>,
    #[schemars(with = "Option<shape::Endpoint>")]
    pub token_endpoint: Option<Text>,
    pub client_id: Option<Text>,
    #[schemars(with = "Option<shape::Reference>")]
    pub secret: Option<Text>,
    #[schemars(with = "Option<shape::Reference>")]
    pub certificate: Option<Text>,
    /// A token of another issuer, as workload identity federation takes it.
    #[schemars(with = "Option<shape::Reference>")]
    pub federated_token: Option<Text>,
    #[schemars(with = "Option<shape::Flag>")]
    pub managed_identity: Option<Text>,
    /// AVEVA: each client signs in with its own current secret.
    #[serde(rename = "self")]
    #[schemars(with = "Option<shape::Flag>")]
    pub self_managed: Option<Text>,
}

/// Who is told, and how.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with the fields of `notify`")]
pub struct Notify {
    /// Sender of mails.
    #[schemars(with = "Option<shape::Address>")]
    pub from: Option<Text>,
    /// Addresses that get the summary, and what has no owner.
    #[schemars(with = "Option<Vec<shape::Address>>")]
    pub admins: Option<Vec<Text>>,
    /// URL that is called after each run, so that a missing run raises the alarm.
    #[schemars(with = "Option<shape::Reference>")]
    pub dead_man: Option<Text>,
    pub channels: Option<Vec<Channel>>,
}

/// One way to reach people.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping with `name` and `type`")]
pub struct Channel {
    /// Unique.
    #[schemars(required)]
    pub name: Option<Text>,
    #[serde(rename = "type")]
    #[schemars(required, with = "Option<String>", extend("enum" = ["smtp", "webhook"]))]
    pub kind: Option<Text>,
    /// smtp: the server.
    pub host: Option<Text>,
    /// smtp: 587 for starttls, 465 for implicit.
    #[schemars(with = "Option<shape::Count<1, 65_535>>")]
    pub port: Option<Text>,
    /// smtp: `starttls` or `implicit`; there is no plain.
    #[schemars(with = "Option<SmtpTls>")]
    pub tls: Option<Text>,
    /// smtp: the login.
    pub username: Option<Text>,
    /// smtp: its password.
    #[schemars(with = "Option<shape::Reference>")]
    pub password: Option<Text>,
    /// webhook: the URL, which is a secret itself.
    #[schemars(with = "Option<shape::Reference>")]
    pub url: Option<Text>,
    /// webhook: signs each message (Standard Webhooks).
    #[schemars(with = "Option<shape::Reference>")]
    pub signing_key: Option<Text>,
}
