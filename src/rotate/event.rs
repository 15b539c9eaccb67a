//! What the journal says. Events name ids, versions and fingerprints, never values (rotation.md section 3).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Marker, RotationId};
use crate::{
    management::{Holder, KeyId},
    secret::Fingerprint,
    store::Version,
};

/// One row of the event table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub rotation: RotationId,
    /// From 1, without gaps, within the rotation.
    pub sequence: u32,
    /// The lock under which it was written; `None`: by a person, or by an audit that rotates nothing.
    pub epoch: Option<u64>,
    pub at: DateTime<Utc>,
    /// The provider's clock, where it told one.
    pub provider_date: Option<DateTime<Utc>>,
    pub event: Event,
}

/// A store by its address, as the inventory writes it.
pub type Address = String;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    Planned(Box<Planned>),
    CreateIntent {
        attempt: u32,
        marker: Marker,
        run: String,
        /// Of the value we made, where the provider takes one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fingerprint: Option<Fingerprint>,
    },
    Created {
        attempt: u32,
        /// `None` where the provider has no ids.
        key_id: Option<KeyId>,
        end: Option<DateTime<Utc>>,
        fingerprint: Fingerprint,
    },
    CreateUnknown {
        attempt: u32,
        why: String,
    },
    /// A definite no: nothing was made.
    CreateRefused {
        attempt: u32,
        why: String,
    },
    /// The attempt is over: nothing of it is left at the provider.
    AttemptClosed {
        attempt: u32,
        how: AttemptEnd,
    },
    Live {
        attempt: u32,
        run: String,
        accepted: u32,
        first: DateTime<Utc>,
        last: DateTime<Utc>,
        /// Our own sign-ins, which usage evidence leaves out.
        requests: Vec<String>,
    },
    StoreIntent {
        store: Address,
        what: Writing,
        attempt: u32,
        /// Of what is written.
        fingerprint: Fingerprint,
        version_before: Option<Version>,
    },
    StoreWritten {
        store: Address,
        /// As read back.
        fingerprint: Fingerprint,
        version: Option<Version>,
    },
    StoreRefused {
        store: Address,
        why: String,
    },
    /// The write that an intent announced can no longer land.
    StoreFenced {
        store: Address,
        how: FencedBy,
    },
    /// A run read the predecessor behind an open intent of a store that cannot be fenced.
    PredecessorSeen {
        store: Address,
        run: String,
    },
    StoreAcked {
        store: Address,
        version: Option<Version>,
        requests: Vec<String>,
    },
    /// What was acknowledged is there no longer.
    StoreDrift {
        store: Address,
        found: Option<Fingerprint>,
    },
    /// The store's copy of what was there before could not be removed when it was no longer needed.
    CopyLeft {
        store: Address,
        why: String,
    },
    /// It is removed after all.
    CopyGone {
        store: Address,
    },
    GraceStarted {
        until: DateTime<Utc>,
    },
    /// A run found every store good.
    StoresGood {
        run: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        requests: Vec<String>,
    },
    /// The audit tested the value in use: a sign-in of ours.
    Audited {
        requests: Vec<String>,
    },
    GateHeld {
        by: Vec<Gate>,
        why: String,
    },
    RetireIntent {
        key_id: KeyId,
        evidence: String,
    },
    Retired {
        key_id: KeyId,
        how: String,
    },
    RemoveIntent {
        attempt: u32,
        key_id: KeyId,
        why: RemovalReason,
    },
    OrphanRemoved {
        attempt: u32,
        key_id: KeyId,
    },
    OrphanLeft {
        attempt: u32,
        key_id: KeyId,
        why: String,
    },
    /// The predecessor is dead: neither its listing nor its liveness is asked for any more.
    Repair {
        why: String,
    },
    /// Waiting for a person to type it in.
    HandOver {
        store: Address,
        due: DateTime<Utc>,
    },
    Claimed {
        store: Address,
        who: String,
    },
    Revealed {
        store: Address,
        who: String,
    },
    Confirmed {
        store: Address,
        who: String,
    },
    /// A person asks for the removal of the predecessor, and vouches that nobody uses it.
    RetireAsked {
        who: String,
    },
    /// A person names the predecessor.
    PredecessorNamed {
        key_id: KeyId,
        who: String,
    },
    /// A person says that these credentials are known, whatever the journal says.
    Adopted {
        key_ids: Vec<KeyId>,
        who: String,
    },
    /// A run found more in the world than this journal knows, and began nothing (I15).
    Behind {
        why: String,
    },
    /// A later run found nothing of that kind any more.
    CaughtUp {},
    Blocked {
        reason: BlockReason,
        why: String,
    },
    Resolved {
        who: String,
        note: String,
    },
    RollingBack {
        who: String,
    },
    /// The way back is closed (the predecessor is dead or too near its end): the rotation goes on.
    RollingForward {
        why: String,
    },
    RolledBack {
        /// What stays at the provider.
        kept: Option<KeyId>,
        why: String,
    },
    Closed {
        kept: Option<KeyId>,
        why: ClosedBecause,
        unacked: Vec<Address>,
    },
    Done {
        /// Whether the old value was seen refused; `None`: it was not at hand.
        old_refused: Option<bool>,
    },
}

/// What a rotation begins from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    pub app: String,
    pub label: Option<String>,
    /// Every id listed before the create.
    pub baseline: Vec<KeyId>,
    /// Those of them that may be the predecessor's, as it was seen then; `None`: not noted.
    #[serde(default)]
    pub candidates: Option<Vec<KeyId>>,
    /// `None`: not known, or the provider has no ids.
    pub predecessor: Option<KeyId>,
    pub holder: Holder,
    pub predecessor_end: Option<DateTime<Utc>>,
    /// Of the predecessor's value; `None`: the stores are empty as planned.
    pub fingerprint: Option<Fingerprint>,
    pub stores: Vec<PlannedStore>,
    /// End of the new credential.
    pub end: DateTime<Utc>,
    /// Seconds.
    pub grace: u64,
    pub repair: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStore {
    pub store: Address,
    pub version: Option<Version>,
    /// `None`: absent, unreadable by nature, or a person.
    pub fingerprint: Option<Fingerprint>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptEnd {
    /// It was never made.
    Absent,
    /// It was made and is removed.
    Removed,
    /// Removed because it never became live.
    NeverLive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Writing {
    /// The successor is put in.
    Deliver,
    /// The predecessor is put in again, so that a late write misses.
    Fence,
    /// The predecessor is put back.
    Restore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FencedBy {
    Lock,
    Rewrite,
    Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Gate {
    G1,
    G2,
    G3,
    G4,
    G5,
    G6,
    G7,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemovalReason {
    /// No store holds it: the process died, or its reply was lost.
    Orphan,
    /// A duplicate under the marker of one that is known.
    Duplicate,
    NeverLive,
    /// The provider made it, and did not list it in time.
    NeverListed,
    /// A store refused it.
    Undelivered,
    /// A person called the rotation off.
    Aborted,
    /// Two machines made one each.
    TwoMasters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClosedBecause {
    /// `retire` is not opted in to.
    RetireNotWanted,
    /// The gate held for 14 days.
    GateHeld,
    /// The successor itself is due.
    SuccessorDue,
    /// There was none, or it cannot be removed at this provider.
    NothingToRetire,
}

/// Why a person must look (rotation.md): observe and report only, until `resolve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockReason {
    StateCorrupt,
    StateBehind,
    StoreConflict,
    StoreFight,
    PrimaryLost,
    SuccessorGone,
    NeverLive,
    HandoverOverdue,
    OrphanUnidentified,
    AppGone,
}
