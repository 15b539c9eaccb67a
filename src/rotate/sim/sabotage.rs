//! Planted bugs. Each is an adapter that misbehaves towards the core, so that production code carries no switch; each must be
//! found by the observer.

mod journal;
mod management;
mod store;

use self::{
    journal::BentJournal,
    management::{BentEndpoint, BentManagement},
    store::BentStore,
};
use super::{
    disk::SimJournal,
    management::{SimEndpoint, SimManagement},
    store::SimStore,
};
use crate::{
    management::Management,
    rotate::{History, Journal, Limits, Outcome, Policy, TokenEndpoint},
    store::Store,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// An HTTP layer that sends a create again.
    CreateRetried,
    /// `Created` is durable only after the delivery.
    CreatedAfterDelivery,
    /// The last record is lost with the process.
    NotSynced,
    /// A store counts as acknowledged once it is written.
    AckOnWrite,
    /// Removes before every store has acknowledged.
    RemoveBeforeAck,
    /// Removes everything but the newest.
    AllButNewest,
    /// The provider's clock is taken for the local one.
    LocalClockOnly,
    /// One success stands for all that follow.
    OneSuccess,
    /// A create without an answer counts as refused.
    LostReplyIgnored,
    /// A marker nobody knows is removed.
    UnknownMarkerReaped,
    /// A marker nobody knows is not seen.
    UnknownMarkerHidden,
    /// A writer that was taken over goes on.
    StaleEpoch,
    /// A store is written whatever it holds.
    Overwrite,
    /// The gate is opened by listings of an earlier night.
    OldEvidence,
    /// An error repeats the request.
    ErrorPrintsRequest,
    /// No listing is an empty listing.
    NotFoundIsGone,
    /// A value is delivered from memory once the primary had it.
    ValueKept,
    /// A dry run tries whether a store can be written by writing.
    DryRunWrites,
    /// What was acknowledged once is never looked at again.
    DriftIgnored,
    /// A roll-back leaves the new value in a store.
    AbortLeavesNew,
    /// No grace.
    NoGrace,
    /// A store takes no value, and says it did.
    WriteSwallowed,
    /// A run says nothing of what is not over.
    LeftOutOfReports,
    /// One app's trouble silences every provider.
    SharedFate,
    /// Every app's values go to the first one's token endpoint.
    SharedEndpoint,
}

impl Sabotage {
    pub const ALL: [Self; 25] = [
        Self::CreateRetried,
        Self::CreatedAfterDelivery,
        Self::NotSynced,
        Self::AckOnWrite,
        Self::RemoveBeforeAck,
        Self::AllButNewest,
        Self::LocalClockOnly,
        Self::OneSuccess,
        Self::LostReplyIgnored,
        Self::UnknownMarkerReaped,
        Self::UnknownMarkerHidden,
        Self::StaleEpoch,
        Self::Overwrite,
        Self::OldEvidence,
        Self::ErrorPrintsRequest,
        Self::NotFoundIsGone,
        Self::ValueKept,
        Self::DryRunWrites,
        Self::DriftIgnored,
        Self::AbortLeavesNew,
        Self::NoGrace,
        Self::WriteSwallowed,
        Self::LeftOutOfReports,
        Self::SharedFate,
        Self::SharedEndpoint,
    ];

    pub fn journal(bug: Option<Self>, inner: SimJournal) -> Box<dyn Journal> {
        match bug {
            Some(
                bug @ (Self::CreatedAfterDelivery
                | Self::NotSynced
                | Self::RemoveBeforeAck
                | Self::StaleEpoch
                | Self::UnknownMarkerHidden),
            ) => Box::new(BentJournal::new(bug, inner)),
            _ => Box::new(inner),
        }
    }

    pub fn management(bug: Option<Self>, inner: SimManagement) -> Box<dyn Management> {
        match bug {
            Some(bug) => Box::new(BentManagement { bug, inner }),
            None => Box::new(inner),
        }
    }

    pub fn endpoint(bug: Option<Self>, inner: SimEndpoint) -> Box<dyn TokenEndpoint> {
        match bug {
            Some(Self::OneSuccess) => Box::new(BentEndpoint::new(inner)),
            Some(Self::SharedEndpoint) => Box::new(SimEndpoint { app: 0, ..inner }),
            _ => Box::new(inner),
        }
    }

    pub fn store(bug: Option<Self>, inner: SimStore) -> Box<dyn Store> {
        match bug {
            Some(bug) => Box::new(BentStore::new(bug, inner)),
            None => Box::new(inner),
        }
    }

    pub fn report(bug: Option<Self>, outcomes: &mut [Outcome]) {
        for outcome in outcomes.iter_mut().filter(|_| bug == Some(Self::LeftOutOfReports)) {
            outcome.history = History::default();
        }
    }

    pub const fn limits(_: Option<Self>, limits: Limits) -> Limits {
        limits
    }

    pub const fn policy(bug: Option<Self>, policy: &mut Policy) {
        if matches!(bug, Some(Self::NoGrace)) {
            policy.grace = std::time::Duration::ZERO;
        }
    }
}
