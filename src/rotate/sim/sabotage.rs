//! Planted bugs. Each is an adapter that misbehaves towards the core, so that production code carries no switch; each must be
//! found by the observer.

use super::{
    disk::SimJournal,
    management::{SimEndpoint, SimManagement},
    store::SimStore,
};
use crate::{
    management::Management,
    rotate::{Journal, Limits, Policy, TokenEndpoint},
    store::Store,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    CreateRetried,
}

impl Sabotage {
    pub fn journal(_: Option<Self>, inner: SimJournal) -> Box<dyn Journal> {
        Box::new(inner)
    }

    pub fn management(_: Option<Self>, inner: SimManagement) -> Box<dyn Management> {
        Box::new(inner)
    }

    pub fn endpoint(_: Option<Self>, inner: SimEndpoint) -> Box<dyn TokenEndpoint> {
        Box::new(inner)
    }

    pub fn store(_: Option<Self>, inner: SimStore) -> Box<dyn Store> {
        Box::new(inner)
    }

    pub const fn limits(_: Option<Self>, limits: Limits) -> Limits {
        limits
    }

    pub const fn policy(_: Option<Self>, _: &mut Policy) {}
}
