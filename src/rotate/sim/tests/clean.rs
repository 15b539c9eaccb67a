use super::super::{
    play::play,
    random,
    scenario::{AppSpec, Scenario},
};
use crate::rotate::Event;

#[test]
fn an_undisturbed_rotation_is_done() {
    let story = play(&Scenario::new(vec![AppSpec::default()]), None, true);
    assert!(story.violations.is_empty(), "{:#?}\n{}", story.violations, story.trace.join("\n"));
    assert!(story.records[0].iter().any(|record| matches!(record.event, Event::Done { .. })));
}

#[test]
fn the_same_seed_tells_the_same_story_to_the_letter() {
    for seed in 0..20 {
        let scenario = random::scenario(seed);
        assert_eq!(play(&scenario, None, true).trace, play(&scenario, None, true).trace, "seed {seed}");
    }
}
