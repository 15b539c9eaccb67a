//! Words for telling a story and what came of it.

use super::super::{
    fault::{At, Fault, Op, What},
    play::{Story, play},
    scenario::{AppSpec, Scenario},
    store::Sort,
    world::HOUR,
};
use crate::rotate::{BlockReason, Event};

/// The first night's run begins here.
pub(super) const NIGHT: u64 = HOUR;

pub(super) fn spec(stores: &[Sort]) -> AppSpec {
    AppSpec { stores: stores.to_vec(), ..AppSpec::default() }
}

pub(super) fn story(scenario: &Scenario) -> Story {
    let story = play(scenario, None, true);
    assert!(story.violations.is_empty(), "{:?}\n{}", story.violations, story.trace.join("\n"));
    story
}

pub(super) fn is_done(story: &Story) -> bool {
    story.records.iter().all(|records| records.iter().any(|record| matches!(record.event, Event::Done { .. })))
}

pub(super) fn done(scenario: &Scenario) -> Story {
    let story = story(scenario);
    assert!(is_done(&story), "{}", story.trace.join("\n"));
    story
}

pub(super) fn blocked_for(story: &Story) -> Option<BlockReason> {
    story.records.iter().flatten().rev().find_map(|record| match record.event {
        Event::Blocked { reason, .. } => Some(reason),
        _ => None,
    })
}

pub(super) fn at(op: Op, nth: u32, what: What) -> Fault {
    Fault { at: At::Nth(op, nth), what }
}

pub(super) fn ends_with(story: &Story, is_it: fn(&Event) -> bool) -> bool {
    story.records[0].iter().any(|record| is_it(&record.event))
}
