//! Valid settings; every secret in them is a reference.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use chrono_tz::Tz;
use url::Url;

use crate::{
    assess::Policy,
    period::Period,
    provider::{self, Provider},
    secret::{ExecRule, SecretRef},
    yaml::Fault,
};

/// What holds for a run, defaults filled in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file they were read from; `None` when there is none.
    pub file: Option<PathBuf>,
    /// `sqlite:PATH`; `None`: the default under the XDG state folder.
    pub state: Option<String>,
    /// Hosts that may receive a secret; `None`: each app's own endpoint.
    pub allow: Option<Vec<HostPattern>>,
    /// Programs `exec:` references may run.
    pub exec: Vec<ExecRule>,
    /// Private CA (PEM), in addition to the system's, for every TLS connection.
    pub ca: Option<PathBuf>,
    pub http: Http,
    pub schedule: Schedule,
    pub policy: Policy,
    /// Where `serve` listens.
    pub listen: SocketAddr,
    pub rotation: RotationLimits,
    pub vault: Option<Vault>,
    /// How credwatch signs in to Azure Key Vault; `None`: as `management` has it for Entra.
    pub azure_key_vault: Option<Management>,
    /// By name.
    pub hooks: BTreeMap<String, Hook>,
    pub management: Vec<Management>,
    pub notify: Notify,
    /// What is accepted and had better be otherwise.
    pub warnings: Vec<Fault>,
}

/// A host, or `*.` and a domain for one or more labels below it; compared without port, in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// `None`: the proxy variables of the environment.
    pub proxy: Option<Url>,
    /// One credential with all attempts and waits.
    pub timeout: Period,
    /// Requests under way at once.
    pub concurrency: usize,
    /// The same, to one host.
    pub per_host: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Five crontab fields, checked when read.
    pub cron: String,
    pub timezone: Tz,
}

/// `rotation` of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationLimits {
    pub live_deadline: Period,
    pub live_spacing: Period,
    pub live_for: Period,
    pub settle: Period,
    pub run_gap: Period,
    pub max_rotations: u32,
    /// Percent of the opted-in credentials.
    pub max_removals_percent: u8,
    pub run_deadline: Period,
    pub frozen: bool,
}

/// A Vault or OpenBao server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    pub address: Url,
    pub token: SecretRef,
}

/// A program that delivers or makes secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// An absolute path and its arguments; the verb is added behind them.
    pub program: Vec<String>,
    /// At least one.
    pub verbs: Vec<Verb>,
}

/// What a hook can do: the first two with a store, the others with a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Read,
    Write,
    Create,
    List,
    Remove,
}

/// How credwatch signs in to a provider's management API.
#[derive(Debug, Clone)]
pub struct Management {
    pub provider: &'static dyn Provider,
    pub fields: provider::Fields,
    /// `None` for a managed identity of the system and where each client manages itself.
    pub client_id: Option<String>,
    pub key: ManagementKey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagementKey {
    Secret(SecretRef),
    Certificate(SecretRef),
    FederatedToken(SecretRef),
    ManagedIdentity,
    /// Each client with its own current secret.
    SelfManaged,
}

#[derive(Debug, Clone, Default)]
pub struct Notify {
    /// Sender address.
    pub from: Option<String>,
    pub admins: Vec<String>,
    /// Reference to the URL of the dead-man switch.
    pub dead_man: Option<SecretRef>,
    pub channels: Vec<Channel>,
}

#[derive(Debug, Clone)]
pub struct Channel {
    /// Unique.
    pub name: String,
    pub kind: ChannelKind,
}

#[derive(Debug, Clone)]
pub enum ChannelKind {
    Smtp { host: String, port: u16, tls: SmtpTls, username: Option<String>, password: Option<SecretRef> },
    Webhook { url: SecretRef, signing_key: Option<SecretRef> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// TLS from the first byte (port 465).
    Implicit,
    /// Upgraded before anything is said (port 587); never skipped.
    Starttls,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: None,
            state: None,
            allow: None,
            exec: Vec::new(),
            ca: None,
            http: Http::default(),
            schedule: Schedule::default(),
            policy: Policy::default(),
            listen: (Ipv4Addr::LOCALHOST, 9464).into(),
            rotation: RotationLimits::default(),
            vault: None,
            azure_key_vault: None,
            hooks: BTreeMap::new(),
            management: Vec::new(),
            notify: Notify::default(),
            warnings: Vec::new(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { proxy: None, timeout: Period::from_secs(30), concurrency: 64, per_host: 16 }
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self { cron: "0 3 * * *".to_owned(), timezone: Tz::UTC }
    }
}

impl RotationLimits {
    /// What one run may start and remove; `opted_in` is the number of credentials that rotate.
    #[must_use]
    pub fn budget(&self, opted_in: usize) -> crate::rotate::Budget {
        let share = opted_in.saturating_mul(usize::from(self.max_removals_percent)) / 100;
        let removals = u32::try_from(share.clamp(1, 10)).unwrap_or(1);
        crate::rotate::Budget::new(self.max_rotations, removals)
    }
}

impl Default for RotationLimits {
    fn default() -> Self {
        Self {
            live_deadline: Period::from_minutes(15),
            live_spacing: Period::from_secs(10),
            live_for: Period::from_minutes(2),
            settle: Period::from_minutes(5),
            run_gap: Period::from_hours(20),
            max_rotations: 10,
            max_removals_percent: 10,
            run_deadline: Period::from_hours(2),
            frozen: false,
        }
    }
}
