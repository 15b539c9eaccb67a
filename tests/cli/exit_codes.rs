use std::time::{Duration, Instant};

use crate::{
    endpoint::{Endpoint, Reply, TOKEN, entra_error},
    program::{Program, app, credential, verdict},
};

fn inventory(apps: &[String]) -> String {
    format!("version: 1\napps:\n{}", apps.concat())
}

#[test]
fn everything_valid_is_0() {
    let endpoint = Endpoint::tokens();
    let program = Program::with_inventory(&inventory(&[app("good", &endpoint.url(), "S")])).env("S", "a-fine-secret");
    let (ended, report) = program.audit(&[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(verdict(&report, "good"), "valid");
    assert_eq!(ended.stderr, "");
    let said = program.run(&["audit", "-vv"]).stderr;
    assert!(
        said.contains("inventory read apps=1 files=1") && said.contains("good: valid, HTTP 200, attempts: 1, request "),
        "{said}"
    );
    let test = &credential(&report, "good")["test"];
    assert_eq!(test["secret_accepted"], true);
    assert_eq!(
        (&test["attempts"], &test["http_status"], &test["token_lifetime_seconds"]),
        (&1.into(), &200.into(), &3599.into())
    );
    assert_eq!(report["schema"], "credwatch.report/1");
    assert_eq!(report["summary"]["ok"], 1);
    assert_eq!(report["run"]["incomplete"], serde_json::json!([]));
    let request = endpoint.requests().remove(0);
    assert!(request.contains("grant_type=client_credentials") && request.contains("client_secret=a-fine-secret"));
    let user_agent = format!("user-agent: credwatch/{}", env!("CARGO_PKG_VERSION"));
    assert!(request.to_lowercase().contains(&user_agent), "{request}");
}

#[test]
fn a_refused_secret_is_1_and_fail_on_never_forgives_it() {
    let endpoint = Endpoint::answering(|_| Reply::Json(401, r#"{"error":"invalid_client"}"#.to_owned()));
    let program = Program::with_inventory(&inventory(&[app("bad", &endpoint.url(), "S")])).env("S", "a-wrong-secret");
    let (ended, report) = program.audit(&[]);
    assert_eq!((ended.code, verdict(&report, "bad")), (1, "invalid_secret"));
    assert_eq!(credential(&report, "bad")["findings"][0]["code"], "invalid-secret");
    assert_eq!(program.audit(&["--fail-on", "never"]).0.code, 0);
}

#[test]
fn could_not_tell_is_3_and_1_wins() {
    let endpoint = Endpoint::answering(|request| {
        if request.contains("client_id=down") {
            Reply::Json(503, r#"{"error":"temporarily_unavailable"}"#.to_owned())
        } else {
            Reply::Json(401, r#"{"error":"invalid_client"}"#.to_owned())
        }
    });
    let (down, bad) = (app("down", &endpoint.url(), "S"), app("bad", &endpoint.url(), "S"));
    let program = Program::with_inventory(&inventory(&[down, bad])).env("S", "a-secret");
    let (ended, report) = program.audit(&["--only", "down"]);
    assert_eq!((ended.code, verdict(&report, "down")), (3, "transient"));
    assert_eq!(credential(&report, "down")["severity"], "unknown");
    assert_eq!(credential(&report, "down")["test"]["attempts"], 3);
    let unclear =
        serde_json::json!([{"code": "not-judged", "message": "1 credential could not be judged: down (transient)"}]);
    assert_eq!(report["run"]["incomplete"], unclear);
    assert!(ended.stderr.contains("1 credential could not be judged"), "{}", ended.stderr);
    let (ended, report) = program.audit(&[]);
    assert_eq!((ended.code, &report["run"]["incomplete"]), (1, &unclear), "the report says both");
}

#[test]
fn an_unset_variable_is_unreadable_and_the_others_are_tested() {
    let endpoint = Endpoint::tokens();
    let program = Program::with_inventory(&inventory(&[
        app("unset", &endpoint.url(), "NOT_SET"),
        app("good", &endpoint.url(), "S"),
    ]))
    .env("S", "s3cret");
    let (ended, report) = program.audit(&[]);
    assert_eq!(ended.code, 3);
    assert_eq!((verdict(&report, "unset"), verdict(&report, "good")), ("unreadable", "valid"));
}

#[test]
fn a_new_secret_refused_within_the_activation_window_is_activating() {
    let endpoint =
        Endpoint::answering(|_| entra_error(401, "invalid_client", 7_000_215, "Invalid client secret provided."));
    let created = chrono::DateTime::from(std::time::SystemTime::now() - Duration::from_secs(60));
    let created: chrono::DateTime<chrono::Utc> = created;
    let entry = format!(
        "  - name: fresh\n    provider: entra\n    tenant: contoso.example\n    authority: http://127.0.0.1:{}\n    client_id: 5d55a7f4-9d2f-4b32-8b5b-0ad38fcdde4c\n    secret: env:S\n    created: {}\n    expires: 2099-01-01\n",
        endpoint.port,
        created.format("%Y-%m-%dT%H:%M:%SZ")
    );
    let program = Program::with_inventory(&inventory(&[entry])).env("S", "Xy7~freshly-made-value");
    let (ended, report) = program.audit(&[]);
    assert_eq!((ended.code, verdict(&report, "fresh")), (3, "activating"));
    assert_eq!(credential(&report, "fresh")["severity"], "warning");
    let (ended, report) = program.audit(&["--fail-on", "warning"]);
    assert_eq!((ended.code, verdict(&report, "fresh")), (1, "activating"), "1 wins over 3");
}

#[test]
fn faults_of_the_inventory_are_2_and_nothing_is_sent() {
    let endpoint = Endpoint::tokens();
    let text = inventory(&[app("good", &endpoint.url(), "S")]).replace("client_id", "client_ident");
    let ended = Program::with_inventory(&text).env("S", "s3cret").run(&["audit"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("apps.yaml:7:5") && ended.stderr.contains("client_id"), "{}", ended.stderr);
    assert!(endpoint.requests().is_empty());
}

#[test]
fn wrong_usage_is_2() {
    let program = Program::with_inventory("version: 1\napps: []\n");
    assert_eq!(program.run(&["audit"]).code, 2);
    assert_eq!(program.run(&["audit", "--no-such-flag"]).code, 2);
    assert_eq!(program.run(&["audit", "no/such/folder"]).code, 2);
    assert_eq!(program.run(&["audit", "-o", "json", "-o", "csv"]).code, 2);
    assert_eq!(program.run(&["explain", "no-such-code"]).code, 2);
}

#[test]
fn a_second_run_on_the_same_state_is_75() {
    let endpoint = Endpoint::answering(|_| Reply::Silent);
    let program = Program::with_inventory(&inventory(&[app("slow", &endpoint.url(), "S")])).env("S", "s3cret");
    let mut first = program.command(&["audit", "-q", "--timeout", "30s"]).spawn().unwrap();
    let begin = Instant::now();
    while endpoint.requests().is_empty() && begin.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    assert_eq!(program.run(&["audit", "-q"]).code, 75);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn termination_is_143_and_soon() {
    let endpoint = Endpoint::answering(|_| Reply::Silent);
    let program = Program::with_inventory(&inventory(&[app("slow", &endpoint.url(), "S")])).env("S", "s3cret");
    let child = program.command(&["audit", "-q", "--timeout", "30s"]).spawn().unwrap();
    let begin = Instant::now();
    while endpoint.requests().is_empty() && begin.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    let asked = Instant::now();
    let killed = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
    assert!(asked.elapsed() < Duration::from_secs(10));
}

#[test]
fn offline_sends_nothing_and_judges_by_the_dates() {
    let endpoint = Endpoint::tokens();
    let past =
        app("past", &endpoint.url(), "S").replace("2099-01-01", "2020-01-01").replace("2098-06-01", "2019-06-01");
    let program = Program::with_inventory(&inventory(&[past, app("fine", &endpoint.url(), "S")])).env("S", "s3cret");
    let (ended, report) = program.audit(&["--offline"]);
    assert_eq!(ended.code, 1);
    assert_eq!((verdict(&report, "past"), verdict(&report, "fine")), ("untested", "untested"));
    assert_eq!(credential(&report, "past")["findings"][0]["code"], "expired");
    assert_eq!(credential(&report, "fine")["severity"], "ok");
    assert!(endpoint.requests().is_empty());
}

#[test]
fn as_of_forecasts_and_leaves_no_state() {
    let endpoint = Endpoint::tokens();
    let program = Program::with_inventory(&inventory(&[app("ends", &endpoint.url(), "S")])).env("S", "s3cret");
    let (ended, report) = program.audit(&["--as-of", "2098-12-20"]);
    assert_eq!(ended.code, 0, "12 days left is a warning: {ended:?}");
    assert_eq!(credential(&report, "ends")["expiry"]["days_left"], 12);
    assert_eq!(credential(&report, "ends")["findings"][0]["code"], "expiring");
    assert_eq!(program.audit(&["--as-of", "2098-12-20", "--fail-on", "warning"]).0.code, 1);
    assert_eq!(program.audit(&["--as-of", "2098-12-30"]).0.code, 1, "2 days left is critical");
    assert!(!program.path(".local").exists(), "no state was written");
}

#[test]
fn a_report_that_cannot_be_written_is_3_and_the_others_are_written() {
    let endpoint = Endpoint::answering(|_| Reply::Json(200, TOKEN.to_owned()));
    let program = Program::with_inventory(&inventory(&[app("good", &endpoint.url(), "S")])).env("S", "s3cret");
    let ended = program.run(&["audit", "-o", "csv=no/such/folder/report.csv", "-o", "json=report.json"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("report.csv"), "{}", ended.stderr);
    assert!(program.read("report.json").contains("credwatch.report/1"));
}
