//! README, `--help` and code agree.

use std::process::Command;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

fn credwatch(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_credwatch")).args(args).env("COLUMNS", "100").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_block_is_what_help_prints() {
    let help = credwatch(&["--help"]);
    assert!(readme().contains(help.trim_end()), "replace README's help block by:\n{help}");
}

#[test]
fn every_verdict_is_in_the_table() {
    for verdict in credwatch::assess::Verdict::ALL {
        assert!(readme().contains(&format!("`{}`", verdict.name())), "{}", verdict.name());
    }
}

#[test]
fn every_exit_code_is_in_the_table() {
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 75 |", "| 130 / 143 |"] {
        assert!(readme().contains(code), "{code}");
    }
}

#[test]
fn inventory_and_settings_are_valid_as_they_stand() {
    let readme = readme();
    let examples: Vec<&str> = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [inventory, settings, schedule, rotated, managed] = examples[..] else {
        panic!("five, not {}", examples.len())
    };
    for (inventory, settings, valid) in [
        (inventory, format!("{settings}{schedule}"), "2 apps, 2 credentials, no fault\n"),
        (rotated, managed.to_owned(), "1 app, 1 credential, no fault\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("apps.yaml"), inventory).unwrap();
        std::fs::write(folder.path().join("credwatch.yaml"), settings).unwrap();
        assert_eq!(credwatch(&["validate", folder.path().to_str().unwrap()]), valid);
    }
}
