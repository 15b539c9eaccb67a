//! What an audit says of rotations it finds in the state's journal.

use chrono::{DateTime, TimeDelta, Utc};
use credwatch::{
    inventory,
    rotate::{Entry, Journal, RotationId, identity},
    secret::{Fingerprints, Secret},
    settings::Settings,
    state::SqliteJournal,
};
use serde_json::{Value, json};

use crate::{
    endpoint::Endpoint,
    program::{Program, app, credential},
};

pub const VALUE: &str = "the-new-value-canary";

/// An app that is rotated, whose declared end has passed, and one that is not.
pub fn program(endpoint: &Endpoint) -> Program {
    let program = Program::new().file("secret", VALUE).env("S", "a-secret");
    let secret = program.path("secret").display().to_string();
    let etl = format!(
        "  - name: etl\n    provider: oauth2\n    token_endpoint: {}\n    client_id: etl\n    secret: file:{secret}\n    \
         secret_id: old-id\n    expires: 2026-01-01\n    used_by: snaplogic\n    rotate: {{deliver_to: ['file:{secret}', 'person:ops@example.org']}}\n",
        endpoint.url()
    );
    program.file("inventory/apps.yaml", &format!("version: 1\napps:\n{etl}{}", app("other", &endpoint.url(), "S")))
}

/// A rotation of `etl` that came as far as its first store three days ago, and then `more`.
pub fn journal(program: &Program, more: &[Value]) {
    journal_of(program, "etl", more);
}

fn identity_of(program: &Program, app: &str) -> String {
    let inventory = inventory::read(&[program.path("inventory/apps.yaml")], &Settings::default()).unwrap();
    inventory.subjects().find(|subject| &*subject.app.name == app).map(identity).unwrap()
}

fn journal_of(program: &Program, app: &str, more: &[Value]) {
    let journal = SqliteJournal::open(&program.path("state.db")).unwrap();
    let identity = identity_of(program, app);
    let store = format!("file:{}", program.path("secret").display());
    let fingerprint = Fingerprints::new(journal.key()).of(&Secret::new(VALUE.to_owned())).to_string();
    let rotation = RotationId::new(1_795_000_000_000, app.len() as u128);
    let at: DateTime<Utc> = DateTime::<Utc>::from(std::time::SystemTime::now()) - TimeDelta::hours(73);
    let end = (at + TimeDelta::days(180)).to_rfc3339();
    let plan = json!({"kind": "planned", "app": app, "label": null, "baseline": ["old-id"], "predecessor": "old-id",
        "holder": "application", "predecessor_end": "2099-01-01T00:00:00Z", "fingerprint": null, "end": "2099-03-01T00:00:00Z",
        "grace": 604_800, "repair": false, "stores": [{"store": store, "version": null, "fingerprint": null}]});
    let marker = format!("credwatch/0193a7c2/{rotation}/1");
    let mut events = vec![
        plan,
        json!({"kind": "create-intent", "attempt": 1, "marker": marker, "run": "r"}),
        json!({"kind": "created", "attempt": 1, "key_id": "new-id", "end": end, "fingerprint": fingerprint}),
        json!({"kind": "store-intent", "store": store, "what": "deliver", "attempt": 1, "fingerprint": fingerprint, "version_before": null}),
        json!({"kind": "store-written", "store": store, "fingerprint": fingerprint, "version": null}),
    ];
    events.extend(more.iter().cloned());
    for event in events {
        let event = serde_json::from_value(event).unwrap();
        let entry = Entry { identity: &identity, rotation, epoch: None, at, provider_date: None, event: &event };
        journal.append(entry).unwrap();
    }
}

fn audit(program: &Program, args: &[&str]) -> (i32, Value) {
    let state = format!("sqlite:{}", program.path("state.db").display());
    let (ended, report) = program.audit(&[&["--state", &state], args].concat());
    (ended.code, report)
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = credential(report, "etl")["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn incomplete(report: &Value) -> Vec<&str> {
    report["run"]["incomplete"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

#[test]
fn a_rotation_under_way_is_reported_and_our_own_value_ends_when_the_provider_said() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    journal(&program, &[]);
    let (code, report) = audit(&program, &[]);
    let etl = credential(&report, "etl");
    assert_eq!((code, codes(&report)), (0, vec!["rotation-under-way"]));
    assert_eq!((&etl["secret_id"], &etl["expiry"]["source"]), (&json!("new-id"), &json!("provider")));
    assert_eq!(etl["expiry"]["days_left"], 176);
    let rotation = &etl["rotation"];
    assert_eq!((&rotation["stage"], &rotation["age_days"]), (&json!("delivering"), &json!(3)));
    assert_eq!((&rotation["turn"], &rotation["command"]), (&json!("run"), &Value::Null));
    assert_eq!(credential(&report, "other")["rotation"], Value::Null);
    // Nothing was sent to read the value now, but the run before had seen it.
    let (_, offline) = audit(&program, &["--offline"]);
    assert_eq!(credential(&offline, "etl")["expiry"]["source"], "provider");
}

#[test]
fn blocked_and_overdue_are_1_and_an_orphan_is_3() {
    let endpoint = Endpoint::tokens();
    let blocked = json!({"kind": "blocked", "reason": "store_fight", "why": "it was put back 3 times"});
    let overdue = json!({"kind": "hand-over", "store": "person:ops@example.org", "due": "2026-01-02T00:00:00Z"});
    let waiting = json!({"kind": "hand-over", "store": "person:ops@example.org", "due": "2098-01-02T00:00:00Z"});
    let orphan = json!({"kind": "orphan-left", "attempt": 1, "key_id": "lost-id", "why": "HTTP 403"});
    for (event, code, finding, debt) in [
        (blocked, 1, "rotation-blocked", vec![]),
        (overdue, 1, "rotation-handover", vec![]),
        (waiting, 0, "rotation-handover", vec![]),
        (orphan, 3, "orphan-left", vec!["orphan-left"]),
    ] {
        let program = program(&endpoint);
        journal(&program, &[event]);
        let (ended, report) = audit(&program, &[]);
        assert!(codes(&report).contains(&finding), "{report}");
        assert_eq!((ended, incomplete(&report)), (code, debt), "{finding}");
    }
}

#[test]
fn a_forecast_knows_what_rotations_have_made_and_leaves_the_state_as_it_is() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    journal(&program, &[]);
    assert_eq!(audit(&program, &[]).0, 0, "which value is in use");
    let kept = || {
        let beside = std::fs::read_dir(program.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = beside.filter(|name| name.to_string_lossy().starts_with("state.db")).collect();
        names.sort();
        (std::fs::read(program.path("state.db")).unwrap(), names)
    };
    let before = kept();
    let later = Utc::now() + TimeDelta::hours(60 * 24);
    let (code, report) = audit(&program, &["--as-of", &later.to_rfc3339()]);
    let etl = credential(&report, "etl");
    assert_eq!((&etl["expiry"]["source"], &etl["expiry"]["days_left"]), (&json!("provider"), &json!(116)));
    assert_eq!((code, codes(&report)), (0, vec!["rotation-under-way"]), "{report}");
    assert_eq!(kept(), before);
}

#[test]
fn a_rotation_whose_app_left_the_inventory_is_never_forgotten() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    journal(&program, &[]);
    assert_eq!(audit(&program, &[]).0, 0);
    let program =
        program.file("inventory/apps.yaml", &format!("version: 1\napps:\n{}", app("other", &endpoint.url(), "S")));
    for _ in 0..2 {
        let (code, report) = audit(&program, &[]);
        assert_eq!((code, incomplete(&report)), (3, vec!["rotation-app-gone"]));
    }
    let (code, report) = audit(&program, &["--only", "other"]);
    assert_eq!((code, incomplete(&report)), (0, vec![]));
    let (code, report) = audit(&program, &["--as-of", "2026-12-01"]);
    assert_eq!((code, incomplete(&report)), (0, vec![]));
}

#[test]
fn a_damaged_journal_blocks_its_app_and_no_other() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    journal(
        &program,
        &[json!({"kind": "created", "attempt": 9, "key_id": null, "end": null, "fingerprint": "00".repeat(16)})],
    );
    let (code, report) = audit(&program, &[]);
    assert_eq!((code, codes(&report).contains(&"rotation-blocked")), (1, true), "{report}");
    assert_eq!(credential(&report, "other")["severity"], "ok");
}

#[test]
fn an_audit_that_rotates_tests_all_the_same_and_owes_what_it_could_not_rotate() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    let (code, report) = audit(&program, &["--rotate"]);
    assert_eq!((code, incomplete(&report)), (3, vec!["rotation-failed"]));
    let message = report["run"]["incomplete"][0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("etl cannot be rotated: secrets of provider oauth2 are rotated by a hook"),
        "{message}"
    );
    for app in ["etl", "other"] {
        assert_eq!(credential(&report, app)["test"]["verdict"], "valid");
    }
    // Without an opt-in there is nothing to do and nothing to owe.
    let (code, report) = audit(&program, &["--rotate", "--only", "other"]);
    assert_eq!((code, incomplete(&report)), (0, vec![]));
    assert_eq!(program.run(&["audit", "--rotate", "--offline"]).code, 2);
}

#[test]
fn an_audits_own_sign_ins_are_noted_while_a_rotation_is_under_way() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    let noted = || {
        let journal = SqliteJournal::open(&program.path("state.db")).unwrap();
        let identities = journal.identities().unwrap();
        let records = identities.iter().flat_map(|identity| journal.of(identity).unwrap());
        records.filter(|record| matches!(record.event, credwatch::rotate::Event::Audited { .. })).count()
    };
    audit(&program, &[]);
    assert_eq!(noted(), 0);
    journal(&program, &[]);
    audit(&program, &["--offline"]);
    assert_eq!(noted(), 0);
    audit(&program, &[]);
    assert_eq!(noted(), 1);
}

#[test]
fn an_old_secret_that_nobody_can_name_is_a_warning_with_the_command_that_names_it() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    let plan = json!({"kind": "planned", "app": "etl", "label": null, "baseline": ["id-a", "id-b"], "predecessor": null,
        "holder": "application", "predecessor_end": "2099-01-01T00:00:00Z", "fingerprint": null, "end": "2099-03-01T00:00:00Z",
        "grace": 604_800, "repair": false, "stores": []});
    let closed = json!({"kind": "closed", "kept": null, "why": "gate-held", "unacked": []});
    journal(&program, &[plan, closed]);
    let kept = |report: &Value| {
        let findings = credential(report, "etl")["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|finding| finding["code"] == "predecessor-kept")
    };
    let command = "credwatch retire etl --predecessor ID";
    let (code, report) = audit(&program, &[]);
    let finding = kept(&report).unwrap();
    assert_eq!((code, &finding["severity"]), (0, &json!("warning")), "{report}");
    assert!(finding["message"].as_str().unwrap().contains("id-a, id-b"), "{finding}");
    assert!(finding["remedy"].as_str().unwrap().contains(command), "{finding}");
    assert_eq!(credential(&report, "etl")["rotation"]["command"], command);
    assert_eq!(audit(&program, &["--fail-on", "warning"]).0, 1);

    let state = format!("sqlite:{}", program.path("state.db").display());
    let run = |args: &[&str]| program.run(&[args, &["--state", &state]].concat());
    let rows: Value = serde_json::from_str(&run(&["rotations", "-o", "json"]).stdout).unwrap();
    let row = &rows["rotations"][0];
    assert_eq!((&row["stage"], &row["turn"], &row["command"]), (&json!("kept"), &json!("admin"), &json!(command)));

    let unnamed = run(&["retire", "etl", "--as", "ann"]);
    assert!(unnamed.code == 2 && unnamed.stderr.contains("id-a, id-b"), "{}", unnamed.stderr);
    let wrong = run(&["retire", "etl", "--as", "ann", "--predecessor", "new-id"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("id-a, id-b"), "{}", wrong.stderr);
    assert_eq!(run(&["retire", "etl", "--as", "ann", "--predecessor", "id-b"]).code, 0);
    assert_eq!(kept(&audit(&program, &[]).1), None);
}

fn rotations(program: &Program) -> (i32, Vec<Value>, String) {
    let state = format!("sqlite:{}", program.path("state.db").display());
    let ended = program.run(&["rotations", "-o", "json", "--state", &state]);
    let listed: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let text = program.run(&["rotations", "--state", &state]).stdout;
    (ended.code, listed["rotations"].as_array().unwrap().clone(), text)
}

/// The two apps of [`program`], both rotated.
fn both_rotate(endpoint: &Endpoint) -> Program {
    let program = program(endpoint);
    let text = program.read("inventory/apps.yaml");
    let second = text.lines().skip(2).take_while(|line| !line.contains("name: other")).collect::<Vec<_>>().join("\n");
    let second = second.replace("name: etl", "name: payroll").replace("client_id: etl", "client_id: payroll");
    program.file("inventory/apps.yaml", &format!("{text}{second}\n"))
}

#[test]
fn a_damaged_journal_of_one_app_is_listed_beside_the_others() {
    let program = both_rotate(&Endpoint::tokens());
    let contradiction =
        json!({"kind": "created", "attempt": 9, "key_id": null, "end": null, "fingerprint": "00".repeat(16)});
    journal(&program, std::slice::from_ref(&contradiction));
    journal_of(&program, "payroll", &[]);
    let (code, rows, text) = rotations(&program);
    assert_eq!((code, rows.len()), (3, 2), "{rows:?}");
    assert_eq!((&rows[0]["app"], &rows[0]["stage"], &rows[0]["id"]), (&json!("etl"), &json!("blocked"), &Value::Null));
    let next = rows[0]["next"].as_str().unwrap();
    assert!(next.starts_with("blocked (state_corrupt): attempt 9 was never begun"), "{next}");
    assert_eq!((&rows[1]["app"], &rows[1]["stage"]), (&json!("payroll"), &json!("delivering")));
    assert_eq!(text.lines().count(), 2, "{text}");
    // What is blocked besides says more than what cannot be read.
    let program = both_rotate(&Endpoint::tokens());
    journal(&program, &[contradiction]);
    journal_of(&program, "payroll", &[json!({"kind": "blocked", "reason": "store_fight", "why": "put back"})]);
    assert_eq!(rotations(&program).0, 1);
}

#[test]
fn a_rotation_whose_app_left_the_inventory_is_listed() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    journal(&program, &[]);
    let left = format!("version: 1\napps:\n{}", app("other", &endpoint.url(), "S"));
    let opted_out = program
        .read("inventory/apps.yaml")
        .lines()
        .filter(|line| !line.contains("rotate:"))
        .collect::<Vec<_>>()
        .join("\n");
    let program = program.file("inventory/apps.yaml", &left);
    let (code, rows, text) = rotations(&program);
    assert_eq!((code, rows.len(), &rows[0]["app"], &rows[0]["command"]), (3, 1, &json!("etl"), &Value::Null));
    assert!(text.contains("the inventory no longer has it") && text.contains("put it back"), "{text}");
    let program = program.file("inventory/apps.yaml", &opted_out);
    let (code, rows, text) = rotations(&program);
    assert_eq!((code, &rows[0]["turn"], &rows[0]["command"]), (0, &json!("admin"), &Value::Null));
    assert!(text.contains("its `rotate` block has left the inventory"), "{text}");
}

#[test]
fn a_state_behind_the_world_is_told_without_a_rotation_until_somebody_adopts() {
    let endpoint = Endpoint::tokens();
    let program = program(&endpoint);
    let state = format!("sqlite:{}", program.path("state.db").display());
    audit(&program, &[]);
    assert_eq!(rotations(&program).0, 0);
    let event = serde_json::from_value(json!({"kind": "behind", "why": "the provider lists x-id"})).unwrap();
    let at: DateTime<Utc> = DateTime::<Utc>::from(std::time::SystemTime::now()) - TimeDelta::minutes(330);
    let identity = identity_of(&program, "etl");
    let entry = Entry {
        identity: &identity,
        rotation: RotationId::new(1, 1),
        epoch: None,
        at,
        provider_date: None,
        event: &event,
    };
    SqliteJournal::open(&program.path("state.db")).unwrap().append(entry).unwrap();

    let (code, rows, text) = rotations(&program);
    assert_eq!((code, rows.len(), &rows[0]["id"]), (1, 1, &Value::Null), "{rows:?}");
    assert_eq!((&rows[0]["stage"], &rows[0]["turn"]), (&json!("blocked"), &json!("admin")));
    assert!(
        text.starts_with("etl  blocked  5 h  blocked (state_behind): the provider lists x-id\n    credwatch plan etl"),
        "{text}"
    );
    let (code, report) = audit(&program, &[]);
    assert_eq!((code, codes(&report).contains(&"rotation-blocked")), (1, true), "{report}");

    assert_eq!(program.run(&["adopt", "etl", "x-id", "--as", "ann", "--state", &state]).code, 0);
    assert_eq!(rotations(&program).0, 0);
    assert!(!codes(&audit(&program, &[]).1).contains(&"rotation-blocked"));
}
