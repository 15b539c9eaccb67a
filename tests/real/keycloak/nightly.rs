//! The binary rotates secrets of a real realm: what it refuses, and an answer that got lost.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    proxy::{self, Reply, regenerates},
    realm::{Realm, Store},
};
use crate::{
    night::{Night, Outcome},
    server::Server,
};

fn rotate(night: &Night) -> Outcome {
    night.run(&["rotate", "--inventory", "apps.yaml"], "")
}

#[test]
fn without_a_policy_nothing_is_made_unless_the_gap_is_allowed() {
    let Some(server) = Server::started("KEYCLOAK") else { return };
    let realm = Realm::new(&server, "plain");
    let old = realm.add("gap");
    let store = Store::new(&old);
    let mut night = Night::new();
    night.canaries.add(&old);
    realm.watched(&mut night, &realm.base, &store.entry("gap", "grace: 2d, retire: true"));
    let refused = rotate(&night);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    insta::assert_snapshot!(refused.stdout.trim_end(), @"gap: cannot be rotated: the realm has no client policy with the executor `secret-rotation`, so the old secret dies at once: set one up, or accept an outage with `allow_gap: true` and a `window`");
    assert_eq!((realm.secrets("gap").current, store.holds()), (old.clone(), old.clone()));

    let allowed = "grace: 2d, retire: true, allow_gap: true, window: '* * * * *'";
    realm.watched(&mut night, &realm.base, &store.entry("gap", allowed));
    let done = rotate(&night);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let held = store.holds();
    assert_ne!(held, old);
    assert_eq!(realm.secrets("gap").current, held);
    assert!(realm.is_live("gap", &held) && !realm.is_live("gap", &old));
    night.canaries.add(&held);
    night.search();
}

#[test]
fn a_regenerate_whose_reply_is_lost_is_delivered_and_not_repeated() {
    let Some(server) = Server::started("KEYCLOAK") else { return };
    let realm = Realm::new(&server, "lasting");
    let old = realm.add("unanswered");
    let store = Store::new(&old);
    let asked = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&asked);
    let base = proxy::start(&realm.base, move |line| match regenerates(line) {
        true => {
            count.fetch_add(1, Ordering::SeqCst);
            Reply::Lost
        }
        false => Reply::HandedOn,
    });
    let mut night = Night::new();
    night.canaries.add(&old);
    realm.watched(&mut night, &base, &store.entry("unanswered", "grace: 2d, retire: true"));
    for _ in 0..2 {
        let outcome = rotate(&night);
        assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let secrets = realm.secrets("unanswered");
        assert_eq!((secrets.current, secrets.rotated), (store.holds(), Some(old.clone())));
        assert!(realm.is_live("unanswered", &store.holds()) && realm.is_live("unanswered", &old));
        night.canaries.add(&store.holds());
        night.search();
    }
}
