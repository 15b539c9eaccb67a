//! A Keycloak whose wall clock is moved together with the binary's: secrets expire, and rotations come to their ends.

use std::fs;

use serde_json::Value;

use crate::{
    keycloak::realm::{Realm, Store},
    night::Night,
    server::Server,
};

/// How far the wall clock of the server and of every binary under it is ahead.
struct Clock<'a>(&'a Server);

impl Clock<'_> {
    fn set(&self, hours: u32) {
        let next = self.0.file("clock.next");
        fs::write(&next, format!("+{hours}h\n")).unwrap();
        fs::rename(next, self.0.file("clock")).unwrap();
    }

    fn rules(&self, night: &mut Night) {
        night.environment("LD_PRELOAD", &self.0.tells("LIBRARY"));
        night.environment("FAKETIME_TIMESTAMP_FILE", &self.0.file("clock"));
        night.environment("FAKETIME_NO_CACHE", "1");
        // Else tokio's timers hang.
        night.environment("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}

/// A client that is rotated: what it had, and what it was given later.
struct Consumer {
    client_id: &'static str,
    store: Store,
    had: Vec<String>,
}

impl Consumer {
    /// How its rotation stands in the report, and which of its values live.
    fn stands(&mut self, realm: &Realm, report: &Value) -> String {
        let held = self.store.holds();
        if self.had.last() != Some(&held) {
            self.had.push(held);
        }
        let live = self.had.iter().map(|value| if realm.is_live(self.client_id, value) { "live" } else { "dead" });
        let live: Vec<&str> = live.collect();
        assert_eq!(live.last(), Some(&"live"), "{} holds a dead value", self.client_id);
        let credentials = report["credentials"].as_array().unwrap();
        let credential = credentials.iter().find(|credential| credential["app"] == self.client_id).unwrap();
        assert_eq!(credential["test"]["verdict"], "valid");
        let (rotation, expiry) = (&credential["rotation"], &credential["expiry"]);
        let rotation = match rotation.is_null() {
            true => "no rotation".to_owned(),
            false => format!(
                "{}, {} d old, turn of {}, {}",
                rotation["stage"], rotation["age_days"], rotation["turn"], rotation["command"]
            ),
        };
        format!("{}: {rotation}; {} d left; {}", self.client_id, expiry["days_left"], live.join(", ")).replace('"', "")
    }
}

#[test]
fn both_secrets_live_for_the_rotated_period_then_the_old_one_is_dead_and_the_rotation_done() {
    let Some(server) = Server::started("KEYCLOAK_CLOCK") else { return };
    let (clock, old) = (Clock(&server), server.tells("OLD"));
    clock.set(0);
    let realm = Realm::new(&server, "lasting");
    // One may be retired although Keycloak cannot tell its use; the other has to wait until it expires.
    let mut consumers =
        ["asked", "waits"].map(|client_id| Consumer { client_id, store: Store::new(&old), had: vec![old.clone()] });
    let mut night = Night::new();
    night.canaries.add(&old);
    clock.rules(&mut night);
    let [asked, waits] = &consumers;
    let entries = asked.store.entry("asked", "grace: 2d, retire: true, retire_without_usage: true")
        + &waits.store.entry("waits", "grace: 2d, retire: true");
    realm.watched(&mut night, &realm.base, &entries);

    let mut told = String::new();
    for hours in [0, 25, 49, 73, 97, 240, 22 * 24] {
        clock.set(hours);
        let (outcome, report) = night.audit(&["--rotate"]);
        told += &format!("after {hours} h, exit {}\n", outcome.code);
        for consumer in &mut consumers {
            told += &format!("  {}\n", consumer.stands(&realm, &report.0));
            night.canaries.add(&consumer.store.holds());
        }
        night.search();
    }
    insta::assert_snapshot!(told, @r"
    after 0 h, exit 0
      asked: grace, 0 d old, turn of run, null; 39 d left; live, live
      waits: grace, 0 d old, turn of run, null; 39 d left; live, live
    after 25 h, exit 0
      asked: grace, 1 d old, turn of run, null; 38 d left; live, live
      waits: grace, 1 d old, turn of run, null; 38 d left; live, live
    after 49 h, exit 0
      asked: verifying, 2 d old, turn of run, null; 37 d left; dead, live
      waits: retiring, 2 d old, turn of admin, credwatch retire waits; 37 d left; live, live
    after 73 h, exit 0
      asked: no rotation; 36 d left; dead, live
      waits: verifying, 3 d old, turn of run, null; 36 d left; dead, live
    after 97 h, exit 0
      asked: no rotation; 35 d left; dead, live
      waits: no rotation; 35 d left; dead, live
    after 240 h, exit 0
      asked: no rotation; 29 d left; dead, live
      waits: no rotation; 29 d left; dead, live
    after 528 h, exit 0
      asked: grace, 0 d old, turn of run, null; 39 d left; dead, live, live
      waits: grace, 0 d old, turn of run, null; 39 d left; dead, live, live
    ");

    a_short_lived_secret_dies_and_is_not_rotated(&server, &clock);
}

/// The realm with a rotated period of 3 d and an expiry of 10 d, from here on.
fn a_short_lived_secret_dies_and_is_not_rotated(server: &Server, clock: &Clock<'_>) {
    let (realm, old) = (Realm::new(server, "rotating"), server.tells("OLD"));
    let start = 22 * 24;
    let mut night = Night::new();
    clock.rules(&mut night);
    let store = Store::new(&old);
    realm.watched(&mut night, &realm.base, &store.entry("both", "grace: 2d, retire: true"));
    let refused = night.run(&["rotate", "--inventory", "apps.yaml"], "");
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    insta::assert_snapshot!(refused.stdout.trim_end(), @"both: cannot be rotated: the provider gives a new secret 10 d, so it would be due again before its rotation is over: `expiration-period` must be longer than 36 d (`before`, the grace and 14 d)");
    assert_eq!(realm.secrets("both").current, old);

    let made = realm.regenerate("both");
    let live = |hours: u32| {
        clock.set(start + hours);
        [&old, &made].map(|value| realm.is_live("both", value))
    };
    assert_eq!(
        [0, 71, 73, 239, 241].map(live),
        [[true, true], [true, true], [false, true], [false, true], [false, false]]
    );
}
