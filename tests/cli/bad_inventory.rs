//! Inventories that are wrong: every fault at its place, no value in any of them.

use std::time::{Duration, Instant};

use crate::program::Program;

const CANARY: &str = "CANARY8Q~pasted-secret-Zk29xLmW40aQ";

fn faults(text: &str) -> String {
    let ended = Program::with_inventory(text).run(&["validate"]);
    assert_eq!(ended.code, 2, "{text}: {ended:?}");
    let audit = Program::with_inventory(text).run(&["audit", "-vv"]);
    assert_eq!(audit.code, 2, "{text}");
    for output in [&ended.stdout, &ended.stderr, &audit.stdout, &audit.stderr] {
        assert!(!output.contains("CANARY"), "a value was echoed: {output}");
        assert!(!output.contains("panicked"), "{output}");
    }
    ended.stderr
}

fn entry(lines: &str) -> String {
    format!(
        "version: 1\napps:\n  - name: one\n    provider: oauth2\n    token_endpoint: https://id.example.org/token\n    client_id: etl\n{lines}"
    )
}

#[test]
fn each_fault_has_its_place_and_advice() {
    for (lines, place, word) in [
        ("    secret: env:S\n    expirse: 2027-01-01\n", "apps.yaml:8:5", "expires"),
        ("    secret: env:S\n    secret: env:T\n", "apps.yaml:8", "already there"),
        ("    secret: CANARY8Q~pasted-secret-Zk29xLmW40aQ\n", "apps.yaml:7", "SECRET_LOOKS_INLINE"),
        ("    secret: env:9CANARY8Q\n", "apps.yaml:7", "SECRET_LOOKS_INLINE"),
        ("    secret: env:S\n    params: {client_secret: CANARY8Q}\n", "apps.yaml:8", "SECRET_LOOKS_INLINE"),
        ("    secret: env:S\n    params: {grant_type: password}\n", "apps.yaml:8", "INVALID_VALUE"),
        ("    secret: env:S\n    expires: 2027-02-30\n", "apps.yaml:8", "expires"),
        ("    secret: env:S\n    warn: CANARY\n", "apps.yaml:8", "30d"),
        ("    secret: env:S\n    enabled: yes\n", "apps.yaml:8", "true"),
        ("    secret: env:S\n    tags: CANARY\n", "apps.yaml:8", "list"),
        ("    secret: env:S\n    CANARY8Q~pasted-secret-Zk29xLmW40aQ: x\n", "apps.yaml:8", "UNKNOWN_FIELD"),
        ("    secret: 'exec:[\"/usr/bin/op\"]'\n", "apps.yaml:7", "EXEC_NOT_ALLOWED"),
    ] {
        let stderr = faults(&entry(lines));
        assert!(stderr.contains(place), "{lines}: {stderr}");
        assert!(stderr.contains(word), "{lines}: {stderr}");
    }
}

#[test]
fn all_faults_are_shown_at_once() {
    let text = "version: 1\napps:\n  - {name: a, provider: nonsuch, client_id: x, secret: env:S}\n  - {name: b, provider: oauth2, token_endpoint: 'http://id.example.org/token', client_id: x, secret: env:S}\n  - {name: c, provider: oauth2, token_endpoint: 'https://id.example.org/token', client_id: x, secrte: env:S}\n  - {name: b, provider: okta, client_id: x, secret: env:S}\n";
    let stderr = faults(text);
    for part in [
        "UNKNOWN_PROVIDER",
        "INSECURE_URL",
        "UNKNOWN_FIELD",
        "DUPLICATE_NAME",
        "MISSING_FIELD",
        ":3:",
        ":4:",
        ":5:",
        ":6:",
    ] {
        assert!(stderr.contains(part), "{part} is missing: {stderr}");
    }
    assert!(!stderr.contains("auth_method"), "an unknown provider is one fault: {stderr}");
}

#[test]
fn yaml_that_is_none_is_a_fault_and_quick() {
    let bomb = {
        let mut text = String::from("version: 1\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..12 {
            let previous = format!("*a{}, ", i - 1).repeat(10);
            text.push_str(&format!("a{i}: &a{i} [{}]\n", previous.trim_end_matches(", ")));
        }
        text + "apps: []\n"
    };
    let long = entry(&format!("    secret: env:S\n    notes: {}\n", "CANARY".repeat(1_700_000)));
    for (what, text) in [
        ("tab", entry("\tsecret: env:S\n")),
        ("bomb", bomb),
        ("10 MB scalar", long),
        ("no mapping", "- CANARY\n".to_owned()),
        ("unclosed", "version: 1\napps: [\n".to_owned()),
        ("version", "version: 2\napps: []\n".to_owned()),
        ("nul", "version: 1\napps:\n  - name: \"a\0b\"\n".to_owned()),
    ] {
        let begin = Instant::now();
        faults(&text);
        assert!(begin.elapsed() < Duration::from_secs(8), "{what} took {:?}", begin.elapsed());
    }
}

#[test]
fn settings_are_as_strict() {
    let program = Program::with_inventory(&entry("    secret: env:S\n")).file(
        "inventory/credwatch.yaml",
        &format!("version: 1\nhttp: {{timeout: 30}}\nnotify:\n  channels:\n    - {{name: m, type: smtp, host: h, port: 25, tls: none, password: {CANARY}}}\nschedule: {{cron: '0 3 * *'}}\nallwo: []\n"),
    );
    let ended = program.run(&["validate"]);
    assert_eq!(ended.code, 2);
    for part in ["credwatch.yaml:2:", "SECRET_LOOKS_INLINE", "credwatch.yaml:6:", "credwatch.yaml:7:1", "allow"] {
        assert!(ended.stderr.contains(part), "{part} is missing: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("CANARY"));
}

#[test]
fn what_is_accepted_with_a_warning_changes_no_exit_code() {
    let text = entry("    secret: file:/etc/s\n    rotate: {deliver_to: [file:/etc/s], grace: 1h}\n");
    let program =
        Program::with_inventory(&text).file("inventory/credwatch.yaml", "version: 1\nrotation: {settle: 1m}\n");
    for args in [&["validate"][..], &["audit", "--offline", "--no-notify"]] {
        let ended = program.run(args);
        assert_eq!(ended.code, 0, "{ended:?}");
        for part in
            ["credwatch.yaml:2:20: SHORT_TIME rotation.settle", "apps.yaml:8:48: SHORT_TIME apps[0].rotate.grace"]
        {
            assert_eq!(ended.stderr.matches(part).count(), 1, "{part} in {}", ended.stderr);
        }
        let quiet = program.run(&[args, &["-q"]].concat());
        assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    }
}

#[test]
fn a_key_without_a_value_is_no_key_that_is_not_there() {
    for (lines, place) in [
        ("    secret:\n", "apps.yaml:7:5"),
        ("    secret: ~\n", "apps.yaml:7:5"),
        ("    secret: env:S\n    owners:\n", "apps.yaml:8:5"),
        ("    secret: env:S\n    expires: null\n", "apps.yaml:8:5"),
        ("    secret: env:S\n    tags: [a, ~]\n", "apps.yaml:8:15"),
        ("    credentials: [~]\n", "apps.yaml:7:19"),
    ] {
        let stderr = faults(&entry(lines));
        assert!(stderr.contains(place), "{lines}: {stderr}");
        assert!(stderr.contains("or remove the"), "{lines}: {stderr}");
    }
    faults("version: 1\ndefaults:\napps:\n");
}
