//! The hand-over to a person: claim, reveal, check-paste, confirm. The value is seen on one terminal and nowhere else.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    endpoint::Endpoint,
    program::{Ended, Program},
    rotations::{VALUE, journal, program},
};

const PERSON: &str = "person:ops@example.org";
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

fn waiting(more: &[Value]) -> Program {
    let program = program(&Endpoint::tokens());
    let opened = json!({"kind": "hand-over", "store": PERSON, "due": "2098-01-02T00:00:00Z"});
    journal(&program, &[&[opened], more].concat());
    program
}

fn claimed(who: &str) -> Value {
    json!({"kind": "claimed", "store": PERSON, "who": who})
}

fn run(program: &Program, args: &[&str]) -> Ended {
    let state = format!("sqlite:{}", program.path("state.db").display());
    program.run(&[&["--state", &state], args].concat())
}

/// On a terminal of its own, with Enter pressed.
fn on_terminal(program: &Program, line: &str) -> Ended {
    fed(&mut terminal(program, &format!("\"$CREDWATCH\" --state \"$STATE\" {line}")), b"\n")
}

fn terminal(program: &Program, line: &str) -> Command {
    let mut command = Command::new("script");
    command
        .args(["-qec", line, "/dev/null"])
        .current_dir(program.home.path())
        .env_clear()
        .envs([("TERM", "xterm"), ("SHELL", "/bin/sh"), ("CREDWATCH", env!("CARGO_BIN_EXE_credwatch"))])
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", program.home.path())
        .env("STATE", format!("sqlite:{}", program.path("state.db").display()));
    command
}

fn fed(command: &mut Command, input: &[u8]) -> Ended {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("`script` of util-linux makes the terminal");
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

fn paste(program: &Program, typed: &str) -> Ended {
    let state = format!("sqlite:{}", program.path("state.db").display());
    fed(&mut program.command(&["--state", &state, "check-paste", "etl"]), typed.as_bytes())
}

fn standing(program: &Program) -> Value {
    let ended = run(program, &["rotations", "-o", "json"]);
    serde_json::from_str::<Value>(&ended.stdout).unwrap()["rotations"][0].clone()
}

/// Nowhere but in the store itself.
fn is_kept_in_the_store_alone(program: &Program) {
    for (path, bytes) in program.files() {
        let holds = bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
        assert_eq!(holds, path.ends_with("secret"), "{}", path.display());
    }
}

#[test]
fn a_hand_over_goes_from_claim_to_a_second_persons_word() {
    let program = waiting(&[]);
    assert_eq!(standing(&program)["command"], "credwatch claim etl");
    assert_eq!(run(&program, &["confirm", "etl", "--as", "ann"]).code, 2);
    let ended = run(&program, &["claim", "etl", "--as", "ann"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, "claimed; next: `credwatch reveal etl`\n"));
    let ended = run(&program, &["claim", "etl", "--as", "bob"]);
    assert!(ended.code == 2 && ended.stderr.contains("ann claimed it"), "{ended:?}");
    assert_eq!(standing(&program)["command"], "credwatch reveal etl");

    let shown = on_terminal(&program, "reveal etl --as ann");
    assert_eq!(shown.code, 0, "{shown:?}");
    let (before, rest) = shown.stdout.split_once(ENTER).unwrap();
    let (screen, after) = rest.split_once(LEAVE).unwrap();
    assert!(screen.lines().any(|line| line == VALUE), "{screen}");
    assert!(screen.contains("SnapLogic OAuth2 account") && screen.contains("new-id"), "{screen}");
    assert!(!before.contains(VALUE) && !after.contains(VALUE) && after.contains("check-paste"), "{after}");

    assert_eq!(standing(&program)["command"], "credwatch confirm etl");
    assert_eq!(run(&program, &["confirm", "etl", "--as", "ann"]).code, 0);
    let again = run(&program, &["confirm", "etl", "--as", "Ann"]);
    assert!(again.code == 2 && again.stderr.contains("a second person"), "{again:?}");
    assert_eq!(run(&program, &["confirm", "etl", "--as", "bob"]).code, 0);
    assert_eq!(standing(&program)["turn"], "run");
    is_kept_in_the_store_alone(&program);
}

#[test]
fn an_interrupted_paste_leaves_a_terminal_that_shows_what_is_typed() {
    let program = waiting(&[claimed("ann")]);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let interrupted = format!("timeout --foreground --preserve-status -s {signal} 1");
        let line =
            format!("{interrupted} \"$CREDWATCH\" --state \"$STATE\" check-paste etl; echo \"ended $?\"; stty -a");
        let mut child = terminal(&program, &line).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Nothing is typed.
        let typing = child.stdin.take();
        let ended: Ended = child.wait_with_output().unwrap().into();
        drop(typing);
        assert!(ended.stdout.contains(&format!("ended {code}")) && ended.stdout.contains(" echo "), "{ended:?}");
    }
}

#[test]
fn the_value_is_shown_to_no_pipe_and_the_journal_knows_of_no_showing() {
    let program = waiting(&[claimed("ann")]);
    let ended = run(&program, &["reveal", "etl", "--as", "ann"]);
    assert!(ended.code == 2 && ended.stderr.contains("on a terminal only"), "{ended:?}");
    let ended = on_terminal(&program, "reveal etl --as ann | cat; exit 2");
    assert!(ended.stdout.contains("on a terminal only") && !ended.stdout.contains(VALUE), "{ended:?}");
    let ended = on_terminal(&program, "reveal etl --as bob");
    assert!(ended.code == 2 && ended.stdout.contains("ann claimed it"), "{ended:?}");
    assert_eq!(standing(&program)["command"], "credwatch reveal etl");
}

#[test]
fn nothing_is_shown_once_a_roll_back_is_asked_for_or_the_store_holds_another_value() {
    let program = waiting(&[claimed("ann"), json!({"kind": "rolling-back", "who": "bob"})]);
    let ended = on_terminal(&program, "reveal etl --as ann");
    assert!(ended.code == 2 && ended.stdout.contains("being called off"), "{ended:?}");
    assert!(!ended.stdout.contains(ENTER) && !ended.stdout.contains(VALUE), "{ended:?}");

    let program = waiting(&[claimed("ann")]);
    fs::write(program.path("secret"), "a-third-value-canary").unwrap();
    let ended = on_terminal(&program, "reveal etl --as ann");
    assert!(ended.code == 3 && ended.stdout.contains("does not hold the new secret"), "{ended:?}");
    assert!(!ended.stdout.contains("canary"), "{ended:?}");
    assert_eq!(standing(&program)["command"], "credwatch reveal etl");
}

#[test]
fn check_paste_names_the_slip_and_shows_neither_value() {
    let program = waiting(&[]);
    for (typed, code, said) in [
        (VALUE.to_owned(), 0, "It is the new secret."),
        (format!("{VALUE}\n"), 1, "a line break at an end"),
        (format!("{VALUE} "), 1, "a space"),
        ("new-id".to_owned(), 1, "a secret's ID"),
        ("6befd701-d38a-45b1-bbad-79ddca296f85".to_owned(), 1, "a secret's ID"),
        (VALUE[..15].to_owned(), 1, "a piece of the new secret"),
        ("something-else-canary".to_owned(), 1, "another value altogether"),
        (String::new(), 1, "Nothing was pasted"),
    ] {
        let ended = paste(&program, &typed);
        assert!(ended.code == code && ended.stdout.contains(said), "{typed:?}: {ended:?}");
        assert!(!format!("{ended:?}").contains("canary"), "{typed:?}: {ended:?}");
    }
    let asked = on_terminal(&program, "check-paste etl");
    assert!(asked.code == 1 && asked.stdout.contains("Nothing was pasted"), "{asked:?}");
    is_kept_in_the_store_alone(&program);
}

#[test]
fn without_a_rotation_there_is_nothing_to_do() {
    let program = program(&Endpoint::tokens());
    for step in ["claim", "check-paste", "confirm"] {
        let ended = run(&program, &[step, "etl", "--as", "ann"]);
        assert!(ended.code == 2 && ended.stderr.contains("has no rotation"), "{step}: {ended:?}");
    }
    assert!(!program.path("state.db").exists());
}
