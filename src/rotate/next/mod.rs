//! The pure core: from the journal and what this run has seen, the one next step.
//!
//! Each file holds some rows of the table in the design: what is asked for first stands first, and whatever is not seen yet
//! comes back as a [`Step::Look`]. No I/O, no clock, no chance in here.

mod ack;
mod activate;
mod back;
mod create;
mod deliver;
mod discard;
mod finish;
mod grace;
mod known;
mod plan;
mod primary;
mod readable;
mod removal;
mod retire;
mod want;

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Address, Allowance, BlockReason, Event, Gate, History, Limits, Policy, Rotation, RotationId, Sight};
use crate::{
    management::{Holder, KeyId},
    secret::Fingerprint,
    store::Version,
};

/// What evidence may be old, at the most, when something is removed on it.
pub(super) const FRESH: Duration = Duration::from_secs(5 * 60);

/// Everything a decision rests on.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub history: &'a History,
    pub sight: &'a Sight,
    pub policy: &'a Policy,
    pub limits: &'a Limits,
    pub allow: Allowance,
    pub now: Moment,
    pub run: &'a str,
    /// The installation's id.
    pub installation: &'a str,
    /// Name of a rotation that would begin now.
    pub fresh: RotationId,
    /// Even over 0..1, the same during one step.
    pub dice: f64,
}

/// Now, by both clocks of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub wall: DateTime<Utc>,
    /// Since some fixed moment of the run; never jumps.
    pub elapsed: Duration,
    /// How far the wall clock has left the other since the run began, seconds.
    pub stepped: i64,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Reads only.
    Look(Look),
    Record {
        rotation: RotationId,
        event: Event,
    },
    /// The intent is durable before the effect goes out, its outcome is recorded after it.
    Effect {
        rotation: RotationId,
        intent: Event,
        effect: Effect,
    },
    /// Let a store drop the copy of what was there before.
    Tidy(Address),
    Wait(Duration),
    /// Nothing more in this run.
    Rest(Rest),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    List,
    Constraints,
    Read(Address),
    /// What the store keeps of before our last write.
    Previous(Address),
    Writable(Address),
    Try(Source),
    /// The value in force, where the provider lets it be read.
    Current,
    Usage {
        key_id: KeyId,
        since: DateTime<Utc>,
        control: KeyId,
        control_since: DateTime<Utc>,
        /// Our own token requests, of this run and of earlier ones.
        ours: Vec<String>,
    },
}

/// Where a value is taken from. The core never sees one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// This process made it and has not written it to the primary yet.
    Held,
    /// As this run read it last.
    Store(Address),
    Previous(Address),
    Current,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Create {
        marker: super::Marker,
        end: DateTime<Utc>,
        on: Holder,
    },
    Write {
        store: Address,
        source: Source,
        before: Option<Version>,
        expected: Option<Fingerprint>,
        idempotency: String,
        key_id: Option<KeyId>,
    },
    Remove {
        key_id: KeyId,
    },
}

/// Why a run leaves it at that, and when it is worth coming back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    pub why: Why,
    pub until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    NotDue,
    Frozen,
    OutsideWindow,
    /// The run's own limits: how many may start, be created, be removed.
    Budget(&'static str),
    /// It cannot begin, and why; nothing was changed.
    PlanFailed(String),
    ClockSkew(i64),
    /// The provider could not be asked.
    Provider(String),
    Store {
        store: Address,
        why: String,
    },
    /// The token endpoint said nothing about the value.
    NoEvidence(String),
    /// Attempts are used up for now.
    Attempts,
    /// Nothing more can be done now; the next run goes on.
    NextRun(String),
    /// This run's one attempt came to nothing; the next run begins another.
    AttemptFailed(String),
    /// A credential of ours is left over and could not be removed.
    OrphanLeft {
        key_id: KeyId,
        why: String,
    },
    Grace,
    Person {
        store: Address,
    },
    GateHeld {
        by: Vec<Gate>,
        why: String,
    },
    Blocked {
        reason: BlockReason,
        why: String,
    },
    Finished,
    /// The run was ended, or its time is over; what was done is recorded.
    Interrupted,
    /// The journal cannot be written, or another run has taken over.
    Journal(String),
    /// A defect of credwatch, and its place.
    Internal(String),
}

impl Why {
    /// As far as this alone says, all is as it should be.
    #[must_use]
    pub const fn is_calm(&self) -> bool {
        matches!(
            self,
            Self::NotDue
                | Self::OutsideWindow
                | Self::Budget(_)
                | Self::NextRun(_)
                | Self::Grace
                | Self::Person { .. }
                | Self::GateHeld { .. }
                | Self::Finished
        )
    }
}

/// A step, found early or late: `?` leaves a rule as soon as it knows what to do.
type Found = Result<Step, Step>;

/// The one next step.
#[must_use]
pub fn next(case: &Case<'_>) -> Step {
    match case.decide() {
        Ok(Step::Rest(rest)) | Err(Step::Rest(rest)) if rest.why.is_calm() => Step::Rest(case.seen_besides(rest)),
        Ok(step) | Err(step) => step,
    }
}

impl<'a> Case<'a> {
    fn decide(&self) -> Found {
        match self.history.open() {
            Some(rotation) => self.advance(rotation),
            None => self.begin(),
        }
    }

    fn advance(&self, rotation: &'a Rotation) -> Found {
        if let Some((reason, why, _)) = &rotation.blocked {
            return Ok(rest(Why::Blocked { reason: *reason, why: why.clone() }));
        }
        if self.policy.frozen {
            return Ok(rest(Why::Frozen));
        }
        if rotation.retired.is_some() {
            return self.finish(rotation);
        }
        let Some(attempt) = rotation.attempt() else { return self.create(rotation) };
        let Some(made) = &attempt.created else { return self.settle(rotation, attempt) };
        if !attempt.placed {
            return self.towards_primary(rotation, attempt, made);
        }
        if rotation.back.is_some() {
            return self.roll_back(rotation, made);
        }
        let undelivered = self.deliver(rotation, attempt, made)?;
        let unacked = self.acknowledge(rotation, attempt, made)?;
        if let Some(why) = undelivered.or(unacked) {
            return self.hold_on(rotation, made, why);
        }
        self.grace(rotation, made)?;
        self.retire(rotation, made)
    }

    /// What this run's listing shows is told even where nothing had to be decided on it.
    fn seen_besides(&self, calm: Rest) -> Rest {
        let Some((listing, _)) = self.sight.list() else { return calm };
        match self.no_unknown_marker(listing).and_then(|()| self.clock_is_sane()) {
            Err(Step::Rest(trouble)) => trouble,
            _ => calm,
        }
    }

    fn record(rotation: &Rotation, event: Event) -> Step {
        Step::Record { rotation: rotation.id, event }
    }

    /// Observe and report only, until a person has looked.
    fn block(rotation: &Rotation, reason: BlockReason, why: impl Into<String>) -> Step {
        Self::record(rotation, Event::Blocked { reason, why: why.into() })
    }
}

fn rest(why: Why) -> Step {
    Step::Rest(Rest { why, until: None })
}

fn rest_until(why: Why, until: DateTime<Utc>) -> Step {
    Step::Rest(Rest { why, until: Some(until) })
}
