//! A signal while messages are sent, and what the dead-man switch hears of a run that could not begin.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::{
    endpoint::{Endpoint, Reply},
    program::{Program, app},
};

/// A refused secret to tell of, and settings that name `url` as the variable `URL`.
fn program(tokens: &Endpoint, notify: &str, url: &str) -> Program {
    let text = format!("version: 1\napps:\n{}", app("bad", &tokens.url(), "S"));
    Program::with_inventory(&text)
        .file("inventory/credwatch.yaml", &format!("version: 1\nnotify: {notify}\n"))
        .env("S", "a-wrong-secret")
        .env("URL", url)
}

fn refusing() -> Endpoint {
    Endpoint::answering(|_| Reply::Json(401, r#"{"error":"invalid_client"}"#.to_owned()))
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Signals a run whose webhook hangs, and says how it ended and how long that took.
fn stopped(first: &str, second: Option<&str>) -> ((Program, Endpoint), Output, Duration) {
    let (tokens, hook) = (refusing(), Endpoint::answering(|_| Reply::Silent));
    let program = program(&tokens, "{channels: [{name: hook, type: webhook, url: env:URL}]}", &hook.url());
    let mut child = program.command(&["audit", "-o", "json=report.json"]).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while hook.requests().is_empty() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    let asked = Instant::now();
    signal(&child, first);
    if let Some(second) = second {
        let said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.into_iter().any(|line| line.contains("stopping")), "the first has arrived");
        signal(&child, second);
    }
    ((program, tokens), child.wait_with_output().unwrap(), asked.elapsed())
}

#[test]
fn p18_a_signal_ends_the_sending_and_the_rest_stays_owed() {
    let ((program, _tokens), output, took) = stopped("-TERM", None);
    assert_eq!(output.status.code(), Some(143));
    assert!(took < Duration::from_secs(10), "{took:?}");
    let report = program.read("report.json");
    assert!(report.contains("message-undelivered") && report.contains("the run was stopped"), "{report}");
    let hook = Endpoint::answering(|_| Reply::Json(200, "{}".to_owned()));
    let ended = program.env("URL", &hook.url()).run(&["audit", "-q"]);
    assert_eq!((ended.code, hook.requests().len()), (1, 1), "sent with the next run: {ended:?}");
}

#[test]
fn a_changed_value_that_a_signal_kept_from_being_asked_about_again_is_still_new() {
    let tokens = Endpoint::answering(|request| match request.contains("wrong") {
        true => Reply::Json(401, r#"{"error":"invalid_client"}"#.to_owned()),
        false => Reply::Json(200, crate::endpoint::TOKEN.to_owned()),
    });
    let program = program(&tokens, "{}", "").env("S", "the-right-one");
    assert_eq!(program.run(&["audit", "-q"]).code, 0);
    let program = program.env("S", "a-wrong-secret");
    for _ in 0..2 {
        let mut child = program.command(&["audit", "-v"]).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.into_iter().any(|line| line.contains("asking again in 5 s")));
        signal(&child, "-TERM");
        assert_eq!(child.wait().unwrap().code(), Some(143));
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (_, output, took) = stopped("-INT", Some("-TERM"));
    assert_eq!(output.status.code(), Some(130));
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn p18_a_report_that_nobody_reads_holds_it_up_for_ten_seconds_at_most() {
    let apps: String = (0..400).map(|number| app(&format!("app-{number}"), "http://127.0.0.1:1/", "S")).collect();
    let program = Program::with_inventory(&format!("version: 1\napps:\n{apps}"));
    let mut child = program
        .command(&["audit", "--offline", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once something is there to be read the report is under way; it is far larger than a pipe.
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let asked = Instant::now();
    signal(&child, "-TERM");
    let stdout = child.stdout.take();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    drop(stdout);
}

#[test]
fn a_run_that_could_not_begin_tells_the_dead_man_switch() {
    let tokens = refusing();
    for (args, extra) in [
        (&["audit", "--state", "postgres://x"][..], ""),
        (&["audit", "-o", "json", "-o", "csv"], ""),
        (&["audit", "--only", "nobody"], ""),
        (&["audit"], "ca: missing.pem\n"),
    ] {
        let monitor = Endpoint::answering(|_| Reply::Json(200, "{}".to_owned()));
        let program = program(&tokens, "{dead_man: env:URL}", &monitor.url());
        let settings = program.read("inventory/credwatch.yaml") + extra;
        let ended = program.file("inventory/credwatch.yaml", &settings).run(args);
        assert_eq!(ended.code, 2, "{ended:?}");
        let last = monitor.requests().pop().unwrap_or_default();
        assert!(last.starts_with("GET /token/fail "), "{args:?} {extra}: {last}");
    }
}

#[test]
fn without_notification_nothing_is_pinged() {
    let (tokens, monitor) = (refusing(), Endpoint::answering(|_| Reply::Json(200, "{}".to_owned())));
    let program = program(&tokens, "{dead_man: env:URL}", &monitor.url());
    assert_eq!(program.run(&["audit", "--no-notify", "-o", "json", "-o", "csv"]).code, 2);
    assert_eq!(program.run(&["audit", "--no-notify", "--state", "postgres://x"]).code, 2);
    assert!(monitor.requests().is_empty());
}

#[test]
fn a_line_that_cannot_be_followed_tells_the_dead_man_switch() {
    let (tokens, monitor) = (Endpoint::tokens(), Endpoint::answering(|_| Reply::Json(200, "{}".to_owned())));
    let program = program(&tokens, "{dead_man: env:URL}", &monitor.url());
    for (told, args) in [
        (true, &["audit", "--no-such-flag"][..]),
        (true, &["audit", "--shard", "5/3", "inventory"]),
        (true, &["audit", "--rotate", "--offline"]),
        (true, &["audit", "-o", "json", "-o", "csv"]),
        (false, &["audit", "--no-such-flag", "--no-notify"]),
        (false, &["audit", "--help"]),
        (false, &["validate", "--no-such-flag"]),
        (false, &["explain"]),
    ] {
        let before = monitor.requests().len();
        let ended = program.run(args);
        assert_eq!(ended.code, if args.contains(&"--help") { 0 } else { 2 }, "{args:?}: {ended:?}");
        let pings = monitor.requests().split_off(before);
        assert_eq!(pings.len(), usize::from(told), "{args:?}: {pings:?}");
        assert!(
            pings.iter().all(|ping| ping.split(' ').nth(1).is_some_and(|path| path.ends_with("/fail"))),
            "{pings:?}"
        );
    }
    assert!(tokens.requests().is_empty());
}
