//! One read, many reports.

use crate::{
    endpoint::{Endpoint, Reply},
    program::{Program, app},
};

#[test]
fn several_formats_come_from_one_run() {
    let endpoint = Endpoint::answering(|_| Reply::Json(401, r#"{"error":"invalid_client"}"#.to_owned()));
    let text = format!("version: 1\napps:\n{}", app("'=cmd()|<script>alert(1)</script>'", &endpoint.url(), "S"));
    let program = Program::with_inventory(&text).env("S", "s3cret");
    let ended = program.run(&[
        "audit",
        "-o",
        "table",
        "-o",
        "csv=r.csv",
        "-o",
        "html=r.html",
        "-o",
        "junit=r.xml",
        "-o",
        "prometheus=r.prom",
    ]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!(endpoint.requests().len(), 1, "tested once");
    assert!(ended.stdout.contains("invalid_secret"));
    assert!(program.read("r.csv").contains("'=cmd()"));
    assert!(!program.read("r.html").contains("<script>alert(1)"));
    assert!(program.read("r.xml").contains("&lt;script&gt;"));
    assert!(program.read("r.prom").contains("credwatch_"));
}

#[test]
fn sarif_points_at_the_entry_of_each_app() {
    let one = "version: 1\napps:\n  - {name: one, provider: entra, tenant: example.org, client_id: x}\n";
    let two = "version: 1\ndefaults: {provider: entra, tenant: example.org}\napps:\n\n  - {name: two, client_id: x}\n";
    let program = Program::with_inventory(one).file("inventory/b.yaml", two);
    let ended = program.run(&["audit", "--offline", "-o", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let places: Vec<(&str, u64)> = sarif["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["locations"][0]["physicalLocation"])
        .map(|place| {
            (place["artifactLocation"]["uri"].as_str().unwrap(), place["region"]["startLine"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(places, [("inventory/apps.yaml", 3), ("inventory/b.yaml", 5)]);
}

#[test]
fn a_report_is_not_written_over_what_the_run_reads_or_keeps() {
    let endpoint = Endpoint::tokens();
    let text = format!("version: 1\napps:\n{}", app("good", &endpoint.url(), "S"));
    let settings = "version: 1\nstate: sqlite:kept.db\n";
    let program = Program::with_inventory(&text).file("inventory/credwatch.yaml", settings).env("S", "s3cret");
    for file in ["inventory/apps.yaml", "./inventory/../inventory/apps.yaml", "inventory/credwatch.yaml", "kept.db"] {
        let ended = program.run(&["audit", "-o", &format!("json={file}")]);
        assert_eq!(ended.code, 2, "{file}: {ended:?}");
        assert!(ended.stderr.contains("a file that this run reads, or its state"), "{file}: {}", ended.stderr);
    }
    assert_eq!(
        (program.read("inventory/apps.yaml"), program.read("inventory/credwatch.yaml")),
        (text, settings.into())
    );
    assert!(endpoint.requests().is_empty());
    assert_eq!(program.run(&["audit", "-o", "json=inventory/report.json"]).code, 0);
}

#[test]
fn quiet_prints_nothing() {
    let endpoint = Endpoint::answering(|_| Reply::Json(401, r#"{"error":"invalid_client"}"#.to_owned()));
    let text = format!("version: 1\napps:\n{}", app("bad", &endpoint.url(), "S"));
    let ended = Program::with_inventory(&text).env("S", "s3cret").run(&["audit", "-q"]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (1, "", ""));
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let endpoint = Endpoint::tokens();
    let apps: String = (0..2000).map(|i| app(&format!("app-{i}"), &endpoint.url(), "S")).collect();
    let program = Program::with_inventory(&format!("version: 1\napps:\n{apps}")).env("S", "s3cret");
    let mut child = program
        .command(&["audit", "--offline"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    assert_eq!(output.status.code(), Some(3));
}
