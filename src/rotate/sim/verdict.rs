//! The end of a story: nothing lost, nothing left behind, nothing open for ever (I10, and I1 once more).

use super::{
    happening::{Happening, Which},
    person::open_rotation,
    play::is_blocked,
    provider::Kind,
    scenario::{AppSpec, Scenario},
    store::Sort,
    world::World,
};
use crate::rotate::{BlockReason, Event, Record, Why};

pub fn judge(world: &mut World, scenario: &Scenario) {
    for (app, spec) in scenario.apps.iter().enumerate() {
        let records = world.records(app);
        let is_contrary = scenario.happenings.iter().any(|(_, happening)| concerns(happening, app));
        let says_blocked = matches!(world.rests.get(app), Some(Some(Why::Blocked { .. })));
        let blocked = is_blocked(&records) || says_blocked;
        let unidentified = spec.kind == Kind::ByValue(false)
            && records
                .iter()
                .any(|record| matches!(record.event, Event::Blocked { reason: BlockReason::OrphanUnidentified, .. }));
        if blocked && !is_contrary && !waits_in_vain(spec) && !unidentified {
            let last = records.iter().rev().find(|record| matches!(record.event, Event::Blocked { .. }));
            world.violate("BLOCKED", format!("app {app}: {:?}", last.map(|record| &record.event)));
        }
        if !blocked {
            unblocked(world, app, spec, &records, is_contrary);
        }
        // A rolled-back rotation, or a stranger's secret, may fill the provider: the plan says so until a person makes room.
        let is_full = matches!(world.rests.get(app), Some(Some(Why::PlanFailed(why))) if why.contains("lists"));
        let is_excused = is_contrary || (is_full && spec.limit.is_some());
        dead_stores(world, app, blocked, is_excused);
    }
}

fn unblocked(world: &mut World, app: usize, spec: &AppSpec, records: &[Record], is_contrary: bool) {
    if records.is_empty() {
        if !is_contrary && spec.strangers == 0 {
            world.violate("I10", format!("app {app}: no rotation ever began"));
        }
        return;
    }
    if let Some(open) = open_rotation(records) {
        let last = records.last().map(|record| &record.event);
        // Nothing was made, and the plan says what a person has to mend first.
        let waits = is_contrary && world.rests.get(app).is_some_and(|why| matches!(why, Some(Why::PlanFailed(_))));
        if !waits {
            world.violate("I10", format!("app {app}: {open} is not over, last {last:?}"));
        }
        return;
    }
    let left = world.leftovers(app);
    // What a store was given that nobody can read is for a person to remove.
    let is_blind = spec.stores.iter().any(|sort| matches!(sort, Sort::Person | Sort::Blind));
    if !left.is_empty() && !is_blind && !world.restored && spec.kind != Kind::ByValue(false) {
        world.violate("orphan", format!("app {app}: {left:?} stand, and nobody has them"));
    }
}

fn dead_stores(world: &mut World, app: usize, blocked: bool, is_contrary: bool) {
    let now = world.now;
    let Some(known) = world.apps.get(app) else { return };
    let dead: Vec<String> = known
        .shelves
        .iter()
        .filter(|shelf| shelf.value.as_ref().is_some_and(|value| !known.provider.is_live(value, now)))
        .map(|shelf| shelf.address.clone())
        .collect();
    if !dead.is_empty() && !is_contrary && !blocked {
        world.violate("I1", format!("app {app}: {dead:?} hold a dead value at the end"));
    }
}

/// Whether a person may be needed after this.
fn concerns(happening: &Happening, app: usize) -> bool {
    match happening {
        Happening::Reverted { app: of, .. }
        | Happening::Overwritten { app: of, .. }
        | Happening::Emptied { app: of, .. }
        | Happening::Date { app: of, .. } => *of == app,
        Happening::StrangerRemoves { app: of, which } => *of == app && *which != Which::Stranger,
        Happening::StrangerAdds { app: of } | Happening::CopyAdds { app: of } => *of == app,
        other => other.is_contrary(),
    }
}

/// A hand-over that nobody does, and a predecessor that dies meanwhile.
fn waits_in_vain(spec: &AppSpec) -> bool {
    let handed = spec.stores.iter().any(|sort| matches!(sort, Sort::Person | Sort::Blind));
    handed && spec.person.is_none() && spec.kind != Kind::Gap
}
