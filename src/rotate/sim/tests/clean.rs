use super::super::{
    play::play,
    scenario::{AppSpec, Scenario},
};

#[test]
fn an_undisturbed_rotation_is_done() {
    let story = play(&Scenario::new(vec![AppSpec::default()]), None, true);
    assert!(story.violations.is_empty(), "{:#?}\n{}", story.violations, story.trace.join("\n"));
    println!("{}", story.trace.join("\n"));
}
