//! Valid settings; every secret in them is a reference.

use std::{net::SocketAddr, path::PathBuf};

use chrono_tz::Tz;
use url::Url;

use crate::{assess::Policy, period::Period, secret::SecretRef};

/// What holds for a run, defaults filled in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file they were read from; `None` when there is none.
    pub file: Option<PathBuf>,
    /// `sqlite:PATH` or `postgres://...`; `None`: the default under the XDG state folder.
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
    pub notify: Notify,
}

/// A host, or `*.` and a domain for one or more labels below it; compared without port, in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRule {
    /// Absolute.
    pub program: PathBuf,
    /// Variables it sees besides PATH, HOME and LANG.
    pub env: Vec<String>,
}

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
