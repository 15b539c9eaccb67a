//! What credwatch itself signs in with: how it stands comes first everywhere, and what it may not do stops one app cleanly.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use credwatch::{
    sandbox::{App, Credential, Platform, Sandbox, Trouble},
    secret::Secret,
};
use serde_json::Value;

use crate::{
    endpoint::{Endpoint, Reply, TOKEN},
    program::{Ended, Program, credential},
};

const TENANT: &str = "7a1c9a52-60f3-4e0b-9a55-2f5d7b0c9e11";
const MANAGER: &str = "0d4ad62c-1c60-4a4a-9fd3-5bd1d4a1f0f5";
const ETL: &str = "5d55a7f4-9d2f-4b32-8b5b-0ad38fcdde4c";
const CRM: &str = "167071a1-0c9c-43c1-9c45-6dfd400a33ed";
const ALL: [&str; 2] = ["Application.ReadWrite.All", "Policy.Read.All"];

struct Stage {
    sandbox: Sandbox,
    program: Program,
    /// Of the manager, then of the apps.
    secrets: Vec<String>,
}

/// What differs from one stage to the next.
struct Plot<'p> {
    /// Until the manager's own secret ends, days.
    ends: i64,
    roles: &'p [&'p str],
    /// Within each app's `rotate`, after the store.
    rotate: &'p str,
    /// Within each app.
    app: &'p str,
    /// Within the entry of the settings.
    entry: &'p str,
    live_deadline: &'p str,
}

const PLAIN: Plot<'_> =
    Plot { ends: 300, roles: &ALL, rotate: "grace: 300ms", app: "", entry: "", live_deadline: "20s" };

/// A client of the double; its secret.
fn register(sandbox: &Sandbox, client_id: &str, days: i64) -> String {
    let end = DateTime::<Utc>::from(std::time::SystemTime::now()) + TimeDelta::days(days) + TimeDelta::hours(1);
    let credential = Credential::issue(Platform::Entra, uuid::Uuid::new_v4().to_string(), Some(end));
    let value = credential.value().expose().to_owned();
    let (tenant, client_id, name) = (TENANT.to_owned(), client_id.to_owned(), client_id.to_owned());
    let (platform, credentials) = (Platform::Entra, vec![credential]);
    sandbox.directory().register(App { platform, tenant, client_id, name, enabled: true, credentials });
    value
}

impl Stage {
    /// These apps, each with a secret in a file that is due to be rotated.
    async fn new(apps: &[(&str, &str)], plot: Plot<'_>) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let mut secrets = vec![register(&sandbox, MANAGER, plot.ends)];
        sandbox.graph().grant(MANAGER, plot.roles);
        let here = format!("http://{}", sandbox.address());
        let mut program = Program::new().env("MANAGER", &secrets[0]).env("RUST_LOG", "trace");
        let mut inventory = "version: 1\napps:\n".to_owned();
        for (name, client_id) in apps {
            let value = register(&sandbox, client_id, 20);
            let store = program.path(&format!("stores/{name}")).display().to_string();
            program = program.file(&format!("stores/{name}"), &value);
            let Plot { rotate, app, .. } = plot;
            inventory.push_str(&format!(
                "  - {{name: {name}, provider: entra, tenant: {TENANT}, authority: '{here}', graph: '{here}', client_id: {client_id}, \
                 secret: 'file:{store}', {app} rotate: {{deliver_to: ['file:{store}'], {rotate}}}}}\n"
            ));
            secrets.push(value);
        }
        let Plot { entry, live_deadline, .. } = plot;
        let settings = format!(
            "version: 1\nhttp: {{timeout: 5s}}\nstate: 'sqlite:{}'\n\
             rotation: {{live_deadline: {live_deadline}, live_spacing: 60ms, live_for: 150ms, settle: 250ms, run_gap: 50ms}}\n\
             management: [{{provider: entra, tenant: {TENANT}, client_id: {MANAGER}, secret: env:MANAGER, authority: '{here}', graph: '{here}', {entry}}}]\n",
            program.path("state.db").display()
        );
        let program = program.file("inventory/apps.yaml", &inventory).file("inventory/credwatch.yaml", &settings);
        Self { sandbox, program, secrets }
    }

    fn run(&self, args: &[&str]) -> Ended {
        let ended = self.program.run(args);
        self.is_clean(&ended);
        ended
    }

    fn audit(&self, args: &[&str]) -> (i32, Value) {
        let (ended, report) = self.program.audit(args);
        self.is_clean(&ended);
        (ended.code, report)
    }

    /// No secret is anywhere but in the stores.
    fn is_clean(&self, ended: &Ended) {
        let mut all = vec![("output".into(), [&*ended.stdout, &*ended.stderr].concat().into_bytes())];
        all.extend(self.program.files().into_iter().filter(|(path, _)| !path.starts_with(self.program.path("stores"))));
        for (place, bytes) in all {
            for secret in &self.secrets {
                for part in secret.as_bytes().windows(12) {
                    assert!(!bytes.windows(12).any(|window| window == part), "{}", place.display());
                }
            }
        }
    }

    fn count(&self, client_id: &str) -> usize {
        self.sandbox.graph().passwords(client_id).len()
    }
}

fn codes(credential: &Value) -> Vec<&str> {
    credential["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn debts(report: &Value) -> Vec<&str> {
    report["run"]["incomplete"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn n16_the_end_of_our_own_secret_stands_first_in_every_report() {
    let stage = Stage::new(&[("etl", ETL)], Plot { ends: 5, rotate: "frozen: true", ..PLAIN }).await;
    let formats = ["table", "ndjson", "csv", "markdown", "html", "junit", "sarif", "prometheus", "ics"];
    let files: Vec<String> = formats.iter().map(|format| format!("{format}=out/{format}")).collect();
    std::fs::create_dir(stage.program.path("out")).unwrap();
    let mut args = vec!["--rotate", "-vv"];
    args.extend(files.iter().flat_map(|file| ["-o", file.as_str()]));
    let (code, report) = stage.audit(&args);

    let own = &report["management"][0];
    assert_eq!((code, &own["app"], codes(own)), (1, &"credwatch itself".into(), vec!["expiring"]), "{report}");
    assert_eq!((&own["test"]["verdict"], &own["severity"]), (&"valid".into(), &"critical".into()));
    assert_eq!((&own["expiry"]["source"], &own["expiry"]["days_left"]), (&"provider".into(), &5.into()));
    let message = own["findings"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("The secret that credwatch itself signs in with expires on "), "{message}");
    let remedy = own["findings"][0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("App registrations") && remedy.contains("the variable MANAGER"), "{remedy}");
    assert_eq!(report["summary"]["credentials"], 1, "counts are of the inventory");
    for format in formats {
        let text = stage.program.read(&format!("out/{format}"));
        // In prose and marks alike: what comes first is ours.
        let ours = text.find("credwatch itself").unwrap_or_else(|| panic!("{format}: {text}"));
        let theirs =
            ["etl\"", "etl,", "`etl`", ">etl<", " etl ", "etl expires"].iter().filter_map(|name| text.find(name)).min();
        assert!(theirs.is_none_or(|theirs| ours < theirs), "{format}: {text}");
    }

    // A run that does no management asks nobody, and tells what the last one saw.
    let asked = || stage.sandbox.requests().seen().all;
    let before = asked();
    let (code, report) = stage.audit(&["--offline"]);
    let own = &report["management"][0];
    assert_eq!((code, codes(own), &own["test"]["verdict"]), (1, vec!["expiring"], &"untested".into()));
    assert_eq!(asked(), before);
    for (args, code) in [(&["rotations"][..], 1), (&["plan"], 1), (&["rotate"], 1), (&["plan", "-q"], 1)] {
        let ended = stage.run(args);
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.stdout.starts_with("credwatch itself (entra 0d4ad62c"), "{args:?}: {ended:?}");
        assert!(ended.stdout.contains("expiring: The secret"), "{ended:?}");
    }
    let listed: Value = serde_json::from_str(&stage.run(&["rotations", "-o", "json"]).stdout).unwrap();
    assert_eq!(codes(&listed["management"][0]), ["expiring"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_ours_with_time_left_is_shown_and_nothing_is_asked_where_nothing_rotates() {
    let stage = Stage::new(&[("etl", ETL)], Plot { rotate: "frozen: true", ..PLAIN }).await;
    let (_, report) = stage.audit(&[]);
    assert_eq!(report["management"], Value::Array(vec![]), "never looked at");
    let (code, report) = stage.audit(&["--rotate"]);
    let own = &report["management"][0];
    assert_eq!((code, codes(own), &own["expiry"]["days_left"]), (0, vec![], &300.into()));
    assert!(
        stage
            .run(&["plan"])
            .stdout
            .starts_with("credwatch itself (entra 0d4ad62c-1c60-4a4a-9fd3-5bd1d4a1f0f5): good until 20")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn n16_an_expired_admin_stops_every_app_cleanly_and_is_named() {
    let stage = Stage::new(&[("etl", ETL), ("crm", CRM)], Plot { ends: -3, ..PLAIN }).await;
    let (code, report) = stage.audit(&["--rotate"]);
    let own = &report["management"][0];
    assert_eq!((code, codes(own), &own["test"]["verdict"]), (1, vec!["expired-secret"], &"expired_secret".into()));
    assert_eq!(own["test"]["error_codes"], serde_json::json!([7_000_222]));
    assert!(own["findings"][0]["remedy"].as_str().unwrap().contains("`management:`"), "{own}");
    assert_eq!(debts(&report), ["rotation-failed", "rotation-failed"]);
    for (name, client_id) in [("etl", ETL), ("crm", CRM)] {
        assert_eq!(credential(&report, name)["test"]["verdict"], "valid");
        assert_eq!(stage.count(client_id), 1);
    }
    let rotate = stage.run(&["rotate"]);
    assert_eq!(rotate.code, 1, "{rotate:?}");
    assert!(rotate.stdout.contains("AADSTS7000222"), "{rotate:?}");
    // What was refused stays told where nothing is asked.
    let (_, report) = stage.audit(&["--offline"]);
    assert_eq!(report["management"][0]["label"], "entra 0d4ad62c-1c60-4a4a-9fd3-5bd1d4a1f0f5");
}

#[tokio::test(flavor = "multi_thread")]
async fn n16_a_401_in_the_middle_of_a_run_stops_one_app_and_the_next_run_goes_on() {
    let stage = Stage::new(&[("etl", ETL), ("crm", CRM)], PLAIN).await;
    stage.sandbox.graph().troubles.add(Trouble::SignedOut);
    let ended = stage.run(&["rotate"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("HTTP 401"), "{ended:?}");
    assert_eq!(stage.count(ETL) + stage.count(CRM), 3, "one was made, the other was not");
    for _ in 0..3 {
        assert_eq!(stage.run(&["rotate"]).code, 0);
    }
    assert_eq!((stage.count(ETL), stage.count(CRM)), (2, 2), "no orphan");
}

#[tokio::test(flavor = "multi_thread")]
async fn n16_an_orphan_that_may_not_be_removed_is_reported_until_it_may() {
    let stage = Stage::new(&[("etl", ETL)], Plot { live_deadline: "400ms", ..PLAIN }).await;
    // The new secret is never accepted, so that it must go again.
    stage.sandbox.directory().replicate(&[Duration::from_secs(3_600)]);
    stage.sandbox.graph().forbid_removals(true);
    for _ in 0..2 {
        let (code, report) = stage.audit(&["--rotate"]);
        let etl = credential(&report, "etl");
        assert_eq!((code, debts(&report)), (3, vec!["orphan-left"]), "{report}");
        assert!(codes(etl).contains(&"orphan-left"), "{etl}");
        assert_eq!(stage.count(ETL), 2, "and no further one is made");
    }
    stage.sandbox.graph().forbid_removals(false);
    stage.run(&["rotate"]);
    assert!(stage.sandbox.graph().passwords(ETL).iter().any(|left| left.value.expose() == stage.secrets[1]));
    let (_, report) = stage.audit(&[]);
    assert!(!codes(credential(&report, "etl")).contains(&"orphan-left"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn n16_rights_to_one_app_alone_rotate_that_one_and_stop_the_other_cleanly() {
    let roles = ["Application.ReadWrite.OwnedBy"];
    let stage = Stage::new(&[("etl", ETL), ("crm", CRM)], Plot { roles: &roles, ..PLAIN }).await;
    stage.sandbox.graph().set_owner(MANAGER, ETL);
    let (code, report) = stage.audit(&["--rotate"]);
    assert_eq!((code, debts(&report)), (3, vec!["rotation-failed"]), "{report}");
    assert!(report["run"]["incomplete"][0]["message"].as_str().unwrap().starts_with("crm: "), "{report}");
    assert_eq!((stage.count(ETL), stage.count(CRM)), (2, 1));
    // Our own client is not ours to read either: its end cannot be told, which is nobody's fault.
    let own = &report["management"][0];
    assert_eq!((codes(own), &own["severity"], &own["expiry"]["at"]), (vec![], &"ok".into(), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_clock_differs_by_more_than_five_minutes_is_given_nothing_to_make() {
    let stage = Stage::new(&[("etl", ETL)], PLAIN).await;
    stage.sandbox.graph().set_clock_skew(TimeDelta::minutes(-9));
    let ended = stage.run(&["rotate"]);
    assert!(ended.code == 3 && ended.stdout.contains("clock"), "{ended:?}");
    assert_eq!(stage.count(ETL), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_delivers_to_key_vault() {
    let mut stage = Stage::new(&[("etl", ETL)], Plot { rotate: "frozen: true", ..PLAIN }).await;
    let vault = stage.sandbox.key_vault();
    vault.put("etl", Secret::new(stage.secrets[1].clone()));
    let here = format!("http://{}", stage.sandbox.address());
    let place = format!("azure-key-vault:{here}/secrets/etl");
    let inventory = format!(
        "version: 1\napps:\n  - {{name: etl, provider: entra, tenant: {TENANT}, authority: '{here}', graph: '{here}', client_id: {ETL}, \
         secret: '{place}', rotate: {{deliver_to: ['{place}'], grace: 300ms}}}}\n"
    );
    stage.program = stage.program.file("inventory/apps.yaml", &inventory);
    let ended = stage.run(&["rotate"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let new = stage.sandbox.graph().passwords(ETL).pop().unwrap();
    let written = stage.sandbox.key_vault().history("etl");
    assert_eq!(written, [stage.secrets[1].clone(), new.value.expose().to_owned()]);
    stage.secrets.push(new.value.expose().to_owned());
    stage.is_clean(&ended);
    let (code, report) = stage.audit(&["--rotate", "-vv"]);
    assert_eq!((code, &credential(&report, "etl")["test"]["verdict"]), (0, &"valid".into()), "{report}");
}

/// The form's secret, thrown back in every member.
fn echo(request: &str) -> Reply {
    let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
    let sent = url::form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "client_secret");
    let sent = serde_json::json!(sent.map(|(_, value)| value));
    let text = format!("AADSTS7000215: {}", sent.as_str().unwrap_or_default());
    let body = serde_json::json!({"error": "invalid_client", "error_description": text, "error_codes": [7_000_215],
        "trace_id": sent, "correlation_id": sent, "error_uri": sent});
    Reply::Json(401, body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn n13_a_token_endpoint_that_echoes_secrets_during_a_rotation_finds_no_reader() {
    // It knows the old secret alone: the new one is thrown back until it is given up.
    let old = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let known = std::sync::Arc::clone(&old);
    let endpoint = Endpoint::answering(move |request| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        let known = known.lock().unwrap().clone();
        match url::form_urlencoded::parse(body.as_bytes())
            .any(|(name, value)| name == "client_secret" && value == known)
        {
            true => Reply::Json(200, TOKEN.to_owned()),
            false => echo(request),
        }
    });
    let app = format!("token_endpoint: '{}',", endpoint.url());
    let mut stage = Stage::new(&[("etl", ETL)], Plot { app: &app, live_deadline: "400ms", ..PLAIN }).await;
    old.lock().unwrap().clone_from(&stage.secrets[1]);
    let args = ["audit", "--rotate", "-vv", "-o", "json=out.json", "-o", "html=out.html", "-o", "table=out.txt"];
    let ended = stage.program.run(&args);
    let sent = endpoint.requests();
    let values = sent.iter().filter_map(|request| {
        let body = request.split("\r\n\r\n").nth(1)?.to_owned();
        let found =
            url::form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "client_secret")?.1.into_owned();
        Some(found)
    });
    stage.secrets.extend(values.filter(|value| *value != stage.secrets[1]).collect::<Vec<_>>());
    assert!(stage.secrets.len() > 2, "a new secret was tried: {ended:?}");
    stage.is_clean(&ended);
    assert_eq!(stage.count(ETL), 1, "and given up: {ended:?}");

    // The same of our own sign-in.
    let endpoint = Endpoint::answering(echo);
    let entry = format!("token_endpoint: '{}'", endpoint.url());
    let stage = Stage::new(&[("etl", ETL)], Plot { entry: &entry, ..PLAIN }).await;
    let (code, report) = stage.audit(&["--rotate", "-vv", "-o", "html=out.html"]);
    assert_eq!((code, codes(&report["management"][0])), (1, vec!["invalid-secret"]), "{report}");
}
