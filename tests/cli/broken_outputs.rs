//! M7: nobody takes the report, the answer of another command, or the words on stderr.

use std::{fs::File, process::Stdio};

use crate::{
    endpoint::{Endpoint, Reply},
    program::{Ended, Program, app},
};

/// Many valid credentials, and one refused that a webhook is told of.
struct Scene {
    tokens: Endpoint,
    hook: Endpoint,
}

impl Scene {
    fn new() -> Self {
        let tokens = Endpoint::answering(|request| match request.contains("client_id=bad&") {
            true => Reply::Json(401, r#"{"error":"invalid_client"}"#.to_owned()),
            false => Reply::Json(200, crate::endpoint::TOKEN.to_owned()),
        });
        Self { tokens, hook: Endpoint::answering(|_| Reply::Json(200, "{}".to_owned())) }
    }

    fn program(&self, names: &[String]) -> Program {
        let apps: String = names.iter().map(|name| app(name, &self.tokens.url(), "S")).collect();
        let channels = "{channels: [{name: hook, type: webhook, url: env:URL}]}";
        Program::with_inventory(&format!("version: 1\napps:\n{apps}"))
            .file("inventory/credwatch.yaml", &format!("version: 1\nnotify: {channels}\n"))
            .env("S", "a-secret")
            .env("URL", &self.hook.url())
    }

    fn ended(&self, program: &Program, args: &[&str], stdout: Stdio, stderr: Stdio) -> (Ended, usize) {
        let told = self.hook.requests().len();
        let child = program.command(args).stdout(stdout).stderr(stderr).spawn().unwrap();
        (child.wait_with_output().unwrap().into(), self.hook.requests().len() - told)
    }
}

/// A pipe whose other end is closed.
fn broken_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full_disk() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn m7_a_report_that_nobody_takes_is_3_and_the_messages_are_sent() {
    let scene = Scene::new();
    for stdout in [broken_pipe as fn() -> Stdio, full_disk] {
        for args in [&["audit"][..], &["audit", "-o", "json"], &["audit", "-o", "csv=/dev/stdout"]] {
            let program = scene.program(&["bad".to_owned()]);
            let forgiving = [args, &["--fail-on", "never"]].concat();
            let (ended, told) = scene.ended(&program, &forgiving, stdout(), Stdio::piped());
            assert_eq!((ended.code, told), (3, 1), "{args:?}: {ended:?}");
            assert!(ended.stderr.contains("report could not be written to "), "{}", ended.stderr);
            assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
            let (ended, told) = scene.ended(&program, args, stdout(), Stdio::piped());
            assert_eq!((ended.code, told), (1, 0), "1 wins, and what was told is remembered: {ended:?}");
        }
    }
}

#[test]
fn m7_a_reader_that_leaves_early_is_3_too() {
    let scene = Scene::new();
    let names: Vec<String> = (0..600).map(|number| format!("app-{number}")).collect();
    let program = scene.program(&names);
    let mut child = program
        .command(&["audit", "--offline", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 10]).unwrap();
    drop(child.stdout.take());
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("Broken pipe"), "{}", ended.stderr);
}

#[test]
fn m7_words_that_nobody_takes_change_nothing() {
    let scene = Scene::new();
    for stderr in [broken_pipe as fn() -> Stdio, full_disk] {
        let program = scene.program(&["bad".to_owned()]);
        let (ended, told) = scene.ended(&program, &["audit", "-vvv", "-o", "json=r.json"], Stdio::piped(), stderr());
        assert_eq!((ended.code, told), (1, 1), "{ended:?}");
        let (ended, _) = scene.ended(&program, &["audit", "no-such-folder"], Stdio::piped(), stderr());
        assert_eq!(ended.code, 2);
        let (ended, told) = scene.ended(&program, &["audit", "-v", "--fail-on", "never"], full_disk(), stderr());
        assert_eq!((ended.code, told), (3, 0));
    }
}

#[test]
fn m7_a_full_disk_under_a_file_is_3() {
    let scene = Scene::new();
    let program = scene.program(&["good".to_owned()]);
    let ended = program.run(&["audit", "-o", "json=/dev/full", "-o", "csv=report.csv"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(program.read("report.csv").starts_with("app,"), "{}", program.read("report.csv"));
}

/// Commands whose answer somebody may cut off: everything that prints and is no report.
const ANSWERS: [&[&str]; 12] = [
    &["--help"],
    &["audit", "--help"],
    &["--version"],
    &["schema", "inventory"],
    &["explain", "7000215"],
    &["completions", "bash"],
    &["man"],
    &["next", "0 3 * * *", "-n", "9000"],
    &["validate"],
    &["plan"],
    &["rotate"],
    &["history", "-o", "json"],
];

#[test]
fn a_reader_who_has_had_enough_of_an_answer_is_no_failure() {
    let scene = Scene::new();
    let program = scene.program(&["good".to_owned()]);
    for args in ANSWERS {
        let (ended, _) = scene.ended(&program, args, broken_pipe(), Stdio::piped());
        assert_eq!(ended.code, 0, "{args:?}: {ended:?}");
        assert!(!ended.stderr.contains("ipe"), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_3() {
    let scene = Scene::new();
    let program = scene.program(&["good".to_owned()]);
    for args in ANSWERS {
        let (ended, _) = scene.ended(&program, args, full_disk(), Stdio::piped());
        assert_eq!(ended.code, 3, "{args:?}: {ended:?}");
    }
    let (ended, _) = scene.ended(&program, &["init", "fresh"], full_disk(), Stdio::piped());
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(program.run(&["validate", "fresh/inventory"]).code, 0, "what it could not say is done all the same");
}
