//! The small commands.

use crate::program::Program;

#[test]
fn init_writes_files_that_validate_and_never_overwrites() {
    let program = Program::new();
    assert_eq!(program.run(&["init", "fresh"]).code, 0);
    let ended = program.run(&["validate", "fresh/inventory"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let before = program.read("fresh/inventory/apps.yaml");
    assert_eq!(program.run(&["init", "fresh"]).code, 2);
    assert_eq!(program.read("fresh/inventory/apps.yaml"), before);
}

#[test]
fn explain_knows_codes_verdicts_and_aadsts_numbers() {
    let program = Program::new();
    for code in ["expired-secret", "expired_secret", "7000215", "AADSTS7000215", "declared-date-wrong", "untested"] {
        let ended = program.run(&["explain", code]);
        assert_eq!(ended.code, 0, "{code}");
        assert!(ended.stdout.len() > 80, "{code}: {}", ended.stdout);
    }
}

#[test]
fn next_prints_times_and_then_the_words() {
    let program = Program::new();
    let ended =
        program.run(&["next", "0 3 * * 1-5", "--timezone", "Europe/Oslo", "--from", "2026-11-20T12:00:00Z", "-n", "2"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stdout, "2026-11-23T03:00:00+01:00\n2026-11-24T03:00:00+01:00\n");
    assert!(!ended.stderr.is_empty());
    assert_eq!(program.run(&["next", "0 3 * *"]).code, 2);
    assert_eq!(program.run(&["next", "0 0 30 2 *"]).code, 2);
}

#[test]
fn a_time_or_duration_of_the_wrong_form_is_told_the_right_one() {
    let program = Program::new();
    for (args, said) in [
        (&["next", "0 3 * * *", "--from", "2026-01-01"][..], "2027-03-01T12:00:00Z"),
        (&["next", "0 3 * * *", "--from", "yesterday"], "RFC 3339"),
        (&["audit", "--as-of", "2026-02-30"], "2027-03-01T12:00:00Z"),
        (&["audit", "--as-of", "01.03.2027"], "write a date as 2027-03-01"),
        (&["audit", "--timeout", "30"], "one of ms, s, m, h, d, w, as in `30d`"),
        (&["audit", "--timeout", "0s"], "nothing answers in no time"),
        (&["test", "--timeout", "soon"], "one of ms, s, m, h, d, w, as in `30d`"),
    ] {
        let ended = program.run(args);
        assert_eq!(ended.code, 2, "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn schemas_completions_and_manual_are_printed() {
    let program = Program::new();
    for schema in ["inventory", "settings", "report"] {
        let ended = program.run(&["schema", schema]);
        let schema: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert!(schema["$schema"].as_str().unwrap().contains("2020-12"));
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(program.run(&["completions", shell]).stdout.contains("credwatch"));
    }
    assert!(program.run(&["man"]).stdout.contains(".TH credwatch"));
    assert!(program.run(&["man", "audit"]).stdout.contains("fail\\-on"));
    assert_eq!(program.run(&["man", "nonsuch"]).code, 2);
}

#[test]
fn the_demo_does_the_whole_job() {
    let program = Program::new();
    let ended = program.run(&["demo", "--out", "out"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for verdict in ["valid", "expired_secret", "invalid_secret", "secret_id_instead_of_value", "app_disabled"] {
        assert!(ended.stdout.contains(verdict), "{verdict}: {}", ended.stdout);
    }
    assert!(program.read("out/report.html").contains("<table"));
    assert!(program.files().iter().any(|(path, _)| path.extension().is_some_and(|e| e == "eml")));
}

#[test]
fn the_demo_replaces_one_secret_from_its_plan_to_the_removal_of_the_old_one() {
    let program = Program::new();
    let ended = program.run(&["demo", "--rotate", "--out", "out"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let mut rest = ended.stdout.as_str();
    for step in ["planned", "created", "live", "delivered", "tested", "grace", "removed", "refused", "works"] {
        let line = format!("\n  {step} ");
        (_, rest) = rest.split_once(&line).unwrap_or_else(|| panic!("no `{step}` in its place: {}", ended.stdout));
    }
    let value = program.read("out/rotated/payroll-export");
    assert!(value.contains("8Q~"));
    assert!(!ended.stdout.contains(&value) && !ended.stderr.contains(&value));
    let beside = std::fs::read_dir(program.path("out/rotated")).unwrap().map(|file| file.unwrap().file_name());
    assert!(beside.into_iter().all(|name| !name.to_string_lossy().contains("old")), "a copy of the old value stays");
}
