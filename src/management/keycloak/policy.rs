//! Whether a realm's client policies rotate the secret of a client, and with which periods.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Client, Seconds};

/// Periods of the executor; a zero is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rotation {
    /// How long the value before is accepted after a regeneration.
    pub rotated: Option<Duration>,
    /// How long a new value is.
    pub lifetime: Option<Duration>,
}

#[derive(Deserialize)]
pub(super) struct Policies {
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
struct Policy {
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    profiles: Vec<String>,
}

#[derive(Deserialize)]
struct Condition {
    condition: String,
    #[serde(default)]
    configuration: Map<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct Profiles {
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    name: String,
    #[serde(default)]
    executors: Vec<Executor>,
}

#[derive(Deserialize)]
struct Executor {
    executor: String,
    #[serde(default)]
    configuration: Map<String, Value>,
}

/// What the policies do to this client; where one of them cannot be judged from outside, what they did last time.
pub(super) fn rotation(policies: &Policies, profiles: &Profiles, client: &Client) -> Rotation {
    let mut in_doubt = false;
    let mut applied = Vec::new();
    for policy in policies.policies.iter().filter(|policy| policy.enabled) {
        let named = profiles.profiles.iter().filter(|profile| policy.profiles.contains(&profile.name));
        let rotating: Vec<_> =
            named.flat_map(|profile| &profile.executors).filter(|one| one.executor == "secret-rotation").collect();
        match policy.applies(client) {
            Some(true) => applied.extend(rotating.into_iter().map(Executor::periods)),
            Some(false) => {}
            None => in_doubt |= !rotating.is_empty(),
        }
    }
    let shortest = |one: Option<Duration>, other: Option<Duration>| one.zip(other).map(|(one, other)| one.min(other));
    applied
        .into_iter()
        .reduce(|one, other| Rotation {
            // A zero is the shortest overlap, and no end the longest life.
            rotated: shortest(one.rotated, other.rotated),
            lifetime: shortest(one.lifetime, other.lifetime).or(one.lifetime).or(other.lifetime),
        })
        .unwrap_or_else(|| if in_doubt { client.attributes.rotation() } else { Rotation::default() })
}

impl Policy {
    /// All its conditions hold, and there is one; `None`: nobody but the server can tell.
    fn applies(&self, client: &Client) -> Option<bool> {
        let holds: Vec<_> = self.conditions.iter().map(|condition| condition.holds(client)).collect();
        match () {
            () if holds.contains(&Some(false)) || holds.is_empty() => Some(false),
            () if holds.contains(&None) => None,
            () => Some(true),
        }
    }
}

impl Condition {
    fn holds(&self, client: &Client) -> Option<bool> {
        let holds = match self.condition.as_str() {
            "any-client" => true,
            "client-access-type" => {
                let kind = match client {
                    Client { bearer_only: true, .. } => "bearer-only",
                    Client { public_client: true, .. } => "public",
                    _ => "confidential",
                };
                self.configuration.get("type")?.as_array()?.iter().any(|name| name == kind)
            }
            _ => return None,
        };
        let negated = self.configuration.get("is-negative-logic");
        Some(holds != negated.is_some_and(|value| value == true || value == "true"))
    }
}

impl Executor {
    /// The defaults are Keycloak's own: 29 days and 2 days.
    fn periods(&self) -> Rotation {
        let period = |key: &str, usual: u64| {
            let seconds = match self.configuration.get(key) {
                None | Some(Value::Null) => Some(usual),
                Some(value) => Seconds::from(value.clone()).0.and_then(|seconds| u64::try_from(seconds).ok()),
            };
            seconds.map(Duration::from_secs)
        };
        let day = 24 * 60 * 60;
        Rotation {
            rotated: period("rotated-expiration-period", 2 * day),
            lifetime: period("expiration-period", 29 * day),
        }
    }
}
