//! Policies on app management (providers.md section 4.3): what they forbid, and how long a secret may last. The tenant has
//! one for all applications and one for all service principals; an object's own stands in their place.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::management::{Constraints, Holder};

/// The tenant's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Policy {
    #[serde(default)]
    is_enabled: bool,
    application_restrictions: Option<Restrictions>,
    service_principal_restrictions: Option<Restrictions>,
}

/// Those of one object, at most one.
#[derive(Deserialize)]
pub(super) struct OwnPolicies {
    #[serde(default)]
    value: Vec<OwnPolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnPolicy {
    #[serde(default)]
    is_enabled: bool,
    restrictions: Option<Restrictions>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Restrictions {
    #[serde(default)]
    password_credentials: Vec<Restriction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Restriction {
    restriction_type: Option<String>,
    state: Option<String>,
    // The documentation spells it both ways (providers.md section 4.3).
    #[serde(alias = "maxLifeTime")]
    max_lifetime: Option<String>,
    restrict_for_apps_created_after_date_time: Option<DateTime<Utc>>,
}

impl Restriction {
    /// An app whose age is not known is taken for a new one.
    fn binds(&self, created: Option<DateTime<Utc>>) -> bool {
        let is_exempt = match (self.restrict_for_apps_created_after_date_time, created) {
            (Some(after), Some(created)) => created <= after,
            _ => false,
        };
        self.state.as_deref() != Some("disabled") && !is_exempt
    }
}

impl Policy {
    pub(super) fn on(self, holder: Holder) -> Restrictions {
        let restrictions = match holder {
            Holder::Application => self.application_restrictions,
            Holder::ServicePrincipal => self.service_principal_restrictions,
        };
        restrictions.filter(|_| self.is_enabled).unwrap_or_default()
    }
}

impl OwnPolicies {
    /// `None`: the object has none, or none that is in force.
    pub(super) fn in_force(self) -> Option<Restrictions> {
        let enabled = self.value.into_iter().find(|policy| policy.is_enabled)?;
        Some(enabled.restrictions.unwrap_or_default())
    }
}

impl Restrictions {
    /// Adds what they say of an object that was made at `created`.
    pub(super) fn bind(&self, constraints: &mut Constraints, created: Option<DateTime<Utc>>) {
        for restriction in self.password_credentials.iter().filter(|one| one.binds(created)) {
            match restriction.restriction_type.as_deref() {
                Some("passwordAddition") => {
                    constraints.forbidden = Some("the tenant's policy forbids new client secrets".to_owned());
                }
                Some("passwordLifetime") => {
                    let other = restriction.max_lifetime.as_deref().and_then(days);
                    constraints.max_lifetime = constraints.max_lifetime.into_iter().chain(other).min();
                }
                _ => {}
            }
        }
    }
}

/// An ISO 8601 duration as the policies use them: `P180D`, `P4DT12H30M5S`, `P1Y`, `P6M`; a month is taken as 30 days.
fn days(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let (mut number, mut in_time) = (String::new(), false);
    for c in text.strip_prefix('P')?.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            'T' => {
                in_time = true;
                continue;
            }
            'Y' => 365 * 86_400,
            'M' if !in_time => 30 * 86_400,
            'W' => 7 * 86_400,
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    Some(Duration::from_secs(seconds))
}
