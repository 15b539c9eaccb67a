//! No secret in any output, at any log level, even when the server throws it back.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    endpoint::{Endpoint, Reply},
    program::{Program, app},
};

const SECRET: &str = "CANARYa7Gk2~Q9wZ.x4Tt8Rr1Yy6Uu3Ii0Oo5Pp7";

/// The value in the ways servers and formats write it, and every 12-character window of it.
fn disguises() -> Vec<String> {
    let hex = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![BASE64_STANDARD.encode(SECRET), hex, SECRET.replace('~', "%7E")];
    all.extend(SECRET.as_bytes().windows(12).map(|window| String::from_utf8(window.to_vec()).unwrap()));
    all
}

fn assert_clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for disguise in disguises() {
        assert!(!text.contains(&disguise), "{what} holds {disguise}");
    }
    assert!(!text.contains("token-CANARY-5hXw2Qk9"), "{what} holds the access token");
}

#[test]
fn a_server_that_echoes_the_secret_finds_no_reader() {
    let echo = Endpoint::answering(|_| {
        Reply::Json(
            401,
            format!(
                r#"{{"error":"{SECRET}","error_description":"you sent {SECRET} ({}) and {}","trace_id":"{SECRET}","correlation_id":"{SECRET}","error_codes":[7000215]}}"#,
                BASE64_STANDARD.encode(SECRET),
                &SECRET[..20]
            ),
        )
    });
    let html = Endpoint::answering(|_| {
        Reply::Raw(
            format!("HTTP/1.1 500 {SECRET}\r\nx-echo: {SECRET}\r\ncontent-length: 45\r\n\r\n<p>{SECRET}</p>")
                .into_bytes(),
        )
    });
    let stray = Endpoint::answering(|_| {
        let token = "token-CANARY-5hXw2Qk9";
        Reply::Json(
            400,
            format!(r#"{{"access_token":"{token}","error":"{token}","error_description":"have {token}"}}"#),
        )
    });
    let good = Endpoint::tokens();
    let text = format!(
        "version: 1\ndefaults: {{owners: [owner@example.org]}}\napps:\n{}{}{}{}{}",
        app("stray", &stray.url(), "S"),
        app("echo", &echo.url(), "S"),
        app("html", &html.url(), "S"),
        app("good", &good.url(), "S"),
        app("basic", &echo.url(), "S").replace("client_secret_post", "client_secret_basic")
    );
    let formats: Vec<String> =
        ["table", "json", "ndjson", "csv", "markdown", "html", "junit", "sarif", "prometheus", "ics"]
            .iter()
            .map(|format| format!("{format}=out.{format}"))
            .collect();
    let mut args = vec!["audit", "-vv", "--log-format", "json"];
    args.extend(formats.iter().flat_map(|format| ["-o", format.as_str()]));
    let program =
        Program::with_inventory(&text).env("S", SECRET).env("RUST_BACKTRACE", "full").env("RUST_LOG", "trace");
    let ended = program.run(&args);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_clean("stdout", ended.stdout.as_bytes());
    assert_clean("stderr", ended.stderr.as_bytes());
    let files = program.files();
    assert!(files.len() > 10, "reports and state were written");
    for (path, bytes) in files {
        assert_clean(&path.display().to_string(), &bytes);
    }
}

#[test]
fn the_manual_test_shows_claims_but_no_token() {
    let claims = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(r#"{"aud":"api://payroll","roles":["read"]}"#);
    let token = format!("eyJhbGciOiJub25lIn0.{claims}.token-CANARY-5hXw2Qk9");
    let endpoint = Endpoint::answering(move |_| {
        Reply::Json(200, format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":60}}"#))
    });
    let program = Program::new().env("S", SECRET);
    let url = endpoint.url();
    let ended = program.run(&[
        "test",
        "--provider",
        "oauth2",
        "--token-endpoint",
        &url,
        "--client-id",
        "etl",
        "--secret",
        "env:S",
        "--show-claims",
    ]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("api://payroll"), "{}", ended.stdout);
    assert_clean("stdout", ended.stdout.as_bytes());
    assert_clean("stderr", ended.stderr.as_bytes());
}

#[test]
fn a_secret_typed_as_a_flag_is_refused_without_echo() {
    let ended = Program::new().run(&[
        "test",
        "--provider",
        "oauth2",
        "--token-endpoint",
        "https://id.example.org/t",
        "--client-id",
        "etl",
        "--secret",
        SECRET,
    ]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("SECRET_LOOKS_INLINE"), "{}", ended.stderr);
    assert_clean("stderr", ended.stderr.as_bytes());
}
