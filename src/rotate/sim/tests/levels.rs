use super::super::{
    fault::{Op, What},
    levels::{KINDS, SINGLE, STORES, Summary, level2, level3, single},
};

fn hold(summary: &Summary) {
    assert!(!summary.is_red(), "{} stories; {}", summary.stories, summary.failures.join("\n----\n"));
}

/// A fault that never fired proves nothing.
fn fired(summary: &Summary, op: Op, what: What) -> bool {
    summary.coverage.faults.contains_key(&(op, what.name()))
}

fn l1(kind: usize) {
    let mut summary = Summary::default();
    for stores in STORES {
        summary.add(single(KINDS[kind], stores, None));
    }
    hold(&summary);
    for what in SINGLE {
        for op in [Op::List, Op::Create, Op::Try, Op::Read, Op::Write, Op::Append] {
            assert!(!what.fits(op) || fired(&summary, op, what), "{} at {op:?} never fired", what.name());
        }
    }
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
fn l2_pairs_of_faults_are_survived() {
    hold(&level2(Some(2_000)));
}

#[test]
fn l3_random_rotations_are_survived_and_reach_everything() {
    let summary = level3(0..10_000);
    hold(&summary);
    let seen = &summary.coverage;
    for (from, to) in [
        ("begin", "planned"),
        ("planned", "create-intent"),
        ("create-intent", "created"),
        ("create-intent", "create-unknown"),
        ("create-intent", "create-refused"),
        ("create-unknown", "attempt-closed"),
        ("create-unknown", "remove-intent"),
        ("remove-intent", "orphan-removed"),
        ("created", "live"),
        ("live", "store-intent"),
        ("store-intent", "store-written"),
        ("store-intent", "store-refused"),
        ("store-intent", "store-fenced"),
        ("store-written", "store-acked"),
        ("store-acked", "grace-started"),
        ("grace-started", "stores-good"),
        ("stores-good", "store-drift"),
        ("store-drift", "store-intent"),
        ("stores-good", "retire-intent"),
        ("retire-intent", "retired"),
        ("retired", "done"),
        ("stores-good", "closed"),
        ("stores-good", "gate-held"),
    ] {
        assert!(seen.edges.get(&(from, to)).is_some_and(|count| *count >= 5), "{from} -> {to}: {:?}", seen.edges);
    }
    for end in ["done", "closed: RetireNotWanted", "closed: GateHeld", "rolled back", "rolled back, kept"] {
        assert!(seen.ends.contains_key(end), "{end}: {:?}", seen.ends);
    }
    for reason in [
        "StateBehind",
        "StoreConflict",
        "StoreFight",
        "PrimaryLost",
        "SuccessorGone",
        "HandoverOverdue",
        "OrphanUnidentified",
    ] {
        assert!(seen.blocked.contains_key(reason), "{reason}: {:?}", seen.blocked);
    }
    // The rule for Live: hardly a delivery may come before every replica has the value.
    assert!(seen.early_deliveries * 25 < seen.deliveries, "{} of {}", seen.early_deliveries, seen.deliveries);
}
