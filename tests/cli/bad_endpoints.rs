//! Endpoints that misbehave: each gets its own verdict, and the app beside it is tested all the same.

use std::time::{Duration, Instant};

use crate::{
    endpoint::{Endpoint, Reply, TOKEN},
    program::{Program, app, credential, verdict},
};

fn audit_beside_a_good_one(bad_url: &str, args: &[&str]) -> (i32, serde_json::Value) {
    let good = Endpoint::tokens();
    let text = format!("version: 1\napps:\n{}{}", app("bad", bad_url, "S"), app("good", &good.url(), "S"));
    let program = Program::with_inventory(&text).env("S", "CANARY-secret-k3Jd82hAs");
    let (ended, report) = program.audit(args);
    assert_eq!(verdict(&report, "good"), "valid");
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    (ended.code, report)
}

fn raw(text: &str) -> Endpoint {
    let bytes = text.replace('\n', "\r\n").into_bytes();
    Endpoint::answering(move |_| Reply::Raw(bytes.clone()))
}

#[test]
fn answers_that_are_no_token_answers() {
    for (what, answer) in [
        ("html with 200", "HTTP/1.1 200 OK\ncontent-type: text/html\ncontent-length: 20\n\n<html>log in</html> "),
        ("empty 200", "HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: 0\n\n"),
        (
            "token is null",
            "HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: 21\n\n{\"access_token\":null}",
        ),
        (
            "token is empty",
            "HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: 19\n\n{\"access_token\":\"\"}",
        ),
        ("cut short", "HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: 19\n\n{\"access_token\":\"ab"),
    ] {
        let endpoint = raw(answer);
        let (code, report) = audit_beside_a_good_one(&endpoint.url(), &[]);
        assert_eq!((code, verdict(&report, "bad")), (3, "bad_response"), "{what}");
        assert_eq!(credential(&report, "bad")["test"]["secret_accepted"], serde_json::Value::Null, "{what}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let other = Endpoint::tokens();
        let endpoint = raw(&format!("HTTP/1.1 {status} Moved\nlocation: {}\ncontent-length: 0\n\n", other.url()));
        let (code, report) = audit_beside_a_good_one(&endpoint.url(), &[]);
        assert_eq!((code, verdict(&report, "bad")), (3, "bad_response"), "{status}");
        assert!(other.requests().is_empty(), "{status} sent the secret on");
    }
}

#[test]
fn an_endless_answer_is_cut() {
    let endpoint = Endpoint::answering(|_| Reply::Endless);
    let (code, report) = audit_beside_a_good_one(&endpoint.url(), &[]);
    assert_eq!((code, verdict(&report, "bad")), (3, "bad_response"));
}

#[test]
fn a_silent_endpoint_ends_at_the_deadline() {
    let endpoint = Endpoint::answering(|_| Reply::Silent);
    let begin = Instant::now();
    let (code, report) = audit_beside_a_good_one(&endpoint.url(), &["--timeout", "1s"]);
    assert_eq!((code, verdict(&report, "bad")), (3, "unreachable"));
    assert!(begin.elapsed() < Duration::from_secs(10), "the deadline covers everything");
}

#[test]
fn nobody_listening_is_unreachable() {
    let port = Endpoint::tokens().port;
    let (code, report) =
        audit_beside_a_good_one(&format!("http://127.0.0.1:{}/token", if port == 9 { 7 } else { 9 }), &[]);
    assert_eq!((code, verdict(&report, "bad")), (3, "unreachable"));
}

#[test]
fn a_far_retry_after_ends_at_once_as_throttled() {
    let endpoint = raw("HTTP/1.1 429 Too Many Requests\nretry-after: 86400\ncontent-length: 17\n\nToo Many Requests");
    let begin = Instant::now();
    let (code, report) = audit_beside_a_good_one(&endpoint.url(), &[]);
    assert_eq!((code, verdict(&report, "bad")), (3, "throttled"));
    assert_eq!(credential(&report, "bad")["test"]["attempts"], 1);
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_short_retry_after_is_honoured_and_the_second_answer_counts() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let endpoint = Endpoint::answering(move |_| {
        if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            Reply::Raw(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n".to_vec())
        } else {
            Reply::Json(200, TOKEN.to_owned())
        }
    });
    let begin = Instant::now();
    let (code, report) = audit_beside_a_good_one(&endpoint.url(), &[]);
    assert_eq!((code, verdict(&report, "bad")), (0, "valid"));
    assert_eq!(credential(&report, "bad")["test"]["attempts"], 2);
    assert!(begin.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_host_off_the_allow_list_receives_nothing() {
    let endpoint = Endpoint::tokens();
    let text = format!("version: 1\napps:\n{}", app("bad", &endpoint.url(), "S"));
    let program = Program::with_inventory(&text)
        .file("inventory/credwatch.yaml", "version: 1\nallow: [login.microsoftonline.com]\n")
        .env("S", "s3cret");
    let (ended, report) = program.audit(&[]);
    assert_eq!((ended.code, verdict(&report, "bad")), (1, "untested"));
    assert_eq!(credential(&report, "bad")["findings"][0]["code"], "host-not-allowed");
    assert!(endpoint.requests().is_empty());
}

#[test]
fn a_secret_id_or_a_blemished_value_is_not_sent() {
    let endpoint = Endpoint::tokens();
    let entra = format!(
        "  - {{name: id, provider: entra, tenant: contoso.example, authority: 'http://127.0.0.1:{}', client_id: 5d55a7f4-9d2f-4b32-8b5b-0ad38fcdde4c, secret: 'env:ID', expires: 2099-01-01}}\n",
        endpoint.port
    );
    let text = format!(
        "version: 1\napps:\n{entra}{}{}{}",
        app("space", &endpoint.url(), "SPACE"),
        app("empty", &endpoint.url(), "EMPTY"),
        app("guid", &endpoint.url(), "ID")
    );
    let program = Program::with_inventory(&text)
        .env("ID", "6befd701-d38a-45b1-bbad-79ddca296f85")
        .env("SPACE", " padded ")
        .env("EMPTY", "");
    let (ended, report) = program.audit(&[]);
    assert_eq!(ended.code, 1);
    assert_eq!(verdict(&report, "id"), "secret_id_instead_of_value");
    assert_eq!(credential(&report, "id")["test"]["attempts"], 0);
    for (name, code) in [("space", "secret-has-whitespace"), ("empty", "secret-empty")] {
        assert_eq!(verdict(&report, name), "unreadable");
        assert_eq!(credential(&report, name)["findings"][0]["code"], code);
    }
    assert_eq!(verdict(&report, "guid"), "valid", "outside Entra a GUID may be a real secret");
    assert_eq!(endpoint.requests().len(), 1);
}
