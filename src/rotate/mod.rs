//! Rotation: a wing of its own that replaces a secret without ever losing one.
//!
//! The state of a rotation is its journal plus a fresh look. [`next()`] is pure: from the journal, what this run has seen, the
//! time and the policy it says the one next step. The engine does that step and asks again; it may die at any line, for before
//! every effect an intent is durable, and after a crash the next run looks and never assumes.
//!
//! ```text
//! plan -> create -> activate -> primary -> deliver -> ack -> grace -> retire -> done
//!            \______ discard, new attempt ____/          \-> closed (both stay)
//! ```

// A step travels as the error of `?`, once per decision: its size costs nothing.
#![allow(clippy::result_large_err, clippy::large_enum_variant)]

mod endpoint;
mod engine;
mod event;
#[cfg(test)]
pub(crate) mod fixture;
mod fleet;
mod gate;
mod hand_over;
mod history;
mod id;
mod identity;
mod known;
mod machine;
mod next;
mod paste;
mod policy;
mod replay;
mod round;
mod sight;
#[cfg(any(test, feature = "simulator"))]
pub mod sim;
mod status;
pub mod told;
mod world;

pub use endpoint::ProbedEndpoint;
pub use engine::{Budget, Engine, Foresight, Outcome, Target};
pub use event::{
    Address, AttemptEnd, BlockReason, ClosedBecause, Event, FencedBy, Gate, Planned, PlannedStore, Record,
    RemovalReason, Writing,
};
pub use fleet::{Member, Opening, Unfit, primary};
pub use hand_over::{Part, Permit, is_person};
pub use history::{
    Acked, Attempt, Back, Contradiction, End, Forward, HandOver, History, Made, Owner, Rotation, StoreState,
};
pub use id::{Marker, NotAMarker, NotARotation, RotationId};
pub use identity::identity;
pub use known::{Block, Known, Own};
pub use machine::{SystemClock, SystemDice};
pub use next::{Case, Effect, Look, Moment, Rest, Source, Step, Why, next};
pub use paste::{Right, Slip, Whose, slip};
pub use policy::{Allowance, Limits, Place, Policy};
pub use round::{Come, Round};
pub use sight::{Hint, Reading, Seen, Sight};
pub use status::{Stage, Status, Turn, age};
pub use world::{Clock, Dice, Entry, Journal, JournalFault, TokenEndpoint, Trial, TrialOutcome};
