//! One thing that is due to be told.

use chrono::{DateTime, Utc};

use crate::assess::{Assessment, Finding, Severity};

#[derive(Debug, Clone)]
pub struct Event<'a> {
    pub kind: Kind,
    pub app: &'a str,
    /// Empty where the app has one credential.
    pub label: &'a str,
    pub code: &'a str,
    /// Now; of a resolved finding, when it was told.
    pub severity: Severity,
    /// The smallest threshold (days) crossed so far.
    pub days: Option<u16>,
    /// `None` once the credential has left the inventory.
    pub assessment: Option<&'a Assessment<'a>>,
    /// `None` when resolved.
    pub finding: Option<&'a Finding>,
    /// When this recipient last heard of it.
    pub told: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Opened,
    /// Worse than told, a threshold nearer to its end, or a hand-over that is to be told again.
    Worsened,
    Resolved(Ending),
}

/// Why a finding is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Mended,
    /// Another finding on the same matter took its place.
    Replaced,
    /// The credential is no longer in the inventory.
    Removed,
}

impl Kind {
    /// The event type of a webhook.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "finding.opened",
            Self::Worsened => "finding.worsened",
            Self::Resolved(_) => "finding.resolved",
        }
    }

    #[must_use]
    pub const fn is_resolved(self) -> bool {
        matches!(self, Self::Resolved(_))
    }
}
