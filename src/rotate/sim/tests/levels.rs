use super::super::levels::{KINDS, STORES, Summary, random, single};

fn hold(summary: &Summary) {
    assert!(!summary.is_red(), "{} stories; {}", summary.stories, summary.failures.join("\n----\n"));
}

#[test]
fn l1_each_single_fault_is_survived() {
    let mut summary = Summary::default();
    for kind in KINDS {
        for stores in STORES {
            summary.add(single(kind, stores, None));
        }
    }
    hold(&summary);
}

#[test]
fn l3_random_rotations_are_survived() {
    hold(&random(0..1000, None));
}
