//! What the scenarios have passed through: a state nobody reached is not proved.

use std::collections::BTreeMap;

use super::fault::{Op, What};
use crate::rotate::BlockReason;

#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// From one record of a rotation to the next.
    pub edges: BTreeMap<(&'static str, &'static str), u64>,
    pub blocked: BTreeMap<String, u64>,
    /// How rotations ended.
    pub ends: BTreeMap<String, u64>,
    pub faults: BTreeMap<(Op, &'static str), u64>,
    /// What happened in the world around.
    pub happened: BTreeMap<&'static str, u64>,
    pub rotations: u64,
    pub runs: u64,
    pub calls: u64,
    /// First deliveries, and how many of them came before every replica knew the value.
    pub deliveries: u64,
    pub early_deliveries: u64,
}

impl Coverage {
    pub fn block(&mut self, reason: BlockReason) {
        *self.blocked.entry(format!("{reason:?}")).or_default() += 1;
    }

    pub fn fired(&mut self, op: Op, what: What) {
        *self.faults.entry((op, what.name())).or_default() += 1;
    }

    pub fn add(&mut self, other: Self) {
        fn sum<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
            for (key, count) in from {
                *into.entry(key).or_default() += count;
            }
        }
        sum(&mut self.edges, other.edges);
        sum(&mut self.blocked, other.blocked);
        sum(&mut self.ends, other.ends);
        sum(&mut self.faults, other.faults);
        sum(&mut self.happened, other.happened);
        self.rotations += other.rotations;
        self.runs += other.runs;
        self.calls += other.calls;
        self.deliveries += other.deliveries;
        self.early_deliveries += other.early_deliveries;
    }
}
