//! What a rotation has to keep to: the app's own block and the settings' limits.

use std::time::Duration;

use crate::{management::Capabilities, store::Abilities};

/// One credential's rotation, as the inventory opts in to it.
#[derive(Debug, Clone)]
pub struct Policy {
    pub app: String,
    pub label: Option<String>,
    /// `secret_id` of the inventory: what a person says the predecessor is.
    pub declared_id: Option<String>,
    pub declared_end: Option<chrono::DateTime<chrono::Utc>>,
    pub before: Duration,
    pub lifetime: Duration,
    pub grace: Duration,
    pub retire: bool,
    pub retire_without_usage: bool,
    pub abandon_after: Duration,
    pub allow_gap: bool,
    /// The window is open now, or there is none.
    pub in_window: bool,
    pub frozen: bool,
    /// The first is the primary, which is readable.
    pub places: Vec<Place>,
    pub capabilities: Capabilities,
}

/// Where the secret goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As the inventory writes it.
    pub address: super::Address,
    /// `None`: a person.
    pub abilities: Option<Abilities>,
}

impl Place {
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.abilities.is_some_and(|abilities| abilities.readable)
    }
}

/// The settings' `rotation`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub live_deadline: Duration,
    pub live_spacing: Duration,
    pub live_for: Duration,
    pub settle: Duration,
    pub run_gap: Duration,
}

/// What the run as a whole still allows: its budgets and breakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Start a rotation that is not under way.
    pub start: bool,
    pub create: bool,
    pub retire: bool,
    /// A person asked for it now, however far the end is.
    pub start_early: bool,
}

impl Allowance {
    /// Of a dry run, which takes nothing.
    pub(super) const fn everything(start_early: bool) -> Self {
        Self { start: true, create: true, retire: true, start_early }
    }
}
