use super::super::levels::{KINDS, STORES, Summary, random, single};

fn hold(summary: &Summary) {
    assert!(!summary.is_red(), "{} stories; {}", summary.stories, summary.failures.join("\n----\n"));
}

fn l1(kind: usize) {
    let mut summary = Summary::default();
    for stores in STORES {
        summary.add(single(KINDS[kind], stores, None));
    }
    hold(&summary);
}

#[test]
fn l1_each_single_fault_is_survived_where_labels_are_kept() {
    l1(0);
}

#[test]
fn l1_each_single_fault_is_survived_where_values_are_listed() {
    l1(1);
}

#[test]
fn l1_each_single_fault_is_survived_where_nothing_is_listed() {
    l1(2);
}

#[test]
fn l1_each_single_fault_is_survived_where_the_old_value_lives_on_for_a_while() {
    l1(3);
}

#[test]
fn l1_each_single_fault_is_survived_where_there_is_no_overlap() {
    l1(4);
}

#[test]
fn l3_random_rotations_are_survived() {
    hold(&random(0..1000, None));
}
