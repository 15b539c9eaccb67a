//! What a run as a whole may do, and when it stops trying.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::Target;
use crate::rotate::Allowance;

/// Failed creates at one tenant before no more are sent in this run.
const FAILURES: u32 = 3;

/// Starts, removals and failures of one run.
#[derive(Debug)]
pub struct Budget(Mutex<Left>);

#[derive(Debug)]
struct Left {
    starts: u32,
    removals: u32,
    failures: HashMap<String, u32>,
}

impl Budget {
    #[must_use]
    pub fn new(starts: u32, removals: u32) -> Self {
        Self(Mutex::new(Left { starts, removals, failures: HashMap::new() }))
    }

    pub(super) fn allowance(&self, target: &Target<'_>) -> Allowance {
        self.with(|left| Allowance {
            start: left.starts > 0,
            create: left.failures.get(&target.tenant).copied().unwrap_or_default() < FAILURES,
            retire: left.removals > 0,
            start_early: target.early,
        })
    }

    pub(super) fn started(&self) {
        self.with(|left| left.starts = left.starts.saturating_sub(1));
    }

    pub(super) fn removed(&self) {
        self.with(|left| left.removals = left.removals.saturating_sub(1));
    }

    /// A removal that could not be verified: none follows it in this run.
    pub(super) fn stop_removals(&self) {
        self.with(|left| left.removals = 0);
    }

    pub(super) fn failed(&self, tenant: &str) {
        self.with(|left| *left.failures.entry(tenant.to_owned()).or_default() += 1);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Left) -> T) -> T {
        // Numbers alone: a panic elsewhere leaves them whole.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
