#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fs, path::Path};

use super::*;
use crate::settings::Verb;

const CANARY: &str = "canary-Hook~7Qm2.xZ\"é/4bW9";

/// A hook that is a shell script; `$1` is the verb.
fn hook(script: &str) -> Hook {
    let program = ["/bin/sh", "-c", script, "hook"].map(str::to_owned).to_vec();
    let settings = settings::Hook { program, verbs: vec![Verb::Read] };
    let subject = Subject { app: "etl".to_owned(), label: None, client_id: "etl-client".to_owned() };
    Hook { environment: vec![("PATH", "/usr/bin:/bin".into())], ..Hook::new("deliver", &settings, subject) }
}

fn write() -> Write<'static> {
    Write { version: Some("7"), idempotency: "R/1/primary", key_id: Some("k1") }
}

fn is_gone(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).unwrap();
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).map_or(true, |stat| stat.contains(") Z "))
}

#[tokio::test]
async fn the_value_is_on_stdin_alone_with_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script =
        format!("cat > {0}; echo \"$@\" > {0}.args; env > {0}.env; echo '{{\"version\": \"8\"}}'", seen.display());
    let written = hook(&script).write(&Secret::new(CANARY.to_owned()), write()).await.unwrap();
    assert_eq!(written.version.as_deref(), Some("8"));
    let input: serde_json::Value = serde_json::from_slice(&fs::read(&seen).unwrap()).unwrap();
    insta::assert_json_snapshot!(input, @r#"
    {
      "schema": "credwatch.hook/1",
      "app": "etl",
      "label": null,
      "client_id": "etl-client",
      "verb": "write",
      "value": "canary-Hook~7Qm2.xZ\"é/4bW9",
      "length": 27,
      "version": "7",
      "idempotency": "R/1/primary",
      "key_id": "k1"
    }
    "#);
    assert_eq!(fs::read_to_string(seen.with_extension("args")).unwrap(), "write\n");
    let environment = fs::read_to_string(seen.with_extension("env")).unwrap();
    let mut names: Vec<_> = environment.lines().filter_map(|line| line.split('=').next()).collect();
    // The shell's own.
    names.retain(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name));
    assert_eq!(names, ["PATH"]);
}

#[tokio::test]
async fn every_verb_has_its_answer() {
    let script = r#"case $1 in
        read) echo '{"value": "v\u00e9", "version": "3"}' ;;
        create) echo '{"id": "k2", "value": "new", "end": "2027-05-01T00:00:00Z", "more": 1}' ;;
        list) echo '{"credentials": [{"id": "k1"}, {"id": "k2", "marker": "credwatch/x", "active": false}]}' ;;
        remove) echo '{"removed": false}' ;;
    esac"#;
    let hook = hook(script);
    let read = hook.read().await.unwrap();
    assert_eq!((read.value.unwrap().expose(), read.version.as_deref()), ("vé", Some("3")));
    let end = "2027-05-01T00:00:00Z".parse().unwrap();
    let created = hook.create(Create { marker: "credwatch/x", end }).await.unwrap();
    assert_eq!((created.id.as_str(), created.value.expose(), created.end), ("k2", "new", Some(end)));
    let listing = hook.list().await.unwrap();
    assert_eq!(listing.credentials.iter().map(|one| one.active).collect::<Vec<_>>(), [true, false]);
    assert!(!hook.remove("k1").await.unwrap().removed);
}

#[tokio::test]
async fn each_end_says_whether_anything_may_have_been_done_and_shows_no_value() {
    let value = Secret::new(CANARY.to_owned());
    let mut ends = Vec::new();
    for script in [
        "cat >&2; exit 1",
        "echo '{\"error\": \"the vault is sealed\"}'; exit 75",
        "echo first >&2; echo \"no right to write: $(cat)\" >&2; echo >&2; exit 77",
        "echo '{\"version\": 8}'",
        "",
        "kill -9 $$",
    ] {
        ends.push(format!("{:?}", hook(script).write(&value, write()).await.unwrap_err()));
    }
    for script in ["echo 'canary-Hook' >&2; exit 1", "echo '{\"id\": \"canary-Hook\"}'"] {
        let end = "2027-05-01T00:00:00Z".parse().unwrap();
        ends.push(format!("{:?}", hook(script).create(Create { marker: "m", end }).await.unwrap_err()));
    }
    let nowhere = Hook { program: vec!["/nowhere/hook".to_owned()], ..hook("") };
    ends.push(format!("{:?}", nowhere.list().await.unwrap_err()));
    let told = ends.join("\n");
    for part in CANARY.as_bytes().windows(12) {
        assert!(!told.as_bytes().windows(12).any(|window| window == part), "{told}");
    }
    insta::assert_snapshot!(told, @r##"
    Unknown("hook deliver (write): the program ended with exit code 1: {\"schema\":\"credwatch.hook/1\",\"app\":\"etl\",\"label\":null,\"client_id\":\"etl-client\",\"verb\":\"write\",\"value\":\"[redacted]\",\"length\":27,\"version\":\"7\",\"idempotency\":\"R/1/primary\",\"key_id\":\"k1\"}")
    Later("hook deliver (write): nothing was done, later it may be (exit code 75): the vault is sealed")
    Refused("hook deliver (write): it refuses (exit code 77): no right to write: {\"schema\":\"credwatch.hook/1\",\"app\":\"etl\",\"label\":null,\"client_id\":\"etl-client\",\"verb\":\"write\",\"value\":\"[redacted]\",\"length\":27,\"version\":\"7\",\"idempotency\":\"R/1/primary\",\"key_id\":\"k1…")
    Unknown("hook deliver (write): it ended well, but its output is not the JSON object that this verb answers with")
    Unknown("hook deliver (write): it ended well, but its output is not the JSON object that this verb answers with")
    Unknown("hook deliver (write): the program was ended by a signal")
    Unknown("hook deliver (create): the program ended with exit code 1")
    Unknown("hook deliver (create): it ended well, but its output is not the JSON object that this verb answers with")
    NotStarted("hook deliver (list): there is no such program")
    "##);
}

#[tokio::test]
async fn endless_output_is_cut_and_a_hook_that_ignores_its_input_is_not_waited_for() {
    let value = Secret::new("v".repeat(200_000));
    let told = hook("exec yes").write(&value, write()).await.unwrap_err();
    assert_eq!(told, HookFault::Unknown("hook deliver (write): the program printed more than 256 KiB".to_owned()));
    assert!(hook("yes '' | head -c 1000000 >&2; echo '{}'").write(&value, write()).await.is_ok());
}

#[tokio::test]
async fn a_hook_that_hangs_is_ended_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let patience = Duration::from_millis(300);
    let script = format!("sleep 600 & echo $! > {}; wait", pid_file.display());
    let hanging = Hook { limits: Limits { patience, ..LIMITS }, ..hook(&script) };
    assert!(matches!(hanging.list().await, Err(HookFault::Unknown(_))));
    while !is_gone(&pid_file) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_hook_leaves_behind_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("sleep 600 >/dev/null 2>&1 & echo $! > {}; echo '{{}}'", pid_file.display());
    assert!(hook(&script).read().await.unwrap().value.is_none());
    while !is_gone(&pid_file) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn the_schema_describes_what_goes_in_and_what_comes_out_of_each_verb() {
    let schema = schema();
    let verbs: Vec<_> = schema["$defs"]["in"]["oneOf"].as_array().unwrap().iter().collect();
    let verb = |one: &serde_json::Value| one["properties"]["verb"]["const"].as_str().unwrap_or_default().to_owned();
    assert_eq!(verbs.into_iter().map(verb).collect::<Vec<_>>(), ["read", "write", "create", "list", "remove"]);
    assert_eq!(schema["$defs"]["in"]["properties"]["schema"]["const"], SCHEMA);
    assert_eq!(schema["$defs"]["out-create"]["required"], serde_json::json!(["id", "value"]));
    assert_eq!(schema["$id"], "urn:credwatch:credwatch.hook/1");
}
