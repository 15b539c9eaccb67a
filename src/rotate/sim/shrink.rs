//! The shortest story that still goes wrong in the same way, as a test prints it.

use super::{play::play, sabotage::Sabotage, scenario::Scenario, world::Violation};

#[must_use]
pub fn shrink(scenario: &Scenario, sabotage: Option<Sabotage>, violations: &[Violation]) -> String {
    let Some(first) = violations.first() else { return String::new() };
    let is_same = |scenario: &Scenario| play(scenario, sabotage, false).violates(first.id);
    let mut small = scenario.clone();
    loop {
        let shorter = candidates(&small).into_iter().find(is_same);
        match shorter {
            Some(shorter) => small = shorter,
            None => break,
        }
    }
    let story = play(&small, sabotage, true);
    let first = story.violations.first().unwrap_or(first);
    let tail = story.trace.join("\n");
    format!(
        "{}: {}\nseed {}, shrunk to faults {:?}, happenings {:?}, apps {:#?}\n{tail}\n",
        first.id, first.what, scenario.seed, small.faults, small.happenings, small.apps
    )
}

/// The same with one thing less.
fn candidates(scenario: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    for place in 0..scenario.happenings.len() {
        let mut less = scenario.clone();
        less.happenings.remove(place);
        all.push(less);
    }
    for place in 0..scenario.faults.len() {
        let mut less = scenario.clone();
        less.faults.remove(place);
        all.push(less);
    }
    for (place, spec) in scenario.apps.iter().enumerate() {
        if spec.stores.len() > 1 {
            let mut less = scenario.clone();
            if let Some(app) = less.apps.get_mut(place) {
                app.stores.pop();
            }
            all.push(less);
        }
    }
    if scenario.apps.len() > 1 {
        let mut less = scenario.clone();
        less.apps.pop();
        all.push(less);
    }
    if scenario.dry_runs {
        all.push(Scenario { dry_runs: false, ..scenario.clone() });
    }
    all
}
