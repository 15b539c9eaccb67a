use clap::Parser;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::body_string_contains};

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn args(line: &[&str]) -> Args {
    Cli::try_parse_from([&["test"], line].concat()).unwrap().args
}

fn fault(line: &[&str]) -> String {
    let args = args(line);
    let source = Source::of(&args).map_err(|fault| fault.to_string());
    source
        .and_then(|source| app(args.app.0, source, &Settings::default()).map_err(|fault| fault.to_string()))
        .unwrap_err()
}

#[test]
fn an_app_of_flags_is_checked_like_one_of_the_inventory() {
    let line = [
        "--provider",
        "entra",
        "--tenant",
        "example.org",
        "--client-id",
        "x",
        "--secret",
        "env:S",
        "--param",
        "resource=https://a",
    ];
    let app = app(args(&line).app.0, Source::Reference, &Settings::default()).unwrap();
    assert_eq!((&*app.name, app.client_id.as_str(), app.params["resource"].as_str()), ("test", "x", "https://a"));
    let faults =
        fault(&["--provider", "entra", "--tenant", "common", "--base-url", "http://example.org", "--secret", "env:S"]);
    insta::assert_snapshot!(faults, @r#"
    INSECURE_URL --base-url: plain http to another machine can be read and changed on its way
        write `https://`; plain `http://` is for 127.0.0.1, [::1] and localhost
    MISSING_FIELD --client-id: `client_id` is missing
        the id that the provider gave the app (Entra: Application ID)
    INVALID_VALUE --tenant: the provider cannot work with this
        an app signs in to one tenant, and `common`, `organizations` and `consumers` are none; write the tenant's GUID or one of its verified domains, as the app's overview page shows it
    "#);
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let known = ["--provider", "oauth2", "--token-endpoint", "https://id.example.org/t", "--client-id", "x"];
    let pasted = fault(&[&known[..], &["--secret", "-canary~7Qm2"]].concat());
    insta::assert_snapshot!(pasted, @r#"
    SECRET_LOOKS_INLINE --secret: this is not a reference but looks like the secret itself
        a command line is seen by others on this machine and kept by the shell: replace this secret, and give `env:NAME`, `file:PATH`, or `-` to read it from stdin
    "#);
    let bare = fault(&[&known[..], &["canary~7Qm2"]].concat());
    insta::assert_snapshot!(bare, @"the only argument is `-`, to read the secret from stdin; what was typed here is not repeated, and if it was a secret, others on this machine may have seen it: replace it");
    assert!(!format!("{:?}", args(&["--secret", "canary~7Qm2"])).contains("7Qm2"));
    let error = Cli::try_parse_from(["test", "--param", "canary~7Qm2"]).unwrap_err().to_string();
    assert!(error.contains("NAME=VALUE") && !error.contains("7Qm2"), "{error}");
}

#[test]
fn the_secret_comes_from_one_place() {
    let source = |line: &[&str]| Source::of(&args(line)).ok();
    assert_eq!(source(&["--secret", "env:S"]), Some(Source::Reference));
    assert_eq!(source(&["--certificate", "file:c.pem"]), Some(Source::Reference));
    assert_eq!(source(&["-"]), Some(Source::Stdin));
    assert_eq!(source(&["--secret", "-"]), Some(Source::Stdin));
    assert_eq!(source(&["--secret", "env:S", "-"]), None);
}

#[test]
fn claims_are_shown_and_an_opaque_token_is_called_so() {
    let jwt = Secret::new("e30.eyJhdWQiOiJ4Iiwicm9sZXMiOlsiYSJdfQ.c2ln".to_owned());
    insta::assert_snapshot!(claims(Some(&jwt)), @r#"
    {
      "aud": "x",
      "roles": [
        "a"
      ]
    }
    "#);
    assert_eq!(claims(Some(&Secret::new("canary".to_owned()))), "The token is opaque: it shows no claims.");
    assert_eq!(claims(None), "No token was issued, so there are no claims.");
}

#[tokio::test]
async fn one_credential_is_tested_and_the_exit_code_says_how() {
    let server = MockServer::start().await;
    let token = ResponseTemplate::new(200)
        .set_body_json(serde_json::json!({"access_token": "canary-token", "token_type": "Bearer"}));
    let refusal = ResponseTemplate::new(401).set_body_json(serde_json::json!({"error": "invalid_client"}));
    Mock::given(body_string_contains("client_id=good")).respond_with(token).mount(&server).await;
    Mock::given(body_string_contains("client_id=bad")).respond_with(refusal).mount(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let (secret, report) = (folder.path().join("secret"), folder.path().join("report.json"));
    std::fs::write(&secret, "canary\n").unwrap();
    let config = folder.path().join("credwatch.yaml");
    std::fs::write(&config, "version: 1\n").unwrap();
    let common = Common { config: Some(config), ..Common::default() };
    for (client_id, exit, verdict) in [("good", Exit::Clean, "valid"), ("bad", Exit::Findings, "invalid_secret")] {
        let line = [
            "--provider",
            "oauth2",
            "--token-endpoint",
            &server.uri(),
            "--auth-method",
            "client_secret_post",
            "--client-id",
            client_id,
            "--secret",
            &format!("file:{}", secret.display()),
            "--expires",
            "2099-01-01",
            "--output",
            &format!("json={}", report.display()),
        ]
        .map(str::to_owned);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        assert_eq!(run(args(&line), &common).await.unwrap(), exit);
        let json: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
        assert_eq!(json["credentials"][0]["test"]["verdict"], verdict);
        assert!(!json.to_string().contains("canary"));
    }
}
