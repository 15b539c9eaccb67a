//! The probe: asks each credential's token endpoint for a token and writes down what happened.

mod observation;

pub use observation::{Answer, BadAnswer, Fingerprint, NotTested, Observation, Outcome, Unreachable, Unreadable};
